"""The log of one environment: its stream, and the tail that a caller may have asked for."""

import time

from stoker.core.frames import Event
from stoker.core.invocation import Target
from stoker.core.invoke_limits import TAIL_BYTES
from stoker.core.limits import RUNTIMES, Family
from stoker.core.log_format import JsonLog
from stoker.core.platform_events import PlatformEvent
from stoker.environment.telemetry import Telemetry
from stoker.observe.base import LogSink

# Framed events carry a time of the function's making; what PutLogEvents would refuse gets ours.
_OLDEST_MS = 14 * 24 * 3600 * 1000
_NEWEST_MS = 2 * 3600 * 1000


class EnvironmentLog:
    def __init__(self, sink: LogSink, target: Target, telemetry: Telemetry) -> None:
        self._sink = sink
        self._telemetry = telemetry
        self._json = _json_log(target)
        self.is_text = self._json is None
        self._tail: bytearray | None = bytearray()  # init output belongs to the first invocation
        self.request_id: str | None = None  # of the invocation in hand, in a log of JSON

    def lines(self, *lines: bytes) -> int:
        """Lines of ours, of a log of text; at which time (epoch, ms). Subscribers hear nothing."""
        now_ms = time.time_ns() // 1_000_000
        append = self._sink.append if self._tail is None else self._append
        for line in lines:
            append(now_ms, line)
        return now_ms

    def tell(self, *events: PlatformEvent) -> None:
        """Events of ours, to all who want to know."""
        now_ms = time.time_ns() // 1_000_000
        for event in events:
            line = event.text if self._json is None else self._json.platform(event, now_ms)
            if line is not None:
                self._append(now_ms, line)
        if self._telemetry.listening:
            self._telemetry.told(now_ms, *events)

    def output(self, source: str, events: list[Event]) -> None:
        """What the runtime (FUNCTION) or an EXTENSION printed. Subscribers get all of it, the log
        what its levels let by."""
        now_ms = time.time_ns() // 1_000_000
        if self._telemetry.listening:
            stamped = [(_stamp(at_us, now_ms), message) for message, at_us in events]
            self._telemetry.printed(source, stamped)
        for message, at_us in events:
            if self._json is None or at_us is not None:  # frames are filtered inside
                self._append(_stamp(at_us, now_ms), message)
                continue
            printed = self._json.printed(message, now_ms, self.request_id)
            if printed is not None:
                at_us = None if printed.time_ms is None else printed.time_ms * 1000
                self._append(_stamp(at_us, now_ms), printed.message)

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

    def _append(self, time_ms: int, message: bytes) -> None:
        self._sink.append(time_ms, message)
        if (tail := self._tail) is not None:
            tail += message
            if len(tail) > 2 * TAIL_BYTES:
                del tail[:-TAIL_BYTES]


def _stamp(at_us: int | None, now_ms: int) -> int:
    if at_us is None:
        return now_ms
    theirs_ms = at_us // 1000
    return theirs_ms if -_OLDEST_MS <= theirs_ms - now_ms <= _NEWEST_MS else now_ms


def _json_log(target: Target) -> JsonLog | None:
    if target.log.format != "JSON":
        return None
    wraps = RUNTIMES[target.runtime].family is Family.OS_ONLY
    return JsonLog(target.log, wraps=wraps, tenant=target.tenant)
