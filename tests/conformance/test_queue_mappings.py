"""Event source mappings of SQS queues as their users see them, over boto3."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.printed import printed
from tests.running import REGION, StokerProcess, wait_until

Create = Callable[..., str]
ARN = f"arn:aws:sqs:{REGION}:000000000000:"
SEEN = """
import json
def handler(event, context):
    print("SEEN", json.dumps([context.invoked_function_arn, event]))
    return ANSWER
"""


class World:
    """Queues, a function that prints its events, and mappings between them."""

    def __init__(self, server: StokerProcess, logs: Any, create: Create) -> None:
        self.sqs, self.functions = server.client("sqs"), server.client("lambda")
        self.logs, self.create = logs, create
        self._queues: list[str] = []
        self._mappings: list[str] = []

    def queue(self, suffix: str = "", **attributes: str) -> str:
        name = f"q-{uuid.uuid4().hex[:12]}{suffix}"
        url: str = self.sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        self._queues.append(url)
        return url

    def function(self, answer: str = "None", **settings: Any) -> str:
        return self.create(SEEN.replace("ANSWER", answer), **settings)

    def map(self, url: str, function: str, **settings: Any) -> str:
        made = self.functions.create_event_source_mapping(
            EventSourceArn=ARN + url.rpartition("/")[2], FunctionName=function, **settings
        )
        assert made["State"] == "Creating"
        self._mappings.append(made["UUID"])
        return str(made["UUID"])

    def send(self, url: str, *bodies: str, **more: Any) -> None:
        for body in bodies:
            self.sqs.send_message(QueueUrl=url, MessageBody=body, **more)

    def events(self, function: str) -> list[Any]:
        return [json.loads(line)[1]["Records"] for line in printed(self.logs, function, "SEEN")]

    def bodies(self, function: str) -> list[str]:
        return [one["body"] for records in self.events(function) for one in records]

    def handles(self, function: str, body: str) -> list[str]:
        """Of all times that it came."""
        every = [one for records in self.events(function) for one in records]
        return [one["receiptHandle"] for one in every if one["body"] == body]

    def left(self, url: str) -> tuple[int, int]:
        """Messages visible, and in flight."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
        return int(found[names[0]]), int(found[names[1]])

    def state(self, uuid: str) -> str:
        return str(self.functions.get_event_source_mapping(UUID=uuid)["State"])

    def close(self) -> None:
        for one in self._mappings:
            with suppress(self.functions.exceptions.ResourceNotFoundException):
                self.functions.delete_event_source_mapping(UUID=one)
        for url in self._queues:
            self.sqs.delete_queue(QueueUrl=url)
        self.sqs.close()
        self.functions.close()


@pytest.fixture
def world(server: StokerProcess, logs_client: Any, create: Create) -> Iterator[World]:
    with closing(World(server, logs_client, create)) as made:
        yield made


def test_a_message_comes_whole_and_is_deleted(world: World) -> None:
    function, url = world.function(), world.queue()
    world.map(url, function)
    sent = world.sqs.send_message(
        QueueUrl=url,
        MessageBody='é "1"',
        MessageAttributes={
            "n": {"DataType": "Number", "StringValue": "1"},
            "b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
        },
    )
    ((record,),) = until(lambda: world.events(function), bool)
    attributes = record.pop("attributes")
    assert attributes.pop("SenderId") == "000000000000"
    assert attributes.pop("ApproximateReceiveCount") == "1"
    for name in ("SentTimestamp", "ApproximateFirstReceiveTimestamp"):
        assert abs(int(attributes.pop(name)) / 1000 - time.time()) < 60
    assert set(attributes) <= {"AWSTraceHeader"}
    assert record.pop("receiptHandle")
    assert record == {
        "messageId": sent["MessageId"],
        "body": 'é "1"',
        "messageAttributes": {
            "n": {
                "stringValue": "1",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "Number",
            },
            "b": {
                "binaryValue": "AP8=",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "Binary",
            },
        },
        "md5OfBody": sent["MD5OfMessageBody"],
        "md5OfMessageAttributes": sent["MD5OfMessageAttributes"],
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN + url.rpartition("/")[2],
        "awsRegion": REGION,
    }
    until(lambda: world.left(url), lambda left: left == (0, 0))


def test_what_waits_comes_in_batches_of_the_size_that_was_asked_for(world: World) -> None:
    function, url = world.function(), world.queue()
    world.send(url, *map(str, range(10)))
    world.map(url, function, BatchSize=4)
    until(lambda: world.bodies(function), lambda bodies: len(bodies) >= 10)
    assert sorted(world.bodies(function), key=int) == [str(n) for n in range(10)]
    assert sorted(map(len, world.events(function)), reverse=True) == [4, 4, 2]


def test_a_window_gathers_more_than_ten(world: World) -> None:
    function, url = world.function(), world.queue()
    world.map(url, function, BatchSize=12, MaximumBatchingWindowInSeconds=300)
    world.send(url, *map(str, range(12)))
    (records,) = until(lambda: world.events(function), bool)
    assert len(records) == 12


def test_only_what_failed_comes_again_and_then_to_the_dead_letters(world: World) -> None:
    dead, answer = (
        world.queue(),
        (
            '{"batchItemFailures": [{"itemIdentifier": one["messageId"]}'
            ' for one in event["Records"] if one["body"] == "bad"]}'
        ),
    )
    arn = ARN + dead.rpartition("/")[2]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 2})
    function = world.function(answer)
    url = world.queue(VisibilityTimeout="600", RedrivePolicy=redrive)
    world.send(url, "good", "bad")
    world.map(url, function, FunctionResponseTypes=["ReportBatchItemFailures"])
    for times in (1, 2):
        until(lambda: world.left(url), lambda left: left == (0, 1))
        seen = until(lambda: world.handles(function, "bad"), lambda seen, n=times: len(seen) == n)
        world.sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=seen[-1], VisibilityTimeout=0
        )
    until(lambda: world.left(dead), lambda left: left == (1, 0))
    (message,) = world.sqs.receive_message(QueueUrl=dead)["Messages"]
    assert message["Body"] == "bad"
    assert world.left(url) == (0, 0)
    assert sorted(world.bodies(function)) == ["bad", "bad", "good"]


def test_an_error_keeps_the_batch_hidden_for_its_time(world: World) -> None:
    function, url = world.function("1 / 0"), world.queue(VisibilityTimeout="600")
    mapping = world.map(url, function)
    world.send(url, "x")
    until(lambda: world.bodies(function), bool)
    get = world.functions.get_event_source_mapping
    shown = until(lambda: get(UUID=mapping), lambda one: "LastProcessingResult" in one)
    assert shown["LastProcessingResult"] == "PROBLEM: Function call failed"
    assert world.left(url) == (0, 1)


def test_filters_let_some_through_and_the_rest_is_deleted(world: World) -> None:
    function, url = world.function(), world.queue()
    pattern = json.dumps({"body": {"kind": [{"prefix": "a"}], "n": [{"numeric": [">", 1]}]}})
    world.send(url, '{"kind": "abc", "n": 1}', "text", '{"kind": "b", "n": 2}')
    world.send(url, '{"kind": "abc", "n": 2}')
    world.map(url, function, FilterCriteria={"Filters": [{"Pattern": pattern}]})
    until(lambda: world.bodies(function), bool)
    until(lambda: world.left(url), lambda left: left == (0, 0))
    assert world.bodies(function) == ['{"kind": "abc", "n": 2}']


def test_messages_of_a_fifo_queue_come_in_the_order_of_their_groups(world: World) -> None:
    function = world.function()
    url = world.queue(".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    world.map(url, function, BatchSize=2)
    sent = {group: [f"{group}{n}" for n in range(6)] for group in "ab"}
    for one in zip(*sent.values(), strict=True):
        for body in one:
            world.send(url, body, MessageGroupId=body[0])
    until(lambda: world.bodies(function), lambda bodies: len(bodies) >= 12)
    for records in world.events(function):
        for group in "ab":
            mine = [one for one in records if one["attributes"]["MessageGroupId"] == group]
            assert [one["body"] for one in mine] == sorted(one["body"] for one in mine)
            assert all("SequenceNumber" in one["attributes"] for one in mine)
    assert sorted(world.bodies(function)) == sorted([*sent["a"], *sent["b"]])


def test_it_is_disabled_enabled_and_deleted_while_it_runs(world: World) -> None:
    function, url = world.function(), world.queue()
    mapping = world.map(url, function)
    update = world.functions.update_event_source_mapping
    assert world.state(mapping) == "Enabled"
    world.send(url, "1")
    until(lambda: world.left(url), lambda left: left == (0, 0))
    assert update(UUID=mapping, Enabled=False)["State"] == "Updating"
    until(lambda: world.state(mapping), lambda state: state == "Disabled")
    world.send(url, "2")
    assert world.left(url) == (1, 0)
    update(UUID=mapping, Enabled=True)
    until(lambda: world.left(url), lambda left: left == (0, 0))
    gone = world.functions.delete_event_source_mapping(UUID=mapping)
    assert gone["State"] == "Deleting"
    world.send(url, "3")
    assert world.left(url) == (1, 0)
    until(lambda: world.bodies(function), lambda bodies: sorted(bodies) == ["1", "2"])


def test_a_mapping_of_an_alias_follows_it_where_it_is_moved(world: World) -> None:
    source = """
import json
def handler(event, context):
    for one in event["Records"]:
        print("SEEN", json.dumps([context.function_version, one["body"]]))
"""
    name, url = world.create(source, Publish=True), world.queue()
    world.functions.update_function_configuration(FunctionName=name, Description="second")
    wait_until(world.functions, "function_updated_v2", name)
    second = world.functions.publish_version(FunctionName=name)["Version"]
    world.functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    world.map(url, f"{name}:live")

    def seen() -> list[list[str]]:
        return [json.loads(line) for line in printed(world.logs, name, "SEEN")]

    world.send(url, "before")
    until(seen, lambda lines: ["1", "before"] in lines)
    world.functions.update_alias(FunctionName=name, Name="live", FunctionVersion=second)
    world.send(url, "behind")
    until(seen, lambda lines: [second, "behind"] in lines)


def test_what_cannot_be_polled_is_refused_as_by_aws(world: World) -> None:
    function, url = world.function(Timeout=60), world.queue()

    def refusal(arn: str) -> str:
        with pytest.raises(ClientError) as raised:
            world.functions.create_event_source_mapping(EventSourceArn=arn, FunctionName=function)
        error = raised.value.response["Error"]
        assert error["Code"] == "InvalidParameterValueException"
        return str(error["Message"])

    assert refusal(ARN + "none") == (
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService."
        "NonExistentQueue. SQS Error Message: The specified queue does not exist."
    )
    assert refusal(ARN + url.rpartition("/")[2]) == (
        "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds"
    )
    assert "does not have permissions" in refusal(ARN.replace("0" * 12, "1" * 12) + "q")


def test_a_queue_that_comes_back_is_polled_again(world: World) -> None:
    function, url = world.function(), world.queue()
    mapping = world.map(url, function)
    world.sqs.delete_queue(QueueUrl=url)
    get = world.functions.get_event_source_mapping
    until(lambda: get(UUID=mapping), lambda one: "LastProcessingResult" in one)
    world.sqs.create_queue(QueueName=url.rpartition("/")[2])
    world.send(url, "x")
    until(lambda: world.bodies(function), lambda bodies: bodies == ["x"])
