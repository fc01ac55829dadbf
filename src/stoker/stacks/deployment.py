"""One stack on its way to what is wanted: each resource when those that it needs are there.

    forward ──► all there ──► cleanup (what was replaced or is not wanted) ──► COMPLETE
       └─ one fails ──► the others under way come to their end ──► back to what was

Whatever is made is written down before the next thing happens, so that a stack whose server died
can be taken back or deleted (stacks.py: `recover`).
"""

import asyncio
import graphlib
import json
import logging
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from stoker.core.errors import ServiceError
from stoker.core.stacks import changes
from stoker.core.stacks.changes import Step
from stoker.core.stacks.errors import ValidationError, template_error
from stoker.core.stacks.functions import Scope, evaluate, is_true
from stoker.core.stacks.model import Record, Shown, Status
from stoker.core.stacks.parameters import as_text
from stoker.core.stacks.template import Resource, Template
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.stacks.book import Book, Live
from stoker.stacks.kinds.served import kind_of
from stoker.stacks.work import Around, Kind, Made, Work, is_missing

log = logging.getLogger(__name__)

AT_ONCE = 8  # resources of one stack
PROPERTIES_BYTES = 2 * 1024 * 1024  # of one resource
REASON = 1000  # characters of one
INITIATED = "Resource creation Initiated"
REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."
# Refusals; and the last four where a property has not the form that it must have.
FAILURES = (
    ServiceError, Refused, Unreachable, LookupError, TypeError, AttributeError, ValueError,
)  # fmt: skip


class Failed(Exception):
    """Why a stack does not become what was wanted."""


@dataclass(slots=True)
class Deployment:
    """Of one stack, under one of its operations."""

    around: Around
    book: Book
    live: Live
    scope: Scope  # without resources

    # ---- towards what is wanted ----

    async def forward(self, template: Template) -> None:
        """Make and change all that the template has. Raise Failed."""
        there = template.in_force(self.scope)
        needs = {name: it.needs.intersection(there) for name, it in there.items()}
        failed: list[str] = []
        verb = "create" if self.live.stack.before is None else "update"

        async def one(logical: str) -> None:
            if not await self._settle(there[logical], tuple(sorted(needs[logical]))):
                failed.append(logical)

        await self._in_order(needs, one, lambda: bool(failed))
        if self.live.cancelled.is_set():
            raise Failed("")
        if failed:
            raise Failed(f"The following resource(s) failed to {verb}: [{', '.join(failed)}]. ")

    async def _in_order(
        self, needs: Mapping[str, Any], one: Callable[[str], Coroutine[Any, Any, None]],
        stop: Callable[[], bool],
    ) -> None:  # fmt: skip
        order = graphlib.TopologicalSorter(needs)
        order.prepare()
        running: dict[asyncio.Task[None], str] = {}
        waiting: list[str] = []
        try:
            while order.is_active():
                waiting += order.get_ready()
                halted = stop() or self.live.cancelled.is_set()
                while waiting and len(running) < AT_ONCE and not halted:
                    logical = waiting.pop(0)
                    running[asyncio.create_task(one(logical))] = logical
                if not running:
                    return
                done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    order.done(running.pop(task))
                    task.result()
        finally:
            for task in running:
                task.cancel()
            if running:
                await asyncio.wait(running)

    async def _settle(self, resource: Resource, needs: tuple[str, ...]) -> bool:
        """Make one what it is to be. False: it failed, and its record says why."""
        before = self.live.records.get(resource.logical)
        kind = kind_of(resource.kind)
        facts = Record(
            resource.logical, resource.kind, Status.CREATE_IN_PROGRESS, time.time(),
            needs=needs, deletion=resource.deletion, replacement=resource.replacement,
            metadata=resource.metadata,
        )  # fmt: skip
        try:
            properties = self._properties(resource, kind)
        except ServiceError as error:
            status = Status.UPDATE_FAILED if before else Status.CREATE_FAILED
            start = before or facts
            failed = replace(start, status=status, reason=error.message[:REASON])
            await self.book.put_record(self.live, replace(failed, updated=time.time()))
            return False
        step = changes.step(before, properties, kind.traits)
        if step is Step.NOTHING:
            assert before is not None
            same = replace(before, **_policies(facts))
            if same != before:
                await self.book.put_record(self.live, same, told=False)
            return True
        facts = replace(facts, properties=properties)
        if step is Step.CREATE:
            generation = before.generation if before is not None else 0
            return await self._made(replace(facts, generation=generation), kind, before)
        assert before is not None
        if step is Step.REPLACE:
            return await self._replaced(facts, kind, before)
        return await self._changed(facts, kind, before)

    def _properties(self, resource: Resource, kind: Kind) -> dict[str, Any]:
        scope = self.scope.looking(self._look_up)
        properties: dict[str, Any] = evaluate(resource.properties, scope)
        tags = self.live.stack.wanted.tags
        if tags and kind.tags is not None:
            properties["Tags"] = tagged(properties.get("Tags"), tags, kind.tags)
        if len(json.dumps(properties, default=str)) > PROPERTIES_BYTES:
            raise ValidationError(f"Properties of more than {PROPERTIES_BYTES} bytes")
        return properties

    def _look_up(self, logical: str, attribute: str | None) -> Any:
        record = self.live.records.get(logical)
        if record is None or not record.is_made:
            raise template_error(f"Unresolved resource dependencies [{logical}]")
        if attribute is None:
            return record.physical
        if attribute not in record.attributes:
            raise template_error(
                f"Requested attribute {attribute} does not exist in schema for {record.kind}"
            )
        return record.attributes[attribute]

    async def _made(self, facts: Record, kind: Kind, before: Record | None) -> bool:
        record = replace(facts, status=Status.CREATE_IN_PROGRESS)
        await self.book.put_record(self.live, record, properties=_shown(facts.properties))
        return await self._tried(kind, kind.create, record, before, Status.CREATE_COMPLETE)

    async def _replaced(self, facts: Record, kind: Kind, before: Record) -> bool:
        if kind.named and facts.properties.get(kind.named) and (
            facts.properties[kind.named] == before.properties.get(kind.named)
        ):  # fmt: skip
            reason = (
                "CloudFormation cannot update a stack when a custom-named resource requires"
                f" replacing. Rename {facts.properties[kind.named]} and update the stack again."
            )
            failed = replace(before, status=Status.UPDATE_FAILED, reason=reason)
            await self.book.put_record(self.live, replace(failed, updated=time.time()))
            return False
        stack = self.live.stack
        leftovers = (*stack.leftovers, replace(before, replacement=facts.replacement))
        await self.book.put(self.live, replace(stack, leftovers=leftovers), told=False)
        record = replace(
            facts, status=Status.UPDATE_IN_PROGRESS, reason=REPLACING,
            generation=before.generation + 1,
        )  # fmt: skip
        await self.book.put_record(self.live, record, properties=_shown(facts.properties))
        return await self._tried(kind, kind.create, record, None, Status.UPDATE_COMPLETE)

    async def _changed(self, facts: Record, kind: Kind, before: Record) -> bool:
        assert kind.update is not None
        record = replace(
            facts, status=Status.UPDATE_IN_PROGRESS, physical=before.physical,
            attributes=before.attributes, generation=before.generation,
        )  # fmt: skip
        await self.book.put_record(self.live, record, properties=_shown(facts.properties))
        return await self._tried(kind, kind.update, record, before, Status.UPDATE_COMPLETE)

    async def _tried(
        self, kind: Kind, act: Any, record: Record, before: Record | None, done: Status
    ) -> bool:
        """Carry it out, and write down how it went."""
        try:
            made: Made = await act(self._work(record, before))
        except FAILURES as error:
            return await self._not_done(record, error)
        now = self.live.records.get(record.logical, record)
        if before is not None and record.physical and made.physical != record.physical:
            stack = self.live.stack  # a custom resource says that it is another one
            leftovers = (*stack.leftovers, before)
            await self.book.put(self.live, replace(stack, leftovers=leftovers), told=False)
        finished = replace(
            now, status=done, reason="", updated=time.time(), physical=made.physical,
            attributes=made.attributes,
        )  # fmt: skip
        await self.book.put_record(self.live, finished)
        return True

    async def _not_done(self, record: Record, error: Exception) -> bool:
        now = self.live.records.get(record.logical, record)
        creating = record.status is Status.CREATE_IN_PROGRESS
        status = Status.CREATE_FAILED if creating else Status.UPDATE_FAILED
        reason = _reason(error)
        failed = replace(now, status=status, reason=reason, updated=time.time())
        log.info("stack resource failed", extra={"resource": record.logical, "reason": reason})
        await self.book.put_record(self.live, failed)
        return False

    def _work(self, record: Record, before: Record | None, *, replaced: bool = False) -> Work:
        stack = self.live.stack

        async def exists(physical: str, attributes: Mapping[str, Any]) -> None:
            now = self.live.records[record.logical]
            known = replace(
                now, physical=physical, attributes=attributes, reason=INITIATED,
                updated=time.time(),
            )  # fmt: skip
            await self.book.put_record(self.live, known)

        return Work(
            self.around, stack.account, stack.region, stack.id, stack.name, record.logical,
            record.kind, record.properties, exists, self.live.cancelled.wait,
            before.properties if before is not None else {}, record.physical, record.attributes,
            record.generation, replaced,
        )  # fmt: skip

    # ---- back, and away ----

    async def back(self) -> None:
        """Every resource as it was before the update. Raise Failed."""
        before = self.live.stack.before
        assert before is not None
        failed: list[str] = []

        async def one(logical: str) -> None:
            if not await self._restored(before[logical]):
                failed.append(logical)

        needs = {name: set(it.needs).intersection(before) for name, it in before.items()}
        await self._in_order(needs, one, lambda: False)
        if failed:
            raise Failed(f"The following resource(s) failed to update: [{', '.join(failed)}]. ")

    async def _restored(self, old: Record) -> bool:
        now = self.live.records.get(old.logical)
        if now is None or now == old:
            if now is None:
                await self.book.put_record(self.live, old, told=False)
            return True
        if now.physical != old.physical:
            stack = self.live.stack
            kept = tuple(it for it in stack.leftovers if it.physical != old.physical)
            # A new one that has no id yet may be there under the name that it was to have.
            leftovers = (*kept, now)
            await self.book.put(self.live, replace(stack, leftovers=leftovers), told=False)
            restored = replace(old, status=Status.UPDATE_COMPLETE, updated=time.time(), reason="")
            await self.book.put_record(self.live, restored)
            return True
        if changes.differing(now.properties, old.properties):
            kind = kind_of(old.kind)
            assert kind.update is not None
            record = replace(old, status=Status.UPDATE_IN_PROGRESS, updated=time.time(), reason="")
            await self.book.put_record(self.live, record)
            return await self._tried(kind, kind.update, record, now, Status.UPDATE_COMPLETE)
        await self.book.put_record(self.live, replace(old, reason=""), told=False)
        return True

    async def cleanup(self, wanted: Mapping[str, Any]) -> None:
        """Delete what was replaced, and what is not wanted. What cannot be deleted is left, with
        an event that says so, as AWS does."""
        superfluous = {name: it for name, it in self.live.records.items() if name not in wanted}
        await self.removed(superfluous)
        for name in superfluous:
            await self.book.remove_record(self.live, name)
        for old in self.live.stack.leftovers:
            if old.replacement != "Retain":
                await self.gone(old)
        stack = self.live.stack
        await self.book.put(self.live, replace(stack, leftovers=()), told=False)

    async def gone(self, old: Record) -> None:
        """Delete one that is no part of the stack any more."""
        await self._deleted(old, in_stack=False, replaced=True)

    async def removed(self, records: Mapping[str, Record]) -> list[str]:
        """Delete these, what needs others first. Which of them are left."""
        failed: list[str] = []

        async def one(logical: str) -> None:
            record = records[logical]
            keeps = record.deletion == "Retain" or (
                record.deletion == "RetainExceptOnCreate"
                and self.live.stack.status is not Status.ROLLBACK_IN_PROGRESS
            )
            if keeps and record.is_made:
                skipped = replace(record, status=Status.DELETE_SKIPPED, updated=time.time())
                self.book.tell(self.live, skipped)
                await self.book.remove_record(self.live, logical)
            elif not await self._deleted(record, in_stack=True):
                failed.append(logical)

        for wave in changes.deletion_order(records):
            limit = asyncio.Semaphore(AT_ONCE)

            async def bounded(logical: str, limit: asyncio.Semaphore = limit) -> None:
                async with limit:
                    await one(logical)

            async with asyncio.TaskGroup() as group:
                for logical in sorted(wave):
                    group.create_task(bounded(logical))
            if failed:
                break  # what others need cannot go
        return failed

    async def _deleted(self, record: Record, *, in_stack: bool, replaced: bool = False) -> bool:
        """Delete one; say whether it is gone. One that may have been made or not is looked for
        under the name that it would have had."""
        kind = kind_of(record.kind)
        work = self._work(record, None, replaced=replaced)
        if not record.is_made:
            await self._abandoned(kind, work)
            if in_stack:
                await self.book.remove_record(self.live, record.logical)
            return True
        going = replace(record, status=Status.DELETE_IN_PROGRESS, updated=time.time(), reason="")
        if in_stack:
            await self.book.put_record(self.live, going)
        else:
            self.book.tell(self.live, going)
        try:
            await kind.delete(work)
        except FAILURES as error:
            if not (isinstance(error, Refused) and is_missing(error)):
                failed = replace(
                    going, status=Status.DELETE_FAILED, reason=_reason(error), updated=time.time()
                )
                if in_stack:
                    await self.book.put_record(self.live, failed)
                else:
                    self.book.tell(self.live, failed)
                return False
        gone = replace(going, status=Status.DELETE_COMPLETE, updated=time.time())
        self.book.tell(self.live, gone)
        if in_stack:
            await self.book.remove_record(self.live, record.logical)
        return True

    async def _abandoned(self, kind: Kind, work: Work) -> None:
        if kind.guess is None or (kind.named and work.properties.get(kind.named)):
            return
        guessed = replace(work, physical=kind.guess(work))
        with suppress(ServiceError, Refused, Unreachable, KeyError):  # it never was
            await kind.delete(guessed)

    # ---- at the end ----

    def outputs(self, template: Template) -> tuple[Shown, ...]:
        """Raise ServiceError."""
        scope = self.scope.looking(self._look_up)
        found = []
        for key, it in template.outputs.items():
            if it.condition is not None and not is_true(it.condition, scope):
                continue
            value, export = evaluate(it.value, scope), evaluate(it.export, scope)
            if isinstance(value, dict | list) and not all(isinstance(x, str) for x in value):
                raise template_error(f"The Value field of output {key} must be a text")
            said = evaluate(it.description, scope)
            found.append(
                Shown(
                    key,
                    as_text(value),
                    None if said is None else str(said),
                    None if export is None else as_text(export),
                )
            )
        return tuple(found)


def _policies(facts: Record) -> dict[str, Any]:
    return {
        "needs": facts.needs, "deletion": facts.deletion, "replacement": facts.replacement,
        "metadata": facts.metadata,
    }  # fmt: skip


def tagged(own: Any, tags: Mapping[str, str], form: str) -> Any:
    """The resource's own tags, and those of the stack that it does not have."""
    if form == "map":
        return {**tags, **(own or {})}
    own = own or []
    keys = {one.get("Key") for one in own if isinstance(one, dict)}
    return [*own, *({"Key": k, "Value": v} for k, v in tags.items() if k not in keys)]


def _shown(properties: Mapping[str, Any]) -> str:
    text = json.dumps(properties, default=str)
    return text if len(text) <= 4096 else ""


def _reason(error: Exception) -> str:
    match error:
        case Refused():
            said = f'Resource handler returned message: "{error.message}" (Code: {error.code})'
        case ServiceError():
            said = error.message
        case Unreachable():
            said = f"Internal Failure: {error}"
        case _:  # a property has not the form that it must have
            said = f"Properties validation failed: {type(error).__name__} {error}"
    return said[:REASON]
