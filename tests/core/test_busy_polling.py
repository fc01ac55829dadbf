"""When it pays to stay awake, told by what comes how soon after the other."""

from hypothesis import given
from hypothesis import strategies as st

from stoker.core.busy_polling import (
    ENOUGH,
    LOST,
    MOST,
    PATIENCE_S,
    PAUSE_S,
    PREEMPTED,
    SAMPLE,
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


def test_while_others_want_the_processor_they_have_it() -> None:
    worth, now = BusyPolling(), 0.0
    for preempted, awake_after in ((PREEMPTED - 1, True), (2 * PREEMPTED - 1, False)):
        while not worth.wants_sample:
            now += SOON
            worth.heard(now)
        worth.preempted(preempted, now)
        assert not worth.wants_sample
        assert worth.heard(now) is awake_after
    while now < ENOUGH * SOON + PAUSE_S:  # it is heard all the same
        now += SOON
        worth.heard(now)
    assert SAMPLE > PREEMPTED


def test_after_the_pause_it_is_tried_again() -> None:
    worth = BusyPolling()
    for turn in range(ENOUGH + 1):
        worth.heard(turn * SOON)
    worth.preempted(PREEMPTED, ENOUGH * SOON)
    end = ENOUGH * SOON + PAUSE_S
    turns = int(PAUSE_S / SOON)
    said = [worth.heard(ENOUGH * SOON + turn * SOON) for turn in range(turns + 3)]
    assert not any(said[: turns - 1]), f"before {end}"
    assert said[-1]
