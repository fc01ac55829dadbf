"""Answers that are streamed from inside, to a caller who takes them as they come; and to one who
wants them whole."""

import asyncio
import base64
import json
from pathlib import Path

import pytest

from stoker.core.errors import ServiceError
from stoker.core.invocation import LogSettings
from stoker.core.invoke_limits import RESPONSE_BYTES
from tests.component.test_environment import END, INIT_START, MS, START, assert_lines, report
from tests.invoking import Ground, run
from tests.streaming import ID, STREAM, Caller, streamed, touch


def test_every_chunk_is_handed_on_while_the_handler_still_waits_for_its_next(
    tmp_path: Path,
) -> None:
    go = tmp_path / "go"

    caller, result = streamed(
        tmp_path,
        f"""
request_id, _, _ = next_event()
stream = Stream(request_id, ["Content-Type: text/plain"])
stream.write(b"first")
wait_for({str(go)!r})
stream.write(b", second")
stream.finish()
next_event()
""",
        touch(go, b"first"),
    )
    assert caller.received == b"first, second"
    assert (result.payload, result.function_error) == (b"", None)
    assert result.content_type == "text/plain"


def test_chunks_are_handed_on_when_the_client_names_no_mode(tmp_path: Path) -> None:
    """As github.com/aws/aws-lambda-go sends every answer."""
    go = tmp_path / "go"
    caller, result = streamed(
        tmp_path,
        f"""
request_id, _, _ = next_event()
stream = Stream(request_id, mode=None)
stream.write(b"first")
wait_for({str(go)!r})
stream.write(b", second")
stream.finish()
next_event()
""",
        touch(go, b"first"),
    )
    assert caller.received == b"first, second"
    assert (result.payload, result.function_error) == (b"", None)


def test_the_receipt_comes_at_the_end_and_warm_invocations_follow(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            STREAM
            + """
receipts = []
while True:
    request_id, event, _ = next_event()
    stream = Stream(request_id)
    stream.write(json.dumps([os.getpid(), receipts]).encode())
    receipts.append(stream.finish())
"""
        )
        callers = [Caller() for _ in range(3)]
        for caller in callers:
            await world.invoke(f, recipient=caller)
        answers = [json.loads(caller.received) for caller in callers]
        assert len({pid for pid, _ in answers}) == 1
        assert answers[2][1] == [[202, '{"status":"OK"}']] * 2
        await world.idle(f)
        lines = await world.lines(f)
        first = report(rf"\tInit Duration: {MS}\t\n")
        assert_lines(lines, INIT_START, *(START, END, first), *(START, END, report()) * 2)

    run(tmp_path, story)


def test_an_answer_that_is_not_streamed_comes_whole(tmp_path: Path) -> None:
    caller, result = streamed(tmp_path, 'serve(lambda event: "whole")')
    assert (caller.begun, result.payload, result.function_error) == (0, b'"whole"', None)


def test_who_wants_it_whole_gets_a_streamed_answer_whole(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            STREAM
            + """
while True:
    request_id, event, _ = next_event()
    kind = "application/vnd.awslambda.http-integration-response"
    stream = Stream(request_id, ["Content-Type: " + kind])
    size = json.loads(event)
    stream.write(b'{"statusCode":201}' + bytes(8))
    stream.write(b"x" * size)
    stream.finish()
"""
        )
        result = await world.invoke(f, b"3")
        assert result.payload == b'{"statusCode":201}' + bytes(8) + b"xxx"
        assert result.content_type == "application/vnd.awslambda.http-integration-response"
        result = await world.invoke(f, b"%d" % RESPONSE_BYTES)
        assert result.function_error == "Unhandled"
        assert b"Function.ResponseSizeTooLarge" in result.payload

    run(tmp_path, story)


def test_the_prelude_of_a_web_answer_goes_through_untouched(tmp_path: Path) -> None:
    caller, _ = streamed(
        tmp_path,
        """
request_id, _, _ = next_event()
stream = Stream(request_id, ["Content-Type: application/vnd.awslambda.http-integration-response"])
stream.write(b'{"statusCode":404,"headers":{}}')
stream.write(bytes(8))
stream.write(b"not here")
stream.finish()
next_event()
""",
    )
    assert caller.received == b'{"statusCode":404,"headers":{}}' + bytes(8) + b"not here"


def test_an_error_in_mid_stream_is_told_in_trailers(tmp_path: Path) -> None:
    error = b'{"errorMessage":"broke off","errorType":"Oops"}'
    encoded = base64.b64encode(error).decode()
    caller, result = streamed(
        tmp_path,
        f"""
request_id, _, _ = next_event()
stream = Stream(request_id, trailers=ERROR)
stream.write(b"so far")
stream.finish(ERROR[0] + ": Function.Oops", ERROR[1] + ": {encoded}")
next_event()
""",
    )
    assert caller.received == b"so far"
    assert (result.function_error, result.payload) == ("Function.Oops", error)


def test_trailers_that_are_no_base64_are_no_fault_of_ours(tmp_path: Path) -> None:
    for body in ("!", "\\u00e9", "YQ"):
        _, result = streamed(
            tmp_path,
            f"""
request_id, _, _ = next_event()
stream = Stream(request_id, trailers=ERROR)
status = stream.finish(ERROR[0] + ": ", ERROR[1] + ": {body}")
assert status[0] == 202, status
next_event()
""",
        )
        assert (result.function_error, result.payload) == ("Unhandled", b"")


def test_trailers_that_were_not_announced_are_not_read(tmp_path: Path) -> None:
    _, result = streamed(
        tmp_path,
        """
request_id, _, _ = next_event()
Stream(request_id).finish(ERROR[0] + ": Function.Forged")
next_event()
""",
    )
    assert result.function_error is None


def test_while_it_streams_every_other_call_is_refused(tmp_path: Path) -> None:
    go = tmp_path / "go"
    caller, _ = streamed(
        tmp_path,
        f"""
request_id, _, _ = next_event()
stream = Stream(request_id)
stream.write(b" ")
wait_for({str(go)!r})
path = BASE + "/invocation/" + request_id
tried = [call("GET", BASE + "/invocation/next")]
tried += [call("POST", path + verb, "1") for verb in ("/response", "/error")]
tried += [call("POST", path + "x/response", "1")]
second = Stream(request_id)
tried += [(*second.answer(), None)]
stream.write(json.dumps([status for status, _, _ in tried]).encode())
stream.finish()
next_event()
""",
        touch(go, b" "),
    )
    assert json.loads(caller.received) == [403, 403, 403, 400, 403]


def test_a_stall_in_mid_stream_times_out_behind_what_came(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            STREAM
            + """
while True:
    request_id, event, _ = next_event()
    stream = Stream(request_id)
    stream.write(b"so far")
    if event == b"1":
        time.sleep(60)
    stream.finish()
""",
            timeout_s=1,
        )
        caller = Caller()
        result = await world.invoke(f, b"1", request_id=ID, recipient=caller)
        assert caller.received == b"so far"
        assert result.function_error == "Sandbox.Timedout"
        assert result.payload == (
            b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: %b '
            b'Error: Task timed out after 1.00 seconds"}' % ID.encode()
        )
        caller = Caller()
        result = await world.invoke(f, recipient=caller)
        assert (caller.received, result.function_error) == (b"so far", None)

    run(tmp_path, story)
    # The rest of a dead runtime's body, which ends now, is nobody's.
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


def test_a_crash_in_mid_stream_is_told_behind_what_came(tmp_path: Path) -> None:
    go = tmp_path / "go"
    caller, result = streamed(
        tmp_path,
        f"""
request_id, _, _ = next_event()
stream = Stream(request_id)
stream.write(b"so far")
wait_for({str(go)!r})
os._exit(3)
""",
        touch(go, b"so far"),
    )
    assert caller.received == b"so far"
    # Which of the two is seen first: the end of the connection or that of the process.
    assert result.function_error in ("Runtime.ExitError", "Runtime.TruncatedResponse")


def test_a_lost_environment_tells_in_the_stream(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            STREAM
            + """
request_id, _, _ = next_event()
stream = Stream(request_id)
stream.write(b"so far")
time.sleep(60)
"""
        )
        caller = Caller()
        result = asyncio.ensure_future(world.invoke(f, recipient=caller))
        await caller.until(lambda c: bool(c.received))
        await world.invoker.close(0)
        try:
            await result
        except ServiceError as error:
            assert error.code == "ServiceException"
        else:
            raise AssertionError("it went on")
        assert caller.begun == 1

    run(tmp_path, story)


def test_the_report_of_a_stream_counts_what_went_through(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            STREAM
            + """
request_id, _, _ = next_event()
stream = Stream(request_id)
stream.write(b"x" * 1234)
stream.finish()
next_event()
""",
            log=LogSettings("/aws/lambda/f", format="JSON", system_level="DEBUG"),
        )
        await world.invoke(f, recipient=Caller())
        await world.idle(f)
        events = [json.loads(line) for line in await world.lines(f)]
        [done] = [e["record"] for e in events if e["type"] == "platform.runtimeDone"]
        assert done["metrics"]["producedBytes"] == 1234
        assert [span["name"] for span in done["spans"]] == [
            "responseLatency", "responseDuration", "runtimeOverhead",
        ]  # fmt: skip

    run(tmp_path, story)


def test_the_tail_of_a_stream_ends_with_its_report(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(
            STREAM
            + """
request_id, _, _ = next_event()
print("printed", flush=True)
Stream(request_id).finish()
next_event()
"""
        )
        caller = Caller()
        result = await world.invoke(f, recipient=caller, tail=True)
        assert caller.begun == 1
        assert result.log_tail is not None
        lines = result.log_tail.decode().splitlines()
        assert lines[-1].startswith("REPORT RequestId: ")
        assert "printed" in lines

    run(tmp_path, story)
