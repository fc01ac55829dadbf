"""Doctor: what isolation this machine has, as `stoker doctor` finds it with the launcher's rights.

What it says is of now: each look tries everything again, in a process of its own.
"""

import asyncio
import time
from dataclasses import dataclass

import orjson

from stoker.console.asked import Asked, Shown

FRESH_S = 15.0  # an answer that is so old is given again


@dataclass(frozen=True, slots=True)
class Finding:
    name: str
    mood: str  # good; bad: isolation needs it; busy: it would be of use
    word: str
    found: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Diagnosis:
    isolates: bool
    findings: tuple[Finding, ...]  # what is missing first
    good: int


@dataclass(slots=True)
class _Latest:
    """Who asks soon after another gets the same answer: looking takes a while."""

    at: float = -1e9
    said: bytes = b""
    under_way: "asyncio.Task[bytes] | None" = None


_LATEST = _Latest()


async def show(asked: Asked) -> Shown:
    """Everything that `stoker doctor` looks at, with what to do about what is missing."""
    refusal, found = "", None
    try:
        found = diagnosis(await _said(asked))
    except ValueError as error:
        refusal = str(error)
    settings = asked.control.settings
    model = {
        "sandbox": settings.sandbox,
        "limitations": asked.control.limitations(),
        "diagnosis": found,
        "refusal": refusal,
    }
    return Shown("doctor.html", model, title="Doctor")


async def _said(asked: Asked) -> bytes:
    latest = _LATEST
    if latest.under_way is None and time.monotonic() - latest.at < FRESH_S:
        return latest.said
    if latest.under_way is None:
        assert asked.control.examine is not None, "a server has one"
        latest.under_way = asyncio.ensure_future(asked.control.examine())
        latest.under_way.add_done_callback(_keep)
    return await asyncio.shield(latest.under_way)


def _keep(task: "asyncio.Task[bytes]") -> None:
    _LATEST.under_way = None
    if not task.cancelled() and task.exception() is None:
        _LATEST.said, _LATEST.at = task.result(), time.monotonic()


def diagnosis(said: bytes) -> Diagnosis:
    """`said`: the doctor's JSON. Raise ValueError if it is none."""
    try:
        told = orjson.loads(said)
        findings = [
            Finding(
                name=str(one["name"]),
                mood="good" if one["ok"] else "bad" if one["needed"] else "busy",
                word="ok" if one["ok"] else "missing" if one["needed"] else "not there",
                found=str(one["found"]),
                remedy="" if one["ok"] else str(one["remedy"]),
            )
            for one in told["findings"]
        ]
        isolates = told["isolates"] is True
    except (KeyError, TypeError, orjson.JSONDecodeError) as error:
        raise ValueError("`stoker doctor` did not answer: run it in a terminal") from error
    order = {"bad": 0, "busy": 1, "good": 2}
    findings.sort(key=lambda one: order[one.mood])
    return Diagnosis(isolates, tuple(findings), sum(one.mood == "good" for one in findings))
