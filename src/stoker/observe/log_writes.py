"""Events into chunks on disk, small chunks into bigger ones, old and deleted ones away.

Every write of a stream makes one chunk, so a function that prints a line a second makes 86,400 a
day. Chunks have tiers: when a stream has FAN_IN small ones (tier 0), they become one or a few of
tier 1, FAN_IN of tier 1 become tier 2, and so on until a chunk is half of CHUNK_BYTES: then it is
left alone. An event is rewritten a handful of times, and a stream has no more chunks than its
bytes / (CHUNK_BYTES / 2) + its days (no chunk spans more than one) + FAN_IN per tier.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from stoker.core.errors import LogsResourceNotFoundException
from stoker.core.log_events import DAY_MS
from stoker.observe import log_outbox
from stoker.observe.log_chunks import (
    CHUNK_BYTES,
    Chunk,
    from_disk,
    merge,
    pack,
    to_disk,
)

FAN_IN = 16
SETTLED = 9
"""The tier of chunks that are not merged any more."""
SWEEP_CHUNKS = 500
SWEEP_STREAMS = 200
VACUUM_PAGES = 2000


@dataclass(frozen=True, slots=True)
class StreamName:
    account: str
    region: str
    group: str
    stream: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Events of one stream, in the order they came in."""

    where: StreamName
    times: Sequence[int]
    messages: Sequence[bytes]


def store(connection: sqlite3.Connection, batches: Sequence[Batch], now_ms: int) -> bool:
    """Store the batches of functions; groups and streams that do not exist are made. True: some
    wait for subscribers, too."""
    filled = False
    for batch in batches:
        if batch.times:
            stream = find_or_make(connection, batch.where, now_ms)
            filled |= _append(connection, stream, batch, now_ms)
    return filled


def store_in_existing(
    connection: sqlite3.Connection, batch: Batch, now_ms: int
) -> tuple[int, bool]:
    """Store one batch, or raise what AWS raises; answers the number the next event gets, and
    whether some wait for subscribers, too."""
    stream = find(connection, batch.where)
    filled = bool(batch.times) and _append(connection, stream, batch, now_ms)
    (number,) = connection.execute("SELECT next FROM log_sequence").fetchone()
    return int(number), filled


def find(connection: sqlite3.Connection, where: StreamName) -> int:
    """The stream's id. Raises LogsResourceNotFoundException."""
    row = connection.execute(
        "SELECT g.id, s.id FROM log_group g LEFT JOIN log_stream s"
        " ON s.group_id = g.id AND s.name = ? WHERE g.account = ? AND g.region = ? AND g.name = ?",
        (where.stream, where.account, where.region, where.group),
    ).fetchone()
    if row is None:
        raise LogsResourceNotFoundException("The specified log group does not exist.")
    if row[1] is None:
        raise LogsResourceNotFoundException("The specified log stream does not exist.")
    return int(row[1])


def find_or_make(connection: sqlite3.Connection, where: StreamName, now_ms: int) -> int:
    try:
        return find(connection, where)
    except LogsResourceNotFoundException:
        connection.execute(
            "INSERT INTO log_group (account, region, name, created_ms) VALUES (?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (where.account, where.region, where.group, now_ms),
        )
        connection.execute(
            "INSERT INTO log_stream (group_id, name, created_ms) SELECT id, ?, ? FROM log_group"
            " WHERE account = ? AND region = ? AND name = ?",
            (where.stream, now_ms, where.account, where.region, where.group),
        )
        return find(connection, where)


def _append(connection: sqlite3.Connection, stream_id: int, batch: Batch, now_ms: int) -> bool:
    (number,) = connection.execute(
        "UPDATE log_sequence SET next = next + ? RETURNING next", (len(batch.times),)
    ).fetchone()
    number -= len(batch.times)
    chunks = pack(batch.times, batch.messages, number, now_ms)
    tiers = [_tier(chunk, 0) for chunk in chunks]
    first, last = min(batch.times), max(batch.times)
    stored_bytes = sum(chunk.stored_bytes for chunk in chunks)
    group_id, loose = connection.execute(
        "UPDATE log_stream SET first_ms = CASE WHEN first_ms < 0 THEN ? ELSE min(first_ms, ?) END,"
        " last_ms = max(last_ms, ?), ingested_ms = ?, stored_bytes = stored_bytes + ?,"
        " loose = loose + ? WHERE id = ? RETURNING group_id, loose",
        (first, first, last, now_ms, stored_bytes, tiers.count(0), stream_id),
    ).fetchone()
    connection.execute(
        "UPDATE log_group SET stored_bytes = stored_bytes + ? WHERE id = ?",
        (stored_bytes, group_id),
    )
    for chunk, tier in zip(chunks, tiers, strict=True):
        _insert(connection, group_id, stream_id, tier, chunk)
    if loose >= FAN_IN:
        _merge_tiers(connection, group_id, stream_id)
    events = batch.times, batch.messages, number
    return log_outbox.fill(connection, group_id, stream_id, events, now_ms)


def _tier(chunk: Chunk, tier: int) -> int:
    return SETTLED if len(chunk.body) >= CHUNK_BYTES // 2 else tier


def _insert(
    connection: sqlite3.Connection, group_id: int, stream_id: int, tier: int, chunk: Chunk
) -> None:
    connection.execute(
        "INSERT INTO log_chunk (group_id, stream_id, tier, first_ms, last_ms, stored_bytes,"
        " size_bytes, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(group_id, stream_id, tier, chunk.first_ms, chunk.last_ms, chunk.stored_bytes),
            *(len(chunk.body), to_disk(chunk.body)),
        ),
    )


def _merge_tiers(connection: sqlite3.Connection, group_id: int, stream_id: int) -> None:
    connection.execute("UPDATE log_stream SET loose = 0 WHERE id = ?", (stream_id,))
    for tier in range(SETTLED - 1):
        rows = connection.execute(
            "SELECT first_ms, last_ms, stored_bytes, body FROM log_chunk"
            " WHERE stream_id = ? AND tier = ? ORDER BY first_ms, id",
            (stream_id, tier),
        ).fetchall()
        if len(rows) < FAN_IN:
            return
        connection.execute(
            "DELETE FROM log_chunk WHERE stream_id = ? AND tier = ?", (stream_id, tier)
        )
        merged = merge(
            [Chunk(first, last, stored, from_disk(body)) for first, last, stored, body in rows]
        )
        for chunk in merged:
            _insert(connection, group_id, stream_id, _tier(chunk, tier + 1), chunk)


def sweep(connection: sqlite3.Connection, now_ms: int) -> bool:
    """Clear away some of what was deleted or is past its group's retention; True: call again.

    In small steps, since writes wait while one runs.
    """
    return _sweep_deleted(connection) | _sweep_expired(connection, now_ms)


def _sweep_deleted(connection: sqlite3.Connection) -> bool:
    budget = SWEEP_CHUNKS
    streams = connection.execute(
        "SELECT stream_id FROM log_deleted_stream LIMIT ?", (SWEEP_STREAMS,)
    ).fetchall()
    for (stream_id,) in streams:
        budget -= connection.execute(
            "DELETE FROM log_chunk WHERE id IN"
            " (SELECT id FROM log_chunk WHERE stream_id = ? LIMIT ?)",
            (stream_id, budget),
        ).rowcount
        if budget == 0:
            return True
        connection.execute("DELETE FROM log_deleted_stream WHERE stream_id = ?", (stream_id,))
    return len(streams) == SWEEP_STREAMS


def _sweep_expired(connection: sqlite3.Connection, now_ms: int) -> bool:
    budget = SWEEP_CHUNKS
    groups = connection.execute(
        "SELECT id, retention_days FROM log_group WHERE retention_days IS NOT NULL"
    ).fetchall()
    for group_id, days in groups:
        cutoff = now_ms - days * DAY_MS
        gone = connection.execute(
            "DELETE FROM log_chunk WHERE id IN (SELECT id FROM log_chunk WHERE group_id = ?"
            " AND first_ms < ? AND last_ms < ? LIMIT ?) RETURNING stream_id, stored_bytes, tier",
            (group_id, cutoff, cutoff, budget),
        ).fetchall()
        for stream_id, stored_bytes, tier in gone:
            connection.execute(
                "UPDATE log_stream SET stored_bytes = stored_bytes - ?,"
                " loose = max(0, loose - ?) WHERE id = ?",
                (stored_bytes, int(tier == 0), stream_id),
            )
        connection.execute(
            "UPDATE log_group SET stored_bytes = stored_bytes - ? WHERE id = ?",
            (sum(stored_bytes for _, stored_bytes, _ in gone), group_id),
        )
        budget -= len(gone)
        if budget == 0:
            return True
    return False


def give_back(connection: sqlite3.Connection) -> None:
    """Return free pages to the disk, not all at once."""
    connection.execute(f"PRAGMA incremental_vacuum({VACUUM_PAGES})").fetchall()
