"""Tags of functions and of resources (core/resources.py). Versions and aliases have none of
their own."""

from collections.abc import Mapping
from dataclasses import replace

from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import new_revision
from stoker.api.lookup import located, must_have
from stoker.api.shapes.lambda_ import (
    ListTagsInput,
    ListTagsResponse,
    TagResourceInput,
    UntagResourceInput,
)
from stoker.core.errors import (
    InvalidParameterValueException,
    NotImplementedException,
    ResourceNotFoundException,
)
from stoker.core.model import Function, FunctionKey
from stoker.core.names import check_owner
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.validation import check_new_tags, check_tags
from stoker.store.base import Transaction

Tagged = Function | Resource


async def tag_resource(control: Control, call: Call[TagResourceInput]) -> None:
    """Add tags, or give those that are there another value."""
    key = _key(call.caller, call.input.resource, "TagResource")
    check_new_tags(call.input.tags)
    async with control.store.transaction() as tx:
        found = await _must_have(tx, key)
        tags = {**found.tags, **call.input.tags}
        check_tags(tags)
        await _put(tx, found, tags)


async def untag_resource(control: Control, call: Call[UntagResourceInput]) -> None:
    """Remove tags. As on AWS, they need not be there."""
    key = _key(call.caller, call.input.resource, "UntagResource")
    async with control.store.transaction() as tx:
        found = await _must_have(tx, key)
        await _put(tx, found, {k: v for k, v in found.tags.items() if k not in call.input.tag_keys})


async def list_tags(control: Control, call: Call[ListTagsInput]) -> ListTagsResponse:
    """All of them."""
    key = _key(call.caller, call.input.resource, "ListTags")
    async with control.store.transaction() as tx:
        return ListTagsResponse(tags=(await _must_have(tx, key)).tags)


def _key(caller: Caller, arn: str, action: str) -> FunctionKey | ResourceKey:
    _, _, _, region, account, kind, name = arn.split(":", 6)
    if kind in {one.value for one in Kind}:
        check_owner(arn, account, region, caller=(caller.account, caller.region), action=action)
        return ResourceKey(account, region, Kind(kind), name)
    if kind != "function":
        raise NotImplementedException(f"Stoker has not built {action} of {kind} yet.")
    key, qualifier = located(caller, arn, None, action)
    if qualifier is not None:
        raise InvalidParameterValueException(
            "Tags on function aliases and versions are not supported. Please specify a function "
            "ARN."
        )
    return key


async def _must_have(tx: Transaction, key: FunctionKey | ResourceKey) -> Tagged:
    if isinstance(key, FunctionKey):
        return await must_have(tx, key, None)
    found = await tx.resources.get(key)
    if found is None:
        raise ResourceNotFoundException("The resource you requested does not exist.")
    return found


async def _put(tx: Transaction, found: Tagged, tags: Mapping[str, str]) -> None:
    match found:
        case Function():
            function = replace(found, tags=tags, revision_id=new_revision())
            await tx.put_function(function, expected=found.revision_id)
        case Resource():
            resource = found.tagged(tags, revision=new_revision())
            await tx.resources.put(resource, expected=found.revision_id)
