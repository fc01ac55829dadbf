"""The platform's events, in the shapes and words of AWS's documentation and recordings."""

import json
from typing import Any

import orjson
import pytest

from stoker.core import faults
from stoker.core import platform_events as events
from stoker.core.dialects import FUNCTION, Dialect
from stoker.core.faults import Fault
from stoker.core.invocation import Initialization, LogSettings, Target
from stoker.core.invocation_events import End, Reported, RuntimeDone, Start
from stoker.core.lifecycle_words import Status
from stoker.core.platform_events import Level, PlatformEvent
from stoker.core.subscriptions import Api
from stoker.core.telemetry import Report

ID = "8286a188-ba32-4475-8077-530cd35c09a9"
STREAM = "2026/10/08/[$LATEST]22be53a8cfde4e68b844f8ec293b2543"
MB = 1024 * 1024
CRASH = Fault("Runtime.ExitError", "Runtime exited with error: exit status 1")
TARGET = Target(
    "123456789012", "eu-west-1", "fn", "$LATEST", "python3.13", "m.h", "role", "c", (), 256, 3,
    512, (), LogSettings("/aws/lambda/fn"),
)  # fmt: skip
TRACE = "Root=1-62e900b2-710d76f009d6e7785905449a;Parent=0efbd19962d95b05;Sampled=1"


def record(event: PlatformEvent) -> dict[str, Any]:
    assert event.record is not None
    told: dict[str, Any] = json.loads(event.record)
    assert compact(told) == event.record, "one line, no spaces"
    return told


def reduced(event: PlatformEvent) -> Any:
    assert event.reduced is not None
    assert compact(json.loads(event.reduced)) == event.reduced
    return json.loads(event.reduced)


def compact(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def test_an_envelope_is_one_line_of_json_in_awss_order() -> None:
    assert (
        events.envelope(1760000000123, "platform.start", '{"requestId":"é\\n"}'.encode())
        == (
            '{"time":"2025-10-09T08:53:20.123Z","type":"platform.start",'
            '"record":{"requestId":"é\\n"}}'
        ).encode()
    )


@pytest.mark.parametrize("phase", ["init", "invoke"])
def test_init_start(phase: str) -> None:
    event = events.init_start(TARGET, Initialization.ON_DEMAND, phase, STREAM)
    told = record(event)
    assert list(told) == [
        "initializationType", "phase", "runtimeVersion", "runtimeVersionArn", "functionName",
        "functionVersion", "instanceId", "instanceMaxMemory",
    ]  # fmt: skip
    assert (told["initializationType"], told["phase"]) == ("on-demand", phase)
    assert (told["instanceId"], told["instanceMaxMemory"]) == (STREAM, 256 * MB)
    assert (event.text is not None) == (phase == "init"), "a second init begins silently"
    assert event.reduced is None


@pytest.mark.parametrize(
    ("status", "fault", "outcome", "level"),
    [
        (Status.SUCCESS, None, {"status": "success"}, Level.DEBUG),
        (Status.TIMEOUT, None, {"status": "timeout"}, Level.WARN),
        (Status.TIMEOUT, faults.timed_out(3), {"status": "timeout"}, Level.WARN),
        (
            Status.ERROR,
            CRASH,
            {"status": "error", "errorType": "Runtime.ExitError"},
            Level.WARN,
        ),
        (
            Status.ERROR,
            Fault("Sandbox.Failure", "lost"),
            {"status": "failure", "errorType": "Sandbox.Failure"},
            Level.WARN,
        ),
    ],
)
def test_the_outcome_is_told_in_one_way_by_all_who_tell_it(
    status: Status, fault: Fault | None, outcome: dict[str, str], level: Level
) -> None:
    done = events.init_runtime_done(Initialization.ON_DEMAND, "init", status, fault)
    assert record(done) == {"initializationType": "on-demand", "phase": "init"} | outcome
    ended = events.init_report(12.34567, Initialization.ON_DEMAND, "init", status, fault)
    assert record(ended) == (
        {"initializationType": "on-demand", "phase": "init"}
        | outcome
        | {"metrics": {"durationMs": 12.346}}
    )
    assert (done.level, ended.level) == (level, level)
    assert (ended.text is None) == (status is Status.SUCCESS)
    ran = RuntimeDone(ID, status, fault, None, handed=1, done=2, ahead_ms=0)
    assert record(ran) == (
        {"requestId": ID} | outcome | {"metrics": {"durationMs": 1000.0, "producedBytes": 0}}
    )
    assert ran.level == level
    facts = Report(ID, 3.1, 128, 36 * MB, None, status, fault)
    reported = Reported(facts)
    assert {k: v for k, v in record(reported).items() if k in ("status", "errorType")} == outcome
    assert reported.level == (Level.INFO if status is Status.SUCCESS else Level.WARN)


def test_a_text_of_the_functions_own_breaks_no_record() -> None:
    hostile = Fault('","x":"\n\udc00', "", posted=True)
    event = RuntimeDone(ID, Status.ERROR, hostile, None, handed=0, done=1, ahead_ms=0)
    assert record(event)["errorType"] == '","x":"\n?'
    assert reduced(events.fault(b'"\n')) == '"\n'


def test_an_init_ahead_of_invocations_says_so_and_has_a_line_when_it_went_well() -> None:
    ahead = Initialization.PROVISIONED
    ended = events.init_report(12.34567, ahead, "init", Status.SUCCESS, None)
    assert record(ended)["initializationType"] == "provisioned-concurrency"
    assert ended.text == b"INIT_REPORT Init Duration: 12.35 ms\n"


def test_start_names_the_function_and_its_trace_if_that_is_sampled() -> None:
    plain = Start(ID, TARGET, TRACE.replace("Sampled=1", "Sampled=0"))
    arn = "arn:aws:lambda:eu-west-1:123456789012:function:fn"
    assert record(plain) == {"requestId": ID, "functionArn": arn, "version": "$LATEST"}
    traced = record(Start(ID, TARGET, TRACE))["tracing"]
    assert traced == {"spanId": "0efbd19962d95b05", "type": "X-Amzn-Trace-Id", "value": TRACE}
    assert reduced(plain) == {"requestId": ID, "version": "$LATEST"}
    assert events.tracing("") == events.tracing("Root=Sampled=1") == b""
    odd = 'Sampled=1;;=;a=b=c;"'
    assert record(Start(ID, TARGET, odd))["tracing"] == {
        "type": "X-Amzn-Trace-Id",
        "value": odd,
    }


def test_runtime_done_with_its_spans() -> None:
    event = RuntimeDone(
        ID, Status.SUCCESS, None, 16, handed=0.0, done=0.0245, ahead_ms=1760000000123,
        answer=(0.0230204, 0.024),
    )  # fmt: skip
    assert record(event) == {
        "requestId": ID,
        "status": "success",
        "spans": [
            {
                "name": "responseLatency",
                "start": "2025-10-09T08:53:20.123Z",
                "durationMs": 23.02,
            },
            {
                "name": "responseDuration",
                "start": "2025-10-09T08:53:20.146Z",
                "durationMs": 0.98,
            },
            {"name": "runtimeOverhead", "start": "2025-10-09T08:53:20.147Z", "durationMs": 0.5},
        ],
        "metrics": {"durationMs": 24.5, "producedBytes": 16},
    }
    assert event.text is None
    assert (reduced(event), event.reduced_since) == (
        {"requestId": ID, "status": "success"},
        "2021-03-18",
    )
    failed = RuntimeDone(ID, Status.ERROR, CRASH, None, handed=0, done=1, ahead_ms=0)
    assert reduced(failed) == {"requestId": ID, "status": "failure"}, "the older API's word"


def test_report_has_the_numbers_of_its_line() -> None:
    facts = Report(ID, 5001.18, 128, 94 * MB - 1, 12.5)
    event = Reported(facts, (1760000000123.4, 1.5))
    metrics = {
        "durationMs": 5001.18,
        "billedDurationMs": 5014,
        "memorySizeMB": 128,
        "maxMemoryUsedMB": 94,
        "initDurationMs": 12.5,
    }
    told = record(event)
    assert list(told) == ["requestId", "metrics", "status", "spans"]
    assert told["metrics"] == metrics
    assert told["spans"] == [
        {"name": "extensionOverhead", "start": "2025-10-09T08:53:20.123Z", "durationMs": 1.5}
    ]
    assert reduced(event) == {"requestId": ID, "metrics": metrics}
    assert event.text is not None and b"Billed Duration: 5014 ms" in event.text


def test_end_and_fault_are_of_the_older_api_and_of_text() -> None:
    assert reduced(End(ID)) == {"requestId": ID}
    told = events.fault(b"RequestId: x Error: y\nRuntime.ExitError")
    assert (told.record, reduced(told)) == (None, "RequestId: x Error: y\nRuntime.ExitError")


def test_lines_of_extensions_and_subscriptions() -> None:
    ready = events.extension("agent", "Ready", ("INVOKE", "SHUTDOWN"))
    assert ready.text == b"EXTENSION\tName: agent\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n"
    assert record(ready) == {"name": "agent", "state": "Ready", "events": ["INVOKE", "SHUTDOWN"]}
    failed = events.extension("agent", "LaunchError", (), "PermissionDenied")
    assert failed.text == (
        b"EXTENSION\tName: agent\tState: LaunchError\tEvents: []\tError Type: PermissionDenied\n"
    )
    assert (ready.level, failed.level) == (Level.INFO, Level.WARN)
    types = ("platform", "function", "extension")
    new = events.telemetry_subscription("agent", "Subscribed", types)
    assert new.text == (
        b"TELEMETRY\tName: agent\tState: Subscribed\tTypes: [Platform, Function, Extension]\n"
    )
    assert (record(new), new.reduced) == (
        {"name": "agent", "state": "Subscribed", "types": list(types)},
        None,
    )
    old = events.logs_subscription("agent", "Subscribed", ("platform", "function"))
    assert old.text == b"LOGS\tName: agent\tState: Subscribed\tTypes: [Platform, Function]\n"
    assert old.record is None and reduced(old)["name"] == "agent"


def test_what_was_dropped_is_said_in_awss_words() -> None:
    assert json.loads(
        events.envelope(0, "platform.logsDropped", events.logs_dropped(3, 99).record or b"")
    ) == {
        "time": "1970-01-01T00:00:00.000Z",
        "type": "platform.logsDropped",
        "record": {
            "droppedBytes": 99,
            "droppedRecords": 3,
            "reason": "Consumer seems to have fallen behind as it has not acknowledged receipt of "
            "logs.",
        },
    }


@pytest.mark.parametrize("line", [b'{"n": 1e999}', b'{"n": -1e999}\n', b'{"n": NaN}'])
def test_an_object_that_json_cannot_say_again_is_told_as_what_was_printed(line: bytes) -> None:
    dialect = Dialect(Api.TELEMETRY, "2022-12-13", objects=True)
    (event,) = dialect.render([(FUNCTION, 0, line)])
    assert orjson.loads(event)["record"] == line.decode()
