"""Metric filters: as the API shows and changes them, and what they find in events as these come.

    log_metric_filter ──load──► MetricFilters ◄── batches that are on the disk (logs.py)
                                     └──► values by minute ──► Metrics ──► MetricStore

Finding happens in the thread that writes logs; groups without filters cost a look into a
dictionary. What all filters together look at is bounded, and so is how many dimensions one makes.
"""

import json
import logging
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field

from stoker.core import metric_filters
from stoker.core.errors import (
    InvalidParameterException,
    LimitExceededException,
    LogsResourceNotFoundException,
)
from stoker.core.metric_filters import MOST_FILTERS, MOST_REGEXES, Filter, Transformation
from stoker.core.metrics import MINUTE_S, NEWEST_S, OLDEST_S, Dimensions, Name, Source, start_of
from stoker.core.statistics import Statistic
from stoker.observe.log_groups import GroupName, get_group
from stoker.observe.log_metrics import SERIES, Found
from stoker.observe.log_writes import Batch

logger = logging.getLogger(__name__)

LOOKED_BYTES = 32 * 1024**2  # of one writing: messages, times the filters that look at them
PAIRS = 1000  # dimensions that a filter may make in an hour (AWS)
HOUR_S = 3600
MINUTES = 60  # of one filter that wait for their default: more are forgotten


@dataclass(frozen=True, slots=True)
class MetricFilter:
    """As it is kept."""

    group: str
    name: str
    pattern: str
    transformation: Transformation
    created_ms: int


# --- Kept ---------------------------------------------------------------------------------------
# Each function is a step of one transaction; what it refuses, it raises in AWS's words.

_SELECT = (
    "SELECT g.account, g.region, g.name, f.name, f.pattern, f.transformation, f.created_ms"
    " FROM log_metric_filter f JOIN log_group g ON g.id = f.group_id"
)


def put(connection: sqlite3.Connection, group: GroupName, wanted: MetricFilter) -> None:
    """Add it, or change the one of this name."""
    group_id = get_group(connection, group).id
    others = connection.execute(
        "SELECT pattern FROM log_metric_filter WHERE group_id = ? AND name != ?",
        (group_id, wanted.name),
    ).fetchall()
    if len(others) >= MOST_FILTERS:
        raise LimitExceededException("Resource limit exceeded.")
    count = metric_filters.regexes(wanted.pattern)
    if count and count + sum(metric_filters.regexes(one) for (one,) in others) > MOST_REGEXES:
        raise LimitExceededException("Resource limit exceeded.")
    said = json.dumps(asdict(wanted.transformation))
    connection.execute(
        "INSERT INTO log_metric_filter (group_id, name, pattern, transformation, created_ms)"
        " VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET pattern = excluded.pattern,"
        " transformation = excluded.transformation",
        (group_id, wanted.name, wanted.pattern, said, wanted.created_ms),
    )


def listed(
    connection: sqlite3.Connection, account: str, region: str, group: str | None = None
) -> list[MetricFilter]:
    """Of one group, which there must be, or of all; by group and name."""
    if group is not None:
        get_group(connection, GroupName(account, region, group))
    rows = connection.execute(
        f"{_SELECT} WHERE g.account = ? AND g.region = ? AND (? IS NULL OR g.name = ?)"
        " ORDER BY g.name, f.name",
        (account, region, group, group),
    )
    return [_read(row) for row in rows]


def delete(connection: sqlite3.Connection, group: GroupName, name: str) -> None:
    done = connection.execute(
        "DELETE FROM log_metric_filter WHERE group_id = ? AND name = ?",
        (get_group(connection, group).id, name),
    )
    if not done.rowcount:
        raise LogsResourceNotFoundException("The specified metric filter does not exist.")


def _read(row: tuple[str, str, str, str, str, str, int]) -> MetricFilter:
    _, _, group, name, pattern, said, created_ms = row
    return MetricFilter(group, name, pattern, Transformation(**json.loads(said)), created_ms)


# --- Found --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Looking:
    """One filter, and what it has to remember."""

    name: str
    filter: Filter
    minutes: dict[int, bool] = field(default_factory=dict)  # did anything match in it?
    hour: int = 0
    pairs: set[Dimensions] = field(default_factory=set)

    def may_make(self, dimensions: Dimensions, now_s: float) -> bool:
        """Another value of its dimensions?"""
        if not dimensions:
            return True
        hour = int(now_s // HOUR_S)
        if hour != self.hour:
            self.hour = hour
            self.pairs.clear()
        if dimensions in self.pairs:
            return True
        if len(self.pairs) >= PAIRS:
            return False
        self.pairs.add(dimensions)
        if len(self.pairs) == PAIRS:
            logger.warning("metric filter has too many dimensions", extra={"filter": self.name})
        return True

    def saw(self, minute: int, *, matched: bool) -> None:
        if self.filter.transformation.default is None:
            return
        self.minutes[minute] = self.minutes.get(minute, False) or matched
        if len(self.minutes) > MINUTES:
            del self.minutes[min(self.minutes)]


class MetricFilters:
    """Called by the thread that writes logs: looking takes longer than a loop could wait."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str, str], list[_Looking]] = {}
        self._full = False  # it was said

    def __bool__(self) -> bool:
        return bool(self._of)

    def load(self, connection: sqlite3.Connection) -> None:
        """Know what is kept; what has not changed remembers its minutes."""
        before = {(key, one.name): one for key, each in self._of.items() for one in each}
        found: dict[tuple[str, str, str], list[_Looking]] = {}
        for row in connection.execute(_SELECT):
            kept = _read(row)
            try:
                made = metric_filters.made(kept.pattern, kept.transformation)
            except InvalidParameterException:  # an older Stoker took it
                continue
            key = row[:3]
            known = before.get((key, kept.name))
            if known is None or known.filter != made:
                known = _Looking(kept.name, made)
            found.setdefault(key, []).append(known)
        self._of = found

    def found(self, batches: Iterable[Batch], now_s: float) -> Found:
        """What has values in events that are on the disk now."""
        values: Found = {}
        room, looked = SERIES, 0
        for batch in batches:
            where = batch.where
            filters = self._of.get((where.account, where.region, where.group))
            if not filters:
                continue
            cost = len(filters) * sum(map(len, batch.messages))
            if looked + cost > LOOKED_BYTES:
                self._tell(where.group)
                continue
            looked += cost
            for source, minute, name, value in _values(filters, batch, now_s):
                kept = values.setdefault((source, minute), {})
                if name not in kept:
                    room -= 1
                    if room < 0:
                        continue
                kept.setdefault(name, Statistic()).add(value)
        return {key: kept for key, kept in values.items() if kept}

    def due(self, now_s: float) -> Found:
        """The defaults of minutes that are over, in which something came and nothing matched."""
        values: Found = {}
        for key, filters in self._of.items():
            for one in filters:
                over = [minute for minute in one.minutes if minute + MINUTE_S <= now_s]
                for minute in over:
                    default = one.filter.transformation.default
                    if not one.minutes.pop(minute) and default is not None:
                        source, name = _metric(key, one.filter, ())
                        kept = values.setdefault((source, minute), {})
                        kept.setdefault(name, Statistic()).add(default)
        return values

    def _tell(self, group: str) -> None:
        if not self._full:
            self._full = True
            facts = {"log_group": group, "bytes": LOOKED_BYTES}
            logger.warning("metric filters leave events out: too many", extra=facts)


def _values(
    filters: Iterable[_Looking], batch: Batch, now_s: float
) -> Iterator[tuple[Source, int, Name, float]]:
    key = (batch.where.account, batch.where.region, batch.where.group)
    for time_ms, raw in zip(batch.times, batch.messages, strict=True):
        if not now_s - OLDEST_S <= time_ms / 1000 <= now_s + NEWEST_S:
            continue
        minute, message = start_of(time_ms / 1000), raw.decode("utf-8", "replace")
        for one in filters:
            measured = one.filter.measured(message)
            one.saw(minute, matched=measured is not None)
            if measured is not None and one.may_make(measured[1], now_s):
                source, name = _metric(key, one.filter, measured[1])
                yield source, minute, name, measured[0]


def _metric(
    key: tuple[str, str, str], filter: Filter, dimensions: Dimensions
) -> tuple[Source, Name]:
    account, region, _ = key
    wanted = filter.transformation
    return (
        Source(account, region, wanted.namespace, dimensions),
        Name(wanted.name, wanted.unit),
    )
