"""Answers on their way to one peer: written at once, held for company, and waited for."""

import asyncio


class Outlet:
    """What one connection sends."""

    __slots__ = ("_transport", "_waiting", "blocked", "held")

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self.held = b""  # an answer that may go out with the next
        self.blocked = False  # the peer does not take what was written
        self._waiting: list[asyncio.Future[None]] = []

    def open(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        # So that a single byte the peer has not taken counts, for drained() and for time-outs.
        transport.set_write_buffer_limits(high=0)

    def send(self, *parts: bytes) -> None:
        """Write now, behind what is held; nowhere when the end has come."""
        transport = self._transport
        if transport is None:
            return
        if self.held:
            parts = (self.held, *parts)
            self.held = b""
        if len(parts) == 1:
            transport.write(parts[0])
        else:
            transport.writelines(parts)

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

    def unblock(self) -> None:
        self.blocked = False
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()

    def lose(self) -> None:
        """The peer is gone, and nothing written will be taken."""
        self._transport = None
        self.held = b""
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(ConnectionResetError("the peer is gone"))
        self._waiting.clear()
