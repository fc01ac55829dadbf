"""What the processes of an environment print, from their pipes to log events.

    stdout, stderr ── Lines ──┐
    descriptor 62 ── Frames ──┴─► emit(events)

A pass over a pipe is bounded in bytes and events, so that a chatty function cannot starve the
loop; what it prints faster than that stays in its pipe, where it waits for us. Nothing grows.
"""

import asyncio
import fcntl
import os
import select
from collections.abc import Callable

from stoker.core.frames import Event, Frames, Lines
from stoker.core.invoke_limits import EVENTS_PER_PASS, READ_BYTES
from stoker.sandbox.base import Process

Emit = Callable[[list[Event]], None]
_F_GETPIPE_SZ = getattr(fcntl, "F_GETPIPE_SZ", None)
_PIPE_BYTES = 1024 * 1024  # the most a process without privileges can make a pipe hold
_PUMPS = 3  # per pipe and pass


class Outputs:
    """The pipes of all processes of one environment."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._holding: set[_Pipe] = set()  # what was read there is not all emitted yet
        self._pipes: list[_Pipe] = []

    def add(self, process: Process, emit: Emit) -> None:
        """Its pipes are read from now on, until their end or close()."""
        possible: tuple[tuple[int, Lines | Frames], ...] = (
            (process.stdout, Lines()),
            (process.stderr, Lines()),
            (process.frames, Frames()),
        )
        self._pipes = [pipe for pipe in self._pipes if not pipe.closed]
        for fd, decoder in possible:
            if fd >= 0:
                self._poll.register(fd, select.POLLIN)
                pipe = _Pipe(fd, decoder, emit, self._poll.unregister, self._holding)
                self._pipes.append(pipe)

    def settle(self) -> bool:
        """Emit everything that was printed before the first of these calls, also a line that has
        no end yet. False: that would take too long now, call again in a moment."""
        if not self._holding and not self._poll.poll(0):
            return True  # as nearly always: one look at all of them
        settled = [pipe.settle() for pipe in self._pipes]
        return all(settled)

    def close(self) -> None:
        """Emit what is there, up to a bound, and stop reading."""
        for pipe in self._pipes:
            pipe.close()


class _Pipe:
    __slots__ = (
        *("_again", "_decoder", "_decoder_full", "_emit", "_fd", "_forget", "_holding", "_loop"),
        *("_quota", "closed"),
    )

    def __init__(
        self,
        fd: int,
        decoder: Lines | Frames,
        emit: Emit,
        forget: Callable[[int], None],
        holding: "set[_Pipe]",
    ) -> None:
        self._fd = fd
        self._forget = forget
        self._holding = holding
        self._decoder = decoder
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._quota: int | None = None  # bytes that settle() has still to read
        self._again = False
        self._decoder_full = False  # it may hold whole events that nothing will wake us for
        self.closed = False
        self._loop.add_reader(fd, self._readable)

    def settle(self) -> bool:
        if self.closed:
            return True
        if self._quota is None:
            # What was printed before now is no more than the pipe can hold.
            self._quota = _capacity(self._fd)
            self._holding.add(self)  # until that has been read
        for _ in range(_PUMPS):
            if not self._pump():
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
        if self.closed or self._quota is not None:
            return  # settle() does the reading now
        if self._pump() and self._decoder_full and not self._again:
            self._again = True  # the pipe may have nothing more to wake us with
            self._loop.call_soon(self._readable)

    def _pump(self) -> bool:
        """One bounded piece of work. True: there may be more to do now."""
        events = self._decoder.take(EVENTS_PER_PASS)
        data: bytes | None = None
        if len(events) < EVENTS_PER_PASS:
            data = self._read()
            if data:
                self._decoder.feed(data)
                events += self._decoder.take(EVENTS_PER_PASS - len(events))
        self._decoder_full = len(events) == EVENTS_PER_PASS
        self._note()
        if events:
            self._emit(events)
        if data == b"":
            self._flush()
            self._end()
        return self._decoder_full or bool(data)

    def _read(self) -> bytes | None:
        """b"" at the end of the pipe; None if there is nothing now, or nothing we want now."""
        if self._quota is not None and self._quota <= 0:
            return None
        try:
            data = os.read(self._fd, READ_BYTES)
        except BlockingIOError:
            return None
        except OSError:
            return b""
        if self._quota is not None:
            self._quota -= len(data)
        return data

    def _flush(self) -> None:
        rest = self._decoder.flush()
        self._note()
        if rest:
            self._emit(rest)

    def _note(self) -> None:
        if self._quota is not None or self._decoder.holds:
            self._holding.add(self)
        else:
            self._holding.discard(self)

    def _end(self) -> None:
        if not self.closed:
            self.closed = True
            self._quota = None
            self._holding.discard(self)
            self._forget(self._fd)
            self._loop.remove_reader(self._fd)
            os.close(self._fd)


def _capacity(fd: int) -> int:
    if _F_GETPIPE_SZ is None:
        return _PIPE_BYTES
    return int(fcntl.fcntl(fd, _F_GETPIPE_SZ))
