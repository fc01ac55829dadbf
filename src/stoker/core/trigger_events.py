"""The events that AWS's services send to functions, in AWS's full shape. Pure.

Sources: "Event message structure" of the S3 User Guide; "Using AWS Lambda with Amazon SNS";
"Events" of the EventBridge User Guide; "Adding context attributes" of EventBridge Scheduler's.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """What happened to an object."""

    event: str  # "ObjectCreated:Put"
    region: str
    account: str  # the bucket's owner's
    bucket: str
    configuration: str  # id of the notification
    key: str
    size_bytes: int
    etag: str
    version: str | None  # None: the bucket keeps none
    number: int  # grows with each change
    request_id: str
    address: str  # of who asked


@dataclass(frozen=True, slots=True)
class TopicMessage:
    """What a subscriber of a topic gets."""

    topic: str  # ARN
    subscription: str  # ARN
    message_id: str
    message: str
    subject: str | None
    attributes: Mapping[str, Mapping[str, Any]]  # {"k": {"Type": "String", "Value": "v"}}


def of_s3(change: ObjectChange, now: float) -> dict[str, Any]:
    """One record. A key is encoded as in forms, but for its slashes; what is gone has no size."""
    thing: dict[str, Any] = {"key": quote_plus(change.key, safe="/")}
    if not change.event.startswith("ObjectRemoved"):
        thing |= {"size": change.size_bytes, "eTag": change.etag}
    if change.version is not None:
        thing["versionId"] = change.version
    thing["sequencer"] = f"{change.number:018X}"
    owner = "A" + hashlib.sha256(change.account.encode()).hexdigest()[:13].upper()
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": change.region,
                "eventTime": moment(now),
                "eventName": change.event,
                "userIdentity": {"principalId": f"AWS:{change.account}"},
                "requestParameters": {"sourceIPAddress": change.address},
                "responseElements": {
                    "x-amz-request-id": change.request_id[:16].upper(),
                    "x-amz-id-2": hashlib.sha256(change.request_id.encode()).hexdigest(),
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": change.configuration,
                    "bucket": {
                        "name": change.bucket,
                        "ownerIdentity": {"principalId": owner},
                        "arn": f"arn:aws:s3:::{change.bucket}",
                    },
                    "object": thing,
                },
            }
        ]
    }


def of_sns(message: TopicMessage, now: float) -> dict[str, Any]:
    """One record. Nobody signed it: the signature is empty."""
    region = message.topic.split(":")[3]
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": message.subscription,
                "Sns": {
                    "Type": "Notification",
                    "MessageId": message.message_id,
                    "TopicArn": message.topic,
                    "Subject": message.subject,
                    "Message": message.message,
                    "Timestamp": moment(now),
                    "SignatureVersion": "1",
                    "Signature": "",
                    "SigningCertUrl": f"https://sns.{region}.amazonaws.com/none.pem",
                    "UnsubscribeUrl": f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe"
                    f"&SubscriptionArn={message.subscription}",
                    "MessageAttributes": {
                        name: {"Type": one["Type"], "Value": one["Value"]}
                        for name, one in message.attributes.items()
                    },
                },
            }
        ]
    }


def of_eventbridge(event: Mapping[str, Any]) -> dict[str, Any]:
    """An event as targets get it: with `time` (a number of seconds, or text) in AWS's form, and
    without what only the bus knows."""
    time = event["time"]
    if isinstance(time, int | float):
        time = f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"
    names = ("version", "id", "detail-type", "source", "account", "time", "region", "resources")
    return {**{name: event[name] for name in names}, "time": time, "detail": event["detail"]}


@dataclass(frozen=True, slots=True)
class Occasion:
    """A rule or a schedule is due."""

    arn: str  # its own
    region: str
    account: str
    id: str
    time: datetime  # the planned one, in UTC


def of_rule(occasion: Occasion) -> dict[str, Any]:
    """What a rule with a schedule sends, as the bus has it (of_eventbridge makes it whole)."""
    return _scheduled(occasion, "aws.events", {})


def of_scheduler(occasion: Occasion, given: str | None) -> str:
    """What EventBridge Scheduler sends: the target's Input with its context attributes; without
    one a notification, whose detail is a text."""
    if given is None:
        return json.dumps(of_eventbridge(_scheduled(occasion, "aws.scheduler", "{}")))
    attributes = {
        "schedule-arn": occasion.arn,
        "scheduled-time": f"{occasion.time:%Y-%m-%dT%H:%M:%SZ}",
        "execution-id": occasion.id,
        "attempt-number": "1",
    }
    for name, value in attributes.items():
        given = given.replace(f"<aws.scheduler.{name}>", value)
    return given


def _scheduled(occasion: Occasion, source: str, detail: Any) -> dict[str, Any]:
    return {
        "version": "0",
        "id": occasion.id,
        "detail-type": "Scheduled Event",
        "source": source,
        "account": occasion.account,
        "time": int(occasion.time.timestamp()),
        "region": occasion.region,
        "resources": [occasion.arn],
        "detail": detail,
    }


def moment(now: float) -> str:
    """ "1970-01-01T00:00:00.000Z"."""
    text = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"
