"""What the live page is told of environments: short phases as one, and only what is new. Pure.

A warm environment changes its phase thousands of times a second. A picture of half a minute has
no room for that: phases that are shorter than a grain become one span together, which says how
many invocations it has. Who follows is told of an environment only when it has changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from stoker.environment.view import FROZEN, EnvironmentView, PartSpan, PhaseSpan
from stoker.invoke.invoker import Level

GRAIN_MS: Final = 25.0
_RUNTIME: Final = "runtime"
_BUSY: Final = "Invoke"
_REST: Final = ("Idle", FROZEN, "Settle")
Bar = list[Any]  # phase, began (epoch ms), ms, invocations in it, parts


@dataclass(slots=True)
class Follower:
    """What one open page knows already."""

    until_ms: float = 0.0  # phases that were over then
    states: dict[str, tuple[object, ...]] = field(default_factory=dict)  # by environment
    ended: set[str] = field(default_factory=set)

    def news(
        self, living: Iterable[EnvironmentView], ended: Iterable[EnvironmentView], now_ms: float
    ) -> list[dict[str, Any]]:
        """What it does not know yet."""
        since_ms = self.until_ms
        told: list[dict[str, Any]] = []
        seen: dict[str, tuple[object, ...]] = {}
        for view in living:
            began_ms = view.history[-1].began_ms if view.history else 0.0
            state: tuple[object, ...] = (view.phase, view.frozen, began_ms)
            if view.history:  # what is being made has none yet: all of it will be news
                seen[view.id] = state
            if self.states.get(view.id) != state:
                told.append(life(view, since_ms if view.id in self.states else 0.0))
        over = {view.id: view for view in ended}
        for name, view in over.items():
            if name not in self.ended:
                told.append(life(view, since_ms if name in self.states else 0.0))
        self.states, self.ended, self.until_ms = seen, set(over), now_ms
        return told


def life(view: EnvironmentView, since_ms: float = 0.0) -> dict[str, Any]:
    """One environment, and its bars that were not over at `since_ms`."""
    spans = [span for span in view.history if span.began_ms + span.duration_ms >= since_ms]
    return {
        "id": view.id,
        "function": view.target.name,
        "version": view.target.version,
        "phase": phase_of(view),
        "how": str(view.initialization),
        "reason": view.reason,
        "bars": bars(spans),
    }


def phase_of(view: EnvironmentView) -> str:
    return FROZEN if view.frozen and view.phase in _REST else view.phase


def bars(spans: Sequence[PhaseSpan]) -> list[Bar]:
    """As they are drawn: runs of short ones as one, busy if there was an invocation in it. The
    present one, which is the last, stands alone."""
    found: list[Bar] = []
    blurred = False  # the last one is a run of short ones
    for number, span in enumerate(spans, 1):
        if span.phase == "Dead":
            continue
        brief = span.duration_ms < GRAIN_MS and span.phase in (_BUSY, *_REST)
        short = brief and number < len(spans)
        many = int(span.phase == _BUSY)
        if short and blurred and span.began_ms - found[-1][1] < 10 * GRAIN_MS:
            last = found[-1]
            last[2] = round(span.began_ms + span.duration_ms - last[1], 3)
            last[3] += many
            if last[0] != _BUSY:
                last[0] = span.phase
        else:
            parts = [] if short else [_part(part) for part in span.parts if _told(span, part)]
            found.append(
                [span.phase, round(span.began_ms, 3), round(span.duration_ms, 3), many, parts]
            )
        blurred = short
    return found


def _told(span: PhaseSpan, part: PartSpan) -> bool:
    """The runtime's part of an invocation without extensions is the invocation."""
    return len(span.parts) > 1 or part.party != _RUNTIME


def _part(part: PartSpan) -> list[Any]:
    return [part.party, round(part.began_ms, 3), round(part.duration_ms, 3)]


def level(found: Level, function: str, throttled: Mapping[str, int]) -> dict[str, Any]:
    """How high the water stands. `throttled`: since the start, by function."""
    standings = found.functions
    mine = standings.get(function)
    reserved = sum(one.reserved or 0 for one in standings.values())
    held = sum(one.provisioned for one in standings.values() if one.reserved is None)
    return {
        "limit": found.limit,
        "running": sum(one.running for one in standings.values()),
        "reserved": reserved,
        "provisioned": held,
        "reserved_running": sum(
            min(one.running, one.reserved) for one in standings.values() if one.reserved is not None
        ),
        "waiting": sum(found.waiting.values()),
        "throttled": sum(throttled.values()),
        "function": None
        if not function
        else {
            "running": mine.running if mine else 0,
            "reserved": mine.reserved if mine else None,
            "provisioned": mine.provisioned if mine else 0,
            "growth": int(found.growth),
            "burst": found.rule.burst if found.rule else 0,
            "per_s": found.rule.per_s if found.rule else 0,
        },
    }
