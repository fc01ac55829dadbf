"""A function's log in LogFormat JSON: which events get into it, and in what shape.

What a function prints is its own: a JSON object stays as it is, byte for byte, and is kept or
left out by its "level". Lines that say nothing of a level, or have no valid time beside it,
count as INFO. Of plain text AWS's managed runtimes make nothing (Python's `print` stays plain
text: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html); for a program that the
platform knows nothing of, the line becomes the message of an object.
"""

import json
from dataclasses import dataclass
from datetime import datetime

from stoker.core.invocation import LogSettings
from stoker.core.platform_events import Level, PlatformEvent, envelope
from stoker.core.telemetry import timestamp

_LEVEL_KEYS = ("level", "Level", "log_level", "severity")
_TIME_KEYS = ("timestamp", "Timestamp", "time", "Time", "@timestamp")
_LEVELS = {level.name: level for level in Level} | {
    "WARNING": Level.WARN,
    "CRITICAL": Level.FATAL,
}
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Printed:
    """One event of a process, ready for the log stream."""

    message: bytes
    time_ms: int | None  # its own, if it names one


class JsonLog:
    def __init__(self, settings: LogSettings, *, wraps: bool, tenant: str = "") -> None:
        """`wraps`: plain text becomes the message of an object. `tenant`: whose it is then."""
        self._system = _LEVELS[settings.system_level]
        self._application = _LEVELS[settings.application_level]
        self._wraps = wraps
        self._tenant = tenant

    def platform(self, event: PlatformEvent, now_ms: int) -> bytes | None:
        """The line, or None if there is none at this level."""
        record = event.record if event.level >= self._system else None
        return None if record is None else envelope(now_ms, event.type, record) + b"\n"

    def printed(self, message: bytes, now_ms: int, request_id: str | None) -> Printed | None:
        """What the log has of a line of standard output or standard error."""
        found = json_object(message)
        if found is None:
            if self._application > Level.INFO:
                return None
            return Printed(self._plain(message, now_ms, request_id), None)
        time_ms = _time(found)
        level = _level(found) if time_ms is not None else Level.INFO
        return Printed(message, time_ms) if level >= self._application else None

    def _plain(self, message: bytes, now_ms: int, request_id: str | None) -> bytes:
        if not self._wraps:
            return message
        text = message.decode("utf-8", "replace").removesuffix("\n")
        wrapped = {"timestamp": timestamp(now_ms), "level": "INFO", "message": text}
        if request_id is not None:
            wrapped["requestId"] = request_id
            if self._tenant:
                wrapped["tenantId"] = self._tenant
        return _encode(wrapped).encode("utf-8", "replace") + b"\n"


def json_object(message: bytes) -> dict[str, object] | None:
    """The object that a line is, if it is one. Strict: no NaN, no second opinion."""
    if message.lstrip()[:1] != b"{":
        return None
    try:
        found = json.loads(message, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _level(found: dict[str, object]) -> Level:
    for key in _LEVEL_KEYS:
        if isinstance(named := found.get(key), str):
            return _LEVELS.get(named.upper(), Level.INFO)
    return Level.INFO


def _time(found: dict[str, object]) -> int | None:
    """Milliseconds since 1970, if it names a moment in RFC 3339."""
    for key in _TIME_KEYS:
        named = found.get(key)
        if isinstance(named, str) and "T" in named[:11].upper():
            try:
                moment = datetime.fromisoformat(named)
                return int(moment.timestamp() * 1000) if moment.tzinfo is not None else None
            except (ValueError, OverflowError):
                return None
    return None
