"""Events that cannot be taken: the caller is told, and nothing is half-accepted."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stoker.core.limits import ASYNC_PAYLOAD_BYTES
from tests.front_door import ACCOUNT, REGION, Door, at_the_door, create_function

PATIENCE_S = 30.0


async def invoked(door: Door, payload: bytes) -> str:
    """As an event; what was answered."""
    try:
        answer = await door.call(
            "lambda", "invoke", FunctionName="f", InvocationType="Event", Payload=payload
        )
    except ClientError as refusal:
        told: Any = refusal.response
        return f"{told['ResponseMetadata']['HTTPStatusCode']} {told['Error']['Code']}"
    return str(answer["StatusCode"])


async def ran(door: Door, count: int) -> list[bytes]:
    """The events that were run, once they are so many."""
    async with asyncio.timeout(PATIENCE_S):
        while len(door.echo.invocations) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    return [one.event for one in door.echo.invocations]


def test_an_event_that_the_disk_does_not_take_is_refused_and_never_run(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        db: Any = door.control.events._queue._file._db
        db.execute("PRAGMA query_only = ON")
        assert await invoked(door, b'"lost"') == "500 ServiceException"
        db.execute("PRAGMA query_only = OFF")
        assert await invoked(door, b'"kept"') == "202"
        assert await ran(door, 1) == [b'"kept"']

    at_the_door(tmp_path, story)


def test_an_event_of_the_largest_size_is_run_and_one_byte_more_is_not(tmp_path: Path) -> None:
    largest = b'"' + b"x" * (ASYNC_PAYLOAD_BYTES - 2) + b'"'

    async def story(door: Door) -> None:
        await create_function(door)
        assert await invoked(door, largest + b" ") == "413 RequestTooLargeException"
        assert await invoked(door, largest) == "202"
        assert await ran(door, 1) == [largest]

    at_the_door(tmp_path, story)


def test_a_message_that_the_disk_does_not_take_is_refused(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        url = (await door.call("sqs", "create_queue", QueueName="q"))["QueueUrl"]
        db: Any = door.control.queues._store.file._db
        db.execute("PRAGMA query_only = ON")
        with pytest.raises(ClientError) as refused:
            await door.call("sqs", "send_message", QueueUrl=url, MessageBody="lost")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
        two = [{"Id": id, "MessageBody": id} for id in "ab"]
        with pytest.raises(ClientError):
            await door.call("sqs", "send_message_batch", QueueUrl=url, Entries=two)
        db.execute("PRAGMA query_only = OFF")
        await door.call("sqs", "send_message", QueueUrl=url, MessageBody="kept")
        found = await door.call(
            "sqs", "receive_message", QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=20
        )
        assert [one["Body"] for one in found["Messages"]] == ["kept"]

    at_the_door(tmp_path, story)


def test_a_filter_that_is_none_makes_no_mapping(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        await door.call("sqs", "create_queue", QueueName="q")
        for pattern in (
            "{",
            "[]",
            json.dumps({"body": {"n": 1}}),
            json.dumps({"body": [{"x": 1}]}),
        ):
            with pytest.raises(ClientError) as refused:
                await door.call(
                    "lambda", "create_event_source_mapping", FunctionName="f",
                    EventSourceArn=f"arn:aws:sqs:{REGION}:{ACCOUNT}:q",
                    FilterCriteria={"Filters": [{"Pattern": pattern}]},
                )  # fmt: skip
            assert refused.value.response["Error"]["Code"] == "InvalidParameterValueException"
        listed = await door.call("lambda", "list_event_source_mappings")
        assert listed["EventSourceMappings"] == []

    at_the_door(tmp_path, story)
