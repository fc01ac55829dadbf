"""Which pages of a zygote its children write to: learnt once, from a child on trial.

A forked process copies each page when it first writes to it, at a fault each, and an interpreter
writes wherever it counts a reference: some 500 pages until its first event is answered, half of
them while a client waits. The child on trial runs a function of ours to the end of its first
invocation, against a Runtime API of ours. What it then has for itself, every later child is given
in a few calls while it is prepared (birth.c, `provide`). Of that it gives back, when it is
at rest, what is as the zygote has it (original.c).

Standard library only, syntax of Python 3.8: it runs under the function's interpreter.
"""

from __future__ import annotations

import array
import json
import os
import socket
import struct
from typing import Callable, Iterator, NoReturn  # noqa: UP035 (Python 3.8)

TASK = "/var/task"
HANDLER = b'''"""A module like others: its compilation, too, writes to pages."""

import json
import time

count = 0


def handler(event: dict, context: object) -> dict:
    """Answer what was asked."""
    global count
    count += 1
    return {"count": count, "data": event["data"]}


def records(event, context=None):
    print(f"{len(event['Records'])} records")
    for record in event["Records"]:
        handler(json.loads(record["body"]), context)


def later(event, context):
    time.sleep(1.0)
    return handler(event, context)
'''
SPAN = struct.Struct("=3Q")  # address, length, advice: birth.c, struct span
PATIENCE_S = 10.0
_PAGE = 4096
_READ, _WRITE = 22, 23  # MADV_POPULATE_*, since Linux 5.14
_MOST_BYTES = 65536  # of what is found: a pipe takes so much at once
_PRESENT, _FILE, _ALONE = 1 << 63, 1 << 61, 1 << 56  # of an entry of /proc/PID/pagemap
_BODY = b'{"data": "' + b"x" * 1000 + b'"}'
_EVENT = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
    b"Lambda-Runtime-Deadline-Ms: 1700000000000\r\n"
    b"Lambda-Runtime-Aws-Request-Id: 00000000-0000-4000-8000-000000000000\r\n"
    b"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:trial\r\n"
    b"Lambda-Runtime-Trace-Id: Root=1-00000000-000000000000000000000000;Sampled=0\r\n"
    b"Content-Length: %d\r\n\r\n" % len(_BODY) + _BODY
)
_RECEIPT = b'HTTP/1.1 202 Accepted\r\nContent-Length: 16\r\n\r\n{"status": "OK"}'
_NEXT = b"/invocation/next"

_LIBRARY_PATH = os.environ.get("LD_LIBRARY_PATH", "")  # while it is there

Fork = Callable[[], int]
Run = Callable[[socket.socket], NoReturn]


def spans(proc: int, settle: Callable[[], None], fork: Fork, run: Run) -> bytes:
    """Packed SPANs; b"" where they cannot be found out.

    proc: descriptor of the host's /proc directory. settle: what the zygote will do yet before it
    serves. fork, run: as for every later child. All of it happens in a fork, which stands in for
    the zygote and leaves that as it was.
    """
    found = os.pipe()
    path = TASK + "/main.py"
    with open(path, "wb") as file:
        file.write(HANDLER)
    stand_in = os.fork()
    if stand_in == 0:
        try:
            settle()
            _try(proc, fork, run, found[1])
        finally:
            os._exit(0)
    os.close(found[1])
    with open(found[0], "rb") as pipe:
        packed = pipe.read()
    os.waitpid(stand_in, 0)
    os.unlink(path)
    return packed[: len(packed) // SPAN.size * SPAN.size]


def _try(proc: int, fork: Fork, run: Run, found: int) -> None:
    """As the zygote. An observer is forked first, so that what we write to meanwhile is still
    shared by the other two, and does not count."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(1)
    server.settimeout(PATIENCE_S)
    go, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    theirs.settimeout(None)
    numbers = os.pipe()
    observer = os.fork()
    if observer == 0:
        try:
            os.write(found, _observe(proc, server, go, numbers[0]))
        finally:
            os._exit(0)
    child = fork()
    if child == 0:
        try:
            go.close()  # else it would wait for ever where the other two were killed
            run(theirs)
        finally:
            os._exit(1)
    os.write(numbers[1], b"%d" % child)
    os.waitpid(observer, 0)
    os.kill(child, 9)
    os.waitpid(child, 0)


def _observe(proc: int, server: socket.socket, go: socket.socket, numbers: int) -> bytes:
    """Be the platform for two invocations, then look."""
    go.settimeout(PATIENCE_S)
    go.recv(16)  # it is ready
    environ = _environ(f"127.0.0.1:{server.getsockname()[1]}")
    nothing = os.open("/dev/null", os.O_RDWR)
    rights = array.array("i", [nothing] * 3)  # send_fds is Python 3.9's
    message = json.dumps({"env": environ, "cwd": TASK}).encode()
    go.sendmsg([message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)])
    child, _ = server.accept()
    child.settimeout(PATIENCE_S)
    _await_next(child)
    child.sendall(_EVENT)
    _await_next(child)  # and its answer
    child.sendall(_RECEIPT + _EVENT)
    _await_next(child)
    pid = int(os.read(numbers, 16))
    found = b"".join(SPAN.pack(*span) for span in _spans(proc, pid))
    return found if len(found) <= _MOST_BYTES else b""


def _await_next(child: socket.socket) -> None:
    data = b""
    while _NEXT not in data:
        part = child.recv(65536)
        if not part:
            raise ConnectionError
        data += part


def _spans(proc: int, pid: int) -> Iterator[tuple[int, int, int]]:
    """What the process wrote to, and what it has of files."""
    entries = os.open(f"{pid}/pagemap", os.O_RDONLY, dir_fd=proc)
    with open(os.open(f"{pid}/maps", os.O_RDONLY, dir_fd=proc)) as lines:
        for line in lines:
            place, permissions = line.split(None, 2)[:2]
            start, end = (int(number, 16) for number in place.split("-"))
            if permissions[0] == "r" and permissions[3] == "p" and end < 1 << 47:
                data = os.pread(entries, (end - start) // _PAGE * 8, start // _PAGE * 8)
                yield from _runs(start, struct.unpack(f"={len(data) // 8}Q", data))


def _runs(start: int, pages: tuple[int, ...]) -> Iterator[tuple[int, int, int]]:
    """Neighbouring pages of one kind, as one span. Pure."""
    before, length = 0, 0
    for number, page in enumerate((*pages, 0)):
        advice = _advice(page)
        if advice != before:
            if before:
                yield start + (number - length) * _PAGE, length * _PAGE, before
            before, length = advice, 0
        length += 1


def _advice(page: int) -> int:
    if not page & _PRESENT:
        return 0
    if page & _FILE:
        return _READ
    return _WRITE if page & _ALONE else 0


def _environ(address: str) -> dict[str, str]:
    """As many variables as a function has, and as long."""
    lambdas = {
        "FUNCTION_NAME": "trial", "FUNCTION_VERSION": "$LATEST", "FUNCTION_MEMORY_SIZE": "1769",
        "LOG_GROUP_NAME": "/aws/lambda/trial", "INITIALIZATION_TYPE": "on-demand",
        "LOG_STREAM_NAME": "1970/01/01/[$LATEST]00000000000000000000000000000000",
    }  # fmt: skip
    return {
        "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
        "LD_LIBRARY_PATH": _LIBRARY_PATH,
        "LANG": "en_US.UTF-8",
        "TZ": ":UTC",
        "_HANDLER": "main.handler",
        "_LAMBDA_TELEMETRY_LOG_FD": "62",
        "LAMBDA_TASK_ROOT": TASK,
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:4566",
        "AWS_ACCESS_KEY_ID": "A" * 20,
        "AWS_SECRET_ACCESS_KEY": "A" * 40,
        "AWS_SESSION_TOKEN": "A" * 300,
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "169.254.79.129",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "AWS_LAMBDA_RUNTIME_API": address,
        **{"AWS_LAMBDA_" + name: value for name, value in lambdas.items()},
    }
