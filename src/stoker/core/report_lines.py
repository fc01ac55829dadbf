"""Reads the platform's REPORT of one invocation out of a log, be that text or JSON. Pure.

What a function prints may look the same: a report counts only with the request's own id, and the
last one does.
"""

import json
import math
import re
from dataclasses import dataclass
from typing import Any

_REPORT = re.compile(r"^REPORT RequestId: (\S+)\t(.*)$", re.MULTILINE)
_MEASURE = re.compile(r"([A-Z][A-Za-z ]+): ([0-9.]+) (?:ms|MB)(?:\t|$)")


@dataclass(frozen=True, slots=True)
class Measured:
    """One invocation, as its REPORT says it."""

    duration_ms: float
    billed_ms: int  # of all together
    memory_mb: int
    max_memory_mb: int
    init_ms: float = 0.0
    restore_ms: float = 0.0
    billed_restore_ms: float = 0.0

    @property
    def cold(self) -> bool:
        """It was the first of its environment, and somebody waited for that."""
        return bool(self.init_ms or self.restore_ms)

    @property
    def before_ms(self) -> float:
        """What passed before its handler ran."""
        return self.init_ms or self.restore_ms

    @property
    def billed_init_ms(self) -> int:
        """The part of `billed_ms` that is not of the handler."""
        if not self.init_ms:
            return 0
        return max(0, self.billed_ms - max(1, math.ceil(self.duration_ms)))


def read_report(log: str, request_id: str) -> Measured | None:
    """None: the log says nothing of it."""
    for named, measures in reversed(_REPORT.findall(log)):
        if named == request_id:
            return _of_text(dict(_MEASURE.findall(measures)))
    for line in reversed(log.splitlines()):
        if '"platform.report"' in line and request_id in line:
            found = _of_json(line, request_id)
            if found is not None:
                return found
    return None


def reported(message: str) -> Measured | None:
    """Of one log event, if it is a REPORT, or says it were one."""
    found = _REPORT.match(message)
    if found is not None:
        return _of_text(dict(_MEASURE.findall(found[2])))
    return _of_json(message, None) if '"platform.report"' in message else None


def _of_text(found: dict[str, str]) -> Measured | None:
    try:
        return Measured(
            float(found["Duration"]),
            int(found["Billed Duration"]),
            int(found["Memory Size"]),
            int(found["Max Memory Used"]),
            float(found.get("Init Duration", 0)),
            float(found.get("Restore Duration", 0)),
            float(found.get("Billed Restore Duration", 0)),
        )
    except (KeyError, ValueError):
        return None


def _of_json(line: str, request_id: str | None) -> Measured | None:
    """None: of any request."""
    try:
        record: dict[str, Any] = json.loads(line)["record"]
        if request_id not in (None, record["requestId"]):
            return None
        told: dict[str, float] = record["metrics"]
        return Measured(
            float(told["durationMs"]),
            int(told["billedDurationMs"]),
            int(told["memorySizeMB"]),
            int(told["maxMemoryUsedMB"]),
            float(told.get("initDurationMs", 0)),
            float(told.get("restoreDurationMs", 0)),
            float(told.get("billedRestoreDurationMs", 0)),
        )
    except (KeyError, ValueError, TypeError):
        return None
