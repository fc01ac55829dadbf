"""What becomes of an event: every path of the machine, and the times it takes."""

from itertools import pairwise

import pytest

from stoker.core.async_events import (
    Again,
    Condition,
    Ended,
    Outcome,
    Progress,
    Rules,
    after,
    deadline,
    hindrance,
)

T = 1_000_000.0
NEW = Progress(T)


def life(rules: Rules, outcomes: list[Outcome]) -> tuple[list[float], Condition | None]:
    """When it is run, beginning with 0, and how it ends, if it does; attempts take no time."""
    now, progress, runs = T, NEW, [0.0]
    for outcome in outcomes:
        decision = after(progress, rules, outcome, now)
        if isinstance(decision, Ended):
            return runs, decision.condition
        progress, now = decision.progress, decision.due
        if hindrance(progress, rules, now, reserved=None, looping=False):
            return runs, Condition.EVENT_AGE_EXCEEDED
        runs.append(now - T)
    return runs, None


FAILED, REFUSED, SUCCEEDED = Outcome.FAILED, Outcome.REFUSED, Outcome.SUCCEEDED


def test_a_failing_function_is_tried_again_after_one_and_two_minutes() -> None:
    assert life(Rules(), [FAILED] * 3) == ([0, 60, 180], Condition.RETRIES_EXHAUSTED)
    assert life(Rules(), [FAILED, FAILED, SUCCEEDED]) == ([0, 60, 180], Condition.SUCCESS)


@pytest.mark.parametrize(("retries", "runs"), [(0, [0]), (1, [0, 60]), (2, [0, 60, 180])])
def test_the_owner_says_how_often(retries: int, runs: list[float]) -> None:
    assert life(Rules(retries=retries), [FAILED] * 5) == (runs, Condition.RETRIES_EXHAUSTED)


def test_refusals_are_not_counted_and_come_at_growing_distances() -> None:
    runs, condition = life(Rules(), [REFUSED] * 12)
    gaps = [later - earlier for earlier, later in pairwise(runs)]
    assert gaps == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]
    assert condition is None
    mixed = [REFUSED, REFUSED, FAILED, REFUSED, FAILED, FAILED]
    assert life(Rules(), mixed) == ([0, 1, 3, 63, 64, 184], Condition.RETRIES_EXHAUSTED)


def test_what_is_only_refused_ends_when_it_is_too_old() -> None:
    runs, condition = life(Rules(), [REFUSED] * 1000)
    assert condition is Condition.EVENT_AGE_EXCEEDED
    assert 21_600 - 300 <= runs[-1] < 21_600


def test_a_retry_that_would_come_too_late_is_not_waited_for() -> None:
    assert life(Rules(max_age_s=60), [FAILED]) == ([0], Condition.EVENT_AGE_EXCEEDED)
    assert life(Rules(max_age_s=61), [FAILED, FAILED]) == ([0, 60], Condition.EVENT_AGE_EXCEEDED)


def test_the_scale_divides_delays_and_age_alike() -> None:
    fast = Rules(scale=60)
    assert life(fast, [FAILED] * 3) == ([0, 1, 3], Condition.RETRIES_EXHAUSTED)
    assert deadline(NEW, fast) == T + 360


def test_every_event_comes_to_an_end_whatever_happens() -> None:
    """All sequences of five outcomes, and then refusals without end."""
    sequences: list[list[Outcome]] = [[]]
    for _ in range(5):
        sequences = [[*before, one] for before in sequences for one in Outcome]
    seen = set()
    for outcomes in sequences:
        for retries in range(3):
            rules = Rules(retries=retries, max_age_s=600)
            runs, condition = life(rules, outcomes + [REFUSED] * 700)
            assert condition is not None
            assert runs == sorted(runs) and runs[-1] < 600
            seen.add(condition)
    assert seen == {
        Condition.SUCCESS,
        Condition.RETRIES_EXHAUSTED,
        Condition.EVENT_AGE_EXCEEDED,
    }


def test_attempts_are_counted_and_success_counts_as_one() -> None:
    once = after(NEW, Rules(), FAILED, T)
    assert isinstance(once, Again) and once.progress.attempts == 1
    done = after(once.progress, Rules(), SUCCEEDED, once.due)
    assert isinstance(done, Ended) and done.progress.attempts == 2


def test_what_may_not_run_at_all() -> None:
    def why(reserved: int | None, looping: bool, age: float) -> Condition | None:
        return hindrance(NEW, Rules(), T + age, reserved=reserved, looping=looping)

    assert why(None, False, 21_599) is None
    assert why(1, False, 0) is None
    assert why(0, False, 0) is Condition.ZERO_RESERVED_CONCURRENCY
    assert why(None, True, 0) is Condition.RECURSIVE_INVOCATION
    assert why(None, False, 21_600) is Condition.EVENT_AGE_EXCEEDED
