"""How fast a streamed answer may be, compared with a second of AWS's rule at a time."""

from hypothesis import given
from hypothesis import strategies as st

from stoker.core.pace import Pace, StreamLimits

LIMITS = StreamLimits(burst_bytes=600, bytes_per_s=200)
DEFAULT = StreamLimits()


def test_aws_s_numbers() -> None:
    assert DEFAULT.most_bytes == 200 * 2**20
    assert DEFAULT.burst_bytes == 6 * 2**20
    assert DEFAULT.bytes_per_s == 2 * 2**20


def test_the_burst_is_not_held_up_and_the_rest_goes_at_the_rate() -> None:
    pace = Pace(LIMITS, 10.0)
    assert pace.took(600, 10.0) == 0
    assert pace.took(100, 10.0) == 0.5
    assert pace.took(200, 10.5) == 1.0


def test_who_was_slow_may_hurry_but_not_for_more_than_one_burst() -> None:
    pace = Pace(LIMITS, 0.0)
    assert pace.took(600, 0.0) == 0
    assert pace.took(200, 1.0) == 0
    assert pace.took(600, 1000.0) == 0
    assert pace.took(2, 1000.0) == 0.01


@given(st.lists(st.tuples(st.integers(0, 700), st.floats(0, 5)), max_size=50))
def test_whoever_waits_as_told_never_exceeds_the_burst_and_the_rate(
    pieces: list[tuple[int, float]],
) -> None:
    pace, now, passed = Pace(LIMITS, 0.0), 0.0, 0
    for size, pause_s in pieces:
        assert passed <= LIMITS.burst_bytes + now * LIMITS.bytes_per_s + 1e-3
        passed += size
        now += pace.took(size, now) + pause_s
