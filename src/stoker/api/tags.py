"""Tags of functions. Versions and aliases have none of their own."""

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
from stoker.core.errors import InvalidParameterValueException, NotImplementedException
from stoker.core.model import FunctionKey
from stoker.core.validation import check_tags


async def tag_resource(control: Control, call: Call[TagResourceInput]) -> None:
    """Add tags, or give those that are there another value."""
    key = _function(call.caller, call.input.resource, "TagResource")
    async with control.store.transaction() as tx:
        function = await must_have(tx, key, None)
        tags = {**function.tags, **call.input.tags}
        check_tags(tags)
        changed = replace(function, tags=tags, revision_id=new_revision())
        await tx.put_function(changed, expected=function.revision_id)


async def untag_resource(control: Control, call: Call[UntagResourceInput]) -> None:
    """Remove tags. As on AWS, they need not be there."""
    key = _function(call.caller, call.input.resource, "UntagResource")
    async with control.store.transaction() as tx:
        function = await must_have(tx, key, None)
        tags = {k: v for k, v in function.tags.items() if k not in call.input.tag_keys}
        changed = replace(function, tags=tags, revision_id=new_revision())
        await tx.put_function(changed, expected=function.revision_id)


async def list_tags(control: Control, call: Call[ListTagsInput]) -> ListTagsResponse:
    """All of them."""
    key = _function(call.caller, call.input.resource, "ListTags")
    async with control.store.transaction() as tx:
        return ListTagsResponse(tags=(await must_have(tx, key, None)).tags)


def _function(caller: Caller, arn: str, action: str) -> FunctionKey:
    kind = arn.split(":")[5]
    if kind != "function":
        raise NotImplementedException(f"Stoker has not built {action} of {kind} yet.")
    key, qualifier = located(caller, arn, None, action)
    if qualifier is not None:
        raise InvalidParameterValueException(
            "Tags on function aliases and versions are not supported. Please specify a function "
            "ARN."
        )
    return key
