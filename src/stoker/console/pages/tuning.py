"""Tune: how much memory a function is best given, by `stoker tune`, begun and followed here."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from stoker.console.asked import Asked, Moved, Shown
from stoker.console.pages.function import key_of, page
from stoker.console.tunings import Busy, Tuning, Wish
from stoker.console.words import lined, ms_of
from stoker.core.errors import InvalidParameterValueException, ResourceConflictException
from stoker.core.limits import MEMORY_MB, TIMEOUT_S
from stoker.core.price_list import MILLION, READ_ON
from stoker.core.prices import said
from stoker.core.tuning import Size, Strategy, best, timeout_s
from stoker.core.tuning_chart import picture

EVENTS_BYTES = 256 * 1024
BOUNDS = {"runs": (1, 10_000), "cold": (0, 50), "parallel": (1, 10)}


@dataclass(frozen=True, slots=True)
class Line:
    """A size that was tried."""

    memory_mb: int
    chosen: bool
    warm: str
    p99: str
    cold: str
    init: str
    used: str
    price: str
    runs: str


@dataclass(frozen=True, slots=True)
class Outcome:
    lines: tuple[Line, ...]
    memory_mb: int  # that is best
    timeout_s: int  # p99 and 30 %
    strategy: Strategy
    picture: str  # a data: address
    said: str


async def show(asked: Asked) -> Shown:
    """The form, and the latest tuning: how far it is, or what it found."""
    key = key_of(asked)
    tuning = asked.tunings.latest((key.account, key.region, key.name))
    strategy = _strategy(asked.query) or (tuning.wish.strategy if tuning else Strategy.COST)
    outcome = outcome_of(key.name, tuning.sizes, strategy) if tuning and tuning.sizes else None
    return await page(
        asked,
        "tune",
        "function_tune.html",
        tuning=tuning,
        began=_moment(tuning),
        wish=tuning.wish if tuning else Wish(),
        strategies=tuple(Strategy),
        outcome=outcome,
        read_on=READ_ON,
    )


async def begin(asked: Asked) -> Moved:
    """Run `stoker tune` of this function."""
    key = key_of(asked)
    await asked.call("lambda", "GetFunctionConfiguration", FunctionName=key.name)
    place = (key.account, key.region, key.name)
    try:
        asked.tunings.begin(place, wish_of(asked.form), asked.inward.endpoint("lambda"))
    except Busy:
        raise ResourceConflictException(
            "Another tuning is under way: wait for its end, or end it on its page."
        ) from None
    return _back(asked)


async def end(asked: Asked) -> Moved:
    """The function is put back as it was."""
    key = key_of(asked)
    asked.tunings.end((key.account, key.region, key.name))
    return _back(asked)


async def apply(asked: Asked) -> Moved:
    """Give the function a size, and, if the form has one, a timeout."""
    change: dict[str, int] = {"MemorySize": _number(asked.form, "memory", MEMORY_MB)}
    if "timeout" in asked.form:
        change["Timeout"] = _number(asked.form, "timeout", TIMEOUT_S)
    name = key_of(asked).name
    await asked.call("lambda", "UpdateFunctionConfiguration", FunctionName=name, **change)
    return Moved(asked.where.path("functions", name, "configuration"))


def _back(asked: Asked) -> Moved:
    return Moved(asked.where.path("functions", asked.names["name"], "tune"))


def _number(form: Mapping[str, str], name: str, allowed: range) -> int:
    said_ = form.get(name, "")
    if said_.isascii() and said_.isdecimal() and len(said_) < 7 and int(said_) in allowed:
        return int(said_)
    raise InvalidParameterValueException(
        f"{name} is a whole number between {allowed.start} and {allowed.stop - 1}."
    )


def wish_of(form: Mapping[str, str]) -> Wish:
    """Raise InvalidParameterValueException. Sizes and events are judged by the command."""
    numbers = {
        name: _number({name: form.get(name, "").strip()}, name, range(least, most + 1))
        for name, (least, most) in BOUNDS.items()
    }
    events = lined(form.get("events", "")).strip() or "{}"
    if len(events.encode("utf-8", "replace")) > EVENTS_BYTES:
        raise InvalidParameterValueException(f"Events have {EVENTS_BYTES // 1024} KB at most.")
    memory = form.get("memory", "").strip()[:200]
    return Wish(memory, **numbers, strategy=_strategy(form) or Strategy.COST, events=events)


def _strategy(given: Mapping[str, str]) -> Strategy | None:
    said_ = given.get("strategy", "")
    return Strategy(said_) if said_ in tuple(Strategy) else None


def outcome_of(name: str, sizes: Sequence[Size], strategy: Strategy) -> Outcome:
    chosen = best(sizes, strategy)
    drawn = picture(sizes, chosen, f"{name}, {strategy}", embedded=True)
    return Outcome(
        tuple(_line(one, chosen) for one in sizes),
        chosen.memory_mb,
        timeout_s(chosen),
        strategy,
        "data:image/svg+xml;base64," + base64.b64encode(drawn.encode()).decode(),
        ", ".join(
            f"{one.memory_mb} MB: {ms_of(one.warm_ms)}, {said(one.dollars * MILLION)} a million"
            for one in sizes
        ),
    )


def _line(one: Size, chosen: Size) -> Line:
    def ms(value: float | None) -> str:
        return "—" if value is None else ms_of(value)

    return Line(
        one.memory_mb,
        one is chosen,
        ms(one.warm_ms),
        ms(one.p99_ms),
        ms(one.cold_ms),
        ms(one.init_ms),
        f"{one.max_memory_mb} MB",
        said(one.dollars * MILLION),
        f"{one.runs} + {one.cold_runs}",
    )


def _moment(tuning: Tuning | None) -> str:
    if tuning is None:
        return ""
    return datetime.fromtimestamp(tuning.began, UTC).strftime("%Y-%m-%d %H:%M:%S")
