"""S3 and SNS invoke functions, with boto3 on both sides."""

import json
import socket
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stoker.core import lineage
from tests.faults.scene import until
from tests.running import REGION, StokerProcess

Create = Callable[..., str]
TELL = "import json\ndef handler(event, context): print('got', json.dumps(event))\n"
AROUND = """
import boto3
clients = {name: boto3.client(name) for name in ("s3", "sns")}
def handler(event, context):
    (record,) = event["Records"]
    if "Sns" in record:
        turn = int(record["Sns"]["Message"])
        clients["sns"].publish(TopicArn=record["Sns"]["TopicArn"], Message=str(turn + 1))
    else:
        turn, bucket = int(record["s3"]["object"]["key"]), record["s3"]["bucket"]["name"]
        clients["s3"].put_object(Bucket=bucket, Key=str(turn + 1), Body=b"")
    print("got", turn)
"""


@pytest.fixture
def s3(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("s3")) as client:
        yield client


@pytest.fixture
def sns(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("sns")) as client:
        yield client


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"b-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    return name


def arn_of(function: str) -> str:
    return f"arn:aws:lambda:{REGION}:000000000000:function:{function}"


def allow(lambda_client: Any, function: str, principal: str, source: str, **more: str) -> None:
    lambda_client.add_permission(
        FunctionName=function, StatementId=f"s-{uuid.uuid4().hex}", Principal=principal,
        Action="lambda:InvokeFunction", SourceArn=source, **more,
    )  # fmt: skip


def notify(s3: Any, bucket: str, function: str, **more: Any) -> None:
    wanted = {"LambdaFunctionArn": arn_of(function), "Events": ["s3:ObjectCreated:*"], **more}
    s3.put_bucket_notification_configuration(
        Bucket=bucket, NotificationConfiguration={"LambdaFunctionConfigurations": [wanted]}
    )


def dropped(server: StokerProcess, function: str) -> int:
    """How many of its events went in circles."""
    with urllib.request.urlopen(f"{server.url}/_stoker/api/events", timeout=10) as answer:
        shown = json.load(answer)["events"]
    found = (one["counts"] for one in shown if one["function"] == function)
    return int(next(found, {}).get("RecursiveInvocationsDropped", 0))


def records(logs: Any, function: str, count: int) -> list[dict[str, Any]]:
    """The records that the function got, once they are so many."""
    return [record for event in got(logs, function, count) for record in event["Records"]]


def got(logs: Any, function: str, count: int) -> list[Any]:
    """The events that the function got, once they are so many."""

    def look() -> list[Any]:
        try:
            found = logs.filter_log_events(
                logGroupName=f"/aws/lambda/{function}", filterPattern='"got "'
            )
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [json.loads(e["message"].partition("got ")[2]) for e in found["events"]]

    return until(look, lambda seen: len(seen) >= count)


def test_an_object_invokes_the_functions_whose_filter_it_passes(
    lambda_client: Any, logs_client: Any, s3: Any, bucket: str, create: Create
) -> None:
    name = create(TELL)
    allow(lambda_client, name, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}")
    rules = [{"Name": "prefix", "Value": "in/"}, {"Name": "suffix", "Value": ".txt"}]
    notify(s3, bucket, name, Id="mine", Filter={"Key": {"FilterRules": rules}},
           Events=["s3:ObjectCreated:*", "s3:ObjectRemoved:*"])  # fmt: skip
    for key in ("in/a b.txt", "in/a.png", "out/a.txt"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"12345")
    s3.delete_object(Bucket=bucket, Key="in/a b.txt")
    made, gone = sorted(records(logs_client, name, 2), key=lambda r: r["s3"]["object"]["sequencer"])
    assert (made["eventName"], gone["eventName"]) == ("ObjectCreated:Put", "ObjectRemoved:Delete")
    assert made["s3"]["object"]["key"] == gone["s3"]["object"]["key"] == "in/a+b.txt"
    assert made["s3"]["object"]["size"] == 5
    assert made["s3"]["configurationId"] == "mine"
    assert made["userIdentity"]["principalId"]


@pytest.mark.parametrize("let_in", ["nobody", "another bucket", "another principal"])
def test_a_bucket_that_a_function_does_not_admit_cannot_be_set_up(
    let_in: str, lambda_client: Any, s3: Any, bucket: str, create: Create
) -> None:
    name = create(TELL)
    if let_in == "another bucket":
        allow(lambda_client, name, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}-not")
    if let_in == "another principal":
        allow(lambda_client, name, "sns.amazonaws.com", f"arn:aws:s3:::{bucket}")
    with pytest.raises(ClientError, match="Unable to validate the following destination"):
        notify(s3, bucket, name)


def test_a_function_that_is_not_there_any_more_costs_the_object_nothing(
    server: StokerProcess, lambda_client: Any, s3: Any, bucket: str, create: Create
) -> None:
    name = create(TELL)
    allow(lambda_client, name, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}")
    notify(s3, bucket, name)
    lambda_client.delete_function(FunctionName=name)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 1
    until(server.log.read_text, lambda log: f"s3 could not reach {arn_of(name)}" in log)


def test_a_message_invokes_the_subscribed_function_of_an_alias(
    lambda_client: Any, logs_client: Any, sns: Any, create: Create
) -> None:
    name = create(TELL, Publish=True)
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
    alias = f"{arn_of(name)}:live"
    made = sns.subscribe(
        TopicArn=topic, Protocol="lambda", Endpoint=alias, ReturnSubscriptionArn=True,
        Attributes={"FilterPolicy": json.dumps({"kind": ["wanted"]})},
    )  # fmt: skip

    def publish(message: str, kind: str) -> str:
        attributes = {"kind": {"DataType": "String", "StringValue": kind}}
        sent = sns.publish(
            TopicArn=topic, Message=message, Subject="s", MessageAttributes=attributes
        )
        message_id: str = sent["MessageId"]
        return message_id

    publish("before it was admitted", "wanted")
    allow(lambda_client, name, "sns.amazonaws.com", topic, Qualifier="live")
    publish("not for it", "other")
    sent = publish("for it", "wanted")
    (record,) = records(logs_client, name, 1)
    assert record["EventSubscriptionArn"] == made["SubscriptionArn"]
    notice = record["Sns"]
    assert (notice["Message"], notice["Subject"], notice["MessageId"]) == ("for it", "s", sent)
    assert notice["TopicArn"] == topic
    assert notice["MessageAttributes"] == {"kind": {"Type": "String", "Value": "wanted"}}


@pytest.mark.parametrize("way", ["sns", "s3"])
def test_a_function_that_sets_itself_off_is_stopped_after_sixteen(
    way: str, server: StokerProcess, lambda_client: Any, logs_client: Any, s3: Any, sns: Any,
    bucket: str, create: Create,
) -> None:  # fmt: skip
    name = create(AROUND, Timeout=60, MemorySize=1024)
    if way == "s3":
        allow(lambda_client, name, "s3.amazonaws.com", f"arn:aws:s3:::{bucket}")
        notify(s3, bucket, name)
        s3.put_object(Bucket=bucket, Key="0", Body=b"")
    else:
        topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
        allow(lambda_client, name, "sns.amazonaws.com", topic)
        sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=arn_of(name))
        sns.publish(TopicArn=topic, Message="0")
    seen = sorted(got(logs_client, name, lineage.TURNS))
    until(lambda: dropped(server, name), bool)
    assert seen == sorted(got(logs_client, name, 0)) == list(range(lineage.TURNS))


def test_a_topic_sends_nothing_into_the_machine_s_network(server: StokerProcess, sns: Any) -> None:
    """Or a function could have it ask whatever listens on the machine."""
    topic = sns.create_topic(Name=f"t-{uuid.uuid4().hex[:12]}")["TopicArn"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=address)
        sns.publish(TopicArn=topic, Message="m")
        until(server.log.read_text, lambda log: f"sns could not reach {address}" in log)
        with pytest.raises(BlockingIOError):
            listener.accept()


def test_an_event_that_matches_a_rule_invokes_its_functions(
    server: StokerProcess, lambda_client: Any, logs_client: Any, create: Create
) -> None:
    name, rule = create(TELL), f"r-{uuid.uuid4().hex[:12]}"
    with closing(server.client("events")) as events:
        pattern = json.dumps({"source": ["mine"], "detail": {"n": [1]}})
        made = events.put_rule(Name=rule, EventPattern=pattern)["RuleArn"]
        transformer = {"InputPathsMap": {"n": "$.detail.n"}, "InputTemplate": '{"number": <n>}'}
        targets = ({}, {"Input": '"constant"'}, {"InputPath": "$.detail"},
                   {"InputTransformer": transformer})  # fmt: skip
        events.put_targets(
            Rule=rule,
            Targets=[{"Id": str(n), "Arn": arn_of(name), **t} for n, t in enumerate(targets)],
        )

        def put(source: str, number: int) -> None:
            detail = json.dumps({"n": number})
            entry = {"Source": source, "DetailType": "t", "Detail": detail}
            assert events.put_events(Entries=[entry])["FailedEntryCount"] == 0

        put("mine", 1)  # nobody has admitted the rule yet
        allow(lambda_client, name, "events.amazonaws.com", made)
        put("mine", 2)
        put("another's", 1)
        put("mine", 1)
        seen = got(logs_client, name, 4)
        events.disable_rule(Name=rule)
        put("mine", 1)
    (whole,) = [event for event in seen if isinstance(event, dict) and "source" in event]
    assert (whole["source"], whole["detail-type"], whole["detail"]) == ("mine", "t", {"n": 1})
    assert whole["time"].endswith("Z")
    assert sorted(str(event) for event in seen if event != whole) == [
        "constant", "{'n': 1}", "{'number': 1}",
    ]  # fmt: skip
    assert len(got(logs_client, name, 4)) == 4


# --- queues -------------------------------------------------------------------------------------


@pytest.fixture
def sqs(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("sqs")) as client:
        yield client


def new_queue(sqs: Any, **attributes: str) -> tuple[str, str]:
    """URL and ARN."""
    name = f"q-{uuid.uuid4().hex[:12]}" + (".fifo" if "FifoQueue" in attributes else "")
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, f"arn:aws:sqs:{REGION}:000000000000:{name}"


def received(sqs: Any, url: str) -> dict[str, Any]:
    """The next message; it is deleted."""
    answer = sqs.receive_message(
        QueueUrl=url, WaitTimeSeconds=20, AttributeNames=["All"], MessageAttributeNames=["All"]
    )
    (found,) = answer["Messages"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
    message: dict[str, Any] = found
    return message


def test_an_object_sends_a_message_to_a_queue(s3: Any, sqs: Any, bucket: str) -> None:
    url, arn = new_queue(sqs)

    def notify(arn: str) -> None:
        wanted = {"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}
        s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration={"QueueConfigurations": [wanted]}
        )

    with pytest.raises(ClientError, match="Unable to validate the following destination"):
        notify(f"{arn}-not")
    notify(arn)
    assert json.loads(received(sqs, url)["Body"])["Event"] == "s3:TestEvent"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    (record,) = json.loads(received(sqs, url)["Body"])["Records"]
    assert record["s3"]["object"]["key"] == "k"


def test_a_topic_sends_to_queues_raw_or_in_an_envelope_and_in_order(sns: Any, sqs: Any) -> None:
    topic = sns.create_topic(
        Name=f"t-{uuid.uuid4().hex[:12]}.fifo", Attributes={"FifoTopic": "true"}
    )["TopicArn"]
    url, arn = new_queue(sqs, FifoQueue="true")
    raw_url, raw = new_queue(sqs, FifoQueue="true")
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    raw_too = {"RawMessageDelivery": "true"}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=raw, Attributes=raw_too)
    data = {"DataType": "Binary", "BinaryValue": b"\0\1"}
    text = {"DataType": "String", "StringValue": "v"}
    sns.publish(
        TopicArn=topic, Message="hello", MessageGroupId="g", MessageDeduplicationId="d",
        MessageAttributes={"text": text, "data": data},
    )  # fmt: skip
    envelope = received(sqs, url)
    assert json.loads(envelope["Body"])["Message"] == "hello"
    assert envelope["Attributes"]["MessageGroupId"] == "g"
    assert envelope["Attributes"]["MessageDeduplicationId"] == "d"
    bare = received(sqs, raw_url)
    assert bare["Body"] == "hello"
    assert bare["MessageAttributes"]["text"]["StringValue"] == "v"
    assert bare["MessageAttributes"]["data"]["BinaryValue"] == b"\0\1"


def test_an_event_goes_to_a_queue(server: StokerProcess, sqs: Any) -> None:
    url, arn = new_queue(sqs)
    rule = f"r-{uuid.uuid4().hex[:12]}"
    with closing(server.client("events")) as events:
        events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
        events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
        events.put_events(Entries=[{"Source": rule, "DetailType": "t", "Detail": '{"n": 1}'}])
    assert json.loads(received(sqs, url)["Body"])["detail"] == {"n": 1}
