"""Reads one topic of a Kafka cluster for one function, as a member of a consumer group.

    partitions, offsets ──► divided (core/kafka_partitions.py) ──► a PartitionReader each
          ▲                                                              │
          └── offsets are committed to the group ◄── a batch is done ────┘

How far each partition was read is with the group, in the cluster: there another life of ours goes
on, and so does whoever else joins the group. What was done and not committed comes again.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from stoker.core.discarded import Discarded
from stoker.core.event_matching import Filters
from stoker.core.event_sources import EventSourceMapping
from stoker.core.kafka_partitions import divided
from stoker.core.kafka_records import Partition
from stoker.core.kafka_settings import TO_TOPIC
from stoker.core.lag import Lag, together
from stoker.core.queue_batches import retry_s
from stoker.events.acting import actor
from stoker.events.deliveries import DELIVERY_S
from stoker.events.deliveries import Failed as NotDelivered
from stoker.events.handing_over import Receiver
from stoker.events.kafka_access import Trouble, secured
from stoker.events.partition_reader import PartitionReader
from stoker.events.polling import Parts

if TYPE_CHECKING:
    from stoker.events.kafka_cluster import KafkaCluster

log = logging.getLogger(__name__)

FETCHED = 256  # records at a time
LOOK_S = 10.0  # then the cluster is asked whether it is still there
AGAIN_S = 1.0  # before what could not be done (commits; memory was full) is tried again
UNTOUCHED = "No records processed"


class KafkaPoller:
    """`run()` is its life, until `stop()`; what is at the function then is finished, and counts."""

    def __init__(
        self, mapping: EventSourceMapping, parts: Parts, after: Sequence["KafkaPoller"] = ()
    ) -> None:
        """`after`: earlier ones of the same mapping, whose batches are waited for."""
        assert mapping.kafka is not None and mapping.stream is not None
        self.mapping = mapping
        self.is_starting = True
        self._settings = mapping.kafka
        self._start = mapping.stream.start
        self._processing = UNTOUCHED  # what came of the last batch
        self._trouble = ""  # why nothing can be read
        self._parts = parts
        self._after = after
        self._filters = Filters(mapping.filters)
        self._receiver = Receiver(
            mapping=mapping, settings=mapping.stream, parts=parts, report=self._report
        )
        self._reached: KafkaCluster | None = None
        self._readers: dict[int, PartitionReader] = {}
        self._ending: list[PartitionReader] = []  # not ours any more, but at the function
        self._undivided = asyncio.Event()  # partitions are ours, and nothing is done about it yet
        self._commit_after = 0.0  # on the loop's clock
        self._woken = asyncio.Event()
        self._fetching: asyncio.Timeout | None = None
        self._joining: asyncio.Timeout | None = None
        self._quiet = asyncio.Event()
        self._stopping = asyncio.Event()
        self._over = False

    @property
    def result(self) -> str:
        """As LastProcessingResult says it."""
        return self._trouble or self._processing

    @property
    def _stopped(self) -> bool:
        return self._stopping.is_set()

    @property
    def busy(self) -> bool:
        """Records are at the function."""
        return any(reader.busy for reader in (*self._readers.values(), *self._ending))

    def lag(self) -> Lag:
        cluster = self._reached
        return together(
            reader.lag(None if cluster is None else cluster.end(number))
            for number, reader in self._readers.items()
        )

    def look(self) -> None:
        """The function is another now."""
        for reader in self._readers.values():
            reader.look()

    def stop(self) -> None:
        self._stopping.set()
        for reader in self._readers.values():
            reader.stop()
        _end(self._joining)
        self._wake()

    async def idle(self) -> None:
        """Until nothing of it is at the function, and the group knows."""
        while not self._over:
            self._quiet.clear()
            await self._quiet.wait()

    async def run(self) -> None:
        troubles = 0
        try:
            for one in self._after:
                await one.idle()
            self._after = ()
            while not self._stopped:
                try:
                    await self._live()
                    troubles = 0
                except Trouble as trouble:
                    troubles = 1 if not self._trouble else troubles + 1
                    self._troubled(str(trouble))
                    await self._taken()
                    await self._pause(retry_s(troubles))
        finally:
            if not self._stopped:
                self._troubled("Stoker's poller has failed; the server's log says why.")
            for reader in self._readers.values():
                reader.stop()
            for reader in (*self._readers.values(), *self._ending):
                await reader.idle()
            self._over = True
            self._quiet.set()

    # --- one membership -------------------------------------------------------------------------

    async def _live(self) -> None:
        """From joining the group until there is no more to do in it. Raise Trouble."""
        cluster = await self._cluster()
        self._reached = cluster
        try:
            try:
                async with asyncio.timeout(None) as self._joining:
                    await cluster.start()
            except TimeoutError:
                return  # it was stopped
            finally:
                self._joining = None
            while not self._stopped or self.busy:
                self._woken.clear()
                if self._undivided.is_set():
                    await self._divide(cluster)
                await self._commit(cluster)
                await self._fetch(cluster)
            await self._commit(cluster)
        finally:
            self._reached = None
            await cluster.close()

    async def _cluster(self) -> "KafkaCluster":
        module = await asyncio.to_thread(_kafka_cluster)
        parts, key = self._parts, self.mapping.function
        who = actor(parts.catalog, key)
        security = await secured(parts.neighbours, who, key.region, self._settings.access)
        return module(self._settings, security, taken=self._taken, given=self._given)

    async def _taken(self) -> None:
        for reader in self._readers.values():
            reader.wait(True)

    def _given(self) -> None:
        self._undivided.set()
        self._wake()

    async def _divide(self, cluster: "KafkaCluster") -> None:
        ours = cluster.partitions
        self._undivided.clear()
        self._commit_after = 0.0
        held = {
            number: {reader.acknowledged, reader.committing}
            for number, reader in self._readers.items()
        }
        division = divided(held, ours, await cluster.committed(ours))
        begun = {**division.begun}
        if division.unread:
            begun |= await cluster.first(division.unread, self._start)
        if self._undivided.is_set():
            return  # it was divided once more meanwhile
        for number in self._readers.keys() - division.kept:
            reader = self._readers.pop(number)
            reader.stop()
            self._ending.append(reader)
        for number, offset in begun.items():
            self._begin(number, offset, division.begun.get(number))
        for reader in self._readers.values():
            reader.wait(False)
        cluster.seek({number: reader.next for number, reader in self._readers.items()})
        if division.begun and self._processing == UNTOUCHED:
            self._processing = "OK"  # an earlier life has processed some
        self._troubled("")
        self.is_starting = False

    def _begin(self, number: int, offset: int, committed: int | None) -> None:
        if self._stopped:
            return
        partition = Partition(self._settings.bootstrap, self._settings.topic, number)
        earlier = [one for one in self._ending if one.partition == partition and one.busy]
        to_topic = self._receiver.settings.on_failure.startswith(TO_TOPIC)
        reader = self._readers[number] = PartitionReader(
            self._receiver,
            partition,
            offset,
            filters=self._filters,
            tell=partial(self._tell_topic, partition) if to_topic else None,
            changed=self._wake,
            after=earlier[-1] if earlier else None,
        )
        reader.acknowledged = reader.committing = committed
        self._parts.tasks.start(reader.run(), f"reader of {partition.place}")

    async def _commit(self, cluster: "KafkaCluster") -> None:
        """Also where a partition begins that nobody has read: LATEST stays where it was."""
        self._ending = [one for one in self._ending if one.busy]
        loop = asyncio.get_running_loop()
        offsets = {
            number: reader.done
            for number, reader in self._readers.items()
            if reader.done != reader.acknowledged
        }
        if not offsets or self._undivided.is_set() or loop.time() < self._commit_after:
            return
        from stoker.events.kafka_cluster import Moved  # it is there, by now

        for number, offset in offsets.items():
            self._readers[number].committing = offset
        try:
            await cluster.commit(offsets)
        except Moved:
            self._commit_after = loop.time() + AGAIN_S
            return
        for number, offset in offsets.items():
            if number in self._readers:
                self._readers[number].acknowledged = offset
        self._parts.counts.lagging(self.mapping.function, self.lag().records)

    async def _fetch(self, cluster: "KafkaCluster") -> None:
        """What there is for those who have room; or wait until something has changed."""
        if self._woken.is_set() or self._undivided.is_set():
            return
        ready = [
            number
            for number, reader in self._readers.items()
            if not self._stopped and reader.has_room
        ]
        found = {}
        loop, full = asyncio.get_running_loop(), self._parts.held.full
        wait_s = AGAIN_S if full else LOOK_S
        if self._commit_after > loop.time():
            wait_s = self._commit_after - loop.time()
        try:
            async with asyncio.timeout(wait_s) as self._fetching:
                if ready:
                    found = await cluster.fetch(ready, 1 if full else FETCHED, 2 * LOOK_S)
                else:
                    await self._woken.wait()
        except TimeoutError:
            pass
        finally:
            self._fetching = None
        if not (found or full or self._woken.is_set() or self._stopped):
            await self._check(cluster)
        if self._undivided.is_set():
            return  # they may be another's: what was fetched is found again
        for number, records in found.items():
            if number in self._readers:
                await self._readers[number].add(records)

    async def _check(self, cluster: "KafkaCluster") -> None:
        """Nothing has come for a while: is anybody there? It is left when there is more to do."""
        try:
            async with asyncio.timeout(None) as self._fetching:
                await cluster.check()
        except TimeoutError:
            pass
        finally:
            self._fetching = None

    # --- both -----------------------------------------------------------------------------------

    async def _tell_topic(self, partition: Partition, told: Discarded) -> None:
        """Of the same cluster, as AWS wants it. Raise NotDelivered."""
        topic = self._receiver.settings.on_failure.removeprefix(TO_TOPIC)
        records = await asyncio.to_thread(partition.for_topic, told)
        try:
            async with asyncio.timeout(DELIVERY_S):
                await (await self._cluster()).produce(topic, records)
        except (Trouble, TimeoutError) as error:
            raise NotDelivered(f"{topic}: {error}") from error

    def _wake(self) -> None:
        self._woken.set()
        _end(self._fetching)

    async def _pause(self, seconds: float) -> None:
        """Before another try."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass

    def _report(self, result: str) -> None:
        self._processing = result

    def _troubled(self, reason: str) -> None:
        self.is_starting = False
        if reason and not self._trouble:
            log.warning("cannot poll", extra=self._facts(reason=reason))
        self._trouble = f"PROBLEM: {reason}" if reason else ""

    def _facts(self, **more: object) -> dict[str, object]:
        mapping = self.mapping
        return {"mapping": mapping.uuid, "function": mapping.function.name, **more}


def _end(waiting: asyncio.Timeout | None) -> None:
    if waiting is not None and not waiting.expired():
        waiting.reschedule(0)


def _kafka_cluster() -> type["KafkaCluster"]:
    """Takes a while."""
    from stoker.events.kafka_cluster import KafkaCluster

    return KafkaCluster
