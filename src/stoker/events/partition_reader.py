"""Hands the records of one partition of a Kafka topic to a function, in their order.

KafkaPoller ──► add ──► ShardBatches ──► HandingOver ──► offset, which KafkaPoller commits
                    (core/stream_batches.py decides)
"""

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace

from stoker.core.event_matching import Filters
from stoker.core.kafka_partitions import following
from stoker.core.kafka_records import Given, Partition
from stoker.core.lag import Lag
from stoker.core.stream_batches import ShardBatches
from stoker.events.handing_over import HandingOver, Receiver, Tell

TURN = 16  # records


class PartitionReader:
    """`run()` is its life, until `stop()`; what is at the function then is finished, and counts."""

    def __init__(
        self,
        receiver: Receiver,
        partition: Partition,
        begin: int,
        *,
        filters: Filters,
        tell: Tell | None,
        changed: Callable[[], None],
        after: "PartitionReader | None" = None,
    ) -> None:
        """Begins with the record of that offset. `changed` is called when a batch has come to its
        end. `after`: an earlier one of the same partition, whose batch is waited for."""
        self.partition = partition
        self.next = begin  # to be read
        self.acknowledged: int | None = None  # the group has it
        self.committing: int | None = None  # the group may have it
        self._receiver = receiver
        self._parts = receiver.parts
        rules = replace(receiver.settings.rules, scale=self._parts.scale)
        self._batches = ShardBatches(rules)
        self._handing = HandingOver(receiver, self._batches, lambda: partition, self._ended, tell)
        self._begin = begin
        self._filters = filters
        self._changed = changed
        self._after = after
        self._held = 0
        self._woken = asyncio.Event()
        self._quiet = asyncio.Event()
        self._stopped = self._waits = False

    @property
    def busy(self) -> bool:
        """Something is at the function."""
        return self._handing.busy

    @property
    def done(self) -> int:
        """The offset before which all is."""
        return following(self._batches.checkpoint.sequence) or self._begin

    @property
    def has_room(self) -> bool:
        """For more records; if the memory of all is full, for one, to go on."""
        full = self._parts.held.full
        return self._batches.room > 0 and not (full and self._batches.held)

    def lag(self, end: int | None) -> Lag:
        """`end`: the offset behind the topic's last record, if that is known."""
        unread = 0 if end is None else max(0, end - self.next)
        return self._batches.lag(more=end is None, besides=unread)

    async def add(self, records: Iterable[Given]) -> None:
        polled = unwanted = 0
        for number, given in enumerate(records):
            self.next = given.offset + 1
            record = self.partition.record(self._filters, given)
            self._batches.add([record], time.time())
            polled, unwanted = polled + 1, unwanted + (not record.body)
            if self._filters or number % TURN == 0:
                await asyncio.sleep(0)  # others' turn: a record may be large
        self._receiver.count("PolledEventCount", polled)
        self._receiver.count("FilteredOutEventCount", unwanted)
        self._account()
        self._woken.set()

    def look(self) -> None:
        """The function is another now."""
        self._batches.hurry()
        self._woken.set()

    def wait(self, waits: bool) -> None:
        """Begin nothing, as long as it is not known whose the partition will be."""
        self._waits = waits
        self._woken.set()

    def stop(self) -> None:
        self._stopped = True
        self._woken.set()

    async def idle(self) -> None:
        """Until nothing of it is at the function."""
        while self.busy:
            self._quiet.clear()
            await self._quiet.wait()

    async def run(self) -> None:
        if self._after is not None:
            await self._after.idle()
            self._after = None
        while not self._stopped:
            self._woken.clear()
            if not self._waits:
                self._handing.begin()
            await self._sleep()
        self._account()

    async def _sleep(self) -> None:
        """Until something happens, or a batch is due."""
        due = None if self._waits else self._batches.due()
        try:
            async with asyncio.timeout(None if due is None else max(due - time.time(), 0.0)):
                await self._woken.wait()
        except TimeoutError:
            pass

    def _ended(self) -> None:
        self._account()
        self._woken.set()
        self._quiet.set()
        self._changed()

    def _account(self) -> None:
        """For the memory of all pollers together."""
        holds = 0 if self._stopped and not self.busy else self._batches.held
        self._parts.held.take(holds - self._held)
        if holds < self._held:
            self._parts.held.give(0)  # somebody may wait for it
        self._held = holds
