"""Stacks: what CloudFormation's operations ask for, carried out one at a time for each stack.

    create, update, delete ─► the stack's state, durably ─► a task: Deployment ─► its last state

Two at once on one stack are refused in AWS's words: the status says that it is taken. A server
that died in the midst takes up what was under way: a creation or an update is taken back, with a
reason that says so; a deletion and a cleanup go on.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import replace
from typing import Any

from stoker.core.errors import ServiceError
from stoker.core.stacks.errors import AlreadyExistsException, ValidationError
from stoker.core.stacks.functions import Scope
from stoker.core.stacks.model import UPDATABLE, Change, Record, Shown, Stack, Status, Wanted
from stoker.core.stacks.template import Template, parse
from stoker.stacks.book import USER, Book, Live, check_exports
from stoker.stacks.custom import Answers
from stoker.stacks.deployment import Deployment, Failed
from stoker.stacks.planning import planned
from stoker.stacks.preparing import Prepared, Preparing, pseudo_parameters
from stoker.stacks.watching import Watching
from stoker.stacks.work import Around

log = logging.getLogger(__name__)

DIED = "Stoker ended while this was under way. "
S = Status


class Stacks:
    def __init__(self, book: Book, around: Around, preparing: Preparing) -> None:
        self.book = book
        self.preparing = preparing
        self.watching = Watching()
        self.answers: Answers = around.answers
        self.ask = around.ask
        self._around = around
        self._closing = False

    async def start(self) -> None:
        """Take up what was under way. Raise StoreUnavailable."""
        await self.book.open()
        for live in self.book.every():
            if live.stack.status.is_under_way:
                self._run(live, self._recovered(live))

    async def close(self) -> None:
        """What is under way is left, for the next start to take up."""
        self._closing = True
        tasks = [it.task for it in self.book.every() if it.task is not None and not it.task.done()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        await self.preparing.close()
        await self.book.close()

    # ---- what is asked ----

    async def create(self, stack: Stack) -> Live:
        """Begin to make a stack. Raise AlreadyExistsException,
        LimitExceededException."""
        found = self.book.get(stack.account, stack.region, stack.name)
        if found is not None and found.stack.status is not S.REVIEW_IN_PROGRESS:
            raise AlreadyExistsException(f"Stack [{stack.name}] already exists")
        self.book.check_room(stack.account, stack.wanted)
        id = stack.id if found is None else found.stack.id
        now = time.time()
        begun = replace(stack, id=id, status=S.CREATE_IN_PROGRESS, reason=USER, at=now)
        if found is None:
            found = await self.book.add(begun)
        else:
            await self.book.put(found, begun)
        if found.stack is begun:  # else somebody deletes it already
            self._run(found, self._created(found))
        return found

    async def update(self, live: Live, wanted: Wanted, **changes: Any) -> None:
        """Begin to make it what is wanted now. Raise ValidationError,
        LimitExceededException."""
        self.check_updatable(live)
        stack = live.stack
        self.book.check_room(stack.account, wanted)
        live.cancelled.clear()
        now = time.time()
        await self.book.put(
            live,
            replace(
                stack, status=S.UPDATE_IN_PROGRESS, reason=USER, updated=now, at=now,
                wanted=wanted, before=dict(live.records), was=stack.wanted,
                was_outputs=stack.outputs, leftovers=(), imports=(),
                was_imports=tuple({*stack.imports, *stack.was_imports}), **changes,
            ),
        )  # fmt: skip
        self._run(live, self._updated(live))

    def check_updatable(self, live: Live) -> None:
        if live.stack.status not in UPDATABLE:
            raise ValidationError(
                f"Stack:{live.stack.id} is in {live.stack.status} state and can not be updated."
            )

    async def delete(self, live: Live, retain: frozenset[str] = frozenset()) -> None:
        """Begin to delete it. What is being created is stopped first."""
        stack = live.stack
        if stack.protected:
            raise ValidationError(
                f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled"
            )
        if stack.status is S.DELETE_COMPLETE or stack.status is S.DELETE_IN_PROGRESS:
            return
        creating = stack.status in (S.CREATE_IN_PROGRESS, S.ROLLBACK_IN_PROGRESS)
        if stack.status.is_under_way and not creating:
            raise ValidationError(
                f"Stack [{stack.name}] cannot be deleted while in status {stack.status}"
            )
        if await self._kept_for_others(live):
            return
        before = live.task
        live.cancelled.set()
        await self._put(live, S.DELETE_IN_PROGRESS, USER)
        self._run(live, self._deleted(live, retain, before))

    async def _kept_for_others(self, live: Live) -> bool:
        """What others import stays. AWS: the deletion begins, and ends where the stack was, with a
        reason; the request itself is no error."""
        stack = live.stack
        try:
            for export in (one.export for one in stack.outputs if one.export):
                self.book.check_unused(stack, export)
        except ValidationError as error:
            stays = replace(stack, reason=error.message, at=time.time())
            await self.book.put(live, stays, tried=S.DELETE_IN_PROGRESS)
            return True
        return False

    async def cancel_update(self, live: Live) -> None:
        if live.stack.status is not S.UPDATE_IN_PROGRESS:
            raise ValidationError(
                f"CancelUpdateStack cannot be called from current stack status {live.stack.status}"
            )
        live.cancelled.set()

    async def continue_rollback(self, live: Live) -> None:
        if live.stack.status is not S.UPDATE_ROLLBACK_FAILED:
            raise ValidationError(
                f"Stack:{live.stack.id} is in {live.stack.status} state and can not be rolled back."
            )
        await self._put(live, S.UPDATE_ROLLBACK_IN_PROGRESS, USER)
        self._run(live, self._update_taken_back(live))

    # ---- how it goes on ----

    def _run(self, live: Live, work: Any) -> None:
        if self._closing:
            work.close()
            return
        live.task = asyncio.get_running_loop().create_task(self._watched(live, work))

    async def _watched(self, live: Live, work: Awaitable[None]) -> None:
        try:
            await work
        except Exception:
            log.exception("stack failed", extra={"stack": live.stack.id})
            await self._put(live, _after_our_fault(live.stack.status), "Internal Failure")

    async def _put(self, live: Live, status: Status, reason: str = "", **changes: Any) -> None:
        now = time.time()
        changed = replace(live.stack, status=status, reason=reason, at=now, **changes)
        await self.book.put(live, changed)

    async def _created(self, live: Live) -> None:
        deployment, template = self._deployment(live)
        try:
            async with asyncio.timeout(live.stack.timeout_s):
                await deployment.forward(template)
            outputs = self._outputs(live, deployment, template)
        except TimeoutError:
            await self._creation_failed(
                live, deployment, "Stack creation time exceeded the specified timeout. "
            )
        except (Failed, ServiceError) as error:
            if live.stack.status is S.CREATE_IN_PROGRESS:  # else somebody deletes it
                await self._creation_failed(live, deployment, str(error))
        else:
            if live.stack.status is S.CREATE_IN_PROGRESS:
                await self._put(live, S.CREATE_COMPLETE, outputs=outputs)

    async def _creation_failed(self, live: Live, deployment: Deployment, reason: str) -> None:
        action = live.stack.on_failure
        if action == "DO_NOTHING":
            await self._put(live, S.CREATE_FAILED, reason)
            return
        if action == "DELETE":
            words = f"{reason}Delete requested by user."
            await self._put(live, S.DELETE_IN_PROGRESS, words)
        else:
            words = f"{reason}Rollback requested by user."
            await self._put(live, S.ROLLBACK_IN_PROGRESS, words)
        left = await deployment.removed(dict(live.records))
        if live.stack.status is S.DELETE_IN_PROGRESS and action != "DELETE":
            return  # somebody deletes it
        if left:
            status = S.DELETE_FAILED if action == "DELETE" else S.ROLLBACK_FAILED
            await self._put(live, status, _not_deleted(left))
        elif action == "DELETE":
            await self._gone(live)
        else:
            await self._put(live, S.ROLLBACK_COMPLETE)

    async def _updated(self, live: Live) -> None:
        deployment, template = self._deployment(live)
        try:
            await deployment.forward(template)
            outputs = self._outputs(live, deployment, template)
        except (Failed, ServiceError) as error:
            reason = str(error) or "User requested cancellation. "
            if live.stack.on_failure == "DO_NOTHING":
                await self._put(live, S.UPDATE_FAILED, reason, before=None, was=None)
            else:
                await self._put(live, S.UPDATE_ROLLBACK_IN_PROGRESS, reason)
                await self._update_taken_back(live)
            return
        await self._put(
            live, S.UPDATE_COMPLETE_CLEANUP_IN_PROGRESS, outputs=outputs, was_imports=(),
            description=template.description,
        )  # fmt: skip
        await self._cleaned_up(live, deployment, template)

    async def _cleaned_up(self, live: Live, deployment: Deployment, template: Template) -> None:
        await deployment.cleanup(template.in_force(deployment.scope))
        await self._put(
            live, S.UPDATE_COMPLETE, before=None, was=None, was_outputs=(), leftovers=()
        )

    async def _update_taken_back(self, live: Live) -> None:
        live.cancelled.clear()
        deployment, _ = self._deployment(live)
        try:
            await deployment.back()
        except Failed as error:
            await self._put(live, S.UPDATE_ROLLBACK_FAILED, str(error))
            return
        stack = live.stack
        assert stack.was is not None
        await self._put(
            live, S.UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS, wanted=stack.was,
            outputs=stack.was_outputs, imports=stack.was_imports, was_imports=(),
        )  # fmt: skip
        await self._rollback_cleaned_up(live)

    async def _rollback_cleaned_up(self, live: Live) -> None:
        deployment, _ = self._deployment(live)
        await deployment.cleanup(live.stack.before or {})
        await self._put(
            live, S.UPDATE_ROLLBACK_COMPLETE, before=None, was=None, was_outputs=(), leftovers=()
        )

    async def _deleted(
        self, live: Live, retain: frozenset[str], before: "asyncio.Task[None] | None"
    ) -> None:
        if before is not None and not before.done():
            await asyncio.wait({before})
        live.cancelled.clear()
        deployment = self._bare_deployment(live)
        records = {key: it for key, it in live.records.items() if key not in retain}
        left = await deployment.removed(records)
        if left:
            await self._put(live, S.DELETE_FAILED, _not_deleted(left))
            return
        for old in live.stack.leftovers:
            await deployment.gone(old)
        await self._gone(live)

    async def _gone(self, live: Live) -> None:
        for logical in list(live.records):
            await self.book.remove_record(live, logical)
        now = time.time()
        await self._put(
            live,
            S.DELETE_COMPLETE,
            deleted=now,
            outputs=(),
            imports=(),
            was_imports=(),
            before=None,
        )

    async def _recovered(self, live: Live) -> None:
        """After a crash."""
        log.warning("stack taken up", extra={"stack": live.stack.id, "status": live.stack.status})
        match live.stack.status:
            case S.CREATE_IN_PROGRESS | S.ROLLBACK_IN_PROGRESS:
                deployment = self._bare_deployment(live)
                await self._creation_failed(live, deployment, DIED)
            case S.UPDATE_IN_PROGRESS | S.UPDATE_ROLLBACK_IN_PROGRESS:
                await self._put(live, S.UPDATE_ROLLBACK_IN_PROGRESS, DIED)
                await self._update_taken_back(live)
            case S.UPDATE_COMPLETE_CLEANUP_IN_PROGRESS:
                deployment, template = self._deployment(live)
                await self._cleaned_up(live, deployment, template)
            case S.UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS:
                await self._rollback_cleaned_up(live)
            case _:
                await self._deleted(live, frozenset(), None)

    # ---- parts ----

    def _deployment(self, live: Live) -> tuple[Deployment, Template]:
        stack = live.stack
        template = parse(stack.wanted.body)
        scope = self.scope(stack, template)

        def imported(name: str) -> str:
            value: str = scope.imported(name)
            live.stack = replace(live.stack, imports=tuple(sorted({*live.stack.imports, name})))
            return value

        noting = replace(scope, imported=imported)
        return Deployment(self._around, self.book, live, noting), template

    def scope(self, stack: Stack, template: Template) -> Scope:
        """What functions know before any resource is there."""

        def imported(name: str) -> str:
            return _exported(self.book.exports(stack.account, stack.region), name)

        return Scope(
            parameters=self.preparing.values(stack, template),
            mappings=template.mappings,
            conditions=template.conditions,
            imported=imported,
        )

    async def planned(
        self, draft: Stack, prepared: Prepared, records: Mapping[str, Record]
    ) -> list[Change]:
        """What would be done to each resource. Raise ValidationError.

        A big template takes tenths of a second, so a thread works it out, from what is there now.
        """
        template, wanted = prepared.template, prepared.wanted
        exports = self.book.exports(draft.account, draft.region)
        scope = replace(
            self.scope(replace(draft, wanted=wanted), template),
            imported=lambda name: _exported(exports, name),
        )
        return await asyncio.to_thread(planned, scope, template, wanted, dict(records))

    def _bare_deployment(self, live: Live) -> Deployment:
        """One that only deletes."""
        scope = Scope(parameters=pseudo_parameters(live.stack))
        return Deployment(self._around, self.book, live, scope)

    def _outputs(self, live: Live, deployment: Deployment, template: Template) -> tuple[Shown, ...]:
        outputs = deployment.outputs(template)
        check_exports(self.book, live.stack, outputs)
        return outputs


def _exported(exports: Mapping[str, tuple[Stack, Shown]], name: str) -> str:
    if name not in exports:
        raise ValidationError(f"No export named {name} found.")
    return exports[name][1].value


def new_id(account: str, region: str, name: str) -> str:
    return f"arn:aws:cloudformation:{region}:{account}:stack/{name}/{uuid.uuid4()}"


def _after_our_fault(status: Status) -> Status:
    """Where a stack can still be deleted from."""
    if status is S.DELETE_IN_PROGRESS:
        return S.DELETE_FAILED
    if "UPDATE" in status:
        return S.UPDATE_ROLLBACK_FAILED
    return S.ROLLBACK_FAILED


def _not_deleted(left: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(left)}]. "
