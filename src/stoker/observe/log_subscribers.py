"""Subscription filters as the API shows and changes them. Each function is a step of one
transaction; what it refuses, it raises in AWS's words."""

import sqlite3
from dataclasses import dataclass

from stoker.core.errors import LimitExceededException, LogsResourceNotFoundException
from stoker.core.log_subscriptions import MOST
from stoker.observe.log_groups import GroupName, get_group


@dataclass(frozen=True, slots=True)
class Subscription:
    name: str
    pattern: str
    destination: str
    role: str | None
    distribution: str
    created_ms: int


_COLUMNS = "name, pattern, destination, role, distribution, created_ms"


def put(connection: sqlite3.Connection, group: GroupName, wanted: Subscription) -> None:
    """Add it, or change the one of this name: what waits for that goes where it leads now."""
    group_id = get_group(connection, group).id
    others = connection.execute(
        "SELECT count(*) FROM log_subscription WHERE group_id = ? AND name != ?",
        (group_id, wanted.name),
    ).fetchone()
    if others[0] >= MOST:
        raise LimitExceededException("Resource limit exceeded.")
    connection.execute(
        f"INSERT INTO log_subscription (group_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT DO UPDATE SET pattern = excluded.pattern, role = excluded.role,"
        " destination = excluded.destination, distribution = excluded.distribution",
        (
            *(group_id, wanted.name, wanted.pattern, wanted.destination, wanted.role),
            *(wanted.distribution, wanted.created_ms),
        ),
    )


def listed(
    connection: sqlite3.Connection, group: GroupName, *, prefix: str = "", after: str = ""
) -> list[Subscription]:
    """By name, those behind `after`."""
    rows = connection.execute(
        f"SELECT {_COLUMNS} FROM log_subscription WHERE group_id = ? AND name > ?"
        " AND substr(name, 1, length(?)) = ? ORDER BY name",
        (get_group(connection, group).id, after, prefix, prefix),
    )
    return [Subscription(*row) for row in rows]


def leading_to(
    connection: sqlite3.Connection, account: str, region: str, function: str, most: int
) -> list[tuple[str, Subscription]]:
    """Those that lead to this function (its ARN), or a version or an alias of it, with the names
    of their groups."""
    columns = ", ".join(f"s.{one}" for one in _COLUMNS.split(", "))
    rows = connection.execute(
        f"SELECT g.name, {columns} FROM log_subscription AS s JOIN log_group AS g"
        " ON g.id = s.group_id WHERE g.account = ? AND g.region = ?"
        " AND (s.destination = ? OR substr(s.destination, 1, length(?)) = ?)"
        " ORDER BY g.name, s.name LIMIT ?",
        (account, region, function, f"{function}:", f"{function}:", most),
    )
    return [(row[0], Subscription(*row[1:])) for row in rows]


def delete(connection: sqlite3.Connection, group: GroupName, name: str) -> None:
    """What waits for its destination goes with it."""
    found = connection.execute(
        "DELETE FROM log_subscription WHERE group_id = ? AND name = ? RETURNING id",
        (get_group(connection, group).id, name),
    ).fetchone()
    if found is None:
        raise LogsResourceNotFoundException("The specified subscription filter does not exist.")
    connection.execute("DELETE FROM log_parcel WHERE subscription_id = ?", found)
