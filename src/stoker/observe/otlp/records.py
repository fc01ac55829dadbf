"""Events of logs as OpenTelemetry's log records, with what a line says of itself. Pure.

An environment has one invocation at a time and a stream of its own, so a line belongs to the
invocation whose START was the last in its stream, unless it names another. What begins there is
told with its trace (frames.CONTEXT).
"""

import re
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.logs.v1.logs_pb2 import (
    LogRecord,
    ResourceLogs,
    ScopeLogs,
    SeverityNumber,
)

from stoker.core.tracing import fields_of
from stoker.observe.otlp.attributes import SCOPE, any_value, attributes, resource
from stoker.observe.otlp.frames import LogPart
from stoker.observe.otlp.spans import trace_bytes

KEPT: Final = 20_000  # invocations and streams that are remembered
GROUP: Final = "/aws/lambda/"
LOOKED_AT: Final = 100  # bytes of a line, for its level and its request
JSON_BYTES: Final = 64 * 1024  # a longer line is not read as an object
_ID: Final = rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_PLATFORM: Final = re.compile(rb"(START|END|REPORT) RequestId: (" + _ID + rb")\b")
_NAMED: Final = re.compile(rb"(?:\t|RequestId: |^)(" + _ID + rb")(?:\t|\s|$)")
_LEVEL: Final = re.compile(
    rb"(?:^\[|\t|^| )(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)(?:\]|\t|:| )"
)
_STREAM: Final = re.compile(r"\d{4}/\d\d/\d\d/([\w-]+)?\[")  # in a group of several functions
_SEVERITIES: Final = {
    "TRACE": SeverityNumber.SEVERITY_NUMBER_TRACE,
    "DEBUG": SeverityNumber.SEVERITY_NUMBER_DEBUG,
    "INFO": SeverityNumber.SEVERITY_NUMBER_INFO,
    "WARN": SeverityNumber.SEVERITY_NUMBER_WARN,
    "WARNING": SeverityNumber.SEVERITY_NUMBER_WARN,
    "ERROR": SeverityNumber.SEVERITY_NUMBER_ERROR,
    "FATAL": SeverityNumber.SEVERITY_NUMBER_FATAL,
    "CRITICAL": SeverityNumber.SEVERITY_NUMBER_FATAL,
}
_LEVEL_KEYS: Final = ("level", "Level", "log_level", "severity")
_ID_KEYS: Final = ("requestId", "AWSRequestId", "aws_request_id", "function_request_id")


@dataclass(frozen=True, slots=True)
class Said:
    """What a line tells of itself."""

    severity: str = ""
    request_id: str = ""
    begins: bool = False  # its invocation does
    ends: bool = False


@dataclass(slots=True)
class _Recent:
    """The latest values, by key."""

    kept: OrderedDict[Any, str] = field(default_factory=OrderedDict)

    def put(self, key: Any, value: str) -> None:
        self.kept.pop(key, None)
        self.kept[key] = value
        if len(self.kept) > KEPT:
            self.kept.popitem(last=False)


class Records:
    """Remembers which invocation is under way in which stream, and its trace."""

    def __init__(self) -> None:
        self._traces = _Recent()  # by request id
        self._running = _Recent()  # by stream

    def began(self, told: Iterable[tuple[str, str]]) -> None:
        """Invocations that begin, with their trace headers."""
        for request_id, header in told:
            root = fields_of(header).get("Root", "")
            if root:
                self._traces.put(request_id, root)

    def request(self, parts: Iterable[LogPart]) -> ExportLogsServiceRequest:
        """One request for all of them."""
        by_stream: dict[tuple[str, str, str, str], list[LogRecord]] = {}
        for *where, times, messages in parts:
            account, region, group, name = where
            stream = (account, region, group, name)
            found = by_stream.setdefault(stream, [])
            for time_ms, message in zip(times, messages, strict=True):
                found.append(self._record(stream, time_ms, message))
        return ExportLogsServiceRequest(
            resource_logs=[
                ResourceLogs(
                    resource=_resource(*stream),
                    scope_logs=[ScopeLogs(scope=SCOPE, log_records=found)],
                )
                for stream, found in by_stream.items()
            ]
        )

    def _record(self, stream: tuple[str, str, str, str], time_ms: int, message: bytes) -> LogRecord:
        said = said_by(message)
        request_id = said.request_id or self._running.kept.get(stream, "")
        if said.begins:
            self._running.put(stream, request_id)
        elif said.ends:
            self._running.kept.pop(stream, None)
        text = message.decode("utf-8", "replace").removesuffix("\n")
        record = LogRecord(
            time_unix_nano=max(0, time_ms) * 1_000_000,
            observed_time_unix_nano=max(0, time_ms) * 1_000_000,
            severity_text=said.severity,
        )
        if said.severity:
            record.severity_number = _SEVERITIES[said.severity]
        record.body.string_value = text
        if request_id:
            record.attributes.extend(attributes({"faas.invocation_id": request_id}))
            trace = trace_bytes(self._traces.kept.get(request_id))
            if trace is not None:
                record.trace_id = trace
        return record


def said_by(message: bytes) -> Said:
    """Text as AWS's runtimes print it, or an object of LogFormat JSON."""
    head = message[:LOOKED_AT]
    platform = _PLATFORM.match(head)
    if platform is not None:
        word = platform[1]
        return Said("INFO", platform[2].decode(), begins=word == b"START", ends=word == b"REPORT")
    if head[:1] == b"{" and len(message) <= JSON_BYTES:
        try:
            found = orjson.loads(message)
        except orjson.JSONDecodeError:
            found = None
        if isinstance(found, dict):
            return _of_object(found)
    level, named = _LEVEL.search(head), _NAMED.search(head)
    return Said(level[1].decode() if level else "", named[1].decode() if named else "")


def _of_object(found: dict[str, Any]) -> Said:
    kind, record = found.get("type"), found.get("record")
    if isinstance(kind, str) and kind.startswith("platform.") and isinstance(record, dict):
        request_id = record.get("requestId")
        return Said(
            "INFO",
            request_id if isinstance(request_id, str) else "",
            begins=kind == "platform.start",
            ends=kind == "platform.report",
        )
    level = next((found[key] for key in _LEVEL_KEYS if isinstance(found.get(key), str)), "")
    request_id = next((found[key] for key in _ID_KEYS if isinstance(found.get(key), str)), "")
    severity = level.upper()
    return Said(severity if severity in _SEVERITIES else "", request_id)


def _resource(account: str, region: str, group: str, stream: str) -> Any:
    function = group.removeprefix(GROUP) if group.startswith(GROUP) else ""
    if not function:
        found = _STREAM.match(stream)
        function = (found and found[1]) or ""
    told = resource(account, region, function, **{"faas.instance": stream})
    for name, value in (("aws.log.group.names", group), ("aws.log.stream.names", stream)):
        said = any_value([value])
        told.attributes.add(key=name, value=said)
    return told
