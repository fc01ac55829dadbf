"""CloudFormation: what an update would do, looked at before it is done.

A change set is computed when it is asked for: the answer to CreateChangeSet comes when its state is
CREATE_COMPLETE, or FAILED with the reason, so that whoever waits for that need not wait again.
"""

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from stoker.api import services
from stoker.api.control import Call, Caller, Control
from stoker.api.shapes import cloudformation as shapes
from stoker.api.stack_views import known, page_of, parameters_of, tags_shown
from stoker.api.stacks import (
    check_built,
    check_capabilities,
    check_unchanged,
    given,
    must_be_there,
    new_stack,
    other_than,
    stacks_of,
    wanted,
)
from stoker.core.errors import ServiceError
from stoker.core.stacks.errors import (
    ChangeSetNotFound,
    InsufficientCapabilitiesException,
    InvalidChangeSetStatus,
    ValidationError,
    no_stack,
)
from stoker.core.stacks.model import Change, ChangeSet, Stack, Status, Wanted
from stoker.stacks.book import Live
from stoker.stacks.planning import NO_CHANGES
from stoker.stacks.stacks import Stacks

log = logging.getLogger(__name__)


async def create_change_set(
    control: Control, call: Call[shapes.CreateChangeSetInput]
) -> shapes.CreateChangeSetOutput:
    """Work out what would be done. A stack that is not there yet is under review from now on."""
    asked, caller, stacks = call.input, call.caller, stacks_of(control)
    check_built(asked)
    kind = asked.change_set_type or "UPDATE"
    if kind == "IMPORT":
        raise ValidationError("Stoker does not import resources into stacks.")
    live = _stack(stacks, caller, asked, kind)
    before = live.stack.wanted if live is not None else None
    draft = live.stack if live is not None else new_stack(caller, asked.stack_name)
    draft = replace(draft, wanted=await wanted(stacks, caller, asked, live))
    change_set = _named(asked, caller, draft, kind)
    change_set = await _worked_out(stacks, live, draft, asked, change_set)
    _announce(control, change_set)
    stacks.book.check_room(draft.account, change_set.wanted)
    # Somebody else may have done the same meanwhile, or deployed the stack.
    live = _stack(stacks, caller, asked, kind)
    if live is not None and kind == "UPDATE":
        check_unchanged(live, before)
    if live is None:
        reviewed = replace(draft, wanted=Wanted(tags=draft.wanted.tags), at=time.time())
        await stacks.book.add(reviewed)
        live = _stack(stacks, caller, asked, kind)
        if live is None:
            raise no_stack(asked.stack_name)
    await stacks.book.put_change_set(live, replace(change_set, stack=live.stack.id))
    return shapes.CreateChangeSetOutput(id=change_set.id, stack_id=live.stack.id)


async def describe_change_set(
    control: Control, call: Call[shapes.DescribeChangeSetInput]
) -> shapes.DescribeChangeSetOutput:
    """What it would do, to which resource."""
    live, found = _found(stacks_of(control), call.caller, call.input)
    page, token = page_of(list(found.changes), call.input.next_token)
    return shapes.DescribeChangeSetOutput(
        change_set_name=found.name,
        change_set_id=found.id,
        stack_id=live.stack.id,
        stack_name=live.stack.name,
        description=found.description,
        parameters=parameters_of(found.wanted),
        creation_time=known(found.created),
        execution_status=found.execution,
        status=found.status,
        status_reason=found.reason or None,
        notification_arns=found.wanted.notification_arns,
        rollback_configuration=shapes.RollbackConfiguration(),
        capabilities=found.wanted.capabilities,
        tags=tags_shown(found.wanted),
        changes=tuple(map(_change, page)),
        next_token=token,
        include_nested_stacks=False,
        on_stack_failure=found.on_failure,
    )


async def execute_change_set(
    control: Control, call: Call[shapes.ExecuteChangeSetInput]
) -> shapes.ExecuteChangeSetOutput:
    """Begin to do it, once. All others of the stack are gone then."""
    asked, stacks = call.input, stacks_of(control)
    live, found = _found(stacks, call.caller, asked)
    if found.execution != "AVAILABLE":
        raise _not_executable(found)
    quiet = asked.disable_rollback
    on_failure = found.on_failure or ("DO_NOTHING" if quiet else "ROLLBACK")
    with _claimed(live, found):
        if found.kind == "UPDATE":
            await stacks.update(live, found.wanted, change_set=found.id, on_failure=on_failure)
        elif live.stack.status is Status.REVIEW_IN_PROGRESS:
            made = replace(
                live.stack, wanted=found.wanted, change_set=found.id, on_failure=on_failure,
                description=found.wanted.body.get("Description"),
            )  # fmt: skip
            await stacks.create(made)
        else:
            raise _not_executable(replace(found, execution="OBSOLETE"))
    done = replace(found, execution="EXECUTE_COMPLETE")
    await stacks.book.put_change_set(live, done)
    for other in list(live.change_sets.values()):
        if other.name != done.name:
            await stacks.book.remove_change_set(live, other)
    return shapes.ExecuteChangeSetOutput()


async def delete_change_set(
    control: Control, call: Call[shapes.DeleteChangeSetInput]
) -> shapes.DeleteChangeSetOutput:
    """Forget it. AWS answers the same where there is none."""
    stacks = stacks_of(control)
    try:
        live, found = _found(stacks, call.caller, call.input)
    except ChangeSetNotFound:
        return shapes.DeleteChangeSetOutput()
    await stacks.book.remove_change_set(live, found)
    return shapes.DeleteChangeSetOutput()


async def list_change_sets(
    control: Control, call: Call[shapes.ListChangeSetsInput]
) -> shapes.ListChangeSetsOutput:
    """A stack's."""
    live = must_be_there(stacks_of(control), call.caller, call.input.stack_name)
    found = sorted(live.change_sets.values(), key=lambda one: one.created)
    page, token = page_of(found, call.input.next_token)
    summaries = tuple(
        shapes.ChangeSetSummary(
            stack_id=live.stack.id,
            stack_name=live.stack.name,
            change_set_id=one.id,
            change_set_name=one.name,
            execution_status=one.execution,
            status=one.status,
            status_reason=one.reason or None,
            creation_time=known(one.created),
            description=one.description,
        )
        for one in page
    )
    return shapes.ListChangeSetsOutput(summaries=summaries, next_token=token)


def change_set_of(control: Control, caller: Caller, asked: Any) -> ChangeSet:
    """By name and stack, or by id. Raise ChangeSetNotFound."""
    return _found(stacks_of(control), caller, asked)[1]


@contextmanager
def _claimed(live: Live, change_set: ChangeSet) -> Iterator[None]:
    """Nobody else executes it meanwhile; who is refused gives it back."""
    name = change_set.name
    live.change_sets[name] = claimed = replace(change_set, execution="EXECUTE_IN_PROGRESS")
    try:
        yield
    except BaseException:
        if live.change_sets.get(name) is claimed:
            live.change_sets[name] = change_set
        raise


def _not_executable(change_set: ChangeSet) -> InvalidChangeSetStatus:
    status = f"status of [{change_set.status}]"
    if change_set.status == "CREATE_COMPLETE":
        status = f"execution status of [{change_set.execution}]"
    return InvalidChangeSetStatus(
        f"ChangeSet [{change_set.id}] cannot be executed in its current {status}"
    )


def _stack(stacks: Stacks, caller: Caller, asked: Any, kind: str) -> Live | None:
    """The one that it is for; None: it is to be made. Raise ValidationError. AWS: the name of a
    change set that was carried out is free again; the AWS CLI names its own by the second."""
    live = _deployable(stacks, caller, asked, kind)
    there = None if live is None else live.change_sets.get(asked.change_set_name)
    if there is not None and there.execution != "EXECUTE_COMPLETE":
        raise ValidationError(f"ChangeSet {asked.change_set_name} already exists")
    return live


def _deployable(stacks: Stacks, caller: Caller, asked: Any, kind: str) -> Live | None:
    live = stacks.book.get(caller.account, caller.region, asked.stack_name)
    if live is not None and not live.is_there:
        live = None
    if kind == "CREATE":
        if live is not None and live.stack.status is not Status.REVIEW_IN_PROGRESS:
            raise ValidationError(
                f"Stack [{asked.stack_name}] already exists and cannot be created again with the"
                f" changeSet [{asked.change_set_name}]."
            )
        return live
    if live is None or live.stack.status is Status.REVIEW_IN_PROGRESS:
        raise ValidationError(f"Stack [{asked.stack_name}] does not exist")
    stacks.check_updatable(live)
    return live


def _named(asked: Any, caller: Caller, stack: Stack, kind: str) -> ChangeSet:
    id = (
        f"arn:aws:cloudformation:{caller.region}:{caller.account}:changeSet/"
        f"{asked.change_set_name}/{uuid.uuid4()}"
    )
    return ChangeSet(
        id, asked.change_set_name, stack.id, time.time(), kind, stack.wanted,
        description=asked.description, on_failure=asked.on_stack_failure,
    )  # fmt: skip


async def _worked_out(
    stacks: Stacks, live: Live | None, draft: Stack, asked: Any, change_set: ChangeSet
) -> ChangeSet:
    """With its changes, or why there are none."""
    updating = live is not None and change_set.kind == "UPDATE"
    before = live.stack.wanted.parameters if live is not None and updating else {}
    try:
        prepared = await stacks.preparing.prepared(draft, given(asked.parameters), before)
        said = asked.capabilities or ()
        await check_capabilities(stacks, prepared, said, transforms=False)
        records = live.records if live is not None and updating else {}
        found = await stacks.planned(draft, prepared, records)
    except InsufficientCapabilitiesException:
        raise
    except ServiceError as error:
        if error.status >= 500:
            raise
        return _failed(change_set, error.message)
    filled = replace(change_set, wanted=prepared.wanted, changes=tuple(found))
    if updating and not found and live is not None and not other_than(live, prepared):
        return _failed(filled, NO_CHANGES)
    return filled


def _announce(control: Control, change_set: ChangeSet) -> None:
    """To the neighbours who are to make some of it: they take most of a second to start, and the
    tool some time to look at what it has got."""
    ours = {"cdk", *(name.replace("-", "") for name in services.BUILT)}
    for change in change_set.changes:
        owner, _, service = change.kind.lower().partition("::")
        service = service.partition("::")[0]
        if control.neighbours is not None and owner == "aws" and service not in ours:
            control.neighbours.soon(service)


def _failed(change_set: ChangeSet, reason: str) -> ChangeSet:
    log.info("change set failed", extra={"change_set": change_set.id, "reason": reason})
    return replace(change_set, status="FAILED", execution="UNAVAILABLE", reason=reason)


def _found(stacks: Stacks, caller: Caller, asked: Any) -> tuple[Live, ChangeSet]:
    """By name and stack, or by id."""
    name = asked.change_set_name
    if asked.stack_name is not None:
        live = stacks.book.get(caller.account, caller.region, asked.stack_name)
        if live is None:
            raise no_stack(asked.stack_name)
        candidates = [live]
    elif name.startswith("arn:"):
        candidates = stacks.book.of(caller.account, caller.region)
    else:
        raise ValidationError(
            "StackName must be specified if ChangeSetName is not specified as an ARN."
        )
    for live in candidates:
        for one in live.change_sets.values():
            if name in (one.name, one.id):
                return live, one
    raise ChangeSetNotFound(f"ChangeSet [{name}] does not exist")


def _change(change: Change) -> shapes.Change:
    details = tuple(
        shapes.ResourceChangeDetail(
            target=shapes.ResourceTargetDefinition(
                attribute="Properties", name=name, requires_recreation=needs
            ),
            evaluation="Dynamic" if needs == "Conditionally" else "Static",
            change_source="DirectModification",
        )
        for name, needs in change.properties
    )
    return shapes.Change(
        type="Resource",
        resource_change=shapes.ResourceChange(
            action=change.action,
            logical_resource_id=change.logical,
            physical_resource_id=change.physical or None,
            resource_type=change.kind,
            replacement=change.replacement or None,
            scope=change.scope,
            details=details,
        ),
    )
