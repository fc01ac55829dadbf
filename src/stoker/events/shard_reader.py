"""Reads one shard of a stream and hands its records to a function, to the shard's end.

GetRecords ──► ShardBatches ──► HandingOver ──► checkpoint
    ▲              (core/stream_batches.py decides)
    └── at once while there is more; then when the stream tells of records, or each second
"""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from stoker.core import stream_records
from stoker.core.errors import ServiceError
from stoker.core.event_matching import Filters
from stoker.core.lag import Lag
from stoker.core.queue_batches import retry_s
from stoker.core.stream_batches import ShardBatches
from stoker.core.stream_records import Source
from stoker.core.stream_shards import Kept
from stoker.events.handing_over import HandingOver, Receiver
from stoker.events.stream_source import Busy, Expired, StreamSource, Unknown
from stoker.neighbours import calls
from stoker.neighbours.neighbours import Unreachable

log = logging.getLogger(__name__)

POLL_S = 1.0  # AWS: "Lambda polls each shard once per second"
BETWEEN_S = 0.2  # AWS: five reads of a shard per second, for all who read it
TURN = 16  # records
TOLD_S = 60.0  # where the stream tells of its records, it is asked no more often than that


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What all readers of one stream work with."""

    receiver: Receiver
    source: StreamSource
    filters: Filters
    trouble: Callable[[str], None]  # why nothing can be read; "": it can
    changed: Callable[["ShardReader"], None]  # a batch has ended, or the shard has


class ShardReader:
    """`run()` is its life, until the shard's end or `stop()`; what is at the function then is
    finished, and counts."""

    def __init__(self, reading: Reading, shard: str, kept: Kept) -> None:
        self.shard = shard
        self.kept = kept
        self.is_lost = False  # the stream or the shard is not there any more
        self._parts = reading.receiver.parts
        rules = replace(reading.receiver.settings.rules, scale=self._parts.scale)
        self._batches = ShardBatches(rules, kept.checkpoint)
        self._reading = reading
        self._handing = HandingOver(reading.receiver, self._batches, self._of, self._ended)
        self._last = kept.checkpoint.sequence  # that was read
        self._iterator: str | None = None
        self._next_read = 0.0  # on the loop's clock
        self._has_news = False  # since the latest read began
        self._is_latest = False  # that read found nothing more
        self._troubles = 0  # reads that failed in a row
        self._held = 0
        self._woken = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._stopped = self._forgotten = False

    @property
    def busy(self) -> bool:
        """Something is at the function."""
        return self._handing.busy

    @property
    def is_over(self) -> bool:
        return self._stopped or self.is_lost or self.kept.ended

    @property
    def lag(self) -> Lag:
        return self._batches.lag(more=self._has_news or not self._is_latest)

    def wake(self) -> None:
        """There are records. Who hears so while reading may have read before they came."""
        self._next_read = 0.0
        self._has_news = True
        self._woken.set()

    def look(self) -> None:
        """The function is another now."""
        self._batches.hurry()
        self._woken.set()

    def stop(self, *, forget: bool = False) -> None:
        """Read no more. `forget`: nor does it matter how far it came."""
        self._stopped, self._forgotten = True, forget
        if self._life is not None:
            self._life.cancel()

    async def run(self) -> None:
        if self._stopped:
            return
        self._life = asyncio.current_task()
        try:
            while not (self._batches.is_at_its_end or self.is_lost):
                self._woken.clear()
                await self._read()
                self._handing.begin()
                await self._sleep()
            if not self.is_lost:
                self._keep(self.kept.at_its_end())
        finally:
            self.is_lost = self.is_lost or not self.is_over  # if it failed: there will be another
            self._life = None
            self._account()
            self._reading.changed(self)

    # --- reading --------------------------------------------------------------------------------

    async def _read(self) -> None:
        """Once, if it is time and there is room."""
        loop, now = asyncio.get_running_loop(), time.time()
        is_time = loop.time() >= self._next_read or self._is_window_over(now)
        if not self._batches.room or not is_time:
            return
        full = self._parts.held.full
        if full and self._batches.held:
            self._next_read = loop.time() + POLL_S
            return
        self._has_news = False
        try:
            wait_s = await self._records(1 if full else self._batches.room, now)
            if self._troubles:
                self._reading.trouble("")
            self._troubles = 0
        except Expired:
            self._iterator, wait_s = None, 0.0
        except Unknown:
            log.warning("checkpoint unknown to the stream", extra=self._facts(sequence=self._last))
            self._iterator = self._last = None
            wait_s = 0.0
        except (Busy, Unreachable, calls.Refused) as error:
            wait_s = self._troubled(error)
        self._next_read = 0.0 if self._has_news else loop.time() + wait_s
        self._account()

    def _is_window_over(self, now: float) -> bool:
        """And was not read since? If reading fails, it is not tried any sooner for that."""
        ends = self._batches.window_end()
        return ends is not None and ends <= now and not self._troubles

    async def _records(self, most: int, now: float) -> float:
        """The next ones. Say how long to wait for more."""
        reading, source = self._reading, self._reading.source
        start = reading.receiver.settings.start
        if self._iterator is None:
            self._iterator = await source.iterator(self.shard, start, self._last)
        found = await source.read(self._iterator, most)
        self._iterator, self._is_latest = found.next, found.is_latest or found.next is None
        of, polled, unwanted = self._of(), 0, 0
        for number, given in enumerate(found.records):
            record = stream_records.record(of, reading.filters, given)
            self._last = record.sequence
            if start.has(record.arrived):
                self._batches.add([record], time.time())
                polled, unwanted = polled + 1, unwanted + (not record.body)
            if reading.filters or number % TURN == 0:
                await asyncio.sleep(0)  # others' turn: a record may be large
        reading.receiver.count("PolledEventCount", polled)
        reading.receiver.count("FilteredOutEventCount", unwanted)
        if found.next is None:
            self._batches.close()
        if found.is_latest:
            self._batches.caught_up(now)
            return TOLD_S if source.is_embedded else POLL_S
        return 0.0 if source.is_embedded else BETWEEN_S

    def _troubled(self, error: Exception) -> float:
        self._troubles += 1
        if isinstance(error, calls.Refused) and error.code == "ResourceNotFoundException":
            self.is_lost = True
        if not isinstance(error, Busy):
            self._reading.trouble(f"PROBLEM: {error}")
            if self._troubles == 1:
                log.warning("cannot read a shard", extra=self._facts(reason=str(error)))
        return retry_s(self._troubles)

    async def _sleep(self) -> None:
        """Until something happens, or is to be done."""
        if self._batches.is_at_its_end or self.is_lost:
            return
        loop, now = asyncio.get_running_loop(), time.time()
        delays = [self._next_read - loop.time()] if self._batches.room else []
        due, ends = self._batches.due(), self._batches.window_end()
        if due is not None:
            delays.append(due - now)
        if ends is not None and (ends > now or not self._troubles):
            delays.append(ends - now)
        try:
            async with asyncio.timeout(max(min(delays), 0.0) if delays else None):
                await self._woken.wait()
        except TimeoutError:
            pass

    # --- both -----------------------------------------------------------------------------------

    def _ended(self) -> None:
        self._keep(replace(self.kept, checkpoint=self._batches.checkpoint))
        self._account()
        self._woken.set()
        self._reading.changed(self)

    def _keep(self, kept: Kept) -> None:
        if kept != self.kept and not self._forgotten:
            self.kept = kept
            self._parts.checkpoints.put(self._reading.receiver.mapping.uuid, self.shard, kept)

    def _account(self) -> None:
        """For the memory of all pollers together."""
        holds = self._batches.held if self._life is not None or self.busy else 0
        self._parts.held.take(holds - self._held)
        if holds < self._held:
            self._parts.held.give(0)  # somebody may wait for it
        self._held = holds

    def _of(self) -> Source:
        mapping = self._reading.receiver.mapping
        try:
            role = self._reading.receiver.target().role
        except ServiceError:
            role = ""
        return Source(mapping.service, mapping.arn, self.shard, role)

    def _facts(self, **more: object) -> dict[str, object]:
        mapping = self._reading.receiver.mapping
        return {
            "mapping": mapping.uuid, "function": mapping.function.name, "shard": self.shard, **more
        }  # fmt: skip
