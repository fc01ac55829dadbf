"""Metric filters of log groups: which log events have a value for a metric, and which. Pure.

    pattern  { $.took = * }     value  $.took     dimensions  {"path": "$.path"}
    pattern  [ip, user, ..., size]     value  $size     pattern  ERROR     value  1

An event that lacks what the value or a dimension is taken from has no value. The default is what a
minute is worth in which events came and none of them matched.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntaxForMetricFilters.html
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import orjson

from stoker.core.errors import InvalidParameterException
from stoker.core.log_conditions import number_of
from stoker.core.log_patterns import (
    ColumnsPattern,
    FilterPattern,
    JsonPattern,
    Selector,
    parse,
    read_selector,
)
from stoker.core.metrics import Dimensions, is_ours
from stoker.core.statistics import LEAST, MOST

MOST_FILTERS: Final = 100  # of a log group (AWS)
MOST_REGEXES: Final = 5  # of a log group's filters (AWS)
MOST_DIMENSIONS: Final = 3  # AWS
VALUE_CHARACTERS: Final = 1024  # of a dimension
_COLUMN = re.compile(r"\$[A-Za-z0-9_-]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Transformation:
    """What becomes of an event that matches."""

    name: str
    namespace: str
    value: str
    default: float | None = None
    dimensions: Mapping[str, str] = field(default_factory=dict)
    unit: str = "None"


@dataclass(frozen=True, slots=True)
class Filter:
    """A pattern and its transformation, ready to be held against events."""

    pattern: FilterPattern
    transformation: Transformation
    value: float | str | Selector
    dimensions: tuple[tuple[str, str | Selector], ...]

    def measured(self, message: str) -> tuple[float, Dimensions] | None:
        """None: it does not match, or has no value."""
        if not self.pattern.matches(message):
            return None
        if isinstance(self.value, float) and not self.dimensions:
            return self.value, ()
        taken = _Taken(self.pattern, message)
        value = self.value if isinstance(self.value, float) else _number(taken.of(self.value))
        if value is None:
            return None
        dimensions = []
        for name, place in self.dimensions:
            text = _text(taken.of(place))
            if text is None:
                return None
            dimensions.append((name, text))
        return value, tuple(dimensions)


def made(pattern: str, transformation: Transformation) -> Filter:
    """Raise InvalidParameterException for what cannot be one."""
    parsed = parse(pattern)
    if is_ours(transformation.namespace):
        raise _invalid(f"the namespace {transformation.namespace} is reserved")
    if not transformation.name or not transformation.namespace:
        raise _invalid("a metric has a name and a namespace")
    if transformation.dimensions and transformation.default is not None:
        raise _invalid("dimensions and default value are mutually exclusive.")
    if len(transformation.dimensions) > MOST_DIMENSIONS:
        raise _invalid(f"at most {MOST_DIMENSIONS} dimensions are allowed")
    if transformation.default is not None and not _is_value(transformation.default):
        raise _invalid(f"{transformation.default} is no value of a metric")
    number = number_of(transformation.value)
    if number is not None and not _is_value(number):
        raise _invalid(f"{transformation.value} is no value of a metric")
    return Filter(
        parsed,
        transformation,
        float(number) if number is not None else _place(parsed, transformation.value),
        tuple(
            (name, _place(parsed, text)) for name, text in sorted(transformation.dimensions.items())
        ),
    )


def regexes(pattern: str) -> int:
    """How many expressions it has, as far as quotas go."""
    return len(re.findall(r"%[^%]*%", pattern))


def extracted(pattern: FilterPattern, message: str) -> dict[str, str]:
    """What TestMetricFilter shows of an event that matches: the columns, or what the conditions
    are about."""
    if isinstance(pattern, ColumnsPattern):
        return {f"${name}": word for name, word in pattern.named(message)}
    if isinstance(pattern, JsonPattern):
        taken = _Taken(pattern, message)
        found = {str(one): _text(taken.of(one)) for one in pattern.selectors()}
        return {name: text for name, text in found.items() if text is not None}
    return {}


class _Taken:
    """What is said in one event."""

    def __init__(self, pattern: FilterPattern, message: str) -> None:
        self._document = orjson.loads(message) if isinstance(pattern, JsonPattern) else None
        self._columns = dict(pattern.named(message)) if isinstance(pattern, ColumnsPattern) else {}

    def of(self, place: str | Selector) -> object:
        if isinstance(place, str):
            return self._columns.get(place)
        found = place.select(self._document)
        return found[0] if found else None


def _place(pattern: FilterPattern, text: str) -> str | Selector:
    """Where a value is: in a column of that name, or behind a selector."""
    if isinstance(pattern, JsonPattern) and text.startswith("$"):
        return read_selector(text)
    if isinstance(pattern, ColumnsPattern) and _COLUMN.fullmatch(text):
        name = text.removeprefix("$")
        if name.isdigit() or name in pattern.names():
            return name
    raise _invalid(f"the pattern has no {text}")


def _number(value: object) -> float | None:
    if isinstance(value, str):
        value = number_of(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if _is_value(value) else None


def _is_value(number: float) -> bool:
    """PutMetricData's range."""
    return math.isfinite(number) and (number == 0 or LEAST <= abs(number) <= MOST)


def _text(value: object) -> str | None:
    if isinstance(value, bool):
        value = str(value).lower()
    if isinstance(value, int | float):
        value = str(value)
    if not isinstance(value, str) or not 0 < len(value) <= VALUE_CHARACTERS:
        return None
    return value


def _invalid(why: str) -> InvalidParameterException:
    return InvalidParameterException(f"Invalid metric transformation: {why}")
