"""`stoker event`: an event of each trigger, in AWS's shape."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from stoker.cli.main import app
from stoker.core.sample_events import KINDS, Given, sample

NOW = 1_700_000_000.25
ID = "12345678-1234-4123-8123-123456789012"


def made(kind: str, **options: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in options.items()}
    return json.loads(sample(kind, Given(named, "111122223333", "eu-west-1", ID, NOW)))


def test_what_is_said_is_in_the_event() -> None:
    s3 = made("s3:put", bucket="b", key="a b.txt", body="123")["Records"][0]["s3"]
    assert (s3["bucket"]["name"], s3["object"]["key"], s3["object"]["size"]) == ("b", "a+b.txt", 3)
    assert "size" not in made("s3:delete", key="k")["Records"][0]["s3"]["object"]
    [message] = made("sqs", name="orders", body="x")["Records"]
    assert message["eventSourceARN"] == "arn:aws:sqs:eu-west-1:111122223333:orders"
    assert (message["body"], message["attributes"]["SentTimestamp"]) == ("x", "1700000000250")
    told = made("sns", name="t", body="x", subject="s")["Records"][0]["Sns"]
    assert (told["Message"], told["Subject"]) == ("x", "s")
    told = made("eventbridge", source="shop", detail_type="sold", body='{"id": 7}')
    assert (told["source"], told["detail-type"], told["detail"]) == ("shop", "sold", {"id": 7})
    assert made("schedule", name="daily")["resources"][0].endswith(":rule/daily")
    [record] = made("kinesis", key="p", body="hello")["Records"]
    assert (record["kinesis"]["partitionKey"], record["kinesis"]["data"]) == ("p", "aGVsbG8=")
    [record] = made("dynamodb", key="7", body='{"n": {"N": "1"}}')["Records"]
    assert record["dynamodb"]["NewImage"] == {"n": {"N": "1"}, "id": {"S": "7"}}
    told = made("kafka", name="orders", key="k", body="hello")
    assert (told["eventSource"], list(told["records"])) == ("SelfManagedKafka", ["orders-0"])
    [record] = told["records"]["orders-0"]
    assert (record["key"], record["value"], record["timestamp"]) == (
        "aw==",
        "aGVsbG8=",
        1700000000250,
    )
    told = made("alarm", name="errors", body="too many")
    assert told["alarmArn"] == "arn:aws:cloudwatch:eu-west-1:111122223333:alarm:errors"
    data = told["alarmData"]
    assert (data["previousState"]["value"], data["state"]["value"]) == ("OK", "ALARM")
    assert data["state"]["reason"] == "too many"
    assert data["configuration"]["metrics"][0]["metricStat"]["metric"]["name"] == "Errors"
    for kind in ("http-api", "function-url"):
        told = made(kind, method="put", path="/a?b=c", body="{}")
        assert (told["version"], told["rawPath"], told["rawQueryString"]) == ("2.0", "/a", "b=c")
        assert told["requestContext"]["http"]["method"] == "PUT"
        assert told["headers"]["x-forwarded-port"] == "80", "the host says no port"
    assert made("http-api:1.0", path="/a")["httpMethod"] == "GET"
    told = made("rest-api", method="put", path="/a?b=c", body="{}")
    assert (told["resource"], told["path"], told["httpMethod"]) == ("/a", "/a", "PUT")
    assert told["multiValueQueryStringParameters"] == {"b": ["c"]}
    assert told["requestContext"]["path"] == "/prod/a"
    assert (told["body"], told["isBase64Encoded"]) == ("{}", False)
    arn = "arn:aws:execute-api:eu-west-1:111122223333:abcdefghij"
    assert made("rest-api:authorizer", method="put", path="/a") == {
        "type": "TOKEN", "authorizationToken": "Bearer token", "methodArn": f"{arn}/prod/PUT/a",
    }  # fmt: skip
    asks = made("http-api:authorizer", path="/a?b=c")
    assert (asks["type"], asks["routeArn"]) == ("REQUEST", f"{arn}/$default/GET/a")
    assert asks["identitySource"] == [asks["headers"]["authorization"]] == ["Bearer token"]
    assert told["headers"]["X-Forwarded-Port"] == "80"


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_needs_nothing_and_is_printed(kind: str) -> None:
    done = CliRunner().invoke(app, ["event", kind, "--account", "111122223333"])
    assert done.exit_code == 0, done.stderr
    assert "111122223333" in done.stdout or kind in ("function-url", "logs", "kafka")
    assert isinstance(json.loads(done.stdout), dict)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["fax"], "'fax' is none of s3:put,"),
        (["sqs", "--bucket", "b"], "sqs has no use for --bucket (its options: --name, --body)"),
        (["eventbridge", "--body", "no json"], "Expecting value"),
        (["dynamodb", "--body", "[]"], "--body has to be a JSON object"),
    ],
)
def test_what_cannot_be_made_is_said_in_a_line(words: list[str], reason: str) -> None:
    done = CliRunner().invoke(app, ["event", *words])
    assert done.exit_code == 1
    assert reason in done.stderr
    assert done.stderr.count("\n") == 1
