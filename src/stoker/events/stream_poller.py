"""Polls one stream for one function: finds its shards, and has a reader for each that may be read.

    identity, shards ──► readable (core/stream_shards.py) ──► a ShardReader each
          ▲                                                      │
          └── a shard has ended: its children may be read ◄──────┘

How far each shard was read is in the store, so that another life goes on there. A stream that was
made anew under the same name has nothing to do with what was read of the old one.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

from stoker.core.event_matching import Filters
from stoker.core.event_sources import EventSourceMapping
from stoker.core.lag import Lag, together
from stoker.core.stream_shards import Kept, readable
from stoker.events.acting import actor
from stoker.events.handing_over import Receiver
from stoker.events.polling import Parts
from stoker.events.shard_reader import Reading, ShardReader
from stoker.events.stream_source import Busy, StreamSource
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.store.base import StoreUnavailable

log = logging.getLogger(__name__)

RELIST_S = 60.0  # shards change seldom, and those who end say so
ABSENT_S = 5.0  # before a stream that is not there is asked for again
UNTOUCHED = "No records processed"


class StreamPoller:
    """`run()` is its life, until `stop()`; what is at the function then is finished."""

    def __init__(
        self, mapping: EventSourceMapping, parts: Parts, after: Sequence["StreamPoller"] = ()
    ) -> None:
        """`after`: earlier ones of the same mapping, whose batches are waited for."""
        assert mapping.stream is not None
        self.mapping = mapping
        self.is_starting = True
        self._processing = UNTOUCHED  # what came of the last batch
        self._trouble = ""  # why nothing can be read
        self._parts = parts
        self._after = after
        key = mapping.function
        as_its_role = partial(actor, parts.catalog, key)
        self._source = StreamSource(parts.neighbours, as_its_role, key.region, mapping.arn)
        receiver = Receiver(
            mapping=mapping, settings=mapping.stream, parts=parts, report=self._report
        )
        self._reading = Reading(
            receiver=receiver,
            source=self._source,
            filters=Filters(mapping.filters),
            trouble=self._troubled,
            changed=self._changed,
        )
        self._identity: str | None = None
        self._kept: dict[str, Kept] = {}
        self._readers: dict[str, ShardReader] = {}
        self._again = asyncio.Event()
        self._quiet = asyncio.Event()  # something has ended
        self._lost = False  # a reader has lost its shard
        self._stopped = False
        self._life: asyncio.Task[None] | None = None

    @property
    def result(self) -> str:
        """As LastProcessingResult says it."""
        return self._trouble or self._processing

    @property
    def busy(self) -> bool:
        """Records are at the function."""
        return any(reader.busy for reader in self._readers.values())

    def lag(self) -> Lag:
        return together(reader.lag for reader in self._readers.values())

    def reads(self, stream: str) -> bool:
        """Is it this one's poller, be it through a consumer?"""
        return self.mapping.arn.partition("/consumer/")[0] == stream

    def look(self) -> None:
        """The function is another now."""
        for reader in self._readers.values():
            reader.look()

    def wake(self, shard: str) -> None:
        """The shard has records; "": the stream is not what it was."""
        if not shard:
            self._again.set()
        for reader in self._readers.values():
            if shard in ("", reader.shard):
                reader.wake()

    def stop(self) -> None:
        self._stopped = True
        if self._life is not None:
            self._life.cancel()
        for reader in self._readers.values():
            reader.stop()
        self._quiet.set()

    async def idle(self) -> None:
        """Until nothing of it is at the function."""
        while self.busy:
            self._quiet.clear()
            await self._quiet.wait()

    async def run(self) -> None:
        if self._stopped:
            return
        self._life = asyncio.current_task()
        try:
            for one in self._after:
                await one.idle()
            self._after = ()
            while True:
                self._again.clear()
                await self._wait(await self._looked_round())
                if self._lost:
                    self._lost = False
                    self._again.clear()
                    await self._wait(ABSENT_S)
        finally:
            self._life = None

    async def _wait(self, seconds: float) -> None:
        """Or until there is reason to look again."""
        try:
            async with asyncio.timeout(seconds):
                await self._again.wait()
        except TimeoutError:
            pass

    async def _looked_round(self) -> float:
        """Have a reader for each shard that may be read. Say when to look again."""
        try:
            await self._recognise(await self._source.identity())
            shards = await self._source.shards()
        except Busy:
            return ABSENT_S
        except (Refused, Unreachable, StoreUnavailable) as error:
            if not self._trouble:
                log.warning("cannot poll", extra=self._facts(reason=str(error)))
            self._troubled(f"PROBLEM: {error.message if isinstance(error, Refused) else error}")
            return ABSENT_S
        finally:
            self.is_starting = False
        self._troubled("")
        listed = {shard.id for shard in shards}
        for gone in [shard for shard in self._kept if shard not in listed]:
            del self._kept[gone]
            self._parts.checkpoints.put(self.mapping.uuid, gone, None)
        ended = {shard for shard, kept in self._kept.items() if kept.ended}
        for shard in readable(shards, ended):
            if shard not in self._readers:
                self._read(shard)
        return RELIST_S

    async def _recognise(self, identity: str) -> None:
        """Load what is known of this stream, if it is not the one that we have."""
        if identity == self._identity:
            return
        for reader in self._readers.values():
            reader.stop(forget=True)
        await self.idle()
        self._readers.clear()
        kept = await self._parts.checkpoints.of(self.mapping.uuid)
        self._kept = {shard: one for shard, one in kept.items() if one.stream == identity}
        if len(self._kept) < len(kept):
            log.warning("stream was made anew; it is read from StartingPosition",
                        extra=self._facts(stream=self.mapping.arn))  # fmt: skip
            for shard in kept.keys() - self._kept.keys():
                self._parts.checkpoints.put(self.mapping.uuid, shard, None)
        if self._kept and self._processing == UNTOUCHED:
            self._processing = "OK"  # an earlier life has processed some
        self._identity = identity

    def _read(self, shard: str) -> None:
        assert self._identity is not None
        kept = self._kept.get(shard) or Kept(self._identity)
        reader = self._readers[shard] = ShardReader(self._reading, shard, kept)
        self._parts.tasks.start(reader.run(), f"reader of {shard}")

    def _changed(self, reader: ShardReader) -> None:
        self._quiet.set()
        if self._readers.get(reader.shard) is not reader or reader.busy or not reader.is_over:
            return
        if not self._stopped:
            del self._readers[reader.shard]
            self._kept[reader.shard] = reader.kept
            self._lost = self._lost or reader.is_lost
            self._again.set()

    def _report(self, result: str) -> None:
        self._processing = result

    def _troubled(self, reason: str) -> None:
        self._trouble = reason

    def _facts(self, **more: object) -> dict[str, object]:
        mapping = self.mapping
        return {"mapping": mapping.uuid, "function": mapping.function.name, **more}
