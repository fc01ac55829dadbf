"""Event source mappings that are wanted have a poller. Follows every committed change.

The embedded SQS's queues are polled (events/queue_poller.py), and Kinesis's and DynamoDB's streams
(events/stream_poller.py), and topics of Kafka (events/kafka_poller.py).
"""

import logging
from collections.abc import Callable

from stoker.core.aliases import AliasKey
from stoker.core.event_sources import EventSourceMapping
from stoker.core.invocation import Target
from stoker.core.lag import Lag
from stoker.core.model import FunctionKey
from stoker.core.queue_rules import QueueKey
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.versions import VersionKey
from stoker.events.checkpoints import Checkpoints
from stoker.events.deliveries import Deliveries
from stoker.events.dispatcher import Dispatcher
from stoker.events.kafka_poller import KafkaPoller
from stoker.events.polling import Parts
from stoker.events.queue_poller import QueuePoller
from stoker.events.stream_poller import StreamPoller
from stoker.invoke.catalog import Catalog
from stoker.invoke.invoker import Invoker
from stoker.invoke.tasks import Tasks
from stoker.neighbours.neighbours import Neighbours
from stoker.queues.broker import Broker
from stoker.store.base import Aggregate, Key, Store

log = logging.getLogger(__name__)

Poller = QueuePoller | StreamPoller | KafkaPoller


class Mappings:
    """`await start()`; `pause()` when the server begins to stop; `await close()` at the end."""

    def __init__(
        self,
        *,
        broker: Broker,
        invoker: Invoker,
        catalog: Catalog,
        dispatcher: Dispatcher,
        neighbours: Neighbours,
        deliveries: Deliveries,
        polled: frozenset[str],
        scale: float,
        begin: Callable[[Target, str | None], tuple[str, str]],
    ) -> None:
        """`polled`: the services whose mappings run. `begin`: the trace header of an invocation,
        and the span before it, from the header that came with it."""
        self._polled = polled
        self._parts = Parts(
            broker=broker,
            neighbours=neighbours,
            deliveries=deliveries,
            checkpoints=Checkpoints(),
            scale=scale,
            invoker=invoker,
            catalog=catalog,
            settings=dispatcher.settings,
            counts=dispatcher.counts,
            begin=begin,
        )
        self._writing = Tasks()
        self._pollers: dict[ResourceKey, Poller] = {}
        self._ending: dict[ResourceKey, list[Poller]] = {}  # still have batches under way
        self._paused = False

    async def start(self, store: Store) -> None:
        """Call when functions can be invoked. Raise StoreUnavailable."""
        self._parts.broker.when_created(self._queue_made)
        self._parts.checkpoints.open(store)
        self._writing.start(self._parts.checkpoints.run(), "checkpoints")
        async with store.transaction() as tx:
            for resource in await tx.resources.every(Kind.MAPPING):
                self.change(resource.key, resource)
            store.watch(self.change)

    def pause(self) -> None:
        """Receive nothing more; what is at functions is finished."""
        self._paused = True
        for poller in self._pollers.values():
            poller.stop()

    async def close(self) -> None:
        """Call when the invoker has closed."""
        self.pause()
        await self._parts.tasks.close()
        self._parts.checkpoints.close()
        await self._writing.close()

    def change(self, key: Key, now: Aggregate | None) -> None:
        match key:
            case ResourceKey(kind=Kind.MAPPING):
                self._follow(key, now if isinstance(now, Resource) else None)
            case FunctionKey():
                self._look(key)
            case VersionKey() | AliasKey():
                self._look(key.function)
            case _:
                pass

    def disabling(self, key: ResourceKey) -> bool:
        """It is to end, and has batches at its function."""
        left = [poller for poller in self._ending.pop(key, ()) if poller.busy]
        if left:
            self._ending[key] = left
        return bool(left) and key not in self._pollers

    def starting(self, key: ResourceKey) -> bool:
        """Its poller has not found its stream or topic yet."""
        poller = self._pollers.get(key)
        return isinstance(poller, StreamPoller | KafkaPoller) and poller.is_starting

    def result(self, key: ResourceKey) -> str:
        """What came of it, if that is to be said."""
        poller = self._pollers.get(key)
        return "" if poller is None else poller.result

    def lag(self, key: ResourceKey) -> Lag | None:
        """How far it is behind; None: nobody polls, or it is a queue, which knows itself."""
        poller = self._pollers.get(key)
        return None if poller is None or isinstance(poller, QueuePoller) else poller.lag()

    def stream_changed(self, arn: str, shard: str) -> None:
        """There are records; with no shard: it was made, or its shards are others now."""
        for poller in self._pollers.values():
            if isinstance(poller, StreamPoller) and poller.reads(arn):
                poller.wake(shard)

    def _follow(self, key: ResourceKey, now: Resource | None) -> None:
        mapping = None if now is None else EventSourceMapping.load(now)
        if mapping is not None and (mapping.service not in self._polled or not mapping.enabled):
            mapping = None
        before = self._pollers.get(key)
        if self._paused or (before is not None and before.mapping == mapping):
            return
        ending = [poller for poller in self._ending.pop(key, ()) if poller.busy]
        if before is not None:
            del self._pollers[key]
            before.stop()
            ending.append(before)
        if now is not None and ending:
            self._ending[key] = ending
        if mapping is not None:
            poller = self._pollers[key] = self._poller(mapping, ending)
            self._parts.tasks.start(poller.run(), f"poller {key.id}")

    def _poller(self, mapping: EventSourceMapping, before: list[Poller]) -> Poller:
        if mapping.kafka is not None:
            topics = [poller for poller in before if isinstance(poller, KafkaPoller)]
            return KafkaPoller(mapping, self._parts, topics)
        if mapping.stream is None:
            return QueuePoller(mapping, self._parts)
        streams = [poller for poller in before if isinstance(poller, StreamPoller)]
        return StreamPoller(mapping, self._parts, streams)

    def _look(self, function: FunctionKey) -> None:
        for poller in self._pollers.values():
            if poller.mapping.function == function:
                poller.look()

    def _queue_made(self, key: QueueKey) -> None:
        for poller in self._pollers.values():
            if isinstance(poller, QueuePoller) and poller.mapping.arn == key.arn:
                poller.look()
