"""CloudFormation: what there is of stacks, as it is shown."""

from datetime import UTC, datetime
from typing import TypeVar

import orjson

from stoker.api import markers
from stoker.api.control import Call, Caller, Control
from stoker.api.shapes import cloudformation as shapes
from stoker.api.stacks import stacks_of
from stoker.core.errors import InvalidParameterValueException
from stoker.core.stacks.errors import ValidationError
from stoker.core.stacks.model import Event, Record, Stack, Wanted, gone_with
from stoker.core.stacks.parameters import HIDDEN
from stoker.stacks.book import Live
from stoker.stacks.transform import SAM_CLI_STACK

PAGE = 100
NOT_CHECKED = "NOT_CHECKED"  # of drift, which is not looked for

T = TypeVar("T")


def page_of(items: list[T], token: str | None) -> tuple[tuple[T, ...], str | None]:
    """A hundred of them, and where the next hundred begin."""
    try:
        start = markers.read_number(token) or 0
    except InvalidParameterValueException as error:
        raise ValidationError(error.message) from None
    more = start + PAGE < len(items)
    following = markers.marker(str(start + PAGE)) if more else None
    return tuple(items[start : start + PAGE]), following


def moment(at: float | None) -> datetime | None:
    """To the millisecond, as AWS shows it."""
    return None if at is None else datetime.fromtimestamp(round(at, 3), UTC)


def known(at: float) -> datetime:
    return datetime.fromtimestamp(round(at, 3), UTC)


def find(control: Control, caller: Caller, name: str) -> Live:
    return stacks_of(control).book.find(caller.account, caller.region, name)


async def describe_stacks(
    control: Control, call: Call[shapes.DescribeStacksInput]
) -> shapes.DescribeStacksOutput:
    """One, by name or id; or all that there are. One that is under way is waited for."""
    name, caller = call.input.stack_name, call.caller
    if name == SAM_CLI_STACK:
        _expect_sam(control)
    if name is not None:
        live = find(control, caller, name)
        if call.peer:
            await stacks_of(control).watching.rest(live)
            live = find(control, caller, name)  # a deleted one is found by its id only
        found = [live]
    else:
        every = stacks_of(control).book.of(caller.account, caller.region)
        found = [live for live in every if live.is_there]
    page, token = page_of(found, call.input.next_token)
    return shapes.DescribeStacksOutput(
        stacks=tuple(_shown(live.stack) for live in page), next_token=token
    )


def _expect_sam(control: Control) -> None:
    """Whoever asks for that stack makes it if it is not there, puts packages into its bucket, and
    then brings a template: who is needed for that starts while the tool thinks."""
    stacks_of(control).preparing.expect_serverless()
    if control.neighbours is not None:
        control.neighbours.soon("s3")


async def list_stacks(
    control: Control, call: Call[shapes.ListStacksInput]
) -> shapes.ListStacksOutput:
    """All, those that were deleted lately too; or those of some states."""
    caller, wanted = call.caller, call.input.stack_status_filter
    found = [
        live.stack
        for live in stacks_of(control).book.of(caller.account, caller.region)
        if not wanted or live.stack.status in wanted
    ]
    page, token = page_of(found, call.input.next_token)
    return shapes.ListStacksOutput(
        stack_summaries=tuple(_summary(stack) for stack in page), next_token=token
    )


async def describe_stack_events(
    control: Control, call: Call[shapes.DescribeStackEventsInput]
) -> shapes.DescribeStackEventsOutput:
    """What happened, the latest first."""
    live = find(control, call.caller, call.input.stack_name)
    found = [event for _, event in reversed(live.events)]
    page, token = page_of(found, call.input.next_token)
    return shapes.DescribeStackEventsOutput(
        stack_events=tuple(_event(live.stack, event) for event in page), next_token=token
    )


async def describe_stack_resource(
    control: Control, call: Call[shapes.DescribeStackResourceInput]
) -> shapes.DescribeStackResourceOutput:
    """One resource."""
    live = find(control, call.caller, call.input.stack_name)
    record = _records(live).get(call.input.logical_resource_id)
    if record is None:
        raise _no_resource(live, call.input.logical_resource_id)
    detail = shapes.StackResourceDetail(
        stack_name=live.stack.name,
        stack_id=live.stack.id,
        logical_resource_id=record.logical,
        physical_resource_id=record.physical or None,
        resource_type=record.kind,
        last_updated_timestamp=known(record.updated),
        resource_status=record.status,
        resource_status_reason=record.reason or None,
        metadata=orjson.dumps(record.metadata).decode() if record.metadata else None,
        drift_information=shapes.StackResourceDriftInformation(
            stack_resource_drift_status=NOT_CHECKED
        ),
    )
    return shapes.DescribeStackResourceOutput(stack_resource_detail=detail)


async def describe_stack_resources(
    control: Control, call: Call[shapes.DescribeStackResourcesInput]
) -> shapes.DescribeStackResourcesOutput:
    """A stack's, all or one; or those of the stack that has a certain thing."""
    asked, caller = call.input, call.caller
    if (asked.stack_name is None) == (asked.physical_resource_id is None):
        raise ValidationError("Either StackName or PhysicalResourceId must be specified.")
    if asked.stack_name is not None:
        live = find(control, caller, asked.stack_name)
    else:
        live = _owner(control, caller, asked.physical_resource_id or "")
    only = asked.logical_resource_id
    records = [it for it in _records(live).values() if only is None or it.logical == only]
    if only is not None and not records:
        raise _no_resource(live, only)
    return shapes.DescribeStackResourcesOutput(
        stack_resources=tuple(_resource(live.stack, record) for record in records[:PAGE])
    )


async def list_stack_resources(
    control: Control, call: Call[shapes.ListStackResourcesInput]
) -> shapes.ListStackResourcesOutput:
    """In short."""
    live = find(control, call.caller, call.input.stack_name)
    records = sorted(_records(live).values(), key=lambda record: record.logical)
    page, token = page_of(records, call.input.next_token)
    return shapes.ListStackResourcesOutput(
        stack_resource_summaries=tuple(map(_resource_summary, page)), next_token=token
    )


async def list_exports(
    control: Control, call: Call[shapes.ListExportsInput]
) -> shapes.ListExportsOutput:
    """What stacks have for others."""
    exports = stacks_of(control).book.exports(call.caller.account, call.caller.region)
    page, token = page_of(sorted(exports), call.input.next_token)
    return shapes.ListExportsOutput(
        exports=tuple(
            shapes.Export(
                exporting_stack_id=exports[name][0].id, name=name, value=exports[name][1].value
            )
            for name in page
        ),
        next_token=token,
    )


async def list_imports(
    control: Control, call: Call[shapes.ListImportsInput]
) -> shapes.ListImportsOutput:
    """Who uses one."""
    book, caller, name = stacks_of(control).book, call.caller, call.input.export_name
    found = book.importers(caller.account, caller.region, name)
    if not found:
        raise ValidationError(f"Export '{name}' is not imported by any stack.")
    page, token = page_of(found, call.input.next_token)
    return shapes.ListImportsOutput(imports=page, next_token=token)


def parameters_of(wanted: Wanted) -> tuple[shapes.Parameter, ...]:
    """As they are shown: one with NoEcho as stars."""
    declared = wanted.body.get("Parameters") or {}
    found = []
    for key, value in wanted.parameters.items():
        hidden = str(declared.get(key, {}).get("NoEcho", "false")).lower() == "true"
        found.append(
            shapes.Parameter(
                parameter_key=key,
                parameter_value=HIDDEN if hidden else value,
                resolved_value=wanted.resolved.get(key),
            )
        )
    return tuple(found)


def tags_shown(wanted: Wanted) -> tuple[shapes.Tag, ...]:
    return tuple(shapes.Tag(key=key, value=value) for key, value in wanted.tags.items())


def _records(live: Live) -> dict[str, Record]:
    """What it has, or had: a deleted stack is shown by its id."""
    if live.is_there:
        return live.records
    return gone_with(live.stack.id, [event for _, event in live.events])


def _owner(control: Control, caller: Caller, physical: str) -> Live:
    for live in stacks_of(control).book.of(caller.account, caller.region):
        if any(record.physical == physical for record in live.records.values()):
            return live
    raise ValidationError(f"Stack for {physical} does not exist")


def _no_resource(live: Live, logical: str) -> ValidationError:
    return ValidationError(f"Resource {logical} does not exist for stack {live.stack.name}")


def _shown(stack: Stack) -> shapes.Stack:
    return shapes.Stack(
        stack_id=stack.id,
        stack_name=stack.name,
        change_set_id=stack.change_set,
        description=stack.description,
        parameters=parameters_of(stack.wanted),
        creation_time=known(stack.created),
        deletion_time=moment(stack.deleted),
        last_updated_time=moment(stack.updated),
        rollback_configuration=shapes.RollbackConfiguration(),
        stack_status=stack.status,
        stack_status_reason=stack.reason or None,
        disable_rollback=stack.on_failure == "DO_NOTHING",
        notification_arns=stack.wanted.notification_arns,
        timeout_in_minutes=round(stack.timeout_s / 60) if stack.timeout_s else None,
        capabilities=stack.wanted.capabilities,
        outputs=tuple(
            shapes.Output(
                output_key=one.key,
                output_value=one.value,
                description=one.description,
                export_name=one.export,
            )
            for one in stack.outputs
        ),
        role_arn=stack.wanted.role_arn,
        tags=tags_shown(stack.wanted),
        enable_termination_protection=stack.protected,
        parent_id=stack.parent,
        root_id=stack.root,
        drift_information=shapes.StackDriftInformation(stack_drift_status=NOT_CHECKED),
    )


def _summary(stack: Stack) -> shapes.StackSummary:
    return shapes.StackSummary(
        stack_id=stack.id,
        stack_name=stack.name,
        template_description=stack.description,
        creation_time=known(stack.created),
        last_updated_time=moment(stack.updated),
        deletion_time=moment(stack.deleted),
        stack_status=stack.status,
        stack_status_reason=stack.reason or None,
        parent_id=stack.parent,
        root_id=stack.root,
        drift_information=shapes.StackDriftInformationSummary(stack_drift_status=NOT_CHECKED),
    )


def _event(stack: Stack, event: Event) -> shapes.StackEvent:
    return shapes.StackEvent(
        stack_id=stack.id,
        event_id=event.id,
        stack_name=stack.name,
        logical_resource_id=event.logical,
        physical_resource_id=event.physical,
        resource_type=event.kind,
        timestamp=known(event.at),
        resource_status=event.status,
        resource_status_reason=event.reason or None,
        resource_properties=event.properties or None,
        client_request_token=event.token or None,
    )


def _resource(stack: Stack, record: Record) -> shapes.StackResource:
    return shapes.StackResource(
        stack_name=stack.name,
        stack_id=stack.id,
        logical_resource_id=record.logical,
        physical_resource_id=record.physical or None,
        resource_type=record.kind,
        timestamp=known(record.updated),
        resource_status=record.status,
        resource_status_reason=record.reason or None,
        drift_information=shapes.StackResourceDriftInformation(
            stack_resource_drift_status=NOT_CHECKED
        ),
    )


def _resource_summary(record: Record) -> shapes.StackResourceSummary:
    return shapes.StackResourceSummary(
        logical_resource_id=record.logical,
        physical_resource_id=record.physical or None,
        resource_type=record.kind,
        last_updated_timestamp=known(record.updated),
        resource_status=record.status,
        resource_status_reason=record.reason or None,
        drift_information=shapes.StackResourceDriftInformationSummary(
            stack_resource_drift_status=NOT_CHECKED
        ),
    )
