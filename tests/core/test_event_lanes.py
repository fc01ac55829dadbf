"""How many of a function's events run at a time."""

from stoker.core.event_lanes import Lane
from stoker.core.limits import EVENTS_AT_A_TIME, EVENTS_AT_FIRST


def waiting(count: int, running: int = 0) -> Lane[int]:
    lane: Lane[int] = Lane(running=running)
    lane.waiting.extend(range(count))
    return lane


def test_a_lane_starts_narrow_and_concurrency_is_the_ceiling() -> None:
    assert waiting(100).room(1000, reserved=False) == EVENTS_AT_FIRST
    assert waiting(100, running=6).room(1000, reserved=False) == EVENTS_AT_FIRST - 6
    assert waiting(3).room(1000, reserved=False) == 3
    assert waiting(100).room(2, reserved=False) == 2
    assert waiting(100, running=50).room(1000, reserved=False) == 0


def test_what_is_reserved_may_be_used_whole() -> None:
    assert waiting(100).room(40, reserved=True) == 40
    assert waiting(100).room(0, reserved=True) == 0


def test_slow_runs_widen_it_up_to_a_bound_and_ended_ones_do_not() -> None:
    lane = waiting(1000, running=EVENTS_AT_FIRST)
    lane.ended = 5
    assert not lane.widened(4), "one has ended meanwhile: they are fast enough"
    widths = []
    while lane.widened(5):
        widths.append(lane.width)
        assert not lane.widened(5), "there is room now"
        lane.running = lane.width
    assert widths == [16, 32, 64, EVENTS_AT_A_TIME]


def test_without_a_queue_it_stays_as_it_is() -> None:
    lane = waiting(0, running=EVENTS_AT_FIRST)
    assert not lane.full and not lane.widened(0)
    assert waiting(0).empty
