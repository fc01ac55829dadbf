"""What a query of Logs Insights is to do: commands as data. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from stoker.core.log_insights.records import Record
from stoker.core.log_insights.values import Value

Expression = Callable[[Record], Value]
Find = Callable[[str], tuple[str | None, ...] | None]  # what the groups match; None: nothing does


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    value: Expression
    is_time: bool  # shown as a moment


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A function over many events; its result is a field of this name."""

    name: str
    kind: str
    value: Expression | None  # None: events are counted
    percent: float = 0.0


@dataclass(frozen=True, slots=True)
class Fields:
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Display:
    columns: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Filter:
    test: Expression


@dataclass(frozen=True, slots=True)
class Parse:
    source: Expression
    names: tuple[str, ...]
    find: Find


@dataclass(frozen=True, slots=True)
class Stats:
    columns: tuple[Column, ...]
    aggregates: tuple[Aggregate, ...]
    groups: tuple[Column, ...]


@dataclass(frozen=True, slots=True)
class Sort:
    orders: tuple[tuple[Expression, bool], ...]  # True: the greatest first


@dataclass(frozen=True, slots=True)
class Limit:
    rows: int


@dataclass(frozen=True, slots=True)
class Dedup:
    values: tuple[Expression, ...]


Command = Fields | Display | Filter | Parse | Stats | Sort | Limit | Dedup
