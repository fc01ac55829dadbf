"""What is kept of values: exact where it can be, within 2.3 % where it cannot."""

import math
import random

import pytest

from stoker.core.statistics import Statistic, merged, percent_of, summed


def values(seed: int, count: int = 1000) -> list[float]:
    chance = random.Random(seed)
    return [chance.lognormvariate(3, 2) * chance.choice([1, 1, 1, -1]) for _ in range(count)]


def of(many: list[float]) -> Statistic:
    found = Statistic()
    for one in many:
        found.add(one)
    return found


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("percent", [1, 50, 90, 99, 99.9, 100])
def test_a_percentile_is_near_the_one_of_all_values(seed: int, percent: float) -> None:
    many = values(seed)
    exact = sorted(many)[math.ceil(round(percent * 10, 6)) - 1]
    found = of(many).percentile(percent)
    assert found is not None
    assert abs(found - exact) <= abs(exact) * 0.023


@pytest.mark.parametrize("seed", range(20))
def test_merging_is_the_same_as_having_seen_all(seed: int) -> None:
    many = values(seed)
    parts = merged([of(many[:10]), of(many[10:700]), of(many[700:])])
    whole = of(many)
    assert (parts.count, parts.least, parts.most, parts.sizes) == (
        whole.count,
        whole.least,
        whole.most,
        whole.sizes,
    )
    assert parts.total == pytest.approx(whole.total)


def test_adding_many_is_the_same_as_adding_each() -> None:
    many = [abs(value) for value in values(1)]
    whole = Statistic()
    whole.add_all(many)
    whole.add_all([])
    assert whole.sizes == of(many).sizes
    assert whole.total == pytest.approx(of(many).total)


def test_a_sum_of_different_values_has_no_percentiles() -> None:
    assert summed(4.0, 10.0, 1.0, 5.0).percentile(50) is None
    assert summed(4.0, 8.0, 2.0, 2.0).percentile(50) == 2.0
    assert merged([of([1.0]), summed(4.0, 10.0, 1.0, 5.0)]).percentile(50) is None
    assert Statistic().percentile(50) is None


def test_percentiles_have_names() -> None:
    assert (percent_of("p99.9"), percent_of("P50"), percent_of("p100")) == (99.9, 50.0, 100.0)
    assert [percent_of(name) for name in ("p101", "Sum", "p", "tm90", "p-1")] == [None] * 5
