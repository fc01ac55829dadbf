"""Whether two series of durations differ by more than noise. Pure.

The test is Mann's and Whitney's (the rank sum): it asks whether values of one series tend to be
larger than those of the other, and supposes nothing of how they are distributed, so that a slow
run or two decide nothing. Two-sided, by the normal approximation with corrections for ties and
continuity, which is good from about ten runs on.

H. B. Mann, D. R. Whitney, Annals of Mathematical Statistics 18 (1947), 50-60.
"""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final

SURE: Final = 0.01  # a difference this unlikely to be chance is one


def chance(one: Sequence[float], other: Sequence[float]) -> float:
    """How likely chance alone would set two series of the same kind so far apart (p)."""
    many, total = len(one) * len(other), len(one) + len(other)
    if not many:
        return 1.0
    ranks = _ranks([*one, *other])
    above = sum(ranks[: len(one)]) - len(one) * (len(one) + 1) / 2
    ties = sum(n**3 - n for n in Counter([*one, *other]).values())
    spread = many / 12 * (total + 1 - ties / (total * (total - 1)))
    if spread <= 0:
        return 1.0  # all are equal
    far = max(0.0, abs(above - many / 2) - 0.5) / math.sqrt(spread)
    return math.erfc(far / math.sqrt(2))


def _ranks(values: Sequence[float]) -> list[float]:
    """From 1 on; equal values share the mean of theirs."""
    order = sorted(range(len(values)), key=lambda at: values[at])
    ranks = [0.0] * len(values)
    begin = 0
    while begin < len(order):
        end = begin
        while end < len(order) and values[order[end]] == values[order[begin]]:
            end += 1
        for at in order[begin:end]:
            ranks[at] = (begin + 1 + end) / 2
        begin = end
    return ranks
