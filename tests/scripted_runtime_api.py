"""A Runtime API that plays a fixed list of events to one runtime client, and notes what it does.

    run = play([sys.executable, "-m", "awslambdaric", "app.handler"], environ, [Event(b"{}")])
    run.posts[0].body, run.status

What the client had written to its log (framed, stdout, stderr) when it posted an answer is kept
with that answer, so that many cases can share one process. After the last answer the client finds
no further event, and is killed.
"""

import contextlib
import os
import select
import socket
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

PATIENCE_S = 60.0  # for a client that does nothing more; a test fails then, it does not hang
LOG_FD_VARIABLE = "_LAMBDA_TELEMETRY_LOG_FD"
OK = b'{"status":"OK"}\n'


@dataclass(frozen=True)
class Event:
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    answer: tuple[int, bytes] = (202, OK)  # what the client's post is answered
    chunked: bool = False  # how the event itself is sent


@dataclass
class Post:
    """One answer of the client, and what it had logged before."""

    path: str  # without the base path and the request id
    request_id: str
    headers: dict[str, str]  # lower-case names
    body: bytes
    stdout: str
    stderr: str
    frames: list[tuple[int, str]]  # (type, message)


@dataclass
class Run:
    posts: list[Post]
    status: int | None  # how the client ended by itself; None if it had to be killed
    stdout: str  # what came after the last post
    stderr: str
    frames: list[tuple[int, str]]
    sends: list[list[str]]  # what each recv of ours contained: "POST /…", "GET /…"


def play(
    command: Sequence[str | Path],
    environ: Mapping[str, str],
    events: Sequence[Event],
    *,
    cwd: Path,
    framed: bool = True,
) -> Run:
    """Start the client, give it the events, and report what it did."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        pipes = [os.pipe() for _ in range(3)]
        for reader, _ in pipes:
            stack.callback(os.close, reader)
            os.set_blocking(reader, False)
        (_, stdout), (_, stderr), (_, frames) = pipes
        address = "127.0.0.1:%d" % listener.getsockname()[1]  # noqa: UP031
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={
                "AWS_LAMBDA_RUNTIME_API": address,
                **({LOG_FD_VARIABLE: str(frames)} if framed else {}),
                **environ,
            },
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=(frames,) if framed else (),
        )
        for _, writer in pipes:
            os.close(writer)
        played = _Play(listener, [reader for reader, _ in pipes], list(events))
        try:
            over = played.until_silent_or_gone(process)
            status = process.wait(PATIENCE_S) if over else None
        finally:
            process.kill()
            process.wait()
            played.close()
        return Run(played.posts, status, *played.logged(), played.sends)


class _Play:
    def __init__(self, listener: socket.socket, logs: list[int], events: list[Event]) -> None:
        self.listener, self.logs, self.events = listener, logs, events
        self.posts: list[Post] = []
        self.sends: list[list[str]] = []
        self.current: Event | None = None
        self.connections: dict[socket.socket, bytes] = {}
        self.pending = [bytearray(), bytearray(), bytearray()]

    def until_silent_or_gone(self, process: "subprocess.Popen[bytes]") -> bool:
        """Whether the client ended by itself (or is about to): else it waits for more events."""
        gone = os.pidfd_open(process.pid)
        try:
            while True:
                watched: list[socket.socket | int] = [
                    self.listener,
                    *self.connections,
                    *self.logs,
                    gone,
                ]
                ready, _, _ = select.select(watched, [], [], PATIENCE_S)
                assert ready, f"the client is stuck after {len(self.posts)} answers"
                if self.listener in ready:
                    connection, _ = self.listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.connections[connection] = b""
                self._drain()
                for connection in [c for c in self.connections if c in ready]:
                    if not self._serve(connection):
                        return False
                if gone in ready:
                    return True
        finally:
            os.close(gone)

    def close(self) -> None:
        for connection in self.connections:
            connection.close()

    def logged(self) -> tuple[str, str, list[tuple[int, str]]]:
        """What was logged since the last call."""
        self._drain()
        stdout, stderr, frames = (bytes(data) for data in self.pending)
        for data in self.pending:
            data.clear()
        return stdout.decode(), stderr.decode(), list(_frames(frames))

    def _drain(self) -> None:
        for reader, pending in zip(self.logs, self.pending, strict=True):
            with contextlib.suppress(BlockingIOError):
                while data := os.read(reader, 1 << 20):
                    pending += data

    def _serve(self, connection: socket.socket) -> bool:
        """Take what has come. False when the client asks for an event and there is none."""
        try:
            data = connection.recv(1 << 20)
        except ConnectionResetError:
            data = b""
        if not data:
            del self.connections[connection]
            connection.close()
            return True
        data = self.connections[connection] + data
        lines = []
        more = True
        while more and (request := _request(data)):
            method, path, headers, body, data = request
            lines.append(f"{method} {path}")
            more = self._answer(connection, method, path, headers, body)
        self.connections[connection] = data
        if lines:
            self.sends.append(lines)
        return more

    def _answer(
        self,
        connection: socket.socket,
        method: str,
        path: str,
        headers: dict[str, str],
        body: bytes,
    ) -> bool:
        assert path.startswith("/2018-06-01/runtime/"), path
        parts = path.split("/")[3:]
        if method == "GET":
            assert parts == ["invocation", "next"]
            if not self.events:
                return False
            self.current = self.events.pop(0)
            connection.sendall(_event(self.current))
            return True
        request_id = parts[1] if parts[0] == "invocation" else ""
        name = "/".join(part for part in parts if part != request_id)
        self.posts.append(Post(name, request_id, headers, body, *self.logged()))
        status, text = (202, OK) if self.current is None else self.current.answer
        connection.sendall(_response(status, {"Content-Type": "application/json"}, text))
        return True


def _request(data: bytes) -> tuple[str, str, dict[str, str], bytes, bytes] | None:
    head, end, rest = data.partition(b"\r\n\r\n")
    if not end:
        return None
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    if headers.get("transfer-encoding") == "chunked":
        chunks = b""
        while True:
            size, end, rest = rest.partition(b"\r\n")
            length = int(size, 16) if end else -1
            if length == 0:
                trailers, end, rest = (b"\r\n" + rest).partition(b"\r\n\r\n")
                for line in trailers.decode().split("\r\n")[1:]:
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                return (method, path, headers, chunks, rest) if end else None
            if length < 0 or len(rest) < length + 2:
                return None
            chunks, rest = chunks + rest[:length], rest[length + 2 :]
    length = int(headers.get("content-length", "0"))
    if len(rest) < length:
        return None
    return method, path, headers, rest[:length], rest[length:]


def _event(event: Event) -> bytes:
    headers = {
        "Lambda-Runtime-Aws-Request-Id": event.request_id,
        "Lambda-Runtime-Deadline-Ms": "4102444800000",
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:1:function:f",
        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
        "Content-Type": "application/json",
        **event.headers,
    }
    return _response(200, headers, event.body, event.chunked)


def _response(status: int, headers: Mapping[str, str], body: bytes, chunked: bool = False) -> bytes:
    lines = [f"HTTP/1.1 {status} Any", *(f"{name}: {value}" for name, value in headers.items())]
    if not chunked:
        return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
    half = len(body) // 2
    data = "\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode()
    for piece in filter(None, (body[:half], body[half:])):
        data += b"%x\r\n%s\r\n" % (len(piece), piece)
    return data + b"0\r\n\r\n"


def _frames(data: bytes) -> Iterator[tuple[int, str]]:
    while data:
        kind, length = int.from_bytes(data[:4], "big"), int.from_bytes(data[4:8], "big")
        assert len(data) >= 16 + length, "a frame is cut off"
        yield kind, data[16 : 16 + length].decode()
        data = data[16 + length :]
