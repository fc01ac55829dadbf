"""Event source mappings with their true neighbours (store, catalog, queues). What runs functions is
in the test's hand, and so are the streams (tests/stream_world.py)."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from stoker.core import event_sources, kafka_settings
from stoker.core.errors import ServiceException
from stoker.core.limits import POLLED_BYTES
from stoker.core.message_attributes import Value
from stoker.core.neighbours import Endpoints
from stoker.core.queue_rules import QueueKey
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.stream_shards import Kept
from stoker.events.deliveries import Deliveries, Message
from stoker.events.mappings import Mappings
from stoker.neighbours.neighbours import Neighbours
from stoker.queues.broker import Broker, Outgoing, Queue
from stoker.store.message_store import MessageContent, MessageStore
from tests.eventing import ACCOUNT, PATIENCE_S, REGION, Run, Scene, scene


@dataclass
class Polling:
    events: Scene
    broker: Broker
    mappings: Mappings
    told: list[Message]  # of discarded records
    _records: dict[ResourceKey, dict[str, Any]] = field(default_factory=dict)

    async def queue(self, name: str = "q", **attributes: str) -> Queue:
        return await self.broker.create(QueueKey(ACCOUNT, REGION, name), attributes, {})

    async def send(
        self, queue: Queue, *bodies: str, group: str | None = None, trace: str = ""
    ) -> None:
        facts = {"AWSTraceHeader": trace} if trace else {}
        values: dict[str, Value] = {}
        contents = [MessageContent(str(uuid.uuid4()), body, values, facts) for body in bodies]
        outgoing = [Outgoing(one, len(one.body), 0.0, group, one.message_id) for one in contents]
        await self.broker.send(queue, outgoing)

    async def map(self, name: str = "q", **said: Any) -> ResourceKey:
        """A new mapping of the queue to function f."""
        arn = QueueKey(ACCOUNT, REGION, name).arn
        return await self._map({"service": "sqs", "EventSourceArn": arn, "BatchSize": 10, **said})

    async def map_stream(self, arn: str, function: str = "f", **said: Any) -> ResourceKey:
        """A new mapping of the stream to a function."""
        asked = {"EventSourceArn": arn, "StartingPosition": "TRIM_HORIZON", **said}
        made = event_sources.made(asked, arn.split(":")[2])
        return await self._map({**made, "function": function, "since": time.time()})

    async def map_topic(self, server: str, topic: str = "topic", **said: Any) -> ResourceKey:
        """A new mapping of a topic of Kafka to function f."""
        asked = {
            "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": [server]}},
            "Topics": [topic],
            "StartingPosition": "TRIM_HORIZON",
            **said,
        }
        made = event_sources.made(asked, kafka_settings.SERVICE)
        return await self._map({**made, "since": time.time()})

    async def _map(self, record: Mapping[str, Any]) -> ResourceKey:
        key = ResourceKey(ACCOUNT, REGION, Kind.MAPPING, str(uuid.uuid4()))
        self._records[key] = {
            "function": "f",
            "qualifier": None,
            "enabled": True,
            "modified": time.time(),
            "MaximumBatchingWindowInSeconds": 0,
            **record,
        }
        async with self.events.store.transaction() as tx:
            await tx.resources.add(Resource(key, "r", self._records[key]))
        return key

    @property
    def held(self) -> int:
        """Bytes in the hands of all pollers."""
        return POLLED_BYTES - self.mappings._parts.held._left

    def counting(self) -> dict[str, float]:
        """What becomes of the events of mappings that ask for EventCount, from now on."""
        found: dict[str, float] = {}

        def measure(_account: str, _region: str, _mapping: str, metric: str, many: float) -> None:
            found[metric] = found.get(metric, 0) + many

        self.events.dispatcher.counts.measure_mapping = measure
        return found

    async def unmap(self, key: ResourceKey) -> None:
        async with self.events.store.transaction() as tx:
            await tx.resources.remove(key)

    async def kept(self, key: ResourceKey) -> dict[str, Kept]:
        """Of each shard, what is on the disk."""
        async with self.events.store.transaction() as tx:
            found = await tx.checkpoints.of(key.id)
        return {shard: Kept.load(one) for shard, one in found.items()}

    async def change(self, key: ResourceKey, **said: Any) -> None:
        self._records[key] |= said
        async with self.events.store.transaction() as tx:
            await tx.resources.put(Resource(key, "r", self._records[key]), expected="r")

    async def run(self) -> Run:
        return await self.events.run()

    def show_again(self, queue: Queue) -> None:
        """The visibility timeout of the oldest message, which is in flight, is over."""
        oldest = next(iter(queue.line.all.values()))
        self.broker.keep_hidden(queue, oldest, 0)

    async def time_for_more(self) -> None:
        """The disk of the queues goes round a few times; what may be received then would be."""
        for number in range(5):
            await self.queue(f"other-{number}")

    async def empty(self, queue: Queue) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while queue.line.all:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


def bodies(run: Run) -> list[str]:
    return [one["body"] for one in json.loads(run.invocation.event)["Records"]]


class Nobody:
    """In place of the embedded neighbours: others answer for all that is asked."""

    async def close(self) -> None:
        pass


@asynccontextmanager
async def polling(
    folder: Path, *, limit: int = 1000, streams: str = "", scale: float = 1.0
) -> AsyncIterator[Polling]:
    """`streams`: where Kinesis is, "http://127.0.0.1:1234"; `scale`: of retries and ages."""
    async with scene(folder, limit=limit) as events:
        endpoints = Endpoints({"kinesis": streams, "dynamodb": streams}, embedded=False)
        neighbours = Neighbours(endpoints, cast(Any, Nobody()))
        deliveries = Deliveries()
        told: list[Message] = []

        async def take(message: Message) -> None:
            told.append(message)

        deliveries.through("sqs", take)
        deliveries.through("s3", take)
        broker = Broker(MessageStore(folder / "queues.db"))
        await broker.open()
        mappings = Mappings(
            broker=broker,
            invoker=cast(Any, events.waist),
            catalog=events.dispatcher._catalog,
            dispatcher=events.dispatcher,
            neighbours=neighbours,
            deliveries=deliveries,
            polled=frozenset({"sqs", "kinesis", "dynamodb", kafka_settings.SERVICE}),
            scale=scale,
            begin=lambda _target, given: (given or "Root=1-2-3", ""),
        )
        await mappings.start(events.store)
        try:
            yield Polling(events, broker, mappings, told)
        finally:
            mappings.pause()
            for one in events.waist.awaited:  # a test that failed has left some
                if not one.done():
                    one.set_result(ServiceException("The test is over."))
            await mappings.close()
            await broker.close()
            await neighbours.close()
