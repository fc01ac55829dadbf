"""Events out of chunks: one ordered walk, forward or backward, for both ways to ask.

The walk opens a chunk when the events found so far have reached its first timestamp (backward:
its last), so it holds the chunks that overlap in time and no more. It ends early when it has
looked at SCAN_BYTES: then the page may be empty and still have a position to go on from, as AWS's
pages may.
"""

import heapq
import json
import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stoker.core.log_events import EVENT_OVERHEAD_BYTES, Direction, Position
from stoker.core.log_patterns import FilterPattern
from stoker.observe.log_chunks import SPAN_MS, StoredEvent, from_disk, unpack

SCAN_BYTES = 16 * 1024 * 1024
PAGE_BYTES = 1024 * 1024
PAGE_EVENTS = 10_000
END_OF_TIME_MS = 9_999_999_999_999_999  # the 16 digits of a Position


@dataclass(frozen=True, slots=True)
class Event:
    stream: str
    timestamp_ms: int
    number: int
    ingested_ms: int
    message: str

    @property
    def position(self) -> Position:
        return Position(self.timestamp_ms, self.number)


@dataclass(frozen=True, slots=True)
class Question:
    """Which events of a group, in which order, from where on."""

    group_id: int
    since_ms: int  # both inclusive
    until_ms: int
    direction: Direction
    start: Position
    limit: int = PAGE_EVENTS
    stream_ids: Collection[int] | None = None  # None: all
    pattern: FilterPattern | None = None


@dataclass(frozen=True, slots=True)
class Page:
    events: list[Event]  # in the order of the question's direction
    following: Position | None  # None: there is no more


def from_the_start(direction: Direction) -> Position:
    return Position(0) if direction == "f" else Position(END_OF_TIME_MS)


def read(connection: sqlite3.Connection, question: Question) -> Page:
    """One page of events."""
    return _Walk(connection, question).page()


def streams_called(
    connection: sqlite3.Connection, group_id: int, names: Collection[str]
) -> dict[str, int]:
    """The ids of those streams that exist."""
    return dict(
        connection.execute(
            "SELECT name, id FROM log_stream WHERE group_id = ?"
            " AND name IN (SELECT value FROM json_each(?))",
            (group_id, json.dumps(list(names))),
        ).fetchall()
    )


def streams_beginning(connection: sqlite3.Connection, group_id: int, prefix: str) -> list[int]:
    rows = connection.execute(
        "SELECT id FROM log_stream WHERE group_id = ? AND name >= ? AND name < ?",
        (group_id, prefix, prefix + chr(0x10FFFF)),
    )
    return [stream_id for (stream_id,) in rows]


class _Head(NamedTuple):
    """A chunk that is not open yet."""

    id: int
    stream_id: int
    first_ms: int
    last_ms: int
    size_bytes: int


class _Found(NamedTuple):
    """An event in the heap; the keys are negative when the walk goes backward."""

    time_key: int
    number_key: int
    stream: str
    ingested_ms: int
    message: str
    size_bytes: int


class _Walk:
    def __init__(self, connection: sqlite3.Connection, question: Question) -> None:
        self.connection = connection
        self.question = question
        self.forward = question.direction == "f"
        self.heads = _heads(connection, question)
        self.heap: list[_Found] = []
        self.names: dict[int, str | None] = {}
        self.scanned_bytes = 0
        self.page_bytes = 0
        self.events: list[Event] = []

    def page(self) -> Page:
        for head in self.heads:
            edge_ms = head.first_ms if self.forward else head.last_ms
            if not self._emit(before=edge_ms if self.forward else -edge_ms):
                return self._cut()
            if self.scanned_bytes >= SCAN_BYTES and self._is_progress(edge_ms):
                return Page(self.events, Position(edge_ms if self.forward else edge_ms + 1))
            self._open(head)
        if not self._emit(before=END_OF_TIME_MS + 1):
            return self._cut()
        return Page(self.events, None)

    def _emit(self, *, before: int) -> bool:
        """Move what no other chunk can precede to the page; False when the page is full first."""
        while self.heap and self.heap[0].time_key < before:
            size = self.heap[0].size_bytes
            if len(self.events) >= self.question.limit or (
                self.events and self.page_bytes + size > PAGE_BYTES
            ):
                return False
            found = heapq.heappop(self.heap)
            self.page_bytes += size
            self.events.append(
                Event(
                    found.stream,
                    abs(found.time_key),
                    abs(found.number_key),
                    found.ingested_ms,
                    found.message,
                )
            )
        return True

    def _cut(self) -> Page:
        last = self.events[-1].position
        return Page(self.events, last.after() if self.forward else last)

    def _is_progress(self, edge_ms: int) -> bool:
        """Would the next page start further on than this one did?"""
        start = self.question.start
        return Position(edge_ms) > start if self.forward else Position(edge_ms + 1) < start

    def _open(self, head: _Head) -> None:
        name = self._name(head.stream_id)
        if name is None:  # its stream is deleted, its chunks are not yet
            return
        self.scanned_bytes += head.size_bytes
        (body,) = self.connection.execute(
            "SELECT body FROM log_chunk WHERE id = ?", (head.id,)
        ).fetchone()
        sign = 1 if self.forward else -1
        pattern = self.question.pattern
        for event in unpack(from_disk(body)):
            if not self._is_asked_for(event):
                continue
            message = event.message.decode("utf-8", "replace")
            if pattern is not None and not pattern.matches(message):
                continue
            size = len(event.message) + EVENT_OVERHEAD_BYTES
            heapq.heappush(
                self.heap,
                _Found(
                    *(sign * event.timestamp_ms, sign * event.number),
                    *(name, event.ingested_ms, message, size),
                ),
            )

    def _is_asked_for(self, event: StoredEvent) -> bool:
        question = self.question
        if not question.since_ms <= event.timestamp_ms <= question.until_ms:
            return False
        place = (event.timestamp_ms, event.number)
        start = (question.start.timestamp_ms, question.start.number)
        return place >= start if self.forward else place < start

    def _name(self, stream_id: int) -> str | None:
        if stream_id not in self.names:
            row = self.connection.execute(
                "SELECT name FROM log_stream WHERE id = ?", (stream_id,)
            ).fetchone()
            self.names[stream_id] = row[0] if row is not None else None
        return self.names[stream_id]


def _heads(connection: sqlite3.Connection, question: Question) -> Iterator[_Head]:
    """The chunks that can hold an answer, in the order in which they must be opened.

    SPAN_MS bounds how far outside the range one can begin or end, so that a page costs the same
    at the end of a long history as at its beginning.
    """
    since_ms, until_ms = question.since_ms, question.until_ms
    if question.direction == "f":
        since_ms = max(since_ms, question.start.timestamp_ms)
        edge, other, low, high = "first_ms", "last_ms >= ?", since_ms - SPAN_MS, until_ms
        outside, order = since_ms, "first_ms"
    else:
        until_ms = min(until_ms, question.start.timestamp_ms)
        edge, other, low, high = "last_ms", "first_ms <= ?", since_ms, until_ms + SPAN_MS
        outside, order = until_ms, "last_ms DESC"
    owner, index, values = "group_id = ?", f"group_{edge[:-3]}", [question.group_id]
    only = ""
    if question.stream_ids is not None and len(question.stream_ids) == 1:
        owner, index, values = "stream_id = ?", f"stream_{edge[:-3]}", [*question.stream_ids]
    elif question.stream_ids is not None:
        only = " AND stream_id IN (SELECT value FROM json_each(?))"
    rows = connection.execute(
        f"SELECT id, stream_id, first_ms, last_ms, size_bytes FROM log_chunk"
        f" INDEXED BY log_chunk_{index} WHERE {owner} AND {edge} BETWEEN ? AND ? AND {other}{only}"
        f" ORDER BY {order}",
        (
            *(*values, low, high, outside),
            *([json.dumps(list(question.stream_ids or ()))] if only else []),
        ),
    )
    return map(_Head._make, rows)
