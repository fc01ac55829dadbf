"""Asynchronous invocations as their users see them, over boto3, on the server that all share."""

import json
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.running import REGION, StokerProcess

Create = Callable[..., str]
ACCOUNT = "000000000000"


@pytest.fixture
def printed(logs_client: Any) -> Callable[[str], list[Any]]:
    """The JSON that a function has printed behind the word SEEN, in its order."""

    def read(function: str) -> list[Any]:
        try:
            pages = logs_client.get_paginator("filter_log_events").paginate(
                logGroupName=f"/aws/lambda/{function}", filterPattern="SEEN"
            )
            lines = [event["message"] for page in pages for event in page["events"]]
        except logs_client.exceptions.ResourceNotFoundException:
            return []
        return [json.loads(line.partition("SEEN ")[2]) for line in lines]

    return read


SEEN = """
import json
def handler(event, context):
    print("SEEN", json.dumps([context.aws_request_id, event]))
"""


def counts(server: StokerProcess, function: str) -> dict[str, int]:
    with urllib.request.urlopen(f"{server.url}/_stoker/api/events", timeout=10) as answer:
        shown = json.load(answer)["events"]
    return next((one["counts"] for one in shown if one["function"] == function), {})


def test_an_event_is_answered_202_and_run_with_that_request_id(
    lambda_client: Any, create: Create, printed: Callable[[str], list[Any]]
) -> None:
    name = create(SEEN)
    answer = lambda_client.invoke(FunctionName=name, InvocationType="Event", Payload=b'{"n": 1}')
    assert answer["StatusCode"] == 202
    assert answer["Payload"].read() == b""
    assert "ExecutedVersion" not in answer
    older = lambda_client.invoke_async(FunctionName=name, InvokeArgs=b'{"n": 2}')
    assert older["Status"] == 202
    ids = [one["ResponseMetadata"]["RequestId"] for one in (answer, older)]
    until(lambda: sorted(printed(name), key=lambda one: one[1]["n"]), lambda seen: seen == [
        [ids[0], {"n": 1}], [ids[1], {"n": 2}]
    ])  # fmt: skip


def test_what_cannot_be_queued_is_told_at_once(lambda_client: Any, create: Create) -> None:
    name = create(SEEN)
    for payload, code in (
        (b"{", "InvalidRequestContentException"),
        (b'"' + b"x" * 1_048_576 + b'"', "RequestTooLargeException"),
    ):
        with pytest.raises(ClientError) as refusal:
            lambda_client.invoke(FunctionName=name, InvocationType="Event", Payload=payload)
        assert refusal.value.response["Error"]["Code"] == code
    with pytest.raises(lambda_client.exceptions.InvalidRequestContentException):
        lambda_client.invoke_async(FunctionName=name, InvokeArgs=b"{")
    for send in (
        lambda: lambda_client.invoke(FunctionName=f"{name}x", InvocationType="Event"),
        lambda: lambda_client.invoke_async(FunctionName=f"{name}x", InvokeArgs=b"{}"),
    ):
        with pytest.raises(lambda_client.exceptions.ResourceNotFoundException):
            send()


def test_a_function_is_told_of_success_and_failure_of_another(
    lambda_client: Any, create: Create, printed: Callable[[str], list[Any]]
) -> None:
    told = create(SEEN)
    name = create("def handler(event, context): return 10 / event['by']")
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:"
    lambda_client.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={
            "OnSuccess": {"Destination": arn + told},
            "OnFailure": {"Destination": arn + told},
        },
    )
    for by in (5, 0):
        lambda_client.invoke(
            FunctionName=name, InvocationType="Event", Payload=json.dumps({"by": by})
        )
    seen = until(lambda: printed(told), lambda seen: len(seen) == 2)
    records = sorted((record for _, record in seen), key=lambda one: one["requestPayload"]["by"])
    failure, success = records
    assert success["version"] == "1.0"
    assert success["requestContext"]["functionArn"] == f"{arn}{name}:$LATEST"
    assert success["requestContext"]["condition"] == "Success"
    assert success["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert success["responsePayload"] == 2.0
    assert failure["requestContext"]["condition"] == "RetriesExhausted"
    assert failure["requestContext"]["approximateInvokeCount"] == 1
    assert failure["responseContext"]["functionError"] == "Unhandled"
    assert failure["responsePayload"]["errorType"] == "ZeroDivisionError"


def test_one_reserved_lets_events_run_one_after_another_in_their_order(
    lambda_client: Any, create: Create, printed: Callable[[str], list[Any]]
) -> None:
    name = create(
        """
import json, time
def handler(event, context):
    began = time.time()
    time.sleep(0.02)
    print("SEEN", json.dumps([event, began, time.time()]))
"""
    )
    lambda_client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    for n in range(6):
        lambda_client.invoke(FunctionName=name, InvocationType="Event", Payload=str(n))
    seen = until(lambda: printed(name), lambda seen: len(seen) == 6)
    seen.sort(key=lambda one: one[1])
    assert [n for n, _, _ in seen] == list(range(6))
    ends = [end for _, _, end in seen]
    begins = [began for _, began, _ in seen]
    assert all(end <= began for end, began in zip(ends, begins[1:], strict=False))


def test_a_function_that_invokes_itself_is_stopped_after_sixteen(
    server: StokerProcess,
    lambda_client: Any,
    create: Create,
    printed: Callable[[str], list[Any]],
) -> None:
    name = create(
        """
import boto3, json
functions = boto3.client("lambda")
def handler(event, context):
    print("SEEN", json.dumps(event))
    functions.invoke(FunctionName=context.function_name, InvocationType="Event",
                     Payload=json.dumps(event + 1))
""",
        Timeout=60,
        MemorySize=1024,
    )
    lambda_client.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    lambda_client.invoke(FunctionName=name, InvocationType="Event", Payload="0")
    until(lambda: counts(server, name), lambda found: found.get("RecursiveInvocationsDropped"))
    until(lambda: sorted(printed(name)), lambda seen: seen == list(range(16)))
    assert counts(server, name)["AsyncEventsReceived"] == 17
