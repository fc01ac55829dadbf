"""When plans carry on: their bounds, their pace, and cron beside a clock that looks each minute."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from stoker.core.errors import ValidationException
from stoker.core.recurrence import NEVER, Plan
from stoker.core.schedules import Cron, read

SINCE = datetime(2026, 1, 1, 12, 0, 30, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def moments(plan: Plan, count: int = 4) -> list[datetime]:
    found: list[datetime] = []
    moment = plan.first()
    while moment is not None and len(found) < count:
        found.append(moment)
        moment = plan.next(moment, plan.due(moment))
    return found


def test_a_rule_s_rate_begins_one_interval_after_it_was_put() -> None:
    plan = Plan(read("rate(5 minutes)"), SINCE)
    assert moments(plan, 2) == [SINCE + 5 * MINUTE, SINCE + 10 * MINUTE]


@pytest.mark.parametrize("ahead", [0 * HOUR, HOUR])
def test_the_scheduler_s_rate_begins_at_once_or_with_its_start(ahead: timedelta) -> None:
    plan = Plan(read("rate(2 hours)"), SINCE, start=SINCE + ahead, at_once=True)
    assert moments(plan, 2) == [SINCE + ahead, SINCE + ahead + 2 * HOUR]


def test_a_start_in_the_past_is_now() -> None:
    plan = Plan(read("rate(2 hours)"), SINCE, start=SINCE - DAY, at_once=True)
    assert plan.first() == SINCE


def test_a_plan_runs_on_its_start_and_on_its_end_and_not_beyond() -> None:
    start = datetime(2026, 1, 2, 10, tzinfo=UTC)
    plan = Plan(read("cron(0 * * * ? *)"), SINCE, start=start, end=start + 2 * HOUR)
    assert moments(plan) == [start, start + HOUR, start + 2 * HOUR]
    assert Plan(read("rate(1 day)"), SINCE, end=SINCE + HOUR).first() is None


def test_what_happens_once_has_no_bounds_and_nothing_happens_in_the_past() -> None:
    far = SINCE + 9 * DAY
    once = read("at(2026-01-02T00:00:00)")
    assert moments(Plan(once, SINCE, start=far, end=SINCE)) == [datetime(2026, 1, 2, tzinfo=UTC)]
    assert moments(Plan(once, far)) == []


def test_an_hour_is_a_minute_for_a_plan_that_is_hurried() -> None:
    plan = Plan(read("rate(1 hour)"), SINCE, scale=60)
    due = [plan.due(moment) - SINCE.timestamp() for moment in moments(plan, 3)]
    assert due == pytest.approx([60, 120, 180])


def test_chance_picks_a_moment_of_the_flexible_window() -> None:
    plan = Plan(read("rate(1 hour)"), SINCE, window=10 * MINUTE)
    moment = plan.first()
    assert moment is not None
    at = moment.timestamp()
    assert [plan.due(moment, chance) - at for chance in (0, 0.5, 1)] == pytest.approx([0, 300, 600])


def test_who_takes_a_plan_over_goes_on_with_its_beat() -> None:
    plan, stopped = Plan(read("rate(5 minutes)"), SINCE, at_once=True), SINCE + 7 * MINUTE

    def resumed(after: timedelta) -> datetime | None:
        return plan.resumed(stopped.timestamp(), (stopped + after).timestamp())

    assert resumed(MINUTE) == SINCE + 10 * MINUTE
    assert resumed(3.5 * MINUTE) == SINCE + 10 * MINUTE, "half a minute late is made up for"
    assert resumed(5 * MINUTE) == SINCE + 15 * MINUTE, "two minutes are not"
    once = Plan(read("at(2026-01-01T12:05:00)"), SINCE)
    assert once.resumed(stopped.timestamp(), stopped.timestamp()) is None


def test_what_a_sleeping_machine_missed_is_not_made_up_for() -> None:
    plan = Plan(read("rate(1 minute)"), SINCE)
    late = SINCE + DAY
    assert plan.next(SINCE + MINUTE, late.timestamp()) == late
    assert plan.next(SINCE + MINUTE, (SINCE + 2 * MINUTE).timestamp()) == SINCE + 2 * MINUTE


@given(
    scale=st.floats(1, 1e12), now=st.floats(0, 4e9),
    text=st.sampled_from(["rate(52704000 minutes)", "cron(* * * * ? *)", "cron(0 0 29 2 ? 2196)"]),
)  # fmt: skip
def test_no_pace_leads_out_of_the_calendar(scale: float, now: float, text: str) -> None:
    plan = Plan(read(text), SINCE, scale=scale, at_once=True)
    found = plan.next(SINCE, now)
    assert found is None or SINCE < found < NEVER


@pytest.mark.parametrize("text", ["rate(1 minute)", "cron(* * * * ? *)", "at(9999-12-31T23:59:59)"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Lima"])
def test_the_end_of_the_calendar_is_never(text: str, zone: str) -> None:
    start = datetime.max.replace(tzinfo=UTC)
    assert Plan(read(text), SINCE, ZoneInfo(zone), start=start, at_once=True).first() is None


FIELDS = {
    "minutes": st.sampled_from(["*", "0", "30", "0/20", "15-45/15", "58-2", "5,59"]),
    "hours": st.sampled_from(["*", "0", "1-3", "2", "23", "*/6", "22-1"]),
    "days": st.sampled_from(
        ["* ?", "1 ?", "L ?", "15W ?", "31 ?", "28-2 ?", "? MON-FRI", "? 1", "? SAT#5", "? 6L"]
    ),
    "months": st.sampled_from(["*", "3,10", "FEB", "OCT-MAR"]),
}


@example("15-45/15", "2", "* ?", "*", "Australia/Lord_Howe", datetime(2026, 10, 3), 13 * 60)
@given(
    **FIELDS,
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/Sao_Paulo"]),
    start=st.sampled_from(
        [
            datetime(2026, 3, 27),
            datetime(2026, 10, 2),
            datetime(2026, 10, 23),
            datetime(2017, 10, 13),
            datetime(2024, 2, 27),
        ]
    ),
    offset=st.integers(0, 24 * 60),
)
def test_cron_is_due_when_a_clock_on_the_wall_would_say_so(
    minutes: str, hours: str, days: str, months: str, zone: str, start: datetime, offset: int
) -> None:
    """A model that looks at each minute of four days: the words fit the local time, and what the
    clock shows twice counts the first time."""
    day, weekday = days.split()
    cron = read(f"cron({minutes} {hours} {day} {months} {weekday} *)")
    assert isinstance(cron, Cron)
    there, after = ZoneInfo(zone), start.replace(tzinfo=UTC) + offset * MINUTE
    expected = None
    for number in range(1, 4 * 24 * 60):
        moment = after + number * MINUTE
        local = moment.astimezone(there)
        if local.fold == 0 and _fits(cron, local):
            expected = moment
            break
    found = cron.next(after, there, after)
    if expected is None:
        assert found is None or found >= after + 4 * DAY
    else:
        assert found == expected


def _fits(cron: Cron, local: datetime) -> bool:
    return (
        local.minute in cron.minutes
        and local.hour in cron.hours
        and local.month in cron.months
        and local.day in cron.days.of(local.year, local.month)
    )


def test_an_expression_of_eventbridge_has_256_characters() -> None:
    text = "cron(" + "0," * 118 + "00 * * * ? *)"
    assert isinstance(read(text, 256), Cron)
    with pytest.raises(ValidationException):
        read(text, len(text) - 1)
