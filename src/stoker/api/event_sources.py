"""Event source mappings: kept, checked and shown. events/mappings.py polls what it sees in the
store."""

import logging
import time
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from stoker.api import markers, records
from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import new_revision
from stoker.api.lookup import Found, find, located
from stoker.api.shapes.lambda_ import (
    CreateEventSourceMappingInput,
    DeleteEventSourceMappingInput,
    EventSourceMappingConfiguration,
    GetEventSourceMappingInput,
    ListEventSourceMappingsInput,
    ListEventSourceMappingsResponse,
    UpdateEventSourceMappingInput,
)
from stoker.core import event_sources, stream_settings, tenancy
from stoker.core.errors import ResourceNotFoundException, ServiceException
from stoker.core.names import function_arn
from stoker.core.queue_errors import QueueDoesNotExist
from stoker.core.queue_rules import QueueKey
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.validation import check_tags
from stoker.events.acting import actor
from stoker.events.stream_source import Busy, StreamSource
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.store.base import Transaction

log = logging.getLogger(__name__)

PAGE = 100  # AWS: "returns a maximum of 100 items in each response"


async def create_event_source_mapping(
    control: Control, call: Call[CreateEventSourceMappingInput]
) -> EventSourceMappingConfiguration:
    """Have a source's records read and handed to a function."""
    asked = records.asked(call.input)
    service = event_sources.source_of(asked, call.caller.region)
    check_tags(call.input.tags or {})
    record = event_sources.made(asked, service)
    key = ResourceKey(call.caller.account, call.caller.region, Kind.MAPPING, str(uuid.uuid4()))
    async with control.store.transaction() as tx:
        target = await _function(control, tx, call, call.input.function_name, asked)
    if service in stream_settings.SERVICES and service in control.polled:
        await _check_stream(control, call, asked["EventSourceArn"])
    async with control.store.transaction() as tx:
        record |= {**target, "since": event_sources.since(record, target["modified"])}
        mapping = Resource(key, new_revision(), record, call.input.tags or {})
        await _check_alone(tx, mapping)
        await tx.resources.add(mapping)
    log.info("event source mapping created", extra={"mapping": key.arn})
    return _shown(control, mapping, "Creating")


async def get_event_source_mapping(
    control: Control, call: Call[GetEventSourceMappingInput]
) -> EventSourceMappingConfiguration:
    """What it says, and in State whether it runs."""
    async with control.store.transaction() as tx:
        return _shown(control, await _must_have(tx, call))


async def list_event_source_mappings(
    control: Control, call: Call[ListEventSourceMappingsInput]
) -> ListEventSourceMappingsResponse:
    """The caller's, at most 100 at a time; those of one source, of one function."""
    asked = call.input
    page = min(asked.max_items or PAGE, PAGE)
    caller = call.caller
    wanted: tuple[str, str | None] | None = None
    if asked.function_name is not None:
        function, qualifier = located(caller, asked.function_name, None, "ListEventSourceMappings")
        wanted = function.name, qualifier
    async with control.store.transaction() as tx:
        every = await tx.resources.of(
            caller.account, caller.region, Kind.MAPPING, after=markers.read(asked.marker)
        )
    found = [
        one
        for one in every
        if (wanted is None or (one.record["function"], one.record["qualifier"]) == wanted)
        and asked.event_source_arn in (None, one.record.get("EventSourceArn"))
    ]
    return ListEventSourceMappingsResponse(
        event_source_mappings=tuple(_shown(control, one) for one in found[:page]),
        next_marker=markers.marker(found[page - 1].key.id) if len(found) > page else None,
    )


async def update_event_source_mapping(
    control: Control, call: Call[UpdateEventSourceMappingInput]
) -> EventSourceMappingConfiguration:
    """Change what is given; the source stays. An empty value ends a setting."""
    asked = records.asked(call.input)
    async with control.store.transaction() as tx:
        before = await _must_have(tx, call)
        record = event_sources.updated(
            before.record,
            {k: v for k, v in asked.items() if k not in ("UUID", "FunctionName")},
        )
        if call.input.function_name is not None:
            record |= await _function(control, tx, call, call.input.function_name, record)
        now = time.time()
        record |= {"modified": now, "since": event_sources.since(record, now)}
        mapping = before.changed(record, revision=new_revision())
        await _check_alone(tx, mapping)
        await tx.resources.put(mapping, expected=before.revision_id)
    log.info("event source mapping changed", extra={"mapping": mapping.key.arn})
    return _shown(control, mapping, "Updating")


async def delete_event_source_mapping(
    control: Control, call: Call[DeleteEventSourceMappingInput]
) -> EventSourceMappingConfiguration:
    """Read the source no more; what is being handed to the function is finished."""
    async with control.store.transaction() as tx:
        mapping = await _must_have(tx, call)
        await tx.resources.remove(mapping.key)
    log.info("event source mapping deleted", extra={"mapping": mapping.key.arn})
    return _shown(control, mapping, "Deleting")


async def _function(
    control: Control, tx: Transaction, call: Call[Any], name: str, record: Mapping[str, Any]
) -> dict[str, Any]:
    """What of the record says which function it is for."""
    caller = call.caller
    key, qualifier = located(caller, name, None, "CreateEventSourceMapping")
    try:
        found = await find(tx, key, qualifier)
    except ResourceNotFoundException:
        raise event_sources.no_function() from None
    if found.function.latest.per_tenant:
        raise tenancy.unsupported("Event source mapping")
    arn = record.get("EventSourceArn", "")
    if arn.split(":")[2:3] == ["sqs"] and "sqs" in control.polled:
        _check_queue(control, caller, arn, found)
    return {"function": key.name, "qualifier": qualifier, "modified": time.time()}


def _check_queue(control: Control, caller: Caller, arn: str, found: Found) -> None:
    region, account, name = arn.split(":", 5)[3:]
    if account != caller.account:
        raise event_sources.foreign_queue()
    try:
        queue = control.queues.find(QueueKey(account, region, name))
        visibility_s = queue.settings.number("VisibilityTimeout")
    except QueueDoesNotExist:
        visibility_s = None
    version = found.version
    configuration = found.function.latest if version is None else version.configuration
    event_sources.check_queue(visibility_s, configuration.timeout_s)


async def _check_stream(
    control: Control, call: Call[CreateEventSourceMappingInput], arn: str
) -> None:
    """Refuse one that is not there, or that the function's role may not read; and other
    accounts', whose policies nobody asks here."""
    assert control.neighbours is not None
    service, region, account = arn.split(":")[2:5]
    if account != call.caller.account:
        raise event_sources.foreign_stream(arn, service)
    key, _ = located(call.caller, call.input.function_name, None, "CreateEventSourceMapping")
    who = partial(actor, control.catalog, key)
    source = StreamSource(control.neighbours, who, region, arn)
    try:
        await source.identity()
    except Refused as refusal:
        if refusal.code == "ResourceNotFoundException":
            raise event_sources.no_stream(arn) from None
        raise event_sources.foreign_stream(arn, service) from refusal
    except Busy:
        pass  # it is there
    except Unreachable as error:
        raise ServiceException(str(error)) from error


async def _check_alone(tx: Transaction, mapping: Resource) -> None:
    """One mapping for each source and function; Kafka and MQ are told apart by more than that."""
    if mapping.record["service"] not in ("sqs", "kinesis", "dynamodb"):
        return
    key = mapping.key
    for other in await tx.resources.of(key.account, key.region, Kind.MAPPING, after=""):
        same = all(
            other.record.get(name) == mapping.record[name]
            for name in ("EventSourceArn", "function", "qualifier")
        )
        if same and other.key != key:
            raise event_sources.there_is_one(other, mapping.record["function"])


async def _must_have(tx: Transaction, call: Call[Any]) -> Resource:
    caller = call.caller
    key = ResourceKey(caller.account, caller.region, Kind.MAPPING, call.input.uuid)
    mapping = await tx.resources.get(key)
    if mapping is None:
        raise event_sources.none_there()
    return mapping


def _shown(
    control: Control, mapping: Resource, passing: str | None = None
) -> EventSourceMappingConfiguration:
    """`passing`: the state that AWS answers a change with."""
    key, record = mapping.key, mapping.record
    state, reason = event_sources.state(record, control.polled)
    result = "" if record["service"] == "sqs" else "No records processed"
    if control.mappings is not None and record["service"] in control.polled:
        if control.mappings.disabling(key):
            state = "Disabling"
        elif control.mappings.starting(key):
            state = "Creating"
        result = control.mappings.result(key) or result
    facts: Mapping[str, object] = {
        **record,
        "UUID": key.id,
        "EventSourceMappingArn": key.arn,
        "FunctionArn": function_arn(
            key.region, key.account, record["function"], record["qualifier"]
        ),
        "LastModified": record["modified"],
        "State": passing or state,
        "StateTransitionReason": reason,
        **({"LastProcessingResult": result} if result else {}),
    }
    shown: EventSourceMappingConfiguration = records.shown("EventSourceMappingConfiguration", facts)
    return shown
