"""What all pollers of event source mappings work with, and the bound on what they hold together."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from stoker.core.invocation import Target
from stoker.core.limits import POLLED_BYTES
from stoker.events.checkpoints import Checkpoints
from stoker.events.counts import Counts
from stoker.events.deliveries import Deliveries
from stoker.events.settings import EventSettings
from stoker.invoke.catalog import Catalog
from stoker.invoke.invoker import Invoker
from stoker.invoke.tasks import Tasks
from stoker.neighbours.neighbours import Neighbours
from stoker.queues.broker import Broker


class Held:
    """Bytes of messages and records in the hands of all pollers together."""

    def __init__(self, most: int = POLLED_BYTES) -> None:
        self._left = most
        self._freed = asyncio.Event()

    @property
    def full(self) -> bool:
        return self._left <= 0

    def take(self, size: int) -> None:
        self._left -= size

    def give(self, size: int) -> None:
        self._left += size
        self._freed.set()

    async def room(self) -> None:
        while self.full:
            self._freed.clear()
            await self._freed.wait()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What all pollers work with."""

    broker: Broker
    neighbours: Neighbours
    deliveries: Deliveries
    checkpoints: Checkpoints
    scale: float  # how much faster time passes for retries and ages
    invoker: Invoker
    catalog: Catalog
    settings: EventSettings
    counts: Counts
    begin: Callable[[Target, str | None], tuple[str, str]]  # the trace header, and its ancestor
    tasks: Tasks = field(default_factory=Tasks)
    held: Held = field(default_factory=Held)
