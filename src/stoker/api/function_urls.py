"""Configurations of function URLs, of a function or an alias. What answers there: url_front.py."""

from datetime import UTC, datetime
from typing import Any

from stoker.api import markers
from stoker.api.control import Call, Control
from stoker.api.lookup import find, located
from stoker.api.shapes import lambda_ as shapes
from stoker.api.shapes.lambda_ import (
    CreateFunctionUrlConfigInput,
    CreateFunctionUrlConfigResponse,
    DeleteFunctionUrlConfigInput,
    FunctionUrlConfig,
    GetFunctionUrlConfigInput,
    GetFunctionUrlConfigResponse,
    ListFunctionUrlConfigsInput,
    ListFunctionUrlConfigsResponse,
    UpdateFunctionUrlConfigInput,
    UpdateFunctionUrlConfigResponse,
)
from stoker.core import function_urls, limits, tenancy
from stoker.core.errors import ResourceNotFoundException
from stoker.core.function_urls import Cors, FunctionUrl, UrlKey
from stoker.core.names import LATEST
from stoker.store.base import Transaction


async def create_function_url_config(
    control: Control, call: Call[CreateFunctionUrlConfigInput]
) -> CreateFunctionUrlConfigResponse:
    """Give the function or alias an address. It answers from now on, to whom its policy and
    AuthType let in."""
    asked = call.input
    key = _key(call, "CreateFunctionUrlConfig")
    url = function_urls.made(key, asked.auth_type, asked.invoke_mode, _cors(asked.cors), _now())
    async with control.store.transaction() as tx:
        await _check_function(tx, key)
        if await tx.urls.get(key) is not None:
            raise function_urls.there_is_one(key)
        await tx.urls.put(url)
    return CreateFunctionUrlConfigResponse(
        function_url=_address(url, call.base_url),
        function_arn=key.arn,
        auth_type=url.auth,
        cors=_shown(url.cors),
        creation_time=url.created,
        invoke_mode=asked.invoke_mode,  # as on AWS, if it was given (recorded Nov 2023)
    )


async def get_function_url_config(
    control: Control, call: Call[GetFunctionUrlConfigInput]
) -> GetFunctionUrlConfigResponse:
    """The address, and who may use it how."""
    async with control.store.transaction() as tx:
        url = await _must_have(tx, _key(call, "GetFunctionUrlConfig"))
    return GetFunctionUrlConfigResponse(**_facts(url, call.base_url))


async def update_function_url_config(
    control: Control, call: Call[UpdateFunctionUrlConfigInput]
) -> UpdateFunctionUrlConfigResponse:
    """Change what is given, Cors as a whole; the address stays."""
    asked = call.input
    key = _key(call, "UpdateFunctionUrlConfig")
    async with control.store.transaction() as tx:
        await _check_function(tx, key)
        before = await _must_have(tx, key)
        url = function_urls.changed(
            before, asked.auth_type, asked.invoke_mode, _cors(asked.cors), _now()
        )
        await tx.urls.put(url)
    facts = {**_facts(url, call.base_url), "invoke_mode": asked.invoke_mode}
    return UpdateFunctionUrlConfigResponse(**facts)


async def delete_function_url_config(
    control: Control, call: Call[DeleteFunctionUrlConfigInput]
) -> None:
    """Nobody answers at the address any more; made again, it is the same address."""
    async with control.store.transaction() as tx:
        if not await tx.urls.remove(_key(call, "DeleteFunctionUrlConfig")):
            raise function_urls.none_there()


async def list_function_url_configs(
    control: Control, call: Call[ListFunctionUrlConfigsInput]
) -> ListFunctionUrlConfigsResponse:
    """All addresses of a function and its aliases."""
    asked = call.input
    key, _ = located(call.caller, asked.function_name, None, "ListFunctionUrlConfigs")
    page = min(asked.max_items or limits.LIST_PAGE, limits.LIST_PAGE)
    after = markers.read(asked.marker)
    async with control.store.transaction() as tx:
        if await tx.function(key) is None:
            raise function_urls.no_function()
        found = await tx.urls.of(key, after=after, limit=page + 1)
    return ListFunctionUrlConfigsResponse(
        function_url_configs=tuple(
            FunctionUrlConfig(**_facts(url, call.base_url)) for url in found[:page]
        ),
        next_marker=markers.marker(found[page - 1].key.qualifier) if len(found) > page else None,
    )


def _key(call: Call[Any], action: str) -> UrlKey:
    asked = call.input
    key, qualifier = located(call.caller, asked.function_name, asked.qualifier, action)
    return UrlKey(key, qualifier or LATEST)


async def _check_function(tx: Transaction, key: UrlKey) -> None:
    try:
        found = await find(tx, key.function, key.qualifier)
    except ResourceNotFoundException:
        raise function_urls.no_function() from None
    if found.function.latest.per_tenant:
        raise tenancy.unsupported("Function URL")


async def _must_have(tx: Transaction, key: UrlKey) -> FunctionUrl:
    url = await tx.urls.get(key)
    if url is None:
        raise function_urls.none_there()
    return url


def _now() -> str:
    now = datetime.now(UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S.%f}000Z"  # nanoseconds, as AWS shows them


def _address(url: FunctionUrl, base_url: str) -> str:
    """By the port on which this caller reaches us."""
    port = base_url.rpartition(":")[2]
    return f"http://{url.key.domain}{f':{port}' if port.isdecimal() else ''}/"


def _facts(url: FunctionUrl, base_url: str) -> dict[str, Any]:
    return {
        "function_url": _address(url, base_url),
        "function_arn": url.key.arn,
        "auth_type": url.auth,
        "cors": _shown(url.cors),
        "creation_time": url.created,
        "last_modified_time": url.modified,
        "invoke_mode": url.mode,
    }


def _cors(given: shapes.Cors | None) -> Cors | None:
    if given is None:
        return None
    return Cors(
        credentials=given.allow_credentials,
        headers=given.allow_headers,
        methods=given.allow_methods,
        origins=given.allow_origins,
        exposed=given.expose_headers,
        max_age_s=given.max_age,
    )


def _shown(cors: Cors | None) -> shapes.Cors | None:
    if cors is None:
        return None
    return shapes.Cors(
        allow_credentials=cors.credentials,
        allow_headers=cors.headers,
        allow_methods=cors.methods,
        allow_origins=cors.origins,
        expose_headers=cors.exposed,
        max_age=cors.max_age_s,
    )
