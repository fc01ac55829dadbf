"""The leanest honest Python runtime client: one raw socket, the answer and the request for the
next event in one send. Stands for the fastest thing that can run under RIE.

    python3 -I -S raw_bootstrap.py FOLDER MODULE.FUNCTION
"""

import _socket
import importlib
import json
import os
import sys

API = b"/2018-06-01/runtime/invocation/"
NEXT = b"GET " + API + b"next HTTP/1.1\r\nHost: runtime\r\n\r\n"
POST = b"POST " + API + b"%s/response HTTP/1.1\r\nHost: runtime\r\nContent-Length: %d\r\n\r\n"


def main() -> None:
    sys.path.insert(0, sys.argv[1])
    module, _, name = sys.argv[2].rpartition(".")
    handler = getattr(importlib.import_module(module), name)
    host, _, port = os.environ["AWS_LAMBDA_RUNTIME_API"].rpartition(":")
    sock = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    sock.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
    sock.connect((host, int(port)))
    sock.sendall(NEXT)
    head, body, rest = read_message(sock, b"")
    while True:
        answer = json.dumps(handler(json.loads(body), None)).encode()
        request_id = value_of(head, b"lambda-runtime-aws-request-id")
        sock.sendall(POST % (request_id, len(answer)) + answer + NEXT)
        _receipt, _, rest = read_message(sock, rest)
        head, body, rest = read_message(sock, rest)


def read_message(sock: _socket.socket, data: bytes) -> tuple[bytes, bytes, bytes]:
    """(head in lower case, body, what follows it)."""
    while (end := data.find(b"\r\n\r\n")) < 0:
        data += received(sock)
    head = data[:end].lower()
    end += 4 + int(value_of(head, b"content-length"))
    while len(data) < end:
        data += received(sock)
    return head, data[len(head) + 4 : end], data[end:]


def received(sock: _socket.socket) -> bytes:
    data = sock.recv(16384)
    if not data:
        sys.exit()
    return data


def value_of(head: bytes, name: bytes) -> bytes:
    start = head.index(b"\r\n" + name + b":") + len(name) + 3
    end = head.find(b"\r\n", start)
    return head[start : end if end > 0 else None].strip()


main()
