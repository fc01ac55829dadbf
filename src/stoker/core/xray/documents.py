"""Segment documents, one at a time: which X-Ray takes, and what is known of one at a glance. Pure.

https://docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html
"""

import math
import re
from dataclasses import dataclass
from typing import Any, Final

import orjson

from stoker.core.tracing import DOCUMENT_BYTES
from stoker.core.xray.errors import RejectedSegment

TRACE_ID: Final = re.compile(r"1-([0-9a-f]{8})-[0-9a-f]{24}")
_SPAN_ID: Final = re.compile(r"[0-9a-f]{16}")
NAME_CHARACTERS: Final = 200
NESTED: Final = 100  # levels of a document
LATEST: Final = 2**37  # seconds of the epoch; what is later is no time


@dataclass(frozen=True, slots=True)
class Glance:
    """What a document says of itself."""

    trace_id: str
    id: str
    began: float  # epoch seconds, here and below
    ended: float  # of one in progress: when it began
    done: bool  # False: it is in progress, and another document will come


def glance(text: bytes) -> Glance:
    """Raise RejectedSegment."""
    if len(text) > DOCUMENT_BYTES:
        raise RejectedSegment("SegmentTooLarge")
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise RejectedSegment("ParseError") from None
    if not isinstance(document, dict) or _is_deep(text, document):
        raise RejectedSegment("ParseError")
    return Glance(
        _matching(document, "trace_id", TRACE_ID, "TraceId"),
        _matching(document, "id", _SPAN_ID, "Id"),
        *_times(document),
        document.get("in_progress") is not True,
    )


def _is_deep(text: bytes, document: object) -> bool:
    """Whether it could not be written again below the spans that it belongs to."""
    if text.count(b"[") + text.count(b"{") <= NESTED:
        return False
    level = [document]
    for _ in range(NESTED):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
    return bool(level)


def said_id(text: bytes) -> str | None:
    """The id in a document that was rejected, for whoever sent it."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    said = document.get("id") if isinstance(document, dict) else None
    return said if isinstance(said, str) and _SPAN_ID.fullmatch(said) else None


def made_s(trace_id: str) -> int:
    """When the trace began, as its id says."""
    found = TRACE_ID.fullmatch(trace_id)
    assert found is not None, "it was looked at"
    return int(found[1], 16)


def time_of(document: dict[str, Any], name: str) -> float | None:
    """None: it says no time that could be one."""
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < LATEST else None


def _matching(document: dict[str, Any], member: str, pattern: re.Pattern[str], called: str) -> str:
    value = document.get(member)
    if value is None:
        raise RejectedSegment(f"Missing{called}")
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise RejectedSegment(f"Invalid{called}")
    return value


def _times(document: dict[str, Any]) -> tuple[float, float]:
    name = document.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= NAME_CHARACTERS:
        raise RejectedSegment("MissingName" if name is None else "InvalidName")
    began = time_of(document, "start_time")
    if began is None:
        missing = document.get("start_time") is None
        raise RejectedSegment("MissingStartTime" if missing else "InvalidStartTime")
    ended = time_of(document, "end_time")
    if ended is None:
        if document.get("end_time") is not None:
            raise RejectedSegment("InvalidEndTime")
        if document.get("in_progress") is not True:
            raise RejectedSegment("MissingEndTime")
        return began, began
    if ended < began:
        raise RejectedSegment("InvalidEndTime")
    return began, ended
