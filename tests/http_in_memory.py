"""One connection of `stoker.http` without a socket: the bytes go in as they were cut."""

import asyncio
import gzip
from itertools import pairwise
from typing import Any

from stoker.http.base import Exchange
from stoker.http.connection import Connection
from stoker.http.limits import Limits
from stoker.http.server import HttpServer
from tests.http_peers import GET, Recorder, chunked, post

LIMITS = Limits(head_bytes=600, header_fields=12, discard_bytes=5000, pipelined_bytes=300)
ACCEPTED = 2000
Told = list[tuple[Any, ...]]

REQUESTS = [
    GET,
    b"\r\n" + GET,
    b"HEAD /h HTTP/1.1\r\nHost: x\r\n\r\n",
    post(b""),
    post(b"\r\n\r\nGET / HTTP/1.1\r\n\r\n"),
    post(b"x" * 700),
    post(b"y" * (ACCEPTED + 1)),
    post(gzip.compress(b"z" * 900), b"Content-Encoding: gzip\r\n"),
    post(gzip.compress(b"z" * 9000), b"Content-Encoding: gzip\r\n"),
    post(b"upgraded", b"Connection: upgrade\r\nUpgrade: h2c\r\n"),
    post(b"expected", b"Expect: 100-continue\r\n"),
    chunked(b"a", b"bcd" * 50, headers=b"Trailer: T\r\n", trailers=b"T: 1\r\nU: 2\r\n"),
    chunked(b"e" * (ACCEPTED + 500)),
    chunked(),
]
LAST = [
    b"",
    post(b"cut short")[:-3],
    chunked(b"cut short")[:-6],
    chunked(b"f" * 9000),
    post(b"h" * 9000),
    post(b"not gzip", b"Content-Encoding: gzip\r\n"),
    b"GET /1.0 HTTP/1.0\r\n\r\n",
    b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n" + GET,
    b"GET / HTTP/1.1\r\nA: " + b"b" * 600 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 13 + b"\r\n",
    b"rubbish\r\n\r\n",
]


class Wire(asyncio.Transport):
    """The loop's end of a connection, in memory: takes what is written, and says what is due."""

    def __init__(self, protocol: Connection) -> None:
        super().__init__()
        self.protocol = protocol
        self.written = b""
        self.reading = True
        self.over = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.over
        self.written += data

    def write_eof(self) -> None:
        pass

    def pause_reading(self) -> None:
        assert self.reading
        self.reading = False

    def resume_reading(self) -> None:
        assert not self.reading
        self.reading = True

    def is_closing(self) -> bool:
        return self.over

    def close(self) -> None:
        if not self.over:
            self.over = True
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close


async def converse(pieces: list[bytes], late: bool) -> tuple[Told, list[bytes]]:
    """Send the pieces, then the end; what the application was told and the final answers."""
    loop = asyncio.get_running_loop()
    broken: list[dict[str, Any]] = []
    loop.set_exception_handler(lambda _, context: broken.append(context))

    def complete(exchange: Exchange) -> None:
        if late:
            loop.call_soon(exchange.respond, 200, [], b"ok")
        else:
            exchange.respond(200, [], b"ok")

    app = Recorder(begin=lambda e: ACCEPTED, complete=complete)
    server = HttpServer(app, limits=LIMITS)
    wire = Wire(Connection(server))
    wire.protocol.connection_made(wire)
    for piece in pieces:
        for _ in range(1000):
            if wire.reading or wire.over:
                break
            await asyncio.sleep(0)
        else:
            raise AssertionError("never reads again")
        if not wire.over:
            wire.protocol.data_received(piece)
    for _ in range(1000):  # all that is whole is answered before the peer ends
        await asyncio.sleep(0)
        idle = wire.protocol._exchange is None and not wire.protocol._again
        if idle and len(app.begun) == len(app.completed):
            break
    if not wire.over and not wire.protocol.eof_received():
        wire.close()
    for _ in range(20):
        await asyncio.sleep(0)
    assert wire.over, "the connection never ends"
    assert app.completed == app.begun
    assert broken == []
    await server.close(0)
    told = [
        (e.method, e.target, e.headers, e.trailers, e.truncated, e.oversized)
        + (() if e.truncated else (e.body,))
        for e in app.completed
    ]
    answers = wire.written.split(b"HTTP/1.1 ")
    return told, [answer[:3] for answer in answers if answer[:3] not in (b"", b"100")]


def cut(stream: bytes, places: list[int]) -> list[bytes]:
    marks = sorted({place % (len(stream) + 1) for place in places} | {0, len(stream)})
    return [stream[a:b] for a, b in pairwise(marks)]
