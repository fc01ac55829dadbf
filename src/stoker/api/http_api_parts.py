"""Routes, integrations and authorizers of HTTP APIs. All three are kept and changed alike."""

from typing import Any

from stoker.api import http_api_records
from stoker.api.control import Call, Control
from stoker.api.http_api_records import change, given, read, shown
from stoker.api.identifiers import new_short_id
from stoker.api.shapes.apigatewayv2 import (
    CreateAuthorizerInput,
    CreateAuthorizerResponse,
    CreateIntegrationInput,
    CreateIntegrationResult,
    CreateRouteInput,
    CreateRouteResult,
    DeleteAuthorizerInput,
    DeleteIntegrationInput,
    DeleteRouteInput,
    GetAuthorizerInput,
    GetAuthorizerResponse,
    GetAuthorizersInput,
    GetAuthorizersResponse,
    GetIntegrationInput,
    GetIntegrationResult,
    GetIntegrationsInput,
    GetIntegrationsResponse,
    GetRouteInput,
    GetRouteResult,
    GetRoutesInput,
    GetRoutesResponse,
    ResetAuthorizersCacheInput,
    UpdateAuthorizerInput,
    UpdateAuthorizerResponse,
    UpdateIntegrationInput,
    UpdateIntegrationResult,
    UpdateRouteInput,
    UpdateRouteResult,
)
from stoker.core.http_apis import DEFAULTS, TTL_S, HttpApi, Part

ID_LENGTH = 7


async def create_route(control: Control, call: Call[CreateRouteInput]) -> CreateRouteResult:
    """What leads from a method and a path to an integration."""
    answer: CreateRouteResult = await _create(control, call, Part.ROUTE, "CreateRouteResult")
    return answer


async def get_route(control: Control, call: Call[GetRouteInput]) -> GetRouteResult:
    """What it says."""
    api = await read(control, call)
    answer: GetRouteResult = shown("GetRouteResult", api.one(Part.ROUTE, call.input.route_id))
    return answer


async def get_routes(control: Control, call: Call[GetRoutesInput]) -> GetRoutesResponse:
    """The API's, by their IDs."""
    answer: GetRoutesResponse = await http_api_records.listed(
        control, call, Part.ROUTE, "GetRoutesResponse"
    )
    return answer


async def update_route(control: Control, call: Call[UpdateRouteInput]) -> UpdateRouteResult:
    """Change what is given; an empty text ends what was there."""
    answer: UpdateRouteResult = await _update(
        control, call, Part.ROUTE, call.input.route_id, "UpdateRouteResult"
    )
    return answer


async def delete_route(control: Control, call: Call[DeleteRouteInput]) -> None:
    """It takes no more requests."""
    await change(control, call, lambda api: api.remove(Part.ROUTE, call.input.route_id))


async def create_integration(
    control: Control, call: Call[CreateIntegrationInput]
) -> CreateIntegrationResult:
    """What calls a function."""
    answer: CreateIntegrationResult = await _create(
        control, call, Part.INTEGRATION, "CreateIntegrationResult"
    )
    return answer


async def get_integration(
    control: Control, call: Call[GetIntegrationInput]
) -> GetIntegrationResult:
    """What it says."""
    api = await read(control, call)
    answer: GetIntegrationResult = shown(
        "GetIntegrationResult", api.one(Part.INTEGRATION, call.input.integration_id)
    )
    return answer


async def get_integrations(
    control: Control, call: Call[GetIntegrationsInput]
) -> GetIntegrationsResponse:
    """The API's, by their IDs."""
    answer: GetIntegrationsResponse = await http_api_records.listed(
        control, call, Part.INTEGRATION, "GetIntegrationsResponse"
    )
    return answer


async def update_integration(
    control: Control, call: Call[UpdateIntegrationInput]
) -> UpdateIntegrationResult:
    """Change what is given; an empty text ends what was there."""
    answer: UpdateIntegrationResult = await _update(
        control, call, Part.INTEGRATION, call.input.integration_id, "UpdateIntegrationResult"
    )
    return answer


async def delete_integration(control: Control, call: Call[DeleteIntegrationInput]) -> None:
    """No route may need it."""
    await change(control, call, lambda api: api.remove(Part.INTEGRATION, call.input.integration_id))


async def create_authorizer(
    control: Control, call: Call[CreateAuthorizerInput]
) -> CreateAuthorizerResponse:
    """Who says which requests may pass."""
    answer: CreateAuthorizerResponse = await _create(
        control, call, Part.AUTHORIZER, "CreateAuthorizerResponse"
    )
    return answer


async def get_authorizer(control: Control, call: Call[GetAuthorizerInput]) -> GetAuthorizerResponse:
    """What it says."""
    api = await read(control, call)
    answer: GetAuthorizerResponse = shown(
        "GetAuthorizerResponse", api.one(Part.AUTHORIZER, call.input.authorizer_id)
    )
    return answer


async def get_authorizers(
    control: Control, call: Call[GetAuthorizersInput]
) -> GetAuthorizersResponse:
    """The API's, by their IDs."""
    answer: GetAuthorizersResponse = await http_api_records.listed(
        control, call, Part.AUTHORIZER, "GetAuthorizersResponse"
    )
    return answer


async def update_authorizer(
    control: Control, call: Call[UpdateAuthorizerInput]
) -> UpdateAuthorizerResponse:
    """Change what is given; an empty text ends what was there."""
    answer: UpdateAuthorizerResponse = await _update(
        control, call, Part.AUTHORIZER, call.input.authorizer_id, "UpdateAuthorizerResponse"
    )
    return answer


async def delete_authorizer(control: Control, call: Call[DeleteAuthorizerInput]) -> None:
    """No route may need it."""
    await change(control, call, lambda api: api.remove(Part.AUTHORIZER, call.input.authorizer_id))


async def reset_authorizers_cache(control: Control, call: Call[ResetAuthorizersCacheInput]) -> None:
    """What authorizers answered for this stage counts no more."""
    api = await read(control, call)
    api.one(Part.STAGE, call.input.stage_name)
    control.gateways.forget_authorizations(call.input.api_id, call.input.stage_name)


async def _create(control: Control, call: Call[Any], part: Part, name: str) -> Any:
    id = new_short_id(ID_LENGTH)
    record = {**DEFAULTS[part], **given(call.input), part.id: id}
    if record.get("authorizerType") == "REQUEST" and record.get("identitySource"):
        record.setdefault("authorizerResultTtlInSeconds", TTL_S)
    after = await change(control, call, lambda api: api.add(part, id, record))
    return shown(name, after.one(part, id))


async def _update(control: Control, call: Call[Any], part: Part, id: str, name: str) -> Any:
    asked = given(call.input)

    def decide(api: HttpApi) -> HttpApi:
        return api.change(part, id, asked)

    return shown(name, (await change(control, call, decide)).one(part, id))
