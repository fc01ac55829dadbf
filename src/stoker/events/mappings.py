"""Event source mappings that are wanted have a poller. Follows every committed change.

Only the embedded SQS's queues are polled (events/queue_poller.py).
"""

import logging
from collections.abc import Callable

from stoker.core.aliases import AliasKey
from stoker.core.event_sources import EventSourceMapping
from stoker.core.invocation import Target
from stoker.core.model import FunctionKey
from stoker.core.queue_rules import QueueKey
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.versions import VersionKey
from stoker.events.dispatcher import Dispatcher
from stoker.events.queue_poller import Parts, QueuePoller
from stoker.invoke.catalog import Catalog
from stoker.invoke.invoker import Invoker
from stoker.queues.broker import Broker
from stoker.store.base import Aggregate, Key, Store

log = logging.getLogger(__name__)


class Mappings:
    """`await start()`; `pause()` when the server begins to stop; `await close()` at the end."""

    def __init__(
        self,
        *,
        broker: Broker,
        invoker: Invoker,
        catalog: Catalog,
        dispatcher: Dispatcher,
        begin: Callable[[Target, str | None], tuple[str, str]],
    ) -> None:
        """`begin`: the trace header of an invocation, and the span before it, from the header
        that came with it."""
        self._parts = Parts(
            broker=broker,
            invoker=invoker,
            catalog=catalog,
            settings=dispatcher.settings,
            counts=dispatcher.counts,
            begin=begin,
        )
        self._pollers: dict[ResourceKey, QueuePoller] = {}
        self._ending: dict[ResourceKey, list[QueuePoller]] = {}  # still have batches under way
        self._paused = False

    async def start(self, store: Store) -> None:
        """Call when functions can be invoked. Raise StoreUnavailable."""
        self._parts.broker.when_created(self._queue_made)
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

    def problem(self, key: ResourceKey) -> str:
        """What is wrong with it; "": nothing."""
        poller = self._pollers.get(key)
        return "" if poller is None else poller.problem

    def _follow(self, key: ResourceKey, now: Resource | None) -> None:
        mapping = None if now is None else EventSourceMapping.load(now)
        if mapping is not None and (mapping.service != "sqs" or not mapping.enabled):
            mapping = None
        before = self._pollers.get(key)
        if self._paused or (before is not None and before.mapping == mapping):
            return
        if before is not None:
            del self._pollers[key]
            before.stop()
            others = (poller for poller in self._ending.pop(key, ()) if poller.busy)
            self._ending[key] = [*others, before]
        if now is None:
            self._ending.pop(key, None)
        if mapping is not None:
            poller = self._pollers[key] = QueuePoller(mapping, self._parts)
            self._parts.tasks.start(poller.run(), f"poller {key.id}")

    def _look(self, function: FunctionKey) -> None:
        for poller in self._pollers.values():
            if poller.mapping.function == function:
                poller.look()

    def _queue_made(self, key: QueueKey) -> None:
        for poller in self._pollers.values():
            if poller.mapping.arn == key.arn:
                poller.look()
