"""When it pays to stay awake, told by what comes how soon after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.busy_polling import (
    ENOUGH,
    LONGEST_S,
    LOST,
    MOST,
    PATIENCE_S,
    PAUSE_S,
    PREEMPTED,
    BusyPolling,
)

SOON, LATE = PATIENCE_S / 2, PATIENCE_S * 2


def play(gaps: list[float]) -> list[bool]:
    worth, now, said = BusyPolling(), 0.0, []
    for gap in gaps:
        now += gap
        said.append(worth.heard(now))
    return said


def test_it_pays_once_enough_came_soon_after_each_other() -> None:
    assert play([LATE] + [SOON] * ENOUGH) == [False] * ENOUGH + [True]


def test_who_calls_now_and_then_never_keeps_it_awake() -> None:
    assert not any(play([LATE, SOON] * 100))  # a request, and soon what the environment answers


def test_after_the_last_burst_few_look_outs_are_in_vain() -> None:
    said = play([SOON] * 1000 + [LATE] * 100)
    assert all(said[ENOUGH:1000])
    assert sum(said[1000:]) <= (MOST - ENOUGH) // LOST


@given(st.lists(st.booleans(), max_size=60))
def test_what_is_soon_earns_and_what_is_late_loses_within_bounds(soon: list[bool]) -> None:
    worth, expected = 0, []
    for one in soon:
        worth = min(MOST, worth + 1) if one else max(0, worth - LOST)
        expected.append(worth >= ENOUGH)
    assert play([LATE] + [SOON if one else LATE for one in soon])[1:] == expected


def sampled(worth: BusyPolling, now: float) -> float:
    """When it has been awake for so long that a sample is due."""
    while not worth.wants_sample:
        now += SOON
        worth.heard(now)
    return now


def test_who_is_pushed_aside_now_and_then_stays_awake() -> None:
    worth = BusyPolling()
    now = sampled(worth, 0.0)
    worth.preempted(PREEMPTED - 1, now)
    assert not worth.wants_sample
    assert worth.heard(now)


def test_while_others_want_the_processor_they_have_it_for_longer_and_longer() -> None:
    worth, now, count, pauses = BusyPolling(), 0.0, 0, []
    for _ in range(8):
        began = sampled(worth, now)
        count += PREEMPTED
        worth.preempted(count, began)
        now = began
        while not worth.heard(now):  # it is heard all the same
            now += SOON
        pauses.append(now - began)
    expected = [min(LONGEST_S, PAUSE_S * 2**time) for time in range(8)]
    assert pauses == pytest.approx(expected, abs=2 * SOON)


def test_after_a_while_alone_a_pause_is_short_again() -> None:
    worth = BusyPolling()
    for count in (PREEMPTED, 2 * PREEMPTED, 2 * PREEMPTED, 3 * PREEMPTED):
        now = sampled(worth, max(0.0, worth._paused_until))
        worth.preempted(count, now)
    assert worth._paused_until == pytest.approx(now + PAUSE_S)
