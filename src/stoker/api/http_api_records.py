"""HTTP APIs in the store: read, changed, and deployed where a stage wants every change deployed.

What is in them follows AWS's model: inputs are kept under its names, and answers made from those.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from stoker.api import markers, records, services
from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import new_revision, new_short_id
from stoker.core.errors import BadRequestException, GatewayNotFoundException
from stoker.core.errors import InvalidParameterValueException as InvalidMarker
from stoker.core.http_apis import HttpApi, Part, Snapshot, settle
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.store.base import Transaction

SERVICE = "apigatewayv2"
PAGE = 500  # of a list, at most and unless asked for fewer
DEPLOYMENT_ID = 6  # characters

Decide = Callable[[HttpApi], HttpApi]


def given(value: Any) -> dict[str, Any]:
    """What the body of a request says."""
    operation = type(value).__name__.removesuffix("Input")
    shape = services.model(SERVICE).operation_model(operation).input_shape
    assert shape is not None
    located = {
        member.serialization["name"]
        for member in shape.members.values()
        if member.serialization.get("location")
    }
    said = records.asked(value, SERVICE)
    return {name: one for name, one in said.items() if name not in located}


def shown(name: str, record: Mapping[str, Any]) -> Any:
    return records.shown(name, record, SERVICE)


def key_of(caller: Caller, api_id: str) -> ResourceKey:
    return ResourceKey(caller.account, caller.region, Kind.HTTP_API, api_id)


async def must_have(tx: Transaction, key: ResourceKey) -> Resource:
    found = await tx.resources.get(key)
    if found is None:
        raise GatewayNotFoundException(f"Invalid API identifier specified {key.account}:{key.id}")
    return found


async def read(control: Control, call: Call[Any]) -> HttpApi:
    async with control.store.transaction() as tx:
        return HttpApi(**(await must_have(tx, key_of(call.caller, call.input.api_id))).record)


async def change(control: Control, call: Call[Any], decide: Decide) -> HttpApi:
    """What the API is after this change, and after what it deploys."""
    async with control.store.transaction() as tx:
        return await changed(tx, key_of(call.caller, call.input.api_id), decide)


async def changed(tx: Transaction, key: ResourceKey, decide: Decide) -> HttpApi:
    resource = await must_have(tx, key)
    before = HttpApi(**resource.record)
    after = decide(before)
    settled = settle(before, after, new_short_id(DEPLOYMENT_ID), time.time())
    if settled.made is not None:
        await keep(tx, key, settled.made, settled.api.snapshot)
    for id in settled.gone:
        await tx.resources.remove(_deployment(key, id))
    record = settled.api.dump()
    await tx.resources.put(
        resource.changed(record, revision=new_revision()), expected=resource.revision_id
    )
    return settled.api


async def keep(tx: Transaction, key: ResourceKey, id: str, snapshot: Snapshot) -> None:
    """What deployment `id` of the API holds."""
    await tx.resources.add(Resource(_deployment(key, id), new_revision(), snapshot.dump()))


async def forget(tx: Transaction, key: ResourceKey, id: str) -> None:
    await tx.resources.remove(_deployment(key, id))


def page(call: Call[Any], found: Mapping[str, Any]) -> tuple[list[Any], str | None]:
    """What of `found` is asked for, in the order of its keys; and where the list goes on."""
    most, after = limits(call)
    ids = sorted(id for id in found if id > after)
    following = markers.marker(ids[most - 1]) if len(ids) > most else None
    return [found[id] for id in ids[:most]], following


def limits(call: Call[Any]) -> tuple[int, str]:
    """How many of a list are asked for, and behind what it goes on."""
    asked = call.input.max_results or str(PAGE)
    if not (asked.isascii() and asked.isdecimal() and len(asked) <= 6) or int(asked) < 1:
        raise BadRequestException("maxResults must be a number from 1")
    try:
        after = markers.read(call.input.next_token)
    except InvalidMarker:
        raise BadRequestException("Invalid nextToken") from None
    return min(int(asked), PAGE), after


async def listed(control: Control, call: Call[Any], part: Part, name: str) -> Any:
    """The answer `name`: one kind of parts, page by page."""
    found, following = page(call, (await read(control, call)).of(part))
    return shown(name, {"items": found, "nextToken": following})


def _deployment(key: ResourceKey, id: str) -> ResourceKey:
    return ResourceKey(key.account, key.region, Kind.HTTP_DEPLOYMENT, f"{key.id}/{id}")
