"""Rules and schedules reach state machines, topics, streams, log groups and buses."""

import json
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.running import REGION, StokerProcess

ROLE = "arn:aws:iam::000000000000:role/any"
SERVICES = ("events", "scheduler", "stepfunctions", "kinesis", "sns", "sqs", "logs", "iam")


def unique() -> str:
    return f"n-{uuid.uuid4().hex[:12]}"


def arn_of(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:000000000000:{resource}"


@dataclass
class Cloud:
    """What a rule can reach, as clients of the shared server see it."""

    clients: dict[str, Any]

    def __getattr__(self, service: str) -> Any:
        return self.clients[service]

    def machine(self) -> str:
        done = {"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}
        made: str = self.stepfunctions.create_state_machine(
            name=unique(), definition=json.dumps(done), roleArn=ROLE
        )["stateMachineArn"]
        return made

    def executions(self, machine: str, count: int) -> list[Any]:
        """What its executions were given, once they are so many."""

        def look() -> list[Any]:
            listed = self.stepfunctions.list_executions(stateMachineArn=machine)["executions"]
            return [
                json.loads(
                    self.stepfunctions.describe_execution(executionArn=one["executionArn"])["input"]
                )
                for one in listed
            ]

        return until(look, lambda seen: len(seen) >= count)

    def queue(self) -> tuple[str, str]:
        """URL and ARN."""
        name = unique()
        return self.sqs.create_queue(QueueName=name)["QueueUrl"], arn_of("sqs", name)

    def received(self, url: str) -> Any:
        """The next message's body, which is JSON."""
        (found,) = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
        self.sqs.delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
        return json.loads(found["Body"])

    def rule(self, *targets: dict[str, Any], bus: str = "default") -> str:
        """What its events have as their source."""
        name = unique()
        self.events.put_rule(
            Name=name, EventPattern=json.dumps({"source": [name]}), EventBusName=bus
        )
        numbered = [{"Id": str(n), **one} for n, one in enumerate(targets)]
        self.events.put_targets(Rule=name, Targets=numbered, EventBusName=bus)
        return name

    def put(self, source: str) -> None:
        entry = {"Source": source, "DetailType": "t", "Detail": '{"n": 1, "who": "me"}'}
        assert self.events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def schedule(self, target: dict[str, Any]) -> str:
        name = unique()
        self.scheduler.create_schedule(
            Name=name, ScheduleExpression="rate(1 day)", FlexibleTimeWindow={"Mode": "OFF"},
            Target={"RoleArn": ROLE, **target},
        )  # fmt: skip
        return name


@pytest.fixture
def cloud(server: StokerProcess) -> Iterator[Cloud]:
    with ExitStack() as stack:
        yield Cloud({name: stack.enter_context(closing(server.client(name))) for name in SERVICES})


def test_a_rule_reaches_all_that_it_names(cloud: Cloud) -> None:
    machine, (topic_url, queue), (bus_url, behind) = cloud.machine(), cloud.queue(), cloud.queue()
    topic = cloud.sns.create_topic(Name=unique())["TopicArn"]
    cloud.sns.subscribe(
        TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes={"RawMessageDelivery": "true"}
    )
    stream, group, bus = unique(), f"/aws/events/{unique()}", unique()
    cloud.kinesis.create_stream(StreamName=stream, ShardCount=1)
    cloud.kinesis.get_waiter("stream_exists").wait(StreamName=stream)
    cloud.logs.create_log_group(logGroupName=group)
    cloud.events.create_event_bus(Name=bus)
    now_ms = time.time_ns() // 1_000_000
    transformer = {
        "InputPathsMap": {"who": "$.detail.who"},
        "InputTemplate": f'{{"timestamp": {now_ms}, "message": "by <who>"}}',
    }
    log = arn_of("logs", f"log-group:{group}")
    source = cloud.rule(
        {"Arn": machine, "RoleArn": ROLE},
        {"Arn": machine, "RoleArn": ROLE, "InputPath": "$.detail"},
        {"Arn": topic, "Input": '{"told": true}'},
        {
            "Arn": arn_of("kinesis", f"stream/{stream}"), "RoleArn": ROLE,
            "KinesisParameters": {"PartitionKeyPath": "$.detail.who"},
        },
        {"Arn": log, "InputTransformer": transformer},
        {"Arn": log + ":*"},
        {"Arn": arn_of("events", f"event-bus/{bus}"), "RoleArn": ROLE},
    )  # fmt: skip
    cloud.events.put_rule(
        Name="on", EventPattern=json.dumps({"source": [source]}), EventBusName=bus
    )
    cloud.events.put_targets(Rule="on", EventBusName=bus, Targets=[{"Id": "1", "Arn": behind}])
    cloud.put(source)
    given = cloud.executions(machine, 2)
    assert {"n": 1, "who": "me"} in given
    assert [one["detail-type"] for one in given if "detail-type" in one] == ["t"]
    assert cloud.received(topic_url) == {"told": True}
    assert cloud.received(bus_url)["source"] == source
    iterator = cloud.kinesis.get_shard_iterator(
        StreamName=stream, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    (record,) = cloud.kinesis.get_records(ShardIterator=iterator)["Records"]
    assert record["PartitionKey"] == "me"
    assert json.loads(record["Data"])["detail"] == {"n": 1, "who": "me"}
    logged = cloud.logs.filter_log_events(logGroupName=group)["events"]
    assert (now_ms, "by me") in [(one["timestamp"], one["message"]) for one in logged]
    assert len(logged) == 2
    cloud.kinesis.delete_stream(StreamName=stream)


def test_a_schedule_starts_a_state_machine_and_tells_a_bus(cloud: Cloud) -> None:
    machine, (url, queue) = cloud.machine(), cloud.queue()
    source = cloud.rule({"Arn": queue})
    bus = {"DetailType": "late", "Source": source}
    schedules = [
        cloud.schedule({"Arn": machine, "Input": '{"at": "<aws.scheduler.scheduled-time>"}'}),
        cloud.schedule(
            {
                "Arn": arn_of("events", "event-bus/default"),
                "EventBridgeParameters": bus,
                "Input": '{"n": 2}',
            }
        ),
    ]
    (given,) = cloud.executions(machine, 1)
    assert given["at"].endswith("Z")
    told = cloud.received(url)
    assert (told["detail-type"], told["detail"]) == ("late", {"n": 2})
    for name in schedules:
        cloud.scheduler.delete_schedule(Name=name)


def test_a_target_that_does_not_take_it_costs_the_others_nothing(
    server: StokerProcess, cloud: Cloud
) -> None:
    gone, (url, queue) = arn_of("states", f"stateMachine:{unique()}"), cloud.queue()
    others = f"arn:aws:sns:{REGION}:111111111111:{unique()}"
    nowhere = arn_of("kinesis", f"stream/{unique()}")
    cloud.put(
        cloud.rule(
            {"Arn": gone, "RoleArn": ROLE},
            {"Arn": others},
            {"Arn": nowhere, "RoleArn": ROLE},
            {"Arn": queue},
        )
    )
    assert cloud.received(url)["detail"]["n"] == 1
    for arn in (gone, others, nowhere):
        until(server.log.read_text, lambda log, arn=arn: f"events could not reach {arn}: " in log)


def test_targets_that_cannot_be_are_refused_by_name(cloud: Cloud) -> None:
    machine = cloud.machine()
    cluster = arn_of("ecs", "cluster/c")
    for target, code, words in (
        ({"Arn": cluster, "RoleArn": ROLE}, "NotImplemented", cluster),
        ({"Arn": arn_of("events", "api-destination/a/1")}, "NotImplemented", "api-destination"),
        ({"Arn": machine}, "ValidationException", f"RoleArn is required for target {machine}"),
        ({"Arn": "no ARN"}, "ValidationException", "not in correct format"),
    ):
        with pytest.raises(ClientError, match=words) as refused:
            cloud.rule(target)
        assert code in refused.value.response["Error"]["Code"]
    trust = {
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"},
    }  # fmt: skip
    role = cloud.iam.create_role(
        RoleName=unique(),
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    with pytest.raises(ClientError, match=r"cannot be assumed by principal 'events\.amazonaws"):
        cloud.rule({"Arn": machine, "RoleArn": role})
    for target, words in (
        ({"Arn": arn_of("kinesis", "stream/s")}, "KinesisParameters must be specified"),
        ({"Arn": arn_of("events", "event-bus/default")}, "EventBridgeParameters must be"),
        ({"Arn": machine, "Input": "{no"}, "Invalid Input"),
        ({"Arn": cluster}, "not " + cluster),
    ):
        with pytest.raises(ClientError, match=words):
            cloud.schedule(target)


def test_another_account_s_bus_takes_what_its_policy_lets_in(
    server: StokerProcess, cloud: Cloud
) -> None:
    other, bus = "111111111111", unique()
    theirs = f"arn:aws:events:{REGION}:{other}:event-bus/{bus}"
    with ExitStack() as stack:
        events, sqs = (
            stack.enter_context(closing(server.client(name, aws_access_key_id=other)))
            for name in ("events", "sqs")
        )
        url = sqs.create_queue(QueueName=bus)["QueueUrl"]
        events.create_event_bus(Name=bus)
        source = cloud.rule({"Arn": theirs, "RoleArn": ROLE})
        events.put_rule(Name="r", EventPattern=json.dumps({"source": [source]}), EventBusName=bus)
        queue = f"arn:aws:sqs:{REGION}:{other}:{bus}"
        events.put_targets(Rule="r", EventBusName=bus, Targets=[{"Id": "1", "Arn": queue}])
        cloud.put(source)
        complaint = f"events could not reach {theirs}: no policy of this bus"
        until(server.log.read_text, lambda log: complaint in log)
        got = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        assert got["ApproximateNumberOfMessages"] == "0"
        events.put_permission(
            EventBusName=bus, Action="events:PutEvents", Principal="000000000000", StatementId="s"
        )
        cloud.put(source)
        (found,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
        assert json.loads(found["Body"])["source"] == source


def test_buses_that_send_to_one_another_come_to_an_end(server: StokerProcess, cloud: Cloud) -> None:
    bus = unique()
    cloud.events.create_event_bus(Name=bus)
    there, back = arn_of("events", f"event-bus/{bus}"), arn_of("events", "event-bus/default")
    source = cloud.rule({"Arn": there}, {"Arn": there})
    cloud.events.put_rule(Name="r", EventPattern=json.dumps({"source": [source]}), EventBusName=bus)
    twice = [{"Id": id, "Arn": back} for id in "12"]
    cloud.events.put_targets(Rule="r", EventBusName=bus, Targets=twice)
    cloud.put(source)
    assert f"events could not reach {there}: the event has reached 32 buses" in until(
        server.log.read_text, lambda log: f"{there}: the event has reached" in log
    )
