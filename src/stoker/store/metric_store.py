"""Metrics in one SQLite file of their own (store/group_commit.py): a row per source and minute.

Which sources and names there are is in memory; values are on the disk only. Values are added and
never changed: who writes into a minute again adds a part, and `roll` makes parts, and later whole
spans, one.
"""

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path

from stoker.core.metrics import LAMBDA, MINUTE_S, Name, Source, belongs, start_of
from stoker.core.packed_statistics import Facts, pack, unpack
from stoker.core.statistics import Statistic, merged
from stoker.store.base import StoreUnavailable
from stoker.store.group_commit import GroupCommit, Statement

_SCHEMA = Path(__file__).with_name("metrics_1.sql")
_POINT = "INSERT INTO points VALUES (?, ?, ?, ?)"
_MERGED = "INSERT OR REPLACE INTO points VALUES (?, ?, 0, ?)"
_DROP = "DELETE FROM points WHERE source = ? AND start = ? AND part = ?"
_SERIES = "INSERT OR REPLACE INTO series VALUES (?, ?, ?)"
_ROWS = (
    "SELECT start, part, facts FROM points WHERE source = ? AND start >= ? AND start < ?"
    " ORDER BY start, part"
)
MOST_SERIES = 50_000  # of one account
LATEST_S = 3600  # how exactly it is known when the latest value came
SLICE_S = 6 * 3600  # merged at a time
FUNCTION = "FunctionName"

Values = Mapping[Name, Statistic]


class TooManySeries(Exception):
    """The account may not have more metrics."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What one source has to say of one minute."""

    source: Source
    start: int
    values: Values


@dataclass(slots=True)
class _Known:
    """A source, and when each of its metrics (by number) had its latest value."""

    id: int
    latest: dict[int, int] = field(default_factory=dict)
    written: bool = False  # on the disk


class MetricStore:
    """`await open()` first; `await close()` at the end."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = GroupCommit(path, _SCHEMA)
        self._sources: dict[Source, _Known] = {}
        self._names: dict[Name, int] = {}
        self._written_names: set[Name] = set()
        self._series: dict[str, int] = {}  # how many each account has
        self._rolled: dict[int, int] = {}
        self._last_part = 0

    async def open(self) -> None:
        """Make or open the file. Raise StoreUnavailable."""
        await self._file.open()
        names, sources, self._rolled = await self._file.read(_known)
        self._names, self._written_names = names, set(names)
        self._sources = sources
        for source, known in sources.items():
            self._count(source.account, len(known.latest))

    async def close(self) -> None:
        """Idempotent."""
        await self._file.close()

    @property
    def size_bytes(self) -> int:
        """Of the file, without its journal."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    async def put(self, entries: Iterable[Entry]) -> None:
        """Return when they are on the disk. Raise TooManySeries or StoreUnavailable; then
        nothing of them is kept."""
        entries = list(entries)
        if not entries:
            return
        self._check_room(entries)
        part = self._next_part()
        statements: list[Statement] = []
        for entry in entries:
            statements += self._statements(entry, part)
            part = self._next_part()
        await self._file.written(statements)
        for entry in entries:
            self._sources[entry.source].written = True
            self._written_names.update(entry.values)

    def series(self, account: str, region: str) -> Iterator[tuple[Source, Name, int]]:
        """Every metric, and about when it had its latest value."""
        names = {number: name for name, number in self._names.items()}
        for source, known in self._sources.items():
            if source.account == account and source.region == region:
                for number, latest in known.latest.items():
                    yield source, names[number], latest

    async def read(
        self, asked: Source, name: str, start: int, end: int, span_s: int
    ) -> dict[str, dict[int, Statistic]]:
        """The values of one metric by unit, in spans of `span_s` from `start` on. Raise
        StoreUnavailable."""
        numbers = {one: given.unit for given, one in self._names.items() if given.name == name}
        ids = [
            known.id
            for source, known in self._sources.items()
            if not known.latest.keys().isdisjoint(numbers) and belongs(source, name, asked)
        ]
        return await self._file.read(partial(_values, ids, numbers, start, end, span_s))

    async def of_functions(
        self, account: str, region: str, functions: Collection[str], metrics: Collection[str],
        start: int, end: int, span_s: int = MINUTE_S,
    ) -> dict[str, dict[str, dict[int, Statistic]]]:  # fmt: skip
        """Values of many functions at once, by function and metric; of metrics that are sums.
        Raise StoreUnavailable."""
        numbers = {one: given.name for given, one in self._names.items() if given.name in metrics}
        ids: dict[int, str] = {}
        for source, known in self._sources.items():
            if source.namespace == LAMBDA and (source.account, source.region) == (account, region):
                name = next((value for key, value in source.dimensions if key == FUNCTION), "")
                if name in functions and any(
                    one >= start - LATEST_S for one in known.latest.values()
                ):
                    ids[known.id] = name
        return await self._file.read(partial(_many, ids, numbers, start, end, span_s))

    async def roll(self, span_s: int, until: int) -> None:
        """Make one row of each span up to `until`, of each source. May be cut off anywhere and
        done again. Raise StoreUnavailable."""
        until = start_of(until, span_s)
        since = self._rolled.get(span_s)
        if since is None:
            since = await self._file.read(_first) or until
        since = start_of(since, span_s)
        while since < until:
            to = min(start_of(since, SLICE_S) + SLICE_S, until)
            for known in list(self._sources.values()):
                look = partial(_rolling, known.id, since, to, span_s)
                statements = await self._file.read(look)
                if statements:
                    await self._file.written(statements)
            since = to
            told = ("INSERT OR REPLACE INTO rolled VALUES (?, ?)", (span_s, since))
            await self._file.written([told])
            self._rolled[span_s] = since

    async def forget(self, before: int) -> None:
        """What is older, and metrics that have nothing else. Raise StoreUnavailable."""
        for source, known in list(self._sources.items()):
            surely = before - LATEST_S
            gone = [number for number, latest in known.latest.items() if latest < surely]
            statements: list[Statement] = [
                ("DELETE FROM points WHERE source = ? AND start < ?", (known.id, before))
            ]
            for number in gone:
                statements.append(
                    ("DELETE FROM series WHERE source = ? AND name = ?", (known.id, number))
                )
                del known.latest[number]
            self._count(source.account, -len(gone))
            if not known.latest:
                statements.append(("DELETE FROM sources WHERE id = ?", (known.id,)))
                del self._sources[source]
            try:
                await self._file.written(statements)
            except StoreUnavailable:
                if gone:  # it is on the disk still, and may have values again before we look again
                    known.written = False
                    self._sources.setdefault(source, known)
                raise

    # --- writing --------------------------------------------------------------------------------

    def _check_room(self, entries: list[Entry]) -> None:
        fresh: dict[str, set[tuple[Source, Name]]] = {}
        for entry in entries:
            if entry.source.namespace == LAMBDA:
                continue  # our own have room whatever strangers bring
            known = self._sources.get(entry.source)
            latest = known.latest if known is not None else {}
            for name in entry.values:
                if self._names.get(name) not in latest:
                    fresh.setdefault(entry.source.account, set()).add((entry.source, name))
        for account, names in fresh.items():
            if self._series.get(account, 0) + len(names) > MOST_SERIES:
                raise TooManySeries(account)

    def _statements(self, entry: Entry, part: int) -> Iterator[Statement]:
        known = self._sources.get(entry.source)
        if known is None:
            number = max((one.id for one in self._sources.values()), default=0) + 1
            known = self._sources[entry.source] = _Known(number)
        if not known.written:
            of = entry.source
            dimensions = json.dumps(of.dimensions)
            facts = (known.id, of.account, of.region, of.namespace, dimensions)
            yield "INSERT OR IGNORE INTO sources VALUES (?, ?, ?, ?, ?)", facts
        packed: Facts = {}
        for name, statistic in entry.values.items():
            id_ = self._names.setdefault(name, len(self._names) + 1)
            if name not in self._written_names:
                yield "INSERT OR IGNORE INTO names VALUES (?, ?, ?)", (id_, name.name, name.unit)
            latest = known.latest.get(id_)
            if latest is None:
                self._count(entry.source.account, 1)
            if latest is None or not known.written or entry.start >= latest + LATEST_S:
                known.latest[id_] = max(entry.start, latest or 0)
                yield _SERIES, (known.id, id_, known.latest[id_])
            packed[id_] = statistic
        yield _POINT, (known.id, entry.start, part, pack(packed))

    def _next_part(self) -> int:
        """Never the same twice, also not after a restart."""
        self._last_part = max(self._last_part + 1, time.time_ns() // 1_000_000)
        return self._last_part

    def _count(self, account: str, more: int) -> None:
        self._series[account] = self._series.get(account, 0) + more


# --- in the reading thread ----------------------------------------------------------------------


def _known(
    db: sqlite3.Connection,
) -> tuple[dict[Name, int], dict[Source, _Known], dict[int, int]]:
    names = {Name(name, unit): number for number, name, unit in db.execute("SELECT * FROM names")}
    by_id: dict[int, _Known] = {}
    sources: dict[Source, _Known] = {}
    for number, account, region, namespace, text in db.execute("SELECT * FROM sources"):
        dimensions = tuple((name, value) for name, value in json.loads(text))
        known = by_id[number] = _Known(number, written=True)
        sources[Source(account, region, namespace, dimensions)] = known
    for source, name, latest in db.execute("SELECT * FROM series"):
        by_id[source].latest[name] = latest
    return names, sources, dict(db.execute("SELECT * FROM rolled"))


def _first(db: sqlite3.Connection) -> int | None:
    """About when the first value is from."""
    (found,) = db.execute(
        "SELECT min((SELECT min(start) FROM points WHERE source = id)) FROM sources"
    ).fetchone()
    return None if found is None else int(found)


def _values(
    ids: list[int],
    numbers: Mapping[int, str],
    start: int,
    end: int,
    span_s: int,
    db: sqlite3.Connection,
) -> dict[str, dict[int, Statistic]]:
    found: dict[str, dict[int, Statistic]] = {}
    for id_ in ids:
        for at, _, facts in db.execute(_ROWS, (id_, start, end)):
            span = start + (at - start) // span_s * span_s
            for number, statistic in unpack(facts, numbers).items():
                _merge(found.setdefault(numbers[number], {}), span, statistic)
    return found


def _merge(spans: dict[int, Statistic], span: int, statistic: Statistic) -> None:
    """`statistic` is nobody else's: most spans have one, which is taken as it is."""
    there = spans.get(span)
    if there is None:
        spans[span] = statistic
    else:
        there.merge(statistic)


def _many(
    ids: Mapping[int, str],
    numbers: Mapping[int, str],
    start: int,
    end: int,
    span_s: int,
    db: sqlite3.Connection,
) -> dict[str, dict[str, dict[int, Statistic]]]:
    found: dict[str, dict[str, dict[int, Statistic]]] = {}
    for id_, function in ids.items():
        mine = _values([id_], numbers, start, end, span_s, db)
        for metric, spans in mine.items():
            kept = found.setdefault(function, {}).setdefault(metric, {})
            for at, statistic in spans.items():
                _merge(kept, at, statistic)
    return found


def _rolling(
    id_: int, since: int, until: int, span_s: int, db: sqlite3.Connection
) -> list[Statement]:
    """What makes one row of each span of one source."""
    statements: list[Statement] = []
    rows = db.execute(_ROWS, (id_, since, until))
    for start, group in groupby(rows, lambda row: start_of(row[0], span_s)):
        parts = list(group)
        if len(parts) == 1 and parts[0][:2] == (start, 0):
            continue
        statements += [(_DROP, (id_, at, part)) for at, part, _ in parts]
        by_name: dict[int, list[Statistic]] = {}
        for _, _, facts in parts:
            for number, statistic in unpack(facts).items():
                by_name.setdefault(number, []).append(statistic)
        whole = pack({number: merged(many) for number, many in by_name.items()})
        statements.append((_MERGED, (id_, start, whole)))
    return statements
