"""Values of Logs Insights, and what its functions make of them. Pure.

A field that an event has not is None, and so is what cannot be computed. Numbers in texts count as
numbers wherever a number is wanted.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-operations-functions.html
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final

Value = str | float | bool | None
TEXT: Final = 256 * 1024  # characters that a function may make

UNITS_MS: Final[Mapping[str, int]] = {
    "ms": 1, "msec": 1, "millisecond": 1, "milliseconds": 1,
    "s": 1000, "sec": 1000, "second": 1000, "seconds": 1000,
    "m": 60_000, "min": 60_000, "minute": 60_000, "minutes": 60_000,
    "h": 3_600_000, "hr": 3_600_000, "hour": 3_600_000, "hours": 3_600_000,
    "d": 86_400_000, "day": 86_400_000, "days": 86_400_000,
    "w": 604_800_000, "week": 604_800_000, "weeks": 604_800_000,
}  # fmt: skip
_NUMBER: Final = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


def number(value: Value) -> float | None:
    if isinstance(value, float):
        return value
    if isinstance(value, str) and len(value) < 400 and _NUMBER.fullmatch(value):
        found = float(value)
        return found if math.isfinite(found) else None
    return None


def text(value: Value) -> str:
    """As a result shows it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    return value


def moment(epoch_ms: float) -> str:
    """ "2026-11-22 16:00:00.000", as times are shown."""
    try:
        at = datetime.fromtimestamp(epoch_ms / 1000, UTC)
    except (OverflowError, ValueError, OSError):
        return text(epoch_ms)
    return f"{at:%Y-%m-%d %H:%M:%S}.{int(epoch_ms % 1000):03d}"


def truth(value: Value) -> bool:
    return bool(value)


def equal(left: Value, right: Value) -> bool:
    a, b = number(left), number(right)
    if a is not None and b is not None:
        return a == b
    if left is None or right is None:
        return left is right
    return text(left) == text(right)


def ordered(test: Callable[[float, float], bool]) -> Callable[[Value, Value], bool]:
    """Numbers by size, texts by the alphabet; what is not there is neither."""

    def holds(left: Value, right: Value) -> bool:
        a, b = number(left), number(right)
        if a is not None and b is not None:
            return test(a, b)
        if not isinstance(left, str) or not isinstance(right, str):
            return False
        return test(float((left > right) - (left < right)), 0.0)

    return holds


def arithmetic(do: Callable[[float, float], float]) -> Callable[[Value, Value], Value]:
    def done(left: Value, right: Value) -> Value:
        a, b = number(left), number(right)
        if a is None or b is None:
            return None
        return _finite(lambda: do(a, b))

    return done


def sort_key(value: Value) -> tuple[int, float, str]:
    """What is not there comes first, then numbers, then texts."""
    if value is None:
        return 0, 0.0, ""
    found = number(value)
    return (1, found, "") if found is not None else (2, 0.0, text(value))


# --- functions ----------------------------------------------------------------------------------

Function = Callable[[list[Value]], Value]


def _numeric(do: Callable[[float], float]) -> Function:
    def done(given: list[Value]) -> Value:
        found = number(given[0])
        return None if found is None else _finite(lambda: do(found))

    return done


def _textual(do: Callable[[str], Value]) -> Function:
    return lambda given: None if given[0] is None else do(text(given[0]))


def _extreme(pick: Callable[[list[float]], float]) -> Function:
    def done(given: list[Value]) -> Value:
        found = [one for one in map(number, given) if one is not None]
        return pick(found) if found else None

    return done


def _substr(given: list[Value]) -> Value:
    start = number(given[1])
    length = number(given[2]) if len(given) > 2 else float(TEXT)
    if given[0] is None or start is None or length is None:
        return None
    first = max(int(start), 0)
    return text(given[0])[first : first + max(int(length), 0)]


def _replace(given: list[Value]) -> Value:
    old, new, whole = text(given[1]), text(given[2]), text(given[0])
    if not old or len(whole) + whole.count(old) * len(new) > TEXT:
        return whole
    return whole.replace(old, new)


def _finite(do: Callable[[], float]) -> Value:
    try:
        found = do()
    except (ArithmeticError, ValueError):
        return None
    return float(found) if isinstance(found, int | float) and math.isfinite(found) else None


FUNCTIONS: Final[Mapping[str, tuple[int, int, Function]]] = {  # least and most arguments
    "abs": (1, 1, _numeric(abs)),
    "ceil": (1, 1, _numeric(math.ceil)),
    "floor": (1, 1, _numeric(math.floor)),
    "log": (1, 1, _numeric(math.log)),
    "sqrt": (1, 1, _numeric(math.sqrt)),
    "greatest": (1, 20, _extreme(max)),
    "least": (1, 20, _extreme(min)),
    "tomillis": (1, 1, lambda given: number(given[0])),
    "frommillis": (1, 1, _numeric(float)),
    "strlen": (1, 1, _textual(lambda one: float(len(one)))),
    "tolower": (1, 1, _textual(str.lower)),
    "lower": (1, 1, _textual(str.lower)),
    "toupper": (1, 1, _textual(str.upper)),
    "upper": (1, 1, _textual(str.upper)),
    "trim": (1, 1, _textual(str.strip)),
    "ltrim": (1, 1, _textual(str.lstrip)),
    "rtrim": (1, 1, _textual(str.rstrip)),
    "concat": (1, 20, lambda given: "".join(map(text, given))[:TEXT]),
    "substr": (2, 3, _substr),
    "replace": (3, 3, _replace),
    "strcontains": (2, 2, lambda given: float(text(given[1]) in text(given[0]))),
    "isempty": (1, 1, lambda given: given[0] is None or given[0] == ""),
    "isblank": (1, 1, lambda given: not text(given[0]).strip()),
    "ispresent": (1, 1, lambda given: given[0] is not None),
    "coalesce": (1, 20, lambda given: next((one for one in given if one is not None), None)),
}
