"""Events that wait, in one SQLite file of their own (store/group_commit.py).

An `add` that was confirmed is on the disk. Nobody waits for postponements and removals: the
server that runs knows of them anyway, and what a crash makes it forget is run again. A start
reads what is due when, and no bodies.
"""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson

from stoker.core.async_events import Progress
from stoker.core.model import FunctionKey
from stoker.store.base import StoreUnavailable
from stoker.store.group_commit import (
    Gathering,
    GroupCommit,
    Statement,
    deletions,
    insertions,
)

_SCHEMA = tuple(Path(__file__).with_name(f"event_queue_{version}.sql") for version in (1, 2))
_SESSION = Path(__file__).with_name("event_queue_session.sql")
_POSTPONE = "UPDATE events SET attempts = ?, refusals = ?, due = ? WHERE id = ?"


@dataclass(frozen=True, slots=True)
class Content:
    """What an attempt needs, the same for each."""

    request_id: str
    invoked_arn: str
    content_type: str
    trace_id: str
    trace_parent: str
    body: bytes
    tenant: str = ""  # for whom it runs, of a function with tenant isolation


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event without its content."""

    id: int
    function: FunctionKey
    qualifier: str | None
    progress: Progress
    due: float
    size: int  # of the body, in bytes


class EventQueue:
    """`await open()` first; `await close()` at the end."""

    def __init__(self, path: Path) -> None:
        self._file = GroupCommit(path, *_SCHEMA, session=_SESSION)
        self._next_id = 1
        self._adding = Gathering(self._file, _additions)
        self._removing: list[int] = []

    async def open(self) -> list[Waiting]:
        """Make or open the file; everything that waits, in the order in which it was accepted."""
        await self._file.open()
        waiting = await self._file.read(_waiting)
        self._next_id = waiting[-1].id + 1 if waiting else 1
        return waiting

    async def close(self) -> None:
        """Idempotent."""
        await self._file.close()

    @property
    def last(self) -> int:
        """The id of what was accepted last."""
        return self._next_id - 1

    def add(
        self,
        function: FunctionKey,
        qualifier: str | None,
        accepted: float,
        content: Content,
        done: Callable[[Waiting | StoreUnavailable], None],
    ) -> None:
        """Keep an event that is due at once. `done` is called when it is on the disk, or why it
        is not there and never will be."""
        waiting = Waiting(
            self._next_id, function, qualifier, Progress(accepted), accepted, len(content.body)
        )
        self._next_id += 1

        def added(fault: StoreUnavailable | None) -> None:
            done(waiting if fault is None else fault)

        self._adding.write((waiting, content), added)

    def postpone(self, id: int, progress: Progress, due: float) -> None:
        """It is to be run again, at `due`."""
        self._file.note([(_POSTPONE, (progress.attempts, progress.refusals, due, id))])

    def remove(self, id: int) -> None:
        """It is at its end."""
        if not self._removing:
            self._file.gather(self._removals)
        self._removing.append(id)

    async def removed(self, id: int) -> None:
        """The same; when this returns, it is not on the disk any more. Raise StoreUnavailable."""
        await self._file.written([deletions("events", [id]), deletions("event_contents", [id])])

    async def contents(self, ids: Sequence[int]) -> dict[int, Content]:
        """Of these events. Raise StoreUnavailable."""
        return await self._file.read(partial(_contents, ids=ids))

    async def listed(
        self, function: FunctionKey, after: int, most: int
    ) -> list[tuple[Waiting, str]]:
        """With their request ids, in the order in which they were accepted, behind the one with the
        id `after`. Raise StoreUnavailable."""
        return await self._file.read(partial(_listed, function=function, after=after, most=most))

    def _removals(self) -> list[Statement]:
        ids, self._removing = self._removing, []
        return [deletions("events", ids), deletions("event_contents", ids)]


def _additions(adding: list[tuple[Waiting, Content]]) -> list[Statement]:
    rows = [_row(waiting) + _columns(content) for waiting, content in adding]
    return insertions("accepted_events", rows)


def _waiting(db: sqlite3.Connection) -> list[Waiting]:
    keys: dict[tuple[str, str, str], FunctionKey] = {}  # one object for all events of a function
    found = []
    for id, account, region, name, qualifier, accepted, due, attempts, refusals, size in db.execute(
        "SELECT id, account, region, name, qualifier, accepted, due, attempts, refusals, size"
        " FROM events ORDER BY id"
    ):
        key = keys.setdefault((account, region, name), FunctionKey(account, region, name))
        progress = Progress(accepted, attempts, refusals)
        found.append(Waiting(id, key, qualifier, progress, due, size))
    return found


def _listed(
    db: sqlite3.Connection, function: FunctionKey, after: int, most: int
) -> list[tuple[Waiting, str]]:
    rows = db.execute(
        "SELECT id, qualifier, accepted, due, attempts, refusals, size FROM events"
        " WHERE id > ? AND name = ? AND account = ? AND region = ? ORDER BY id LIMIT ?",
        (after, function.name, function.account, function.region, most),
    ).fetchall()
    names = dict(
        db.execute(
            "SELECT id, request_id FROM event_contents"
            " WHERE id IN (SELECT value FROM json_each(?))",
            (orjson.dumps([row[0] for row in rows]).decode(),),
        )
    )
    return [
        (
            Waiting(id, function, qualifier, Progress(accepted, attempts, refusals), due, size),
            names.get(id, ""),
        )
        for id, qualifier, accepted, due, attempts, refusals, size in rows
    ]


def _contents(db: sqlite3.Connection, ids: Sequence[int]) -> dict[int, Content]:
    marks = ",".join("?" * len(ids))
    rows = db.execute(
        "SELECT id, request_id, invoked_arn, content_type, trace_id, trace_parent, body, tenant"
        f" FROM event_contents WHERE id IN ({marks})",
        tuple(ids),
    )
    return {row[0]: Content(*row[1:]) for row in rows}


def _row(waiting: Waiting) -> tuple[object, ...]:
    key, progress = waiting.function, waiting.progress
    return (
        waiting.id,
        key.account,
        key.region,
        key.name,
        waiting.qualifier,
        progress.accepted,
        waiting.due,
        progress.attempts,
        progress.refusals,
        waiting.size,
    )


def _columns(content: Content) -> tuple[object, ...]:
    return (
        content.request_id,
        content.invoked_arn,
        content.content_type,
        content.trace_id,
        content.trace_parent,
        content.body,
        content.tenant,
    )
