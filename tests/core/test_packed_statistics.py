"""What is kept of values, as bytes: nothing is lost, it is small, and old files are still read."""

import random

import pytest

from stoker.core.packed_statistics import pack, unpack
from stoker.core.statistics import Statistic, size_of, summed

# As the first version wrote them: 600 times 1; 1.5, 2.5, -300, 0, 2.5; a sum of four.
FIRST = (
    "0107b009b00902020003060a00000000005872c00000000000c072c000000000000004"
    "4004c5ba0202c6ba0202d2b802021804c801030814020a"
)


def of(*values: float, count: float = 1.0) -> Statistic:
    found = Statistic()
    for one in values:
        found.add(one, count)
    return found


def anything(chance: random.Random) -> Statistic:
    found = Statistic()
    for _ in range(chance.choice([1, 2, 5, 60, 600])):
        value = chance.lognormvariate(3, chance.choice([0.1, 2.0]))
        count = chance.choice([1.0, 1.0, 1.0, 3.0, 2.0**40])
        found.add(chance.choice([value, value, round(value), -value, 0.0]), count)
    if chance.random() < 0.1:
        found.sizes = None
    return found


@pytest.mark.parametrize(
    "one",
    [
        Statistic(),
        of(0.0, 0.0, 1.0),
        of(7.25, 7.25, 7.25),
        of(0.1, 0.1, 0.1),
        of(1.0, 2.0, 300.0, count=0.5),
        of(-(2.0**360), 2.0**-360, 2.0**360),
        summed(4.0, 10.0, 1.0, 5.0),
        summed(0.5, 1.0, 2.0, 2.0),
        summed(3.0, 7.0, 2.0, 2.0),
        Statistic(2.0, 9.0, 1.0, 8.0, {size_of(0.5): 1.0, size_of(8.0): 1.0}),
        Statistic(2.0, 9.0, 1.0, 8.0, {size_of(2.0): 1.0, size_of(8.0): 1.0}),
    ],
)
def test_bytes_say_the_same(one: Statistic) -> None:
    other = of(1.0, 5.0)
    facts = {3: one, 40_000: one, 7: other, 1: one}
    assert unpack(pack(facts)) == facts


@pytest.mark.parametrize("seed", range(30))
def test_bytes_say_the_same_of_whatever_comes(seed: int) -> None:
    chance = random.Random(seed)
    facts = {number + 1: anything(chance) for number in range(10)}
    packed = pack(facts)
    assert unpack(packed) == facts
    assert unpack(packed, {4, 10}) == {4: facts[4], 10: facts[10]}


def test_what_the_first_version_wrote_is_read() -> None:
    facts = {
        1: of(1.0, count=600),
        3: of(1.5, 2.5, -300.0, 0.0, 2.5),
        200: summed(4.0, 10.0, 1.0, 5.0),
    }
    first = bytes.fromhex(FIRST)
    assert unpack(first) == facts
    assert unpack(first, {3}) == {3: facts[3]}
    assert unpack(pack(unpack(first))) == facts


def test_nothing_is_said_of_nothing() -> None:
    assert unpack(b"") == unpack(pack({})) == {}


def test_counters_are_small() -> None:
    ones, zeros = of(1.0, count=600), of(0.0, count=600)
    assert len(pack({1: ones})) <= 6
    assert len(pack({1: ones, 2: zeros})) <= 9  # the count is there already


def test_a_minute_of_durations_is_small() -> None:
    chance = random.Random(1)
    minute = of(*(chance.lognormvariate(3, 0.25) for _ in range(60)))
    assert len(pack({1: minute})) <= 50  # 24 of them are the sum, the least and the most
