"""Stages and deployments of HTTP APIs: what of an API is served, under which name."""

import time

from stoker.api import http_api_records
from stoker.api.control import Call, Control
from stoker.api.http_api_records import (
    DEPLOYMENT_ID,
    change,
    changed,
    forget,
    given,
    keep,
    key_of,
    read,
    shown,
)
from stoker.api.identifiers import new_short_id
from stoker.api.shapes.apigatewayv2 import (
    CreateDeploymentInput,
    CreateDeploymentResponse,
    CreateStageInput,
    CreateStageResponse,
    DeleteAccessLogSettingsInput,
    DeleteDeploymentInput,
    DeleteRouteSettingsInput,
    DeleteStageInput,
    GetDeploymentInput,
    GetDeploymentResponse,
    GetDeploymentsInput,
    GetDeploymentsResponse,
    GetStageInput,
    GetStageResponse,
    GetStagesInput,
    GetStagesResponse,
    UpdateDeploymentInput,
    UpdateDeploymentResponse,
    UpdateStageInput,
    UpdateStageResponse,
)
from stoker.core.errors import GatewayNotFoundException
from stoker.core.http_apis import HttpApi, Part, new_stage


async def create_stage(control: Control, call: Call[CreateStageInput]) -> CreateStageResponse:
    """A name under which a deployment is served; with AutoDeploy always the latest."""
    name = call.input.stage_name
    record = new_stage(name, given(call.input), time.time())
    after = await change(control, call, lambda api: api.add(Part.STAGE, name, record))
    answer: CreateStageResponse = shown("CreateStageResponse", after.one(Part.STAGE, name))
    return answer


async def get_stage(control: Control, call: Call[GetStageInput]) -> GetStageResponse:
    """What it says, and how the last automatic deployment went."""
    api = await read(control, call)
    stage = api.one(Part.STAGE, call.input.stage_name)
    answer: GetStageResponse = shown("GetStageResponse", stage)
    return answer


async def get_stages(control: Control, call: Call[GetStagesInput]) -> GetStagesResponse:
    """The API's, by their names."""
    answer: GetStagesResponse = await http_api_records.listed(
        control, call, Part.STAGE, "GetStagesResponse"
    )
    return answer


async def update_stage(control: Control, call: Call[UpdateStageInput]) -> UpdateStageResponse:
    """Change what is given. Variables and settings of routes are added to those that are there;
    a variable that is empty ends."""
    name = call.input.stage_name
    asked = {**given(call.input), "lastUpdatedDate": time.time()}
    after = await change(control, call, lambda api: api.change(Part.STAGE, name, asked))
    answer: UpdateStageResponse = shown("UpdateStageResponse", after.one(Part.STAGE, name))
    return answer


async def delete_stage(control: Control, call: Call[DeleteStageInput]) -> None:
    """Nothing is served under its name any more."""
    await change(control, call, lambda api: api.remove(Part.STAGE, call.input.stage_name))


async def delete_access_log_settings(
    control: Control, call: Call[DeleteAccessLogSettingsInput]
) -> None:
    """They have no effect here, either way."""
    name = call.input.stage_name
    await change(control, call, lambda api: api.drop(Part.STAGE, name, "accessLogSettings"))


async def delete_route_settings(control: Control, call: Call[DeleteRouteSettingsInput]) -> None:
    """Of one route in one stage."""
    name, route = call.input.stage_name, call.input.route_key

    def decide(api: HttpApi) -> HttpApi:
        there = api.one(Part.STAGE, name).get("routeSettings", {})
        if route not in there:
            raise GatewayNotFoundException(f"No settings of route {route} are in this stage")
        kept = {key: one for key, one in there.items() if key != route}
        dropped = api.drop(Part.STAGE, name, "routeSettings")
        return dropped.change(Part.STAGE, name, {"routeSettings": kept})

    await change(control, call, decide)


async def create_deployment(
    control: Control, call: Call[CreateDeploymentInput]
) -> CreateDeploymentResponse:
    """What there is now, for stages to serve; with StageName that one does at once."""
    id, asked, now = new_short_id(DEPLOYMENT_ID), call.input, time.time()
    key = key_of(call.caller, asked.api_id)

    def decide(api: HttpApi) -> HttpApi:
        api = api.deploy(id, now, asked.description, auto=False)
        if asked.stage_name is None:
            return api
        return api.change(
            Part.STAGE, asked.stage_name, {"deploymentId": id, "lastUpdatedDate": now}
        )

    async with control.store.transaction() as tx:
        after = await changed(tx, key, decide)
        await keep(tx, key, id, after.snapshot)
    answer: CreateDeploymentResponse = shown(
        "CreateDeploymentResponse", after.one(Part.DEPLOYMENT, id)
    )
    return answer


async def get_deployment(control: Control, call: Call[GetDeploymentInput]) -> GetDeploymentResponse:
    """Whether it was automatic."""
    api = await read(control, call)
    answer: GetDeploymentResponse = shown(
        "GetDeploymentResponse", api.one(Part.DEPLOYMENT, call.input.deployment_id)
    )
    return answer


async def get_deployments(
    control: Control, call: Call[GetDeploymentsInput]
) -> GetDeploymentsResponse:
    """The API's, by their IDs."""
    answer: GetDeploymentsResponse = await http_api_records.listed(
        control, call, Part.DEPLOYMENT, "GetDeploymentsResponse"
    )
    return answer


async def update_deployment(
    control: Control, call: Call[UpdateDeploymentInput]
) -> UpdateDeploymentResponse:
    """Its description."""
    id, asked = call.input.deployment_id, given(call.input)
    after = await change(control, call, lambda api: api.change(Part.DEPLOYMENT, id, asked))
    answer: UpdateDeploymentResponse = shown(
        "UpdateDeploymentResponse", after.one(Part.DEPLOYMENT, id)
    )
    return answer


async def delete_deployment(control: Control, call: Call[DeleteDeploymentInput]) -> None:
    """No stage may serve it."""
    id, key = call.input.deployment_id, key_of(call.caller, call.input.api_id)
    async with control.store.transaction() as tx:
        await changed(tx, key, lambda api: api.remove(Part.DEPLOYMENT, id))
        await forget(tx, key, id)
