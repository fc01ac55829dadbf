"""AWS::Logs::*, AWS::SSM::Parameter, AWS::ECR::Repository, AWS::DynamoDB::Table: what keeps."""

from typing import Any

from stoker.stacks.work import Kind, Made, Work, as_map, words

# ---- logs ----


async def _create_group(work: Work) -> Made:
    name = work.name("LogGroupName", 512)
    asked = work.only("KmsKeyId", "LogGroupClass")
    tags = as_map(work.properties.get("Tags")) or None
    await work.ask("logs", "CreateLogGroup", logGroupName=name, tags=tags, **asked)
    attributes = {"Arn": work.arn("logs", f"log-group:{name}:*")}
    await work.exists(name, attributes)
    await _retain(work, name)
    return Made(name, attributes)


async def _update_group(work: Work) -> Made:
    await _retain(work, work.physical)
    arn = work.arn("logs", f"log-group:{work.physical}")
    wanted, gone = work.retagging()
    if gone:
        await work.ask("logs", "UntagResource", resourceArn=arn, tagKeys=gone)
    if wanted:
        await work.ask("logs", "TagResource", resourceArn=arn, tags=wanted)
    return Made(work.physical, work.attributes)


async def _retain(work: Work, name: str) -> None:
    if not work.changed("RetentionInDays"):
        return
    days = work.properties.get("RetentionInDays")
    if days is None:
        await work.ask("logs", "DeleteRetentionPolicy", logGroupName=name)
    else:
        await work.ask("logs", "PutRetentionPolicy", logGroupName=name, retentionInDays=days)


async def _delete_group(work: Work) -> None:
    await work.ask("logs", "DeleteLogGroup", logGroupName=work.physical)


async def _create_stream(work: Work) -> Made:
    name = work.name("LogStreamName", 512)
    group = work.must("LogGroupName")
    await work.ask("logs", "CreateLogStream", logGroupName=group, logStreamName=name)
    return Made(name)


async def _delete_stream(work: Work) -> None:
    await work.ask(
        "logs", "DeleteLogStream", logGroupName=work.properties["LogGroupName"],
        logStreamName=work.physical,
    )  # fmt: skip


def _filter_of(kind: str) -> Kind:
    """What goes through a group's events: "Metric", "Subscription"."""

    async def put(work: Work) -> Made:
        name = work.physical or work.name("FilterName", 512)
        asked = {**work.properties, "FilterName": name}
        await work.ask("logs", f"Put{kind}Filter", **asked)
        return Made(name)

    async def delete(work: Work) -> None:
        await work.ask(
            "logs", f"Delete{kind}Filter", logGroupName=work.properties["LogGroupName"],
            filterName=work.physical,
        )  # fmt: skip

    return Kind(
        f"AWS::Logs::{kind}Filter", put, delete, put, tags=None,
        replaced_by=words("FilterName LogGroupName"),
    )  # fmt: skip


# ---- parameters ----


async def _create_parameter(work: Work) -> Made:
    name = work.name("Name", 500)
    await work.ask("ssm", "PutParameter", **_parameter(work, name), Tags=_tag_list(work))
    return Made(name, _of_parameter(work))


async def _update_parameter(work: Work) -> Made:
    await work.ask("ssm", "PutParameter", Overwrite=True, **_parameter(work, work.physical))
    wanted, gone = work.retagging()
    of = {"ResourceType": "Parameter", "ResourceId": work.physical}
    if gone:
        await work.ask("ssm", "RemoveTagsFromResource", **of, TagKeys=gone)
    if wanted:
        await work.ask("ssm", "AddTagsToResource", **of, Tags=_tag_list(work))
    return Made(work.physical, _of_parameter(work))


def _parameter(work: Work, name: str) -> dict[str, Any]:
    return {**work.without("Tags", "Name"), "Name": name}


def _tag_list(work: Work) -> list[dict[str, str]] | None:
    tags = work.properties.get("Tags")
    return [{"Key": key, "Value": str(value)} for key, value in tags.items()] if tags else None


def _of_parameter(work: Work) -> dict[str, Any]:
    return {"Type": work.properties["Type"], "Value": work.properties["Value"]}


async def _delete_parameter(work: Work) -> None:
    await work.ask("ssm", "DeleteParameter", Name=work.physical)


# ---- images ----

REPOSITORY_APART = words("LifecyclePolicy RepositoryPolicyText EmptyOnDelete RepositoryName")


async def _create_repository(work: Work) -> Made:
    name = work.name("RepositoryName", 256).lower()
    asked = work.without(*REPOSITORY_APART)
    made = (await work.ask("ecr", "CreateRepository", repositoryName=name, **asked))["repository"]
    attributes = {"Arn": made["repositoryArn"], "RepositoryUri": made["repositoryUri"]}
    await work.exists(name, attributes)
    await _set_repository(work, name)
    return Made(name, attributes)


async def _update_repository(work: Work) -> Made:
    name = work.physical
    if work.changed("ImageTagMutability"):
        await work.ask(
            "ecr", "PutImageTagMutability", repositoryName=name,
            imageTagMutability=work.properties.get("ImageTagMutability", "MUTABLE"),
        )  # fmt: skip
    if work.changed("ImageScanningConfiguration"):
        scanning = work.properties.get("ImageScanningConfiguration", {"ScanOnPush": False})
        await work.ask(
            "ecr", "PutImageScanningConfiguration", repositoryName=name,
            imageScanningConfiguration=scanning,
        )  # fmt: skip
    await _set_repository(work, name)
    return Made(name, work.attributes)


async def _set_repository(work: Work, name: str) -> None:
    if work.changed("LifecyclePolicy"):
        policy = (work.properties.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")
        operation = "PutLifecyclePolicy" if policy else "DeleteLifecyclePolicy"
        await work.ask("ecr", operation, repositoryName=name, lifecyclePolicyText=policy)
    if work.changed("RepositoryPolicyText"):
        text = work.properties.get("RepositoryPolicyText")
        operation = "SetRepositoryPolicy" if text else "DeleteRepositoryPolicy"
        await work.ask("ecr", operation, repositoryName=name, policyText=text)


async def _delete_repository(work: Work) -> None:
    force = work.properties.get("EmptyOnDelete", False)
    await work.ask("ecr", "DeleteRepository", repositoryName=work.physical, force=force)


# ---- tables ----

TABLE_APART = words(
    "TableName TimeToLiveSpecification PointInTimeRecoverySpecification"
    " KinesisStreamSpecification ContributorInsightsSpecification ResourcePolicy"
)
TABLE_UPDATED = words(
    "AttributeDefinitions BillingMode ProvisionedThroughput OnDemandThroughput TableClass"
    " DeletionProtectionEnabled SSESpecification"
)


async def _create_table(work: Work) -> Made:
    name = work.name("TableName", 255)
    asked = work.without(*TABLE_APART)
    asked["StreamSpecification"] = _stream(work)
    if "SSESpecification" in asked:
        asked["SSESpecification"] = _encrypted(asked["SSESpecification"])
    made = (await work.ask("dynamodb", "CreateTable", TableName=name, **asked))["TableDescription"]
    attributes = {"Arn": made["TableArn"], "StreamArn": made.get("LatestStreamArn", "")}
    await work.exists(name, attributes)
    await _set_table(work, name)
    return Made(name, attributes)


def _stream(work: Work) -> dict[str, Any] | None:
    said = work.properties.get("StreamSpecification")
    if said is None:
        return None
    return {"StreamEnabled": True, "StreamViewType": said["StreamViewType"]}


def _encrypted(said: Any) -> dict[str, Any]:
    names = {"SSEEnabled": "Enabled"}
    return {names.get(key, key): value for key, value in said.items()}


async def _update_table(work: Work) -> Made:
    name, attributes = work.physical, dict(work.attributes)
    asked = {key: work.properties.get(key) for key in TABLE_UPDATED if work.changed(key)}
    if asked.get("SSESpecification"):
        asked["SSESpecification"] = _encrypted(asked["SSESpecification"])
    if work.changed("StreamSpecification"):
        asked["StreamSpecification"] = _stream(work) or {"StreamEnabled": False}
    if any(asked.values()):
        made = await work.ask("dynamodb", "UpdateTable", TableName=name, **asked)
        attributes["StreamArn"] = made["TableDescription"].get("LatestStreamArn", "")
    await _update_indexes(work, name)
    await _set_table(work, name)
    wanted, gone = work.retagging()
    arn = attributes["Arn"]
    if gone:
        await work.ask("dynamodb", "UntagResource", ResourceArn=arn, TagKeys=gone)
    if wanted:
        await work.ask("dynamodb", "TagResource", ResourceArn=arn, Tags=work.properties["Tags"])
    return Made(name, attributes)


async def _update_indexes(work: Work, name: str) -> None:
    """One operation adds or removes one index."""
    wanted = {one["IndexName"]: one for one in work.properties.get("GlobalSecondaryIndexes") or ()}
    was = {one["IndexName"]: one for one in work.before.get("GlobalSecondaryIndexes") or ()}
    changes = [{"Delete": {"IndexName": key}} for key in was if was[key] != wanted.get(key)]
    changes += [{"Create": one} for key, one in wanted.items() if was.get(key) != one]
    for change in changes:
        await work.ask(
            "dynamodb", "UpdateTable", TableName=name, GlobalSecondaryIndexUpdates=[change],
            AttributeDefinitions=work.properties.get("AttributeDefinitions"),
        )  # fmt: skip


async def _set_table(work: Work, name: str) -> None:
    if work.changed("TimeToLiveSpecification"):
        said = work.properties.get("TimeToLiveSpecification")
        off = {**work.before.get("TimeToLiveSpecification", {}), "Enabled": False}
        await work.ask(
            "dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=said or off
        )
    if work.changed("PointInTimeRecoverySpecification"):
        said = work.properties.get("PointInTimeRecoverySpecification")
        await work.ask(
            "dynamodb", "UpdateContinuousBackups", TableName=name,
            PointInTimeRecoverySpecification=said or {"PointInTimeRecoveryEnabled": False},
        )  # fmt: skip


async def _delete_table(work: Work) -> None:
    await work.ask("dynamodb", "DeleteTable", TableName=work.physical)


KINDS = (
    Kind(
        "AWS::Logs::LogGroup", _create_group, _delete_group, _update_group,
        replaced_by=words("LogGroupName"), named="LogGroupName", guess=lambda w: w.unique(512),
    ),
    Kind("AWS::Logs::LogStream", _create_stream, _delete_stream, tags=None),
    _filter_of("Subscription"),
    _filter_of("Metric"),
    Kind(
        "AWS::SSM::Parameter", _create_parameter, _delete_parameter, _update_parameter,
        replaced_by=words("Name"), named="Name", tags="map", guess=lambda w: w.unique(500),
    ),
    Kind(
        "AWS::ECR::Repository", _create_repository, _delete_repository, _update_repository,
        replaced_by=words("RepositoryName EncryptionConfiguration"), named="RepositoryName",
    ),
    Kind(
        "AWS::DynamoDB::Table", _create_table, _delete_table, _update_table,
        replaced_by=words("TableName ImportSourceSpecification KeySchema LocalSecondaryIndexes"),
        named="TableName", guess=lambda w: w.unique(255),
    ),
)  # fmt: skip
