"""How log events lie on disk: chunks, each one or more parts one behind the other.

    part   = first number, ingestion time, count, bytes of messages   <qqII
             + count timestamps (i64) + count lengths (u32) + the messages
    chunk  = parts, as one zlib stream if that is worth it

An event's number is its part's first number plus its index: it stays the same when chunks are
merged, which is nothing but putting their parts behind each other. Nothing is encoded per event,
so packing tens of thousands of events a second costs a few percent of one core.
"""

import struct
import zlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

CHUNK_BYTES = 64 * 1024
"""What merging aims at; half of it is big enough to be left alone."""
SPAN_MS = 24 * 3600 * 1000
"""No chunk spans more: a query knows how far back a chunk can begin that reaches into its range."""
COMPRESS_BYTES = 1024
STORED_EVENT_BYTES = 26
"""What AWS adds to each event's message when it counts bytes."""

_HEAD = struct.Struct("<qqII")
_ZLIB = 0x78  # a zlib stream's first byte
_PLAIN = b"\0"  # stands before a body that is stored as it is


@dataclass(frozen=True, slots=True)
class Chunk:
    """A body with what is known of it without opening it."""

    first_ms: int
    last_ms: int
    stored_bytes: int
    body: bytes  # not compressed

    @property
    def span_ms(self) -> int:
        return self.last_ms - self.first_ms


class StoredEvent(NamedTuple):
    timestamp_ms: int
    number: int
    ingested_ms: int
    message: bytes


def pack(
    times: Sequence[int], messages: Sequence[bytes], first_number: int, ingested_ms: int
) -> list[Chunk]:
    """Events in the order they came in, as chunks that are not too long and not too big."""
    chunks = []
    for start, end in _cuts(times, messages):
        part_times, part_messages = times[start:end], messages[start:end]
        text = b"".join(part_messages)
        head = _HEAD.pack(first_number + start, ingested_ms, end - start, len(text))
        lengths = array("I", map(len, part_messages))
        chunks.append(
            Chunk(
                first_ms=min(part_times),
                last_ms=max(part_times),
                stored_bytes=len(text) + STORED_EVENT_BYTES * len(part_times),
                body=b"".join((head, array("q", part_times).tobytes(), lengths.tobytes(), text)),
            )
        )
    return chunks


def _cuts(times: Sequence[int], messages: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """Where to cut: nowhere, almost always."""
    if max(times) - min(times) <= SPAN_MS and sum(map(len, messages)) <= 4 * CHUNK_BYTES:
        yield 0, len(times)
        return
    start, low, high, size = 0, times[0], times[0], 0
    for index, (time, message) in enumerate(zip(times, messages, strict=True)):
        low, high, size = min(low, time), max(high, time), size + len(message)
        if index > start and (high - low > SPAN_MS or size > 4 * CHUNK_BYTES):
            yield start, index
            start, low, high, size = index, time, time, len(message)
    yield start, len(times)


def unpack(body: bytes) -> Iterator[StoredEvent]:
    """The events of a body, in the order they came in."""
    offset = 0
    while offset < len(body):
        number, ingested_ms, count, text_bytes = _HEAD.unpack_from(body, offset)
        offset += _HEAD.size
        times = array("q", body[offset : offset + 8 * count])
        offset += 8 * count
        lengths = array("I", body[offset : offset + 4 * count])
        offset += 4 * count
        text = body[offset : offset + text_bytes]
        offset += text_bytes
        ends = list(accumulate(lengths, initial=0))
        for index, timestamp_ms in enumerate(times):
            message = text[ends[index] : ends[index + 1]]
            yield StoredEvent(timestamp_ms, number + index, ingested_ms, message)


def merge(chunks: Sequence[Chunk]) -> list[Chunk]:
    """The same events in fewer chunks, in the same order."""
    merged: list[Chunk] = []
    for chunk in chunks:
        joined = _join(merged[-1], chunk) if merged else None
        if joined is None:
            merged.append(chunk)
        else:
            merged[-1] = joined
    return merged


def _join(left: Chunk, right: Chunk) -> Chunk | None:
    joined = Chunk(
        first_ms=min(left.first_ms, right.first_ms),
        last_ms=max(left.last_ms, right.last_ms),
        stored_bytes=left.stored_bytes + right.stored_bytes,
        body=left.body + right.body,
    )
    if joined.span_ms > SPAN_MS or len(left.body) >= CHUNK_BYTES:
        return None
    return joined


def to_disk(body: bytes) -> bytes:
    return zlib.compress(body, 1) if len(body) >= COMPRESS_BYTES else _PLAIN + body


def from_disk(stored: bytes) -> bytes:
    return zlib.decompress(stored) if stored[0] == _ZLIB else stored[1:]
