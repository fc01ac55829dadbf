"""Where asynchronous invocations end that did not stay with Lambda: SNS, EventBridge and S3."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.conformance.test_triggers import TELL, allow, arn_of, got, records
from tests.faults.scene import until
from tests.running import REGION, StokerProcess

Create = Callable[..., str]
DIVIDE = "def handler(event, context): return 10 / event['by']"


@pytest.fixture
def topic(server: StokerProcess, lambda_client: Any, create: Create) -> Iterator[tuple[str, str]]:
    """A topic, and the function that hears what is published there."""
    listener = create(TELL)
    with closing(server.client("sns")) as sns:
        arn = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
        sns.subscribe(TopicArn=arn, Protocol="lambda", Endpoint=arn_of(listener))
        allow(lambda_client, listener, "sns.amazonaws.com", arn)
        yield arn, listener


def told(lambda_client: Any, function: str, **destinations: str) -> None:
    """Try once, and then tell these."""
    lambda_client.put_function_event_invoke_config(
        FunctionName=function,
        MaximumRetryAttempts=0,
        DestinationConfig={name: {"Destination": arn} for name, arn in destinations.items()},
    )


def invoke(lambda_client: Any, function: str, event: Any) -> str:
    answer = lambda_client.invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps(event)
    )
    request_id: str = answer["ResponseMetadata"]["RequestId"]
    return request_id


def test_a_topic_is_told_of_success(
    lambda_client: Any, logs_client: Any, create: Create, topic: tuple[str, str]
) -> None:
    arn, listener = topic
    name = create(DIVIDE)
    told(lambda_client, name, OnSuccess=arn)
    request_id = invoke(lambda_client, name, {"by": 5})
    (record,) = records(logs_client, listener, 1)
    message = json.loads(record["Sns"]["Message"])
    assert message["requestContext"]["requestId"] == request_id
    assert message["responsePayload"] == 2.0


def test_a_topic_is_a_dead_letter_queue(
    lambda_client: Any, logs_client: Any, create: Create, topic: tuple[str, str]
) -> None:
    arn, listener = topic
    name = create(DIVIDE, DeadLetterConfig={"TargetArn": arn})
    told(lambda_client, name)
    request_id = invoke(lambda_client, name, {"by": 0})
    (record,) = records(logs_client, listener, 1)
    assert json.loads(record["Sns"]["Message"]) == {"by": 0}
    attributes = record["Sns"]["MessageAttributes"]
    assert attributes["RequestID"] == {"Type": "String", "Value": request_id}
    assert attributes["ErrorCode"] == {"Type": "Number", "Value": "200"}
    assert attributes["ErrorMessage"]["Value"] == "division by zero"


def test_an_event_bus_is_told_of_both_by_their_names(
    server: StokerProcess, lambda_client: Any, logs_client: Any, create: Create
) -> None:
    listener, name = create(TELL), create(DIVIDE)
    bus = f"b-{uuid.uuid4().hex[:12]}"
    with closing(server.client("events")) as events:
        arn = events.create_event_bus(Name=bus)["EventBusArn"]
        pattern = json.dumps({"source": ["lambda"]})
        rule = events.put_rule(Name=bus, EventBusName=bus, EventPattern=pattern)["RuleArn"]
        target = {"Id": "1", "Arn": arn_of(listener)}
        events.put_targets(Rule=bus, EventBusName=bus, Targets=[target])
    allow(lambda_client, listener, "events.amazonaws.com", rule)
    told(lambda_client, name, OnSuccess=arn, OnFailure=arn)
    for by in (0, 5):
        invoke(lambda_client, name, {"by": by})
    failure, success = sorted(got(logs_client, listener, 2), key=lambda event: event["detail-type"])
    kinds = [event["detail-type"] for event in (failure, success)]
    assert kinds == [
        f"Lambda Function Invocation Result - {kind}" for kind in ("Failure", "Success")
    ]
    assert failure["detail"]["requestContext"]["condition"] == "RetriesExhausted"
    assert success["resources"] == [arn, f"{arn_of(name)}:$LATEST"]


def test_a_bucket_keeps_what_failed(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name, bucket = create(DIVIDE), f"b-{uuid.uuid4().hex[:12]}"
    with closing(server.client("s3")) as s3:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        told(lambda_client, name, OnFailure=f"arn:aws:s3:::{bucket}")
        request_id = invoke(lambda_client, name, {"by": 0})
        listed = until(
            lambda: s3.list_objects_v2(Bucket=bucket).get("Contents", []), lambda found: found
        )
        key = listed[0]["Key"]
        assert key.startswith(f"aws/lambda/async/{name}/")
        kept = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert kept["requestContext"]["requestId"] == request_id


def test_a_destination_that_is_not_there_is_counted_and_costs_nothing_else(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(DIVIDE)
    told(lambda_client, name, OnFailure="arn:aws:s3:::nowhere-at-all")
    invoke(lambda_client, name, {"by": 0})
    until(server.log.read_text, lambda log: "arn:aws:s3:::nowhere-at-all: NoSuchBucket" in log)
    invoke(lambda_client, name, {"by": 1})


@pytest.mark.parametrize("service", ["sns", "events", "s3"])
def test_what_is_another_account_s_is_told_nothing(
    service: str, server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    """Policies of topics, buses and buckets, which could allow it on AWS, are not asked here."""
    name, theirs = create(DIVIDE), f"t-{uuid.uuid4().hex[:12]}"
    with closing(server.client(service, aws_access_key_id="111122223333")) as client:
        if service == "sns":
            arn = client.create_topic(Name=theirs)["TopicArn"]
        elif service == "events":
            arn = f"arn:aws:events:{REGION}:111122223333:event-bus/default"
        else:
            where = {"LocationConstraint": REGION}
            client.create_bucket(Bucket=theirs, CreateBucketConfiguration=where)
            arn = f"arn:aws:s3:::{theirs}"
    told(lambda_client, name, OnFailure=arn)
    invoke(lambda_client, name, {"by": 0})
    lines = until(
        lambda: [line for line in server.log.read_text().splitlines() if f"{arn}: " in line], bool
    )
    assert '"cannot deliver"' in lines[0], lines
