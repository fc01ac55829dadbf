"""AWS::S3::Bucket and its policy. Each part of a bucket has an operation of its own."""

from collections.abc import Callable
from typing import Any

from stoker.core.stacks.errors import ValidationError
from stoker.stacks.work import Kind, Made, Work, words

US_EAST = "us-east-1"


def _same(value: Any) -> Any:
    return value


def _notification(value: Any) -> dict[str, Any]:
    """CloudFormation's names for what S3 calls otherwise."""
    found: dict[str, Any] = {}
    kinds = {
        "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
        "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
        "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
    }
    for key, items in (value or {}).items():
        if key == "EventBridgeConfiguration":
            if str(items.get("EventBridgeEnabled", True)).lower() == "true":
                found[key] = {}
            continue
        name, theirs, ours = kinds[key]
        found[name] = [_target(one, theirs, ours) for one in items]
    return found


def _target(one: dict[str, Any], theirs: str, ours: str) -> dict[str, Any]:
    made: dict[str, Any] = {ours: one[theirs], "Events": [one["Event"]]}
    rules = one.get("Filter", {}).get("S3Key", {}).get("Rules")
    if rules:
        made["Filter"] = {"Key": {"FilterRules": rules}}
    return made


def _encryption(value: Any) -> dict[str, Any]:
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        default = rule.get("ServerSideEncryptionByDefault")
        made = {key: item for key, item in rule.items() if key != "ServerSideEncryptionByDefault"}
        if default is not None:
            made["ApplyServerSideEncryptionByDefault"] = default
        rules.append(made)
    return {"Rules": rules}


def _lifecycle(value: Any) -> dict[str, Any]:
    return {"Rules": [_lifecycle_rule(rule) for rule in value["Rules"]]}


def _lifecycle_rule(rule: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"Status": rule["Status"]}
    if "Id" in rule:
        made["ID"] = rule["Id"]
    made["Filter"] = {"Prefix": rule.get("Prefix", "")}
    days = {key: rule[f"{name}"] for key, name in _EXPIRATION.items() if name in rule}
    if days:
        made["Expiration"] = days
    old = rule.get("NoncurrentVersionExpiration")
    if old is None and "NoncurrentVersionExpirationInDays" in rule:
        old = {"NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]}
    if old is not None:
        made["NoncurrentVersionExpiration"] = old
    abort = rule.get("AbortIncompleteMultipartUpload")
    if abort is not None:
        made["AbortIncompleteMultipartUpload"] = abort
    known = {*_EXPIRATION.values(), "Status", "Id", "Prefix", "AbortIncompleteMultipartUpload"}
    known |= {"NoncurrentVersionExpiration", "NoncurrentVersionExpirationInDays", "Transitions"}
    moves = [
        {"StorageClass": one["StorageClass"], "Days": one.get("TransitionInDays")}
        for one in rule.get("Transitions", ())
    ]
    if moves:
        made["Transitions"] = moves
    return {**made, **{key: value for key, value in rule.items() if key not in known}}


_EXPIRATION = {
    "Days": "ExpirationInDays", "Date": "ExpirationDate",
    "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}  # fmt: skip


def _cors(value: Any) -> dict[str, Any]:
    names = {"MaxAge": "MaxAgeSeconds", "Id": "ID", "ExposedHeaders": "ExposeHeaders"}
    return {
        "CORSRules": [
            {names.get(key, key): item for key, item in rule.items()} for rule in value["CorsRules"]
        ]
    }


def _website(value: Any) -> dict[str, Any]:
    made = dict(value)
    if "IndexDocument" in made:
        made["IndexDocument"] = {"Suffix": made["IndexDocument"]}
    if "ErrorDocument" in made:
        made["ErrorDocument"] = {"Key": made["ErrorDocument"]}
    return made


def _logging(value: Any) -> dict[str, Any]:
    if "DestinationBucketName" not in value:
        return {}
    target = {
        "TargetBucket": value["DestinationBucketName"],
        "TargetPrefix": value.get("LogFilePrefix", ""),
    }
    return {"LoggingEnabled": target}


def _tagging(value: Any) -> dict[str, Any]:
    return {"TagSet": value}


# property: (the operation that sets it, its parameter, how it is written, the one that removes it)
PARTS: dict[str, tuple[str, str, Callable[[Any], Any], str | None]] = {
    "BucketEncryption": (
        "PutBucketEncryption", "ServerSideEncryptionConfiguration", _encryption,
        "DeleteBucketEncryption",
    ),
    "CorsConfiguration": (
        "PutBucketCors", "CORSConfiguration", _cors, "DeleteBucketCors",
    ),
    "LifecycleConfiguration": (
        "PutBucketLifecycleConfiguration", "LifecycleConfiguration", _lifecycle,
        "DeleteBucketLifecycle",
    ),
    "LoggingConfiguration": ("PutBucketLogging", "BucketLoggingStatus", _logging, None),
    "NotificationConfiguration": (
        "PutBucketNotificationConfiguration", "NotificationConfiguration", _notification, None,
    ),
    "OwnershipControls": (
        "PutBucketOwnershipControls", "OwnershipControls", _same, "DeleteBucketOwnershipControls",
    ),
    "PublicAccessBlockConfiguration": (
        "PutPublicAccessBlock", "PublicAccessBlockConfiguration", _same, "DeletePublicAccessBlock",
    ),
    "Tags": ("PutBucketTagging", "Tagging", _tagging, "DeleteBucketTagging"),
    "VersioningConfiguration": (
        "PutBucketVersioning", "VersioningConfiguration", _same, None,
    ),
    "WebsiteConfiguration": (
        "PutBucketWebsite", "WebsiteConfiguration", _website, "DeleteBucketWebsite",
    ),
}  # fmt: skip
CREATED_WITH = words("BucketName AccessControl ObjectLockEnabled")
EMPTY: dict[str, Any] = {
    "LoggingConfiguration": {}, "NotificationConfiguration": {},
    "VersioningConfiguration": {"Status": "Suspended"},
}  # fmt: skip


async def _create(work: Work) -> Made:
    name = work.name("BucketName", 63, lower=True)
    asked: dict[str, Any] = {"Bucket": name}
    if work.region != US_EAST:
        asked["CreateBucketConfiguration"] = {"LocationConstraint": work.region}
    if "ObjectLockEnabled" in work.properties:
        asked["ObjectLockEnabledForBucket"] = work.properties["ObjectLockEnabled"]
    await work.ask("s3", "CreateBucket", **asked)
    attributes = {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{work.region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{work.region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{work.region}.amazonaws.com",
    }
    await work.exists(name, attributes)
    await _set_parts(work, name)
    return Made(name, attributes)


async def _update(work: Work) -> Made:
    await _set_parts(work, work.physical)
    return Made(work.physical, work.attributes)


async def _set_parts(work: Work, name: str) -> None:
    unknown = work.properties.keys() - PARTS.keys() - CREATED_WITH
    if unknown:
        raise ValidationError(
            f"Encountered unsupported property {min(unknown)}: Stoker's buckets have"
            f" {', '.join(sorted(PARTS.keys() | CREATED_WITH))}"
        )
    for key, (operation, parameter, written, removal) in PARTS.items():
        if not work.changed(key):
            continue
        value = work.properties.get(key)
        if value is None and removal is not None:
            await work.ask("s3", removal, Bucket=name)
        else:
            said = EMPTY[key] if value is None else written(value)
            await work.ask("s3", operation, **{"Bucket": name, parameter: said})


async def _delete(work: Work) -> None:
    await work.ask("s3", "DeleteBucket", Bucket=work.physical)


async def _put_policy(work: Work) -> Made:
    bucket = work.must("Bucket")
    await work.ask("s3", "PutBucketPolicy", Bucket=bucket, Policy=work.must("PolicyDocument"))
    return Made(work.physical or bucket)


async def _delete_policy(work: Work) -> None:
    await work.ask("s3", "DeleteBucketPolicy", Bucket=work.properties["Bucket"])


KINDS = (
    Kind(
        "AWS::S3::Bucket", _create, _delete, _update, replaced_by=words("BucketName"),
        named="BucketName", guess=lambda w: w.unique(63, lower=True),
    ),
    Kind(
        "AWS::S3::BucketPolicy", _put_policy, _delete_policy, _put_policy, tags=None,
        replaced_by=words("Bucket"),
    ),
)  # fmt: skip
