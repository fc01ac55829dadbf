"""Tags of HTTP APIs and of their stages, by ARN.

arn:aws:apigateway:REGION::/apis/ID    arn:aws:apigateway:REGION::/apis/ID/stages/NAME
"""

import re
from collections.abc import Callable, Mapping

from stoker.api.control import Call, Caller, Control
from stoker.api.http_api_records import changed, key_of, must_have
from stoker.api.shapes.apigatewayv2 import (
    GetTagsInput,
    GetTagsResponse,
    TagResourceInput,
    TagResourceResponse,
    UntagResourceInput,
)
from stoker.core import http_apis
from stoker.core.errors import BadRequestException, GatewayNotFoundException
from stoker.core.http_api_rules import check_tags
from stoker.core.http_apis import HttpApi, Part

Tags = Mapping[str, str]
_ARN = re.compile(
    r"arn:aws[a-z-]*:apigateway:([a-z0-9-]+)::/apis/([a-z0-9]+)(?:/stages/([$a-zA-Z0-9_-]+))?",
    re.ASCII,
)


async def get_tags(control: Control, call: Call[GetTagsInput]) -> GetTagsResponse:
    """All of them."""
    api_id, stage = _named(call.caller, call.input.resource_arn)
    async with control.store.transaction() as tx:
        found = await must_have(tx, key_of(call.caller, api_id))
    return GetTagsResponse(tags=_tagged(HttpApi(**found.record), stage)["tags"])


async def tag_resource(control: Control, call: Call[TagResourceInput]) -> TagResourceResponse:
    """Add tags, or give those that are there another value."""
    given = call.input.tags or {}
    await _change(control, call.caller, call.input.resource_arn, lambda tags: {**tags, **given})
    return TagResourceResponse()


async def untag_resource(control: Control, call: Call[UntagResourceInput]) -> None:
    """Remove tags. They need not be there."""
    gone = call.input.tag_keys

    def left(tags: Tags) -> Tags:
        return {name: value for name, value in tags.items() if name not in gone}

    await _change(control, call.caller, call.input.resource_arn, left)


async def _change(
    control: Control, caller: Caller, arn: str, retag: Callable[[Tags], Tags]
) -> None:
    api_id, stage = _named(caller, arn)

    def decide(api: HttpApi) -> HttpApi:
        record = _tagged(api, stage)
        tags = retag(record["tags"])
        check_tags(tags)
        if stage is None:
            return http_apis.with_facts(api, {**record, "tags": tags})
        return api.change(Part.STAGE, stage, {"tags": tags})

    async with control.store.transaction() as tx:
        await changed(tx, key_of(caller, api_id), decide)


def _named(caller: Caller, arn: str) -> tuple[str, str | None]:
    found = _ARN.fullmatch(arn)
    if found is None:
        raise BadRequestException(f"Invalid resource identifier specified: {arn}")
    if found[1] != caller.region:
        raise GatewayNotFoundException(f"Nothing of {found[1]} is in {caller.region}")
    return found[2], found[3]


def _tagged(api: HttpApi, stage: str | None) -> http_apis.Record:
    return api.api if stage is None else api.one(Part.STAGE, stage)
