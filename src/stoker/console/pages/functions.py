"""The list of functions: state, runtime, the last hour, and what runs now."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stoker.console.asked import Asked, Shown
from stoker.console.sparkline import Sparkline, sparkline
from stoker.core.metrics import MINUTE_S, start_of
from stoker.core.model import Function, FunctionKey, State, UpdateStatus
from stoker.core.statistics import Statistic

PAGE = 50
MINUTES = 60
_COUNTED = ("Invocations", "Errors")
Hours = Mapping[str, Mapping[str, Mapping[int, Statistic]]]  # by function, metric and minute


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    state: str  # for people
    mood: str  # good, busy, bad: its colour
    why: str
    runtime: str
    memory_mb: int
    code_bytes: int
    description: str
    modified: str
    running: int
    invocations: Sparkline
    errors: Sparkline


@dataclass(frozen=True, slots=True)
class Slice:
    """One page of a list of names."""

    names: tuple[str, ...]
    number: int  # from 1
    pages: int
    total: int


async def show(asked: Asked) -> Shown:
    """Functions whose name contains what is searched for, fifty at a time."""
    control, where = asked.control, asked.where
    search = asked.query.get("search", "")
    names = control.catalog.names(where.account, where.region)
    found = cut(matching(names, search), asked.query.get("page", "1"))
    async with control.store.transaction() as tx:
        functions = await tx.functions_named(where.account, where.region, found.names)
    if control.metering is not None:
        await control.metering()  # what happened just now, too
    end = start_of(time.time()) + MINUTE_S
    start = end - MINUTES * MINUTE_S
    hours = await control.metric_store.of_functions(
        where.account, where.region, frozenset(found.names), _COUNTED, start, end
    )
    running = {
        name: control.invoker.running_of(FunctionKey(where.account, where.region, name))
        for name in found.names
    }
    model = {
        "rows": rows(functions, running, hours, start),
        "search": search,
        "slice": found,
        "every": len(names),
    }
    return Shown("functions.html", model, title="Functions")


def matching(names: Sequence[str], search: str) -> list[str]:
    """Those that contain each of the words, in the order of the alphabet."""
    words = search.lower().split()
    return sorted(name for name in names if all(word in name.lower() for word in words))


def cut(names: Sequence[str], asked: str) -> Slice:
    """The page that is asked for, or the nearest that there is."""
    pages = max(1, -(-len(names) // PAGE))
    wanted = int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 7 else 1
    number = min(max(1, wanted), pages)
    begin = (number - 1) * PAGE
    return Slice(tuple(names[begin : begin + PAGE]), number, pages, len(names))


def rows(
    functions: Sequence[Function], running: Mapping[str, int], hours: Hours, start: int
) -> list[Row]:
    """`hours`: from `start` on, minute by minute."""
    found = []
    for function in sorted(functions, key=lambda one: one.key.name):
        latest, name = function.latest, function.key.name
        state, mood, why = state_of(function)
        hour = hours.get(name, {})
        found.append(
            Row(
                name=name,
                state=state,
                mood=mood,
                why=why,
                runtime=latest.runtime,
                memory_mb=latest.memory_mb,
                code_bytes=latest.code.size_bytes,
                description=latest.description,
                modified=function.last_modified[:19].replace("T", " "),
                running=running.get(name, 0),
                invocations=sparkline(minutes(hour.get("Invocations", {}), start), "invocations"),
                errors=sparkline(minutes(hour.get("Errors", {}), start), "errors"),
            )
        )
    return found


def minutes(values: Mapping[int, Statistic], start: int) -> list[float]:
    """An hour's sums, with its gaps."""
    return [
        values[at].total if (at := start + number * MINUTE_S) in values else 0.0
        for number in range(MINUTES)
    ]


def state_of(function: Function) -> tuple[str, str, str]:
    """In one word; its mood; and why."""
    if function.state is State.FAILED:
        return "Failed", "bad", function.state_reason or ""
    if function.state is State.PENDING:
        return "Pending", "busy", function.state_reason or ""
    if function.update_status is UpdateStatus.IN_PROGRESS:
        return "Updating", "busy", function.update_reason or ""
    if function.update_status is UpdateStatus.FAILED:
        return "Update failed", "bad", function.update_reason or ""
    return str(function.state), "good", ""
