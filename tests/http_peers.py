"""Both ends of `stoker.http` for its tests: a recording application, and a plain client."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import uvloop

from stoker.http.base import Exchange
from stoker.http.limits import Limits
from stoker.http.server import HttpServer

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
uvloop.new_event_loop().close()  # libuv keeps one pipe per process from its first loop on
PATIENCE_S = 30.0  # how long a test waits for what must come; none waits for what must not


class Recorder:
    """An application that notes what it is told, and answers with the body unless told else."""

    def __init__(
        self,
        complete: Callable[[Exchange], None] | None = None,
        begin: Callable[[Exchange], int] | None = None,
    ) -> None:
        self.begun: list[Exchange] = []
        self.completed: list[Exchange] = []
        self.gone: list[Exchange] = []
        self._begin = begin
        self._complete = complete
        self._news = asyncio.Event()

    def begin(self, exchange: Exchange) -> int:
        self.begun.append(exchange)
        self._news.set()
        return self._begin(exchange) if self._begin else 1 << 20

    def complete(self, exchange: Exchange) -> None:
        self.completed.append(exchange)
        self._news.set()
        if self._complete is None:
            exchange.respond(200, [("X-Target", exchange.target)], exchange.body)
        else:
            self._complete(exchange)

    def lost(self, exchange: Exchange) -> None:
        self.gone.append(exchange)
        self._news.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what has been told so far meets the condition."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._news.clear()
                await self._news.wait()


class Peer:
    """A client's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        async with asyncio.timeout(PATIENCE_S):
            await self.writer.drain()

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers by lower-case name, and the body by Content-Length."""
        async with asyncio.timeout(PATIENCE_S):
            status, headers = parse_answer(await self.reader.readuntil(b"\r\n\r\n"))
            body = await self.reader.readexactly(int(headers.get("content-length", 0)))
        return status, headers, body

    async def rest(self) -> bytes:
        """Everything until the server closes."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.reader.read()

    async def close(self) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


def parse_answer(head: bytes) -> tuple[int, dict[str, str]]:
    lines = head.decode("latin-1").split("\r\n")[:-2]
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        assert name.lower() not in headers, f"header twice: {name}"
        headers[name.lower()] = value.strip()
    return int(lines[0].split(" ")[1]), headers


class Served:
    """A running server with a way to reach it."""

    def __init__(self, server: HttpServer, address: tuple[str, int]) -> None:
        self.server = server
        self.address = address
        self.peers: list[Peer] = []

    async def connect(self) -> Peer:
        peer = Peer(*await asyncio.open_connection(*self.address))
        self.peers.append(peer)
        return peer


@asynccontextmanager
async def served(application: Recorder, limits: Limits | None = None) -> AsyncIterator[Served]:
    sock = socket.create_server(("127.0.0.1", 0))
    sock.setblocking(False)
    server = HttpServer(application, limits=limits or Limits())
    await server.serve(sock)
    here = Served(server, sock.getsockname())
    try:
        yield here
    finally:
        for peer in here.peers:
            await peer.close()
        await server.close(0)
        sock.close()
        assert server.connections == 0
        assert server._ticks is None, "a timer outlives the server"


def run(loop: str, main: Callable[[], Awaitable[None]]) -> None:
    """Run on the named loop; no task may be left when `main` ends."""

    async def checked() -> None:
        await main()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(checked())


def post(body: bytes, headers: bytes = b"", target: bytes = b"/p") -> bytes:
    head = b"POST %s HTTP/1.1\r\nHost: x\r\n%sContent-Length: %d\r\n\r\n"
    return head % (target, headers, len(body)) + body


def chunked(*pieces: bytes, headers: bytes = b"", trailers: bytes = b"") -> bytes:
    head = b"POST /p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n%s\r\n" % headers
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + chunks + b"0\r\n" + trailers + b"\r\n"
