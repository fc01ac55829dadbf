"""CloudWatch's embedded metric format: metrics that are said in a log event. Pure.

    {"_aws": {"Timestamp": 1795305600000, "CloudWatchMetrics": [
        {"Namespace": "shop", "Dimensions": [["tier"], []], "Metrics": [{"Name": "sold"}]}]},
     "tier": "gold", "sold": [2, 3]}

An event that is not as the specification wants it has no metrics, and is a log event like any
other; so is what asks for more than the bounds below.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from stoker.core.metrics import NEWEST_S, OLDEST_S, Dimensions, Name, is_ours
from stoker.core.statistics import LEAST, MOST, Statistic

MARK: Final = b'"CloudWatchMetrics"'  # that no such event lacks
EVENT_BYTES: Final = 1024 * 1024
DIRECTIVES, SETS, DIMENSIONS, METRICS, VALUES = 20, 30, 30, 100, 100
SERIES: Final = 1000  # of one event: metrics times sets of dimensions
NAME_CHARACTERS: Final = 1024
NAMESPACE_CHARACTERS: Final = 255
UNITS: Final = frozenset(
    f"{size}{what}{per}"
    for size in ("", "Kilo", "Mega", "Giga", "Tera")
    for what in ("bytes", "bits")
    for per in ("", "/Second")
    if size
) | {
    "Seconds", "Microseconds", "Milliseconds", "Bytes", "Bits", "Percent", "Count",
    "Bytes/Second", "Bits/Second", "Count/Second", "None",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Embedded:
    """Values of one metric under one set of dimensions."""

    namespace: str
    dimensions: Dimensions
    name: Name
    at_s: float  # epoch
    values: Statistic


class _Invalid(Exception):
    """It is a log event like any other."""


def embedded(message: bytes, now_s: float) -> list[Embedded]:
    """The metrics in a log event; none if it is not what the specification wants."""
    if MARK not in message or len(message) > EVENT_BYTES:
        return []
    try:
        document = orjson.loads(message)
    except orjson.JSONDecodeError:
        return []
    try:
        return list(_found(document, now_s))
    except _Invalid:
        return []


def _found(document: Any, now_s: float) -> Iterator[Embedded]:
    _demand(isinstance(document, dict))
    said = document.get("_aws")
    _demand(isinstance(said, dict))
    at_ms = said.get("Timestamp")
    _demand(isinstance(at_ms, int | float) and not isinstance(at_ms, bool))
    at_s = at_ms / 1000
    _demand(now_s - OLDEST_S <= at_s <= now_s + NEWEST_S)
    series = 0
    for directive in _items(said.get("CloudWatchMetrics"), 1, DIRECTIVES):
        _demand(isinstance(directive, dict))
        namespace = _text(directive.get("Namespace"), NAMESPACE_CHARACTERS)
        _demand(not is_ours(namespace))
        sets = [_dimensions(document, one) for one in _items(directive.get("Dimensions"), 1, SETS)]
        metrics = _items(directive.get("Metrics"), 0, METRICS)
        series += len(sets) * len(metrics)
        _demand(series <= SERIES)
        for metric in metrics:
            name, values = _metric(document, metric)
            if values is not None:
                for dimensions in sets:
                    yield Embedded(namespace, dimensions, name, at_s, values)


def _dimensions(document: dict[str, Any], names: object) -> Dimensions:
    found = {}
    for name in _items(names, 0, DIMENSIONS):
        found[_text(name, NAME_CHARACTERS)] = _text(document.get(str(name)), NAME_CHARACTERS)
    return tuple(sorted(found.items()))


def _metric(document: dict[str, Any], metric: object) -> tuple[Name, Statistic | None]:
    """None: the event says no value of it."""
    _demand(isinstance(metric, dict))
    assert isinstance(metric, dict)
    name, unit = _text(metric.get("Name"), NAME_CHARACTERS), metric.get("Unit", "None")
    _demand(isinstance(unit, str) and unit in UNITS)
    _demand(metric.get("StorageResolution", 60) in (1, 60))
    said = document.get(name)
    if said is None:
        return Name(name, unit), None
    values = _items(said, 0, VALUES) if isinstance(said, list) else [said]
    found = Statistic()
    for value in values:
        _demand(isinstance(value, int | float) and not isinstance(value, bool))
        number = float(value)
        _demand(math.isfinite(number) and (number == 0 or LEAST <= abs(number) <= MOST))
        found.add(number)
    return Name(name, unit), found if values else None


def _items(value: object, least: int, most: int) -> list[Any]:
    _demand(isinstance(value, list))
    assert isinstance(value, list)
    _demand(least <= len(value) <= most)
    return value


def _text(value: object, most: int) -> str:
    _demand(isinstance(value, str))
    assert isinstance(value, str)
    _demand(0 < len(value) <= most)
    return value


def _demand(met: bool) -> None:
    if not met:
        raise _Invalid
