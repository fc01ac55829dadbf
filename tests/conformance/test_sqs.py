"""SQS as its users see it: boto3, the AWS CLI, and the older query protocol by hand."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.running import REGION, StokerProcess

Create = Callable[..., str]
ARN = f"arn:aws:sqs:{REGION}:000000000000:"
ALL = {"AttributeNames": ["All"], "MessageAttributeNames": ["All"]}


@pytest.fixture
def sqs(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("sqs")) as client:
        yield client


@pytest.fixture
def queue(sqs: Any) -> Iterator[Callable[..., str]]:
    """Make a queue; it is deleted after the test."""
    made = []

    def make(suffix: str = "", **attributes: str) -> str:
        name = f"q-{uuid.uuid4().hex[:12]}{suffix}"
        url: str = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        made.append(url)
        return url

    yield make
    for url in made:
        sqs.delete_queue(QueueUrl=url)


def name_of(url: str) -> str:
    return url.rpartition("/")[2]


def refused(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_message_arrives_whole(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue()
    attributes = {
        "n": {"DataType": "Number", "StringValue": "1"},
        "b": {"DataType": "Binary.png", "BinaryValue": b"\x00\xff"},
    }
    sent = sqs.send_message(QueueUrl=url, MessageBody="é <&>", MessageAttributes=attributes)
    (message,) = sqs.receive_message(QueueUrl=url, **ALL)["Messages"]
    assert message["MessageId"] == sent["MessageId"]
    assert message["Body"] == "é <&>"
    assert message["MD5OfBody"] == sent["MD5OfMessageBody"]
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    some = {"MessageAttributeNames": ["n*", "x.*"], "MessageSystemAttributeNames": ["SenderId"]}
    sqs.change_message_visibility(
        QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    (again,) = sqs.receive_message(QueueUrl=url, **some)["Messages"]
    assert "MessageAttributes" not in again
    assert list(again["Attributes"]) == ["SenderId"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])  # an older receipt
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    counts = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    assert counts["ApproximateNumberOfMessages"] == "0"
    assert counts["ApproximateNumberOfMessagesNotVisible"] == "0"
    assert counts["QueueArn"] == ARN + name_of(url)


def test_queues_are_made_found_described_tagged_and_deleted(sqs: Any) -> None:
    name = f"own-{uuid.uuid4().hex[:8]}"
    url = sqs.create_queue(QueueName=name, tags={"a": "1", "b": "2"})["QueueUrl"]
    assert sqs.get_queue_url(QueueName=name)["QueueUrl"] == url
    assert sqs.list_queues(QueueNamePrefix=name)["QueueUrls"] == [url]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    shown = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["VisibilityTimeout"])
    assert shown["Attributes"] == {"VisibilityTimeout": "7"}
    sqs.tag_queue(QueueUrl=url, Tags={"c": "3"})
    sqs.untag_queue(QueueUrl=url, TagKeys=["a", "b"])
    assert sqs.list_queue_tags(QueueUrl=url)["Tags"] == {"c": "3"}
    sqs.purge_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.PurgeQueueInProgress):
        sqs.purge_queue(QueueUrl=url)
    sqs.delete_queue(QueueUrl=url)
    with pytest.raises(sqs.exceptions.QueueDoesNotExist):
        sqs.get_queue_url(QueueName=name)
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x")[0] == (
        "AWS.SimpleQueueService.NonExistentQueue"
    )


def test_lists_come_in_pages(sqs: Any, queue: Callable[..., str]) -> None:
    dead = queue()
    policy = json.dumps({"deadLetterTargetArn": ARN + name_of(dead), "maxReceiveCount": 1})
    made = sorted(queue(RedrivePolicy=policy) for _ in range(3))
    pages = sqs.get_paginator("list_dead_letter_source_queues").paginate(
        QueueUrl=dead, PaginationConfig={"PageSize": 2}
    )
    assert [page["queueUrls"] for page in pages] == [made[:2], made[2:]]


def test_batches_fail_one_by_one(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue()
    entries = [{"Id": str(n), "MessageBody": f"m{n}"} for n in range(9)]
    entries.append({"Id": "bad", "MessageBody": "x", "DelaySeconds": 901})
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    assert len(answer["Successful"]) == 9
    (failed,) = answer["Failed"]
    assert (failed["Id"], failed["Code"], failed["SenderFault"]) == (
        "bad", "InvalidParameterValue", True,
    )  # fmt: skip
    messages = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert {message["Body"] for message in messages} == {f"m{n}" for n in range(9)}
    handles = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
    longer = [{**one, "VisibilityTimeout": 60} for one in handles]
    longer.append({"Id": "x", "ReceiptHandle": "none", "VisibilityTimeout": 1})
    changed = sqs.change_message_visibility_batch(QueueUrl=url, Entries=longer)
    assert len(changed["Successful"]) == 9
    assert changed["Failed"][0]["Code"] == "ReceiptHandleIsInvalid"
    assert len(sqs.delete_message_batch(QueueUrl=url, Entries=handles)["Successful"]) == 9
    for broken, code in (
        ([], "EmptyBatchRequest"),
        ([{"Id": "1", "MessageBody": "x"}] * 2, "BatchEntryIdsNotDistinct"),
        ([{"Id": "a b", "MessageBody": "x"}], "InvalidBatchEntryId"),
        ([{"Id": str(n), "MessageBody": "x"} for n in range(11)], "TooManyEntriesInBatchRequest"),
        ([{"Id": str(n), "MessageBody": "x" * 600_000} for n in range(2)], "BatchRequestTooLong"),
    ):
        found, _ = refused(sqs.send_message_batch, QueueUrl=url, Entries=broken)
        assert found == f"AWS.SimpleQueueService.{code}"


def test_what_is_not_legal_is_refused(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue(MaximumMessageSize="1024")
    for arguments, code in (
        ({"MessageBody": ""}, "MissingParameter"),
        ({"MessageBody": "x" * 1025}, "InvalidParameterValue"),
        ({"MessageBody": "\x0b"}, "InvalidMessageContents"),
        ({"MessageBody": "x", "DelaySeconds": 901}, "InvalidParameterValue"),
        ({"MessageBody": "x", "MessageDeduplicationId": "1"}, "InvalidParameterValue"),
    ):
        assert refused(sqs.send_message, QueueUrl=url, **arguments)[0] == code
    for arguments in (
        {"MaxNumberOfMessages": 11},
        {"WaitTimeSeconds": 21},
        {"VisibilityTimeout": 43201},
    ):
        found, message = refused(sqs.receive_message, QueueUrl=url, **arguments)
        assert found == "InvalidParameterValue" and next(iter(arguments)) in message
    assert refused(sqs.delete_message, QueueUrl=url, ReceiptHandle="x")[0] == (
        "ReceiptHandleIsInvalid"
    )
    assert refused(sqs.create_queue, QueueName="a b")[0] == "InvalidParameterValue"
    assert refused(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=["None"])[0] == (
        "InvalidAttributeName"
    )
    assert refused(sqs.send_message, QueueUrl="x", MessageBody="x")[0] == "InvalidAddress"


def test_a_fifo_queue_keeps_the_order_of_each_group(sqs: Any, queue: Callable[..., str]) -> None:
    url = queue(".fifo", FifoQueue="true", ContentBasedDeduplication="true")
    numbers = []
    for group, body in (("a", "a1"), ("b", "b1"), ("a", "a2"), ("a", "a1")):
        sent = sqs.send_message(QueueUrl=url, MessageBody=body, MessageGroupId=group)
        numbers.append(int(sent["SequenceNumber"]))
    assert numbers[0] < numbers[1] < numbers[2] and numbers[3] == numbers[0]
    (first,) = sqs.receive_message(QueueUrl=url, **ALL)["Messages"]
    assert first["Body"] == "a1" and first["Attributes"]["MessageGroupId"] == "a"
    others = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert [one["Body"] for one in others] == ["b1"], "a waits for a1"
    sqs.delete_message(QueueUrl=url, ReceiptHandle=first["ReceiptHandle"])
    (next_one,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    assert next_one["Body"] == "a2"
    assert refused(sqs.send_message, QueueUrl=url, MessageBody="x")[0] == "MissingParameter"


def test_long_polling_answers_at_once_when_something_comes(
    sqs: Any, server: StokerProcess, queue: Callable[..., str]
) -> None:
    url = queue()
    sqs.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=1)
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
    began = time.monotonic()
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)["Messages"]
    assert message["Body"] == "later"
    assert time.monotonic() - began < 15, "not only when the wait is over"


def test_the_cli_speaks_to_it(server: StokerProcess, queue: Callable[..., str]) -> None:
    url = queue()
    aws = Path(sys.executable).with_name("aws")
    done = subprocess.run(
        [aws, "--endpoint-url", server.url, "--region", REGION, "sqs", "send-message",
         "--queue-url", url, "--message-body", "from the shell"],
        capture_output=True, text=True, check=True,
        env={**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"},
    )  # fmt: skip
    assert json.loads(done.stdout)["MessageId"]


def test_the_query_protocol_is_answered_in_xml(server: StokerProcess, sqs: Any) -> None:
    def ask(path: str, **form: str) -> ElementTree.Element:
        scope = f"test/20260101/{REGION}/sqs/aws4_request"
        request = urllib.request.Request(
            server.url + path,
            data=urllib.parse.urlencode(form).encode(),
            headers={
                "Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host,"
                " Signature=0"
            },
        )
        try:
            with urllib.request.urlopen(request) as answer:
                body = answer.read()
        except urllib.error.HTTPError as error:
            with error:
                body = error.read()
        tree = ElementTree.fromstring(body)
        for element in tree.iter():
            element.tag = element.tag.rpartition("}")[2]
        return tree

    name = f"old-{uuid.uuid4().hex[:8]}"
    settings = {"Attribute.1.Name": "VisibilityTimeout", "Attribute.1.Value": "9"}
    made = ask("/", Action="CreateQueue", QueueName=name, **settings)
    url = made.findtext("CreateQueueResult/QueueUrl")
    assert url is not None and url.endswith(f"/000000000000/{name}")
    path = urllib.parse.urlsplit(url).path
    entry = "SendMessageBatchRequestEntry.1."
    attribute = f"{entry}MessageAttribute.1."
    batch = {
        f"{entry}Id": "one",
        f"{entry}MessageBody": "<é>\r\n",
        f"{attribute}Name": "k",
        f"{attribute}Value.DataType": "Binary",
        f"{attribute}Value.BinaryValue": "AAE=",
    }
    sent = ask(path, Action="SendMessageBatch", **batch)
    assert sent.findtext("SendMessageBatchResult/SendMessageBatchResultEntry/Id") == "one"
    got = ask(path, Action="ReceiveMessage", **{"AttributeName.1": "All",
              "MessageAttributeName.1": "All"}).find("ReceiveMessageResult/Message")  # fmt: skip
    assert got is not None
    assert got.findtext("Body") == "<é>\r\n"
    assert got.findtext("MessageAttribute/Value/BinaryValue") == "AAE="
    facts = {one.findtext("Name"): one.findtext("Value") for one in got.findall("Attribute")}
    assert facts["ApproximateReceiveCount"] == "1"
    shown = ask(path, Action="GetQueueAttributes", **{"AttributeName.1": "VisibilityTimeout"})
    assert shown.findtext("GetQueueAttributesResult/Attribute/Value") == "9"
    ask(path, Action="TagQueue", **{"Tag.1.Key": "a", "Tag.1.Value": "b"})
    assert ask(path, Action="ListQueueTags").findtext("ListQueueTagsResult/Tag/Key") == "a"
    assert ask(path, Action="DeleteQueue").find("ResponseMetadata/RequestId") is not None
    gone = ask(path, Action="ReceiveMessage")
    assert gone.findtext("Error/Code") == "AWS.SimpleQueueService.NonExistentQueue"
    assert gone.findtext("Error/Type") == "Sender"


def test_queues_take_records_and_dead_letters(
    lambda_client: Any, sqs: Any, queue: Callable[..., str], create: Create
) -> None:
    records, letters = queue(), queue()
    name = create(
        "def handler(event, context): raise ValueError('no')",
        DeadLetterConfig={"TargetArn": ARN + name_of(letters)},
    )
    lambda_client.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": ARN + name_of(records)}},
    )
    answer = lambda_client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"a": 1}')
    request_id = answer["ResponseMetadata"]["RequestId"]
    (record,) = sqs.receive_message(QueueUrl=records, WaitTimeSeconds=20)["Messages"]
    told = json.loads(record["Body"])
    assert told["requestContext"]["requestId"] == request_id
    assert told["responsePayload"]["errorMessage"] == "no"
    (letter,) = sqs.receive_message(QueueUrl=letters, WaitTimeSeconds=20, **ALL)["Messages"]
    assert letter["Body"] == '{"a": 1}'
    values = {key: value["StringValue"] for key, value in letter["MessageAttributes"].items()}
    assert values == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": "no"}


def test_a_function_uses_queues_by_its_own_endpoint(
    lambda_client: Any, sqs: Any, queue: Callable[..., str], create: Create
) -> None:
    url = queue()
    name = create(
        """
import boto3
def handler(event, context):
    boto3.client("sqs").send_message(QueueUrl=event, MessageBody="from inside")
""",
        Timeout=60,
        MemorySize=1024,
    )
    answer = lambda_client.invoke(FunctionName=name, Payload=json.dumps(url))
    assert "FunctionError" not in answer, answer["Payload"].read()
    found = until(lambda: sqs.receive_message(QueueUrl=url, **ALL).get("Messages"), bool)
    assert found[0]["Body"] == "from inside"
    assert "Lineage=" in found[0]["Attributes"]["AWSTraceHeader"]
