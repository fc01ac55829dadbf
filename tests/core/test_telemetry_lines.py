"""The platform's lines and payloads, byte for byte. Samples marked AWS were logged by AWS."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core import faults, telemetry
from stoker.core.delivery import header_value, invoke_event, next_response
from stoker.core.faults import Fault
from stoker.core.invocation import Invocation, LogSettings, RequestId, Target
from stoker.core.lifecycle_words import Status
from stoker.core.names import runtime_version_arn
from stoker.core.telemetry import Report

ID = "8286a188-ba32-4475-8077-530cd35c09a9"
MB = 1024 * 1024


def test_start_and_end() -> None:
    assert telemetry.start(ID, "$LATEST") == f"START RequestId: {ID} Version: $LATEST\n".encode()
    assert telemetry.end(ID) == f"END RequestId: {ID}\n".encode()


@pytest.mark.parametrize(
    ("runtime", "version"),
    [
        ("python3.13", "python:3.13.v1"),
        ("provided.al2023", "provided:al2023.v1"),
        ("provided.al2", "provided:al2.v1"),
        ("nodejs22.x", "nodejs:22.v1"),
        ("java21", "java:21.v1"),
        ("ruby3.4", "ruby:3.4.v1"),
        ("provided", "provided.v1"),
    ],
)
def test_init_start_names_the_runtime_as_aws_does(runtime: str, version: str) -> None:
    line = telemetry.init_start(runtime, "eu-west-1").decode()
    head = f"INIT_START Runtime Version: {version}\tRuntime Version ARN: "
    assert line == f"{head}{runtime_version_arn('eu-west-1', runtime)}\n", "as GetFunction says"


CRASH = Fault("Runtime.ExitError", "Runtime exited with error: exit status 1")

REPORTS = [
    (  # AWS, cold
        Report(ID, 3.10, 128, 36 * MB, init_ms=542.01),
        "Duration: 3.10 ms\tBilled Duration: 546 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 542.01 ms\t\n",
    ),
    (  # AWS, cold
        Report(ID, 1655.10, 128, 36 * MB, init_ms=322.04),
        "Duration: 1655.10 ms\tBilled Duration: 1978 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 322.04 ms\t\n",
    ),
    (  # AWS, warm
        Report(ID, 95.78, 128, 36 * MB - 1),
        "Duration: 95.78 ms\tBilled Duration: 96 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\t\n",
    ),
    (  # AWS, timed out while cold
        Report(ID, 600000.00, 1536, 1035 * MB, 476.75, Status.TIMEOUT, faults.timed_out(600)),
        "Duration: 600000.00 ms\tBilled Duration: 600477 ms\tMemory Size: 1536 MB\t"
        "Max Memory Used: 1035 MB\tInit Duration: 476.75 ms\tStatus: timeout\n",
    ),
    (
        Report(ID, 12.3, 128, 129 * MB, None, Status.ERROR, Fault("Runtime.OutOfMemory", "")),
        "Duration: 12.30 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory\n",
    ),
    (
        Report(ID, 0.0, 128, 0),
        "Duration: 0.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 0 MB\t\n",
    ),
]


@pytest.mark.parametrize(("facts", "rest"), REPORTS)
def test_report(facts: Report, rest: str) -> None:
    assert telemetry.report(facts).decode() == f"REPORT RequestId: {ID}\t{rest}"


@given(st.floats(0, 1e6), st.floats(0, 1e4) | st.none())
def test_the_bill_is_the_printed_numbers_rounded_up(duration: float, init: float | None) -> None:
    billed = telemetry.billed_ms(duration, init)
    hundredths = int(f"{duration:.2f}".replace(".", "")) + (
        int(f"{init:.2f}".replace(".", "")) if init is not None else 0
    )
    # %.2f and round() may differ in the last digit of a tie: by a hundredth, never by more.
    assert any(billed == max(1, -(-each // 100)) for each in range(hundredths - 2, hundredths + 3))


@pytest.mark.parametrize(
    ("phase", "status", "fault", "rest"),
    [
        ("init", Status.TIMEOUT, None, "Phase: init\tStatus: timeout\n"),
        (
            "init",
            Status.ERROR,
            CRASH,
            "Phase: init\tStatus: error\tError Type: Runtime.ExitError\n",
        ),
        ("invoke", Status.TIMEOUT, faults.timed_out(3), "Phase: invoke\tStatus: timeout\n"),
    ],
)
def test_init_report(phase: str, status: Status, fault: Fault | None, rest: str) -> None:
    line = telemetry.init_report(137.69, phase, status, fault).decode()
    assert line == f"INIT_REPORT Init Duration: 137.69 ms\t{rest}"


def test_what_went_wrong_is_one_event_with_an_inner_newline_and_none_at_its_end() -> None:
    assert (
        telemetry.explanation(ID, CRASH, 0)
        == (
            f"RequestId: {ID} Error: Runtime exited with error: exit status 1\nRuntime.ExitError"
        ).encode()
    )


def test_a_timeout_is_explained_in_the_words_that_alarms_look_for() -> None:
    line = telemetry.explanation(ID, faults.timed_out(8.01), 1706904664919)
    assert line == f"2024-02-02T20:11:04.919Z {ID} Task timed out after 8.01 seconds\n".encode()


@pytest.mark.parametrize(
    "fault",
    [None, Fault("Runtime.OutOfMemory", "x"), Fault("Runtime.ExitError", "", posted=True)],
)
def test_of_the_rest_only_report_speaks(fault: Fault | None) -> None:
    assert telemetry.explanation(ID, fault, 0) is None


def test_log_streams_are_named_by_day_version_and_environment() -> None:
    created_ms = 1791417600000  # 2026-10-08
    assert telemetry.log_stream(created_ms, "$LATEST", "ab", None) == "2026/10/08/[$LATEST]ab"
    assert telemetry.log_stream(created_ms, "7", "ab", "f") == "2026/10/08/f[7]ab"


@pytest.mark.parametrize(
    ("how", "fault"),
    [
        ((0, None, None), ("Runtime.ExitError", "Runtime exited without providing a reason")),
        ((3, None, None), ("Runtime.ExitError", "Runtime exited with error: exit status 3")),
        (
            (None, 11, None),
            ("Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
        ),
        ((None, 40, None), ("Runtime.ExitError", "Runtime exited with error: signal: signal 40")),
        ((None, None, "fork/exec x: no"), ("Runtime.InvalidEntrypoint", "fork/exec x: no")),
    ],
)
def test_an_exit_in_gos_words(
    how: tuple[int | None, int | None, str | None], fault: tuple[str, str]
) -> None:
    assert faults.runtime_exit(*how, out_of_memory=False) == Fault(*fault)


def test_only_a_kill_is_a_death_for_want_of_memory() -> None:
    killed = faults.runtime_exit(None, 9, None, out_of_memory=True)
    assert killed == Fault("Runtime.OutOfMemory", "Runtime exited with error: signal: killed")
    assert faults.runtime_exit(None, 11, None, out_of_memory=True).type == "Runtime.ExitError"
    assert faults.runtime_exit(1, None, None, out_of_memory=True).type == "Runtime.ExitError"
    assert faults.runtime_exit(None, 9, None, out_of_memory=False).type == "Runtime.ExitError"


def test_payloads_byte_for_byte() -> None:
    assert faults.payload(faults.timed_out(3), ID) == (
        b'{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: %b '
        b'Error: Task timed out after 3.00 seconds"}' % ID.encode()
    )
    assert faults.payload(faults.OVERSIZED, ID) == (
        b'{"errorMessage":"Response payload size exceeded maximum allowed payload size '
        b'(6291556 bytes).","errorType":"Function.ResponseSizeTooLarge"}'
    )
    assert faults.payload(faults.NO_BOOTSTRAP, ID) == (
        b'{"errorType":"Runtime.InvalidEntrypoint","errorMessage":"RequestId: %b Error: '
        b"Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]\"}" % ID.encode()
    )


@pytest.mark.parametrize(
    ("header", "kept"),
    [
        ("Runtime.ImportModuleError", "Runtime.ImportModuleError"),
        ("Function.MyError", "Function.MyError"),
        ("xRuntime.Abc!", "xRuntime.Abc!"),
        ("Function.lower", "Function.Unknown"),
        ("Function<UserException>", "Runtime.Unknown"),
        ("Unhandled", "Runtime.Unknown"),
        ("", "Runtime.Unknown"),
        ("Runtime.A" + "a" * 300, "Runtime.Unknown"),
    ],
)
def test_posted_error_types_are_brought_into_form(header: str, kept: str) -> None:
    assert faults.posted_type(header) == kept


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"no", b"[" * 100_000, b'"' + b"x" * 2_000_000 + b'"']
)
def test_an_error_body_that_cannot_be_read_is_replaced(body: bytes) -> None:
    invalid = (b"Invalid error body", "application/octet-stream", "")
    assert faults.without_cause(body) == invalid


def invocation(**facts: str) -> Invocation:
    target = Target(
        "123456789012", "eu-west-1", "f", "$LATEST", "python3.13", "h.f", "r", "c", (), 128, 3,
        512, (), LogSettings("/aws/lambda/f"),
    )  # fmt: skip
    return Invocation(RequestId(ID), target, b'{"a":  1}', target.arn, **facts)  # type: ignore[arg-type]


def test_the_event_is_delivered_with_aws_header_names_and_no_empty_ones() -> None:
    assert next_response(invocation(), 1700000000000) == (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        b"Lambda-Runtime-Aws-Request-Id: " + ID.encode() + b"\r\n"
        b"Lambda-Runtime-Deadline-Ms: 1700000000000\r\n"
        b"Lambda-Runtime-Invoked-Function-Arn: "
        b"arn:aws:lambda:eu-west-1:123456789012:function:f\r\n"
        b'Content-Length: 9\r\n\r\n{"a":  1}'
    )
    everything = invocation(trace_id="Root=1", client_context="{}", cognito_identity='{"x":1}')
    assert next_response(everything, 1).split(b"\r\n")[5:8] == [
        b"Lambda-Runtime-Trace-Id: Root=1",
        b"Lambda-Runtime-Client-Context: {}",
        b'Lambda-Runtime-Cognito-Identity: {"x":1}',
    ]


@given(st.text())
def test_an_extension_hears_of_any_trace_in_json(text: str) -> None:
    told = json.loads(invoke_event(invocation(trace_id=text), 17))
    assert (told["deadlineMs"], told["requestId"]) == (17, ID)
    assert told["tracing"] == {"type": "X-Amzn-Trace-Id", "value": text}


@given(st.text())
def test_no_value_can_end_its_header(text: str) -> None:
    value = header_value(text)
    assert not set(value) & {*range(32), 127}
