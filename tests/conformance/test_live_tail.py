"""StartLiveTail, as boto3 and the AWS CLI follow it."""

import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from stoker.observe.live_tails import SESSIONS
from tests.faults.scene import until
from tests.running import StokerProcess


@pytest.fixture
def account() -> str:
    """Its own for each test: sessions are counted by account, and end a moment after they are
    closed."""
    return str(uuid.uuid4().int)[:12]


@pytest.fixture
def logs(server: StokerProcess, account: str) -> Iterator[Any]:
    # botocore would call the host stream-127.0.0.1 (AWS_DISABLE_HOST_PREFIX_INJECTION, elsewhere).
    config = Config(inject_host_prefix=False, connect_timeout=5, read_timeout=60)
    with closing(server.client("logs", config=config, aws_access_key_id=account)) as client:
        yield client


def group_of(logs: Any, *streams: str) -> tuple[str, str]:
    """Its name and ARN."""
    name = f"/g/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    for stream in streams:
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
    [found] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    return name, found["logGroupArn"]


def put(logs: Any, group: str, stream: str, *messages: str) -> None:
    now_ms = int(time.time() * 1000)
    events = [{"timestamp": now_ms, "message": message} for message in messages]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def seen(stream: Any, wanted: int) -> list[dict[str, Any]]:
    """So many results; each second an update says that the session lives."""
    found: list[dict[str, Any]] = []
    until = time.monotonic() + 60
    for event in stream:
        found += event.get("sessionUpdate", {}).get("sessionResults", ())
        if len(found) >= wanted:
            return found
        assert time.monotonic() < until
    raise AssertionError("the stream ended")


def test_events_are_seen_as_they_come(logs: Any) -> None:
    group, arn = group_of(logs, "a-1", "b-1")
    answer = logs.start_live_tail(
        logGroupIdentifiers=[arn], logStreamNamePrefixes=["a-"], logEventFilterPattern="ERROR"
    )
    with closing(answer["responseStream"]) as stream:
        events = iter(stream)
        started = next(events)["sessionStart"]
        assert started["logGroupIdentifiers"] == [arn]
        assert started["logEventFilterPattern"] == "ERROR"
        put(logs, group, "b-1", "ERROR elsewhere")
        put(logs, group, "a-1", "INFO one", "ERROR two")
        put(logs, group, "a-1", "ERROR three")
        found = seen(events, 2)
    assert [(one["logStreamName"], one["message"]) for one in found] == [
        ("a-1", "ERROR two"), ("a-1", "ERROR three"),
    ]  # fmt: skip
    assert found[0]["logGroupIdentifier"].endswith(f":{group}")


def test_a_flood_is_sampled_and_says_so(logs: Any) -> None:
    group, arn = group_of(logs, "s")
    with closing(logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"]) as stream:
        events = iter(stream)
        next(events)
        put(logs, group, "s", *(f"line {n}" for n in range(2000)))
        for event in events:
            update = event["sessionUpdate"]
            if update["sessionResults"]:
                break
        assert update["sessionMetadata"]["sampled"] is True
        assert len(update["sessionResults"]) == 500


def test_sessions_are_bounded_and_those_that_end_make_room(logs: Any) -> None:
    _, arn = group_of(logs)
    open_ones: list[Any] = []
    try:
        for _ in range(SESSIONS):
            open_ones.append(logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"])
        with pytest.raises(logs.exceptions.LimitExceededException):
            logs.start_live_tail(logGroupIdentifiers=[arn])
    finally:
        for stream in open_ones:
            stream.close()

    def there_is_room() -> bool:
        try:
            logs.start_live_tail(logGroupIdentifiers=[arn])["responseStream"].close()
        except logs.exceptions.LimitExceededException:
            return False  # the server hears of it a moment later
        return True

    until(there_is_room, bool)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"logGroupIdentifiers": ["gone"]}, "ResourceNotFoundException"),
        (
            {"logGroupIdentifiers": ["a", "b"], "logStreamNames": ["s"]},
            "InvalidParameterException",
        ),
        (
            {
                "logGroupIdentifiers": ["a"],
                "logStreamNames": ["s"],
                "logStreamNamePrefixes": ["s"],
            },
            "InvalidParameterException",
        ),
    ],
)
def test_refusals_have_aws_s_names(logs: Any, asked: dict[str, Any], code: str) -> None:
    with pytest.raises(ClientError) as refusal:
        logs.start_live_tail(**asked)
    assert refusal.value.response["Error"]["Code"] == code
