"""CloudFormation: stacks are made, changed and deleted. They are shown by api/stack_views.py.

What is asked for is checked here, then carried out behind the answer (stoker/stacks/stacks.py).
"""

import re
import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from stoker.api.control import Call, Caller, Control
from stoker.api.shapes.cloudformation import (
    CancelUpdateStackInput,
    ContinueUpdateRollbackInput,
    ContinueUpdateRollbackOutput,
    CreateStackInput,
    CreateStackOutput,
    DeleteStackInput,
    Parameter,
    Tag,
    UpdateStackInput,
    UpdateStackOutput,
    UpdateTerminationProtectionInput,
    UpdateTerminationProtectionOutput,
)
from stoker.core.errors import NotImplementedException
from stoker.core.stacks.errors import InsufficientCapabilitiesException, ValidationError
from stoker.core.stacks.model import Stack, Status, Wanted
from stoker.core.stacks.parameters import Given
from stoker.core.stacks.template import capabilities_of, parse
from stoker.core.stacks.text import INLINE_BYTES
from stoker.stacks.book import Live
from stoker.stacks.planning import NO_UPDATES
from stoker.stacks.preparing import Prepared
from stoker.stacks.stacks import Stacks, new_id

NAME = re.compile("[a-zA-Z][-a-zA-Z0-9]{0,127}")
TAGS = 50  # AWS
# Whose effect is not built: refused, rather than forgotten.
UNBUILT = (
    "rollback_configuration", "stack_policy_body", "stack_policy_url", "resource_types",
    "stack_policy_during_update_body", "stack_policy_during_update_url", "resources_to_import",
    "deployment_mode", "retain_except_on_create", "deletion_mode",
)  # fmt: skip


def stacks_of(control: Control) -> Stacks:
    if control.stacks is None:
        raise NotImplementedException("This server has no CloudFormation.")
    return control.stacks


async def create_stack(control: Control, call: Call[CreateStackInput]) -> CreateStackOutput:
    """Begin to make what a template says."""
    asked, caller, stacks = call.input, call.caller, stacks_of(control)
    check_built(asked)
    if asked.on_failure is not None and asked.disable_rollback is not None:
        raise ValidationError("You can specify either DisableRollback or OnFailure, but not both")
    draft = new_stack(caller, asked.stack_name)
    draft = replace(
        draft, wanted=await wanted(stacks, caller, asked, None),
        on_failure=_on_failure(asked.on_failure, asked.disable_rollback),
        timeout_s=60.0 * asked.timeout_in_minutes if asked.timeout_in_minutes else None,
        protected=bool(asked.enable_termination_protection),
    )  # fmt: skip
    prepared = await stacks.preparing.prepared(draft, given(asked.parameters), {})
    await check_capabilities(stacks, prepared, asked.capabilities or ())
    live = await stacks.create(
        replace(draft, wanted=prepared.wanted, description=prepared.template.description)
    )
    return CreateStackOutput(stack_id=live.stack.id)


async def update_stack(control: Control, call: Call[UpdateStackInput]) -> UpdateStackOutput:
    """Begin to make it what a template says now; refused where that is no change."""
    asked, caller, stacks = call.input, call.caller, stacks_of(control)
    check_built(asked)
    live = must_be_there(stacks, caller, asked.stack_name)
    stacks.check_updatable(live)
    was = live.stack.wanted
    draft = replace(live.stack, wanted=await wanted(stacks, caller, asked, live))
    before = live.stack.wanted.parameters
    prepared = await stacks.preparing.prepared(draft, given(asked.parameters), before)
    await check_capabilities(stacks, prepared, asked.capabilities or ())
    found = await stacks.planned(draft, prepared, live.records)
    check_unchanged(live, was)
    if not found and not other_than(live, prepared):
        raise ValidationError(NO_UPDATES)
    on_failure = "DO_NOTHING" if asked.disable_rollback else "ROLLBACK"
    await stacks.update(live, prepared.wanted, on_failure=on_failure)
    for one in list(live.change_sets.values()):
        if one.execution == "AVAILABLE":
            await stacks.book.put_change_set(live, replace(one, execution="OBSOLETE"))
    return UpdateStackOutput(stack_id=live.stack.id)


async def delete_stack(control: Control, call: Call[DeleteStackInput]) -> None:
    """Begin to delete it with all that it made; one that is not there is none."""
    asked, stacks = call.input, stacks_of(control)
    check_built(asked)
    live = stacks.book.get(call.caller.account, call.caller.region, asked.stack_name)
    if live is not None:
        await stacks.delete(live, frozenset(asked.retain_resources or ()))


async def cancel_update_stack(control: Control, call: Call[CancelUpdateStackInput]) -> None:
    """Begin nothing more of an update, and take it back."""
    stacks = stacks_of(control)
    await stacks.cancel_update(must_be_there(stacks, call.caller, call.input.stack_name))


async def continue_update_rollback(
    control: Control, call: Call[ContinueUpdateRollbackInput]
) -> ContinueUpdateRollbackOutput:
    """Try once more what a rollback failed to do."""
    stacks = stacks_of(control)
    if call.input.resources_to_skip:
        raise NotImplementedException("Stoker does not implement ResourcesToSkip.")
    await stacks.continue_rollback(must_be_there(stacks, call.caller, call.input.stack_name))
    return ContinueUpdateRollbackOutput()


async def update_termination_protection(
    control: Control, call: Call[UpdateTerminationProtectionInput]
) -> UpdateTerminationProtectionOutput:
    """Refuse to delete it from now on, or no longer."""
    stacks = stacks_of(control)
    live = must_be_there(stacks, call.caller, call.input.stack_name)
    changed = replace(live.stack, protected=call.input.enable_termination_protection)
    await stacks.book.put(live, changed, told=False)
    return UpdateTerminationProtectionOutput(stack_id=live.stack.id)


# ---- what change sets need, too ----


def new_stack(caller: Caller, name: str) -> Stack:
    if not NAME.fullmatch(name):
        raise ValidationError(
            f"1 validation error detected: Value '{name[:200]}' at 'stackName' failed to satisfy"
            " constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*"
        )
    id = new_id(caller.account, caller.region, name)
    status, now = Status.REVIEW_IN_PROGRESS, time.time()
    return Stack(id, caller.account, caller.region, name, status, now, Wanted(), at=now)


def must_be_there(stacks: Stacks, caller: Caller, name: str) -> Live:
    live = stacks.book.get(caller.account, caller.region, name)
    if live is None or not live.is_there:
        raise ValidationError(f"Stack [{name}] does not exist")
    return live


def check_unchanged(live: Live, wanted: Wanted | None) -> None:
    """Refuse what was worked out for a stack (`wanted`: what it was to be then) that somebody else
    has deployed since: parameters and resources that were kept may be others."""
    if live.stack.wanted is not wanted:
        status = Status.UPDATE_IN_PROGRESS  # as a moment ago
        raise ValidationError(f"Stack:{live.stack.id} is in {status} state and can not be updated.")


def check_built(asked: Any) -> None:
    for name in UNBUILT:
        value = getattr(asked, name, None)
        if value and value != "STANDARD":
            raise NotImplementedException(f"Stoker does not implement {name} of CloudFormation.")


def given(asked: Sequence[Parameter] | None) -> list[Given]:
    return [
        Given(one.parameter_key or "", one.parameter_value, bool(one.use_previous_value))
        for one in asked or ()
    ]


async def template_text(stacks: Stacks, caller: Caller, asked: Any, live: Live | None) -> str:
    """The one that a request brings, names or means."""
    body, url = asked.template_body, asked.template_url
    previous = getattr(asked, "use_previous_template", None)
    if sum((body is not None, url is not None, bool(previous))) != 1:
        raise ValidationError("Either Template URL or Template Body must be specified.")
    if body is not None:
        if len(body.encode()) > INLINE_BYTES:
            raise ValidationError(
                f"1 validation error detected: Value at 'templateBody' failed to satisfy"
                f" constraint: Member must have length less than or equal to {INLINE_BYTES}"
            )
        return str(body)
    if url is not None:
        return await stacks.preparing.fetched(caller.account, caller.region, url)
    if live is None:
        raise ValidationError("There is no previous template.")
    return live.stack.wanted.template


async def wanted(stacks: Stacks, caller: Caller, asked: Any, live: Live | None) -> Wanted:
    """As far as the request says it; parameters and transforms come later."""
    before = live.stack.wanted if live is not None else Wanted()
    tags = before.tags if asked.tags is None else tags_of(asked.tags)
    arns = asked.notification_arns
    return Wanted(
        template=await template_text(stacks, caller, asked, live),
        tags=tags,
        capabilities=tuple(asked.capabilities or ()),
        notification_arns=before.notification_arns if arns is None else tuple(arns),
        role_arn=asked.role_arn or before.role_arn,
    )


def tags_of(asked: Sequence[Tag]) -> dict[str, str]:
    if len(asked) > TAGS:
        raise ValidationError(f"A stack can have {TAGS} tags.")
    return {one.key: one.value for one in asked}


async def check_capabilities(
    stacks: Stacks, prepared: Prepared, said: Collection[str], *, transforms: bool = True
) -> None:
    """What a template may do must be said. `transforms`: not of change sets, which show them."""
    needed = capabilities_of(prepared.template)
    if needed and not {"CAPABILITY_NAMED_IAM", *needed}.intersection(said):
        raise InsufficientCapabilitiesException(f"Requires capabilities : [{needed[0]}]")
    if not transforms or "CAPABILITY_AUTO_EXPAND" in said:
        return
    body = await stacks.preparing.body(prepared.wanted.template)
    if await stacks.preparing.transforms(body):
        raise InsufficientCapabilitiesException("Requires capabilities : [CAPABILITY_AUTO_EXPAND]")


def other_than(live: Live, prepared: Prepared) -> bool:
    """Is there a change beside its resources: an output, a tag?"""
    before, after = live.stack.wanted, prepared.wanted
    outputs = parse(before.body).outputs if before.body else {}
    return outputs != prepared.template.outputs or before.tags != after.tags


def _on_failure(action: str | None, disable_rollback: bool | None) -> str:
    if action is not None:
        return action
    return "DO_NOTHING" if disable_rollback else "ROLLBACK"
