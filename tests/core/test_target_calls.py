"""What reaches a target of EventBridge that is neither a function nor a queue."""

import pytest

from stoker.core import target_calls
from stoker.core.target_calls import Kind, Operation

PLACE = "eu-central-1:123456789012"
ARNS = {
    Kind.STATE_MACHINE: f"arn:aws:states:{PLACE}:stateMachine:m",
    Kind.STREAM: f"arn:aws:kinesis:{PLACE}:stream/s.1",
    Kind.DELIVERY_STREAM: f"arn:aws:firehose:{PLACE}:deliverystream/d",
    Kind.TOPIC: f"arn:aws:sns:{PLACE}:t",
    Kind.LOG_GROUP: f"arn:aws:logs:{PLACE}:log-group:/aws/events/g:*",
    Kind.BUS: f"arn:aws:events:{PLACE}:event-bus/b",
}


def sent(kind: Kind, body: str, **more: str) -> list[Operation]:
    place = target_calls.read(ARNS[kind])
    assert place is not None
    return target_calls.operations(place, {"body": body, "id": "i", **more}, 17)


def test_each_kind_is_known_by_its_arn() -> None:
    assert set(ARNS) == set(Kind)
    for kind, arn in ARNS.items():
        place = target_calls.read(arn)
        assert place is not None
        assert (place.kind, place.arn) == (kind, arn)
        assert (place.region, place.account) == ("eu-central-1", "123456789012")


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:sns:{PLACE}:t.fifo", f"arn:aws:ecs:{PLACE}:cluster/c", f"{ARNS[Kind.TOPIC]}\n",
        f"arn:aws:kinesis:{PLACE}:stream/", "arn:aws:sns:r:1:t", "arn:aws:events:eu-central-1:::",
        f"arn:aws:events:{PLACE}:api-destination/a/b", f"arn:aws:kinesis:{PLACE}:stream/s/consumer",
    ],
)  # fmt: skip
def test_what_else_may_be_a_target_on_aws_is_not_known(arn: str) -> None:
    assert target_calls.read(arn) is None


def test_each_kind_is_reached_by_its_own_operation() -> None:
    (started,) = sent(Kind.STATE_MACHINE, "{}")
    assert started.parameters == {"stateMachineArn": ARNS[Kind.STATE_MACHINE], "input": "{}"}
    (put,) = sent(Kind.STREAM, "{}")
    assert put.parameters == {"StreamName": "s.1", "Data": b"{}", "PartitionKey": "i"}
    assert sent(Kind.STREAM, "{}", key="k")[0].parameters["PartitionKey"] == "k"
    (published,) = sent(Kind.TOPIC, "text")
    assert published.parameters == {"TopicArn": ARNS[Kind.TOPIC], "Message": "text"}
    (told,) = sent(Kind.BUS, "{}", source="s", detailType="t")
    assert told.parameters["Entries"] == [
        {"EventBusName": ARNS[Kind.BUS], "Source": "s", "DetailType": "t", "Detail": "{}"}
    ]
    (delivered,) = sent(Kind.DELIVERY_STREAM, "{}")
    assert delivered.parameters == {"DeliveryStreamName": "d", "Record": {"Data": b"{}"}}


@pytest.mark.parametrize(
    ("body", "event"),
    [
        ('{"n": 1}', {"timestamp": 17, "message": '{"n": 1}'}),
        ('{"timestamp": 5, "message": "m"}', {"timestamp": 5, "message": "m"}),
        (
            '{"timestamp": "5", "message": "m"}',
            {"timestamp": 17, "message": '{"timestamp": "5", "message": "m"}'},
        ),
        ("text", {"timestamp": 17, "message": "text"}),
    ],
)
def test_a_log_group_gets_what_its_transformer_made(body: str, event: dict[str, object]) -> None:
    made, put = sent(Kind.LOG_GROUP, body)
    assert made.parameters == {"logGroupName": "/aws/events/g", "logStreamName": "i"}
    assert put.parameters["logEvents"] == [event]
