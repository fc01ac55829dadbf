"""What is made of runs at several sizes, and of two series of them."""

import random
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest

from stoker.core.comparison import chance
from stoker.core.events_file import WeightedEvent, read_events
from stoker.core.invocation_price import terms
from stoker.core.price_list import READ_ON
from stoker.core.report_lines import Measured
from stoker.core.tuning import Size, Strategy, best, percentile, size, spread, timeout_s
from stoker.core.tuning_chart import bars, page, picture

TERMS = terms({"Runtime": "python3.13", "MemorySize": 1024}, "us-east-1", READ_ON)


def of(memory_mb: int, warm_ms: float, dollars: float) -> Size:
    return Size(memory_mb, warm_ms, warm_ms, None, None, 40, dollars, 10, 0)


SIZES = [of(128, 800.0, 1.7e-6), of(512, 200.0, 1.6e-6), of(1769, 58.0, 1.8e-6)]


@pytest.mark.parametrize(
    ("strategy", "memory_mb"),
    [(Strategy.COST, 512), (Strategy.SPEED, 1769), (Strategy.BALANCED, 1769)],
)
def test_the_strategy_says_which_size_is_best(strategy: Strategy, memory_mb: int) -> None:
    assert best(SIZES, strategy).memory_mb == memory_mb


def test_of_equals_the_one_that_costs_less_is_best() -> None:
    equal = [of(3008, 50.0, 2e-6), of(1769, 50.0, 1e-6)]
    assert best(equal, Strategy.SPEED).memory_mb == 1769
    assert best([of(256, 9, 1e-6), of(128, 9, 1e-6)], Strategy.COST).memory_mb == 128


def test_a_size_is_known_by_its_medians() -> None:
    warm = [Measured(ms, 100, 1024, 40) for ms in (10.0, 11.0, 500.0)]
    cold = [Measured(20.0, 100, 1024, 50, init_ms=ms) for ms in (80.0, 90.0, 100.0)]
    found = size(1024, warm, cold, TERMS)
    assert (found.warm_ms, found.cold_ms, found.init_ms, found.p99_ms) == (11.0, 110.0, 90.0, 500.0)
    assert (found.max_memory_mb, found.runs, found.cold_runs) == (50, 3, 3)
    assert found.dollars == pytest.approx(0.1 * 0.0000166667 + 0.2e-6)
    assert size(1024, warm, [], TERMS).cold_ms is None


@pytest.mark.parametrize(
    ("p99_ms", "seconds"), [(0.5, 1), (769.0, 1), (770.0, 2), (10_000.0, 13), (899_000.0, 900)]
)
def test_the_proposed_timeout_leaves_room(p99_ms: float, seconds: int) -> None:
    assert timeout_s(replace(SIZES[0], p99_ms=p99_ms)) == seconds


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile(list(range(1, 101)), 99) == 99
    assert percentile([7.0], 99) == 7.0


def test_events_come_as_often_as_they_weigh() -> None:
    turns = spread([1, 3, 6], 100)
    assert [turns.count(event) for event in range(3)] == [10, 30, 60]
    assert 0 in turns[:10], "the light ones are not all at the end"
    assert spread([1, 1], 5) == [0, 1, 0, 1, 0]


def test_a_line_is_an_event() -> None:
    text = '{"a": 1}\n\n  "text"\n{"payload": {"b": 2}, "weight": 3}\n{"weight": 1}\n'
    assert read_events(text) == [
        WeightedEvent(b'{"a": 1}'),
        WeightedEvent(b'"text"'),
        WeightedEvent(b'{"b": 2}', 3.0),
        WeightedEvent(b'{"weight": 1}'),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\n", "no event"),
        ("{}\n{", "line 2 is no JSON"),
        ('{"payload": 1, "weight": 0}', "line 1: a weight"),
        ('{"payload": 1, "weight": "3"}', "line 1: a weight"),
        ('{"payload": 1, "weight": Infinity}', "line 1: a weight"),
    ],
)
def test_what_is_no_list_of_events_is_refused(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_events(text)


def test_the_curves_are_drawn_and_nothing_in_them_is_code() -> None:
    chosen = SIZES[1]
    drawn = picture(SIZES, chosen, "<script>\x1b[2J&")
    root = ElementTree.fromstring(drawn)
    assert "script" not in {node.tag.rpartition("}")[2] for node in root.iter()}
    points = [n.get("points", "").split() for n in root.iter() if n.tag.endswith("polyline")]
    heights = [[float(point.split(",")[1]) for point in curve] for curve in points]
    assert [len(curve) for curve in heights] == [3, 3]
    assert heights[0] == sorted(heights[0]), "what is faster is lower on the page"
    whole = page(SIZES, chosen, "<script>")
    assert "<script" not in whole
    assert "http" not in whole.replace("http://www.w3.org/2000/svg", "")
    assert "<tr class=chosen><td>512 MB" in whole
    lines = list(bars(SIZES, chosen))
    assert lines[2].startswith("▸  512 MB")
    assert lines[1].count("█") > lines[3].count("█") > 30


def test_noise_is_no_difference_and_a_difference_is_no_noise() -> None:
    chances = random.Random(5)
    false, found = 0, 0
    for _ in range(300):
        one = [chances.lognormvariate(2, 0.3) for _ in range(50)]
        other = [chances.lognormvariate(2, 0.3) for _ in range(50)]
        false += chance(one, other) < 0.01
        found += chance(one, [value * 1.3 for value in other]) < 0.01
    assert false <= 9  # of 3 that are to be expected
    assert found >= 250


def test_the_test_is_the_one_of_the_books() -> None:
    """The example in the documentation of scipy.stats.mannwhitneyu, and one with ties by hand:
    U is 2 of 8 expected, the variance 16/12 x (9 - 72/56)."""
    one, other = [19, 22, 16, 29, 24], [20, 11, 17, 12]
    assert chance(one, other) == pytest.approx(0.1113, abs=1e-4)
    assert chance([1, 1, 2, 2], [2, 2, 3, 3]) == pytest.approx(0.08636, abs=1e-5)
    assert chance([5, 5], [5, 5]) == 1.0
    assert chance([], [1.0]) == 1.0
