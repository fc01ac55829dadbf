"""Bytes from a function's pipes, cut into log events.

`Lines` is stdout and stderr: an event ends with its newline, a carriage return does not end one.
`Frames` is descriptor 62, on which the managed runtimes send whole events of several lines:

    u32 type | u32 length | u64 microseconds since 1970 | message          (big-endian)
    type = 0xa55a0000 | level << 2 | 0b10 (there is a timestamp) | format (1 text, 0 JSON)

Both hold at most one event (256 KB) and what was fed last; a longer event comes in pieces.
What is written there is the function's business: anything goes, nothing raises.
"""

from dataclasses import dataclass, field

from stoker.core.invoke_limits import EVENT_BYTES

_MAGIC = 0xA55A0000
_HAS_TIMESTAMP = 0b10


Event = tuple[bytes, int | None]  # message; its own time in microseconds, if it came with one
_WINDOW_BYTES = 64 * 1024


@dataclass(slots=True)
class Lines:
    limit: int = EVENT_BYTES
    _buffer: bytearray = field(default_factory=bytearray)
    _at: int = 0  # where the next event begins
    _searched: int = 0  # no newline before here

    @property
    def holds(self) -> bool:
        """Something was fed that is not taken yet."""
        return self._at < len(self._buffer)

    def feed(self, data: bytes) -> None:
        if self._at:
            del self._buffer[: self._at]
            self._searched = max(0, self._searched - self._at)
            self._at = 0
        self._buffer += data

    def take(self, count: int) -> list[Event]:
        """The next complete events, at most `count`; fewer means that more must be fed."""
        events: list[Event] = []
        while len(events) < count:
            lines = self._short_lines(count - len(events))
            if lines:
                events += lines
                continue
            end = self._end_of_long_line()
            if end is None:
                break
            events.append((bytes(self._buffer[self._at : end]), None))
            self._at = end
        return events

    def flush(self) -> list[Event]:
        """What is there without a newline, as an event; only when take() had no more."""
        rest = bytes(self._buffer[self._at :])
        self._buffer.clear()
        self._at = self._searched = 0
        return [(rest, None)] if rest else []

    def _short_lines(self, count: int) -> list[Event]:
        if self._searched > self._at:
            return []  # known to begin with a long one
        window = bytes(self._buffer[self._at : self._at + min(self.limit, _WINDOW_BYTES)])
        *lines, rest = window.split(b"\n", count)
        self._at += len(window) - len(rest)
        return [(line + b"\n", None) for line in lines]

    def _end_of_long_line(self) -> int | None:
        start = max(self._searched, self._at)
        newline = self._buffer.find(b"\n", start, self._at + self.limit)
        if newline >= 0:
            return newline + 1
        if len(self._buffer) - self._at >= self.limit:
            return self._at + _whole_characters(self._buffer, self._at, self.limit)
        self._searched = len(self._buffer)
        return None


@dataclass(slots=True)
class Frames:
    limit: int = EVENT_BYTES
    _buffer: bytearray = field(default_factory=bytearray)
    _at: int = 0
    _left: int = 0  # bytes of the message in hand still to come
    _timestamp_us: int | None = None  # of the message in hand
    _raw: Lines | None = None  # set after a malformed header: the rest is plain text

    @property
    def holds(self) -> bool:
        """Something was fed that is not taken yet."""
        raw = self._raw
        return self._at < len(self._buffer) if raw is None else raw.holds

    def feed(self, data: bytes) -> None:
        if self._raw is not None:
            self._raw.feed(data)
            return
        if self._at:
            del self._buffer[: self._at]
            self._at = 0
        self._buffer += data

    def take(self, count: int) -> list[Event]:
        events: list[Event] = []
        while self._raw is None and len(events) < count:
            if self._left == 0 and not self._header():
                break
            wanted = min(self._left, self.limit)
            if self._raw is not None or len(self._buffer) - self._at < wanted:
                break
            if wanted < self._left:
                wanted = _whole_characters(self._buffer, self._at, wanted)
            if wanted:
                message = bytes(self._buffer[self._at : self._at + wanted])
                events.append((message, self._timestamp_us))
            self._at += wanted
            self._left -= wanted
        if self._raw is not None and len(events) < count:
            events += self._raw.take(count - len(events))
        return events

    def flush(self) -> list[Event]:
        """Only raw text can be unterminated; half a frame waits for its other half."""
        return self._raw.flush() if self._raw is not None else []

    def _header(self) -> bool:
        """Read a header if it is complete; False if more must be fed first."""
        there = len(self._buffer) - self._at
        if there < 8:
            return False
        kind = int.from_bytes(self._buffer[self._at : self._at + 4], "big")
        length = int.from_bytes(self._buffer[self._at + 4 : self._at + 8], "big")
        if kind & 0xFFFF0000 != _MAGIC or (kind & 0xFFFF) >> 2 > 6:
            self._raw = Lines(self.limit)
            self._raw.feed(bytes(self._buffer[self._at :]))
            self._buffer.clear()
            self._at = 0
            return True
        size, self._timestamp_us = 8, None
        if kind & _HAS_TIMESTAMP:
            if there < 16:
                return False
            size = 16
            stamp = self._buffer[self._at + 8 : self._at + 16]
            self._timestamp_us = int.from_bytes(stamp, "big")
        self._at += size
        self._left = length
        return True


def _whole_characters(buffer: bytearray, start: int, size: int) -> int:
    """At most `size`, less the bytes of a UTF-8 character that would be cut in two."""
    for back in range(1, min(4, size)):
        byte = buffer[start + size - back]
        if byte & 0xC0 == 0xC0:  # the first byte of a character of several
            need = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return size - back if need > back else size
        if byte < 0x80:
            break
    return size
