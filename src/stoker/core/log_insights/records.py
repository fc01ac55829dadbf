"""A log event as Logs Insights sees it: its own fields, and those found in its message. Pure.

Of Lambda's lines: @type, @requestId, @duration, @billedDuration, @initDuration (ms), @memorySize,
@maxMemoryUsed (bytes), @xrayTraceId, @xraySegmentId. Of JSON, the first that the message has: each
member, inner ones as `a.b` and `a.0`.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
"""

import re
from typing import Any, Final

import orjson

from stoker.core.log_insights.values import Value

FIELDS: Final = 200  # AWS: that are found in one event
TIMES: Final = frozenset({"@timestamp", "@ingestionTime"})  # shown as moments
_ID: Final = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_PLATFORM: Final = re.compile(rf"(START|END|REPORT) RequestId: ({_ID})")
_PRINTED: Final = re.compile(rf"(?:^|\t)({_ID})\t")
_HEAD: Final = 200  # characters in which a line says whose it is
_MEASURES: Final = (
    ("@duration", re.compile(r"\tDuration: ([0-9.]+) ms"), 1.0),
    ("@billedDuration", re.compile(r"\tBilled Duration: ([0-9.]+) ms"), 1.0),
    ("@initDuration", re.compile(r"\tInit Duration: ([0-9.]+) ms"), 1.0),
    ("@memorySize", re.compile(r"\tMemory Size: ([0-9]+) MB"), 1e6),
    ("@maxMemoryUsed", re.compile(r"\tMax Memory Used: ([0-9]+) MB"), 1e6),
)
_XRAY: Final = re.compile(r"XRAY TraceId: (\S+)\tSegmentId: (\S+)")


class Record:
    """Fields are found when one is asked for that is not there yet."""

    __slots__ = ("_found", "values")

    def __init__(self, values: dict[str, Value], *, found: bool = False) -> None:
        self.values = values
        self._found = found

    def get(self, name: str) -> Value:
        value = self.values.get(name)
        if value is None and not self._found:
            self._found = True
            message = self.values.get("@message")
            if isinstance(message, str):
                self.values = {**discovered(message), **self.values}
                value = self.values.get(name)
        return value


def discovered(message: str) -> dict[str, Value]:
    found: dict[str, Value] = {}
    platform = _PLATFORM.match(message)
    if platform:
        found["@type"], found["@requestId"] = platform[1], platform[2]
        if platform[1] == "REPORT":
            for name, pattern, scale in _MEASURES:
                measure = pattern.search(message)
                if measure:
                    found[name] = float(measure[1]) * scale
            if traced := _XRAY.search(message):
                found["@xrayTraceId"], found["@xraySegmentId"] = traced.groups()
        return found
    if printed := _PRINTED.search(message, 0, _HEAD):
        found["@requestId"] = printed[1]
    first, last = message.find("{"), message.rfind("}")
    if 0 <= first < last:
        try:
            document = orjson.loads(message[first : last + 1])
        except orjson.JSONDecodeError:
            return found
        _flatten(document, found)
    return found


def _flatten(document: Any, found: dict[str, Value]) -> None:
    pending: list[tuple[str, Any]] = [("", document)]
    while pending and len(found) < FIELDS:
        name, value = pending.pop()
        match value:
            case dict():
                inner = [(f"{name}.{key}" if name else key, one) for key, one in value.items()]
            case list():
                inner = [(f"{name}.{at}", one) for at, one in enumerate(value[:FIELDS])]
            case bool():
                found[name] = "true" if value else "false"
                continue
            case int() | float():
                found[name] = float(value)
                continue
            case str():
                found[name] = value
                continue
            case _:
                continue
        pending += inner[:FIELDS][::-1]
