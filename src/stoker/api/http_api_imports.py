"""ImportApi and ReimportApi: an HTTP API from an OpenAPI document."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from stoker.api import codec, http_apis, services
from stoker.api.control import Call, Control
from stoker.api.http_api_records import SERVICE, change, given
from stoker.api.identifiers import new_short_id
from stoker.api.shapes.apigatewayv2 import (
    ImportApiInput,
    ImportApiResponse,
    ReimportApiInput,
    ReimportApiResponse,
)
from stoker.core import openapi_apis
from stoker.core.errors import BadRequestException, SerializationException
from stoker.core.http_apis import HttpApi, with_facts
from stoker.core.limits import MIB
from stoker.core.openapi_apis import Imported, Means
from stoker.core.stacks.errors import ValidationError
from stoker.core.stacks.text import read_template

ID_LENGTH = 7
BODY_LENGTH = 6 * MIB  # AWS: "Import size of API definition"


async def import_api(control: Control, call: Call[ImportApiInput]) -> ImportApiResponse:
    """An API with what the document says. It needs a stage to be served."""
    document = await _document(call.input)
    asked = _fitting("CreateApi", openapi_apis.facts(document))
    found = openapi_apis.imported(http_apis.made(asked), document, _MEANS)
    _check(call.input, found)
    answer: ImportApiResponse = await http_apis.added(
        control, call, _said(found), "ImportApiResponse"
    )
    return answer


async def reimport_api(control: Control, call: Call[ReimportApiInput]) -> ReimportApiResponse:
    """The same for an API that is there: routes, integrations and authorizers are replaced;
    stages and tags stay."""
    document = await _document(call.input)
    asked = _fitting("CreateApi", openapi_apis.facts(document))
    http_apis.made(asked)  # it would be taken as a new one

    def decide(api: HttpApi) -> HttpApi:
        found = openapi_apis.imported(openapi_apis.told(api, asked), document, _MEANS)
        _check(call.input, found)
        return _said(found)

    after = await change(control, call, decide)
    answer: ReimportApiResponse = http_apis.described(call, "ReimportApiResponse", after)
    return answer


async def _document(asked: ImportApiInput | ReimportApiInput) -> Mapping[str, Any]:
    openapi_apis.check_base_path(asked.basepath)
    if len(asked.body) > BODY_LENGTH:
        raise BadRequestException(f"Invalid OpenAPI input: it has more than {BODY_LENGTH} bytes")
    return await asyncio.to_thread(_read, asked.body)


def _read(body: str) -> Mapping[str, Any]:
    """JSON, or YAML as CloudFormation takes it: without aliases, up to 1 MiB."""
    try:
        found = orjson.loads(body) if body.lstrip()[:1] in ("{", "[", "") else read_template(body)
    except orjson.JSONDecodeError:
        raise BadRequestException("Invalid OpenAPI input: the body is no JSON") from None
    except ValidationError as error:
        raise BadRequestException(f"Invalid OpenAPI input: {error.message}") from error
    if not isinstance(found, dict):
        raise BadRequestException("Invalid OpenAPI input: the body must be an object")
    return found


def _check(asked: ImportApiInput | ReimportApiInput, found: Imported) -> None:
    if asked.fail_on_warnings and found.warnings:
        raise BadRequestException(f"Warnings found during import: {'; '.join(found.warnings)}")


def _said(found: Imported) -> HttpApi:
    facts = {name: one for name, one in found.api.api.items() if name != "warnings"}
    if found.warnings:
        facts["warnings"] = list(found.warnings)
    return with_facts(found.api, facts)


def _fitting(operation: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """What an operation that makes such a thing would take."""
    model = services.model(SERVICE).operation_model(operation)
    try:
        return given(codec.parse_value(model, {**raw, "apiId": "imported"}))
    except SerializationException as error:
        raise BadRequestException(f"Invalid OpenAPI input: {error.message}") from error


_MEANS = Means(
    partial(new_short_id, ID_LENGTH),
    lambda part, record: _fitting(f"Create{part.noun}", record),
)
