"""X-Ray's traces: those of a time, who asked whom in them, and one of them span by span."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from stoker.console.asked import Asked, Shown, Where
from stoker.console.pages.logs import MINUTES as LOG_MINUTES
from stoker.console.trace_graph import picture
from stoker.console.waterfall import Row, waterfall
from stoker.core.errors import ResourceNotFoundException
from stoker.neighbours.calls import Refused

MINUTES = (5, 60, 360, 1440)
EXAMPLES = (
    "fault",
    "error OR throttle",
    "responsetime > 1",
    'service("NAME") { fault }',
    'annotation[KEY] = "VALUE"',
    'http.url CONTAINS "/"',
)


@dataclass(frozen=True, slots=True)
class Line:
    """A trace in the list."""

    id: str
    name: str  # what was asked first
    kind: str
    at: str  # UTC
    ms: float
    mood: str
    said: str
    http: str
    annotations: str
    services: int


async def show(asked: Asked) -> Shown:
    """Traces of the last minutes or hours, the latest first, that a filter expression lets pass."""
    filter_, minutes = asked.query.get("filter", "").strip(), _minutes(asked)
    after = asked.query.get("after", "")
    parameters = {
        **_around(minutes),
        **({"FilterExpression": filter_} if filter_ else {}),
        **({"NextToken": after} if after else {}),
    }
    refusal, answer = "", {}
    try:
        answer = await asked.call("xray", "GetTraceSummaries", **parameters)
    except Refused as error:
        refusal = error.message
    model = {
        **_head("traces", minutes), "filter": filter_, "refusal": refusal, "examples": EXAMPLES,
        "lines": [line(one) for one in answer.get("TraceSummaries", ())],
        "scanned": answer.get("TracesProcessedCount", 0), "after": answer.get("NextToken", ""),
    }  # fmt: skip
    return Shown("traces.html", model, title="Traces")


async def graph(asked: Asked) -> Shown:
    """Who asked whom, in all traces of the time."""
    minutes = _minutes(asked)
    answer = await asked.call("xray", "GetServiceGraph", **_around(minutes))
    model = {**_head("graph", minutes), "picture": picture(answer.get("Services", ()))}
    return Shown("traces_graph.html", model, title="Service graph")


async def inspect(asked: Asked) -> Shown:
    """One trace: what took how long within what."""
    id_ = asked.names["id"]
    answer = await asked.call("xray", "BatchGetTraces", TraceIds=[id_])
    if not answer.get("Traces"):
        raise ResourceNotFoundException(f"There is no trace {id_[:60]} here, or no longer.")
    trace = answer["Traces"][0]
    fall = waterfall(orjson.loads(one["Document"]) for one in trace["Segments"])
    model = {
        "id": id_,
        "fall": fall,
        "at": _moment(fall.began),
        "cut": trace.get("LimitExceeded", False),
        "services": len({row.name for row in fall.rows if row.kind}),
        "logs": {number: log_of(row, asked.where, fall.began, time.time())
                 for number, row in enumerate(fall.rows)},
    }  # fmt: skip
    return Shown("trace.html", model, title=f"Trace {id_}")


def _head(here: str, minutes: int) -> dict[str, Any]:
    return {"view": here, "minutes": minutes, "choices": MINUTES}


def _minutes(asked: Asked) -> int:
    given = asked.query.get("minutes", "60")
    return int(given) if given in {str(one) for one in MINUTES} else 60


def _around(minutes: int) -> dict[str, datetime]:
    """A second ahead: what has just begun is of it. A day is the most that X-Ray takes."""
    end = datetime.now(UTC) + timedelta(seconds=1)
    return {"StartTime": end - timedelta(minutes=minutes), "EndTime": end}


def line(told: Mapping[str, Any]) -> Line:
    """`told`: a TraceSummary."""
    entry, http = told.get("EntryPoint") or {}, told.get("Http") or {}
    mood, said = "good", ""
    for member, word, colour in (
        ("HasFault", "fault", "bad"), ("HasThrottle", "throttle", "busy"),
        ("HasError", "error", "bad"), ("IsPartial", "in progress", "busy"),
    ):  # fmt: skip
        if told.get(member):
            mood, said = colour, word
            break
    asked = (http.get("HttpMethod"), http.get("HttpURL"), http.get("HttpStatus"))
    annotations = told.get("Annotations") or {}
    pairs = [f"{key}={_value(values)}" for key, values in list(annotations.items())[:4]]
    return Line(
        id=told["Id"],
        name=str(entry.get("Name", "")),
        kind=str(entry.get("Type", "")),
        at=_moment(int(told["Id"].split("-")[1], 16)),
        ms=1000 * told.get("Duration", 0.0),
        mood=mood,
        said=said,
        http=" ".join(str(one) for one in asked if one is not None),
        annotations=", ".join(pairs),
        services=len(told.get("ServiceIds", ())),
    )


def _value(values: list[Mapping[str, Any]]) -> object:
    first = values[0].get("AnnotationValue", {}) if values else {}
    return next(iter(first.values()), "")


def log_of(row: Row, where: Where, began: float, now: float) -> str:
    """The address of what the row's invocation logged; "" if it is none."""
    if not row.function:
        return ""
    age = (now - began) / 60 + 1
    minutes = next((one for one in LOG_MINUTES if one >= age), LOG_MINUTES[-1])
    return where.path(
        "functions", row.function, "logs", filter=f'"{row.request_id}"', minutes=minutes
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
