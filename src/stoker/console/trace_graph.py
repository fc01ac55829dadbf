"""Where the services of a graph stand, and how arrows lead from one to the other. Pure.

Columns from left to right: who asks stands before who is asked, as far as there is no ring. Within
a column, a service stands near those that ask it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

NODES: Final = 60  # most asked ones are drawn
BOX_WIDTH, BOX_HEIGHT = 172, 58
GAP_X, GAP_Y, EDGE = 76, 26, 16
LETTERS: Final = 23  # of a name, that have room


@dataclass(frozen=True, slots=True)
class Node:
    name: str  # as much of it as there is room for
    whole: str
    kind: str
    said: str  # "12 · 34 ms"
    mood: str  # good, busy, bad: what of its works went wrong
    share_bad: float  # of 1
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Arrow:
    path: str
    said: str
    mood: str
    x: float  # where that is written
    y: float


@dataclass(frozen=True, slots=True)
class Picture:
    width: int
    height: int
    nodes: tuple[Node, ...]
    arrows: tuple[Arrow, ...]
    left_out: int


def picture(services: Sequence[Mapping[str, Any]]) -> Picture:
    """`services`: of GetServiceGraph."""
    kept = sorted(services, key=_asked, reverse=True)[:NODES]
    by_id = {one["ReferenceId"]: one for one in kept}
    edges = {
        id_: [edge for edge in one.get("Edges", ()) if edge["ReferenceId"] in by_id]
        for id_, one in by_id.items()
    }
    asks = {id_: [edge["ReferenceId"] for edge in found] for id_, found in edges.items()}
    places = _placed(asks)
    nodes = tuple(_node(by_id[id_], *places[id_]) for id_ in by_id)
    arrows = tuple(
        _arrow(places[id_], places[edge["ReferenceId"]], edge)
        for id_, found in edges.items()
        for edge in found
    )
    return Picture(
        max((node.x for node in nodes), default=0) + BOX_WIDTH + EDGE,
        max((node.y for node in nodes), default=0) + BOX_HEIGHT + EDGE + GAP_Y,
        nodes,
        arrows,
        len(services) - len(kept),
    )


def columns(asks: Mapping[int, Sequence[int]]) -> dict[int, int]:
    """In which column each stands: one after the last of those that ask it. Arrows that close a
    ring do not count."""
    found: dict[int, int] = {}
    order: list[int] = []
    back: set[tuple[int, int]] = set()
    asked = {one for them in asks.values() for one in them}
    for top in sorted(asks, key=lambda one: (one in asked, one)):
        stack = [(top, iter(asks[top]))] if top not in found else []
        on_way = {top}
        found.setdefault(top, 0)
        while stack:
            one, rest = stack[-1]
            for other in rest:
                if other in on_way:
                    back.add((one, other))
                elif other not in found:
                    found[other] = 0
                    on_way.add(other)
                    stack.append((other, iter(asks[other])))
                    break
            else:
                stack.pop()
                on_way.discard(one)
                order.append(one)
    for one in reversed(order):
        for other in asks[one]:
            if (one, other) not in back:
                found[other] = max(found[other], found[one] + 1)
    return found


def _placed(asks: Mapping[int, Sequence[int]]) -> dict[int, tuple[int, int]]:
    column = columns(asks)
    askers: dict[int, list[int]] = {one: [] for one in asks}
    for one, them in asks.items():
        for other in them:
            askers[other].append(one)
    row: dict[int, float] = {}

    def near(one: int) -> float:
        known = [row[asker] for asker in askers[one] if asker in row]
        return sum(known) / len(known) if known else 0.0

    tallest = max((list(column.values()).count(n) for n in set(column.values())), default=0)
    for number in range(max(column.values(), default=0) + 1):
        there = [one for one in sorted(asks) if column[one] == number]
        there.sort(key=lambda one: (near(one), one))
        first = (tallest - len(there)) / 2
        row |= {one: first + n for n, one in enumerate(there)}
    return {
        one: (
            EDGE + column[one] * (BOX_WIDTH + GAP_X),
            round(EDGE + row[one] * (BOX_HEIGHT + GAP_Y)),
        )
        for one in asks
    }


def _node(service: Mapping[str, Any], x: int, y: int) -> Node:
    name, kind = str(service.get("Name", "")), str(service.get("Type", ""))
    told = service.get("SummaryStatistics")
    mood, share = _mood(told)
    said = ""
    if told:
        mean_ms = told["TotalResponseTime"] / max(told["TotalCount"], 1) * 1000
        said = f"{told['TotalCount']:,} · {mean_ms:,.3g} ms"
    if kind == "client":
        name, kind = "Client", f"of {name}"
    short = name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…"
    return Node(short, name, kind[:28], said, mood, share, x, y)


def _arrow(start: tuple[int, int], end: tuple[int, int], edge: Mapping[str, Any]) -> Arrow:
    x1, y1 = start[0] + BOX_WIDTH, start[1] + BOX_HEIGHT / 2
    x2, y2 = end[0], end[1] + BOX_HEIGHT / 2
    if x2 > x1:
        bend = (x2 - x1) / 2
        path = f"M{x1} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2} {y2:g}"
        x, y = (x1 + x2) / 2, (y1 + y2) / 2 - 5
    else:  # back, below both
        low = max(y1, y2) + BOX_HEIGHT / 2 + GAP_Y
        path = f"M{x1} {y1:g}C{x1 + 40} {low:g} {x2 - 40} {low:g} {x2} {y2:g}"
        x, y = (x1 + x2) / 2, low - 8
    told = edge.get("SummaryStatistics") or {}
    return Arrow(path, f"{told.get('TotalCount', 0):,}", _mood(told)[0], x, y)


def _mood(told: Mapping[str, Any] | None) -> tuple[str, float]:
    if not told or not told.get("TotalCount"):
        return "idle", 0.0
    faults = told.get("FaultStatistics", {}).get("TotalCount", 0)
    errors = told.get("ErrorStatistics", {}).get("TotalCount", 0)
    mood = "bad" if faults else "busy" if errors else "good"
    return mood, min(1.0, (faults + errors) / told["TotalCount"])


def _asked(service: Mapping[str, Any]) -> int:
    told = service.get("SummaryStatistics") or {}
    return int(told.get("TotalCount", 0)) + (1 << 40 if service.get("Root") else 0)
