"""When a schedule is due: at(…), rate(…) and cron(…) as AWS's services write them. Pure.

    schedule = read("cron(0 10 ? * MON-FRI *)")
    schedule.next(after, zone, since)      # the first moment behind `after`, or None: never again

A cron expression has six fields, minutes hours day-of-month month day-of-week year, of which one
of the two days is `?` (or both are `*`): https://docs.aws.amazon.com/autoscaling/application/
userguide/scheduled-scaling-using-cron-expressions.html. Days of the week count from 1, a Sunday.
What summer time leaves out is skipped, what winter time repeats is due once ("Daylight savings
time" in EventBridge Scheduler's guide, "Schedule types").
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Protocol

from stoker.core.errors import ValidationException

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
FIRST_YEAR, LAST_YEAR = 1970, 2199
AUTOSCALING_CHARACTERS, EVENTBRIDGE_CHARACTERS = 1600, 256  # of an expression, AWS's
MOST_MINUTES = 366 * 24 * 60 * 100  # of a rate

_AT = re.compile(r"at\((\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})\)")
_RATE = re.compile(r"rate\(([1-9]\d{0,9}) +(minute|hour|day)(s?)\)", re.ASCII)
_CRON = re.compile(r"cron\(([^()]+)\)")
_UNITS = {"minute": 1, "hour": 60, "day": 24 * 60}


class Schedule(Protocol):
    def next(self, after: datetime, zone: tzinfo, since: datetime) -> datetime | None:
        """The first moment behind `after`. `zone`: what its words mean; `since`: from when on a
        rate is counted."""
        ...


@dataclass(frozen=True, slots=True)
class At:
    moment: datetime  # without a zone

    def next(self, after: datetime, zone: tzinfo, since: datetime) -> datetime | None:
        moment = self.moment.replace(tzinfo=zone).astimezone(UTC)
        return moment if moment > after else None


@dataclass(frozen=True, slots=True)
class Rate:
    every: timedelta

    def next(self, after: datetime, zone: tzinfo, since: datetime) -> datetime | None:
        passed = (after - since) // self.every
        return since + max(passed + 1, 1) * self.every


@dataclass(frozen=True, slots=True)
class Cron:
    minutes: frozenset[int]
    hours: frozenset[int]
    days: "Days"
    months: frozenset[int]
    years: frozenset[int]

    def next(self, after: datetime, zone: tzinfo, since: datetime) -> datetime | None:
        local = after.astimezone(zone)
        for year in range(local.year, LAST_YEAR + 1):
            for month in sorted(self.months) if year in self.years else ():
                if (year, month) < (local.year, local.month):
                    continue
                for day in self.days.of(year, month):
                    found = self._on(date(year, month, day), after, zone)
                    if found is not None:
                        return found
        return None

    def _on(self, day: date, after: datetime, zone: tzinfo) -> datetime | None:
        there = after.astimezone(zone)
        if day < there.date():
            return None
        for hour in sorted(self.hours):
            if day == there.date() and hour < there.hour:
                continue  # over, also on a clock that was put back
            for minute in sorted(self.minutes):
                local = datetime.combine(day, time(hour, minute), zone)
                moment = local.astimezone(UTC)
                # What summer time leaves out comes back from UTC as something else.
                back = moment.astimezone(zone)
                if moment > after and (back.hour, back.minute) == (hour, minute):
                    return moment
        return None


@dataclass(frozen=True, slots=True)
class Days:
    """Which days of a month: by their number, or by the day of the week."""

    numbers: frozenset[int]
    weekdays: frozenset[int] = frozenset()  # from 1, Sunday
    last: bool = False  # L: the last one; of a weekday, its last
    nearest: int = 0  # nW: the working day nearest to the nth
    nth: int = 0  # d#n: the nth of that weekday

    def of(self, year: int, month: int) -> list[int]:
        count = monthrange(year, month)[1]
        every = range(1, count + 1)
        if self.nearest:
            return [_working_day(year, month, min(self.nearest, count))]
        if not self.weekdays:
            return [count] if self.last else [day for day in every if day in self.numbers]
        found = [day for day in every if _weekday(year, month, day) in self.weekdays]
        if self.last:
            return found[-1:]
        return found[self.nth - 1 : self.nth] if self.nth else found


def read(text: str, most_characters: int = AUTOSCALING_CHARACTERS) -> Schedule:
    """Raise ValidationException for what is none."""
    try:
        if len(text) > most_characters:
            raise ValueError(text)
        if match := _AT.fullmatch(text):
            return At(datetime.fromisoformat(match[1]))
        if match := _RATE.fullmatch(text):
            minutes = int(match[1]) * _UNITS[match[2]]
            if (int(match[1]) == 1) == bool(match[3]) or minutes > MOST_MINUTES:
                raise ValueError(text)
            return Rate(timedelta(minutes=minutes))
        if match := _CRON.fullmatch(text):
            return _cron(match[1].upper().split())
    except (ValueError, OverflowError):
        pass
    raise ValidationException("Schedule expression is not valid.")


def _cron(fields: list[str]) -> Cron:
    minutes, hours, days, months, weekdays, years = fields  # or ValueError: too many, too few
    if (days == "?") == (weekdays == "?") and not (days == weekdays == "*"):
        raise ValueError("one of the days must be ?")
    by_number = weekdays in ("?", "*")
    return Cron(
        minutes=_numbers(minutes, 0, 59),
        hours=_numbers(hours, 0, 23),
        days=_days(days) if by_number else _weekdays(weekdays),
        months=_numbers(months, 1, 12, MONTHS),
        years=_numbers(years, FIRST_YEAR, LAST_YEAR),
    )


def _days(text: str) -> Days:
    if text == "L":
        return Days(frozenset(), last=True)
    if match := re.fullmatch(r"(\d{1,2})W", text):
        return Days(frozenset(), nearest=_number(match[1], 1, 31))
    return Days(_numbers(text, 1, 31))


def _weekdays(text: str) -> Days:
    if text == "L":
        return Days(frozenset(), frozenset({7}))
    if match := re.fullmatch(r"(\w+)L", text):
        return Days(frozenset(), frozenset({_number(match[1], 1, 7, DAYS)}), last=True)
    if match := re.fullmatch(r"(\w+)#([1-5])", text):
        return Days(frozenset(), frozenset({_number(match[1], 1, 7, DAYS)}), nth=int(match[2]))
    return Days(frozenset(), _numbers(text, 1, 7, DAYS))


def _numbers(text: str, least: int, most: int, names: tuple[str, ...] = ()) -> frozenset[int]:
    """5 · 1,3 · 1-5 · * · 0/15 · 5-20/5, and names in place of numbers."""
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, end = span.partition("-")
        if first == "*" and not dash:
            low, high = least, most
        else:
            low = _number(first, least, most, names)
            high = _number(end, least, most, names) if dash else most if slash else low
        if low > high:
            found |= {*range(low, most + 1), *range(least, high + 1)}  # FRI-MON
        else:
            found |= set(range(low, high + 1, _number(step, 1, most) if slash else 1))
    return frozenset(found)


def _number(text: str, least: int, most: int, names: tuple[str, ...] = ()) -> int:
    number = names.index(text) + least if text in names else int(text)
    if not (least <= number <= most) or not text.isalnum():
        raise ValueError(text)
    return number


def _weekday(year: int, month: int, day: int) -> int:
    return date(year, month, day).isoweekday() % 7 + 1


def _working_day(year: int, month: int, day: int) -> int:
    """The nearest one, in the same month."""
    count = monthrange(year, month)[1]
    match _weekday(year, month, day):
        case 7:  # Saturday
            return day - 1 if day > 1 else day + 2
        case 1:  # Sunday
            return day + 1 if day < count else day - 2
        case _:
            return day
