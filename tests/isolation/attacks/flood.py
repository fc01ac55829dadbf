"""Saying more than anybody can hear: to the log, to the Runtime API, to the endpoint."""

import os
import socket
import struct
import time

from network import endpoint_port

MIB = 1 << 20
NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"
PING = b"GET /2018-06-01/ping HTTP/1.1\r\nHost: x\r\n\r\n"


def one_line(mb: int) -> None:
    piece = b"l" * MIB
    for _ in range(mb):
        _write(1, piece)
    _write(1, b"\nthe line after\n")


def lines_without_end() -> None:
    piece = b"a line that says nothing\n" * 2000
    while True:
        _write(1, piece)


def frames(seconds: float) -> None:
    """Descriptor 62: frames of all sizes, one that never ends, and then what is no frame."""
    header = struct.Struct(">IIQ")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        _write(62, header.pack(0xA55A0003, 5, 0) + b"small")
        _write(62, header.pack(0xA55A000F, MIB, 0) + b"m" * MIB)
    _write(62, header.pack(0xA55A0003, 0xFFFFFFFF, 0))
    for _ in range(64):
        _write(62, b"g" * MIB)


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def pings(count: int) -> int:
    """Requests without waiting for answers, and without reading them for long."""
    with socket.create_connection(("127.0.0.1", 9001)) as sock:
        sock.setblocking(False)
        sent = read = 0
        end = time.monotonic() + 10
        pending = memoryview(PING * count)
        while read < count and time.monotonic() < end:
            try:
                sent += sock.send(pending[sent:]) if sent < len(pending) else 0
            except BlockingIOError:
                read += _read_pongs(sock)
            else:
                read += _read_pongs(sock) if sent == len(pending) else 0
        return read


def _read_pongs(sock: socket.socket) -> int:
    try:
        return sock.recv(65536).count(b"pong")
    except BlockingIOError:
        time.sleep(0.001)
        return 0


def body_without_end(path: str, seconds: float) -> dict[str, object]:
    """A chunked body that goes on until somebody ends it."""
    sent = 0
    with socket.create_connection(("127.0.0.1", 9001)) as sock:
        sock.settimeout(5)
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        sock.sendall(head.encode())
        chunk = b"%x\r\n" % MIB + b"b" * MIB + b"\r\n"
        end = time.monotonic() + seconds
        try:
            while time.monotonic() < end:
                sock.sendall(chunk)
                sent += MIB
        except OSError as error:
            return {"sent_mb": sent // MIB, "ended": type(error).__name__}
    return {"sent_mb": sent // MIB, "ended": ""}


def unfinished(where: str, connections: int, mb_each: float) -> dict[str, int]:
    """Requests that never come to their end, each as large as it may be; how they are answered."""
    port, start = {
        "heads of the Runtime API": (9001, "GET / HTTP/1.1\r\nX: "),
        "heads of the endpoint": (endpoint_port(), "GET / HTTP/1.1\r\nX: "),
        "invocations": (endpoint_port(), _post("/2015-03-31/functions/any/invocations", 6)),
        "packages": (endpoint_port(), _post("/2015-03-31/functions", 66)),
    }[where]
    held = []
    for _ in range(connections):
        sock = socket.create_connection(("127.0.0.1", port))
        sock.settimeout(5)
        try:
            sock.sendall(start.encode())
            left = int(mb_each * MIB)
            while left:
                left -= sock.send(b"x" * min(left, MIB))
        except OSError:
            pass  # it was cut off
        held.append(sock)
    answers: dict[str, int] = {}
    for sock in held:
        sock.settimeout(0.01)
        try:
            answer = sock.recv(64).split(b" ")[1].decode()
        except (OSError, IndexError):
            answer = "none yet"
        answers[answer] = answers.get(answer, 0) + 1
        sock.close()
    return answers


def _post(path: str, mb: int) -> str:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {mb * 1_000_000}\r\n\r\n"


def names(count: int) -> int:
    """Requests under names nobody has heard of, each a different one and long."""
    with socket.create_connection(("127.0.0.1", endpoint_port())) as sock:
        sock.settimeout(10)
        for n in range(count):
            host = f"{n}." + "h" * 60_000
            sock.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            while b"\r\n\r\n" not in sock.recv(65536):
                pass
    return count


def answers_not_taken(function: str, connections: int) -> int:
    """Ask for the same large answer on one connection after the other, and take none of them."""
    scope = "x/20260101/r/lambda/aws4_request, SignedHeaders=host, Signature=0"
    body = b'{"attack": "flood.large", "with": {}}'
    request = (
        f"POST /2015-03-31/functions/{function}/invocations HTTP/1.1\r\nHost: localhost\r\n"
        f"Authorization: AWS4-HMAC-SHA256 Credential={scope}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    held: list[socket.socket] = []
    began = 0
    for _ in range(connections):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.settimeout(10)
        sock.connect(("127.0.0.1", endpoint_port()))
        sock.sendall(request)
        began += len(sock.recv(1, socket.MSG_PEEK))
        held.append(sock)
    for sock in held:
        sock.close()
    return began


def large() -> str:
    return "a" * 5_000_000


def services(names: list[str]) -> int:
    """One request to each of AWS's services."""
    answered = 0
    with socket.create_connection(("127.0.0.1", endpoint_port())) as sock:
        sock.settimeout(30)
        for name in names:
            scope = f"x/20260101/r/{name}/aws4_request, SignedHeaders=host, Signature=0"
            sock.sendall(
                "GET /nothing HTTP/1.1\r\nHost: localhost\r\n"
                f"Authorization: AWS4-HMAC-SHA256 Credential={scope}\r\n\r\n".encode()
            )
            answered += sock.recv(65536).startswith(b"HTTP/1.1 ")
    return answered
