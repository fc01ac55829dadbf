"""Calling the Runtime API beside the runtime, rightly and wrongly."""

import json
import os
import socket
import sys
from http.client import HTTPConnection
from typing import Any

BASE = "/2018-06-01/runtime"
SEEN: list[str] = []  # ids of earlier invocations


def own_id() -> str:
    """The id of the invocation in hand: asking again gets the same event again."""
    return call("GET", f"{BASE}/invocation/next")[2]


def call(method: str, path: str, body: str | None = None) -> tuple[int, str, str]:
    connection = HTTPConnection("127.0.0.1", 9001, timeout=10)
    connection.request(method, path, body)
    answer = connection.getresponse()
    said = answer.read().decode("latin-1")
    connection.close()
    return answer.status, said, answer.headers["Lambda-Runtime-Aws-Request-Id"] or ""


def _kind(method: str, path: str, body: str | None = None) -> list[Any]:
    status, said, _ = call(method, path, body)
    try:
        return [status, json.loads(said)["errorType"]]
    except (ValueError, KeyError):
        return [status, said.strip()]


def wrongly() -> dict[str, list[Any]]:
    """What is not legal while an invocation runs."""
    mine = own_id()
    SEEN.append(mine)
    post = {
        "an unknown id": "/invocation/00000000-0000-4000-8000-000000000000/response",
        "no id": "/invocation//response",
        "dots": f"/invocation/../invocation/{mine}/response",
        "an escaped id": f"/invocation/%2e%2e%2f{mine}/response",
        "upper case": f"/invocation/{mine.upper()}X/error",
        "init is over": "/init/error",
    }
    outcomes = {what: _kind("POST", BASE + path, "{}") for what, path in post.items()}
    outcomes["a wrong method"] = _kind("PUT", f"{BASE}/invocation/next")
    outcomes["a wrong path"] = _kind("GET", "/2018-06-01/nothing")
    outcomes["another version"] = _kind("GET", "/2099-01-01/runtime/invocation/next")
    return outcomes


def late() -> list[Any]:
    """An answer to an invocation that is over."""
    return _kind("POST", f"{BASE}/invocation/{SEEN[-1]}/response", '"late"')


def twice() -> None:
    """Answer beside the runtime, and again; the runtime's own answer is the third."""
    path = f"{BASE}/invocation/{own_id()}/"
    outcomes = [
        call("POST", path + "response", '"the first"')[0],
        *(_kind("POST", path + verb, '"another"') for verb in ("response", "error")),
    ]
    print("outcomes", json.dumps(outcomes), file=sys.stderr, flush=True)


def from_a_child() -> str:
    """A child process answers."""
    path = f"{BASE}/invocation/{own_id()}/response"
    pid = os.fork()
    if pid == 0:
        call("POST", path, '"from the child"')
        os._exit(0)
    os.waitpid(pid, 0)
    return "from the runtime"


def ask_for_more_and_leave() -> None:
    """A child waits for the next event, in place of the runtime, and dies when it gets it."""
    if os.fork() == 0:
        sock = socket.create_connection(("127.0.0.1", 9001))
        sock.sendall(f"GET {BASE}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        sock.recv(1 << 16)  # the event in hand, once more
        sock.sendall(f"GET {BASE}/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        sock.recv(1)
        os._exit(0)


def garbage() -> list[str]:
    """The first line of what is answered to what is no HTTP."""
    return [_first_line(data) for data in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"H: x\r\n" * 1000 + b"\r\n",
        b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
        b"CONNECT host:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    )]  # fmt: skip


def _first_line(data: bytes) -> str:
    with socket.create_connection(("127.0.0.1", 9001)) as sock:
        sock.settimeout(10)
        sock.sendall(data)
        return sock.recv(65536).partition(b"\r\n")[0].decode()
