"""The HTTP/1.1 server: accepts on listening sockets and serves each connection.

One instance per listener group: one for the front door, one for each environment's Runtime API.
It costs nothing while nothing happens: no task, and no timer unless a limit needs one.
"""

import asyncio
import errno
import logging
import socket
from contextlib import suppress
from typing import Final

from stoker.http.base import Application
from stoker.http.busy_poll import BusyPoll
from stoker.http.connection import Connection
from stoker.http.held import Held
from stoker.http.limits import Limits

__all__ = ["HttpServer", "Limits"]

log = logging.getLogger(__name__)

_DEFAULTS: Final = Limits()


class HttpServer:
    """Serves `application` on any number of listening sockets until `close()`."""

    def __init__(
        self,
        application: Application,
        *,
        limits: Limits = _DEFAULTS,
        awake: BusyPoll | None = None,
    ) -> None:
        """`awake`: told of what comes in one piece; shared by all servers of the event loop."""
        self.application = application
        self.limits = limits
        self.awake = awake
        self.held = Held(limits.held_bytes)
        self.closing = False
        self._listeners: dict[int, socket.socket] = {}
        self._connections: set[Connection] = set()
        self._arriving: set[asyncio.Task[None]] = set()
        self._gone = asyncio.Event()
        self._ticks: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._accepting = False
        self._warned = False
        self._tick_s = _tick_s(limits)

    @property
    def connections(self) -> int:
        """Open now."""
        return len(self._connections)

    async def serve(self, sock: socket.socket) -> None:
        """Accept on `sock`, which listens and does not block. Returns at once; accepting goes on
        until `close()`, which ends its listening. The socket stays the caller's, to be closed."""
        assert not self.closing, "cannot serve: the server is closed"
        assert sock.gettimeout() == 0, "cannot serve: the socket would block"
        # Raw accept on a reader: uvloop's create_server(sock=) lost connections in bursts, and
        # these sockets may live in another network namespace.
        self._listeners[sock.fileno()] = sock
        if self._accepting or len(self._listeners) == 1:
            self._accepting = True
            asyncio.get_running_loop().add_reader(sock, self._accept, sock)

    async def close(self, grace_s: float) -> None:
        """Stop accepting, end idle connections, give what runs `grace_s` to be answered, then
        cut it off. Afterwards nothing is left: no transport, no task, no timer."""
        self.closing = True
        self._stop_accepting()
        for listener in self._listeners.values():
            with suppress(OSError):  # macOS cannot: there, newcomers wait until it is closed
                listener.shutdown(socket.SHUT_RDWR)  # newcomers are refused, not kept waiting
        self._listeners.clear()
        if self._arriving:
            await asyncio.wait(self._arriving)  # one turn of the loop each
        for connection in list(self._connections):
            connection.retire()
        if not await self._all_gone(grace_s):
            for connection in list(self._connections):
                connection.cut()
            await self._all_gone(_CUT_S)
        if self._ticks is not None:
            self._ticks.cancel()
            self._ticks = None

    # ---- accepting ----

    def _accept(self, listener: socket.socket) -> None:
        for _ in range(_ACCEPTS_PER_WAKE):
            if self.connections >= self.limits.connections:
                self._full()
                return
            try:
                sock, _address = listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as err:
                self._cannot_accept(err)
                return
            sock.setblocking(False)
            connection = Connection(self)
            self._connections.add(connection)
            task = asyncio.get_running_loop().create_task(self._join(connection, sock))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    def _full(self) -> None:
        """Leave newcomers in the listen queue until a connection ends."""
        self._stop_accepting()
        if not self._warned:  # once: who is inside a sandbox must not write our log
            self._warned = True
            log.warning("connections at their limit", extra={"limit": self.limits.connections})

    def _cannot_accept(self, err: OSError) -> None:
        """The listener stays readable, so trying again at once would spin."""
        level = logging.WARNING if err.errno in _SHORTAGES else logging.ERROR
        log.log(level, "cannot accept", extra={"reason": str(err)})
        self._stop_accepting()
        self._retry = asyncio.get_running_loop().call_later(_RETRY_S, self._start_accepting)

    def _start_accepting(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if not self._accepting and not self.closing:
            self._accepting = True
            for listener in self._listeners.values():
                asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _stop_accepting(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._accepting:
            self._accepting = False
            for listener in self._listeners.values():
                if listener.fileno() >= 0:
                    asyncio.get_running_loop().remove_reader(listener)

    async def _join(self, connection: Connection, sock: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(lambda: connection, sock)
        except OSError as err:
            sock.close()
            self.left(connection)
            log.debug("connection lost while accepted", extra={"reason": str(err)})

    # ---- what connections call ----

    def left(self, connection: Connection) -> None:
        self._connections.discard(connection)
        self.held.count(connection, 0)
        if not self._connections:
            self._gone.set()
        if not self._accepting and self._retry is None:
            self._start_accepting()

    def watch(self) -> None:
        """A connection has a deadline: tick until none has."""
        if self._ticks is None:
            self._ticks = asyncio.get_running_loop().call_later(self._tick_s, self._tick)

    def _tick(self) -> None:
        self._ticks = None
        now = asyncio.get_running_loop().time()
        for connection in list(self._connections):
            if 0 < connection.deadline <= now:
                connection.expire()
        if any(connection.deadline for connection in self._connections):
            self.watch()

    async def _all_gone(self, within_s: float) -> bool:
        self._gone.clear()
        if self._connections:
            try:
                async with asyncio.timeout(within_s):
                    await self._gone.wait()
            except TimeoutError:
                return False
        return True


def _tick_s(limits: Limits) -> float:
    """Often enough that a time-out is late by a quarter at most."""
    times = (
        limits.idle_timeout_s,
        limits.head_timeout_s,
        limits.body_timeout_s,
        limits.write_timeout_s,
    )
    return min([1.0, *(time_s / 4 for time_s in times if time_s is not None)])


_ACCEPTS_PER_WAKE: Final = 64
_RETRY_S: Final = 0.2
_CUT_S: Final = 5.0  # for the loop to take down what was aborted
_SHORTAGES: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
