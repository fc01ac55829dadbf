"""What may be asked of metrics, and which spans of time the answer has. Pure."""

import math
import re
from typing import Final

from stoker.core.metric_errors import InvalidParameterValueException
from stoker.core.metrics import MINUTE_S, Dimensions
from stoker.core.statistics import SIMPLE, Statistic, percent_of

LATEST_S: Final = 3600  # how exactly it is known when a metric had its latest value
FINE: Final = (1, 5, 10, 20, 30)  # AWS's periods below a minute; here they are one
_ID: Final = re.compile(r"[a-z][a-zA-Z0-9_]*")


def check_id(text: str) -> None:
    if _ID.fullmatch(text) is None:
        raise InvalidParameterValueException(
            f"The value {text} for parameter Id is invalid: it must begin with a lowercase letter,"
            " and have letters, digits and underscores only."
        )


def check_stat(name: str) -> None:
    if name not in SIMPLE and percent_of(name) is None:
        raise InvalidParameterValueException(f"The value {name} for parameter Stat is invalid.")


def check_period(period_s: int) -> int:
    """The period that is meant: nothing here is finer than a minute."""
    if period_s in FINE:
        return MINUTE_S
    if period_s % MINUTE_S or period_s <= 0:
        raise InvalidParameterValueException(
            "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."
        )
    return period_s


def spans(start: float, end: float, period_s: int) -> tuple[int, int]:
    """When the first span begins, and how many there are."""
    first = math.floor(start / period_s) * period_s if period_s <= 3600 else _minute(start)
    return first, max(1, math.ceil((end - first) / period_s))


def value(name: str, one: Statistic) -> float | None:
    """None: there is none."""
    if name in SIMPLE:
        return SIMPLE[name](one)
    percent = percent_of(name)
    assert percent is not None, "check_stat() saw it"
    return one.percentile(percent)


def passes(dimensions: Dimensions, filters: tuple[tuple[str, str | None], ...]) -> bool:
    """Does it have all of these, whatever it has besides?"""
    found = dict(dimensions)
    return all(
        name in found and (wanted is None or found[name] == wanted) for name, wanted in filters
    )


def _minute(moment: float) -> int:
    return math.floor(moment / MINUTE_S) * MINUTE_S
