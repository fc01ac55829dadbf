"""Deployments and stages of a REST API, and tags."""

import copy
import re
from typing import Any

from stoker.api.control import Call, Control
from stoker.api.identifiers import new_revision
from stoker.api.rest.calls import (
    Rule,
    api_key,
    asked_of,
    deployment_key,
    facts_of,
    keep,
    must_have,
    on_account,
    on_api,
    page,
    shown,
)
from stoker.api.shapes import apigateway as shapes
from stoker.core.errors import BadRequestException
from stoker.core.resources import Resource
from stoker.core.rest import accounts, deployments
from stoker.core.rest.records import Asked, Doc, Facts, found

TAGS = 50
_ARN = re.compile(
    r"arn:aws[\w-]*:apigateway:([a-z0-9-]+):\d*:/(restapis|apikeys|usageplans)/(\w+)"
    r"(?:/stages/([\w-]+))?",
    re.ASCII,
)


async def create_deployment(
    control: Control, call: Call[shapes.CreateDeploymentInput]
) -> shapes.Deployment:
    """A copy of the API as it is now. A stage that is named serves it; a new one is made."""
    asked, caller = asked_of(call), call.caller
    async with control.store.transaction() as tx:
        api = await must_have(tx, api_key(caller, asked["restapi_id"]))
        doc = copy.deepcopy(dict(api.record))
        deployment, served = deployments.deployed(doc, asked, facts_of(caller))
        key = deployment_key(caller, api.key.id, deployment["id"])
        await tx.resources.add(Resource(key, new_revision(), served))
        await keep(tx, api, doc)
    answer: shapes.Deployment = shown(call, deployment)
    return answer


async def get_deployment(
    control: Control, call: Call[shapes.GetDeploymentInput]
) -> shapes.Deployment:
    """One; with embed=apisummary what its methods ask for."""
    asked, caller = asked_of(call), call.caller
    async with control.store.transaction() as tx:
        api = await must_have(tx, api_key(caller, asked["restapi_id"]))
        answer = dict(found(dict(api.record), "deployments", asked["deployment_id"], "Deployment"))
        kept = await tx.resources.get(deployment_key(caller, api.key.id, answer["id"]))
    if kept is not None and "apisummary" in (asked.get("embed") or ()):
        answer["apiSummary"] = deployments.summary(dict(kept.record))
    told: shapes.Deployment = shown(call, answer)
    return told


async def get_deployments(
    control: Control, call: Call[shapes.GetDeploymentsInput]
) -> shapes.Deployments:
    """All of an API."""
    answer: shapes.Deployments = await on_api(
        control, call, lambda doc, asked, facts: page(doc["deployments"], asked)
    )
    return answer


async def update_deployment(
    control: Control, call: Call[shapes.UpdateDeploymentInput]
) -> shapes.Deployment:
    """Change its description; what it serves stays as it was."""
    answer: shapes.Deployment = await on_api(
        control,
        call,
        lambda doc, asked, facts: deployments.update_deployment(
            doc, asked["deployment_id"], asked.get("patchOperations") or []
        ),
    )
    return answer


async def delete_deployment(control: Control, call: Call[shapes.DeleteDeploymentInput]) -> None:
    """One that no stage serves."""
    asked, caller = asked_of(call), call.caller
    async with control.store.transaction() as tx:
        api = await must_have(tx, api_key(caller, asked["restapi_id"]))
        doc = copy.deepcopy(dict(api.record))
        deployments.remove_deployment(doc, asked["deployment_id"])
        await keep(tx, api, doc)
        await tx.resources.remove(deployment_key(caller, api.key.id, asked["deployment_id"]))


# ---- stages ----


async def create_stage(control: Control, call: Call[shapes.CreateStageInput]) -> shapes.Stage:
    """A name under which a deployment is served."""
    answer: shapes.Stage = await on_api(control, call, deployments.add_stage)
    return answer


async def get_stage(control: Control, call: Call[shapes.GetStageInput]) -> shapes.Stage:
    """One, by its name."""
    answer: shapes.Stage = await on_api(
        control, call, lambda doc, asked, facts: found(doc, "stages", asked["stage_name"], "stage")
    )
    return answer


async def get_stages(control: Control, call: Call[shapes.GetStagesInput]) -> shapes.Stages:
    """All, or those of one deployment."""

    def rule(doc: Doc, asked: Asked, _: Facts) -> Doc:
        wanted = asked.get("deploymentId")
        stages = [doc["stages"][name] for name in sorted(doc["stages"])]
        return {"item": [one for one in stages if wanted in (None, one["deploymentId"])]}

    answer: shapes.Stages = await on_api(control, call, rule)
    return answer


async def update_stage(control: Control, call: Call[shapes.UpdateStageInput]) -> shapes.Stage:
    """Change what the patch operations name, among it which deployment is served."""
    answer: shapes.Stage = await on_api(
        control,
        call,
        lambda doc, asked, facts: deployments.update_stage(
            doc, asked["stage_name"], asked.get("patchOperations") or [], facts.now
        ),
    )
    return answer


async def delete_stage(control: Control, call: Call[shapes.DeleteStageInput]) -> None:
    """Nothing answers under its name; the deployment stays."""

    def rule(doc: Doc, asked: Asked, _: Facts) -> None:
        found(doc, "stages", asked["stage_name"], "stage")
        del doc["stages"][asked["stage_name"]]

    await on_api(control, call, rule)


async def flush_stage_authorizers_cache(
    control: Control, call: Call[shapes.FlushStageAuthorizersCacheInput]
) -> None:
    """Authorizers are asked again."""
    asked = call.input
    await on_api(control, call, lambda doc, given, facts: _flushed(doc, given["stage_name"]))
    control.gateways.rest.grants.forget(asked.rest_api_id, asked.stage_name)


def _flushed(doc: Doc, name: str) -> None:
    found(doc, "stages", name, "stage")


# ---- tags ----


async def tag_resource(control: Control, call: Call[shapes.TagResourceInput]) -> None:
    """Add tags to an API, a stage, a key or a plan, or give those there another value."""

    def rule(doc: Doc, asked: Asked, _: Facts) -> None:
        tagged = _tagged(doc, asked["resource_arn"])
        tags = {**(tagged.get("tags") or {}), **asked["tags"]}
        if len(tags) > TAGS:
            raise BadRequestException(f"A resource can have {TAGS} tags")
        tagged["tags"] = tags

    await _on_tagged(control, call, rule)


async def untag_resource(control: Control, call: Call[shapes.UntagResourceInput]) -> None:
    """Remove tags; they need not be there."""

    def rule(doc: Doc, asked: Asked, _: Facts) -> None:
        tagged = _tagged(doc, asked["resource_arn"])
        gone = set(asked["tagKeys"])
        tagged["tags"] = {k: v for k, v in (tagged.get("tags") or {}).items() if k not in gone}

    await _on_tagged(control, call, rule)


async def get_tags(control: Control, call: Call[shapes.GetTagsInput]) -> shapes.Tags:
    """All of them."""
    answer: shapes.Tags = await _on_tagged(
        control,
        call,
        lambda doc, asked, facts: {"tags": _tagged(doc, asked["resource_arn"]).get("tags") or {}},
    )
    return answer


async def _on_tagged(control: Control, call: Call[Any], rule: Rule) -> Any:
    asked = asked_of(call)
    kind, name, _ = _read(asked["resource_arn"], call.caller.region)
    if kind != "restapis":
        return await on_account(control, call, rule)
    return await on_api(control, call, rule, name)


def _read(arn: str, region: str) -> tuple[str, str, str | None]:
    """Kind, ID, and perhaps a stage's name."""
    match = _ARN.fullmatch(arn)
    if match is None or match[1] != region:
        raise BadRequestException(f"Invalid ARN specified in the request: {arn}")
    return match[2], match[3], match[4]


def _tagged(doc: Doc, arn: str) -> Doc:
    kind, name, stage = _read(arn, arn.split(":")[3])
    match kind:
        case "apikeys":
            return accounts.key_of(doc, name)
        case "usageplans":
            return accounts.plan_of(doc, name)
    tagged: Doc = found(doc, "stages", stage, "stage") if stage else doc["api"]
    return tagged
