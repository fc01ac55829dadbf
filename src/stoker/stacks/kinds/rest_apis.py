"""AWS::ApiGateway::*: REST APIs. Its API changes things by patches; what has an operation that puts
it whole is put."""

import json
from typing import Any

from stoker.core.stacks.errors import ValidationError
from stoker.neighbours.calls import Refused
from stoker.stacks.work import Kind, Made, Work, is_missing, nothing, words

API = "apigateway"
APART = words("Body BodyS3Location FailOnWarnings Parameters Mode Tags EndpointAccessMode")


def patches(work: Work, names: dict[str, str]) -> list[dict[str, str]]:
    """For those properties that changed, by the path that each has."""
    found = []
    for name, path in names.items():
        if work.changed(name):
            value = work.properties.get(name)
            if value is None:
                found.append({"op": "remove", "path": path})
            else:
                found.append({"op": "replace", "path": path, "value": _text(value)})
    return found


def _text(value: Any) -> str:
    match value:
        case bool():
            return str(value).lower()
        case dict() | list():
            return json.dumps(value)
        case _:
            return str(value)


# ---- the API ----

OF_API = {
    "Name": "/name", "Description": "/description", "ApiKeySourceType": "/apiKeySource",
    "MinimumCompressionSize": "/minimumCompressionSize", "Policy": "/policy",
    "DisableExecuteApiEndpoint": "/disableExecuteApiEndpoint",
}  # fmt: skip


async def _body(work: Work) -> bytes | None:
    said = work.properties
    if "BodyS3Location" in said:
        where = said["BodyS3Location"]
        place = {key: where[key] for key in ("Bucket", "Key") if key in where}
        found: bytes = (await work.ask("s3", "GetObject", **place))["Body"]
        return found
    return json.dumps(said["Body"]).encode() if "Body" in said else None


async def _create_api(work: Work) -> Made:
    body = await _body(work)
    if body is not None:
        more = {"parameters": _import_parameters(work), **work.only("FailOnWarnings")}
        found = await work.ask(API, "ImportRestApi", body=body, **more)
    else:
        asked = {**work.without(*APART, "ApiKeySourceType"), "name": work.must("Name")}
        asked.pop("Name", None)
        asked["apiKeySource"] = work.properties.get("ApiKeySourceType")
        asked["tags"] = work.properties.get("Tags")
        found = await work.ask(API, "CreateRestApi", **asked)
    id = found["id"]
    attributes = {"RestApiId": id, "RootResourceId": await _root(work, id)}
    await work.exists(id, attributes)
    if body is not None:
        await _set_api(work, id)
    return Made(id, attributes)


def _import_parameters(work: Work) -> dict[str, str] | None:
    said = work.properties.get("Parameters")
    kinds = (work.properties.get("EndpointConfiguration") or {}).get("Types")
    more = {"endpointConfigurationTypes": ",".join(kinds)} if kinds else {}
    return {**(said or {}), **more} or None


async def _root(work: Work, id: str) -> str:
    found = await work.ask(API, "GetResources", restApiId=id)
    return next((one["id"] for one in found.get("items", ()) if one["path"] == "/"), "")


async def _update_api(work: Work) -> Made:
    if work.changed("Body", "BodyS3Location"):
        body = await _body(work)
        more = {"parameters": _import_parameters(work), **work.only("FailOnWarnings")}
        mode = work.properties.get("Mode", "overwrite")
        await work.ask(API, "PutRestApi", restApiId=work.physical, mode=mode, body=body, **more)
    await _set_api(work, work.physical)
    attributes = {**work.attributes, "RootResourceId": await _root(work, work.physical)}
    return Made(work.physical, attributes)


async def _set_api(work: Work, id: str) -> None:
    changes = patches(work, OF_API)
    if work.changed("BinaryMediaTypes"):
        was = set(work.before.get("BinaryMediaTypes") or ())
        now = set(work.properties.get("BinaryMediaTypes") or ())
        for op, kinds in (("remove", was - now), ("add", now - was)):
            escaped = sorted(kind.replace("/", "~1") for kind in kinds)
            changes += [{"op": op, "path": f"/binaryMediaTypes/{kind}"} for kind in escaped]
    if changes:
        await work.ask(API, "UpdateRestApi", restApiId=id, patchOperations=changes)
    await _retag(work, f"/restapis/{id}")


async def _retag(work: Work, path: str) -> None:
    arn = f"arn:aws:apigateway:{work.region}::{path}"
    wanted, gone = work.retagging()
    if gone:
        await work.ask(API, "UntagResource", resourceArn=arn, tagKeys=gone)
    if wanted:
        await work.ask(API, "TagResource", resourceArn=arn, tags=wanted)


async def _delete_api(work: Work) -> None:
    await work.ask(API, "DeleteRestApi", restApiId=work.physical)


# ---- resources and methods ----


async def _create_resource(work: Work) -> Made:
    found = await work.ask(API, "CreateResource", **work.properties)
    return Made(found["id"], {"ResourceId": found["id"]})


async def _delete_resource(work: Work) -> None:
    api = work.properties["RestApiId"]
    await work.ask(API, "DeleteResource", restApiId=api, resourceId=work.physical)


def _where(work: Work) -> dict[str, Any]:
    return work.only("RestApiId", "ResourceId", "HttpMethod")


async def _put_method(work: Work) -> Made:
    where = _where(work)
    asked = work.without("Integration", "MethodResponses")
    asked.setdefault("AuthorizationType", "NONE")
    await work.ask(API, "PutMethod", **asked)
    physical = work.physical or work.unique(128)
    await work.exists(physical, {})
    for response in work.properties.get("MethodResponses") or ():
        await work.ask(API, "PutMethodResponse", **where, **response)
    integration = dict(work.properties.get("Integration") or {})
    if integration:
        responses = integration.pop("IntegrationResponses", ())
        await work.ask(API, "PutIntegration", **where, **integration)
        for response in responses:
            await work.ask(API, "PutIntegrationResponse", **where, **response)
    return Made(physical)


async def _update_method(work: Work) -> Made:
    await work.ask(API, "DeleteMethod", **_where(work))
    return await _put_method(work)


async def _delete_method(work: Work) -> None:
    await work.ask(API, "DeleteMethod", **_where(work))


# ---- deployments and stages ----


async def _create_deployment(work: Work) -> Made:
    asked = work.without("StageDescription", "DeploymentCanarySettings")
    if "DeploymentCanarySettings" in work.properties or "StageDescription" in work.properties:
        raise ValidationError("Stoker's deployments have no StageDescription or canary")
    found = await work.ask(API, "CreateDeployment", **asked)
    return Made(found["id"], {"DeploymentId": found["id"]})


async def _update_deployment(work: Work) -> Made:
    changes = patches(work, {"Description": "/description"})
    if changes:
        await work.ask(
            API, "UpdateDeployment", restApiId=work.properties["RestApiId"],
            deploymentId=work.physical, patchOperations=changes,
        )  # fmt: skip
    return Made(work.physical, work.attributes)


async def _delete_deployment(work: Work) -> None:
    """One that made its own stage goes with that."""
    api, stage = work.properties["RestApiId"], work.properties.get("StageName")
    if stage and not work.replaced:
        try:
            await work.ask(API, "DeleteStage", restApiId=api, stageName=stage)
        except Refused as error:
            if not is_missing(error):
                raise
    await work.ask(API, "DeleteDeployment", restApiId=api, deploymentId=work.physical)


OF_STAGE = {
    "DeploymentId": "/deploymentId", "Description": "/description",
    "TracingEnabled": "/tracingEnabled",
}  # fmt: skip
STAGE_APART = words("MethodSettings AccessLogSetting Tags")


async def _create_stage(work: Work) -> Made:
    asked = {**work.without(*STAGE_APART), "tags": work.properties.get("Tags")}
    name = work.properties.get("StageName") or "default"
    await work.ask(API, "CreateStage", **{**asked, "StageName": name})
    await work.exists(name, {})
    await _set_stage(work, name, settings_only=True)
    return Made(name)


async def _update_stage(work: Work) -> Made:
    await _set_stage(work, work.physical)
    await _retag(work, f"/restapis/{work.properties['RestApiId']}/stages/{work.physical}")
    return Made(work.physical, work.attributes)


async def _set_stage(work: Work, name: str, *, settings_only: bool = False) -> None:
    changes = [] if settings_only else patches(work, OF_STAGE) + _variables(work)
    if work.changed("MethodSettings"):
        for one in work.properties.get("MethodSettings") or ():
            changes += _method_settings(one)
    if work.changed("AccessLogSetting"):
        said = work.properties.get("AccessLogSetting") or {}
        names = {"DestinationArn": "destinationArn", "Format": "format"}
        changes += [
            {"op": "replace", "path": f"/accessLogSettings/{names[key]}", "value": str(value)}
            for key, value in said.items()
        ]
    if changes:
        api = work.properties["RestApiId"]
        await work.ask(API, "UpdateStage", restApiId=api, stageName=name, patchOperations=changes)


def _variables(work: Work) -> list[dict[str, str]]:
    was, now = work.before.get("Variables") or {}, work.properties.get("Variables") or {}
    gone = [{"op": "remove", "path": f"/variables/{key}"} for key in was if key not in now]
    return gone + [
        {"op": "replace", "path": f"/variables/{key}", "value": _text(value)}
        for key, value in now.items()
        if was.get(key) != value
    ]


SETTINGS = {
    "MetricsEnabled": "metrics/enabled", "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace", "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit", "CachingEnabled": "caching/enabled",
    "CacheTtlInSeconds": "caching/ttlInSeconds", "CacheDataEncrypted": "caching/dataEncrypted",
}  # fmt: skip


def _method_settings(one: dict[str, Any]) -> list[dict[str, str]]:
    path = str(one.get("ResourcePath", "/*")).strip("/").replace("/", "~1") or "*"
    where = f"/{path}/{one.get('HttpMethod', '*')}"
    return [
        {"op": "replace", "path": f"{where}/{SETTINGS[key]}", "value": _text(value)}
        for key, value in one.items()
        if key in SETTINGS
    ]


async def _delete_stage(work: Work) -> None:
    api = work.properties["RestApiId"]
    await work.ask(API, "DeleteStage", restApiId=api, stageName=work.physical)


# ---- authorizers, validators, models, responses ----


async def _create_authorizer(work: Work) -> Made:
    found = await work.ask(API, "CreateAuthorizer", **work.properties)
    return Made(found["id"], {"AuthorizerId": found["id"]})


async def _delete_authorizer(work: Work) -> None:
    api = work.properties["RestApiId"]
    await work.ask(API, "DeleteAuthorizer", restApiId=api, authorizerId=work.physical)


async def _create_validator(work: Work) -> Made:
    asked = {**work.properties, "Name": work.name("Name", 64)}
    found = await work.ask(API, "CreateRequestValidator", **asked)
    return Made(found["id"], {"RequestValidatorId": found["id"]})


async def _delete_validator(work: Work) -> None:
    api = work.properties["RestApiId"]
    await work.ask(API, "DeleteRequestValidator", restApiId=api, requestValidatorId=work.physical)


async def _create_model(work: Work) -> Made:
    name = work.name("Name", 64)
    name = "".join(character for character in name if character.isalnum())
    asked = {**work.properties, "Name": name}
    asked.setdefault("ContentType", "application/json")
    await work.ask(API, "CreateModel", **asked)
    return Made(name)


async def _delete_model(work: Work) -> None:
    api = work.properties["RestApiId"]
    await work.ask(API, "DeleteModel", restApiId=api, modelName=work.physical)


async def _put_response(work: Work) -> Made:
    await work.ask(API, "PutGatewayResponse", **work.properties)
    id = work.physical or work.unique(128)
    return Made(id, {"Id": id})


async def _delete_response(work: Work) -> None:
    where = work.only("RestApiId", "ResponseType")
    await work.ask(API, "DeleteGatewayResponse", **where)


async def _set_account(work: Work) -> Made:
    changes = patches(work, {"CloudWatchRoleArn": "/cloudwatchRoleArn"})
    if changes:
        await work.ask(API, "UpdateAccount", patchOperations=changes)
    id = work.physical or work.unique(64)
    return Made(id, {"Id": id})


KINDS = (
    Kind("AWS::ApiGateway::RestApi", _create_api, _delete_api, _update_api),
    Kind("AWS::ApiGateway::Resource", _create_resource, _delete_resource, tags=None),
    Kind(
        "AWS::ApiGateway::Method", _put_method, _delete_method, _update_method, tags=None,
        replaced_by=words("RestApiId ResourceId HttpMethod"),
    ),
    Kind(
        "AWS::ApiGateway::Deployment", _create_deployment, _delete_deployment, _update_deployment,
        tags=None, replaced_by=words("RestApiId DeploymentCanarySettings StageName"),
    ),
    Kind(
        "AWS::ApiGateway::Stage", _create_stage, _delete_stage, _update_stage,
        replaced_by=words("RestApiId StageName"), named="StageName",
    ),
    Kind("AWS::ApiGateway::Authorizer", _create_authorizer, _delete_authorizer, tags=None),
    Kind("AWS::ApiGateway::RequestValidator", _create_validator, _delete_validator, tags=None),
    Kind("AWS::ApiGateway::Model", _create_model, _delete_model, tags=None, named="Name"),
    Kind(
        "AWS::ApiGateway::GatewayResponse", _put_response, _delete_response, _put_response,
        tags=None, replaced_by=words("RestApiId ResponseType"),
    ),
    Kind("AWS::ApiGateway::Account", _set_account, nothing, _set_account, tags=None),
)  # fmt: skip
