"""Connections to who listens inside an environment: batches of events over HTTP or TCP.

The socket belongs to the environment's network, the other end is in hostile hands: every read is
bounded here, every wait is bounded by whoever calls.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable

from stoker.core.invoke_limits import RECEIPT_BYTES, SEND_BUFFER_BYTES
from stoker.core.receipts import receipt
from stoker.core.subscriptions import Destination

Connector = Callable[[], Awaitable[socket.socket]]
_HERE = "127.0.0.1"
_READ_BYTES = 4096
_READS = 16  # of what a subscriber over TCP says, at a time: nobody asked it
_AT_ONCE = struct.pack("ii", 1, 0)  # no lingering: what a dead reader did not take is gone


class Line:
    """One connection at a time, made when it is needed."""

    def __init__(self, destination: Destination, connector: Connector) -> None:
        self._loop = asyncio.get_running_loop()
        self._destination = destination
        self._connector = connector
        self._sock: socket.socket | None = None
        self._unread = 0  # bytes of the last answer

    async def connect(self) -> socket.socket:
        """OSError, SandboxFailed: nobody listens there."""
        self.drop()
        sock = await self._connector()
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIPT_BYTES)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.sock_connect(sock, (_HERE, self._destination.port))
        except BaseException:
            sock.close()
            raise
        self._sock, self._unread = sock, 0
        return sock

    async def send(self, events: list[bytes]) -> bool:
        """Was the batch taken? Also OSError and SandboxFailed mean that it was not."""
        if self._destination.path is None:
            return await self._send_lines(events)
        return await self._post(events, self._destination.path)

    def drop(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    # --- TCP: events, each with a newline ---

    async def _send_lines(self, events: list[bytes]) -> bool:
        sock = self._sock
        if sock is None or not _lives(sock):
            sock = await self.connect()
        await self._loop.sock_sendall(sock, b"\n".join([*events, b""]))
        return True

    # --- HTTP: an array of events ---

    async def _post(self, events: list[bytes], path: str) -> bool:
        to = self._destination
        body = b"[%b]" % b",".join(events)
        head = (
            f"{to.method} {path} HTTP/1.1\r\nHost: {to.host}:{to.port}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        request = head.encode() + body
        if self._sock is not None and not _read(self._sock, self._unread):
            self.drop()
        if self._sock is not None:
            taken = await self._exchange(self._sock, request, used=True)
            if taken is not None:
                return taken
        return await self._exchange(await self.connect(), request, used=False) is True

    async def _exchange(self, sock: socket.socket, request: bytes, *, used: bool) -> bool | None:
        """None: a connection that was used before has been closed meanwhile."""
        data = b""
        try:
            await self._loop.sock_sendall(sock, request)
            while (found := receipt(data)) is None:
                more = await self._loop.sock_recv(sock, _READ_BYTES)
                data += more
                if not more or len(data) > RECEIPT_BYTES:
                    self.drop()
                    return None if used and not data else False
        except ConnectionError:
            self.drop()
            if used and not data:
                return None
            raise
        except ValueError:
            self.drop()
            return False
        left = -1 if found.body_bytes is None else found.head_bytes + found.body_bytes - len(data)
        if found.keep and 0 <= left <= RECEIPT_BYTES:
            self._unread = left  # nobody waits for the rest of an answer
        else:
            self.drop()
        return found.taken


def _read(sock: socket.socket, size: int) -> bool:
    """Is there so much, and nothing amiss?"""
    try:
        while size > 0:
            more = sock.recv(min(size, _READ_BYTES))
            size -= len(more)
            if not more:
                return False
    except OSError:
        return False
    return True


def _lives(sock: socket.socket) -> bool:
    try:
        for _ in range(_READS):
            if not sock.recv(_READ_BYTES):
                return False
    except BlockingIOError:
        return True
    except OSError:
        return False
    return True
