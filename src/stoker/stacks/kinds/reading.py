"""Resources read back as a template would have them, by their primary identifier.

A resource is read by its own service's API, as it is made, so one that was made by hand is read
like one of a stack. Identifiers are those of CloudFormation's schemas.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from stoker.stacks.work import words

Properties = dict[str, Any]


class Asking(Protocol):
    async def __call__(
        self, service: str, operation: str, /, **parameters: Any
    ) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class Readable:
    read: Callable[[Asking, str], Awaitable[Properties | None]]  # None: there is none
    identifier: str  # the property that is the primary identifier


AS_THEY_ARE = words(
    "FunctionName Runtime Role Handler Description Timeout MemorySize Environment TracingConfig"
    " PackageType Architectures EphemeralStorage LoggingConfig DeadLetterConfig FileSystemConfigs"
)
# What a mapping's own API tells beside its properties.
OF_A_MAPPING = words("UUID FunctionArn State StateTransitionReason LastModified")
OF_A_MAPPING |= words("LastProcessingResult FilterCriteriaError ResponseMetadata")
OF_A_QUEUE = words(
    "DelaySeconds MaximumMessageSize MessageRetentionPeriod ReceiveMessageWaitTimeSeconds"
    " VisibilityTimeout"
)
ENABLED = ("Creating", "Enabling", "Enabled", "Updating")


def _picked(found: Mapping[str, Any], names: Iterable[str]) -> Properties:
    return {name: found[name] for name in sorted(names) if name in found}


async def _function(ask: Asking, name: str) -> Properties:
    answer = await ask("lambda", "GetFunction", FunctionName=name)
    found = answer["Configuration"]
    read = _picked(found, AS_THEY_ARE) | {"Arn": found["FunctionArn"]}
    if "KMSKeyArn" in found:
        read["KmsKeyArn"] = found["KMSKeyArn"]
    if "Layers" in found:
        read["Layers"] = [layer["Arn"] for layer in found["Layers"]]
    if "VpcConfig" in found:
        read["VpcConfig"] = {k: v for k, v in found["VpcConfig"].items() if k != "VpcId"}
    if "SnapStart" in found:
        read["SnapStart"] = {"ApplyOn": found["SnapStart"]["ApplyOn"]}
        read["SnapStartResponse"] = found["SnapStart"]
    if "Concurrency" in answer:
        read["ReservedConcurrentExecutions"] = answer["Concurrency"]["ReservedConcurrentExecutions"]
    if answer.get("Tags"):
        read["Tags"] = [{"Key": key, "Value": value} for key, value in answer["Tags"].items()]
    return read


async def _version(ask: Asking, arn: str) -> Properties | None:
    found = await ask("lambda", "GetFunctionConfiguration", FunctionName=arn)
    if found["FunctionArn"] != arn or not arn.endswith(f":{found['Version']}"):
        return None  # of an alias, or by name
    return _picked(found, words("FunctionArn FunctionName Version Description Runtime"))


async def _alias(ask: Asking, arn: str) -> Properties:
    function, _, name = arn.rpartition(":")
    found = await ask("lambda", "GetAlias", FunctionName=function, Name=name)
    read = _picked(found, words("AliasArn FunctionVersion Name Description"))
    read["FunctionName"] = function.rpartition(":")[2]
    weights = found.get("RoutingConfig", {}).get("AdditionalVersionWeights")
    if weights:
        read["RoutingConfig"] = {
            "AdditionalVersionWeights": [
                {"FunctionVersion": version, "FunctionWeight": weight}
                for version, weight in weights.items()
            ]
        }
    return read


async def _url(ask: Asking, arn: str) -> Properties:
    found = await ask("lambda", "GetFunctionUrlConfig", FunctionName=arn)
    read = _picked(found, words("FunctionArn FunctionUrl AuthType Cors InvokeMode"))
    parts = found["FunctionArn"].split(":")
    read["TargetFunctionArn"] = ":".join(parts[:7])
    if len(parts) > 7:
        read["Qualifier"] = parts[7]
    return read


async def _mapping(ask: Asking, id: str) -> Properties:
    found = await ask("lambda", "GetEventSourceMapping", UUID=id)
    read = {key: value for key, value in found.items() if key not in OF_A_MAPPING}
    if "StartingPositionTimestamp" in read:
        read["StartingPositionTimestamp"] = read["StartingPositionTimestamp"].timestamp()
    enabled = found.get("State") in ENABLED
    return read | {"Id": id, "FunctionName": found["FunctionArn"], "Enabled": enabled}


async def _queue(ask: Asking, url: str) -> Properties:
    answer = await ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])
    found = answer["Attributes"]
    arn = found["QueueArn"]
    read: Properties = {"QueueUrl": url, "Arn": arn, "QueueName": arn.rpartition(":")[2]}
    read |= {name: int(found[name]) for name in sorted(OF_A_QUEUE) if name in found}
    for name in ("RedrivePolicy", "RedriveAllowPolicy"):
        if name in found:
            read[name] = json.loads(found[name])
    for name in ("FifoQueue", "ContentBasedDeduplication"):
        if name in found:
            read[name] = found[name] == "true"
    return read


async def _group(ask: Asking, name: str) -> Properties | None:
    answer = await ask("logs", "DescribeLogGroups", logGroupNamePrefix=name)
    for found in answer["logGroups"]:  # the shortest name comes first
        if found["logGroupName"] == name:
            read = {"LogGroupName": name, "Arn": found["arn"]}
            if "retentionInDays" in found:
                read["RetentionInDays"] = found["retentionInDays"]
            return read
    return None


READABLE: dict[str, Readable] = {
    "AWS::Lambda::Alias": Readable(_alias, "AliasArn"),
    "AWS::Lambda::EventSourceMapping": Readable(_mapping, "Id"),
    "AWS::Lambda::Function": Readable(_function, "FunctionName"),
    "AWS::Lambda::Url": Readable(_url, "FunctionArn"),
    "AWS::Lambda::Version": Readable(_version, "FunctionArn"),
    "AWS::Logs::LogGroup": Readable(_group, "LogGroupName"),
    "AWS::SQS::Queue": Readable(_queue, "QueueUrl"),
}
