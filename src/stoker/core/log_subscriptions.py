"""Subscription filters of CloudWatch Logs: what may be one, and what its destination gets. Pure.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/Subscriptions.html

The words of refusals are those that users of PutSubscriptionFilter were answered.
"""

import base64
import gzip
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from stoker.core.errors import InvalidParameterException, NotImplementedException
from stoker.core.limits import MIB
from stoker.core.log_events import Position

MOST = 2  # of one log group
PARCEL_BYTES = MIB // 2  # ours, of the events sent together; with all around them under 1 MiB
EVENT_BYTES = 100  # what an event costs there besides its message
WAITING_BYTES = 64 * MIB  # ours, of the events that wait for one filter's destination
RETRIED_S = 24 * 3600.0
_REST_S = (1.0, 60.0)  # ours: before the first retry, and at most

_ARN = re.compile(r"arn:aws[a-z-]{0,16}:([a-z0-9-]{1,64}):([a-z0-9-]*):([0-9]*):([^\r\n]+)", re.A)


class Vendor(StrEnum):
    """The service that a destination is of, as its ARN says."""

    LAMBDA = "lambda"
    KINESIS = "kinesis"
    FIREHOSE = "firehose"


@dataclass(frozen=True, slots=True)
class Destination:
    vendor: Vendor
    arn: str

    @property
    def resource(self) -> str:
        """A stream's name, without what it is."""
        return self.arn.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Sent:
    """Events of one stream on their way to one filter's destination."""

    account: str
    group: str
    stream: str
    filter: str
    events: Sequence[tuple[Position, str]]  # in the order in which they came


def destination(arn: str, role: str | None, account: str, region: str) -> Destination:
    """What a filter of this account may lead to. Raise in AWS's words."""
    found = _ARN.fullmatch(arn)
    if found is None:
        raise InvalidParameterException(f"Invalid ARN: {arn}")
    service, whose = found[1], (found[2], found[3])
    if service == "logs":
        raise NotImplementedException(
            "Stoker has not built logical destinations (PutDestination) of PutSubscriptionFilter."
        )
    if service not in set(Vendor):
        raise InvalidParameterException(
            f"PutSubscriptionFilter operation cannot work with destinationArn for vendor {service}"
        )
    vendor = Vendor(service)
    if (role is None) != (vendor is Vendor.LAMBDA):
        how = "with" if vendor is Vendor.LAMBDA else "without"
        raise InvalidParameterException(
            f"destinationArn for vendor {vendor} cannot be used {how} roleArn"
        )
    if whose != (region, account):
        raise unreachable(vendor)
    return Destination(vendor, arn)


def kept(arn: str) -> Destination:
    """One that was let in before."""
    return Destination(Vendor(arn.split(":")[2]), arn)


def unreachable(vendor: Vendor) -> InvalidParameterException:
    """It does not take what CloudWatch Logs sends it to try."""
    match vendor:
        case Vendor.LAMBDA:
            said = (
                "Could not execute the lambda function. Make sure you have given CloudWatch Logs"
                " permission to execute your function."
            )
        case Vendor.KINESIS:
            said = (
                "Could not deliver test message to specified Kinesis stream. Check if the given"
                " kinesis stream is in ACTIVE state."
            )
        case Vendor.FIREHOSE:
            said = (
                "Could not deliver test message to specified Firehose stream. Check if the given"
                " Firehose stream is in ACTIVE state."
            )
    return InvalidParameterException(said)


def check_circle(group: str, function: str, its_group: str) -> None:
    """Refuse that a function is sent what it logs itself."""
    if is_circle(group, function, its_group):
        raise InvalidParameterException(
            "The log group provided is reserved for the function logs of the destination function."
        )


def is_circle(group: str, function: str, its_group: str) -> bool:
    """`its_group`: where the function logs to now."""
    return group in (its_group, f"/aws/lambda/{function}")


def data_message(sent: Sent) -> bytes:
    """What a stream gets as a record, and a function within its event: gzip'ed JSON."""
    return _packed(
        "DATA_MESSAGE",
        sent.account,
        (sent.group, sent.stream, [sent.filter]),
        ((position.digits, position.timestamp_ms, text) for position, text in sent.events),
    )


def control_message(vendor: Vendor, now_ms: int) -> bytes:
    """What a stream gets when a filter is put, to try whether it takes anything."""
    name = {Vendor.KINESIS: "Kinesis stream", Vendor.FIREHOSE: "Firehose"}[vendor]
    text = f"CWL CONTROL MESSAGE: Checking health of destination {name}."
    return _packed("CONTROL_MESSAGE", "CloudwatchLogs", ("", "", []), [("", now_ms, text)])


def function_event(message: bytes) -> bytes:
    """The event of a function."""
    return b'{"awslogs": {"data": "%s"}}' % base64.b64encode(message)


def rest_s(failures: int) -> float:
    """How long a destination is left alone that has failed so often one after the other."""
    first, most = _REST_S
    return min(most, first * 2.0 ** min(failures - 1, 16))


def _packed(
    kind: str,
    owner: str,
    source: tuple[str, str, list[str]],
    events: Iterable[tuple[str, int, str]],
) -> bytes:
    group, stream, filters = source
    told = {
        "messageType": kind,
        "owner": owner,
        "logGroup": group,
        "logStream": stream,
        "subscriptionFilters": filters,
        "logEvents": [
            {"id": id, "timestamp": time_ms, "message": text} for id, time_ms, text in events
        ],
    }
    return gzip.compress(json.dumps(told, ensure_ascii=False).encode(), 6, mtime=0)
