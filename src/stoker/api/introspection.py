"""What is inside, for those who look: GET /_stoker/api/environments, …/events and …/traces.

{"environments": [{"id": …, "function": …, "version": …, "account": …, "region": …,
    "phase": "Idle", "frozen": true, "initialization": "on-demand", "request_id": null,
    "waiting_for": [], "parties": [{"party": "runtime", "does": "waits for the next event"}, …],
    "log_stream": …, "pids": [4711], "reason": "",
    "steps": [{"name": "create", "ms": 0.7}, …],            the cold start, in order
    "phases": [{"phase": "Init", "began_ms": 1795305600000.0, "ms": 3.1,
                "parts": [{"party": "extension:agent", "began_ms": …, "ms": 1.2}, …]}, …]}],
 "ended": [{… "phase": "Dead", "reason": "retired" …}, …]}

`waiting_for`, `parties` and `parts` name parties: "runtime", "extension:NAME"; in the parts of an
Init also "function", where the runtime tells the two apart. Of `phases` the latest 64 are kept,
of what `ended` the latest 64 environments of all functions. With `?function=NAME` only that
function's are shown; 404 if there is neither such a function, in any account and region, nor any
environment of one. `stoker timeline` draws it.

{"events": [{"function": …, "account": …, "region": …, "waiting": 3, "running": 1, "later": 0,
    "age_s": {"mean": 0.4, "most": 61.2},        of those that have come to their end
    "counts": {"AsyncEventsReceived": 9, "AsyncEventsDropped": 1, …}}, …]}

`waiting`: due, and not begun; `later`: to be run again. Counts and ages are since the start.

{"traces": [{"id": "1-…", "segments": [{"function": …, "account": …, "region": …,
    "came_ms": 1795305600000, "document": {…}}, …]}]}

Traces may be asked for by `?function=NAME` and `?trace_id=1-…`; the one heard of last comes
first, its segments in the order in which they came. They are kept in memory (observe/traces.py).
"""

from collections import Counter
from urllib.parse import parse_qs

import orjson

from stoker.api.control import Control
from stoker.events.counts import Ages
from stoker.http.base import Exchange
from stoker.invoke.invoker import EnvironmentView

_JSON = [("Content-Type", "application/json")]


async def environments(control: Control, exchange: Exchange) -> None:
    """Answer with one entry per execution environment, also for those that ended lately."""
    name = _query(exchange).get("function")
    shown = {
        key: [_shown(view) for view in views if name is None or view.target.name == name]
        for key, views in (
            ("environments", control.invoker.environments()),
            ("ended", control.invoker.ended()),
        )
    }
    if name is None or any(shown.values()) or control.catalog.has(name):
        exchange.respond(200, _JSON, orjson.dumps(shown))
    else:
        exchange.respond(404, _JSON, orjson.dumps({"message": f"Function not found: {name}"}))


def _shown(view: EnvironmentView) -> dict[str, object]:
    return {
        "id": view.id,
        "function": view.target.name,
        "version": view.target.version,
        "account": view.target.account,
        "region": view.target.region,
        "phase": view.phase,
        "frozen": view.frozen,
        "initialization": view.initialization,
        "request_id": view.request_id,
        "waiting_for": view.waiting_for,
        "parties": [{"party": party, "does": words} for party, words in view.doings],
        "log_stream": view.log_stream,
        "pids": view.pids,
        "reason": view.reason,
        "steps": [{"name": name, "ms": round(ms, 3)} for name, ms in view.steps],
        "phases": [
            {
                "phase": span.phase,
                **_when(span.began_ms, span.duration_ms),
                "parts": [
                    {"party": part.party, **_when(part.began_ms, part.duration_ms)}
                    for part in span.parts
                ],
            }
            for span in view.history
        ],
    }


async def events(control: Control, exchange: Exchange) -> None:
    """Answer with one entry per function that has or had asynchronous invocations."""
    dispatcher = control.events
    lanes, counts = dispatcher.lanes(), dispatcher.counts
    shown = []
    for key in {**lanes, **counts.counted, **counts.ages}:
        lane, ages = lanes.get(key, Counter[str]()), counts.ages.get(key, Ages())
        shown.append(
            {
                "function": key.name,
                "account": key.account,
                "region": key.region,
                **{name: lane[name] for name in ("waiting", "running", "later")},
                "age_s": {"mean": ages.total_s / max(ages.count, 1), "most": ages.most_s},
                "counts": dict(counts.counted.get(key, {})),
            }
        )
    exchange.respond(200, _JSON, orjson.dumps({"events": shown}))


def _query(exchange: Exchange) -> dict[str, str]:
    asked = parse_qs(exchange.target.partition("?")[2])
    return {name: values[0] for name, values in asked.items()}


def _when(began_ms: float, duration_ms: float) -> dict[str, float]:
    return {"began_ms": began_ms, "ms": round(duration_ms, 3)}


async def traces(control: Control, exchange: Exchange) -> None:
    """Answer with the segments that are kept, by trace."""
    query = _query(exchange)
    found: dict[str, list[object]] = {}
    for kept in control.traces.find(function=query.get("function"), trace_id=query.get("trace_id")):
        segments = found.pop(kept.segment.trace_id, [])
        found[kept.segment.trace_id] = segments  # the latest last
        segments.append(
            {
                "function": kept.owner.function,
                "account": kept.owner.account,
                "region": kept.owner.region,
                "came_ms": kept.came_ms,
                "document": orjson.Fragment(kept.segment.text),
            }
        )
    shown = [{"id": one, "segments": segments} for one, segments in reversed(found.items())]
    exchange.respond(200, _JSON, orjson.dumps({"traces": shown}))
