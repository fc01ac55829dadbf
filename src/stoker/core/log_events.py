"""The rules of log events: which are accepted, how a place among them is written down.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from stoker.core.errors import InvalidParameterException

EVENT_OVERHEAD_BYTES = 26
"""AWS counts this much per event besides its message."""
MAX_PUT_BYTES = 1_048_576
MAX_PUT_SPAN_MS = 24 * 3600 * 1000
MAX_PUT_AGE_MS = 14 * 24 * 3600 * 1000
MAX_PUT_AHEAD_MS = 2 * 3600 * 1000
MAX_LINE_BYTES = 256 * 1024
"""A longer line of a function becomes several events."""
DAY_MS = 24 * 3600 * 1000

RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731),
    *(1096, 1827, 2192, 2557, 2922, 3288, 3653),
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The events `start:end` of a PutLogEvents; the rest in AWS's three classes, None if empty."""

    start: int
    end: int
    too_old_end: int | None = None
    expired_end: int | None = None
    too_new_start: int | None = None


def accept(
    times: Sequence[int], messages: Sequence[bytes], now_ms: int, retention_days: int | None
) -> Accepted:
    """Which events of a batch are stored. Raises InvalidParameterException for the whole batch."""
    if any(later < earlier for earlier, later in pairwise(times)):
        raise InvalidParameterException(
            "Log events in a single PutLogEvents request must be in chronological order."
        )
    for message in messages:
        _fits("Log event too large", len(message) + EVENT_OVERHEAD_BYTES)
    _fits("Upload too large", sum(map(len, messages)) + EVENT_OVERHEAD_BYTES * len(messages))
    too_old = bisect_left(times, now_ms - MAX_PUT_AGE_MS)
    expired = 0
    if retention_days is not None:
        expired = bisect_left(times, now_ms - retention_days * DAY_MS)
    start = max(too_old, expired)
    end = max(start, bisect_right(times, now_ms + MAX_PUT_AHEAD_MS))
    if end > start and times[end - 1] - times[start] > MAX_PUT_SPAN_MS:
        raise InvalidParameterException(
            "The batch of log events in a single PutLogEvents request cannot span more than "
            "24 hours."
        )
    return Accepted(
        start=start,
        end=end,
        too_old_end=too_old or None,
        expired_end=expired if expired > too_old else None,
        too_new_start=end if end < len(times) else None,
    )


def _fits(what: str, size_bytes: int) -> None:
    if size_bytes > MAX_PUT_BYTES:
        raise InvalidParameterException(
            f"{what}: {size_bytes} bytes exceeds limit of {MAX_PUT_BYTES}"
        )


def check_retention(days: int) -> None:
    if days not in RETENTION_DAYS:
        raise InvalidParameterException(
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy "
            f"constraint: Member must satisfy enum value set: {list(RETENTION_DAYS)}"
        )


def split_line(message: bytes) -> list[bytes]:
    """A line as one or more events, cut between UTF-8 characters."""
    pieces = []
    start = 0
    while len(message) - start > MAX_LINE_BYTES:
        end = start + MAX_LINE_BYTES
        while end > start + MAX_LINE_BYTES - 4 and message[end] & 0xC0 == 0x80:
            end -= 1
        pieces.append(message[start:end])
        start = end
    pieces.append(message[start:])
    return pieces


def dropped_marker(count: int, size_bytes: int, why: str) -> bytes:
    """The event that stands where events are missing."""
    return f"[stoker] {count} log events ({size_bytes} bytes) were dropped here: {why}\n".encode()


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place among events: they are ordered by time, then by arrival.

    Reading forward starts with the event at the position, reading backward with the one before.
    """

    timestamp_ms: int
    number: int = 0

    def after(self) -> "Position":
        return Position(self.timestamp_ms, self.number + 1)

    @property
    def digits(self) -> str:
        """56 digits, as AWS's event ids have; in the order of the events."""
        return f"{self.timestamp_ms:016d}{self.number:040d}"


Direction = Literal["f", "b"]
_TOKEN = re.compile(r"([fb])/(\d{16})(\d{40})/s", re.ASCII)


def token(direction: Direction, position: Position) -> str:
    return f"{direction}/{position.digits}/s"


def parse_token(text: str) -> tuple[Direction, Position]:
    match = _TOKEN.fullmatch(text)
    if match is None:
        raise invalid_token()
    return "f" if match[1] == "f" else "b", Position(int(match[2]), int(match[3]))


def invalid_token() -> InvalidParameterException:
    return InvalidParameterException("The specified nextToken is invalid.")
