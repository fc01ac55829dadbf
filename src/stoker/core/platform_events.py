"""What the platform says about an environment: every event in each of its three forms.

    text      a line of the log stream (LogFormat Text), byte for byte as AWS writes it
    envelope  {"time", "type", "record"}: a line of the log stream (LogFormat JSON), and what
              subscribers of the Telemetry API get
    reduced   the same envelope with what the older Logs API knows of it

https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html. Some events have
no line of text, some are known to one of the APIs only; whoever gets none gets None.

Here are the rare ones; those of every invocation are in invocation_events.py.
"""

import json
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Protocol

from stoker.core import telemetry
from stoker.core.faults import Fault
from stoker.core.invocation import Initialization, Target
from stoker.core.lifecycle_words import Status
from stoker.core.names import runtime_version_arn

FALLEN_BEHIND = "Consumer seems to have fallen behind as it has not acknowledged receipt of logs."
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_MB = 1024 * 1024
_ENVELOPE: Final = b'{"time":"%b","type":"%b","record":%b}'


class Level(IntEnum):
    """The platform's levels and the applications', least important first."""

    TRACE = 1
    DEBUG = 2
    INFO = 3
    WARN = 4
    ERROR = 5
    FATAL = 6


# Python 3.11 is slow to find an enum's member.
_DEBUG: Final = Level.DEBUG
_INFO: Final = Level.INFO
_SUCCESS: Final = Status.SUCCESS
SUCCEEDED: Final = b'"status":"success"'


class PlatformEvent(Protocol):
    @property
    def type(self) -> str: ...

    @property
    def level(self) -> Level: ...

    @property
    def record(self) -> bytes | None:
        """Of the Telemetry API and of JSON logs, as JSON."""
        ...

    @property
    def text(self) -> bytes | None:
        """Of text logs."""
        ...

    @property
    def reduced(self) -> bytes | None:
        """Of the Logs API, as JSON."""
        ...

    @property
    def reduced_since(self) -> str:
        """The first schema of the Logs API that has it; "": all."""
        ...


@dataclass(slots=True)
class RareEvent:
    """One whose forms are all made at once."""

    type: str
    level: Level
    record: bytes | None
    text: bytes | None
    reduced: bytes | None
    reduced_since: str = ""


def envelope(time_ms: int, kind: str, record: bytes) -> bytes:
    """`record`: JSON."""
    return _ENVELOPE % (telemetry.stamp(time_ms), kind.encode(), record)


def status_word(status: Status, fault: Fault | None) -> str:
    """success | error | timeout, or failure where the fault is the platform's own."""
    if status is Status.ERROR and fault is not None and fault.type.startswith("Sandbox."):
        return "failure"
    return str(status)


def init_start(target: Target, kind: Initialization, phase: str, log_stream: str) -> RareEvent:
    """AWS puts the log stream's name into instanceId, and the memory in bytes beside it."""
    record = {
        "initializationType": kind,
        "phase": phase,
        **_instance(target, log_stream),
    }
    text = telemetry.init_start(target.runtime, target.region) if phase == "init" else None
    return RareEvent("platform.initStart", _INFO, json_bytes(record), text, None)


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
) -> RareEvent:
    record = b"{%b,%b}" % (_init(kind, phase), outcome(status, fault))
    return RareEvent("platform.initRuntimeDone", _unless(status, _DEBUG), record, None, None)


def init_report(
    duration_ms: float, kind: Initialization, phase: str, status: Status, fault: Fault | None
) -> RareEvent:
    """On demand, a log of text has a line of a failed one only."""
    told, took = outcome(status, fault), round(duration_ms, 3)
    record = b'{%b,%b,"metrics":{"durationMs":%a}}' % (_init(kind, phase), told, took)
    text = None
    if status is not _SUCCESS or kind is not Initialization.ON_DEMAND:
        text = telemetry.init_report(duration_ms, phase, status, fault)
    return RareEvent("platform.initReport", _unless(status, _DEBUG), record, text, None)


def restore_start(target: Target, log_stream: str) -> RareEvent:
    text = telemetry.restore_start(target.runtime, target.region)
    record = json_bytes(_instance(target, log_stream))
    return RareEvent("platform.restoreStart", _INFO, record, text, None)


def restore_runtime_done(status: Status, fault: Fault | None) -> RareEvent:
    record, level = b"{%b}" % outcome(status, fault), _unless(status, _DEBUG)
    return RareEvent("platform.restoreRuntimeDone", level, record, None, None)


def restore_report(duration_ms: float, status: Status, fault: Fault | None) -> RareEvent:
    record = b'{%b,"metrics":{"durationMs":%a}}' % (
        outcome(status, fault),
        round(duration_ms, 3),
    )
    text = telemetry.restore_report(duration_ms, status, fault)
    return RareEvent("platform.restoreReport", _unless(status, _INFO), record, text, None)


def fault(text: bytes) -> RareEvent:
    """The event that explains one. JSON logs and the Telemetry API have it in the report."""
    said = text.decode("utf-8", "replace")
    return RareEvent("platform.fault", Level.WARN, None, text, json_bytes(said))


def extension(
    name: str, state: str, events: tuple[str, ...], error_type: str | None = None
) -> RareEvent:
    record: dict[str, object] = {"name": name, "state": state, "events": list(events)}
    text = f"EXTENSION\tName: {name}\tState: {state}\tEvents: [{', '.join(events)}]"
    if error_type is not None:
        record["errorType"] = error_type
        text += f"\tError Type: {error_type}"
    level = Level.INFO if error_type is None else Level.WARN
    said = f"{text}\n".encode("utf-8", "replace")
    return RareEvent("platform.extension", level, json_bytes(record), said, json_bytes(record))


def telemetry_subscription(name: str, state: str, types: tuple[str, ...]) -> RareEvent:
    text = _subscription_line("TELEMETRY", name, state, types)
    record = _subscription(name, state, types)
    return RareEvent("platform.telemetrySubscription", _INFO, record, text, None)


def logs_subscription(name: str, state: str, types: tuple[str, ...]) -> RareEvent:
    """Of a subscriber of the older API; subscribers of the other one do not hear of it."""
    text = _subscription_line("LOGS", name, state, types)
    record = _subscription(name, state, types)
    return RareEvent("platform.logsSubscription", _INFO, None, text, record)


def logs_dropped(records: int, size_bytes: int) -> RareEvent:
    record = json_bytes(
        {"droppedBytes": size_bytes, "droppedRecords": records, "reason": FALLEN_BEHIND}
    )
    return RareEvent("platform.logsDropped", Level.WARN, record, None, record)


def tracing(header: str) -> bytes:
    """The end of a record: of the trace that an invocation belongs to, if it is sampled."""
    if "Sampled=1" not in header:
        return b""
    fields = dict(part.split("=", 1) for part in header.split(";") if part.count("=") == 1)
    if fields.get("Sampled") != "1":
        return b""
    context = {"spanId": fields["Parent"]} if "Parent" in fields else {}
    return b',"tracing":' + json_bytes(context | {"type": "X-Amzn-Trace-Id", "value": header})


def json_bytes(value: object) -> bytes:
    return _encode(value).encode("utf-8", "replace")


def _init(kind: Initialization, phase: str) -> bytes:
    return b'"initializationType":"%b","phase":"%b"' % (kind.encode(), phase.encode())


def outcome(status: Status, fault: Fault | None) -> bytes:
    """A time-out has no type of error: its status says it."""
    if status is _SUCCESS and fault is None:
        return SUCCEEDED
    word = b'"status":"%b"' % status_word(status, fault).encode()
    if fault is not None and status is Status.ERROR:
        word += b',"errorType":' + json_bytes(fault.type)
    return word


def _unless(status: Status, success: Level) -> Level:
    return success if status is _SUCCESS else Level.WARN


def _subscription(name: str, state: str, types: tuple[str, ...]) -> bytes:
    return json_bytes({"name": name, "state": state, "types": list(types)})


def _subscription_line(api: str, name: str, state: str, types: tuple[str, ...]) -> bytes:
    wanted = ", ".join(kind.capitalize() for kind in types)
    return f"{api}\tName: {name}\tState: {state}\tTypes: [{wanted}]\n".encode("utf-8", "replace")
