"""What Application Auto Scaling decides, minute by minute, on virtual time."""

from dataclasses import replace

import pytest

from stoker.core.autoscaling import (
    ACTIVITIES,
    Activity,
    Policy,
    Resource,
    Scaled,
    Target,
    Track,
    check_capacity,
    latest,
    read_resource,
    within,
)
from stoker.core.errors import ValidationException
from stoker.core.model import FunctionKey

RESOURCE = Resource(FunctionKey("000000000000", "eu-west-1", "f"), "live")
TARGET = Target(least=1, most=10, created=0.0, id="t", role="r")
POLICY = Policy("p", target_value=0.7, created=0.0, id="id")


def scaled(target: Target = TARGET, **policy: object) -> Scaled:
    return Scaled(target, {"p": replace(POLICY, **policy)})  # type: ignore[arg-type]


def lived(*minutes: float | None) -> Track:
    """`None`: a minute without an invocation."""
    track = Track()
    for value in minutes:
        track.sample(round(100 * (value or 0.0)), 100, used=value is not None)
        track.minute()
    return track


def desired(track: Track, what: Scaled, capacity: int, now: float = 1e6) -> int | None:
    change = track.desired(RESOURCE, what, capacity, now)
    return None if change is None else change.capacity


def test_three_minutes_above_the_target_scale_out_in_proportion() -> None:
    assert desired(lived(1.0, 1.0), scaled(), 4) is None
    assert desired(lived(1.0, 0.6, 1.0, 1.0), scaled(), 4) is None
    assert desired(lived(1.0, 1.0, 1.0), scaled(), 4) == 6
    assert desired(lived(0.8, 0.9, 0.71), scaled(), 4) == 5
    assert desired(lived(1.0, 1.0, 1.0), scaled(), 9) == 10, "never more than the maximum"
    assert desired(lived(1.0, 1.0, 1.0), scaled(), 10) is None
    change = lived(1.0, 1.0, 1.0).desired(RESOURCE, scaled(), 4, 0.0)
    assert change is not None
    assert change.description == "Setting desired concurrency to 6."
    assert change.cause == (
        "monitor alarm TargetTracking-function:f:live-AlarmHigh-id in state ALARM"
        " triggered policy p"
    )


def test_fifteen_minutes_below_nine_tenths_of_it_scale_in() -> None:
    assert desired(lived(*[0.1] * 14), scaled(), 8) is None
    assert desired(lived(*[0.1] * 15), scaled(), 8) == 2
    assert desired(lived(*[0.65] * 15), scaled(), 8) is None, "near enough"
    assert desired(lived(*[0.01] * 15), scaled(), 8) == 1, "never less than the minimum"
    assert desired(lived(*[0.1] * 15), scaled(disable_in=True), 8) is None
    suspended = replace(TARGET, in_suspended=True)
    assert desired(lived(*[0.1] * 15), scaled(suspended), 8) is None


def test_a_minute_without_an_invocation_says_nothing() -> None:
    assert desired(lived(*[None] * 20), scaled(), 8) is None
    assert desired(lived(1.0, 1.0, None, 1.0), scaled(), 8) is None


def test_scaling_starts_the_row_anew_and_waits_for_the_cooldown() -> None:
    track = lived(1.0, 1.0, 1.0)
    track.scaled(4, 6, now=100.0)
    track.fulfilled()
    assert desired(track, scaled(), 6, now=101.0) is None
    for _ in range(3):
        track.sample(1, 1, used=True)
        track.minute()
    assert desired(track, scaled(out_cooldown_s=300), 6, now=280.0) is None
    assert desired(track, scaled(out_cooldown_s=300), 6, now=400.0) == 9


def test_of_several_policies_the_largest_capacity_counts_and_all_must_agree_to_scale_in() -> None:
    both = Scaled(
        TARGET, {"p": POLICY, "q": replace(POLICY, name="q", target_value=0.4, id="other")}
    )
    assert desired(lived(1.0, 1.0, 1.0), both, 2) == 5
    assert desired(lived(*[0.5] * 15), both, 4) == 5
    assert desired(lived(*[0.1] * 15), both, 8) == 2
    assert desired(lived(*[0.38] * 15), both, 8) is None


def test_bounds_count_whatever_policies_want() -> None:
    low, high = within(scaled(), 0), within(scaled(), 11)
    assert low is not None
    assert high is not None
    assert (low.capacity, low.cause) == (1, "minimum capacity was set to 1")
    assert (high.capacity, high.cause) == (10, "maximum capacity was set to 10")
    assert within(scaled(), 10) is None


def test_all_that_is_kept_reads_back() -> None:
    activity = Activity("a", "Setting desired concurrency to 2.", "why", 1.0)
    kept = replace(scaled(), activities=(activity,))
    assert Scaled.load(kept.dump()) == kept  # type: ignore[arg-type]


def test_activities_speak_as_awss_do_and_are_bounded() -> None:
    activity = Activity("a", "Setting desired concurrency to 2.", "why", 1.0)
    assert activity.message == (
        "Successfully set desired concurrency to 2. Waiting for change to be fulfilled by lambda."
    )
    assert replace(activity, status="Successful").message == (
        "Successfully set desired concurrency to 2. Change successfully fulfilled by lambda."
    )
    failed = replace(activity, status="Failed", reason="no")
    assert failed.message == "Failed to set desired concurrency to 2. Reason: no"
    many: tuple[Activity, ...] = ()
    for number in range(2 * ACTIVITIES):
        many = latest(replace(activity, id=str(number), start=float(number)), many)
    assert len(many) == ACTIVITIES
    assert many[0].start == 2 * ACTIVITIES - 1


def test_what_is_no_version_or_alias_of_a_function_is_refused() -> None:
    assert read_resource("000000000000", "eu-west-1", "function:f:live") == RESOURCE
    for text in ("function:f", "f:live", "function:f:$LATEST", "function:f:a:b", "table/t", ""):
        with pytest.raises(ValidationException):
            read_resource("000000000000", "eu-west-1", text)
    for least, most in ((-1, 1), (0, -1), (3, 2)):
        with pytest.raises(ValidationException):
            check_capacity(least, most)
