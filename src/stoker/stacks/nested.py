"""AWS::CloudFormation::Stack: a stack that is a resource of another."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from stoker.core.stacks.errors import ValidationError
from stoker.core.stacks.model import Stack, Status, Wanted, first_failure
from stoker.core.stacks.parameters import Given, as_text
from stoker.stacks.book import Live
from stoker.stacks.stacks import Stacks, new_id
from stoker.stacks.work import Made, Work, as_map

DEPTH = 5  # stacks in stacks
NOT_MADE = " was not successfully made: "
COMPLETE = (Status.CREATE_COMPLETE, Status.UPDATE_COMPLETE)


class Nested:
    def __init__(self, stacks: Callable[[], Stacks]) -> None:
        self._all = stacks

    async def create(self, work: Work) -> Made:
        stacks = self._all()
        parent = stacks.book.find(work.account, work.region, work.stack_id).stack
        self._check_depth(stacks, parent)
        name = work.unique(128)
        stack = Stack(
            new_id(work.account, work.region, name), work.account, work.region, name,
            Status.CREATE_IN_PROGRESS, time.time(), await self._wanted(work),
            parent=parent.id, root=parent.root or parent.id, on_failure="ROLLBACK",
        )  # fmt: skip
        prepared = await stacks.preparing.prepared(stack, _given(work), {})
        stack = replace(stack, wanted=prepared.wanted, description=prepared.template.description)
        live = await stacks.create(stack)
        await work.exists(live.stack.id, {})
        await self._waited(work, live)
        return _made(live)

    async def update(self, work: Work) -> Made:
        stacks = self._all()
        live = stacks.book.find(work.account, work.region, work.physical)
        draft = replace(live.stack, wanted=await self._wanted(work))
        prepared = await stacks.preparing.prepared(draft, _given(work), {})
        found = await stacks.planned(draft, prepared, live.records)
        if found or live.stack.wanted.body != prepared.wanted.body:
            await stacks.update(live, prepared.wanted)
            await self._waited(work, live)
        return _made(live)

    async def delete(self, work: Work) -> None:
        stacks = self._all()
        live = stacks.book.get(work.account, work.region, work.physical)
        if live is None or not live.is_there:
            return
        await stacks.delete(live)
        await live.ended()
        if live.is_there:
            raise ValidationError(
                f"Embedded stack {live.stack.id} was not successfully deleted: {live.stack.reason}"
            )

    async def _wanted(self, work: Work) -> Wanted:
        text = await self._all().preparing.fetched(
            work.account, work.region, str(work.must("TemplateURL"))
        )
        tags = as_map(work.properties.get("Tags"))
        return Wanted(template=text, tags=tags, capabilities=("CAPABILITY_NAMED_IAM",))

    async def _waited(self, work: Work, live: Live) -> None:
        ended = asyncio.ensure_future(live.ended())
        cancelled = asyncio.ensure_future(work.cancelled())
        try:
            await asyncio.wait({ended, cancelled}, return_when="FIRST_COMPLETED")
            if not ended.done():
                live.cancelled.set()
                await ended
        finally:
            ended.cancel()
            cancelled.cancel()
        if live.stack.status not in COMPLETE:
            why = first_failure(live.stack.id, [event for _, event in live.events])
            why = why or live.stack.reason or live.stack.status
            cause = why.rpartition(NOT_MADE)[2]  # of the innermost: reasons have an end
            raise ValidationError(f"Embedded stack {live.stack.id}{NOT_MADE}{cause}")

    def _check_depth(self, stacks: Stacks, stack: Stack) -> None:
        depth = 1
        while stack.parent is not None and depth <= DEPTH:
            stack = stacks.book.find(stack.account, stack.region, stack.parent).stack
            depth += 1
        if depth > DEPTH:
            raise ValidationError(f"Stacks may be nested {DEPTH} deep")


def _given(work: Work) -> list[Given]:
    said: dict[str, Any] = work.properties.get("Parameters") or {}
    return [Given(key, as_text(value)) for key, value in said.items()]


def _made(live: Live) -> Made:
    outputs = {f"Outputs.{one.key}": one.value for one in live.stack.outputs}
    return Made(live.stack.id, outputs)
