"""Settings of asynchronous invocations, for each function, version and alias."""

import time
from datetime import UTC, datetime
from typing import Any

from stoker.api import markers
from stoker.api.control import Call, Control
from stoker.api.lookup import find, located
from stoker.api.shapes.lambda_ import (
    DeleteFunctionEventInvokeConfigInput,
    DestinationConfig,
    FunctionEventInvokeConfig,
    GetFunctionEventInvokeConfigInput,
    ListFunctionEventInvokeConfigsInput,
    ListFunctionEventInvokeConfigsResponse,
    OnFailure,
    OnSuccess,
    PutFunctionEventInvokeConfigInput,
    UpdateFunctionEventInvokeConfigInput,
)
from stoker.core import event_invoke, limits
from stoker.core.errors import ResourceNotFoundException, ValidationException
from stoker.core.event_invoke import KIND, Asked, EventInvoke
from stoker.core.model import FunctionKey
from stoker.core.names import LATEST, function_arn, parse_function_ref
from stoker.store.base import Transaction

Input = PutFunctionEventInvokeConfigInput | UpdateFunctionEventInvokeConfigInput


async def put_function_event_invoke_config(
    control: Control, call: Call[PutFunctionEventInvokeConfigInput]
) -> FunctionEventInvokeConfig:
    """Say what happens to events that fail or succeed; what was said before is forgotten."""
    key, qualifier = _located(call, "PutFunctionEventInvokeConfig")
    asked = _asked(call.input)
    new = event_invoke.put(asked, time.time())
    async with control.store.transaction() as tx:
        await _check(tx, key, qualifier, asked)
        await tx.settings.put(key, qualifier, KIND, new.dump())
    return _shown(key, qualifier, new)


async def update_function_event_invoke_config(
    control: Control, call: Call[UpdateFunctionEventInvokeConfigInput]
) -> FunctionEventInvokeConfig:
    """Change what is given; the rest stays."""
    key, qualifier = _located(call, "UpdateFunctionEventInvokeConfig")
    asked = _asked(call.input)
    async with control.store.transaction() as tx:
        await _check(tx, key, qualifier, asked)
        before = await _must_have(tx, key, qualifier)
        new = event_invoke.updated(before, asked, time.time())
        await tx.settings.put(key, qualifier, KIND, new.dump())
    return _shown(key, qualifier, new)


async def get_function_event_invoke_config(
    control: Control, call: Call[GetFunctionEventInvokeConfigInput]
) -> FunctionEventInvokeConfig:
    """What was said; it is an error to ask if nothing was."""
    key, qualifier = _located(call, "GetFunctionEventInvokeConfig")
    async with control.store.transaction() as tx:
        return _shown(key, qualifier, await _must_have(tx, key, qualifier))


async def delete_function_event_invoke_config(
    control: Control, call: Call[DeleteFunctionEventInvokeConfigInput]
) -> None:
    """Forget what was said: AWS's defaults count again."""
    key, qualifier = _located(call, "DeleteFunctionEventInvokeConfig")
    async with control.store.transaction() as tx:
        if not await tx.settings.remove(key, qualifier, KIND):
            raise event_invoke.none_kept(key, qualifier)


async def list_function_event_invoke_configs(
    control: Control, call: Call[ListFunctionEventInvokeConfigsInput]
) -> ListFunctionEventInvokeConfigsResponse:
    """All that was said for a function, its versions and aliases."""
    asked = call.input
    key, _ = located(call.caller, asked.function_name, None, "ListFunctionEventInvokeConfigs")
    page = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    after = markers.read(asked.marker)
    async with control.store.transaction() as tx:
        if await tx.function(key) is None:
            raise event_invoke.no_function()
        found = await tx.settings.of(key, KIND, after=after, limit=page + 1)
    return ListFunctionEventInvokeConfigsResponse(
        function_event_invoke_configs=tuple(
            _shown(key, qualifier, EventInvoke.load(record)) for qualifier, record in found[:page]
        ),
        next_marker=markers.marker(found[page - 1][0]) if len(found) > page else None,
    )


def _located(call: Call[Any], action: str) -> tuple[FunctionKey, str]:
    asked = call.input
    key, qualifier = located(call.caller, asked.function_name, asked.qualifier, action)
    return key, qualifier or LATEST


def _asked(given: Input) -> Asked:
    destinations = given.destination_config or DestinationConfig()
    success, failure = destinations.on_success, destinations.on_failure
    return Asked(
        given.maximum_retry_attempts,
        given.maximum_event_age_in_seconds,
        None if success is None else success.destination or "",
        None if failure is None else failure.destination or "",
        given.destination_config is not None,
    )


async def _check(tx: Transaction, key: FunctionKey, qualifier: str, asked: Asked) -> None:
    """What it is for, and the functions that it names, must be there."""
    try:
        await find(tx, key, qualifier)
    except ResourceNotFoundException:
        raise event_invoke.no_function() from None
    for name, arn in event_invoke.destination_functions(key, asked):
        try:
            ref = parse_function_ref(f"function:{name}")
            await find(tx, FunctionKey(key.account, key.region, ref.name), ref.qualifier)
        except (ResourceNotFoundException, ValidationException):
            raise event_invoke.invalid_destination(arn) from None


async def _must_have(tx: Transaction, key: FunctionKey, qualifier: str) -> EventInvoke:
    record = await tx.settings.get(key, qualifier, KIND)
    if record is None:
        raise event_invoke.none_kept(key, qualifier)
    return EventInvoke.load(record)


def _shown(key: FunctionKey, qualifier: str, kept: EventInvoke) -> FunctionEventInvokeConfig:
    return FunctionEventInvokeConfig(
        last_modified=datetime.fromtimestamp(kept.modified, UTC),
        function_arn=function_arn(key.region, key.account, key.name, qualifier),
        maximum_retry_attempts=kept.retries,
        maximum_event_age_in_seconds=kept.max_age_s,
        destination_config=DestinationConfig(
            on_success=OnSuccess(destination=kept.on_success),
            on_failure=OnFailure(destination=kept.on_failure),
        ),
    )
