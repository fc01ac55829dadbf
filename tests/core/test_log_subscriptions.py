"""Subscription filters: what they may lead to, and what is sent there."""

import base64
import gzip
import json
from typing import Any

import pytest

from stoker.core.errors import InvalidParameterException, NotImplementedException, ServiceError
from stoker.core.log_events import Position
from stoker.core.log_subscriptions import (
    Sent,
    Vendor,
    check_circle,
    control_message,
    data_message,
    destination,
    function_event,
    rest_s,
)

ACCOUNT, REGION = "123456789012", "eu-central-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f:live"
STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"


def opened(message: bytes) -> Any:
    return json.loads(gzip.decompress(message))


def test_a_function_gets_the_events_as_aws_packs_them() -> None:
    events = ((Position(1_000, 7), "one\n"), (Position(1_001, 8), "\u00e4 \u2028 two"))
    event = json.loads(function_event(data_message(Sent(ACCOUNT, "/g", "s", "f", events))))
    assert list(event) == ["awslogs"] and list(event["awslogs"]) == ["data"]
    told = opened(base64.b64decode(event["awslogs"]["data"], validate=True))
    assert told == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": "/g",
        "logStream": "s",
        "subscriptionFilters": ["f"],
        "logEvents": [
            {"id": Position(1_000, 7).digits, "timestamp": 1_000, "message": "one\n"},
            {"id": Position(1_001, 8).digits, "timestamp": 1_001, "message": "\u00e4 \u2028 two"},
        ],
    }


@pytest.mark.parametrize("vendor", [Vendor.KINESIS, Vendor.FIREHOSE])
def test_a_stream_is_tried_with_a_message_that_is_no_data(vendor: Vendor) -> None:
    told = opened(control_message(vendor, 5))
    assert (told["messageType"], told["owner"]) == ("CONTROL_MESSAGE", "CloudwatchLogs")
    assert (told["logGroup"], told["logStream"], told["subscriptionFilters"]) == ("", "", [])
    [event] = told["logEvents"]
    assert event["message"].startswith("CWL CONTROL MESSAGE: Checking health of destination ")


@pytest.mark.parametrize(
    ("arn", "role", "kind", "words"),
    [
        ("f", None, InvalidParameterException, "Invalid ARN"),
        (f"arn:aws:sqs:{REGION}:{ACCOUNT}:q", None, InvalidParameterException, "for vendor sqs"),
        (FUNCTION, ROLE, InvalidParameterException, "lambda cannot be used with roleArn"),
        (STREAM, None, InvalidParameterException, "kinesis cannot be used without roleArn"),
        (FUNCTION.replace("12:", "13:"), None, InvalidParameterException, "Could not execute"),
        (FUNCTION.replace(REGION, "us-east-1"), None, InvalidParameterException, "Could not exec"),
        (STREAM.replace("12:", "13:"), ROLE, InvalidParameterException, "Kinesis stream"),
        (
            f"arn:aws:firehose:{REGION}::deliverystream/s",
            *(ROLE, InvalidParameterException, "Firehose stream"),
        ),
        (
            f"arn:aws:logs:{REGION}:{ACCOUNT}:destination:d",
            *(None, NotImplementedException, "logical destinations"),
        ),
    ],
)
def test_what_cannot_be_a_destination_is_refused(
    arn: str, role: str | None, kind: type[ServiceError], words: str
) -> None:
    with pytest.raises(kind, match=words):
        destination(arn, role, ACCOUNT, REGION)


def test_what_can_be_one_has_a_vendor_and_a_name() -> None:
    assert destination(FUNCTION, None, ACCOUNT, REGION).vendor is Vendor.LAMBDA
    stream = destination(STREAM, ROLE, ACCOUNT, REGION)
    assert (stream.vendor, stream.resource) == (Vendor.KINESIS, "s")


def test_a_function_is_not_sent_its_own_logs() -> None:
    check_circle("/aws/lambda/other", "f", "/aws/lambda/f")
    for group, its_group in (("/aws/lambda/f", "/mine"), ("/mine", "/mine")):
        with pytest.raises(InvalidParameterException, match="reserved for the function logs"):
            check_circle(group, "f", its_group)


def test_a_destination_that_fails_rests_longer_and_longer_up_to_a_minute() -> None:
    assert [rest_s(failures) for failures in (1, 2, 3, 6, 7, 100_000)] == [1, 2, 4, 32, 60, 60]
