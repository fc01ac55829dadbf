"""Invocations that are made to be measured."""

import base64
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from stoker.core.events_file import WeightedEvent, read_events
from stoker.core.report_lines import Measured, read_report

MOST_AT_ONCE = 10  # connections that botocore keeps


@dataclass(frozen=True, slots=True)
class Ran:
    measured: Measured
    error: str | None  # what the function says went wrong


class FunctionFails(ValueError):
    """There is nothing to be measured where a function fails."""


def events_of(path: Path | None) -> list[WeightedEvent]:
    """Of a file ("-": standard input), or the one event {}. Raise OSError or ValueError."""
    if path is None:
        return [WeightedEvent(b"{}")]
    try:
        return read_events(sys.stdin.read() if str(path) == "-" else path.read_text())
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def run(aws: Any, function: str, payload: bytes) -> Ran:
    """Raise ValueError if nothing tells how long it took."""
    answer = aws.invoke(FunctionName=function, Payload=payload, LogType="Tail")
    body = answer["Payload"].read()
    log = base64.b64decode(answer.get("LogResult", "")).decode(errors="replace")
    measured = read_report(log, answer["ResponseMetadata"]["RequestId"])
    if measured is None:
        raise ValueError(f"{function} logs no REPORT: its SystemLogLevel must be INFO or DEBUG")
    return Ran(measured, _reason(body) if answer.get("FunctionError") else None)


def run_well(aws: Any, function: str, payload: bytes) -> Measured:
    """The same; raise FunctionFails if the function does."""
    ran = run(aws, function, payload)
    if ran.error is not None:
        shown = payload[:100].decode(errors="replace")
        raise FunctionFails(
            f"{function} ({ran.measured.memory_mb} MB) fails with the event {shown}: {ran.error}"
        )
    return ran.measured


def warm_runs(aws: Any, function: str, payloads: list[bytes], at_once: int) -> list[Measured]:
    """One for each of the payloads. What turns out to be a cold start is run again, until there
    were twice as many tries as there are payloads."""
    found: list[Measured] = []
    left, tries = list(payloads), 2 * len(payloads) + at_once
    call = partial(run_well, aws, function)
    with ThreadPoolExecutor(at_once) as pool:
        # One after another they run in this thread, so that Ctrl-C need not wait for an answer.
        each = pool.map if at_once > 1 else map
        while left and tries > 0:
            tries -= len(left)
            done = list(zip(left, each(call, left), strict=True))
            found += [measured for _, measured in done if not measured.cold]
            left = [payload for payload, measured in done if measured.cold]
    if left:
        raise ValueError(f"{function} starts cold again and again: fewer runs at once")
    return found


def _reason(body: bytes) -> str:
    try:
        told = json.loads(body)
        return f"{told.get('errorType', 'error')}: {told.get('errorMessage', '')}"
    except (ValueError, AttributeError):
        return body[:200].decode(errors="replace")
