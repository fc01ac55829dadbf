"""What a series of samples is reduced to: never an average."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    n: int
    min: float
    p50: float
    p90: float
    p99: float
    max: float


def distribution(samples: Sequence[float]) -> Distribution:
    """Nearest-rank percentiles. At least one sample."""
    ordered = sorted(samples)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    return Distribution(len(ordered), ordered[0], at(0.5), at(0.9), at(0.99), ordered[-1])
