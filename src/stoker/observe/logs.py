"""CloudWatch Logs' store: appending costs the event loop next to nothing, a thread does the rest.

    Sink.append ──► lists per stream ──(every 100 ms, if there is anything)──► one transaction
                                                                               of chunks
    read ──► writes what is pending, then asks in a second thread with a connection of its own

What subscription filters want of it is written beside it (observe/log_outbox.py).

Everything that holds memory is bounded: a stream's pending events and all of them together. Past
that, events are dropped and one marker event stands where they are missing. The same happens
when the disk cannot take them: writing never blocks and never raises.
"""

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from stoker.core.errors import ServiceUnavailableException
from stoker.core.log_events import MAX_LINE_BYTES, dropped_marker, split_line
from stoker.observe import log_writes
from stoker.observe.live_tails import LiveTails
from stoker.observe.log_database import LogDatabase
from stoker.observe.log_metrics import Found, Measured, merge, metrics_in
from stoker.observe.log_writes import Batch, StreamName
from stoker.observe.metric_filters import MetricFilters

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

EVENT_COST_BYTES = 96
"""What Python needs for one pending event besides its bytes."""
FIRST_LOAN_BYTES = 4096
HURRY_BYTES = 256 * 1024
"""A stream with this much pending is written at once."""
TOO_FAST = "the function logs faster than they can be stored"
NOT_STORED = "they could not be stored"
MAX_GAPS = 10_000
"""Streams that wait with a marker while the disk takes nothing; more are forgotten."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may wait, how long, and how big the file may grow."""

    stream_bytes: int = 4 * 1024 * 1024
    total_bytes: int = 64 * 1024 * 1024
    database_bytes: int = 64 * 1024**3  # past this, as if the disk were full
    flush_after_s: float = 0.1
    retry_after_s: float = 1.0
    sweep_every_s: float = 3600.0


@dataclass(slots=True)
class _Gap:
    """Events that are missing at one place."""

    timestamp_ms: int
    why: str
    count: int = 0
    size_bytes: int = 0

    def marker(self) -> bytes:
        return dropped_marker(self.count, self.size_bytes, self.why)


@dataclass(slots=True)
class _Taken:
    """What one stream had pending: to be written, or to become a gap."""

    sink: "Sink"
    missing: _Gap | None  # before the events
    times: list[int]
    messages: list[bytes]
    gap: _Gap | None  # behind them
    lent_bytes: int
    gaps: list[_Gap] = field(init=False)

    def __post_init__(self) -> None:
        self.gaps = [gap for gap in (self.missing, self.gap) if gap is not None]

    def batch(self) -> Batch:
        times, messages = self.times, self.messages
        if self.missing is not None:
            times = [self.missing.timestamp_ms, *times]
            messages = [self.missing.marker(), *messages]
        if self.gap is not None:
            times = [*times, self.gap.timestamp_ms]
            messages = [*messages, self.gap.marker()]
        return Batch(self.sink.where, times, messages)

    def as_gap(self) -> _Gap:
        firsts = [gap.timestamp_ms for gap in self.gaps] + self.times[:1]
        return _Gap(
            min(firsts),
            NOT_STORED,
            len(self.times) + sum(gap.count for gap in self.gaps),
            sum(map(len, self.messages)) + sum(gap.size_bytes for gap in self.gaps),
        )


class Sink:
    """One stream, open for one writer. To be called from the event loop's thread.

    The store lends it memory, in growing loans, so that `append` need not look further than its
    own counters. A new loan is also what tells the store that there is something to write.
    """

    __slots__ = (
        *("_allowed", "_expected", "_gap", "_lent", "_messages", "_missing", "_store", "_times"),
        *("_used", "group", "stream", "where"),
    )

    def __init__(self, store: "LogStore", where: StreamName) -> None:
        self._store = store
        self.where = where
        self.group = where.group
        self.stream = where.stream
        self._missing: _Gap | None = None
        self._expected = False  # the store knows that we have something
        self._times: list[int] = []
        self._messages: list[bytes] = []
        self._gap: _Gap | None = None
        self._used = 0  # bytes, with what Python needs
        self._lent = 0
        self._allowed = 0  # as lent, or nothing while a gap is open

    def append(self, timestamp_ms: int, message: bytes) -> None:
        """Keep one event; see observe/base.py."""
        used = self._used + len(message) + EVENT_COST_BYTES
        if used > self._allowed:
            self._append_slowly(timestamp_ms, message, used)
            return
        self._used = used
        self._times.append(timestamp_ms)
        self._messages.append(message)

    def close(self) -> None:
        """Nothing to do: what is pending will be written, and then nothing holds the sink."""

    def take(self) -> _Taken:
        """Hand over what is pending, and begin anew."""
        taken = _Taken(
            self, self._missing, self._times, self._messages, self._gap, lent_bytes=self._lent
        )
        self._expected = False
        self._missing = self._gap = None
        self._times, self._messages = [], []
        self._used = self._lent = self._allowed = 0
        return taken

    def lose(self, taken: _Taken) -> None:
        """It could not be written: the next attempt says so where it is missing."""
        self._missing = taken.as_gap()
        self._expect()

    def _expect(self) -> None:
        if not self._expected:
            self._expected = True
            self._store.expect(self)

    def _append_slowly(self, timestamp_ms: int, message: bytes, used: int) -> None:
        if len(message) > MAX_LINE_BYTES:
            for piece in split_line(message):
                self.append(timestamp_ms, piece)
            return
        self._expect()
        if self._gap is None:
            self._lent = self._allowed = self._store.lend(self._lent, used)
            if used <= self._allowed:
                self._used = used
                self._times.append(timestamp_ms)
                self._messages.append(message)
                if used > HURRY_BYTES:
                    self._store.hurry()
                return
            # From here on everything is dropped until the rest is written: a gap has one place.
            self._gap = _Gap(timestamp_ms, TOO_FAST)
            self._allowed = 0
        self._gap.count += 1
        self._gap.size_bytes += len(message)


class LogStore:
    """Log groups, streams and events of all accounts and regions, in one file."""

    def __init__(
        self,
        path: Path,
        *,
        bounds: Bounds | None = None,
        subscribed: Callable[[], None] = lambda: None,
        measured: Measured = lambda _: None,
    ) -> None:
        """`subscribed` is called when events have come that subscribers wait for, `measured` when
        some had metrics in them; whoever brings events with `change` calls it, and show(), too."""
        self.bounds = bounds or Bounds()
        self.subscribed = subscribed
        self.measured = measured
        self.tails = LiveTails()
        self.exported: Callable[[Sequence[Batch]], None] | None = None  # in the writing thread
        self.filters = MetricFilters()
        self.path = path
        self.dropped_events = 0
        self.dropped_bytes = 0
        self._write_database = LogDatabase(path, max_bytes=self.bounds.database_bytes)
        self._read_database = LogDatabase(path)
        self._writer = ThreadPoolExecutor(1, "stoker-logs-write")
        self._reader = ThreadPoolExecutor(1, "stoker-logs-read")
        self._expected: list[Sink] = []
        self._lent_bytes = 0
        self._writing: asyncio.Future[bool] | None = None
        self._sweeping: asyncio.Future[bool] | None = None
        self._flush_timer: asyncio.TimerHandle | None = None
        self._sweep_timer: asyncio.TimerHandle | None = None
        self._hurried = self._failing = self._sweep_again = False
        self._running = False

    async def start(self) -> None:
        """Open the file, or make it."""
        self._loop = asyncio.get_running_loop()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        await self._loop.run_in_executor(self._writer, self._write_database.open)
        await self._loop.run_in_executor(self._reader, self._read_database.open)
        await self.refilter()
        self._running = True
        self.sweep()

    async def close(self) -> None:
        """Write what is pending and close the file. Appending is still harmless afterwards."""
        if self._running:
            await self.flush()
            self._running = False
            await self.flush()
        for timer in (self._flush_timer, self._sweep_timer):
            if timer is not None:
                timer.cancel()
        if self._sweeping is not None:
            await asyncio.wait({self._sweeping})
        for thread, database in (
            (self._writer, self._write_database),
            (self._reader, self._read_database),
        ):
            await asyncio.get_running_loop().run_in_executor(thread, database.close)
            thread.shutdown()

    def open(self, account: str, region: str, group: str, stream: str) -> Sink:
        """See observe/base.py."""
        return Sink(self, StreamName(account, region, group, stream))

    async def flush(self) -> None:
        """Return when what was appended until now is in the file (or has become a gap)."""
        for _ in range(2):  # what is being written now, and what had come in since
            if self._writing is None and self._expected:
                self._begin()
            if self._writing is not None:
                await asyncio.wait({self._writing})

    async def query(
        self, action: Callable[[sqlite3.Connection], Result], *, flushed: bool = True
    ) -> Result:
        """Ask the file; everything appended before is in it, unless that does not matter."""
        if flushed:
            await self.flush()
        return await self._run(self._reader, self._read_database, action)

    async def change(
        self, action: Callable[[sqlite3.Connection], Result], *, flushed: bool = True
    ) -> Result:
        """Change the file in one transaction, behind everything appended before, likewise."""
        if flushed:
            await self.flush()
        return await self._run(self._writer, self._write_database, action)

    async def refilter(self) -> None:
        """Metric filters have changed, or groups that had some: go by what is kept now."""
        await self._run(self._writer, self._write_database, self.filters.load)

    async def defaults(self) -> Found:
        """Of metric filters, for minutes that are over and in which nothing matched."""
        if not self.filters:
            return {}
        return await self._loop.run_in_executor(self._writer, self.filters.due, time.time())

    async def _run(
        self,
        thread: ThreadPoolExecutor,
        database: LogDatabase,
        action: Callable[[sqlite3.Connection], Result],
    ) -> Result:
        try:
            return await self._loop.run_in_executor(thread, database.run, action)
        except sqlite3.Error as err:
            logger.error("log store failed", extra={"path": str(self.path), "error": str(err)})
            raise ServiceUnavailableException(
                f"The service cannot complete the request: the log store says {err}."
            ) from err

    # -- Writing --------------------------------------------------------------------------

    def expect(self, sink: Sink) -> None:
        """A sink has something for us."""
        self._expected.append(sink)
        if self._running and self._writing is None and self._flush_timer is None:
            self._arm()

    def lend(self, lent_bytes: int, used_bytes: int) -> int:
        """What a sink with a loan of `lent_bytes` may use in all; unchanged if that is all."""
        if not self._running:
            return lent_bytes
        for wanted in (max(FIRST_LOAN_BYTES, 2 * used_bytes), used_bytes):
            granted = min(wanted, self.bounds.stream_bytes)
            total = self._lent_bytes - lent_bytes + granted
            if granted >= used_bytes and total <= self.bounds.total_bytes:
                self._lent_bytes = total
                return granted
        return lent_bytes

    def hurry(self) -> None:
        """Write now, or as soon as what is being written is done."""
        if self._writing is None and not self._failing:
            self._begin()
        else:
            self._hurried = True

    def _arm(self) -> None:
        delay_s = self.bounds.retry_after_s if self._failing else self.bounds.flush_after_s
        self._flush_timer = self._loop.call_later(delay_s, self._begin)

    def _begin(self) -> None:
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        self._hurried = False
        taken = [sink.take() for sink in self._expected]
        self._expected = []
        for part in taken:
            if part.gap is not None:
                self._count(part.gap.count, part.gap.size_bytes)
        self._writing = self._loop.run_in_executor(self._writer, self._store, taken)
        self._writing.add_done_callback(partial(self._written, taken))

    def _store(self, taken: list[_Taken]) -> bool:
        batches = [part.batch() for part in taken]
        write = partial(log_writes.store, batches=batches, now_ms=now_ms())
        filled = self._write_database.run(write)
        self._show(batches)
        return filled

    def _show(self, batches: Sequence[Batch]) -> None:
        """To those who look at events as they come; in the writing thread."""
        found = metrics_in(batches)
        if self.filters:
            merge(found, self.filters.found(batches, time.time()))
        if found:
            self._loop.call_soon_threadsafe(self.measured, found)
        self.tails.offer(batches)
        if self.exported is not None:
            self.exported(batches)

    async def show(self, batch: Batch) -> None:
        """The same, of what `change` has written."""
        await self._loop.run_in_executor(self._writer, self._show, (batch,))

    def _written(self, taken: list[_Taken], done: asyncio.Future[bool]) -> None:
        self._writing = None
        self._lent_bytes -= sum(part.lent_bytes for part in taken)
        error = done.exception()
        if error is not None:
            self._give_up(taken, error)
        elif done.result() and self._running:
            self.subscribed()
        if (
            error is None and self._failing and any(part.times for part in taken)
        ):  # not by mere markers
            self._failing = False
            logger.warning("log store recovered", extra={"dropped_events": self.dropped_events})
        if self._expected and self._running:
            if self._hurried and not self._failing:
                self._begin()
            elif self._flush_timer is None:
                self._arm()

    def _give_up(self, taken: list[_Taken], error: BaseException) -> None:
        if not self._failing:
            self._failing = True
            logger.error(
                "logs cannot be stored",
                extra={"path": str(self.path), "error": str(error)},
                exc_info=None if isinstance(error, sqlite3.Error) else error,
            )
        for part in taken:
            self._count(len(part.times), sum(map(len, part.messages)))
            if len(self._expected) < MAX_GAPS:
                part.sink.lose(part)

    def _count(self, events: int, size_bytes: int) -> None:
        self.dropped_events += events
        self.dropped_bytes += size_bytes

    # -- Sweeping -------------------------------------------------------------------------

    def sweep(self) -> None:
        """Clear away what was deleted and what is too old: now, and then once in a while."""
        if self._sweeping is not None:
            self._sweep_again = True
            return
        if self._sweep_timer is not None:
            self._sweep_timer.cancel()
        self._sweep_again = False
        self._sweeping = self._loop.run_in_executor(self._writer, self._sweep_step)
        self._sweeping.add_done_callback(self._swept)

    def _sweep_step(self) -> bool:
        more = self._write_database.run(partial(log_writes.sweep, now_ms=now_ms()))
        if not more:
            self._write_database.run(log_writes.give_back)
        return more

    def _swept(self, done: asyncio.Future[bool]) -> None:
        self._sweeping = None
        if not self._running:
            return
        error = done.exception()
        if error is not None:
            logger.warning("log sweep failed", extra={"error": str(error)})
        elif done.result() or self._sweep_again:
            self.sweep()
            return
        self._sweep_timer = self._loop.call_later(self.bounds.sweep_every_s, self.sweep)


def now_ms() -> int:
    """Milliseconds since 1970, as all of CloudWatch Logs counts."""
    return time.time_ns() // 1_000_000
