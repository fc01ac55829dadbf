"""Events that wait for the destinations of subscription filters.

    log_writes ──► fill() ──► log_parcel ──► first() ──► api/log_deliveries.py ──► sent()

Events are copied here in the transaction that stores them, so that none that is kept can miss its
destination, whenever the server dies. A filter has so many bytes here, and what comes beyond them
is not sent: a destination that takes nothing does not fill the disk.
"""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from stoker.core.log_events import Position
from stoker.core.log_patterns import FilterPattern, parse
from stoker.core.log_subscriptions import EVENT_BYTES, PARCEL_BYTES, WAITING_BYTES
from stoker.observe.log_chunks import from_disk, pack, to_disk, unpack

logger = logging.getLogger(__name__)

PARCELS = 64  # of one stream that are sent as one


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is to be sent together: events of one stream for one filter."""

    subscription_id: int
    account: str
    region: str
    group: str
    filter: str
    destination: str
    role: str  # "": of a function
    distribution: str
    stream: str
    queued_ms: int
    ids: tuple[int, ...]
    events: tuple[tuple[Position, str], ...]


def fill(
    connection: sqlite3.Connection,
    group_id: int,
    stream_id: int,
    events: tuple[Sequence[int], Sequence[bytes], int],
    now_ms: int,
) -> bool:
    """Take what the group's filters want of these times and messages, which have numbers from
    the third on. True: somebody waits for some of them."""
    filters = connection.execute(
        "SELECT id, name, pattern, waiting_bytes, full FROM log_subscription WHERE group_id = ?",
        (group_id,),
    ).fetchall()
    if not filters:
        return False
    (stream,) = connection.execute(
        "SELECT name FROM log_stream WHERE id = ?", (stream_id,)
    ).fetchone()
    filled = False
    for id, name, pattern, waiting_bytes, full in filters:
        before, overflows = waiting_bytes, False
        for size_bytes, body in _parcels(_pattern(pattern), *events, now_ms):
            if waiting_bytes + size_bytes > WAITING_BYTES:
                overflows = True
                break
            waiting_bytes += size_bytes
            connection.execute(
                "INSERT INTO log_parcel (subscription_id, stream, queued_ms, size_bytes, body)"
                " VALUES (?, ?, ?, ?, ?)",
                (id, stream, now_ms, size_bytes, body),
            )
        if overflows and not full:
            logger.warning("log events not sent", extra={"filter": name, "reason": "too many"})
        if waiting_bytes > before or overflows != full:
            connection.execute(
                "UPDATE log_subscription SET waiting_bytes = ?, full = ? WHERE id = ?",
                (waiting_bytes, overflows, id),
            )
        filled |= waiting_bytes > before
    return filled


def waiting(connection: sqlite3.Connection) -> list[int]:
    """The filters for whose destinations there is something."""
    rows = connection.execute("SELECT id FROM log_subscription WHERE waiting_bytes > 0 ORDER BY id")
    return [id for (id,) in rows]


def first(connection: sqlite3.Connection, subscription_id: int) -> Parcel | None:
    """What this filter's destination is to get next: what has waited longest, with what else
    waits of its stream."""
    row = connection.execute(
        "SELECT account, region, g.name, s.name, destination, role, distribution"
        " FROM log_subscription s JOIN log_group g ON g.id = s.group_id WHERE s.id = ?",
        (subscription_id,),
    ).fetchone()
    head = connection.execute(
        "SELECT stream, queued_ms FROM log_parcel WHERE subscription_id = ? ORDER BY id LIMIT 1",
        (subscription_id,),
    ).fetchone()
    if row is None or head is None:
        return None
    stream, queued_ms = head
    ids: list[int] = []
    events: list[tuple[Position, str]] = []
    room = PARCEL_BYTES
    for id, size_bytes, body in connection.execute(
        "SELECT id, size_bytes, body FROM log_parcel WHERE subscription_id = ? AND stream = ?"
        " ORDER BY id LIMIT ?",
        (subscription_id, stream, PARCELS),
    ):
        if ids and size_bytes > room:
            break
        room -= size_bytes
        ids.append(id)
        for event in unpack(from_disk(body)):
            position = Position(event.timestamp_ms, event.number)
            events.append((position, event.message.decode("utf-8", "replace")))
    account, region, group, filter, destination, role, distribution = row
    return Parcel(
        subscription_id=subscription_id,
        account=account,
        region=region,
        group=group,
        filter=filter,
        destination=destination,
        role=role or "",
        distribution=distribution,
        stream=stream,
        queued_ms=queued_ms,
        ids=tuple(ids),
        events=tuple(events),
    )


def sent(connection: sqlite3.Connection, parcel: Parcel) -> None:
    """It is where it belongs, or given up. A filter may be gone, and its parcels with it."""
    marks = ",".join("?" * len(parcel.ids))
    rows = connection.execute(
        f"DELETE FROM log_parcel WHERE id IN ({marks}) RETURNING size_bytes", parcel.ids
    ).fetchall()
    connection.execute(
        "UPDATE log_subscription SET waiting_bytes = waiting_bytes - ? WHERE id = ?",
        (sum(size_bytes for (size_bytes,) in rows), parcel.subscription_id),
    )


@lru_cache(256)
def _pattern(text: str) -> FilterPattern:
    return parse(text)


def _parcels(
    pattern: FilterPattern,
    times: Sequence[int],
    messages: Sequence[bytes],
    number: int,
    now_ms: int,
) -> Iterator[tuple[int, bytes]]:
    """The size of each, and its body: neighbouring events are packed together, so that each
    keeps its number."""
    size_bytes, body, run = 0, b"", 0  # the events from `run` on are not packed yet
    for end, message in enumerate(messages):
        cost = len(message) + EVENT_BYTES
        matches = pattern.matches(message.decode("utf-8", "replace"))
        if run < end and (not matches or size_bytes + cost > PARCEL_BYTES):
            body += _packed(times[run:end], messages[run:end], number + run, now_ms)
            run = end
        if not matches:
            run = end + 1
            continue
        if size_bytes and size_bytes + cost > PARCEL_BYTES:
            yield size_bytes, to_disk(body)
            size_bytes, body = 0, b""
        size_bytes += cost
    if run < len(messages):
        body += _packed(times[run:], messages[run:], number + run, now_ms)
    if size_bytes:
        yield size_bytes, to_disk(body)


def _packed(times: Sequence[int], messages: Sequence[bytes], number: int, now_ms: int) -> bytes:
    return b"".join(chunk.body for chunk in pack(times, messages, number, now_ms))
