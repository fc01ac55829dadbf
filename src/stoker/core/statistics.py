"""What is kept of the values of one metric in one span of time, and how it is asked for.

Count, sum, least and most are exact. For percentiles, values are counted by size: 16 sizes for
each power of two, so that a percentile is off by less than 2.3 % (and exact where all values are
equal). What came as a sum of many values (StatisticValues) has no percentiles, as on AWS, unless
all its values were equal.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_SIZES = 16  # of each power of two
OFFSET = 20_000  # more than any size: zero and the two signs are apart
LEAST, MOST = 2.0**-360, 2.0**360  # AWS: values lie within -2^360 and 2^360
_NEARLY = 1 - 1e-12  # 99.9 % of 1000 is not a hair more than 999
_PERCENTILE = re.compile(r"[pP](\d{1,2}(?:\.\d{1,10})?|100)")


@dataclass(slots=True)
class Statistic:
    count: float = 0.0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf
    sizes: dict[int, float] | None = field(default_factory=dict)  # None: nobody knows

    def add(self, value: float, count: float = 1.0) -> None:
        self.count += count
        self.total += value * count
        self.least = min(self.least, value)
        self.most = max(self.most, value)
        if self.sizes is not None:
            size = size_of(value)
            self.sizes[size] = self.sizes.get(size, 0.0) + count

    def add_all(self, values: Sequence[float]) -> None:
        """The same as adding each, in a third of the time; for values above 0."""
        if not values:
            return
        self.count += len(values)
        self.total += sum(values)
        self.least = min(self.least, min(values))
        self.most = max(self.most, max(values))
        if self.sizes is not None:
            log2, floor = math.log2, math.floor
            found = Counter([floor(log2(value) * _SIZES) for value in values])
            for size, count in found.items():
                at = size + OFFSET
                self.sizes[at] = self.sizes.get(at, 0.0) + count

    def merge(self, other: "Statistic") -> None:
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.most = max(self.most, other.most)
        if self.sizes is None or other.sizes is None:
            self.sizes = None
            return
        for size, count in other.sizes.items():
            self.sizes[size] = self.sizes.get(size, 0.0) + count

    def percentile(self, percent: float) -> float | None:
        """The value below which so much of them lies. None: cannot be said."""
        if not self.count or self.sizes is None:
            return None
        if self.least == self.most:
            return self.least
        wanted, seen = percent * self.count / 100 * _NEARLY, 0.0
        for size in sorted(self.sizes):
            seen += self.sizes[size]
            if seen >= wanted:
                return min(max(_middle(size), self.least), self.most)
        return self.most


SIMPLE: Final[Mapping[str, Callable[[Statistic], float]]] = {
    "SampleCount": lambda one: one.count,
    "Average": lambda one: one.total / one.count if one.count else 0.0,
    "Sum": lambda one: one.total,
    "Minimum": lambda one: one.least,
    "Maximum": lambda one: one.most,
}  # the names of GetMetricStatistics


def summed(count: float, total: float, least: float, most: float) -> Statistic:
    """What came as a sum already."""
    sizes = {size_of(least): count} if least == most else None
    return Statistic(count, total, least, most, sizes)


def merged(many: Iterable[Statistic]) -> Statistic:
    whole = Statistic()
    for one in many:
        whole.merge(one)
    return whole


def percent_of(name: str) -> float | None:
    """ "p99.9" is 99.9; None: it is no percentile."""
    found = _PERCENTILE.fullmatch(name)
    return float(found[1]) if found else None


def size_of(value: float) -> int:
    if value == 0:
        return 0
    magnitude = math.floor(math.log2(max(abs(value), LEAST)) * _SIZES) + OFFSET
    return magnitude if value > 0 else -magnitude


def _middle(size: int) -> float:
    if size == 0:
        return 0.0
    value: float = 2.0 ** ((abs(size) - OFFSET + 0.5) / _SIZES)
    return value if size > 0 else -value
