"""What the platform says about an environment: every event in each of its three forms.

    text      a line of the log stream (LogFormat Text), byte for byte as AWS writes it
    envelope  {"time", "type", "record"}: a line of the log stream (LogFormat JSON), and what
              subscribers of the Telemetry API get
    reduced   the same envelope with what the older Logs API knows of it

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html. Some events have
no line of text, some are known to one of the APIs only; whoever gets none gets None.

Those of every invocation (start, runtimeDone, end, report) are filled into templates: made as
objects and encoded, they would cost a subscriber half of what an invocation costs (measured).
"""

import json
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple

from stoker.core import telemetry
from stoker.core.faults import Fault
from stoker.core.invocation import Initialization, Target
from stoker.core.lifecycle_words import Status
from stoker.core.names import runtime_version_arn
from stoker.core.telemetry import Report

FALLEN_BEHIND = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_MB = 1024 * 1024
_ENVELOPE: Final = b'{"time":"%b","type":"%b","record":%b}'
_SPAN: Final = b'{"name":"%b","start":"%b","durationMs":%a}'


class Level(IntEnum):
    """The platform's levels and the applications', least important first."""

    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARN = 4
    ERROR = 5
    FATAL = 6


# For every invocation's events: Python 3.11 is slow to find an enum's member.
_DEBUG: Final = Level.DEBUG
_INFO: Final = Level.INFO
_SUCCESS: Final = Status.SUCCESS
_SUCCEEDED: Final = b'"status":"success"'


@dataclass(slots=True)
class PlatformEvent:
    type: str
    level: Level
    record: bytes | None  # of the Telemetry API and of JSON logs, as JSON
    text: bytes | None  # of text logs
    reduced: bytes | None  # of the Logs API, as JSON
    reduced_since: str = "2020-08-15"  # the first schema of the Logs API that has it


class Span(NamedTuple):
    name: str
    start_ms: int  # epoch
    duration_ms: float


def envelope(time_ms: int, kind: str, record: bytes) -> bytes:
    """`record`: JSON."""
    return _ENVELOPE % (telemetry.stamp(time_ms), kind.encode(), record)


def status_word(status: Status, fault: Fault | None) -> str:
    """success | error | timeout, or failure where the fault is the platform's own."""
    if status is Status.ERROR and fault is not None and fault.type.startswith("Sandbox."):
        return "failure"
    return str(status)


def init_start(target: Target, kind: Initialization, phase: str, log_stream: str) -> PlatformEvent:
    """AWS puts the log stream's name into instanceId, and the memory in bytes beside it."""
    record = {
        "initializationType": kind,
        "phase": phase,
        **_instance(target, log_stream),
    }
    text = telemetry.init_start(target.runtime, target.region) if phase == "init" else None
    return PlatformEvent("platform.initStart", _INFO, _json(record), text, None)


def _instance(target: Target, log_stream: str) -> dict[str, object]:
    return {
        "runtimeVersion": telemetry.runtime_version(target.runtime),
        "runtimeVersionArn": runtime_version_arn(target.region, target.runtime),
        "functionName": target.name,
        "functionVersion": target.version,
        "instanceId": log_stream,
        "instanceMaxMemory": target.memory_mb * _MB,
    }


def init_runtime_done(
    kind: Initialization, phase: str, status: Status, fault: Fault | None
) -> PlatformEvent:
    record = b"{%b,%b}" % (_init(kind, phase), _outcome(status, fault))
    return PlatformEvent("platform.initRuntimeDone", _unless(status, _DEBUG), record, None, None)


def init_report(
    duration_ms: float, kind: Initialization, phase: str, status: Status, fault: Fault | None
) -> PlatformEvent:
    """On demand, a log of text has a line of a failed one only."""
    outcome, took = _outcome(status, fault), _ms(duration_ms)
    record = b'{%b,%b,"metrics":{"durationMs":%a}}' % (_init(kind, phase), outcome, took)
    text = None
    if status is not _SUCCESS or kind is not Initialization.ON_DEMAND:
        text = telemetry.init_report(duration_ms, phase, status, fault)
    return PlatformEvent("platform.initReport", _unless(status, _DEBUG), record, text, None)


def restore_start(target: Target, log_stream: str) -> PlatformEvent:
    text = telemetry.restore_start(target.runtime, target.region)
    record = _json(_instance(target, log_stream))
    return PlatformEvent("platform.restoreStart", _INFO, record, text, None)


def restore_runtime_done(status: Status, fault: Fault | None) -> PlatformEvent:
    record, level = b"{%b}" % _outcome(status, fault), _unless(status, _DEBUG)
    return PlatformEvent("platform.restoreRuntimeDone", level, record, None, None)


def restore_report(duration_ms: float, status: Status, fault: Fault | None) -> PlatformEvent:
    record = b'{%b,"metrics":{"durationMs":%a}}' % (_outcome(status, fault), _ms(duration_ms))
    text = telemetry.restore_report(duration_ms, status, fault)
    return PlatformEvent("platform.restoreReport", _unless(status, _INFO), record, text, None)


def start(request_id: str, target: Target, tracing: bytes) -> PlatformEvent:
    name, version = request_id.encode(), target.version.encode()
    return PlatformEvent(
        "platform.start",
        _INFO,
        b'{"requestId":"%b","functionArn":%b,"version":"%b"%b}'
        % (name, _quoted(target.arn), version, tracing),
        telemetry.start(request_id, target.version),
        b'{"requestId":"%b","version":"%b"}' % (name, version),
    )


def runtime_done(
    request_id: str,
    outcome: tuple[Status, Fault | None],
    spans: tuple[Span, ...],
    metrics: tuple[float, int | None],
    tracing: bytes,
) -> PlatformEvent:
    """`metrics`: duration in ms, and the bytes of the answer (None: there was none)."""
    status, fault = outcome
    duration_ms, produced_bytes = metrics
    name = request_id.encode()
    # The Logs API's documentation knows success, failure and timeout.
    old_word = b"failure" if status is Status.ERROR else status.encode()
    return PlatformEvent(
        "platform.runtimeDone",
        _unless(status, _DEBUG),
        b'{"requestId":"%b",%b%b,"metrics":{"durationMs":%a,"producedBytes":%d}%b}'
        % (
            *(name, _outcome(status, fault), _spans(spans)),
            *(_ms(duration_ms), produced_bytes or 0, tracing),
        ),
        None,
        b'{"requestId":"%b","status":"%b"}' % (name, old_word),
        "2021-03-18",
    )


def end(request_id: str) -> PlatformEvent:
    """Known to text logs and to the Logs API."""
    reduced = b'{"requestId":"%b"}' % request_id.encode()
    return PlatformEvent("platform.end", _INFO, None, telemetry.end(request_id), reduced)


def report(facts: Report, spans: tuple[Span, ...], tracing: bytes) -> PlatformEvent:
    init = b"" if facts.init_ms is None else b',"initDurationMs":%a' % _ms(facts.init_ms)
    if (restore := facts.restore) is not None:
        init = b',"restoreDurationMs":%a,"billedRestoreDurationMs":%d' % (
            _ms(restore.duration_ms),
            restore.billed_ms,
        )
    both = (
        b'"requestId":"%b","metrics":{"durationMs":%a,"billedDurationMs":%d,"memorySizeMB":%d,'
        b'"maxMemoryUsedMB":%d%b}'
    ) % (
        facts.request_id.encode(),
        _ms(facts.duration_ms),
        telemetry.billed_ms(facts.duration_ms, facts.to_bill_ms),
        facts.memory_size_mb,
        telemetry.max_memory_mb(facts.max_memory_bytes, facts.memory_size_mb),
        init,
    )
    outcome = _outcome(facts.status, facts.fault)
    return PlatformEvent(
        "platform.report",
        _unless(facts.status, _INFO),
        b"{%b,%b%b%b}" % (both, outcome, _spans(spans), tracing),
        telemetry.report(facts),
        b"{%b}" % both,
    )


def fault(text: bytes) -> PlatformEvent:
    """The event that explains one. JSON logs and the Telemetry API have it in the report."""
    said = text.decode("utf-8", "replace")
    return PlatformEvent("platform.fault", Level.WARN, None, text, _json(said))


def extension(
    name: str, state: str, events: tuple[str, ...], error_type: str | None = None
) -> PlatformEvent:
    record: dict[str, object] = {"name": name, "state": state, "events": list(events)}
    text = f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{', '.join(events)}]"
    if error_type is not None:
        record["errorType"] = error_type
        text += f"\tError Type: {error_type}"
    level = Level.INFO if error_type is None else Level.WARN
    said = f"{text}\n".encode("utf-8", "replace")
    return PlatformEvent("platform.extension", level, _json(record), said, _json(record))


def telemetry_subscription(name: str, state: str, types: tuple[str, ...]) -> PlatformEvent:
    text = _subscription_line("TELEMETRY", name, state, types)
    record = _subscription(name, state, types)
    return PlatformEvent("platform.telemetrySubscription", _INFO, record, text, None)


def logs_subscription(name: str, state: str, types: tuple[str, ...]) -> PlatformEvent:
    """Of a subscriber of the older API; subscribers of the other one do not hear of it."""
    text = _subscription_line("LOGS", name, state, types)
    record = _subscription(name, state, types)
    return PlatformEvent("platform.logsSubscription", _INFO, None, text, record)


def logs_dropped(records: int, size_bytes: int) -> PlatformEvent:
    record = _json({"droppedBytes": size_bytes, "droppedRecords": records, "reason": FALLEN_BEHIND})
    return PlatformEvent("platform.logsDropped", Level.WARN, record, None, record)


def tracing(header: str) -> bytes:
    """The end of a record: of the trace that an invocation belongs to, if it is sampled."""
    if "Sampled=1" not in header:
        return b""
    fields = dict(part.split("=", 1) for part in header.split(";") if part.count("=") == 1)
    if fields.get("Sampled") != "1":
        return b""
    context = {"spanId": fields["Parent"]} if "Parent" in fields else {}
    return b',"tracing":' + _json(context | {"type": "X-Amzn-Trace-Id", "value": header})


def _json(value: object) -> bytes:
    return _encode(value).encode("utf-8", "replace")


_quoted = lru_cache(1024)(_json)  # of ARNs


def _init(kind: Initialization, phase: str) -> bytes:
    return b'"initializationType":"%b","phase":"%b"' % (kind.encode(), phase.encode())


def _outcome(status: Status, fault: Fault | None) -> bytes:
    """A time-out has no type of error: its status says it."""
    if status is _SUCCESS and fault is None:
        return _SUCCEEDED
    word = b'"status":"%b"' % status_word(status, fault).encode()
    if fault is not None and status is Status.ERROR:
        word += b',"errorType":' + _json(fault.type)
    return word


def _unless(status: Status, success: Level) -> Level:
    return success if status is _SUCCESS else Level.WARN


def _spans(spans: tuple[Span, ...]) -> bytes:
    if not spans:
        return b""
    told = [
        _SPAN % (name.encode(), telemetry.stamp(start_ms), _ms(duration_ms))
        for name, start_ms, duration_ms in spans
    ]
    return b',"spans":[%b]' % b",".join(told)


def _ms(value: float) -> float:
    return round(value, 3)


def _subscription(name: str, state: str, types: tuple[str, ...]) -> bytes:
    return _json({"name": name, "state": state, "types": list(types)})


def _subscription_line(api: str, name: str, state: str, types: tuple[str, ...]) -> bytes:
    wanted = ", ".join(kind.capitalize() for kind in types)
    return f"{api}\tName: {name}\tState: {state}\tTypes: [{wanted}]\n".encode("utf-8", "replace")
