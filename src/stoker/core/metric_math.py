"""Expressions of GetMetricData: numbers and lines of values, and what is made of them. Pure.

An expression is worked out while it is read. A value is missing where one of two operands has
none, or where there is no result (a division by zero).

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from typing import Final, NoReturn

from stoker.core.errors import NotImplementedException
from stoker.core.metric_errors import InvalidByModel

DEEPEST = 20  # brackets in brackets
MOST_STEPS = 1_000_000  # values that one request may have worked out

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z]\w*)"
    r'|(?P<text>"[^"]*"|\'[^\']*\')|(?P<sign>&&|\|\||[=!<>]=|[-+*/^<>()\[\],]))',
    re.ASCII,
)
_ARGUMENTS: Final = {
    "ABS": (1, 1), "AVG": (1, 1), "CEIL": (1, 1), "DATAPOINT_COUNT": (1, 1), "DIFF": (1, 1),
    "FILL": (2, 2), "FLOOR": (1, 1), "IF": (2, 3), "MAX": (1, 1), "METRICS": (0, 1),
    "METRIC_COUNT": (1, 1), "MIN": (1, 1), "PERIOD": (1, 1), "RATE": (1, 1), "SUM": (1, 1),
}  # fmt: skip
_UNBUILT: Final = {
    "ANOMALY_DETECTION_BAND", "DATE", "DAY", "DB_PERF_INSIGHTS", "EPOCH", "EXP", "FIRST", "HOUR",
    "INSIGHT_RULE_METRIC", "LAMBDA", "LAST", "LOG", "LOG10", "MINUTE", "MONTH", "REMOVE_EMPTY",
    "RUNNING_SUM", "SEARCH", "SELECT", "SERVICE_QUOTA", "SLICE", "SORT", "STDDEV", "TIME_SERIES",
    "YEAR",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Line:
    """Values over time."""

    label: str
    period_s: int
    points: Mapping[int, float]  # by the start of their period
    start: int
    end: int


Lines = tuple[Line, ...]
Value = float | Line | Lines | str  # str: an argument in quotes, or FILL's way
Binary = Callable[[float, float], float]
Token = tuple[str, str]

_LEVELS: Final[Sequence[Mapping[str, Binary]]] = (
    {"||": lambda a, b: float(bool(a or b)), "OR": lambda a, b: float(bool(a or b))},
    {"&&": lambda a, b: float(bool(a and b)), "AND": lambda a, b: float(bool(a and b))},
    {"==": operator.eq, "!=": operator.ne, "<=": operator.le, ">=": operator.ge,
     "<": operator.lt, ">": operator.gt},
    {"+": operator.add, "-": operator.sub},
    {"*": operator.mul, "/": operator.truediv},
)  # fmt: skip
_POOLED: Final[Mapping[str, Callable[[list[float]], float]]] = {
    "SUM": sum,
    "AVG": lambda many: sum(many) / len(many),
    "MIN": min,
    "MAX": max,
}
_EACH: Final[Mapping[str, Callable[[float], float]]] = {
    "ABS": abs,
    "CEIL": math.ceil,
    "FLOOR": math.floor,
}


@dataclass(slots=True)
class Steps:
    """How much one request may still have worked out."""

    left: int = MOST_STEPS


def named(expression: str) -> list[str]:
    """The queries that it speaks of. AWS: ids begin with a small letter, functions do not."""
    return [text for kind, text in _tokens("", expression) if kind == "name" and text[0].islower()]


def wants_metrics(expression: str) -> bool:
    return ("name", "METRICS") in _tokens("", expression)


def worked_out(
    id_: str, expression: str, known: Mapping[str, Value], metrics: Mapping[str, Line], steps: Steps
) -> Line | Lines:
    """`known`: the queries it speaks of; `metrics`: those that are no expressions. Raise
    InvalidByModel (ValidationError)."""
    reading = _Reading(id_, _tokens(id_, expression), known, metrics, steps)
    found = reading.level(0)
    if reading.at < len(reading.tokens):
        reading.refuse(f"Unexpected input {reading.tokens[reading.at][1]}")
    if isinstance(found, float | str):
        reading.refuse("The expression must return a time series or an array of time series")
    return found


def _tokens(id_: str, text: str) -> list[Token]:
    found: list[Token] = []
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            _refuse(id_, f"Unexpected input {text[at:][:20]}")
        assert match.lastgroup is not None
        found.append((match.lastgroup, match[match.lastgroup]))
        at = match.end()
    return found


def _refuse(id_: str, why: str) -> NoReturn:
    raise InvalidByModel(f"Error in expression '{id_}': {why}")


@dataclass(slots=True)
class _Reading:
    id: str
    tokens: list[Token]
    known: Mapping[str, Value]
    metrics: Mapping[str, Line]
    steps: Steps
    at: int = 0
    depth: int = 0

    def refuse(self, why: str) -> NoReturn:
        _refuse(self.id, why)

    def next_is(self, *texts: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at][1] in texts

    def take(self) -> Token:
        if self.at >= len(self.tokens):
            self.refuse("Unexpected end of the expression")
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, text: str) -> None:
        if not self.next_is(text):
            self.refuse(f"Expected {text}")
        self.at += 1

    def level(self, number: int) -> Value:
        if number == len(_LEVELS):
            return self.signed()
        found = self.level(number + 1)
        while self.next_is(*_LEVELS[number]):
            sign = self.take()[1]
            found = self.both(sign, _LEVELS[number][sign], found, self.level(number + 1))
        return found

    def signed(self) -> Value:
        minus = False
        while self.next_is("-"):
            self.at += 1
            minus = not minus
        powers = [self.single()]
        while self.next_is("^"):
            self.at += 1
            powers.append(self.single())
        found = powers.pop()
        while powers:
            found = self.both("^", _power, powers.pop(), found)
        return self.both("-", operator.sub, 0.0, found) if minus else found

    def single(self) -> Value:
        kind, text = self.take()
        if kind == "number":
            if not math.isfinite(float(text)):
                self.refuse(f"Unexpected input {text}")
            return float(text)
        if kind == "text":
            return text[1:-1]
        if kind == "name":
            return self.word(text)
        if text == "(":
            (found,) = self.inside(")", 1, 1)
            return found
        if text == "[":
            many = self.inside("]", 1, 500)
            return tuple(line for one in many for line in self.lines("[]", one))
        return self.refuse(f"Unexpected input {text}")

    def word(self, text: str) -> Value:
        if text in _UNBUILT:
            raise NotImplementedException(f"Stoker has not built {text} of expressions yet.")
        if self.next_is("("):
            return self.call(text)
        if text in ("LINEAR", "REPEAT"):
            return text
        if text not in self.known:
            self.refuse(f"Undefined identifier {text}")
        return self.known[text]

    def inside(self, closing: str, least: int, most: int) -> list[Value]:
        self.depth += 1
        if self.depth > DEEPEST:
            self.refuse(f"More than {DEEPEST} brackets within each other")
        found: list[Value] = []
        while not self.next_is(closing):
            if found:
                self.expect(",")
            found.append(self.level(0))
        self.expect(closing)
        self.depth -= 1
        if not least <= len(found) <= most:
            self.refuse("Wrong number of arguments")
        return found

    def call(self, name: str) -> Value:
        if name not in _ARGUMENTS:
            self.refuse(f"Unknown function {name}")
        self.expect("(")
        given = self.inside(")", *_ARGUMENTS[name])
        if name == "METRICS":
            part = given[0] if given else ""
            if not isinstance(part, str):
                self.refuse("Unsupported operand type(s) for METRICS")
            return tuple(line for id_, line in self.metrics.items() if part in id_)
        if name == "IF":
            return self.choose(given)
        one = given[0]
        if name in _EACH:
            return self.each(name, one, partial(self.mapped, _EACH[name]))
        if name in _POOLED:
            return self.pooled(name, one)
        if name == "METRIC_COUNT":
            return float(len(self.lines(name, one)))
        if name in ("PERIOD", "DATAPOINT_COUNT"):
            if not isinstance(one, Line):
                self.refuse(f"Unsupported operand type(s) for {name}")
            return float(one.period_s if name == "PERIOD" else len(one.points))
        if name == "FILL":
            return self.each(name, one, partial(self.filled, given[1]))
        return self.each(name, one, partial(self.changes, name == "RATE"))

    # --- of lines -------------------------------------------------------------------------------

    def spend(self, values: int) -> None:
        self.steps.left -= values
        if self.steps.left < 0:
            self.refuse(f"More than {MOST_STEPS:,} values to work out")

    def lines(self, name: str, value: Value) -> Lines:
        if isinstance(value, float | str):
            self.refuse(f"Unsupported operand type(s) for {name}")
        return (value,) if isinstance(value, Line) else value

    def each(self, name: str, value: Value, change: Callable[[Line], Line]) -> Value:
        if isinstance(value, float) and name in _EACH:
            return float(_EACH[name](value))
        found = self.lines(name, value)
        return change(found[0]) if isinstance(value, Line) else tuple(map(change, found))

    def mapped(self, function: Callable[[float], float], line: Line) -> Line:
        self.spend(len(line.points))
        return _of(line, {at: float(function(one)) for at, one in line.points.items()})

    def pooled(self, name: str, value: Value) -> Value:
        function, found = _POOLED[name], self.lines(name, value)
        self.spend(sum(len(line.points) for line in found))
        if isinstance(value, Line):
            pooled = float(function(list(value.points.values()))) if value.points else 0.0
            if not math.isfinite(pooled):
                self.refuse(f"There is no result of {name}")
            return pooled
        if not found:
            return ()
        by_time: dict[int, list[float]] = {}
        for line in found:
            self.same_period(found[0], line)
            for at, one in line.points.items():
                by_time.setdefault(at, []).append(one)
        points = {at: float(function(many)) for at, many in by_time.items()}
        return _of(replace(found[0], label=self.id), points)

    def changes(self, per_second: bool, line: Line) -> Line:
        self.spend(len(line.points))
        times = sorted(line.points)
        points = {}
        for before, at in pairwise(times):
            change = line.points[at] - line.points[before]
            points[at] = change / (at - before) if per_second else change
        return _of(line, points)

    def filled(self, way: Value, line: Line) -> Line:
        times = range(line.start, line.end, line.period_s)
        self.spend(len(times))
        points = dict(line.points)
        if isinstance(way, float):
            points = {at: line.points.get(at, way) for at in times}
        elif isinstance(way, Line):
            self.same_period(line, way)
            points = {**way.points, **line.points}
        elif way in ("LINEAR", "REPEAT"):
            known = sorted(line.points)
            for before, after in pairwise(known):
                step = (line.points[after] - line.points[before]) / (after - before)
                for at in range(before + line.period_s, after, line.period_s):
                    slope = step * (at - before) if way == "LINEAR" else 0.0
                    points[at] = line.points[before] + slope
            if way == "REPEAT" and known:
                points.update({at: line.points[known[-1]] for at in times if at > known[-1]})
        else:
            self.refuse("Unsupported operand type(s) for FILL")
        return _of(line, points)

    def choose(self, given: list[Value]) -> Value:
        condition, values = given[0], given[1:]
        if isinstance(condition, float) and len(values) == 2:
            return values[0] if condition else values[1]
        if not isinstance(condition, Line):
            self.refuse("Unsupported operand type(s) for IF")
        points: dict[int, float] = {}
        self.spend(len(condition.points))
        for at, one in condition.points.items():
            value = values[0] if one else values[1] if len(values) == 2 else None
            found = self.at_time(condition, value, at)
            if found is not None:
                points[at] = found
        return _of(replace(condition, label=self.id), points)

    def at_time(self, condition: Line, value: Value | None, at: int) -> float | None:
        if value is None or isinstance(value, float):
            return value
        if not isinstance(value, Line):
            self.refuse("Unsupported operand type(s) for IF")
        self.same_period(condition, value)
        return value.points.get(at)

    def both(self, sign: str, function: Binary, one: Value, other: Value) -> Value:
        if isinstance(one, str) or isinstance(other, str):
            self.refuse(f"Unsupported operand type(s) for {sign}")
        if isinstance(one, tuple):
            if isinstance(other, tuple):
                self.refuse(f"Unsupported operand type(s) for {sign}")
            return tuple(self.two(function, each, other) for each in one)
        if isinstance(other, tuple):
            return tuple(self.two(function, one, each) for each in other)
        if isinstance(one, float) and isinstance(other, float):
            found = _result(function, one, other)
            if found is None:
                self.refuse(f"There is no result of {one:g} {sign} {other:g}")
            return found
        return self.two(function, one, other)

    def two(self, function: Binary, one: float | Line, other: float | Line) -> Line:
        of = one if isinstance(one, Line) else other
        assert isinstance(of, Line), "both() sees to two numbers"
        self.spend(len(of.points))
        points: dict[int, float] = {}
        if isinstance(one, Line) and isinstance(other, Line):
            self.same_period(one, other)
        for at in of.points:
            left = one.points.get(at) if isinstance(one, Line) else one
            right = other.points.get(at) if isinstance(other, Line) else other
            if left is not None and right is not None:
                found = _result(function, left, right)
                if found is not None:
                    points[at] = found
        return _of(of, points)

    def same_period(self, one: Line, other: Line) -> None:
        if one.period_s != other.period_s:
            raise NotImplementedException(
                f"Stoker has not built expressions of different periods yet: '{self.id}'."
            )


def _of(line: Line, points: Mapping[int, float]) -> Line:
    """Such a line, with these values: as far as they are numbers."""
    known = {at: one for at, one in points.items() if math.isfinite(one)}
    return replace(line, points=known)


def _power(one: float, other: float) -> float:
    return math.pow(one, other)


def _result(function: Binary, one: float, other: float) -> float | None:
    try:
        found = float(function(one, other))
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    return found if math.isfinite(found) else None
