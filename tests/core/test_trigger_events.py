"""The events of S3 and SNS, beside the examples of AWS's guides."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from stoker.core.trigger_events import (
    ObjectChange,
    Occasion,
    TopicMessage,
    moment,
    of_eventbridge,
    of_rule,
    of_s3,
    of_scheduler,
    of_sns,
)

PUT = ObjectChange(
    "ObjectCreated:Put", "us-west-2", "123456789012", "amzn-bucket", "testConfigRule",
    "happy face.jpg", 1024, "d41d8cd98f00b204e9800998ecf8427e", None, 7, "c3d13fe58de4c810",
    "1.2.3.4",
)  # fmt: skip


def test_an_object_s_record_has_all_that_aws_s_has() -> None:
    (record,) = of_s3(PUT, 0.0)["Records"]
    assert record.keys() == {
        "eventVersion", "eventSource", "awsRegion", "eventTime", "eventName", "userIdentity",
        "requestParameters", "responseElements", "s3",
    }  # fmt: skip
    assert record["eventTime"] == "1970-01-01T00:00:00.000Z"
    assert record["requestParameters"] == {"sourceIPAddress": "1.2.3.4"}
    assert record["responseElements"].keys() == {"x-amz-request-id", "x-amz-id-2"}
    assert record["s3"]["bucket"]["ownerIdentity"]["principalId"]
    assert record["s3"]["bucket"]["arn"] == "arn:aws:s3:::amzn-bucket"
    assert record["s3"]["object"].keys() == {"key", "size", "eTag", "sequencer"}


def test_keys_are_encoded_as_in_forms_but_for_slashes() -> None:
    def key(name: str) -> str:
        text: str = of_s3(replace(PUT, key=name), 0.0)["Records"][0]["s3"]["object"]["key"]
        return text

    assert key("images/my image+1.jpg") == "images/my+image%2B1.jpg"
    assert key("é") == "%C3%A9"


def test_what_is_gone_has_no_size_and_what_has_versions_says_which() -> None:
    gone = replace(PUT, event="ObjectRemoved:DeleteMarkerCreated", version="v1")
    assert of_s3(gone, 0.0)["Records"][0]["s3"]["object"].keys() == {
        "key", "versionId", "sequencer",
    }  # fmt: skip


def test_sequencers_sort_as_their_changes_came() -> None:
    texts = [
        of_s3(replace(PUT, number=n), 0.0)["Records"][0]["s3"]["object"]["sequencer"]
        for n in (9, 10, 255, 10**15)
    ]
    assert texts == sorted(texts)


def test_a_topic_s_record_has_all_that_aws_s_has() -> None:
    topic = "arn:aws:sns:us-east-1:123456789012:t"
    attributes = {"k": {"Type": "String", "Value": "v", "more": "of moto's"}}
    message = TopicMessage(topic, f"{topic}:1", "id", "hello", None, attributes)
    (record,) = of_sns(message, 1.5)["Records"]
    assert record["EventSubscriptionArn"] == f"{topic}:1"
    sns = record["Sns"]
    assert sns.keys() == {
        "Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp", "SignatureVersion",
        "Signature", "SigningCertUrl", "UnsubscribeUrl", "MessageAttributes",
    }  # fmt: skip
    assert (sns["Subject"], sns["Timestamp"]) == (None, moment(1.5))
    assert sns["MessageAttributes"] == {"k": {"Type": "String", "Value": "v"}}


def test_an_event_of_a_bus_has_its_time_in_text_and_nothing_of_the_bus() -> None:
    event = {"version": "0", "id": "i", "detail-type": "t", "source": "s", "account": "1",
             "time": 1_513_968_228.9, "region": "r", "resources": [],
             "detail": {"a": 1}}  # fmt: skip
    sent = of_eventbridge({**event, "ingestion-time": 5.0, "replay-name": "none"})
    assert sent == {**event, "time": "2017-12-22T18:43:48Z"}
    assert of_eventbridge({**event, "time": "2017-12-22T18:43:48Z"}) == sent


DUE = Occasion(
    "arn:aws:events:us-east-1:123456789012:rule/r", "us-east-1", "123456789012", "i",
    datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC),
)  # fmt: skip


def test_a_rule_with_a_schedule_sends_a_scheduled_event() -> None:
    assert of_eventbridge(of_rule(DUE)) == {
        "version": "0", "id": "i", "detail-type": "Scheduled Event", "source": "aws.events",
        "account": "123456789012", "time": "2026-01-02T03:04:05Z", "region": "us-east-1",
        "resources": [DUE.arn], "detail": {},
    }  # fmt: skip


def test_the_scheduler_sends_what_it_was_given_with_its_attributes_in_place() -> None:
    given = '{"a": "<aws.scheduler.scheduled-time>", "n": "<aws.scheduler.attempt-number>"}'
    assert json.loads(of_scheduler(DUE, given)) == {"a": "2026-01-02T03:04:05Z", "n": "1"}
    assert of_scheduler(DUE, "<aws.scheduler.execution-id> <other>") == "i <other>"


def test_the_scheduler_sends_a_notification_when_nothing_was_given() -> None:
    sent = json.loads(of_scheduler(DUE, None))
    assert (sent["source"], sent["detail"], sent["resources"]) == ("aws.scheduler", "{}", [DUE.arn])
