"""Streamed answers end to end: bootstraps that stream, and boto3's own parser of event streams."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.invoking import PREAMBLE
from tests.streaming import STREAM

Create = Callable[..., str]

STREAMER = (
    PREAMBLE.replace(PREAMBLE.splitlines()[0], "#!/usr/bin/python3 -IS")
    + STREAM
    + """
def printed(stream):
    print("a line of the function", flush=True)
    stream.write(b"printed")

def breaks_off(stream):
    import base64
    stream.write(b"so far")
    error = b'{"errorMessage":"broke off","errorType":"Oops"}'
    return [ERROR[0] + ": Function.Oops", ERROR[1] + ": " + base64.b64encode(error).decode()]

def large(stream):
    for n in range(60):
        stream.write(b"%099999d\\n" % n)

def crashes(stream):
    stream.write(b"so far")
    time.sleep(0.2)
    os._exit(3)

def stalls(stream):
    stream.write(b"so far")
    time.sleep(60)

while True:
    request_id, event, headers = next_event()
    event = json.loads(event)
    if event == "whole":
        respond(request_id, '"whole"', {"Content-Type": "application/json"})
    elif event == "error":
        fail(request_id, '{"errorMessage": "no", "errorType": "E"}', {
            "Lambda-Runtime-Function-Error-Type": "Function.E",
            "Lambda-Runtime-Function-Response-Mode": "streaming",
        })
    else:
        stream = Stream(request_id, trailers=ERROR)
        stream.finish(*(globals()[event](stream) or ()))
"""
)


@pytest.fixture
def streamer(create: Create) -> str:
    return create({"bootstrap": STREAMER}, ("bootstrap",), Runtime="provided.al2023", Timeout=20)


def stream(client: Any, name: str, event: object, **options: str) -> Any:
    payload = json.dumps(event)
    return client.invoke_with_response_stream(FunctionName=name, Payload=payload, **options)


def read(answer: Any) -> tuple[bytes, dict[str, str]]:
    """All chunks as one, and how it ended."""
    chunks, ends = [], []
    for event in answer["EventStream"]:
        if "PayloadChunk" in event:
            assert not ends, "a chunk behind the end"
            chunks.append(event["PayloadChunk"]["Payload"])
        else:
            ends.append(event["InvokeComplete"])
    assert len(ends) == 1
    return b"".join(chunks), ends[0]


def test_boto3_reads_a_streamed_answer(lambda_client: Any, streamer: str) -> None:
    answer = stream(lambda_client, streamer, "large")
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    assert answer["ResponseMetadata"]["RequestId"]
    payload, end = read(answer)
    assert payload == b"".join(b"%099999d\n" % n for n in range(60))
    assert end == {}


def test_an_answer_that_is_not_streamed_is_one_chunk(lambda_client: Any, streamer: str) -> None:
    events = list(stream(lambda_client, streamer, "whole")["EventStream"])
    assert events == [{"PayloadChunk": {"Payload": b'"whole"'}}, {"InvokeComplete": {}}]


def test_a_managed_function_answers_a_streaming_caller(lambda_client: Any, create: Create) -> None:
    name = create("def handler(event, context): return event")
    assert read(stream(lambda_client, name, {"a": 1})) == (b'{"a": 1}', {})


def test_an_error_before_the_first_byte_is_unhandled(lambda_client: Any, streamer: str) -> None:
    assert read(stream(lambda_client, streamer, "error")) == (
        b"",
        {
            "ErrorCode": "Unhandled",
            "ErrorDetails": '{"errorMessage": "no", "errorType": "E"}',
        },
    )


def test_an_error_in_mid_stream_comes_behind_the_chunks(lambda_client: Any, streamer: str) -> None:
    assert read(stream(lambda_client, streamer, "breaks_off")) == (
        b"so far",
        {
            "ErrorCode": "Function.Oops",
            "ErrorDetails": '{"errorMessage":"broke off","errorType":"Oops"}',
        },
    )


def test_a_crash_in_mid_stream_comes_behind_the_chunks(lambda_client: Any, streamer: str) -> None:
    payload, end = read(stream(lambda_client, streamer, "crashes"))
    assert payload == b"so far"
    assert end["ErrorCode"] in ("Runtime.ExitError", "Runtime.TruncatedResponse")
    assert json.loads(end["ErrorDetails"])["errorType"] == end["ErrorCode"]


def test_a_timeout_in_mid_stream_comes_behind_the_chunks(
    lambda_client: Any, create: Create
) -> None:
    name = create({"bootstrap": STREAMER}, ("bootstrap",), Runtime="provided.al2023", Timeout=1)
    payload, end = read(stream(lambda_client, name, "stalls"))
    assert payload == b"so far"
    assert end["ErrorCode"] == "Sandbox.Timedout"
    assert "Task timed out after 1.00 seconds" in end["ErrorDetails"]
    assert read(stream(lambda_client, name, "whole")) == (b'"whole"', {})


def test_the_log_comes_with_the_end(lambda_client: Any, streamer: str) -> None:
    payload, end = read(stream(lambda_client, streamer, "printed", LogType="Tail"))
    assert payload == b"printed"
    log = base64.b64decode(end.pop("LogResult")).decode()
    assert "a line of the function\n" in log
    assert "REPORT RequestId: " in log
    assert end == {}


def test_a_plain_caller_gets_a_streamed_answer_whole(lambda_client: Any, streamer: str) -> None:
    answer = lambda_client.invoke(FunctionName=streamer, Payload=b'"printed"')
    assert answer["Payload"].read() == b"printed"
    assert answer["ResponseMetadata"]["HTTPHeaders"]["content-type"] == "application/octet-stream"
    answer = lambda_client.invoke(FunctionName=streamer, Payload=b'"breaks_off"')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read())["errorType"] == "Oops"


def test_what_is_refused_is_refused_as_json_before_any_stream(
    lambda_client: Any, streamer: str
) -> None:
    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException):
        stream(lambda_client, "nobody", 1)
    with pytest.raises(lambda_client.exceptions.InvalidRequestContentException):
        lambda_client.invoke_with_response_stream(FunctionName=streamer, Payload=b"{")
    with pytest.raises(ClientError, match="Value 'Event' at 'invocationType'"):
        stream(lambda_client, streamer, 1, InvocationType="Event")
    with pytest.raises(lambda_client.exceptions.RequestTooLargeException):
        stream(lambda_client, streamer, "x" * 7_000_000)


def test_a_dry_run_runs_nothing(lambda_client: Any, streamer: str) -> None:
    answer = stream(lambda_client, streamer, "stalls", InvocationType="DryRun")
    assert answer["StatusCode"] == 204
    assert list(answer["EventStream"]) == []
