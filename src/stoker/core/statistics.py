"""What is kept of the values of one metric in one span of time, and how it is asked for.

Count, sum, least and most are exact. For percentiles, values are counted by size: 16 sizes for
each power of two, so that a percentile is off by less than 2.3 % (and exact where all values are
equal). What came as a sum of many values (StatisticValues) has no percentiles, as on AWS, unless
all its values were equal.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import math
import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

_SIZES = 16  # of each power of two
_OFFSET = 20_000  # more than any size: zero and the two signs are apart
LEAST, MOST = 2.0**-360, 2.0**360  # AWS: values lie within -2^360 and 2^360
_INTEGRAL, _COUNTED, _SIZED = 1, 2, 4
_EXACT = 2.0**53
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
            size = _size(value)
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
                at = size + _OFFSET
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
    sizes = {_size(least): count} if least == most else None
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


def _size(value: float) -> int:
    if value == 0:
        return 0
    magnitude = math.floor(math.log2(max(abs(value), LEAST)) * _SIZES) + _OFFSET
    return magnitude if value > 0 else -magnitude


def _middle(size: int) -> float:
    if size == 0:
        return 0.0
    value: float = 2.0 ** ((abs(size) - _OFFSET + 0.5) / _SIZES)
    return value if size > 0 else -value


# --- as bytes -----------------------------------------------------------------------------------

Facts = dict[int, Statistic]  # by the number of the metric's name


def pack(facts: Facts) -> bytes:
    out = bytearray()
    for number, one in facts.items():
        _write(out, number)
        _pack_one(out, one)
    return bytes(out)


def unpack(data: bytes) -> Facts:
    found: Facts = {}
    at = 0
    while at < len(data):
        number, at = _read(data, at)
        found[number], at = _unpack_one(data, at)
    return found


def _pack_one(out: bytearray, one: Statistic) -> None:
    values = (one.total, one.least, one.most)
    sizes = None if one.sizes is None or one.least == one.most else sorted(one.sizes.items())
    counts = (one.count, *(count for _, count in sizes or ()))
    integral, counted, known = _integral(values), _integral(counts), one.sizes is not None
    out.append(_INTEGRAL * integral | _COUNTED * counted | _SIZED * known)
    _number(out, one.count, counted)
    for value in values:
        _number(out, value, integral)
    if not known:
        return
    _write(out, len(sizes or ()))
    before = 0
    for size, count in sizes or ():
        _write(out, _zigzag(size - before))
        _number(out, count, counted)
        before = size


def _unpack_one(data: bytes, at: int) -> tuple[Statistic, int]:
    flags = data[at]
    integral, counted = bool(flags & _INTEGRAL), bool(flags & _COUNTED)
    count, at = _read_number(data, at + 1, counted)
    total, at = _read_number(data, at, integral)
    least, at = _read_number(data, at, integral)
    most, at = _read_number(data, at, integral)
    if not flags & _SIZED:
        return Statistic(count, total, least, most, None), at
    many, at = _read(data, at)
    sizes: dict[int, float] = {}
    size = 0
    for _ in range(many):
        step, at = _read(data, at)
        size += (step >> 1) ^ -(step & 1)
        sizes[size], at = _read_number(data, at, counted)
    return Statistic(count, total, least, most, sizes or {_size(least): count}), at


def _integral(numbers: Iterable[float]) -> bool:
    return all(abs(number) < _EXACT and number == int(number) for number in numbers)


def _number(out: bytearray, number: float, integral: bool) -> None:
    if integral:
        _write(out, _zigzag(int(number)))
    else:
        out += struct.pack("<d", number)


def _read_number(data: bytes, at: int, integral: bool) -> tuple[float, int]:
    if not integral:
        return struct.unpack_from("<d", data, at)[0], at + 8
    found, at = _read(data, at)
    return float((found >> 1) ^ -(found & 1)), at


def _zigzag(number: int) -> int:
    """Small for small numbers of either sign."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def _write(out: bytearray, number: int) -> None:
    """Seven bits in a byte."""
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)


def _read(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
