"""CloudFormation's stacks in one SQLite file of their own (store/group_commit.py)."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from stoker.core.stacks.model import (
    Change,
    ChangeSet,
    Event,
    Record,
    Shown,
    Stack,
    Status,
    Wanted,
)
from stoker.store.group_commit import GroupCommit, Statement

_SCHEMA = Path(__file__).with_name("stacks_1.sql")


@dataclass(slots=True)
class Kept:
    """What there is of one stack."""

    stack: Stack
    records: dict[str, Record] = field(default_factory=dict)
    events: list[tuple[int, Event]] = field(default_factory=list)  # with their numbers, in order
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)  # by name


class StackStore:
    def __init__(self, path: Path) -> None:
        self._file = GroupCommit(path, _SCHEMA)

    async def open(self) -> list[Kept]:
        """Raise StoreUnavailable."""
        await self._file.open()
        return await self._file.read(_kept)

    async def close(self) -> None:
        await self._file.close()

    async def write(self, statements: Sequence[Statement]) -> None:
        """Return when they are on the disk; raise StoreUnavailable when they never will be."""
        await self._file.written(statements)

    def note(self, statements: Sequence[Statement]) -> None:
        """With the next write: what a crash may forget."""
        self._file.note(statements)


def put_stack(stack: Stack) -> Statement:
    return "INSERT OR REPLACE INTO stacks VALUES (?, ?)", (stack.id, _dump(stack))


def put_record(stack: str, record: Record) -> Statement:
    sql = "INSERT OR REPLACE INTO stack_resources VALUES (?, ?, ?)"
    return sql, (stack, record.logical, _dump(record))


def remove_record(stack: str, logical: str) -> Statement:
    return "DELETE FROM stack_resources WHERE stack = ? AND logical = ?", (stack, logical)


def add_event(stack: str, number: int, event: Event, *, keep: int) -> list[Statement]:
    """The latest `keep` of a stack stay."""
    return [
        ("INSERT INTO stack_events VALUES (?, ?, ?)", (stack, number, _dump(event))),
        ("DELETE FROM stack_events WHERE stack = ? AND number <= ?", (stack, number - keep)),
    ]


def put_change_set(change_set: ChangeSet) -> Statement:
    sql = "INSERT OR REPLACE INTO change_sets VALUES (?, ?, ?)"
    return sql, (change_set.stack, change_set.id, _dump(change_set))


def remove_change_set(change_set: ChangeSet) -> Statement:
    return "DELETE FROM change_sets WHERE stack = ? AND id = ?", (change_set.stack, change_set.id)


def forget_stack(id: str) -> list[Statement]:
    """All of it."""
    return [
        ("DELETE FROM stacks WHERE id = ?", (id,)),
        *(
            (f"DELETE FROM {table} WHERE stack = ?", (id,))
            for table in ("stack_resources", "stack_events", "change_sets")
        ),
    ]


def _dump(value: Any) -> str:
    return json.dumps(asdict(value), separators=(",", ":"))


def _kept(db: sqlite3.Connection) -> list[Kept]:
    found: dict[str, Kept] = {}
    for id, body in db.execute("SELECT id, body FROM stacks"):
        found[id] = Kept(_stack(json.loads(body)))
    for id, logical, body in db.execute("SELECT stack, logical, body FROM stack_resources"):
        found[id].records[logical] = _record(json.loads(body))
    for id, number, body in db.execute(
        "SELECT stack, number, body FROM stack_events ORDER BY stack, number"
    ):
        event = json.loads(body)
        found[id].events.append((number, Event(**{**event, "status": Status(event["status"])})))
    for id, body in db.execute("SELECT stack, body FROM change_sets"):
        change_set = _change_set(json.loads(body))
        found[id].change_sets[change_set.name] = change_set
    return list(found.values())


def _stack(told: dict[str, Any]) -> Stack:
    before = told["before"]
    return Stack(
        **{
            **told,
            "status": Status(told["status"]),
            "wanted": _wanted(told["wanted"]),
            "was": None if told["was"] is None else _wanted(told["was"]),
            "outputs": tuple(Shown(**one) for one in told["outputs"]),
            "was_outputs": tuple(Shown(**one) for one in told["was_outputs"]),
            "leftovers": tuple(_record(one) for one in told["leftovers"]),
            "imports": tuple(told["imports"]),
            "was_imports": tuple(told.get("was_imports", ())),  # older files lack it
            "before": None
            if before is None
            else {logical: _record(one) for logical, one in before.items()},
        }
    )


def _wanted(told: dict[str, Any]) -> Wanted:
    lists = {name: tuple(told[name]) for name in ("capabilities", "notification_arns")}
    return Wanted(**{**told, **lists})


def _record(told: dict[str, Any]) -> Record:
    return Record(**{**told, "status": Status(told["status"]), "needs": tuple(told["needs"])})


def _change_set(told: dict[str, Any]) -> ChangeSet:
    changes = tuple(
        Change(
            **{
                **one,
                "properties": tuple((name, needs) for name, needs in one["properties"]),
                "scope": tuple(one["scope"]),
            }
        )
        for one in told["changes"]
    )
    return ChangeSet(**{**told, "wanted": _wanted(told["wanted"]), "changes": changes})
