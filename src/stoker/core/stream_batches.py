"""Batches of a shard's records for a function: what is handed over when, what comes of it. Pure.

    records ──► lanes, by key ──► cut ──► function ──► done
       └─ not wanted: done          ▲        ├── tried again, whole or in halves
                                    └────────┤
                                             └── discarded: the destination for failures is told

The one idea: a lane has at most one batch under way, and what is to be tried again are the first
records of what waits in it. So order needs no care: nothing of a lane overtakes. A stack of cuts
says how many of the first records belong together next; bisecting is pushing two cuts for one.

The checkpoint is the last record before which, and with which, all of the shard is done. After a
restart it goes on behind that: with several lanes, some of what is behind it may come again.

Retries as the developer guide's "Retain discarded batch records" has them: failures of the
function are counted, refusals (throttles) are not, and splitting a batch costs no retry.
"""

import zlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from stoker.core.event_records import Response
from stoker.core.lag import Lag
from stoker.core.limits import SYNC_PAYLOAD_BYTES
from stoker.core.queue_batches import retry_s
from stoker.core.stream_windows import WINDOW_ROOM_BYTES, Window

AHEAD = 500  # records that are read before there is room for them in batches, at least
AHEAD_BYTES = 8 * 1024 * 1024  # of one shard in our hands; beyond it none are read
_COMMA = 1


class Fate(StrEnum):
    """Why records are discarded; AWS's words for it."""

    EXHAUSTED = "RetryAttemptsExhausted"
    TOO_OLD = "RecordAgeExceeded"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the mapping says. None: without end."""

    batch: int = 100
    gather_s: float = 0.0  # a batch may be waited for, from its first record on
    lanes: int = 1
    retries: int | None = None
    max_age_s: float | None = None
    bisect: bool = False
    window_s: int = 0  # tumbling windows, which have one lane
    scale: float = 1.0  # how much faster time passes for retries and ages


@dataclass(frozen=True, slots=True)
class Record:
    sequence: str
    key: str
    arrived: float  # seconds of the epoch
    body: bytes  # as it stands in an event; b"": a filter keeps it from the function


@dataclass(frozen=True, slots=True)
class Batch:
    """To be handed to the function or, with a fate, to be told of as discarded. `end()` is owed."""

    lane: int
    records: tuple[Record, ...]
    attempts: int = 0  # that failed before
    fate: Fate | None = None
    last: Response | None = None  # of the attempt before
    window: Window | None = None
    is_final: bool = False  # the last of its window, without records

    @property
    def size(self) -> int:
        return sum(len(one.body) + _COMMA for one in self.records)


@dataclass(frozen=True, slots=True)
class Done:
    """It is behind us. `state`: what the function keeps for the rest of its window (JSON)."""

    state: bytes | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The function's error; or all was well before record number `first`."""

    response: Response
    first: int = 0
    state: bytes | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """It did not run, and is not to blame."""


Outcome = Done | Failed | Refused


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where to go on; the window's state holds all records up to there, and no others."""

    sequence: str | None = None  # done up to here; None: nothing is
    window: Window | None = None


@dataclass(slots=True, eq=False)
class _Item:
    record: Record
    since: float  # it is in our hands
    done: bool = False


@dataclass(slots=True)
class _Cut:
    """The first `size` of what waits belong together; none: the end of a window."""

    size: int
    attempts: int = 0
    refusals: int = 0  # in a row
    due: float = 0.0
    fate: Fate | None = None
    last: Response | None = None


@dataclass(slots=True)
class _Lane:
    waiting: deque[_Item] = field(default_factory=deque)
    cuts: list[_Cut] = field(default_factory=list)  # the last is next
    is_busy: bool = False


class ShardBatches:
    """`add` what was read, `take` what is due, `end` it. Times are seconds of the epoch."""

    def __init__(self, rules: Rules, checkpoint: Checkpoint = Checkpoint()) -> None:
        self._rules = rules
        self._lanes = [_Lane() for _ in range(1 if rules.window_s else rules.lanes)]
        self._order: deque[_Item] = deque()  # of the shard, from the checkpoint on
        self._sequence = checkpoint.sequence
        self._window = checkpoint.window
        self._most = max(AHEAD, 2 * rules.batch * len(self._lanes))
        self._seen_until = 0.0
        self._closed = False
        self.held = 0  # bytes

    # --- what comes in --------------------------------------------------------------------------

    def add(self, records: Iterable[Record], now: float) -> None:
        for record in records:
            item = _Item(record, now, done=not record.body)
            self._order.append(item)
            if item.done:
                continue
            number = zlib.crc32(record.key.encode("utf-8", "surrogatepass")) % len(self._lanes)
            self._lanes[number].waiting.append(item)
            self.held += len(record.body)
        self._settle()

    def caught_up(self, now: float) -> None:
        """A read that began at `now` found nothing more."""
        self._seen_until = max(self._seen_until, now)

    def close(self) -> None:
        """The shard has nothing more, ever."""
        self._closed = True

    @property
    def room(self) -> int:
        """How many more records may be read now."""
        if self.held >= AHEAD_BYTES or self._closed:
            return 0
        return max(self._most - len(self._order), 0)

    def lag(self, *, more: bool, besides: int = 0) -> Lag:
        """`more`: there may be some that were not read; `besides`: so many were not, for sure."""
        waiting = sum(not item.done for item in self._order)
        oldest = self._order[0].record.arrived if self._order else None
        return Lag(waiting + besides, oldest, more)

    # --- what goes out --------------------------------------------------------------------------

    def take(self, now: float) -> Batch | None:
        """The next batch of any lane that is free and has one due."""
        for number, lane in enumerate(self._lanes):
            if not lane.is_busy and (batch := self._next(number, lane, now)) is not None:
                lane.is_busy = True
                return batch
        return None

    def due(self) -> float | None:
        """When `take` has something, should nothing come or end before; None: never. If that is
        in the past, it has something now."""
        times = [time for lane in self._lanes if (time := self._due(lane)) is not None]
        return min(times, default=None)

    def window_end(self) -> float | None:
        """When it is to be read whether anything of the window has come; None: there is no need."""
        lane = self._lanes[0]
        if self._window is None or lane.is_busy or lane.waiting or lane.cuts:
            return None
        return self._window.end

    def end(self, batch: Batch, outcome: Outcome, now: float) -> None:
        """What came of a batch from `take`."""
        lane = self._lanes[batch.lane]
        lane.is_busy = False
        match outcome:
            case Done(state):
                self._finish(lane, len(batch.records), state)
                lane.cuts.pop()
                if batch.is_final:
                    self._window = None
            case Failed():
                self._failed(lane, batch, outcome, now)
            case Refused():
                cut = lane.cuts[-1]
                cut.refusals += 1
                cut.due = now + retry_s(cut.refusals) / self._rules.scale
        self._settle()

    def hurry(self) -> None:
        """What was refused may be taken now."""
        for lane in self._lanes:
            if lane.cuts and lane.cuts[-1].refusals:
                lane.cuts[-1].due = 0.0

    @property
    def checkpoint(self) -> Checkpoint:
        return Checkpoint(self._sequence, self._window)

    @property
    def is_at_its_end(self) -> bool:
        """It is closed, and all of it is done."""
        return self._closed and not self._order and self._window is None

    # --- both -----------------------------------------------------------------------------------

    def _next(self, number: int, lane: _Lane, now: float) -> Batch | None:
        if not lane.cuts and not self._cut(lane, now):
            return None
        cut = lane.cuts[-1]
        if cut.fate is None and (aged := self._aged(lane, cut.size, now)):
            cut.size -= aged
            if not cut.size:
                lane.cuts.pop()
            cut = _Cut(aged, cut.attempts, fate=Fate.TOO_OLD, last=cut.last)
            lane.cuts.append(cut)
        if cut.due > now:
            return None
        records = tuple(lane.waiting[index].record for index in range(cut.size))
        return Batch(
            number, records, cut.attempts, cut.fate, cut.last, self._window, is_final=not cut.size
        )

    def _cut(self, lane: _Lane, now: float) -> bool:
        """Put what is ready on the stack. Say whether anything is."""
        rules, waiting = self._rules, lane.waiting
        if rules.window_s:
            if waiting and self._window is None:
                self._window = Window.at(waiting[0].record.arrived, rules.window_s)
            if self._is_over(waiting):
                lane.cuts.append(_Cut(0))
                return True
        if not waiting:
            return False
        size, is_full = self._fitting(waiting)
        if not (is_full or self._closed or now >= waiting[0].since + rules.gather_s):
            return False
        # a record that no function takes
        fate = None if size else Fate.EXHAUSTED
        last = None if size else Response(413, error="RequestTooLargeException")
        lane.cuts.append(_Cut(max(size, 1), fate=fate, last=last))
        return True

    def _is_over(self, waiting: deque[_Item]) -> bool:
        """The window: has a later one begun, or can nothing of it come any more?"""
        window = self._window
        if window is None:
            return False
        if window.is_too_large:
            return True
        if waiting:
            return waiting[0].record.arrived >= window.end
        return self._closed or self._seen_until >= window.end

    def _fitting(self, waiting: deque[_Item]) -> tuple[int, bool]:
        """How many of the first make a batch, and whether that is all it can have."""
        window, most = self._window, SYNC_PAYLOAD_BYTES - WINDOW_ROOM_BYTES
        if window is not None:
            most -= len(window.state)
        size = 0
        for count, item in enumerate(waiting):
            size += len(item.record.body) + _COMMA
            if count == self._rules.batch or size > most:
                return count, True
            if window is not None and item.record.arrived >= window.end:
                return count, True
        return len(waiting), len(waiting) == self._rules.batch

    def _aged(self, lane: _Lane, size: int, now: float) -> int:
        """How many of the first `size` are too old."""
        rules, count = self._rules, 0
        if rules.max_age_s is None:
            return 0
        oldest = now - rules.max_age_s / rules.scale
        while count < size and lane.waiting[count].record.arrived <= oldest:
            count += 1
        return count

    def _due(self, lane: _Lane) -> float | None:
        if lane.is_busy:
            return None
        rules, waiting = self._rules, lane.waiting
        if not lane.cuts:
            return waiting[0].since + rules.gather_s if waiting else None
        cut = lane.cuts[-1]
        if rules.max_age_s is None or cut.fate is not None or not cut.size:
            return cut.due
        return min(cut.due, waiting[0].record.arrived + rules.max_age_s / rules.scale)

    def _failed(self, lane: _Lane, batch: Batch, failure: Failed, now: float) -> None:
        """Again: what failed of it, after a while; or it has failed too often."""
        rules, cut = self._rules, lane.cuts[-1]
        cut.last, cut.refusals = failure.response, 0
        self._finish(lane, failure.first, failure.state)
        cut.size -= failure.first
        splits = rules.bisect and (failure.first > 0 or cut.size > 1)
        if not splits:
            cut.attempts += 1
        if rules.retries is not None and cut.attempts > rules.retries:
            cut.fate, cut.due = Fate.EXHAUSTED, now
            return
        cut.due = now + retry_s(max(cut.attempts, 1)) / rules.scale
        if splits and not failure.first:
            half = cut.size // 2
            lane.cuts[-1:] = [
                _Cut(cut.size - half, cut.attempts, last=cut.last),
                _Cut(half, cut.attempts, due=cut.due, last=cut.last),
            ]

    def _finish(self, lane: _Lane, count: int, state: bytes | None) -> None:
        for _ in range(count):
            item = lane.waiting.popleft()
            item.done = True
            self.held -= len(item.record.body)
            item.record = replace(item.record, body=b"")  # other lanes may keep it for long
        if state is not None and self._window is not None:
            self._window = self._window.with_state(state)

    def _settle(self) -> None:
        while self._order and self._order[0].done:
            self._sequence = self._order.popleft().record.sequence
