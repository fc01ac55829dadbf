"""What one process prints, from its pipes to log events.

    stdout, stderr ── Lines ──┐
    descriptor 62 ── Frames ──┴─► emit(events)

A pass over a pipe is bounded in bytes and events, so that a chatty function cannot starve the
loop; what it prints faster than that stays in its pipe, where it waits for us. Nothing grows.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable

from stoker.core.frames import Event, Frames, Lines
from stoker.core.invoke_limits import EVENTS_PER_PASS, READ_BYTES
from stoker.sandbox.base import Process

Emit = Callable[[list[Event]], None]
_F_GETPIPE_SZ = getattr(fcntl, "F_GETPIPE_SZ", None)
_PIPE_BYTES = 1024 * 1024  # the most a process without privileges can make a pipe hold
_PUMPS = 3  # per pipe and pass


class Output:
    """The pipes of one process. They are read from now on, until their end or close()."""

    def __init__(self, process: Process, emit: Emit) -> None:
        self._pipes = [_Pipe(fd, Lines(), emit) for fd in (process.stdout, process.stderr)]
        if process.frames >= 0:
            self._pipes.append(_Pipe(process.frames, Frames(), emit))

    @property
    def ended(self) -> bool:
        """Nobody can print any more, and all has been read."""
        return all(pipe.closed for pipe in self._pipes)

    def settle(self) -> bool:
        """Emit everything that was printed before the first of these calls, also a line that has
        no end yet. False: that would take too long now, call again in a moment."""
        settled = [pipe.settle() for pipe in self._pipes]
        return all(settled)

    def close(self) -> None:
        """Emit what is there, up to a bound, and stop reading."""
        for pipe in self._pipes:
            pipe.close()


class _Pipe:
    __slots__ = ("_again", "_decoder", "_emit", "_fd", "_loop", "_quota", "closed")

    def __init__(self, fd: int, decoder: Lines | Frames, emit: Emit) -> None:
        self._fd = fd
        self._decoder = decoder
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._quota: int | None = None  # bytes that settle() has still to read
        self._again = False
        self.closed = False
        self._loop.add_reader(fd, self._readable)

    def settle(self) -> bool:
        if self.closed:
            return True
        if self._quota is None:
            self._quota = _capacity(self._fd)
        for _ in range(_PUMPS):
            # What was printed before we began to settle is no more than the pipe could hold.
            more = self._pump()
            if not more or (self._quota <= 0 and more is not _EVENTS):
                self._quota = None
                self._flush()
                return True
        return False

    def close(self) -> None:
        if not self.closed:
            self.settle()
            self._end()

    def _readable(self) -> None:
        self._again = False
        if not self.closed and self._pump() is _EVENTS and not self._again:
            self._again = True  # the pipe may have nothing more to wake us with
            self._loop.call_soon(self._readable)

    def _pump(self) -> int:
        """One bounded piece of work; truthy if there may be more."""
        events = self._decoder.take(EVENTS_PER_PASS)
        if len(events) == EVENTS_PER_PASS:
            self._emit(events)
            return _EVENTS
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            data = None
        except OSError:
            data = b""
        if data:
            if self._quota is not None:
                self._quota -= len(data)
            self._decoder.feed(data)
            events += self._decoder.take(EVENTS_PER_PASS - len(events))
        if events:
            self._emit(events)
        if data:
            return _EVENTS if len(events) == EVENTS_PER_PASS else _BYTES
        if data is not None:
            self._flush()
            self._end()
        return 0

    def _flush(self) -> None:
        rest = self._decoder.flush()
        if rest:
            self._emit(rest)

    def _end(self) -> None:
        if not self.closed:
            self.closed = True
            self._loop.remove_reader(self._fd)
            os.close(self._fd)


_BYTES, _EVENTS = 1, 2  # what _pump() may have left: in the pipe, or read and not yet emitted


def _capacity(fd: int) -> int:
    if _F_GETPIPE_SZ is None:
        return _PIPE_BYTES
    return int(fcntl.fcntl(fd, _F_GETPIPE_SZ))
