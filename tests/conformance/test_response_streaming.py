"""Streamed answers end to end: bootstraps that stream, and boto3's own parser of event streams."""

import base64
import json
import re
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stoker.core.price_list import Item
from tests.billed import billed_amount
from tests.front_door import signed
from tests.invoking import PREAMBLE
from tests.running import StokerProcess, wait_for
from tests.streaming import STREAM

Create = Callable[..., str]

STREAMER = (
    PREAMBLE.replace(PREAMBLE.splitlines()[0], "#!/usr/bin/python3 -IS")
    + STREAM
    + """
def printed(stream):
    print("a line of the function", flush=True)
    stream.write(b"printed")

def waits(stream):
    stream.write(b"first")
    host, _, port = os.environ["AWS_ENDPOINT_URL"].rpartition("/")[2].rpartition(":")
    scope = "Credential=test/20260101/eu-central-1/logs/aws4_request"
    headers = {
        "X-Amz-Target": "Logs_20140328.DescribeLogGroups",
        "Content-Type": "application/x-amz-json-1.1",
        "Authorization": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=" + "0" * 64,
    }
    wanted = json.dumps({"logGroupNamePrefix": "/go/" + os.environ["AWS_LAMBDA_FUNCTION_NAME"]})
    while True:
        front = http.client.HTTPConnection(host, int(port))
        status, body, _ = call("POST", "/", wanted, headers, on=front)
        assert status == 200, body
        if json.loads(body)["logGroups"]:
            break
        time.sleep(0.02)
    stream.write(b"second")

def endless(stream):
    for _ in range(10_000):
        stream.write(b"x" * 1_000_000)

def goes_on(stream):
    for _ in range(75):
        stream.write(b"x" * 100_000)
    print("went on to the end", flush=True)

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


def test_what_is_streamed_beyond_six_megabytes_is_billed(
    server: StokerProcess, lambda_client: Any, streamer: str
) -> None:
    payload, _ = read(stream(lambda_client, streamer, "goes_on"))
    beyond = (len(payload) - 6 * 1024**2) / 1024**3
    assert billed_amount(server, streamer, Item.STREAMED) == pytest.approx(beyond)


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
    with closing(answer["EventStream"]) as events:
        assert answer["StatusCode"] == 204
        assert list(events) == []


def test_the_caller_has_the_first_chunk_while_the_handler_still_waits(
    lambda_client: Any, logs_client: Any, streamer: str
) -> None:
    group = f"/go/{streamer}"
    with closing(stream(lambda_client, streamer, "waits")["EventStream"]) as answer:
        events = iter(answer)
        assert next(events) == {"PayloadChunk": {"Payload": b"first"}}
        logs_client.create_log_group(logGroupName=group)  # what it waits for
        try:
            assert next(events) == {"PayloadChunk": {"Payload": b"second"}}
            assert next(events) == {"InvokeComplete": {}}
        finally:
            logs_client.delete_log_group(logGroupName=group)


def rss_kb(server: StokerProcess) -> int:
    match = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{server.pid}/status").read_text())
    assert match is not None
    return int(match[1])


def unread(server: StokerProcess, name: str, event: object) -> socket.socket:
    """A caller who reads the head of the answer, and then nothing."""
    path = f"/2021-11-15/functions/{name}/response-streaming-invocations"
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect(("127.0.0.1", server.port))
    host = f"127.0.0.1:{server.port}"
    sock.sendall(signed(host, "POST", path, json.dumps(event).encode(), key="test"))
    while sock.recv(1) != b"\r" or sock.recv(3) != b"\n\r\n":
        pass
    return sock


def test_ten_gigabytes_that_nobody_reads_cost_the_server_nothing(
    server: StokerProcess, lambda_client: Any, logs_client: Any, create: Create
) -> None:
    name = create({"bootstrap": STREAMER}, ("bootstrap",), Runtime="provided.al2023", Timeout=2)
    read(stream(lambda_client, name, "large"))
    before = rss_kb(server)
    with closing(unread(server, name, "endless")) as sock:
        wait_for(lambda: log_of(logs_client, name), "Status: timeout")
        assert rss_kb(server) - before < 16 * 1024
        received, chunk = 0, b""
        while piece := sock.recv(1_000_000):
            received += len(piece)
            chunk = (chunk + piece)[-1000:]
            if b"InvokeComplete" in chunk and chunk.endswith(b"0\r\n\r\n"):
                break
    assert b"Sandbox.Timedout" in chunk
    assert received < 16_000_000


@pytest.mark.parametrize("how", ["early", "while it is blocked"])
def test_when_the_caller_hangs_up_the_function_goes_on(
    how: str, server: StokerProcess, logs_client: Any, streamer: str
) -> None:
    with closing(unread(server, streamer, "goes_on")) as sock:
        if how != "early":
            # Full is full when the server's socket takes no more: the peer's window is shut.
            wait_for(lambda: blocked(server, sock), "yes")
    wait_for(lambda: log_of(logs_client, streamer), "went on to the end")
    wait_for(lambda: log_of(logs_client, streamer), "REPORT")
    assert "Status: " not in log_of(logs_client, streamer)


def blocked(server: StokerProcess, sock: socket.socket) -> str:
    """Does the server's end of this connection hold bytes that the peer does not take?"""
    ours = sock.getsockname()[1]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        local, remote = (int(fields[n].rpartition(":")[2], 16) for n in (1, 2))
        if (local, remote) == (server.port, ours):
            return "yes" if int(fields[4].partition(":")[0], 16) > 1_000_000 else "no"
    return "no such connection"


def log_of(logs: Any, name: str) -> str:
    found = logs.filter_log_events(logGroupName=f"/aws/lambda/{name}")
    return "".join(event["message"] for event in found["events"])


BASH = """#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation"
while true; do
  head=$(mktemp)
  curl -sS -o /dev/null -D "$head" "$api/next"
  id=$(grep -Fi Lambda-Runtime-Aws-Request-Id "$head" | tr -d '[:space:]' | cut -d: -f2)
  { echo one; echo two; } | curl -sS -X POST -T - "$api/$id/response" -o /dev/null \
    -H "Lambda-Runtime-Function-Response-Mode: streaming" -H "Transfer-Encoding: chunked" \
    -H "Content-Type: text/plain"
done
"""


@pytest.mark.skipif(not Path("/usr/bin/curl").exists(), reason="curl is not on this machine")
def test_bash_and_curl_can_stream(lambda_client: Any, create: Create) -> None:
    name = create({"bootstrap": BASH}, ("bootstrap",), Runtime="provided.al2023", MemorySize=512)
    for _ in range(2):
        assert read(stream(lambda_client, name, {})) == (b"one\ntwo\n", {})
