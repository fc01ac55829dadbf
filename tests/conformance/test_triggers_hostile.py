"""Targets of other accounts, and targets that are no ARNs, with boto3 on both sides."""

import json
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.running import REGION, StokerProcess

ONE, OTHER = "111111111111", "222222222222"
NO_ARNS = (
    "x",
    "a:b",
    "arn:aws:sqs",
    "arn:aws:sqs:r:acct",
    "arn:aws:lambda:r\r\nx-stoker-source: y",
)


class Account:
    """One account's clients."""

    def __init__(self, server: StokerProcess, number: str, stack: ExitStack) -> None:
        self.number = number
        self.s3, self.sns, self.sqs, self.events = (
            stack.enter_context(closing(server.client(name, aws_access_key_id=number)))
            for name in ("s3", "sns", "sqs", "events")
        )

    def bucket(self) -> str:
        name = unique()
        self.s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def topic(self, *endpoints: tuple[str, str]) -> str:
        arn: str = self.sns.create_topic(Name=unique())["TopicArn"]
        for protocol, endpoint in endpoints:
            self.sns.subscribe(TopicArn=arn, Protocol=protocol, Endpoint=endpoint)
        return arn

    def queue(self) -> tuple[str, str]:
        """URL and ARN."""
        name = unique()
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        return url, f"arn:aws:sqs:{REGION}:{self.number}:{name}"

    def notify(self, bucket: str, kind: str, arn: str) -> None:
        wanted = {f"{kind}Arn": arn, "Events": ["s3:ObjectCreated:*"]}
        configuration = {f"{kind}Configurations": [wanted]}
        self.s3.put_bucket_notification_configuration(
            Bucket=bucket, NotificationConfiguration=configuration
        )

    def received(self, url: str) -> list[Any]:
        """The bodies of the next messages, which are JSON; some time passes if there are none."""
        answer = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=20)
        for message in answer["Messages"]:
            self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in answer["Messages"]]

    def count(self, url: str) -> int:
        name = "ApproximateNumberOfMessages"
        told = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(told["Attributes"][name])


def unique() -> str:
    return f"n-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def accounts(server: StokerProcess) -> Iterator[tuple[Account, Account]]:
    with ExitStack() as stack:
        yield Account(server, ONE, stack), Account(server, OTHER, stack)


def test_queues_take_nothing_of_other_accounts(
    server: StokerProcess, accounts: tuple[Account, Account]
) -> None:
    one, other = accounts
    url, arn = other.queue()
    topic = one.topic(("sqs", arn))
    one.sns.publish(TopicArn=topic, Message="m")
    refused = f"could not reach {arn}: queues take nothing from other accounts"
    until(server.log.read_text, lambda log: f"sns {refused}" in log)
    rule = unique()
    one.events.put_rule(Name=rule, EventPattern=json.dumps({"source": [rule]}))
    one.events.put_targets(Rule=rule, Targets=[{"Id": "1", "Arn": arn}])
    one.events.put_events(Entries=[{"Source": rule, "DetailType": "t", "Detail": "{}"}])
    until(server.log.read_text, lambda log: f"events {refused}" in log)
    with pytest.raises(ClientError, match="Unable to validate the following destination"):
        one.notify(one.bucket(), "Queue", arn)
    assert other.count(url) == 0


def test_another_account_neither_sets_up_a_bucket_nor_has_it_send(
    accounts: tuple[Account, Account],
) -> None:
    one, other = accounts
    (url, arn), bucket = one.queue(), one.bucket()
    one.notify(bucket, "Queue", arn)
    assert [told["Event"] for told in one.received(url)] == ["s3:TestEvent"]
    with pytest.raises(ClientError, match="AccessDenied"):
        other.notify(bucket, "Queue", other.queue()[1])
    with pytest.raises(ClientError, match="AccessDenied"):
        other.s3.put_object(Bucket=bucket, Key="other", Body=b"x")
    one.s3.put_object(Bucket=bucket, Key="one", Body=b"x")
    (told,) = one.received(url)
    assert [record["s3"]["object"]["key"] for record in told["Records"]] == ["one"]


def test_subscriptions_that_are_no_arns_cost_the_others_nothing(
    server: StokerProcess, accounts: tuple[Account, Account]
) -> None:
    one, _ = accounts
    (url, arn), (_, misplaced) = one.queue(), one.queue()
    bad = [("lambda", endpoint) for endpoint in (*NO_ARNS, misplaced)]
    topic = one.topic(*bad, ("sqs", arn))
    one.sns.publish(TopicArn=topic, Message="m")
    (told,) = one.received(url)
    assert told["Message"] == "m"
    for endpoint in (*NO_ARNS, misplaced):
        said = endpoint.replace("\r\n", r"\\r\\n")  # escaped there, and in the log's JSON again
        until(server.log.read_text, lambda log, said=said: f"could not reach {said}: " in log)
    assert "trigger failed" not in server.log.read_text()


@pytest.mark.parametrize("kind", ["LambdaFunction", "Queue", "Topic"])
@pytest.mark.parametrize("arn", ["x", "arn:aws:sqs", "arn:aws:lambda:r\r\ny: z"])
def test_a_bucket_takes_no_target_that_is_no_arn(
    accounts: tuple[Account, Account], kind: str, arn: str
) -> None:
    one, _ = accounts
    bucket = one.bucket()
    with pytest.raises(ClientError) as refused:
        one.notify(bucket, kind, arn)
    assert refused.value.response["Error"]["Code"] == "InvalidArgument"
    one.s3.put_object(Bucket=bucket, Key="k", Body=b"x")
