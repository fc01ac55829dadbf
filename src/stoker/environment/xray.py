"""X-Ray in one environment: takes what SDKs send to its daemon, and adds Lambda's own segments."""

import asyncio
import time
from os import urandom
from typing import Final

from stoker.core.invocation import Target
from stoker.core.segments import IDS, Course, Span, segments
from stoker.core.tracing import DOCUMENT_BYTES, segment_of
from stoker.environment.hand import Hand
from stoker.observe.traces import Owner, Traces
from stoker.sandbox.base import Listener

PER_TURN: Final = 64  # datagrams read before others get their turn
PER_S: Final = 1000  # read of one environment; what is more, the kernel drops
BYTES_PER_S: Final = 1024 * 1024  # the same, of all that it sends
_SAMPLED: Final = "Sampled=1"
_LONGEST: Final = DOCUMENT_BYTES + 1024


class Xray:
    def __init__(
        self, listener: Listener, target: Target, traces: Traces, per_s: int = PER_S
    ) -> None:
        """The socket is the sandbox's; close() comes before the sandbox is destroyed."""
        self._sock = listener.sock
        self._owner = Owner(target.account, target.region, target.name)
        self._traces = traces
        self._loop = asyncio.get_running_loop()
        self._reading = False
        self._per_s = self._left = per_s
        self._left_bytes = BYTES_PER_S
        self._refill: asyncio.TimerHandle | None = None
        self._init: Span | None = None  # of the next invocation to be told
        self._restored = False

    def start(self) -> None:
        self._reading = True
        self._loop.add_reader(self._sock, self._readable)

    def close(self) -> None:
        """Idempotent. What has come by now is still taken."""
        if self._refill is not None:
            self._refill.cancel()
            self._refill = None
        if self._reading:
            self._readable()
            self._pause()

    def init_ended(self, init_ms: float, now: float, *, restored: bool = False) -> None:
        """`now` is monotonic, here and below. `restored`: a snapshot was."""
        end = _epoch_s(now)
        self._init, self._restored = (end - init_ms / 1000, end), restored

    def invoke_ended(self, hand: Hand, now: float, *, failed: bool) -> None:
        """With active tracing. `failed`: otherwise than by an error that it answered."""
        init, self._init = self._init, None
        if _SAMPLED not in hand.invocation.trace_id:
            return  # nineteen of twenty are not worth what follows
        course = Course(
            began=_epoch_s(hand.began),
            ended=_epoch_s(now),
            handed=_epoch_s(hand.began if hand.handed is None else hand.handed),
            answered=None if hand.answered is None else _epoch_s(hand.answered),
            init=init,
            restored=self._restored,
            failed=failed or bool(hand.error),
            cause=hand.cause,
        )
        came_ms = time.time_ns() // 1_000_000
        for segment in segments(hand.invocation, course, [urandom(8).hex() for _ in range(IDS)]):
            self._traces.put(self._owner, segment, came_ms)

    def _readable(self) -> None:
        for _ in range(PER_TURN):
            try:
                datagram = self._sock.recv(_LONGEST)
            except OSError:  # also BlockingIOError: there is no more
                return
            self._take(datagram)
            self._left -= 1
            self._left_bytes -= len(datagram)
            if self._refill is None:
                self._refill = self._loop.call_later(1.0, self._filled)
            if self._left <= 0 or self._left_bytes <= 0:
                self._pause()
                return

    def _take(self, datagram: bytes) -> None:
        segment = segment_of(datagram)
        if segment is not None:
            self._traces.put(self._owner, segment, time.time_ns() // 1_000_000)

    def _filled(self) -> None:
        self._refill = None
        self._left, self._left_bytes = self._per_s, BYTES_PER_S
        if not self._reading:
            self.start()

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._sock)


def _epoch_s(moment: float) -> float:
    """Of a moment of the monotonic clock, not long ago."""
    return time.time() - (time.monotonic() - moment)
