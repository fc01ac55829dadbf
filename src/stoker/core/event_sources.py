"""Event source mappings: which sources there are, what a mapping of each may say, its defaults.

A mapping is a record under AWS's member names (core/resources.py) with `enabled` for what the
user wants. Whether it runs is not kept: a mapping runs if it is wanted and there is a poller for
its kind of source, and says so otherwise (`state`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core import kafka_settings, stream_settings
from stoker.core.errors import (
    InvalidParameterValueException,
    NotImplementedException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.core.event_patterns import is_legal
from stoker.core.kafka_settings import KafkaSettings
from stoker.core.model import FunctionKey
from stoker.core.resources import Resource
from stoker.core.stream_settings import StreamSettings

FILTERS = 5  # AWS: of one mapping
Record = Mapping[str, Any]

_STREAM = frozenset(
    {
        *("StartingPosition", "ParallelizationFactor", "DestinationConfig"),
        *("MaximumRecordAgeInSeconds", "BisectBatchOnFunctionError", "MaximumRetryAttempts"),
        *("TumblingWindowInSeconds", "FunctionResponseTypes"),
    }
)
_KAFKA = frozenset(
    {
        *("StartingPosition", "StartingPositionTimestamp", "Topics", "SourceAccessConfigurations"),
        *("DestinationConfig", "ProvisionedPollerConfig", "FunctionResponseTypes"),
        *("BisectBatchOnFunctionError", "MaximumRecordAgeInSeconds", "MaximumRetryAttempts"),
    }
)


@dataclass(frozen=True, slots=True)
class SourceKind:
    """One service that mappings read from."""

    name: str  # as users call it
    members: frozenset[str]  # that a mapping may have besides COMMON
    required: tuple[str, ...] = ()
    batch: int = 100  # by default
    conflict: str = 'The event source arn (" {arn} ") and function (" {name} ") provided mapping'


EVENT_COUNT = "EventCount"  # of MetricsConfig
COMMON = frozenset(
    {
        *("FunctionName", "EventSourceArn", "Enabled", "BatchSize", "FilterCriteria", "KMSKeyArn"),
        *("MaximumBatchingWindowInSeconds", "MetricsConfig", "LoggingConfig", "Tags"),
    }
)
SOURCES = {
    "sqs": SourceKind(
        "SQS",
        frozenset({"ScalingConfig", "FunctionResponseTypes", "ProvisionedPollerConfig"}),
        batch=10,
        conflict='An event source mapping with SQS arn (" {arn} ") and function (" {name} ")',
    ),
    "kinesis": SourceKind(
        "Kinesis", _STREAM | {"StartingPositionTimestamp"}, ("StartingPosition",)
    ),
    "dynamodb": SourceKind("DynamoDB", _STREAM, ("StartingPosition",)),
    "kafka": SourceKind(
        "Amazon MSK",
        _KAFKA | {"AmazonManagedKafkaEventSourceConfig"},
        ("StartingPosition", "Topics"),
    ),
    "self-managed-kafka": SourceKind(
        "Apache Kafka",
        _KAFKA | {"SelfManagedEventSource", "SelfManagedKafkaEventSourceConfig"},
        ("StartingPosition", "Topics"),
    ),
    "mq": SourceKind(
        "Amazon MQ",
        frozenset({"Queues", "SourceAccessConfigurations"}),
        ("Queues", "SourceAccessConfigurations"),
    ),
    "rds": SourceKind(
        "DocumentDB",
        frozenset(
            {
                *("StartingPosition", "StartingPositionTimestamp", "DocumentDBEventSourceConfig"),
                "SourceAccessConfigurations",
            }
        ),
        ("StartingPosition", "DocumentDBEventSourceConfig", "SourceAccessConfigurations"),
    ),
}
_NOTHING: tuple[object, ...] = (None, {}, [], "", {"Filters": []}, {"Filters": None})
_ARN = re.compile(
    r"arn:aws[a-zA-Z-]*:(?P<service>[a-z]+):(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<rest>.+)",
    re.ASCII | re.DOTALL,
)
_DESTINATION = re.compile(
    r"arn:aws[a-zA-Z-]*:((sqs|sns):[a-z0-9-]+:\d{12}:[a-zA-Z0-9_-]+|s3:::[a-z0-9.-]+)", re.ASCII
)
_REST = {
    "sqs": re.compile(r"[a-zA-Z0-9_-]{1,80}(\.fifo)?"),
    "kinesis": re.compile(r"stream/[a-zA-Z0-9_.-]{1,128}(/consumer/[a-zA-Z0-9_.-]+(:\d+)?)?"),
    "dynamodb": re.compile(r"table/[a-zA-Z0-9_.-]{3,255}/stream/\S+"),
    "kafka": re.compile(r"(cluster|vpc-connection)/\S+"),
    "mq": re.compile(r"broker:\S+"),
    "rds": re.compile(r"cluster:\S+"),
}


@dataclass(frozen=True, slots=True)
class EventSourceMapping:
    """What a poller needs of one."""

    uuid: str
    function: FunctionKey
    qualifier: str | None
    service: str  # a key of SOURCES
    arn: str  # "" for Apache Kafka of one's own
    enabled: bool
    batch_size: int
    window_s: int
    filters: tuple[str, ...]  # patterns; any one lets a record through, and so does none
    reports_failures: bool  # the function says which items of a batch failed
    most_concurrent: int | None  # of invocations, with SQS
    stream: StreamSettings | None  # of what is read in order: Kinesis, DynamoDB, Kafka
    kafka: KafkaSettings | None = None
    counts_events: bool = False  # MetricsConfig asks for EventCount

    @classmethod
    def load(cls, resource: Resource) -> "EventSourceMapping":
        record = resource.record
        service, uuid = record["service"], resource.key.id
        of_kafka = service == kafka_settings.SERVICE
        in_order = of_kafka or service in stream_settings.SERVICES
        return cls(
            uuid,
            FunctionKey(resource.key.account, resource.key.region, record["function"]),
            record["qualifier"],
            service,
            record.get("EventSourceArn", ""),
            record["enabled"],
            record["BatchSize"],
            record["MaximumBatchingWindowInSeconds"],
            tuple(one["Pattern"] for one in record.get("FilterCriteria", {}).get("Filters", ())),
            bool(record.get("FunctionResponseTypes")),
            record.get("ScalingConfig", {}).get("MaximumConcurrency"),
            StreamSettings.load(record) if in_order else None,
            KafkaSettings.load(record, uuid) if of_kafka else None,
            EVENT_COUNT in record.get("MetricsConfig", {}).get("Metrics", ()),
        )


def source_of(asked: Record, region: str) -> str:
    """The key of SOURCES, or AWS's refusal."""
    arn = asked.get("EventSourceArn")
    if arn is None:
        if asked.get("SelfManagedEventSource"):
            return kafka_settings.SERVICE
        raise InvalidParameterValueException("Unrecognized event source.")
    match = _ARN.fullmatch(arn)
    if match is None or match["service"] not in _REST:
        raise InvalidParameterValueException("Unrecognized event source.")
    if _REST[match["service"]].fullmatch(match["rest"]) is None:
        raise InvalidParameterValueException("Unrecognized event source.")
    if match["region"] != region:
        raise InvalidParameterValueException(
            "Event source and function must be in the same region."
        )
    return match["service"]


def made(asked: Record, service: str) -> dict[str, Any]:
    """A new record of what is asked for, checked and completed."""
    if service == "kafka":
        raise NotImplementedException(
            "Stoker has not built event source mappings of Amazon MSK: name its brokers in "
            "SelfManagedEventSource (KAFKA_BOOTSTRAP_SERVERS) instead of EventSourceArn."
        )
    _check_members(asked, service)
    _check_position(asked, service)
    record = {**_defaults(service), **_given(asked), "enabled": asked.get("Enabled", True)}
    _check_batch(record, service)
    _check_filters(record)
    _check_discarding(record, service)
    if service == kafka_settings.SERVICE:
        kafka_settings.check(record)
    return {**record, "service": service}


def updated(before: Record, asked: Record) -> dict[str, Any]:
    """The record with what is asked for in place of what was; an empty value ends a setting."""
    service = before["service"]
    _check_members(asked, service)
    given = {name: value for name, value in asked.items() if value is not None}
    enabled = given.pop("Enabled", before["enabled"])
    ended = {name for name, value in given.items() if value in _NOTHING}
    kept = {name: value for name, value in {**before, **given}.items() if name not in ended}
    record = {**_defaults(service), **kept, "enabled": enabled}
    _check_batch(record, service)
    _check_filters(record)
    _check_discarding(record, service)
    if service == kafka_settings.SERVICE:
        kafka_settings.check(record)
        kafka_settings.check_unchanged(before, record)
    return record


def since(record: Record, now: float) -> float | None:
    """When it was enabled for the first time: LATEST is what comes after that."""
    return record.get("since") or (now if record["enabled"] else None)


def state(record: Record, polled: frozenset[str]) -> tuple[str, str]:
    """State and StateTransitionReason. `polled`: the services for which there is a poller."""
    service = record["service"]
    if record["enabled"] and service not in polled:
        if service == "sqs":
            return "Disabled", "Stoker polls the queues of its own SQS only."
        if service in stream_settings.SERVICES:
            return "Disabled", f"This server has no {SOURCES[service].name} (option neighbours)."
        return "Disabled", f"Stoker has not built a poller for {SOURCES[service].name} yet."
    reason = "USER_INITIATED" if service == "sqs" else "User action"
    return ("Enabled" if record["enabled"] else "Disabled"), reason


def there_is_one(other: Resource, name: str) -> ResourceConflictException:
    record = other.record
    what = SOURCES[record["service"]].conflict.format(arn=record.get("EventSourceArn"), name=name)
    return ResourceConflictException(
        f"{what} already exists. Please update or delete the existing mapping with UUID "
        f"{other.key.id}"
    )


def none_there() -> ResourceNotFoundException:
    return ResourceNotFoundException("The resource you requested does not exist.")


def no_stream(arn: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(f"Stream not found: {arn}")


def foreign_stream(arn: str, service: str) -> InvalidParameterValueException:
    shards = "ListShards, " if service == "kinesis" else ""
    return InvalidParameterValueException(
        f"Cannot access stream {arn}. Please ensure the role can perform the GetRecords, "
        f"GetShardIterator, DescribeStream, {shards}and ListStreams Actions on your stream in IAM."
    )


def check_queue(visibility_s: int | None, timeout_s: int) -> None:
    """Refuse a queue that is not there (None), or that hides messages for less than one run."""
    if visibility_s is None:
        raise InvalidParameterValueException(
            "Error occurred while ReceiveMessage. SQS Error Code: "
            "AWS.SimpleQueueService.NonExistentQueue. SQS Error Message: The specified queue does "
            "not exist."
        )
    if visibility_s < timeout_s:
        raise InvalidParameterValueException(
            f"Queue visibility timeout: {visibility_s} seconds is less than Function timeout: "
            f"{timeout_s} seconds"
        )


def foreign_queue() -> InvalidParameterValueException:
    return InvalidParameterValueException(
        "The provided execution role does not have permissions to call ReceiveMessage on SQS"
    )


def no_function() -> InvalidParameterValueException:
    return InvalidParameterValueException("Function does not exist")


def _given(asked: Record) -> dict[str, Any]:
    """Without what says nothing, and what is not the mapping's own."""
    skipped = {"Enabled", "FunctionName", "Tags", "UUID"}
    return {
        name: value
        for name, value in asked.items()
        if name not in skipped and value not in _NOTHING
    }


def _defaults(service: str) -> dict[str, Any]:
    """What AWS shows of a mapping that does not say it (recorded by LocalStack's tests)."""
    kind = SOURCES[service]
    found: dict[str, Any] = {"BatchSize": kind.batch, "MaximumBatchingWindowInSeconds": 0}
    if "MaximumRetryAttempts" in kind.members:
        found |= {
            "BisectBatchOnFunctionError": False,
            "DestinationConfig": {"OnFailure": {}},
            "MaximumRecordAgeInSeconds": -1,
            "MaximumRetryAttempts": -1,
        }
    if "ParallelizationFactor" in kind.members:
        found |= {"ParallelizationFactor": 1, "TumblingWindowInSeconds": 0}
    if "FunctionResponseTypes" in kind.members:
        found["FunctionResponseTypes"] = []
    return found


def _check_members(asked: Record, service: str) -> None:
    kind = SOURCES[service]
    given = _given(asked)
    if service == "sqs" and "StartingPosition" in given:
        raise InvalidParameterValueException("StartingPosition is not valid for SQS event sources.")
    wrong = {"DestinationConfig"} if "OnSuccess" in given.get("DestinationConfig", {}) else set()
    for name in given:
        if name in wrong or (name not in kind.members and name not in COMMON):
            raise InvalidParameterValueException(
                f"Unsupported {name} parameter for given event source mapping type."
            )


def _check_position(asked: Record, service: str) -> None:
    for name in SOURCES[service].required:
        if not asked.get(name):
            where = name[:1].lower() + name[1:]
            raise InvalidParameterValueException(
                f"1 validation error detected: Value null at '{where}' failed to satisfy "
                "constraint: Member must not be null."
            )
    position, moment = asked.get("StartingPosition"), asked.get("StartingPositionTimestamp")
    if position == "AT_TIMESTAMP" and service == "dynamodb":
        raise InvalidParameterValueException(
            f"Unsupported starting position for arn type: {asked['EventSourceArn']}"
        )
    if moment is not None and position != "AT_TIMESTAMP":
        raise InvalidParameterValueException(
            "Timestamp only valid with StartingPosition AT_TIMESTAMP"
        )
    if position == "AT_TIMESTAMP" and moment is None:
        raise InvalidParameterValueException(
            "StartingPositionTimestamp is required with StartingPosition AT_TIMESTAMP"
        )


def _check_batch(record: Record, service: str) -> None:
    size, window_s = record["BatchSize"], record["MaximumBatchingWindowInSeconds"]
    if service != "sqs":
        return
    if record["EventSourceArn"].endswith(".fifo"):
        if size > 10:
            raise InvalidParameterValueException("Batch size must be 10 or less for a FIFO queue.")
        if window_s:
            raise InvalidParameterValueException("Batching window is not supported for FIFO queues")
    elif size > 10 and not window_s:
        raise InvalidParameterValueException(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is "
            "greater than 10"
        )


def _check_discarding(record: Record, service: str) -> None:
    age_s = record.get("MaximumRecordAgeInSeconds", -1)
    if -1 < age_s < 60:  # which the model allows, and the API's documentation does not
        raise InvalidParameterValueException("MaximumRecordAgeInSeconds must be -1, or 60 or more.")
    arn = record.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    of_kafka = service == kafka_settings.SERVICE
    if not arn or not (of_kafka or service in stream_settings.SERVICES):
        return
    if of_kafka and arn.startswith(kafka_settings.TO_TOPIC):
        return  # a legal name, as the model has checked
    if _DESTINATION.fullmatch(arn) is None:
        raise InvalidParameterValueException(
            f"The destination ARN {arn} is not that of a standard queue, a standard topic or a "
            "bucket."
        )


def _check_filters(record: Record) -> None:
    filters = record.get("FilterCriteria", {}).get("Filters") or ()
    if len(filters) > FILTERS:
        raise InvalidParameterValueException(
            f"Filters of an event source mapping must be {FILTERS} or fewer."
        )
    if not all(is_legal(one.get("Pattern")) for one in filters):
        raise InvalidParameterValueException("Invalid filter pattern definition.")
