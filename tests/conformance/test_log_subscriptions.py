"""What functions log is sent to other functions and to streams, with boto3 on both sides."""

import base64
import gzip
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.running import PYTHON, REGION, StokerProcess

Json = dict[str, Any]
Create = Callable[..., str]
SAYS = "def handler(event, context):\n    for line in event['lines']: print(line)\n"
COLLECTS = """
import base64, gzip, json
def handler(event, context):
    print("GOT", gzip.decompress(base64.b64decode(event["awslogs"]["data"])).decode())
"""
ACCOUNT = "000000000000"


@pytest.fixture
def group(logs_client: Any) -> Iterator[str]:
    name = f"/group/{uuid.uuid4().hex[:12]}"
    logs_client.create_log_group(logGroupName=name)
    logs_client.create_log_stream(logGroupName=name, logStreamName="s")
    yield name
    with suppress(logs_client.exceptions.ResourceNotFoundException):
        logs_client.delete_log_group(logGroupName=name)


def arn_of(function: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"


def let_in(
    functions: Any, function: str, group: str, principal: str = "logs.amazonaws.com"
) -> None:
    functions.add_permission(
        FunctionName=function, StatementId=f"s-{uuid.uuid4().hex}", Principal=principal,
        Action="lambda:InvokeFunction", SourceAccount=ACCOUNT,
        SourceArn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{group}:*",
    )  # fmt: skip


def subscribe(logs: Any, group: str, function: str, **more: Any) -> None:
    asked = {"filterName": "mine", "filterPattern": "", "destinationArn": arn_of(function)}
    logs.put_subscription_filter(logGroupName=group, **{**asked, **more})


def say(logs: Any, group: str, time_ms: int, *lines: str) -> None:
    events = [{"timestamp": time_ms, "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)


def got(logs: Any, function: str) -> list[Json]:
    """The messages that the collecting function was sent."""
    try:
        pages = logs.get_paginator("filter_log_events").paginate(
            logGroupName=f"/aws/lambda/{function}", filterPattern="GOT"
        )
        found = [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [json.loads(text.partition("GOT ")[2]) for text in found]


def texts(messages: list[Json]) -> list[str]:
    return [event["message"] for message in messages for event in message["logEvents"]]


def test_what_a_function_logs_and_the_filter_wants_invokes_another(
    lambda_client: Any, logs_client: Any, create: Create
) -> None:
    speaker, collector = create(SAYS), create(COLLECTS)
    group = f"/aws/lambda/{speaker}"
    logs_client.create_log_group(logGroupName=group)
    let_in(lambda_client, collector, group)
    subscribe(logs_client, group, collector, filterPattern='{ $.level = "ERROR" }')
    lines = [json.dumps({"level": level, "n": n}) for n, level in enumerate(("INFO", "ERROR"))]
    lambda_client.invoke(FunctionName=speaker, Payload=json.dumps({"lines": lines}))
    [message] = until(lambda: got(logs_client, collector), bool)
    kept = logs_client.filter_log_events(logGroupName=group, filterPattern="ERROR")["events"]
    assert message == {
        "messageType": "DATA_MESSAGE",
        "owner": ACCOUNT,
        "logGroup": group,
        "logStream": kept[0]["logStreamName"],
        "subscriptionFilters": ["mine"],
        "logEvents": [
            {"id": one["eventId"], "timestamp": one["timestamp"], "message": one["message"]}
            for one in kept
        ],
    }
    assert texts([message]) == [lines[1] + "\n"]


def test_filters_are_put_changed_listed_and_deleted(
    lambda_client: Any, logs_client: Any, group: str, create: Create
) -> None:
    name = create(COLLECTS)
    let_in(lambda_client, name, group, f"logs.{REGION}.amazonaws.com")
    for filter_name in ("b", "a", "b"):
        subscribe(logs_client, group, name, filterName=filter_name, filterPattern=filter_name)
    with pytest.raises(logs_client.exceptions.LimitExceededException, match="limit exceeded"):
        subscribe(logs_client, group, name, filterName="c")
    pages = logs_client.get_paginator("describe_subscription_filters").paginate(
        logGroupName=group, PaginationConfig={"PageSize": 1}
    )
    found = [one for page in pages for one in page["subscriptionFilters"]]
    assert [one.pop("filterName") for one in found] == ["a", "b"]
    assert all(one.pop("creationTime") > 1_600_000_000_000 for one in found)
    common = {"logGroupName": group, "destinationArn": arn_of(name)}
    common |= {"distribution": "ByLogStream", "applyOnTransformedLogs": False}
    assert found == [{**common, "filterPattern": text} for text in ("a", "b")]
    logs_client.delete_subscription_filter(logGroupName=group, filterName="a")
    [left] = logs_client.describe_subscription_filters(logGroupName=group)["subscriptionFilters"]
    assert left["filterName"] == "b"
    with pytest.raises(logs_client.exceptions.ResourceNotFoundException, match="filter does not"):
        logs_client.delete_subscription_filter(logGroupName=group, filterName="a")


@pytest.mark.parametrize("case", ["nobody", "another group", "another principal", "no function"])
def test_a_function_that_does_not_let_the_group_in_is_no_destination(
    case: str, lambda_client: Any, logs_client: Any, group: str, create: Create
) -> None:
    name = "is-not-there" if case == "no function" else create(COLLECTS)
    if case == "another group":
        let_in(lambda_client, name, f"{group}-not")
    if case == "another principal":
        let_in(lambda_client, name, group, "events.amazonaws.com")
    with pytest.raises(
        logs_client.exceptions.InvalidParameterException,
        match=r"Could not execute the lambda function\. Make sure you have given CloudWatch Logs",
    ):
        subscribe(logs_client, group, name)


def test_no_function_is_sent_what_it_logs(
    server: StokerProcess, lambda_client: Any, logs_client: Any, group: str, create: Create
) -> None:
    """Nor if its log group becomes the one that it is subscribed to."""
    name = create(COLLECTS)
    own = f"/aws/lambda/{name}"
    logs_client.create_log_group(logGroupName=own)
    let_in(lambda_client, name, own)
    with pytest.raises(
        logs_client.exceptions.InvalidParameterException, match="reserved for the function logs"
    ):
        subscribe(logs_client, own, name)
    let_in(lambda_client, name, group)
    subscribe(logs_client, group, name)
    lambda_client.update_function_configuration(
        FunctionName=name, LoggingConfig={"LogGroup": group}
    )
    lambda_client.get_waiter("function_updated_v2").wait(
        FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300}
    )
    data = base64.b64encode(gzip.compress(b"{}")).decode()
    lambda_client.invoke(FunctionName=name, Payload=json.dumps({"awslogs": {"data": data}}))
    until(server.log.read_text, lambda log: "would be sent what it logs" in log)
    said = logs_client.filter_log_events(logGroupName=group, filterPattern="GOT")["events"]
    assert len(said) == 1, "what it was invoked with, and nothing that came of it"


def test_streams_are_tried_first_and_then_get_records(
    server: StokerProcess, logs_client: Any, group: str
) -> None:
    name = f"s-{uuid.uuid4().hex[:12]}"
    arn, role = (
        f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{name}",
        f"arn:aws:iam::{ACCOUNT}:role/r",
    )
    asked = {"destinationArn": arn, "roleArn": role}
    with pytest.raises(ClientError, match="Could not deliver test message to specified Kinesis"):
        subscribe(logs_client, group, "", **asked)
    with closing(server.client("kinesis")) as kinesis:
        kinesis.create_stream(StreamName=name, ShardCount=1)
        subscribe(logs_client, group, "", **asked, filterPattern="WANTED")
        now_ms = logs_client.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0][
            "creationTime"
        ]
        say(logs_client, group, now_ms, "WANTED 1", "not", "WANTED 2")
        shard = kinesis.describe_stream(StreamName=name)["StreamDescription"]["Shards"][0]
        start = kinesis.get_shard_iterator(
            StreamName=name, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]

        def records() -> list[Json]:
            found = kinesis.get_records(ShardIterator=start)["Records"]
            return [json.loads(gzip.decompress(one["Data"])) for one in found]

        tried, sent = until(records, lambda seen: len(seen) >= 2)
        kinesis.delete_stream(StreamName=name)
    assert tried["messageType"] == "CONTROL_MESSAGE"
    assert (sent["messageType"], sent["logGroup"]) == ("DATA_MESSAGE", group)
    assert texts([sent]) == ["WANTED 1", "WANTED 2"]


def test_a_delivery_stream_puts_them_into_its_bucket(
    server: StokerProcess, logs_client: Any, group: str
) -> None:
    name, role = f"d-{uuid.uuid4().hex[:12]}", f"arn:aws:iam::{ACCOUNT}:role/r"
    with closing(server.client("s3")) as s3, closing(server.client("firehose")) as firehose:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        arn = firehose.create_delivery_stream(
            DeliveryStreamName=name,
            S3DestinationConfiguration={"RoleARN": role, "BucketARN": f"arn:aws:s3:::{name}"},
        )["DeliveryStreamARN"]
        subscribe(logs_client, group, "", destinationArn=arn, roleArn=role)
        [info] = logs_client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        say(logs_client, group, info["creationTime"], "hello")

        def bodies() -> list[Json]:
            found = s3.list_objects_v2(Bucket=name).get("Contents", ())
            read = [s3.get_object(Bucket=name, Key=one["Key"])["Body"].read() for one in found]
            return [json.loads(gzip.decompress(body)) for body in read]

        found = until(bodies, lambda seen: len(seen) >= 2)
        firehose.delete_delivery_stream(DeliveryStreamName=name)
    kinds = {one["messageType"]: texts([one]) for one in found}
    assert kinds["DATA_MESSAGE"] == ["hello"] and "CONTROL_MESSAGE" in kinds


def test_a_stack_makes_filters_and_takes_them_away(server: StokerProcess, logs_client: Any) -> None:
    name = f"s-{uuid.uuid4().hex[:8]}"

    def resource(kind: str, *after: str, **properties: Any) -> Json:
        return {"Type": f"AWS::{kind}", "Properties": properties, "DependsOn": list(after)}

    role = f"arn:aws:iam::{ACCOUNT}:role/any"
    fn, where = {"Fn::GetAtt": ["Fn", "Arn"]}, {"Fn::GetAtt": ["Group", "Arn"]}
    text = COLLECTS.strip()
    resources = {
        "Group": resource("Logs::LogGroup", LogGroupName=f"/group/{name}"),
        "Fn": resource(
            "Lambda::Function", FunctionName=name, Runtime=PYTHON, Handler="index.handler",
            Role=role, Code={"ZipFile": text},
        ),
        "MayCall": resource(
            "Lambda::Permission", Action="lambda:InvokeFunction", FunctionName=fn,
            Principal="logs.amazonaws.com", SourceArn=where,
        ),
        "Subscription": resource(
            "Logs::SubscriptionFilter", "MayCall", LogGroupName={"Ref": "Group"},
            FilterPattern="WANTED", DestinationArn=fn,
        ),
        "Metric": resource(
            "Logs::MetricFilter", LogGroupName={"Ref": "Group"}, FilterName="m",
            FilterPattern="{ $.n = * }",
            MetricTransformations=[
                {
                    "MetricName": name, "MetricNamespace": "shop", "MetricValue": 1,
                    "Dimensions": [{"Key": "who", "Value": "$.who"}],
                }
            ],
        ),
    }  # fmt: skip
    soon = {"Delay": 0.1, "MaxAttempts": 600}
    with closing(server.client("cloudformation")) as stacks:
        stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
        stacks.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig=soon)
        group = f"/group/{name}"
        logs_client.create_log_stream(logGroupName=group, logStreamName="s")
        [info] = logs_client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        say(logs_client, group, info["creationTime"], "WANTED", "not")
        assert texts(until(lambda: got(logs_client, name), bool)) == ["WANTED"]
        (metric,) = logs_client.describe_metric_filters(logGroupName=group)["metricFilters"]
        (transformation,) = metric["metricTransformations"]
        assert (metric["filterName"], transformation["metricValue"]) == ("m", "1")
        assert transformation["dimensions"] == {"who": "$.who"}
        stacks.delete_stack(StackName=name)
        stacks.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig=soon)
    assert not logs_client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]


def test_what_is_not_built_is_refused_by_name(logs_client: Any, group: str) -> None:
    with pytest.raises(ClientError, match="emitSystemFields") as refused:
        subscribe(logs_client, group, "f", emitSystemFields=["@aws.account"])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    with pytest.raises(logs_client.exceptions.InvalidParameterException):
        subscribe(logs_client, group, "f", filterPattern="{ $.a = ")
