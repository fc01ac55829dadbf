"""Alarms in a whole server: what they see of functions, and whom they tell."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from tests.faults.scene import until
from tests.running import StokerProcess


@pytest.fixture
def clients(server: StokerProcess) -> Iterator[Callable[[str], Any]]:
    made: dict[str, Any] = {}
    with ExitStack() as stack:

        def client(name: str) -> Any:
            if name not in made:
                made[name] = stack.enter_context(closing(server.client(name)))
            return made[name]

        yield client


def bodies(sqs: Any, url: str) -> list[Any]:
    """What is in the queue, and then no more."""
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
    found = [json.loads(each["Body"]) for each in answer.get("Messages", ())]
    for each in answer.get("Messages", ()):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
    return found


def test_topics_and_rules_hear_that_an_alarm_has_changed_its_state(
    clients: Callable[[str], Any],
) -> None:
    name = f"alarm-{uuid.uuid4().hex[:8]}"
    sqs, sns, events, cloudwatch = map(clients, ("sqs", "sns", "events", "cloudwatch"))
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    facts = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    arn = facts["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": arn}])
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="Mine", MetricName=name, Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="ignore", AlarmActions=[topic],
    )  # fmt: skip
    try:
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="drill")
        found: list[Any] = []

        def look() -> list[Any]:
            found.extend(bodies(sqs, queue))
            return found

        until(look, lambda seen: len(seen) >= 2)
        (event,) = [one for one in found if "detail" in one]
        (notice,) = [one for one in found if "Message" in one]
        assert event["detail-type"] == "CloudWatch Alarm State Change"
        assert event["resources"][0].endswith(f":alarm:{name}")
        assert event["detail"]["state"]["value"] == "ALARM"
        assert event["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
        assert notice["Subject"].startswith(f'ALARM: "{name}" in ')
        assert json.loads(notice["Message"])["NewStateReason"] == "drill"
    finally:
        cloudwatch.delete_alarms(AlarmNames=[name])
        events.remove_targets(Rule=name, Ids=["1"])
        events.delete_rule(Name=name)
        sns.delete_topic(TopicArn=topic)
        sqs.delete_queue(QueueUrl=queue)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_errors_of_a_function_raise_an_alarm_within_two_minutes_and_their_end_ends_it(
    clients: Callable[[str], Any], create: Callable[..., str]
) -> None:
    """By itself, minute after minute: nobody puts the alarm again."""
    name = create("def handler(event, context): raise ValueError(event)")
    cloudwatch = clients("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=name, Namespace="AWS/Lambda", MetricName="Errors", Statistic="Sum", Period=60,
        Dimensions=[{"Name": "FunctionName", "Value": name}], EvaluationPeriods=1, Threshold=0,
        ComparisonOperator="GreaterThanThreshold", TreatMissingData="notBreaching",
    )  # fmt: skip

    def state() -> str:
        found = cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"]
        return str(found[0]["StateValue"])

    try:
        until(state, lambda seen: seen == "OK")
        clients("lambda").invoke(FunctionName=name)
        began = time.monotonic()
        until(state, lambda seen: seen == "ALARM", 130)
        assert time.monotonic() - began < 130
        until(state, lambda seen: seen == "OK", 310)
    finally:
        cloudwatch.delete_alarms(AlarmNames=[name])
