"""A server behind a proxy: it says the same to everybody, and remembers what it was asked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

OK = b"HTTP/1.1 418 Teapot\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\nContent-Length: 4\r\n\r\nfine"


@dataclass
class Backend:
    """Answers each connection once, in the same way."""

    port: int = 0
    answer: bytes = OK
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            _, _, length = head.partition("content-length: ")
            self.heads.append(head)
            self.bodies.append(await reader.readexactly(int(length.split()[0]) if length else 0))
            writer.write(self.answer)
            await writer.drain()
            if not self.answer:
                await reader.read()  # says nothing until the other side has enough
        finally:
            writer.close()


@asynccontextmanager
async def open_backend() -> AsyncIterator[Backend]:
    backend = Backend()
    async with await asyncio.start_server(backend.serve, "127.0.0.1", 0) as server:
        backend.port = server.sockets[0].getsockname()[1]
        yield backend
