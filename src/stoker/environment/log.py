"""The log of one environment: its stream, and the tail that a caller may have asked for."""

import time

from stoker.core.frames import Event
from stoker.core.invoke_limits import TAIL_BYTES
from stoker.observe.base import LogSink

# Framed events carry a time of the function's making; what PutLogEvents would refuse gets ours.
_OLDEST_MS = 14 * 24 * 3600 * 1000
_NEWEST_MS = 2 * 3600 * 1000


class EnvironmentLog:
    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self._tail: bytearray | None = bytearray()  # init output belongs to the first invocation

    def platform(self, *lines: bytes) -> None:
        """Lines of ours."""
        now_ms = time.time_ns() // 1_000_000
        for line in lines:
            self._sink.append(now_ms, line)
            if self._tail is not None:
                self._keep(self._tail, line)

    def output(self, events: list[Event]) -> None:
        """What a process printed."""
        now_ms = time.time_ns() // 1_000_000
        for message, timestamp_us in events:
            stamp_ms = now_ms
            if timestamp_us is not None:
                theirs_ms = timestamp_us // 1000
                if now_ms - _OLDEST_MS <= theirs_ms <= now_ms + _NEWEST_MS:
                    stamp_ms = theirs_ms
            self._sink.append(stamp_ms, message)
            if self._tail is not None:
                self._keep(self._tail, message)

    def watch_tail(self, wanted: bool) -> None:
        """An invocation begins; whatever ran before the first of all counts as its own."""
        if not wanted:
            self._tail = None
        elif self._tail is None:
            self._tail = bytearray()

    def take_tail(self) -> bytes:
        """The last 4,096 bytes, of an invocation that wanted them."""
        tail = bytes(self._tail[-TAIL_BYTES:]) if self._tail else b""
        self._tail = None
        return tail

    def close(self) -> None:
        self._sink.close()

    def _keep(self, tail: bytearray, message: bytes) -> None:
        tail += message
        if len(tail) > 2 * TAIL_BYTES:
            del tail[:-TAIL_BYTES]
