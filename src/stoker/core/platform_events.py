"""What the platform says about an environment: every event in each of its three forms.

    text      a line of the log stream (LogFormat Text), byte for byte as AWS writes it
    envelope  {"time", "type", "record"}: a line of the log stream (LogFormat JSON), and what
              subscribers of the Telemetry API get
    reduced   the same envelope with what the older Logs API knows of it

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html. Some events have
no line of text, some are known to one of the APIs only; whoever gets none gets None.
"""

import json
from dataclasses import dataclass
from enum import IntEnum

from stoker.core import telemetry
from stoker.core.faults import Fault
from stoker.core.invocation import Target
from stoker.core.lifecycle_words import Status
from stoker.core.names import runtime_version_arn
from stoker.core.telemetry import Report

Record = dict[str, object]
ON_DEMAND = "on-demand"
FALLEN_BEHIND = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_MB = 1024 * 1024


class Level(IntEnum):
    """The platform's levels and the applications', least important first."""

    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARN = 4
    ERROR = 5
    FATAL = 6


@dataclass(frozen=True, slots=True)
class PlatformEvent:
    type: str
    level: Level
    record: Record | str | None  # of the Telemetry API and of JSON logs
    text: bytes | None  # of text logs
    reduced: Record | str | None  # of the Logs API
    reduced_since: str = "2020-08-15"  # the first schema of the Logs API that has it


@dataclass(frozen=True, slots=True)
class Span:
    name: str
    start_ms: int  # epoch
    duration_ms: float


def envelope(time_ms: int, kind: str, record: Record | str) -> bytes:
    event = {"time": telemetry.timestamp(time_ms), "type": kind, "record": record}
    return _encode(event).encode("utf-8", "replace")


def status_word(status: Status, fault: Fault | None) -> str:
    """success | error | timeout, or failure where the fault is the platform's own."""
    if status is Status.ERROR and fault is not None and fault.type.startswith("Sandbox."):
        return "failure"
    return str(status)


def init_start(target: Target, phase: str, log_stream: str) -> PlatformEvent:
    """AWS puts the log stream's name into instanceId, and the memory in bytes beside it."""
    record = {
        "initializationType": ON_DEMAND,
        "phase": phase,
        "runtimeVersion": telemetry.runtime_version(target.runtime),
        "runtimeVersionArn": runtime_version_arn(target.region, target.runtime),
        "functionName": target.name,
        "functionVersion": target.version,
        "instanceId": log_stream,
        "instanceMaxMemory": target.memory_mb * _MB,
    }
    text = telemetry.init_start(target.runtime, target.region) if phase == "init" else None
    return PlatformEvent("platform.initStart", Level.INFO, record, text, None)


def init_runtime_done(phase: str, status: Status, fault: Fault | None) -> PlatformEvent:
    record = {"initializationType": ON_DEMAND, "phase": phase, **_outcome(status, fault)}
    return PlatformEvent(
        "platform.initRuntimeDone", _unless(status, Level.DEBUG), record, None, None
    )


def init_report(
    duration_ms: float, phase: str, status: Status, fault: Fault | None
) -> PlatformEvent:
    """On demand, a log of text has a line of a failed one only."""
    record = {
        "initializationType": ON_DEMAND,
        "phase": phase,
        **_outcome(status, fault),
        "metrics": {"durationMs": _ms(duration_ms)},
    }
    text = None
    if status is not Status.SUCCESS:
        text = telemetry.init_report(duration_ms, phase, status, fault)
    return PlatformEvent("platform.initReport", _unless(status, Level.DEBUG), record, text, None)


def start(request_id: str, target: Target, tracing: Record | None) -> PlatformEvent:
    reduced: Record = {"requestId": request_id, "version": target.version}
    record = {"requestId": request_id, "functionArn": target.arn, "version": target.version}
    return PlatformEvent(
        "platform.start",
        Level.INFO,
        record | _traced(tracing),
        telemetry.start(request_id, target.version),
        reduced,
    )


def runtime_done(
    request_id: str,
    outcome: tuple[Status, Fault | None],
    spans: tuple[Span, ...],
    metrics: tuple[float, int | None],
    tracing: Record | None,
) -> PlatformEvent:
    """`metrics`: duration in ms, and the bytes of the answer (None: there was none)."""
    status, fault = outcome
    duration_ms, produced_bytes = metrics
    told = _outcome(status, fault)
    record: Record = {"requestId": request_id, **told}
    if spans:
        record["spans"] = [_span(span) for span in spans]
    record["metrics"] = {"durationMs": _ms(duration_ms), "producedBytes": produced_bytes or 0}
    # The Logs API's documentation knows success, failure and timeout.
    reduced: Record = {"requestId": request_id, "status": _old_word(status)}
    return PlatformEvent(
        "platform.runtimeDone",
        _unless(status, Level.DEBUG),
        record | _traced(tracing),
        None,
        reduced,
        "2021-03-18",
    )


def end(request_id: str) -> PlatformEvent:
    """Known to text logs and to the Logs API."""
    text = telemetry.end(request_id)
    return PlatformEvent("platform.end", Level.INFO, None, text, {"requestId": request_id})


def report(facts: Report, spans: tuple[Span, ...], tracing: Record | None) -> PlatformEvent:
    metrics: Record = {
        "durationMs": _ms(facts.duration_ms),
        "billedDurationMs": telemetry.billed_ms(facts.duration_ms, facts.init_ms),
        "memorySizeMB": facts.memory_size_mb,
        "maxMemoryUsedMB": telemetry.max_memory_mb(facts.max_memory_bytes, facts.memory_size_mb),
    }
    if facts.init_ms is not None:
        metrics["initDurationMs"] = _ms(facts.init_ms)
    told = _outcome(facts.status, facts.fault)
    record: Record = {"requestId": facts.request_id, "metrics": metrics, **told}
    if spans:
        record["spans"] = [_span(span) for span in spans]
    return PlatformEvent(
        "platform.report",
        _unless(facts.status, Level.INFO),
        record | _traced(tracing),
        telemetry.report(facts),
        {"requestId": facts.request_id, "metrics": metrics},
    )


def fault(text: bytes) -> PlatformEvent:
    """The event that explains one. JSON logs and the Telemetry API have it in the report."""
    said = text.decode("utf-8", "replace")
    return PlatformEvent("platform.fault", Level.WARN, None, text, said)


def extension(
    name: str, state: str, events: tuple[str, ...], error_type: str | None = None
) -> PlatformEvent:
    record: Record = {"name": name, "state": state, "events": list(events)}
    text = f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{', '.join(events)}]"
    if error_type is not None:
        record["errorType"] = error_type
        text += f"\tError Type: {error_type}"
    level = Level.INFO if error_type is None else Level.WARN
    said = f"{text}\n".encode("utf-8", "replace")
    return PlatformEvent("platform.extension", level, record, said, record)


def telemetry_subscription(name: str, state: str, types: tuple[str, ...]) -> PlatformEvent:
    record: Record = {"name": name, "state": state, "types": list(types)}
    text = _subscription_line("TELEMETRY", name, state, types)
    return PlatformEvent("platform.telemetrySubscription", Level.INFO, record, text, None)


def logs_subscription(name: str, state: str, types: tuple[str, ...]) -> PlatformEvent:
    """Of a subscriber of the older API; subscribers of the other one do not hear of it."""
    record: Record = {"name": name, "state": state, "types": list(types)}
    text = _subscription_line("LOGS", name, state, types)
    return PlatformEvent("platform.logsSubscription", Level.INFO, None, text, record)


def logs_dropped(records: int, size_bytes: int) -> PlatformEvent:
    record: Record = {
        "droppedBytes": size_bytes,
        "droppedRecords": records,
        "reason": FALLEN_BEHIND,
    }
    return PlatformEvent("platform.logsDropped", Level.WARN, record, None, record)


def tracing(header: str) -> Record | None:
    """Of the trace that an invocation belongs to, if it is sampled."""
    fields = dict(part.split("=", 1) for part in header.split(";") if part.count("=") == 1)
    if fields.get("Sampled") != "1":
        return None
    context: Record = {"spanId": fields["Parent"]} if "Parent" in fields else {}
    return context | {"type": "X-Amzn-Trace-Id", "value": header}


def _outcome(status: Status, fault: Fault | None) -> Record:
    """A time-out has no type of error: its status says it."""
    record: Record = {"status": status_word(status, fault)}
    if fault is not None and status is Status.ERROR:
        record["errorType"] = fault.type
    return record


def _old_word(status: Status) -> str:
    return "failure" if status is Status.ERROR else str(status)


def _unless(status: Status, success: Level) -> Level:
    return success if status is Status.SUCCESS else Level.WARN


def _traced(context: Record | None) -> Record:
    return {} if context is None else {"tracing": context}


def _span(span: Span) -> Record:
    start = telemetry.timestamp(span.start_ms)
    return {"name": span.name, "start": start, "durationMs": _ms(span.duration_ms)}


def _ms(value: float) -> float:
    return round(value, 3)


def _subscription_line(api: str, name: str, state: str, types: tuple[str, ...]) -> bytes:
    wanted = ", ".join(kind.capitalize() for kind in types)
    return f"{api}\tName: {name}\tState: {state}\tTypes: [{wanted}]\n".encode("utf-8", "replace")
