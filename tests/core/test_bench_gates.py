"""Whether a promise was held: the judgement of the bench, on numbers made up."""

from dataclasses import replace

import pytest

from bench.gates import GATES, Gate, Sense, judge
from bench.series import Book

FASTER = Gate("F", "a duration", "m", "ours", ("peer", "other"), Sense.FASTER, 4)


def book(**rounds: list[list[float]]) -> Book:
    """For each system, the samples of each round."""
    made = Book()
    for system, samples in rounds.items():
        for number, values in enumerate(samples):
            made.add("m", system, "us", number, values)
    return made


def ratio(gate: Gate, book: Book) -> float | None:
    return judge(book, gate).ratio


@pytest.mark.parametrize(
    ("sense", "ours", "theirs", "expected"),
    [
        (Sense.FASTER, 10.0, 40.0, 4.0),
        (Sense.MORE, 40.0, 10.0, 4.0),
        (Sense.EXTRA, 11.0, 10.0, 1.1),
    ],
)
def test_a_ratio_has_its_sense(sense: Sense, ours: float, theirs: float, expected: float) -> None:
    gate = replace(FASTER, sense=sense)
    assert ratio(gate, book(ours=[[ours]], peer=[[theirs]])) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("sense", "bound", "ours", "passed"),
    [
        (Sense.FASTER, 4, 10.0, True),  # exactly the bound is enough
        (Sense.FASTER, 4, 10.1, False),
        (Sense.MORE, 0.5, 20.0, True),
        (Sense.MORE, 0.5, 19.9, False),
        (Sense.EXTRA, 1.1, 44.0, True),
        (Sense.EXTRA, 1.1, 44.1, False),
    ],
)
def test_a_floor_and_a_ceiling(sense: Sense, bound: float, ours: float, passed: bool) -> None:
    gate = replace(FASTER, sense=sense, bound=bound)
    assert judge(book(ours=[[ours]], peer=[[40.0]]), gate).passed is passed


def test_the_best_peer_of_each_round_counts() -> None:
    made = book(ours=[[10.0], [10.0]], peer=[[40.0], [90.0]], other=[[80.0], [50.0]])
    verdict = judge(made, FASTER)
    assert verdict.ratios == (4.0, 5.0)
    assert verdict.peer in ("peer", "other")
    more = judge(made, replace(FASTER, sense=Sense.MORE))
    assert more.ratios == (10 / 80, 10 / 90)


def test_the_median_of_the_rounds_decides_and_not_one_bad_round() -> None:
    made = book(ours=[[10.0], [100.0], [10.0]], peer=[[50.0], [50.0], [60.0]])
    verdict = judge(made, FASTER)
    assert (verdict.ratios, verdict.ratio, verdict.passed) == ((5.0, 0.5, 6.0), 5.0, True)


def test_within_a_round_the_median_counts() -> None:
    assert ratio(FASTER, book(ours=[[10.0, 10.0, 900.0]], peer=[[40.0, 40.0, 40.0]])) == 4.0


def test_errors_fail_whatever_the_speed() -> None:
    made = book(ours=[[1.0]], peer=[[100.0]])
    made.add("m", "ours", "us", 0, [], errors=1)
    assert judge(made, FASTER).passed is False


def test_a_round_that_no_peer_survived_is_left_out() -> None:
    made = book(ours=[[10.0], [10.0], [10.0]], peer=[[40.0]])
    assert judge(made, FASTER).ratios == (4.0,)


def test_what_was_not_measured_is_not_judged_and_says_why() -> None:
    nothing = judge(Book(), FASTER)
    assert (nothing.passed, nothing.missing) == (None, "not measured")
    lonely = book(ours=[[1.0]])
    lonely.missing["peer"] = "cannot be had here"
    verdict = judge(lonely, FASTER)
    assert verdict.passed is None
    assert verdict.missing == "cannot be had here; other was not measured"


def test_gates_without_a_peer_look_at_ourselves() -> None:
    tail = replace(FASTER, sense=Sense.TAIL, peers=(), bound=3)
    steady = judge(book(ours=[[10.0] * 100]), tail)
    assert (steady.ratio, steady.passed) == (1.0, True)
    assert judge(book(ours=[[10.0] * 95 + [100.0] * 5]), tail).passed is False
    rate = replace(FASTER, sense=Sense.RATE, peers=(), bound=150)
    assert judge(book(ours=[[151.0]]), rate).passed is True
    assert judge(book(ours=[[149.0]]), rate).passed is False
    most = replace(FASTER, sense=Sense.MOST, peers=(), bound=2)
    assert judge(book(ours=[[1.0, 2.0, 90.0]]), most).passed is True
    assert judge(book(ours=[[1.0, 2.1, 90.0]]), most).passed is False


def test_every_gate_is_named_once_and_has_a_peer_if_it_needs_one() -> None:
    assert len({gate.id for gate in GATES}) == len(GATES)
    for gate in GATES:
        assert bool(gate.peers) is (gate.sense not in (Sense.TAIL, Sense.RATE, Sense.MOST)), gate.id
