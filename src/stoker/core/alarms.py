"""What an alarm makes of the values of its metric: its state, and why. Pure.

The latest N values decide ("evaluation periods"); if M of them are over the threshold ("datapoints
to alarm"), it is an alarm. A few more periods are looked at (RANGE_BEYOND), for values are missing:

    N are there, or more          the latest N of them decide
    fewer, treated as breaching   each that is missing counts as over the threshold,
                      notBreaching   or as not
                      ignore      a value within the threshold is OK; else the state stays
                      missing     the same; else ALARM, once the oldest value over the threshold is
                                  as old as M periods; without any value INSUFFICIENT_DATA

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html; both of
its tables are tests.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

RANGE_BEYOND: Final = 2  # AWS's examples look at five periods for three
MOST_PERIODS_S: Final = 7 * 86_400  # that an alarm looks back; with periods below an hour:
MOST_SHORT_S: Final = 86_400
HOUR_S: Final = 3600


class State(StrEnum):
    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class Missing(StrEnum):
    """What a missing value counts as."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


_COMPARED: Final[Mapping[str, tuple[Callable[[float, float], bool], str]]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
COMPARISONS: Final = frozenset(_COMPARED)


@dataclass(frozen=True, slots=True)
class Rule:
    comparison: str
    threshold: float
    periods: int  # N
    datapoints: int  # M
    period_s: int
    missing: Missing = Missing.MISSING

    def breaches(self, value: float) -> bool:
        compare, _ = _COMPARED[self.comparison]
        return compare(value, self.threshold)

    @property
    def looks_at(self) -> int:
        """So many periods."""
        return self.periods + RANGE_BEYOND


@dataclass(frozen=True, slots=True)
class Point:
    start: int  # of its period, epoch seconds
    value: float


@dataclass(frozen=True, slots=True)
class Judged:
    state: State
    reason: str
    data: dict[str, Any]  # StateReasonData


def state_of(rule: Rule, values: Sequence[float | None], now: State) -> State:
    """`values`: of the periods that it looks at, the oldest first; None: missing. `now`: its state
    until now."""
    there = [value for value in values if value is not None]
    recent = there[-rule.periods :]
    over = sum(map(rule.breaches, recent))
    lacking = rule.periods - len(recent)
    if lacking and rule.missing is Missing.BREACHING:
        over += lacking
    if over >= rule.datapoints:
        return State.ALARM
    if not lacking or rule.missing in (Missing.BREACHING, Missing.NOT_BREACHING):
        return State.OK
    if any(not rule.breaches(value) for value in recent):
        return State.OK
    if rule.missing is Missing.IGNORE:
        return now
    if not recent:
        return State.INSUFFICIENT_DATA
    oldest = next(at for at, value in enumerate(values) if value is not None)
    return State.ALARM if len(values) - oldest >= rule.datapoints else State.OK


def judged(
    rule: Rule, points: Sequence[Point], end: int, now: State, asked_s: float, statistic: str
) -> Judged:
    """`points`: those of the periods before `end`; `asked_s`: when that was read."""
    by_start = {point.start: point.value for point in points}
    first = end - rule.looks_at * rule.period_s
    values = [by_start.get(start) for start in range(first, end, rule.period_s)]
    state = state_of(rule, values, now)
    recent = sorted(points, key=lambda point: point.start)[-rule.periods :]
    return Judged(state, _reason(rule, recent, state, now), _data(rule, recent, asked_s, statistic))


def _reason(rule: Rule, recent: Sequence[Point], state: State, before: State) -> str:
    lacking = rule.periods - len(recent)
    if state is State.INSUFFICIENT_DATA:
        were = "datapoint was" if lacking == 1 else "datapoints were"
        return f"Insufficient Data: {lacking} {were} unknown."
    is_alarm = state is State.ALARM
    suits = [point for point in recent if rule.breaches(point.value) is is_alarm]
    treated = ""
    if lacking and rule.missing in (Missing.BREACHING, Missing.NOT_BREACHING):
        word = "Breaching" if rule.missing is Missing.BREACHING else "NonBreaching"
        were = "datapoint was" if lacking == 1 else "datapoints were"
        treated = f"{lacking} missing {were} treated as [{word}]"
    if not suits:
        periods = "1 period" if lacking == 1 else f"{lacking} periods"
        told = f" and {treated}" if treated else ""
        return f"Threshold Crossed: no datapoints were received for {periods}{told}."
    shown = ", ".join(f"{point.value} ({_short(point.start)})" for point in reversed(suits))
    were = "was" if len(suits) == 1 else "were"
    _, words = _COMPARED[rule.comparison]
    crossed = f"{were} {words}" if is_alarm else f"{were} not {words}"
    least = rule.datapoints if is_alarm else rule.periods - rule.datapoints + 1
    points = "1 datapoint" if least == 1 else f"{least} datapoints"
    return (
        f"Threshold Crossed: {len(suits)} out of the last {rule.periods} datapoints [{shown}]"
        f" {crossed} the threshold ({rule.threshold})"
        f"{' and ' + treated if treated else ''} (minimum {points} for"
        f" {_other(state, before)} -> {state} transition)."
    )


def _other(state: State, before: State) -> State:
    if before is not state and before is not State.INSUFFICIENT_DATA:
        return before
    return State.OK if state is State.ALARM else State.ALARM


def _data(rule: Rule, recent: Sequence[Point], asked_s: float, statistic: str) -> dict[str, Any]:
    data: dict[str, Any] = {"version": "1.0", "queryDate": moment(asked_s)}
    if recent:
        data["startDate"] = moment(recent[0].start)
    if statistic:
        data["statistic"] = statistic
    data |= {
        "period": rule.period_s,
        "recentDatapoints": [point.value for point in recent],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [
            {"timestamp": moment(point.start), "value": point.value} for point in reversed(recent)
        ],
    }
    return data


def moment(seconds: float) -> str:
    """ "2019-10-02T17:04:40.985+0000"."""
    when = datetime.fromtimestamp(seconds, UTC)
    return f"{when:%Y-%m-%dT%H:%M:%S}.{when.microsecond // 1000:03d}+0000"


def _short(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%d/%m/%y %H:%M:%S}"
