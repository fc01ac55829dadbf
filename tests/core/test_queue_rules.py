"""What queues may be called, and what may be said of them."""

import json

import pytest

from stoker.core.queue_errors import InvalidAttributeName, InvalidAttributeValue, QueueError
from stoker.core.queue_rules import QueueSettings, Redrive, changed, check_name, differing

ARN = "arn:aws:sqs:us-east-1:000000000000:q"
NOTHING = QueueSettings({})


def said(**attributes: str) -> QueueSettings:
    return changed(NOTHING, attributes, arn=ARN, new=True)


def test_defaults_are_aws_s() -> None:
    assert NOTHING.shown() == {
        "VisibilityTimeout": "30",
        "MaximumMessageSize": "1048576",
        "MessageRetentionPeriod": "345600",
        "DelaySeconds": "0",
        "ReceiveMessageWaitTimeSeconds": "0",
        "SqsManagedSseEnabled": "true",
    }
    assert "FifoQueue" not in NOTHING.shown()
    fifo = changed(NOTHING, {"FifoQueue": "true"}, arn=f"{ARN}.fifo", new=True)
    assert fifo.fifo and fifo.shown()["DeduplicationScope"] == "queue"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("VisibilityTimeout", "43201"),
        ("VisibilityTimeout", "-1"),
        ("VisibilityTimeout", "٣"),
        ("VisibilityTimeout", ""),
        ("DelaySeconds", "901"),
        ("MaximumMessageSize", "1023"),
        ("MessageRetentionPeriod", "1" * 30),
        ("SqsManagedSseEnabled", "maybe"),
        ("Policy", "[]"),
        ("RedrivePolicy", "x"),
    ],
)
def test_values_out_of_range_are_refused(name: str, value: str) -> None:
    with pytest.raises(InvalidAttributeValue, match=name):
        said(**{name: value})


@pytest.mark.parametrize("name", ["Nothing", "QueueArn", "ContentBasedDeduplication"])
def test_attributes_that_cannot_be_set_are_refused(name: str) -> None:
    with pytest.raises(InvalidAttributeName, match=name):
        said(**{name: "true"})


def test_a_redrive_policy_has_a_target_of_its_kind_and_a_number() -> None:
    good = json.dumps({"deadLetterTargetArn": f"{ARN}-dead", "maxReceiveCount": "3"})
    assert said(RedrivePolicy=good).redrive == Redrive(f"{ARN}-dead", 3)
    assert changed(said(RedrivePolicy=good), {"RedrivePolicy": ""}, arn=ARN).redrive is None
    for policy in (
        {"deadLetterTargetArn": ARN, "maxReceiveCount": 3},
        {"deadLetterTargetArn": f"{ARN}.fifo", "maxReceiveCount": 3},
        {"deadLetterTargetArn": f"{ARN}-dead", "maxReceiveCount": 0},
        {"deadLetterTargetArn": f"{ARN}-dead", "maxReceiveCount": 1001},
        {"deadLetterTargetArn": f"{ARN}-dead"},
        {"maxReceiveCount": 3},
    ):
        with pytest.raises(QueueError):
            said(RedrivePolicy=json.dumps(policy))


@pytest.mark.parametrize(
    ("name", "fifo"),
    [("", False), ("a b", False), ("a" * 81, False), ("a.fifo", False), ("a", True), ("é", False)],
)
def test_names_that_are_none_are_refused(name: str, fifo: bool) -> None:
    with pytest.raises(QueueError):
        check_name(name, {"FifoQueue": "true"} if fifo else {})
    check_name("a-_9.fifo", {"FifoQueue": "true"})
    check_name("a" * 80, {})


def test_a_queue_of_that_name_is_the_same_if_what_is_asked_for_is() -> None:
    existing = said(VisibilityTimeout="5", Policy='{"a": 1}')
    assert differing(existing, {}) is None
    assert differing(existing, {"VisibilityTimeout": "5", "DelaySeconds": "0"}) is None
    assert differing(existing, {"Policy": '{ "a":1 }'}) is None
    assert differing(existing, {"DelaySeconds": "1"}) == "DelaySeconds"
    assert differing(existing, {"Policy": '{"a": 2}'}) == "Policy"
