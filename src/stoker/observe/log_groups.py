"""Log groups, streams and tags, as the API shows and changes them. Each function is a step of
one transaction; what it refuses, it raises in AWS's words."""

import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from stoker.core.errors import (
    LogsResourceNotFoundException,
    ResourceAlreadyExistsException,
    TooManyTagsException,
)

MAX_TAGS = 50
_ABOVE_ANY = chr(0x10FFFF)


@dataclass(frozen=True, slots=True)
class GroupName:
    account: str
    region: str
    name: str


@dataclass(frozen=True, slots=True)
class Group:
    id: int
    name: str
    created_ms: int
    retention_days: int | None
    group_class: str
    kms_key_id: str | None
    stored_bytes: int
    metric_filters: int


@dataclass(frozen=True, slots=True)
class Stream:
    id: int
    name: str
    created_ms: int
    first_ms: int  # -1: no event yet
    last_ms: int
    ingested_ms: int


_GROUP = (
    "id, name, created_ms, retention_days, class, kms_key_id, stored_bytes,"
    " (SELECT count(*) FROM log_metric_filter f WHERE f.group_id = log_group.id)"
)
_STREAM = "id, name, created_ms, first_ms, last_ms, ingested_ms"


def create_group(
    connection: sqlite3.Connection,
    name: GroupName,
    now_ms: int,
    *,
    group_class: str = "STANDARD",
    kms_key_id: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> None:
    made = connection.execute(
        "INSERT INTO log_group (account, region, name, created_ms, class, kms_key_id)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (name.account, name.region, name.name, now_ms, group_class, kms_key_id),
    ).rowcount
    if not made:
        raise ResourceAlreadyExistsException("The specified log group already exists")
    put_tags(connection, name, tags or {})


def get_group(connection: sqlite3.Connection, name: GroupName) -> Group:
    row = connection.execute(
        f"SELECT {_GROUP} FROM log_group WHERE account = ? AND region = ? AND name = ?",
        (name.account, name.region, name.name),
    ).fetchone()
    if row is None:
        raise LogsResourceNotFoundException("The specified log group does not exist.")
    return Group(*row)


def delete_group(connection: sqlite3.Connection, name: GroupName) -> None:
    """The group is gone at once; its chunks are cleared away by the next sweeps."""
    group = get_group(connection, name)
    connection.execute(
        "INSERT INTO log_deleted_stream SELECT id FROM log_stream WHERE group_id = ?", (group.id,)
    )
    connection.execute("DELETE FROM log_stream WHERE group_id = ?", (group.id,))
    connection.execute("DELETE FROM log_group_tag WHERE group_id = ?", (group.id,))
    connection.execute(
        "DELETE FROM log_parcel WHERE subscription_id IN"
        " (SELECT id FROM log_subscription WHERE group_id = ?)",
        (group.id,),
    )
    connection.execute("DELETE FROM log_subscription WHERE group_id = ?", (group.id,))
    connection.execute("DELETE FROM log_metric_filter WHERE group_id = ?", (group.id,))
    connection.execute("DELETE FROM log_group WHERE id = ?", (group.id,))


def list_groups(
    connection: sqlite3.Connection,
    account: str,
    region: str,
    limit: int,
    *,
    prefix: str = "",
    pattern: str = "",
    group_class: str | None = None,
    after: str = "",
) -> list[Group]:
    """Groups by name, those behind `after`; one more than `limit` if there are more."""
    rows = connection.execute(
        f"SELECT {_GROUP} FROM log_group WHERE account = ? AND region = ?"
        " AND name > ? AND name >= ? AND name < ? AND instr(name, ?) > 0"
        " AND (? IS NULL OR class = ?) ORDER BY name LIMIT ?",
        (
            *(account, region, after, prefix, prefix + _ABOVE_ANY),
            *(pattern, group_class, group_class, limit + 1),
        ),
    )
    return [Group(*row) for row in rows]


def set_retention(connection: sqlite3.Connection, name: GroupName, days: int | None) -> None:
    group = get_group(connection, name)
    connection.execute("UPDATE log_group SET retention_days = ? WHERE id = ?", (days, group.id))


def get_tags(connection: sqlite3.Connection, name: GroupName) -> dict[str, str]:
    group = get_group(connection, name)
    return dict(
        connection.execute(
            "SELECT key, value FROM log_group_tag WHERE group_id = ? ORDER BY key", (group.id,)
        ).fetchall()
    )


def put_tags(connection: sqlite3.Connection, name: GroupName, tags: Mapping[str, str]) -> None:
    group = get_group(connection, name)
    connection.executemany(
        "INSERT INTO log_group_tag VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value",
        [(group.id, key, value) for key, value in tags.items()],
    )
    (count,) = connection.execute(
        "SELECT count(*) FROM log_group_tag WHERE group_id = ?", (group.id,)
    ).fetchone()
    if count > MAX_TAGS:
        raise TooManyTagsException(f"A resource can have no more than {MAX_TAGS} tags.")


def remove_tags(connection: sqlite3.Connection, name: GroupName, keys: Collection[str]) -> None:
    group = get_group(connection, name)
    connection.executemany(
        "DELETE FROM log_group_tag WHERE group_id = ? AND key = ?",
        [(group.id, key) for key in keys],
    )


def create_stream(
    connection: sqlite3.Connection, name: GroupName, stream: str, now_ms: int
) -> None:
    group = get_group(connection, name)
    made = connection.execute(
        "INSERT INTO log_stream (group_id, name, created_ms) VALUES (?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (group.id, stream, now_ms),
    ).rowcount
    if not made:
        raise ResourceAlreadyExistsException("The specified log stream already exists")


def get_stream(connection: sqlite3.Connection, group: Group, stream: str) -> Stream:
    row = connection.execute(
        f"SELECT {_STREAM} FROM log_stream WHERE group_id = ? AND name = ?", (group.id, stream)
    ).fetchone()
    if row is None:
        raise LogsResourceNotFoundException("The specified log stream does not exist.")
    return Stream(*row)


def delete_stream(connection: sqlite3.Connection, name: GroupName, stream: str) -> None:
    """The stream is gone at once; its chunks are cleared away by the next sweeps."""
    group = get_group(connection, name)
    stream_id = get_stream(connection, group, stream).id
    connection.execute(
        "UPDATE log_group SET stored_bytes = stored_bytes -"
        " (SELECT stored_bytes FROM log_stream WHERE id = ?) WHERE id = ?",
        (stream_id, group.id),
    )
    connection.execute("INSERT INTO log_deleted_stream VALUES (?)", (stream_id,))
    connection.execute("DELETE FROM log_stream WHERE id = ?", (stream_id,))


def list_streams_by_name(
    connection: sqlite3.Connection,
    group: Group,
    limit: int,
    *,
    prefix: str = "",
    descending: bool = False,
    after: str | None = None,
) -> list[Stream]:
    """Streams behind `after`; one more than `limit` if there are more."""
    low, high = prefix, prefix + _ABOVE_ANY
    order, beyond = ("DESC", "name < ?") if descending else ("ASC", "name > ?")
    start = after if after is not None else (high if descending else "")
    rows = connection.execute(
        f"SELECT {_STREAM} FROM log_stream WHERE group_id = ? AND name >= ? AND name < ?"
        f" AND {beyond} ORDER BY name {order} LIMIT ?",
        (group.id, low, high, start, limit + 1),
    )
    return [Stream(*row) for row in rows]


def list_streams_by_time(
    connection: sqlite3.Connection,
    group: Group,
    limit: int,
    *,
    descending: bool = False,
    after: tuple[int, str] | None = None,
) -> list[Stream]:
    """Streams by their last event's time, behind `after`; one more than `limit` if there are."""
    order, sign = ("DESC", "<") if descending else ("ASC", ">")
    start = after if after is not None else ((1 << 62, "") if descending else (-2, ""))
    rows = connection.execute(
        f"SELECT {_STREAM} FROM log_stream WHERE group_id = ? AND (last_ms, name) {sign} (?, ?)"
        f" ORDER BY last_ms {order}, name {order} LIMIT ?",
        (group.id, *start, limit + 1),
    )
    return [Stream(*row) for row in rows]
