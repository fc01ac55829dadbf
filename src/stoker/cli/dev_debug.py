"""A debugger of this machine comes to a function: a port here, and what listens for it there."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

from stoker.cli.dev_link import Link, LinkLost, Refused

_CHUNK = 65536


class Relay:
    """Listens on 127.0.0.1 until close()."""

    def __init__(self, link: Link, greeting: bytes, say: Callable[[str], None]) -> None:
        """`greeting`: who begins otherwise is no debugger, and is not let in."""
        self._link = link
        self._greeting = greeting
        self._say = say
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()

    async def listen(self, port: int) -> int:
        """Raise OSError."""
        self._server = await asyncio.start_server(self._came, "127.0.0.1", port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._open):
            task.cancel()
        if self._open:
            await asyncio.wait(self._open)

    async def _came(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            first = await reader.readexactly(len(self._greeting))
            if first.lower() == self._greeting.lower():
                await self._serve(reader, writer)
        except (asyncio.CancelledError, asyncio.IncompleteReadError):
            pass  # it is over for all of us
        except (Refused, LinkLost, OSError) as error:
            self._say(f"debugger: {error or 'the server is gone'}")
        finally:
            writer.close()
            self._open.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, sock = await self._link.attach()
        try:
            inside_reader, inside_writer = await _streams(sock)
            inside_writer.write(self._greeting)
            self._say("debugger attached: nothing times out, and nothing is frozen")
            try:
                there = asyncio.create_task(_pass_on(reader, inside_writer))
                back = asyncio.create_task(_pass_on(inside_reader, writer))
                try:
                    await asyncio.wait({there, back}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    there.cancel()
                    back.cancel()
                    await asyncio.wait({there, back})
            finally:
                inside_writer.close()
        finally:
            with suppress(LinkLost, Refused, TimeoutError):
                await self._link.detach(number)
        self._say("debugger gone")


async def _streams(sock: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock.setblocking(False)
    try:
        return await asyncio.open_connection(sock=sock)
    except BaseException:
        sock.close()
        raise


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
