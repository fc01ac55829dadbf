"""HTTP APIs: made, also at once with a function behind them, changed, listed, deleted."""

import time
from typing import Any

from stoker.api import http_api_records, markers
from stoker.api.control import Call, Caller, Control
from stoker.api.http_api_records import change, given, key_of, must_have, read, shown
from stoker.api.identifiers import new_revision, new_short_id
from stoker.api.shapes.apigatewayv2 import (
    CreateApiInput,
    CreateApiResponse,
    DeleteApiInput,
    DeleteCorsConfigurationInput,
    GetApiInput,
    GetApiResponse,
    GetApisInput,
    GetApisResponse,
    UpdateApiInput,
    UpdateApiResponse,
)
from stoker.core import http_apis
from stoker.core.errors import BadRequestException, TooManyRequestsException
from stoker.core.gateway_addresses import domain
from stoker.core.http_api_rules import check_name, check_protocol, check_tags
from stoker.core.http_apis import HttpApi, Part, settle
from stoker.core.resources import Kind, Resource, ResourceKey

APIS = 600  # of one account and region (AWS)
API_ID = 10  # characters
QUICK = ("target", "routeKey", "credentialsArn")  # what is no member of an API itself
FIXED = {
    "apiKeySelectionExpression": "$request.header.x-api-key",
    "routeSelectionExpression": "$request.method $request.path",
}


async def create_api(control: Control, call: Call[CreateApiInput]) -> CreateApiResponse:
    """An API; with Target also an integration, a route and a stage that deploys by itself."""
    asked = given(call.input)
    api = made(asked)
    if "target" in asked:
        api = _quick(api, asked)
    elif not asked.keys().isdisjoint(QUICK):
        raise BadRequestException("routeKey and credentialsArn need a target")
    answer: CreateApiResponse = await added(control, call, api, "CreateApiResponse")
    return answer


async def get_api(control: Control, call: Call[GetApiInput]) -> GetApiResponse:
    """What it is."""
    answer: GetApiResponse = described(call, "GetApiResponse", await read(control, call))
    return answer


async def get_apis(control: Control, call: Call[GetApisInput]) -> GetApisResponse:
    """The caller's, by their IDs."""
    most, after = http_api_records.limits(call)
    caller = call.caller
    async with control.store.transaction() as tx:
        found = await tx.resources.of(caller.account, caller.region, Kind.HTTP_API, after=after)
    items = [_record(call, HttpApi(**one.record)) for one in found[:most]]
    following = markers.marker(found[most - 1].key.id) if len(found) > most else None
    answer: GetApisResponse = shown("GetApisResponse", {"items": items, "nextToken": following})
    return answer


async def update_api(control: Control, call: Call[UpdateApiInput]) -> UpdateApiResponse:
    """Change what is given. Target and RouteKey are those of the quick creation."""
    asked = given(call.input)

    def decide(api: HttpApi) -> HttpApi:
        facts = {name: one for name, one in asked.items() if name not in QUICK}
        record = http_apis.changed(api.api, facts)
        _check(record)
        return _quickly_changed(http_apis.with_facts(api, record), asked)

    after = await change(control, call, decide)
    answer: UpdateApiResponse = described(call, "UpdateApiResponse", after)
    return answer


async def delete_api(control: Control, call: Call[DeleteApiInput]) -> None:
    """With all that belongs to it; it is not served any more."""
    key = key_of(call.caller, call.input.api_id)
    async with control.store.transaction() as tx:
        found = await must_have(tx, key)
        for id in HttpApi(**found.record).deployments:
            await http_api_records.forget(tx, key, id)
        await tx.resources.remove(key)


async def delete_cors_configuration(
    control: Control, call: Call[DeleteCorsConfigurationInput]
) -> None:
    """Browsers hear nothing any more but what the functions say."""

    def decide(api: HttpApi) -> HttpApi:
        record = {k: one for k, one in api.api.items() if k != "corsConfiguration"}
        return http_apis.with_facts(api, record)

    await change(control, call, decide)


def made(asked: dict[str, Any]) -> HttpApi:
    """An API without parts, from what a request says."""
    check_protocol(asked)
    facts = {name: one for name, one in asked.items() if name not in QUICK}
    for name, value in FIXED.items():
        if facts.get(name, value) != value:
            raise BadRequestException(f"{name} must be {value} for HTTP protocol Apis")
    record = {
        **FIXED,
        "disableExecuteApiEndpoint": False,
        "ipAddressType": "ipv4",
        "tags": {},
        **facts,
        "apiId": new_short_id(API_ID),
        "createdDate": time.time(),
    }
    _check(record)
    return HttpApi(record)


async def added(control: Control, call: Call[Any], api: HttpApi, name: str) -> Any:
    """Keep a new API; the answer is called `name`."""
    caller, id = call.caller, api.api["apiId"]
    key = ResourceKey(caller.account, caller.region, Kind.HTTP_API, id)
    settled = settle(
        HttpApi(api.api), api, new_short_id(http_api_records.DEPLOYMENT_ID), time.time()
    )
    async with control.store.transaction() as tx:
        there = await tx.resources.of(caller.account, caller.region, Kind.HTTP_API, after="")
        if len(there) >= APIS:
            raise TooManyRequestsException(f"An account can have {APIS} HTTP APIs in a region.")
        if settled.made is not None:
            await http_api_records.keep(tx, key, settled.made, settled.api.snapshot)
        fresh = await tx.resources.add(Resource(key, new_revision(), settled.api.dump()))
        assert fresh, "two APIs got one ID"
    return described(call, name, settled.api)


def _check(record: http_apis.Record) -> None:
    check_name(record)
    check_tags(record["tags"])


def _quick(api: HttpApi, asked: dict[str, Any]) -> HttpApi:
    integration, route = new_short_id(7), new_short_id(7)
    to_function = asked["target"].startswith("arn:")
    behind = {
        **http_apis.DEFAULTS[Part.INTEGRATION],
        "integrationType": "AWS_PROXY" if to_function else "HTTP_PROXY",
        "integrationUri": asked["target"],
        "integrationMethod": "POST" if to_function else "ANY",
        "payloadFormatVersion": "2.0" if to_function else "1.0",
        "apiGatewayManaged": True,
        "integrationId": integration,
    }
    if "credentialsArn" in asked:
        behind["credentialsArn"] = asked["credentialsArn"]
    api = api.add(Part.INTEGRATION, integration, behind)
    way = {
        **http_apis.DEFAULTS[Part.ROUTE],
        "routeKey": asked.get("routeKey", http_apis.DEFAULT),
        "target": f"integrations/{integration}",
        "apiGatewayManaged": True,
        "routeId": route,
    }
    given = {"autoDeploy": True, "apiGatewayManaged": True}
    stage = http_apis.new_stage(http_apis.DEFAULT, given, api.api["createdDate"])
    return api.add(Part.ROUTE, route, way).add(Part.STAGE, http_apis.DEFAULT, stage)


def _quickly_changed(api: HttpApi, asked: dict[str, Any]) -> HttpApi:
    for part, members in (
        (Part.INTEGRATION, {"target": "integrationUri", "credentialsArn": "credentialsArn"}),
        (Part.ROUTE, {"routeKey": "routeKey"}),
    ):
        given = {to: asked[name] for name, to in members.items() if name in asked}
        if not given:
            continue
        ids = [id for id, one in api.of(part).items() if one.get("apiGatewayManaged")]
        if not ids:
            raise BadRequestException("The API was not created with a target")
        api = api.change(part, ids[0], given)
    return api


def described(call: Call[Any], name: str, api: HttpApi) -> Any:
    return shown(name, _record(call, api))


def _record(call: Call[Any], api: HttpApi) -> dict[str, Any]:
    return {**api.api, "apiEndpoint": endpoint(call.caller, api.api["apiId"], call.base_url)}


def endpoint(caller: Caller, api_id: str, base_url: str) -> str:
    """By the port on which this caller reaches us."""
    port = base_url.rpartition(":")[2]
    return f"http://{domain(api_id, caller.region)}{f':{port}' if port.isdecimal() else ''}"
