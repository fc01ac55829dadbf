"""Answers on their way to one peer: written at once, held for company, and waited for."""

import asyncio
import os
from collections.abc import Callable
from typing import Final


class Outlet:
    """What one connection sends."""

    __slots__ = ("_drained", "_fd", "_transport", "_waiting", "blocked", "held")

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._fd: int | None = None
        self.held = b""  # an answer that may go out with the next
        self.blocked = False  # the peer does not take what was written
        self._waiting: list[asyncio.Future[None]] = []
        self._drained: Callable[[], None] | None = None

    def open(self, transport: asyncio.Transport, fd: int | None) -> None:
        """`fd`: the transport's, which both asyncio and uvloop close after connection_lost()."""
        self._transport = transport
        self._fd = fd
        # So that a single byte the peer has not taken counts, for drained() and for time-outs.
        transport.set_write_buffer_limits(high=0)

    @property
    def peer(self) -> str:
        """Its IP address; "" if it has none, or is gone."""
        name = self._transport.get_extra_info("peername") if self._transport else None
        return str(name[0]) if isinstance(name, tuple) else ""

    def send(self, *parts: bytes) -> None:
        """Write now, behind what is held; nowhere when the end has come."""
        transport = self._transport
        if transport is None:
            return
        if self.held:
            parts = (self.held, *parts)
            self.held = b""
        if len(parts) > 1 and sum(map(len, parts)) > _WORTH_JOINING:
            transport.writelines(parts)
            return
        data = parts[0] if len(parts) == 1 else b"".join(parts)
        fd = self._fd
        if fd is not None and not self.blocked and not transport.get_write_buffer_size():
            # uvloop would keep it until all that is to be done now is done; a peer may begin.
            try:
                sent = os.write(fd, data)
            except OSError:
                sent = 0  # the transport will find out why
            if sent == len(data):
                return
            data = data[sent:]
        transport.write(data)

    def end(self) -> None:
        """Send what is held, and nothing any more."""
        if self.held:
            self.send()
        self._transport = None

    async def drained(self) -> None:
        """Wait until everything written has left for the peer."""
        if self._transport is None:
            raise ConnectionResetError("the peer is gone")
        if self.blocked:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def when_drained(self, call: Callable[[], None]) -> None:
        """Call once when everything written has left for the peer, or never will."""
        if self.blocked and self._transport is not None:
            self._drained = call
        else:
            call()

    def unblock(self) -> None:
        self.blocked = False
        self._call_drained()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def lose(self) -> None:
        """The peer is gone, and nothing written will be taken."""
        self._transport = None
        self.held = b""
        self._call_drained()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(ConnectionResetError("the peer is gone"))
        self._waiting.clear()

    def _call_drained(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None:
            drained()


_WORTH_JOINING: Final = 64 * 1024
