"""All stacks there are: in memory, and behind it on the disk.

Whoever changes one does it here; what `write` has taken is there after a crash.
"""

import asyncio
import itertools
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stoker.core.errors import LimitExceededException
from stoker.core.stacks import room
from stoker.core.stacks.errors import ValidationError, no_stack
from stoker.core.stacks.model import (
    KIND_OF_STACK,
    ChangeSet,
    Event,
    Record,
    Shown,
    Stack,
    Status,
    Wanted,
)
from stoker.store import stack_store
from stoker.store.group_commit import Statement
from stoker.store.stack_store import Kept, StackStore

STACKS = 2000  # AWS: of an account, in a region
EVENTS = 2000  # of a stack; older ones are forgotten
DELETED = 100  # stacks that are remembered after their end
CHANGE_SETS = 100  # of a stack
USER = "User Initiated"  # AWS's reason of what somebody asked for


@dataclass(slots=True)
class Live:
    """One stack, and what is going on with it."""

    stack: Stack
    records: dict[str, Record] = field(default_factory=dict)
    events: deque[tuple[int, Event]] = field(default_factory=lambda: deque(maxlen=EVENTS))
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)
    task: asyncio.Task[None] | None = None
    cancelled: asyncio.Event = field(default_factory=asyncio.Event)  # whoever deploys it, stop
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    @property
    def texts(self) -> list[Wanted]:
        """All that it keeps of what it was told to be."""
        stack = self.stack
        before = [] if stack.was is None else [stack.was]
        return [stack.wanted, *before, *(one.wanted for one in self.change_sets.values())]

    @property
    def is_there(self) -> bool:
        return self.stack.status is not Status.DELETE_COMPLETE

    async def ended(self) -> None:
        """Wait until nothing is under way."""
        while self.task is not None and not self.task.done():
            await asyncio.wait({self.task})


class Book:
    def __init__(self, store: StackStore) -> None:
        self._store = store
        self._stacks: dict[str, Live] = {}  # by id
        self._named: dict[tuple[str, str, str], Live] = {}  # account, region, name

    async def open(self) -> None:
        """Raise StoreUnavailable."""
        for kept in await self._store.open():
            self._keep(_live(kept))

    async def close(self) -> None:
        await self._store.close()

    # ---- looking ----

    def every(self) -> list[Live]:
        return list(self._stacks.values())

    def of(self, account: str, region: str) -> list[Live]:
        """The newest first."""
        mine = [
            it
            for it in self._stacks.values()
            if (it.stack.account, it.stack.region) == (account, region)
        ]
        return sorted(mine, key=lambda it: it.stack.created, reverse=True)

    def get(self, account: str, region: str, name: str) -> Live | None:
        """By name, or by id; a deleted one by id only."""
        if name.startswith("arn:"):
            found = self._stacks.get(name)
            mine = found is not None and found.stack.account == account
            return found if mine else None
        return self._named.get((account, region, name))

    def find(self, account: str, region: str, name: str) -> Live:
        """Raise ValidationError."""
        found = self.get(account, region, name)
        if found is None:
            raise no_stack(name)
        return found

    def exports(self, account: str, region: str) -> dict[str, tuple[Stack, Shown]]:
        return {
            one.export: (it.stack, one)
            for it in self.of(account, region)
            if it.is_there
            for one in it.stack.outputs
            if one.export is not None
        }

    def importers(self, account: str, region: str, export: str) -> list[str]:
        return [
            it.stack.name
            for it in self.of(account, region)
            if it.is_there and export in (*it.stack.imports, *it.stack.was_imports)
        ]

    def check_unused(self, stack: Stack, export: str, what: str = "deleted") -> None:
        """Refuse to take back what others import. Raise ValidationError, in AWS's words."""
        there = self.importers(stack.account, stack.region, export)
        users = [name for name in there if name != stack.name]
        if users:
            *others, last = users
            names = f"{', '.join(others)} and {last}" if others else last
            raise ValidationError(f"Export {export} cannot be {what} as it is in use by {names}")

    def check_room(self, account: str, added: Wanted) -> None:
        """Deleted ones are not counted. Raise LimitExceededException."""
        mine = (it for it in self._stacks.values() if it.stack.account == account and it.is_there)
        room.check_room((text for it in mine for text in it.texts), added)

    # ---- changing ----

    async def add(self, stack: Stack) -> Live:
        """From the first moment on whoever looks for its name finds it. When this returns,
        somebody may have changed it."""
        there = [it for it in self.of(stack.account, stack.region) if it.is_there]
        if len(there) >= STACKS:
            raise LimitExceededException(f"Limit for stack has been exceeded: {STACKS}")
        live = Live(stack)
        self._keep(live)
        statements = [
            stack_store.put_stack(stack),
            *self._event(
                live, stack.at, stack.name, stack.id, KIND_OF_STACK, stack.status, stack.reason
            ),
        ]
        try:
            await self._store.write(statements)
        except BaseException:
            self._drop(live)
            raise
        return live

    async def put(
        self, live: Live, stack: Stack, *, told: bool = True, tried: Status | None = None
    ) -> None:
        """Its new state; with an event if its status is another one (`told`), or would have become
        another one and did not (`tried`, which has an event of its own)."""
        before, live.stack = live.stack, stack
        statements = [stack_store.put_stack(stack)]
        if tried is not None:
            statements += self._event(
                live, stack.at, stack.name, stack.id, KIND_OF_STACK, tried, USER
            )
        if told and (tried or before.status is not stack.status or not live.events):
            statements += self._event(
                live, stack.at, stack.name, stack.id, KIND_OF_STACK, stack.status,
                stack.reason,
            )  # fmt: skip
        if stack.status is Status.DELETE_COMPLETE:
            self._named.pop((stack.account, stack.region, stack.name), None)
            statements += self._forgotten()
        await self._store.write(statements)

    async def put_record(
        self, live: Live, record: Record, *, properties: str = "", told: bool = True
    ) -> None:
        live.records[record.logical] = record
        statements = [stack_store.put_record(live.stack.id, record)]
        if told:
            statements += self._event(
                live, record.updated, record.logical, record.physical, record.kind,
                record.status, record.reason, properties,
            )  # fmt: skip
        await self._store.write(statements)

    async def remove_record(self, live: Live, logical: str) -> None:
        live.records.pop(logical, None)
        await self._store.write([stack_store.remove_record(live.stack.id, logical)])

    def tell(self, live: Live, record: Record) -> None:
        """An event of something that is no part of the stack any more, or not yet."""
        statements = self._event(
            live, record.updated, record.logical, record.physical, record.kind, record.status,
            record.reason,
        )  # fmt: skip
        self._store.note(statements)

    async def put_change_set(self, live: Live, change_set: ChangeSet) -> None:
        """In place of the one of that name."""
        before = live.change_sets.get(change_set.name)
        if before is None and len(live.change_sets) >= CHANGE_SETS:
            raise LimitExceededException(f"A stack can have {CHANGE_SETS} change sets.")
        self.check_room(live.stack.account, change_set.wanted)
        live.change_sets[change_set.name] = change_set
        statements = [stack_store.put_change_set(change_set)]
        if before is not None and before.id != change_set.id:
            statements.append(stack_store.remove_change_set(before))
        await self._store.write(statements)

    async def remove_change_set(self, live: Live, change_set: ChangeSet) -> None:
        live.change_sets.pop(change_set.name, None)
        await self._store.write([stack_store.remove_change_set(change_set)])

    async def forget(self, live: Live) -> None:
        """One that never was more than under review."""
        self._drop(live)
        await self._store.write(stack_store.forget_stack(live.stack.id))

    def _event(
        self, live: Live, at: float, logical: str, physical: str, kind: str, status: Status,
        reason: str, properties: str = "",
    ) -> list[Statement]:  # fmt: skip
        own = kind == KIND_OF_STACK and physical == live.stack.id
        id = str(uuid.uuid4()) if own else f"{logical}-{uuid.uuid4()}"
        event = Event(id, at, logical, physical, kind, status, reason, properties)
        number = next(live.numbers)
        live.events.append((number, event))
        return stack_store.add_event(live.stack.id, number, event, keep=EVENTS)

    def _forgotten(self) -> list[Statement]:
        gone = [it for it in self._stacks.values() if not it.is_there]
        gone.sort(key=lambda it: it.stack.deleted or 0.0)
        statements = []
        for live in gone[: max(0, len(gone) - DELETED)]:
            del self._stacks[live.stack.id]
            statements += stack_store.forget_stack(live.stack.id)
        return statements

    def _keep(self, live: Live) -> None:
        stack = live.stack
        self._stacks[stack.id] = live
        if live.is_there:
            self._named[stack.account, stack.region, stack.name] = live

    def _drop(self, live: Live) -> None:
        stack = live.stack
        self._stacks.pop(stack.id, None)
        self._named.pop((stack.account, stack.region, stack.name), None)


def _live(kept: Kept) -> Live:
    live = Live(kept.stack, kept.records, change_sets=kept.change_sets)
    live.events.extend(kept.events)
    last = kept.events[-1][0] if kept.events else 0
    live.numbers = itertools.count(last + 1)
    return live


def check_exports(book: Book, stack: Stack, wanted: Iterable[Shown]) -> None:
    """Refuse names that another stack has exported, and to take back what others use."""
    names = {one.export for one in wanted if one.export is not None}
    there = book.exports(stack.account, stack.region)
    for name in names:
        owner = there[name][0] if name in there else stack
        if owner.id != stack.id:
            raise ValidationError(
                f"Export with name {name} is already exported by stack {owner.name}."
            )
    values = {one.export: one.value for one in wanted}
    for one in stack.outputs:
        if one.export is None:
            continue
        if one.export not in names:
            book.check_unused(stack, one.export)
        elif values[one.export] != one.value:
            book.check_unused(stack, one.export, "updated")
