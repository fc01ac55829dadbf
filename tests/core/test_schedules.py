"""When schedules are due: AWS's own examples, and the calendar's corners."""

from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.errors import ValidationException
from stoker.core.schedules import read

START = datetime(2026, 1, 1, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def moments(text: str, count: int, after: datetime = START, zone: tzinfo = UTC) -> list[str]:
    schedule, found = read(text), []
    while len(found) < count:
        moment = schedule.next(after, zone, START)
        if moment is None:
            break
        after = moment
        found.append(f"{moment:%Y-%m-%d %H:%M}")
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("at(2026-01-02T10:30:00)", ["2026-01-02 10:30"]),
        ("at(2025-12-31T10:30:00)", []),
        ("rate(1 hour)", ["2026-01-01 01:00", "2026-01-01 02:00"]),
        ("rate(15 minutes)", ["2026-01-01 00:15", "2026-01-01 00:30"]),
        ("rate(2 days)", ["2026-01-03 00:00", "2026-01-05 00:00"]),
        ("cron(0 10 * * ? *)", ["2026-01-01 10:00", "2026-01-02 10:00"]),
        ("cron(15 12 * * ? *)", ["2026-01-01 12:15", "2026-01-02 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["2026-01-01 18:00", "2026-01-02 18:00", "2026-01-05 18:00"]),
        ("cron(0 8 1 * ? *)", ["2026-01-01 08:00", "2026-02-01 08:00"]),
        ("cron(0/20 * * * ? *)", ["2026-01-01 00:20", "2026-01-01 00:40", "2026-01-01 01:00"]),
        ("cron(0/30 8-9 ? * 2,4 *)", ["2026-01-05 08:00", "2026-01-05 08:30"]),
        ("cron(0 0 L * ? *)", ["2026-01-31 00:00", "2026-02-28 00:00"]),
        ("cron(0 0 29 2 ? *)", ["2028-02-29 00:00", "2032-02-29 00:00"]),
        ("cron(0 0 ? * 6L *)", ["2026-01-30 00:00", "2026-02-27 00:00"]),
        ("cron(0 0 ? * L *)", ["2026-01-03 00:00", "2026-01-10 00:00"]),
        ("cron(0 0 ? * TUE#2 *)", ["2026-01-13 00:00", "2026-02-10 00:00"]),
        ("cron(0 0 ? * 2#5 *)", ["2026-03-30 00:00", "2026-06-29 00:00"]),
        ("cron(0 0 15W * ? *)", ["2026-01-15 00:00", "2026-02-16 00:00", "2026-03-16 00:00"]),
        ("cron(0 0 1W 8 ? *)", ["2026-08-03 00:00", "2027-08-02 00:00"]),
        ("cron(0 0 ? * SAT-SUN *)", ["2026-01-03 00:00", "2026-01-04 00:00"]),
        ("cron(0 0 1 1 ? 2027-2028)", ["2027-01-01 00:00", "2028-01-01 00:00"]),
        ("cron(59 23 31 DEC ? 2199)", ["2199-12-31 23:59"]),
        ("cron(0 0 31 2 ? *)", []),
        ("cron(0 0 * * * *)", ["2026-01-02 00:00"]),
    ],
)
def test_what_is_due(text: str, expected: list[str]) -> None:
    assert moments(text, max(len(expected), 1)) == expected


def test_a_zone_of_ones_own_with_summer_time() -> None:
    assert moments("at(2026-07-01T12:00:00)", 1, zone=BERLIN) == ["2026-07-01 10:00"]
    march = datetime(2026, 3, 28, tzinfo=UTC)
    found = moments("cron(30 2 * * ? *)", 3, march, BERLIN)
    assert found == ["2026-03-28 01:30", "2026-03-30 00:30", "2026-03-31 00:30"], "one has no 2:30"


@pytest.mark.parametrize(
    "text",
    [
        "", "at()", "at(2026-13-01T00:00:00)", "at(2026-01-01)", "rate(0 minutes)",
        "rate(1 minutes)", "rate(5 minute)", "rate(5 weeks)", "rate(-5 minutes)",
        "rate(9999999999 days)",
        "cron(* * * * *)", "cron(0 0 ? * ? *)", "cron(0 0 1 * MON *)", "cron(60 0 * * ? *)",
        "cron(0 24 * * ? *)", "cron(0 0 32 * ? *)", "cron(0 0 * 13 ? *)", "cron(0 0 ? * 8 *)",
        "cron(0 0 ? * MON#6 *)", "cron(0 0 * * ? 1969)", "cron(x 0 * * ? *)", "cron(0/0 0 * * ? *)",
        "cron(0 0 * * ? *) ", "every(1 minute)", "cron(0 0 -1 * ? *)", "cron(²0 0 * * ? *)",
        "rate(٣ minutes)",
    ],
)  # fmt: skip
def test_what_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValidationException):
        read(text)


@given(st.text(max_size=40) | st.from_regex(r"cron\([0-9*?/,LW#A-Z -]{1,40}\)", fullmatch=True))
def test_nothing_else_comes_of_any_text(text: str) -> None:
    try:
        schedule = read(text)
    except ValidationException:
        return
    found = schedule.next(START, UTC, START)
    assert found is None or found > START


@given(
    minutes=st.integers(0, 60 * 24 * 365),
    text=st.sampled_from(
        ["cron(*/7 */5 * * ? *)", "cron(0 0 LW * ? *)", "cron(3 4 ? * FRI#1 *)", "rate(7 hours)"]
    ),
)
def test_the_next_moment_is_the_first_one_behind(minutes: int, text: str) -> None:
    try:
        schedule = read(text)
    except ValidationException:
        return
    after = START + timedelta(minutes=minutes)
    found = schedule.next(after, UTC, START)
    assert found is not None
    assert found > after
    assert schedule.next(found - timedelta(seconds=1), UTC, START) == found
