"""What a runtime says of an error for X-Ray: the header Lambda-Runtime-Function-XRay-Error-Cause.

    {"working_directory": "…", "paths": ["…"], "message": "…", "exceptions": [
        {"message": "…", "type": "…", "stack": [{"path": "…", "line": 1, "label": "…"}]}]}

Anything else in it is left out. More than 64 KiB is cropped, strings and lists alike, by the steps
of AWS's own open runtime interface emulator.
"""

from collections.abc import Mapping
from typing import Final

import orjson

CAUSE_BYTES: Final = 64 * 1024
_STEPS: Final = (1.0, 0.8, 0.6, 0.4, 0.2, 0.0)


def error_cause(text: str) -> dict[str, object] | None:
    """The cause as a segment carries it; None if there is none that says anything. `text` is a
    header's: each character a byte of UTF-8."""
    try:
        said = orjson.loads(text.encode("latin-1", "replace"))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(said, dict):
        return None
    for step in _STEPS:
        cause = _cropped(said, step)
        if len(orjson.dumps(cause)) <= CAUSE_BYTES:
            return cause if any(cause.values()) else None
    return None


def _cropped(said: Mapping[str, object], step: float) -> dict[str, object]:
    return {
        "working_directory": _text(said.get("working_directory"), step),
        "paths": [_text(path, step) for path in _items(said.get("paths"), step)],
        "exceptions": [
            {
                "message": _text(one.get("message"), step),
                "type": _text(one.get("type"), step),
                "stack": [_frame(frame, step) for frame in _items(one.get("stack"), step)],
            }
            for one in _items(said.get("exceptions"), step)
            if isinstance(one, dict)
        ],
        "message": _text(said.get("message"), step),
    }


def _frame(frame: object, step: float) -> dict[str, object]:
    if not isinstance(frame, dict):
        return {}
    line = frame.get("line")
    return {
        "path": _text(frame.get("path"), step),
        "line": line if type(line) is int else 0,
        "label": _text(frame.get("label"), step),
    }


def _text(value: object, step: float) -> str:
    return value[: int(len(value) * step)] if isinstance(value, str) else ""


def _items(value: object, step: float) -> list[object]:
    return value[: int(len(value) * step)] if isinstance(value, list) else []
