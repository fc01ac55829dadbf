"""Targets of EventBridge and its Scheduler that are neither functions nor queues: by which
operation of which service they are reached. Pure.

    state machine    states    StartExecution      stream            kinesis    PutRecord
    topic            sns       Publish             delivery stream   firehose   PutRecord
    log group        logs      PutLogEvents        event bus         events     PutEvents

Sources: "Event bus targets in Amazon EventBridge" of its user guide; "Using templated targets" of
EventBridge Scheduler's. What else is there is refused by name when it is to become a target.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_WHOSE = r"(?P<region>[a-z0-9-]{1,32}):(?P<account>[0-9]{12})"


class Kind(StrEnum):
    STATE_MACHINE = "states"
    STREAM = "kinesis"
    DELIVERY_STREAM = "firehose"
    TOPIC = "sns"
    LOG_GROUP = "logs"
    BUS = "events"


_RESOURCES = {
    Kind.STATE_MACHINE: r"stateMachine:(?P<name>[\w-]{1,80}(?::[\w.-]{1,80})?)",
    Kind.STREAM: r"stream/(?P<name>[\w.-]{1,128})",
    Kind.DELIVERY_STREAM: r"deliverystream/(?P<name>[\w.-]{1,64})",
    Kind.TOPIC: r"(?P<name>[\w-]{1,256})",
    Kind.LOG_GROUP: r"log-group:(?P<name>[\w./#-]{1,512})(?::\*)?",
    Kind.BUS: r"event-bus/(?P<name>[\w./-]{1,256})",
}
_ARNS = {
    kind: re.compile(rf"arn:aws[a-z-]{{0,16}}:{kind}:{_WHOSE}:{resource}", re.ASCII)
    for kind, resource in _RESOURCES.items()
}
OF_RULES = frozenset(Kind)
OF_SCHEDULER = frozenset(Kind) - {Kind.LOG_GROUP}
WITH_ROLE = frozenset({Kind.STATE_MACHINE, Kind.STREAM, Kind.DELIVERY_STREAM})  # of a rule


@dataclass(frozen=True, slots=True)
class Place:
    """A target, as its ARN says."""

    kind: Kind
    arn: str
    region: str
    account: str
    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`service` as botocore calls it."""

    service: str
    name: str
    parameters: dict[str, Any]


def read(arn: str) -> Place | None:
    """None: it is nothing of this kind."""
    for kind, pattern in _ARNS.items():
        found = pattern.fullmatch(arn)
        if found is not None:
            return Place(kind, arn, found["region"], found["account"], found["name"])
    return None


def operations(place: Place, told: Mapping[str, Any], now_ms: int) -> list[Operation]:
    """What carries the input there, one after the other. `told`: its `body`, a text; the `id` of
    the occasion; of a stream the `key`; of a bus `source` and `detailType`."""
    body, id, data = told["body"], told["id"], told["body"].encode()
    match place.kind:
        case Kind.STATE_MACHINE:
            asked = {"stateMachineArn": place.arn, "input": body}
            return [Operation("stepfunctions", "StartExecution", asked)]
        case Kind.STREAM:
            asked = {"StreamName": place.name, "Data": data, "PartitionKey": told.get("key") or id}
            return [Operation("kinesis", "PutRecord", asked)]
        case Kind.DELIVERY_STREAM:
            asked = {"DeliveryStreamName": place.name, "Record": {"Data": data}}
            return [Operation("firehose", "PutRecord", asked)]
        case Kind.TOPIC:
            return [Operation("sns", "Publish", {"TopicArn": place.arn, "Message": body})]
        case Kind.LOG_GROUP:
            where = {"logGroupName": place.name, "logStreamName": id}
            events = [_log_event(body, now_ms)]
            return [
                Operation("logs", "CreateLogStream", where),
                Operation("logs", "PutLogEvents", {**where, "logEvents": events}),
            ]
        case Kind.BUS:
            entry = {
                "EventBusName": place.arn,
                "Source": told.get("source"),
                "DetailType": told.get("detailType"),
                "Detail": body,
            }
            return [Operation("events", "PutEvents", {"Entries": [entry]})]


def _log_event(body: str, now_ms: int) -> dict[str, Any]:
    """An input transformer of a log group makes {"timestamp": ms, "message": text}."""
    try:
        made = json.loads(body)
    except ValueError:
        made = None
    if isinstance(made, dict) and made.keys() == {"timestamp", "message"}:
        timestamp, message = made["timestamp"], made["message"]
        if type(timestamp) is int and isinstance(message, str):
            return {"timestamp": timestamp, "message": message}
    return {"timestamp": now_ms, "message": body}
