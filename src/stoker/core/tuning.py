"""How much memory a function is best given, from runs of it at several sizes. Pure.

The method is that of AWS Lambda Power Tuning: a version at each size, the same events for all,
cold starts apart. Medians stand for a size, since a mean is moved by a single slow run.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

from stoker.core.invocation_price import Terms
from stoker.core.limits import TIMEOUT_S
from stoker.core.report_lines import Measured

FULL_CORE_MB: Final = 1769  # from here on there is a whole cpu, and more of them beyond
MORE: Final = 1.3  # than the slowest but one in a hundred is what a timeout should give


class Strategy(StrEnum):
    COST = "cost"
    SPEED = "speed"
    BALANCED = "balanced"


@dataclass(frozen=True, slots=True)
class Size:
    """What the runs at one size came to."""

    memory_mb: int
    warm_ms: float  # median
    p99_ms: float  # of warm and cold runs, without init
    cold_ms: float | None  # median of init and duration together
    init_ms: float | None  # median
    max_memory_mb: int
    dollars: float  # of one warm invocation, median
    runs: int
    cold_runs: int


def size(memory_mb: int, warm: Sequence[Measured], cold: Sequence[Measured], terms: Terms) -> Size:
    """`terms` are those of this size. There is at least one warm run."""
    return Size(
        memory_mb,
        warm_ms=median(one.duration_ms for one in warm),
        p99_ms=percentile([one.duration_ms for one in (*warm, *cold)], 99),
        cold_ms=median(one.before_ms + one.duration_ms for one in cold) if cold else None,
        init_ms=median(one.before_ms for one in cold) if cold else None,
        max_memory_mb=max(one.max_memory_mb for one in (*warm, *cold)),
        dollars=median(terms.dollars(one) for one in warm),
        runs=len(warm),
        cold_runs=len(cold),
    )


def best(sizes: Sequence[Size], strategy: Strategy) -> Size:
    """Of equals the other of speed and price decides, then the smaller size."""
    slowest, dearest = max(one.warm_ms for one in sizes), max(one.dollars for one in sizes)

    def rank(one: Size) -> tuple[float, float, int]:
        match strategy:
            case Strategy.COST:
                return one.dollars, one.warm_ms, one.memory_mb
            case Strategy.SPEED:
                return one.warm_ms, one.dollars, one.memory_mb
            case Strategy.BALANCED:
                both = one.warm_ms / max(slowest, 1e-9) + one.dollars / dearest
                return both, one.dollars, one.memory_mb

    return min(sizes, key=rank)


def timeout_s(chosen: Size) -> int:
    """What is proposed: p99 and 30 %, in whole seconds."""
    wanted = math.ceil(chosen.p99_ms * MORE / 1000)
    return min(max(wanted, TIMEOUT_S.start), TIMEOUT_S.stop - 1)


def percentile(values: Sequence[float], percent: float) -> float:
    """By nearest rank. At least one value."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def spread(weights: Sequence[float], runs: int) -> list[int]:
    """Which event each run gets: each as often as it weighs, the light ones not all at the end."""
    total = sum(weights)
    owed = [0.0] * len(weights)
    turns = []
    for _ in range(runs):
        owed = [debt + weight for debt, weight in zip(owed, weights, strict=True)]
        turn = max(range(len(owed)), key=lambda one: owed[one])
        owed[turn] -= total
        turns.append(turn)
    return turns
