"""What hangs on functions: versions, aliases, URLs, permissions, mappings, layers."""

from typing import Any

from stoker.core.stacks import naming
from stoker.core.stacks.errors import ValidationError
from stoker.stacks.kinds.functions import FUNCTION, ready, retag
from stoker.stacks.work import Kind, Made, Work, words


def plain_name(function: str) -> str:
    """Of a function that is named by name or ARN."""
    return function.split(":")[6] if function.startswith("arn:") else function


# ---- versions and aliases ----


async def _publish(work: Work) -> Made:
    function = work.must("FunctionName")
    there = await _versions(work, function)
    asked = work.only("FunctionName", "Description", "CodeSha256")
    made = await work.ask("lambda", "PublishVersion", **asked)
    if made["Version"] in there:
        raise ValidationError(
            f"A version for this Lambda function exists ( {made['Version']} ). Modify the function"
            " to create a new version."
        )
    arn = made["FunctionArn"]
    attributes = {"Version": made["Version"], "FunctionArn": arn}
    await work.exists(arn, attributes)
    await ready(work, arn)
    if "RuntimePolicy" in work.properties:
        await work.ask(
            "lambda", "PutRuntimeManagementConfig", FunctionName=function,
            Qualifier=made["Version"], **work.properties["RuntimePolicy"],
        )  # fmt: skip
    await _provision(work, made["Version"])
    return Made(arn, attributes)


async def _versions(work: Work, function: str) -> set[str]:
    found: set[str] = set()
    marker = None
    while True:
        page = await work.ask(
            "lambda", "ListVersionsByFunction", FunctionName=function, Marker=marker
        )
        found |= {one["Version"] for one in page["Versions"]}
        marker = page.get("NextMarker")
        if marker is None:
            return found


async def _delete_version(work: Work) -> None:
    await work.ask("lambda", "DeleteFunction", FunctionName=work.physical)


async def _provision(work: Work, qualifier: str) -> None:
    if not work.changed("ProvisionedConcurrencyConfig"):
        return
    function = work.properties["FunctionName"]
    config = work.properties.get("ProvisionedConcurrencyConfig")
    if config is None:
        await work.ask(
            "lambda", "DeleteProvisionedConcurrencyConfig",
            FunctionName=function, Qualifier=qualifier,
        )  # fmt: skip
    else:
        await work.ask(
            "lambda", "PutProvisionedConcurrencyConfig",
            FunctionName=function, Qualifier=qualifier, **config,
        )  # fmt: skip


def _alias(work: Work) -> dict[str, Any]:
    asked = work.only("FunctionName", "FunctionVersion", "Name", "Description")
    routing = work.properties.get("RoutingConfig")
    if routing is not None:
        weights = {
            one["FunctionVersion"]: one["FunctionWeight"]
            for one in routing.get("AdditionalVersionWeights", ())
        }
        asked["RoutingConfig"] = {"AdditionalVersionWeights": weights}
    elif "RoutingConfig" in work.before:
        asked["RoutingConfig"] = {"AdditionalVersionWeights": {}}
    return asked


async def _create_alias(work: Work) -> Made:
    made = await work.ask("lambda", "CreateAlias", **_alias(work))
    arn = made["AliasArn"]
    await work.exists(arn, {"AliasArn": arn})
    await _provision(work, work.properties["Name"])
    return Made(arn, {"AliasArn": arn})


async def _update_alias(work: Work) -> Made:
    await work.ask("lambda", "UpdateAlias", **_alias(work))
    await _provision(work, work.properties["Name"])
    return Made(work.physical, work.attributes)


async def _delete_alias(work: Work) -> None:
    await work.ask("lambda", "DeleteAlias", **work.only("FunctionName", "Name"))


# ---- URLs and permissions ----


def _url(work: Work) -> dict[str, Any]:
    return {**work.without("TargetFunctionArn"), "FunctionName": work.must("TargetFunctionArn")}


async def _create_url(work: Work) -> Made:
    return _made_url(await work.ask("lambda", "CreateFunctionUrlConfig", **_url(work)))


async def _update_url(work: Work) -> Made:
    asked = _url(work)
    if "Cors" in work.before:
        asked.setdefault("Cors", {})
    return _made_url(await work.ask("lambda", "UpdateFunctionUrlConfig", **asked))


def _made_url(found: dict[str, Any]) -> Made:
    arn = found["FunctionArn"]
    return Made(arn, {"FunctionArn": arn, "FunctionUrl": found["FunctionUrl"]})


async def _delete_url(work: Work) -> None:
    await work.ask(
        "lambda", "DeleteFunctionUrlConfig", FunctionName=work.properties["TargetFunctionArn"],
        Qualifier=work.properties.get("Qualifier"),
    )  # fmt: skip


async def _permit(work: Work) -> Made:
    statement = work.unique(100)
    await work.ask("lambda", "AddPermission", StatementId=statement, **work.properties)
    return Made(statement, {"Id": statement})


async def _forbid(work: Work) -> None:
    await work.ask(
        "lambda", "RemovePermission", FunctionName=work.properties["FunctionName"],
        StatementId=work.physical,
    )  # fmt: skip


async def _put_policy(work: Work) -> Made:
    arn = work.must("ResourceArn")
    await work.ask(
        "lambda", "PutResourcePolicy", ResourceArn=arn, Policy=work.must("PolicyDocument")
    )
    return Made(arn)


async def _delete_policy(work: Work) -> None:
    await work.ask("lambda", "DeleteResourcePolicy", ResourceArn=work.physical)


# ---- what calls functions ----


async def _map(work: Work) -> Made:
    made = await work.ask("lambda", "CreateEventSourceMapping", **_mapping(work))
    id = made["UUID"]
    arn = made.get("EventSourceMappingArn") or work.arn("lambda", f"event-source-mapping:{id}")
    return Made(id, {"Id": id, "EventSourceMappingArn": arn})


async def _remap(work: Work) -> Made:
    asked = _mapping(work)
    for fixed in ("EventSourceArn", "StartingPosition", "StartingPositionTimestamp"):
        asked.pop(fixed, None)
    for fixed in ("SelfManagedEventSource", "Topics", "Queues", "Tags"):
        asked.pop(fixed, None)
    for name in ("FilterCriteria", "DestinationConfig", "ScalingConfig"):
        if name in work.before:
            asked.setdefault(name, {})
    if "FunctionResponseTypes" in work.before:
        asked.setdefault("FunctionResponseTypes", [])
    await work.ask("lambda", "UpdateEventSourceMapping", UUID=work.physical, **asked)
    await retag(work, work.attributes["EventSourceMappingArn"])
    return Made(work.physical, work.attributes)


def _mapping(work: Work) -> dict[str, Any]:
    asked = work.without("KmsKeyArn")
    if "KmsKeyArn" in work.properties:
        asked["KMSKeyArn"] = work.properties["KmsKeyArn"]
    return asked


async def _unmap(work: Work) -> None:
    await work.ask("lambda", "DeleteEventSourceMapping", UUID=work.physical)


def _qualified(work: Work) -> dict[str, Any]:
    return work.only("FunctionName", "Qualifier")


async def _put_event_invoke(work: Work) -> Made:
    await work.ask("lambda", "PutFunctionEventInvokeConfig", **work.properties)
    return Made(f"{plain_name(work.must('FunctionName'))}|{work.must('Qualifier')}")


async def _delete_event_invoke(work: Work) -> None:
    await work.ask("lambda", "DeleteFunctionEventInvokeConfig", **_qualified(work))


# ---- layers ----


async def _publish_layer(work: Work) -> Made:
    name = str(work.properties.get("LayerName") or naming.token(work.stack_id, work.logical))
    if "LayerName" not in work.properties:
        name = f"{work.logical}-{name}"
    asked = {**work.without("LayerName"), "LayerName": name}
    made = await work.ask("lambda", "PublishLayerVersion", **asked)
    arn = made["LayerVersionArn"]
    return Made(arn, {"LayerVersionArn": arn, "Arn": arn})


async def _delete_layer(work: Work) -> None:
    name, _, number = work.physical.rpartition(":")
    await work.ask("lambda", "DeleteLayerVersion", LayerName=name, VersionNumber=number)


async def _permit_layer(work: Work) -> Made:
    name, _, number = str(work.must("LayerVersionArn")).rpartition(":")
    statement = work.unique(100)
    await work.ask(
        "lambda", "AddLayerVersionPermission", LayerName=name, VersionNumber=number,
        StatementId=statement, **work.without("LayerVersionArn"),
    )  # fmt: skip
    return Made(f"{work.properties['LayerVersionArn']}#{statement}")


async def _forbid_layer(work: Work) -> None:
    arn, _, statement = work.physical.partition("#")
    name, _, number = arn.rpartition(":")
    await work.ask(
        "lambda", "RemoveLayerVersionPermission", LayerName=name, VersionNumber=number,
        StatementId=statement,
    )  # fmt: skip


# ---- signing, capacity ----


async def _create_signing(work: Work) -> Made:
    made = await work.ask("lambda", "CreateCodeSigningConfig", **work.properties)
    found = made["CodeSigningConfig"]
    arn = found["CodeSigningConfigArn"]
    attributes = {"CodeSigningConfigArn": arn, "CodeSigningConfigId": found["CodeSigningConfigId"]}
    return Made(arn, attributes)


async def _update_signing(work: Work) -> Made:
    asked = work.only("AllowedPublishers", "CodeSigningPolicies", "Description")
    await work.ask("lambda", "UpdateCodeSigningConfig", CodeSigningConfigArn=work.physical, **asked)
    return Made(work.physical, work.attributes)


async def _delete_signing(work: Work) -> None:
    await work.ask("lambda", "DeleteCodeSigningConfig", CodeSigningConfigArn=work.physical)


async def _create_provider(work: Work) -> Made:
    name = work.name("CapacityProviderName", 64)
    made = await work.ask(
        "lambda", "CreateCapacityProvider", **{**work.properties, "CapacityProviderName": name}
    )
    arn = made["CapacityProvider"]["CapacityProviderArn"]
    return Made(name, {"Arn": arn, "State": "Active"})


async def _update_provider(work: Work) -> Made:
    asked = work.only("CapacityProviderScalingConfig")
    await work.ask("lambda", "UpdateCapacityProvider", CapacityProviderName=work.physical, **asked)
    return Made(work.physical, work.attributes)


async def _delete_provider(work: Work) -> None:
    await work.ask("lambda", "DeleteCapacityProvider", CapacityProviderName=work.physical)


KINDS = (
    FUNCTION,
    Kind("AWS::Lambda::Version", _publish, _delete_version, tags=None),
    Kind(
        "AWS::Lambda::Alias", _create_alias, _delete_alias, _update_alias, tags=None,
        replaced_by=words("Name FunctionName"), named="Name",
    ),
    Kind(
        "AWS::Lambda::Url", _create_url, _delete_url, _update_url, tags=None,
        replaced_by=words("TargetFunctionArn Qualifier"),
    ),
    Kind("AWS::Lambda::Permission", _permit, _forbid, tags=None, guess=lambda w: w.unique(100)),
    Kind(
        "AWS::Lambda::ResourcePolicy", _put_policy, _delete_policy, _put_policy, tags=None,
        replaced_by=words("ResourceArn"),
    ),
    Kind(
        "AWS::Lambda::EventSourceMapping", _map, _unmap, _remap,
        replaced_by=words(
            "EventSourceArn StartingPosition StartingPositionTimestamp SelfManagedEventSource"
        ),
    ),
    Kind(
        "AWS::Lambda::EventInvokeConfig", _put_event_invoke, _delete_event_invoke,
        _put_event_invoke, tags=None, replaced_by=words("FunctionName Qualifier"),
    ),
    Kind("AWS::Lambda::LayerVersion", _publish_layer, _delete_layer, tags=None),
    Kind("AWS::Lambda::LayerVersionPermission", _permit_layer, _forbid_layer, tags=None),
    Kind("AWS::Lambda::CodeSigningConfig", _create_signing, _delete_signing, _update_signing),
    Kind(
        "AWS::Lambda::CapacityProvider", _create_provider, _delete_provider, _update_provider,
        replaced_by=words(
            "CapacityProviderName VpcConfig InstanceRequirements PermissionsConfig KmsKeyArn"
        ),
        named="CapacityProviderName",
    ),
)  # fmt: skip
