"""Carries out a query of Logs Insights over events, the latest first. Pure.

    take(record)… ──► filter, parse, fields ──► rows, or groups of a stats ──► results()
                                                  └── sort, limit, dedup, stats again: at the end

What is kept is bounded: rows by `limit` (of a sort, twice that), groups by GROUPS, and bytes of all
by BYTES; a query that needs more ends with TooMuch.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from stoker.core.log_insights import values
from stoker.core.log_insights.plan import (
    Aggregate,
    Column,
    Command,
    Dedup,
    Display,
    Fields,
    Filter,
    Limit,
    Parse,
    Sort,
    Stats,
)
from stoker.core.log_insights.records import TIMES, Record
from stoker.core.log_insights.values import Value
from stoker.core.statistics import LEAST, MOST, Statistic

GROUPS: Final = 10_000
DISTINCT: Final = 10_000  # values of one count_distinct; beyond, no more are counted
BYTES: Final = 64 * 1024 * 1024
_ROW_BYTES: Final = 500
_GROUP_BYTES: Final = 2000
_DEFAULT: Final = ("@timestamp", "@message")
Row = list[tuple[str, str]]


class TooMuch(Exception):
    """It keeps more than may be kept."""


class Pipeline:
    """Of one query; `limit` is the caller's."""

    def __init__(self, commands: list[Command], limit: int) -> None:
        self._limit = limit
        cut = next(
            (
                at
                for at, one in enumerate(commands)
                if isinstance(one, Stats | Sort | Limit | Dedup)
            ),
            len(commands),
        )
        self._each, self._rest = commands[:cut], commands[cut:]
        self._columns: dict[str, Column] = {}
        self._is_chosen = False  # by display: nothing is added any more
        for command in self._each:
            self._choose(command)
        self._records: list[Record] = []
        self._size = 0
        self._groups = _Groups(self._rest[0]) if self._rest_is(Stats) else None
        self._keep = self._kept_rows()
        self.matched = 0

    def take(self, record: Record) -> bool:
        """False: it has all it needs, if no older ones are better."""
        for command in self._each:
            if isinstance(command, Filter):
                if not values.truth(command.test(record)):
                    return True
            else:
                _make(command, record)
        self.matched += 1
        if self._groups is not None:
            self._groups.add(record)
            self._check(self._groups.size_bytes)
            return True
        self._records.append(record)
        self._size += _ROW_BYTES + len(values.text(record.values.get("@message")))
        self._check(self._size)
        if not self._rest_is(Sort):
            return len(self._records) < self._keep
        if len(self._records) >= 2 * self._keep:
            self._records = _sorted(self._rest[0], self._records)[: self._keep]
            self._size = sum(
                _ROW_BYTES + len(values.text(one.values.get("@message"))) for one in self._records
            )
        return True

    def results(self) -> list[Row]:
        records = self._records if self._groups is None else list(self._groups.records())
        rest = self._rest
        if self._groups is not None:
            self._choose(rest[0])
            rest = rest[1:]
        for command in rest:
            records = self._done(command, records)
        return [self._shown(record) for record in records[: self._limit]]

    def _done(self, command: Command, records: list[Record]) -> list[Record]:
        match command:
            case Filter():
                return [one for one in records if values.truth(command.test(one))]
            case Sort():
                return _sorted(command, records)
            case Limit():
                return records[: command.rows]
            case Dedup():
                return list(_once(command, records))
            case Stats():
                groups = _Groups(command)
                for record in records:
                    groups.add(record)
                self._choose(command)
                return list(groups.records())
            case _:
                self._choose(command)
                for record in records:
                    _make(command, record)
                return records

    def _choose(self, command: Command) -> None:
        """Which columns are shown from here on."""
        match command:
            case Display():
                self._columns = {column.name: column for column in command.columns}
                self._is_chosen = True
            case Stats():
                both = (*command.groups, *command.columns)
                self._columns = {column.name: column for column in both}
                self._is_chosen = False
            case Fields() if not self._is_chosen:
                self._columns |= {column.name: column for column in command.columns}
            case Parse() if not self._is_chosen:
                for name in command.names:
                    column = Column(name, partial(_field, name), is_time=False)
                    self._columns.setdefault(name, column)

    def _shown(self, record: Record) -> Row:
        columns = list(self._columns.values())
        pointer = record.values.get("@ptr")
        if pointer is not None and (not columns or not self._has_fields()):
            shown = [Column(one, partial(_field, one), one in TIMES) for one in _DEFAULT]
            columns = shown + columns
        row = []
        for column in columns:
            value = record.get(column.name)
            if value is not None:
                row.append((column.name, _said(column, value)))
        if pointer is not None:
            row.append(("@ptr", values.text(pointer)))
        return row

    def _has_fields(self) -> bool:
        return self._is_chosen or any(isinstance(one, Fields) for one in (*self._each, *self._rest))

    def _rest_is(self, kind: type) -> bool:
        return bool(self._rest) and isinstance(self._rest[0], kind)

    def _kept_rows(self) -> int:
        """How many rows can be needed: a limit that comes next is enough."""
        rest = self._rest[1:] if self._rest_is(Sort) else self._rest
        if rest and isinstance(rest[0], Limit):
            return rest[0].rows
        return self._limit if not rest else 10_000

    def _check(self, size: int) -> None:
        if size > BYTES:
            raise TooMuch


def _field(name: str, record: Record) -> Value:
    return record.get(name)


def _make(command: Command, record: Record) -> None:
    """The fields that it makes."""
    match command:
        case Fields() | Display():
            for column in command.columns:
                value = column.value(record)
                if value is not None:
                    record.values[column.name] = value
        case Parse():
            found = command.find(values.text(command.source(record)))
            if found is not None:
                for name, said in zip(command.names, found, strict=False):
                    if said is not None:
                        record.values[name] = said


def _said(column: Column, value: Value) -> str:
    at = values.number(value)
    return values.moment(at) if column.is_time and at is not None else values.text(value)


def _sorted(command: Command, records: list[Record]) -> list[Record]:
    assert isinstance(command, Sort)
    for value, falling in reversed(command.orders):
        key: Callable[[Record], tuple[int, float, str]] = partial(_key, value)
        records = sorted(records, key=key, reverse=falling)
    return records


def _key(value: Callable[[Record], Value], record: Record) -> tuple[int, float, str]:
    return values.sort_key(value(record))


def _once(command: Dedup, records: list[Record]) -> Iterator[Record]:
    seen: set[tuple[str, ...]] = set()
    for record in records:
        found = [value(record) for value in command.values]
        key = tuple(map(values.text, found))
        if any(one is None for one in found) or key not in seen:
            seen.add(key)
            yield record


# --- stats --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Tally:
    """Of one function in one group."""

    count: int = 0
    squares: float = 0.0
    statistic: Statistic = field(default_factory=Statistic)
    distinct: set[str] = field(default_factory=set)
    first: Value = None  # by what the function wants: least, most, earliest, latest
    at: float = 0.0

    def add(self, kind: str, value: Value, moment: Value) -> None:
        if value is None:
            return
        self.count += 1
        match kind:
            case "count":
                pass
            case "count_distinct":
                if len(self.distinct) < DISTINCT:
                    self.distinct.add(values.text(value)[:1000])
            case "min" | "max":
                better = values.sort_key(value) > values.sort_key(self.first)
                if self.count == 1 or better is (kind == "max"):
                    self.first = value
            case "earliest" | "latest":
                at = values.number(moment) or 0.0
                if self.count == 1 or (at < self.at if kind == "earliest" else at > self.at):
                    self.first, self.at = value, at
            case _:
                self._measure(value)

    def _measure(self, value: Value) -> None:
        found = values.number(value)
        if found is None:
            self.count -= 1
        elif found == 0 or LEAST <= abs(found) <= MOST:
            self.statistic.add(found)
            self.squares += found * found

    def result(self, aggregate: Aggregate) -> Value:
        one = self.statistic
        match aggregate.kind:
            case "count":
                return float(self.count)
            case "count_distinct":
                return float(len(self.distinct))
            case "min" | "max" | "earliest" | "latest":
                return self.first
            case "sum":
                return one.total
        if not one.count:
            return None
        mean = one.total / one.count
        match aggregate.kind:
            case "avg":
                return mean
            case "pct":
                return one.percentile(aggregate.percent)
        return math.sqrt(max(self.squares / one.count - mean * mean, 0.0))


class _Groups:
    def __init__(self, command: Command) -> None:
        assert isinstance(command, Stats)
        self._command = command
        self._found: dict[tuple[str, ...], tuple[list[Value], list[_Tally]]] = {}
        if not command.groups:
            self._found[()] = ([], [_Tally() for _ in command.aggregates])

    @property
    def size_bytes(self) -> int:
        return len(self._found) * _GROUP_BYTES * len(self._command.aggregates)

    def add(self, record: Record) -> None:
        by = [group.value(record) for group in self._command.groups]
        key = tuple(map(values.text, by))
        group = self._found.get(key)
        if group is None:
            if len(self._found) >= GROUPS:
                raise TooMuch
            group = self._found[key] = (by, [_Tally() for _ in self._command.aggregates])
        for aggregate, tally in zip(self._command.aggregates, group[1], strict=True):
            value = True if aggregate.value is None else aggregate.value(record)
            tally.add(aggregate.kind, value, record.get("@timestamp"))

    def records(self) -> Iterator[Record]:
        command = self._command
        for by, tallies in self._found.values():
            results = zip(command.aggregates, tallies, strict=True)
            inner = Record({one.name: tally.result(one) for one, tally in results}, found=True)
            made = {column.name: column.value(inner) for column in command.columns}
            keys = {group.name: value for group, value in zip(command.groups, by, strict=True)}
            yield Record({**keys, **made}, found=True)
