"""Takes metrics from memory to the disk each minute, and makes old ones coarser.

    Metrics.take(), Invoker.peaks() ──► pending ──► MetricStore.put ──► roll, forget (each hour)
    log events' own, take_embedded() ──┘

A disk that is full or slow holds up nobody but us: what cannot be written waits in memory, an
hour of it at most. Whoever asks for metrics has them flushed first, so that the minute that goes
on is seen as well.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from stoker.core.invocation_price import of_target, snapshots_cost
from stoker.core.metrics import (
    DAY_S,
    KEPT_DAYS,
    MINUTE_S,
    SPANS,
    Source,
    of_peaks,
    start_of,
)
from stoker.core.price_list import Item
from stoker.invoke.invoker import Invoker
from stoker.observe.logs import LogStore
from stoker.observe.metrics import Metrics, Taken
from stoker.store.base import StoreUnavailable
from stoker.store.metric_store import Entry, MetricStore, TooManySeries

log = logging.getLogger(__name__)

PENDING = 60  # flushes that wait for a disk
PARTS_S = 2 * 3600  # older minutes have one row
TIDIED_S = 3600


@dataclass(frozen=True, slots=True)
class _Waiting:
    entries: list[Entry]
    strangers: bool  # they come from log events


class Metering:
    """`run()` until cancelled; `flush()` is the last thing, too."""

    def __init__(
        self,
        *,
        metrics: Metrics,
        store: MetricStore,
        invoker: Invoker,
        days: int = KEPT_DAYS,
        logs: LogStore | None = None,
        most_bytes: int = 2**40,
        gauged: Callable[[Source, str, float], None] | None = None,
    ) -> None:
        """`days`: for how long they are kept. `logs` may have metrics in them; a file of more than
        `most_bytes` takes none of those any more. `gauged` is told of concurrency."""
        self._metrics = metrics
        self._store = store
        self._invoker = invoker
        self._days = days
        self._logs = logs
        self._most_bytes = most_bytes
        self._gauged = gauged
        self._pending: deque[_Waiting] = deque(maxlen=2 * PENDING)

    async def run(self) -> None:
        tidied = time.time()
        while True:
            now = time.time()
            await asyncio.sleep(start_of(now) + MINUTE_S - now)
            await self.flush()
            if time.time() - tidied >= TIDIED_S:
                tidied = time.time()
                await self.tidy(tidied)

    async def flush(self) -> None:
        """What was counted until now is on the disk, if that can be written."""
        for where, peaks in self._invoker.peaks().items():
            for source, name, value in of_peaks(*where, peaks):
                self._metrics.add(source, name, value)
                if self._gauged is not None:
                    self._gauged(source, name, value)
        self._bill_kept()
        if self._logs is not None:
            await self._logs.flush()
            self._metrics.embedded(await self._logs.defaults())
        self._await(self._metrics.take())
        self._await(self._metrics.take_embedded(), strangers=True)
        for _ in range(len(self._pending)):
            if not self._pending:  # somebody else is quicker
                return
            waiting = self._pending.popleft()
            if waiting.strangers and self._store.size_bytes > self._most_bytes:
                log.error("metrics in logs are lost: there is no room (metrics_mb)")
                continue
            try:
                await self._store.put(waiting.entries)
            except StoreUnavailable as error:
                log.error("metrics cannot be written", extra={"reason": str(error)})
                self._pending.appendleft(waiting)
                return
            except TooManySeries as error:
                log.error("metrics are lost: the account has too many", extra={"account": error})

    def _bill_kept(self) -> None:
        """What costs by the time it is kept, since the last time: AWS counts what is asked for."""
        now = time.monotonic()
        for target, amount_s in self._invoker.provided_time.take(now).items():
            gb_s = of_target(target).memory_gb * amount_s
            self._metrics.bill(target, {Item.PROVISIONED: gb_s})
        for target, kept_s in self._invoker.snapshots.kept.take(now).items():
            if snapshots_cost(target.runtime):
                gb_s = of_target(target).memory_gb * kept_s
                self._metrics.bill(target, {Item.CACHED: gb_s})

    def _await(self, taken: Taken, *, strangers: bool = False) -> None:
        """Strangers' by account: where one has too many, the others' are kept."""
        parts: dict[str, list[Entry]] = {}
        for (source, start), values in taken.items():
            part = parts.setdefault(source.account if strangers else "", [])
            part.append(Entry(source, start, values))
        self._pending.extend(_Waiting(part, strangers) for part in parts.values())

    async def tidy(self, now: float) -> None:
        """Make old metrics coarser, and forget the oldest."""
        try:
            await self._store.roll(MINUTE_S, int(now - PARTS_S))
            for span_s, age_s in SPANS:
                await self._store.roll(span_s, int(now - age_s))
            await self._store.forget(int(now - self._days * DAY_S))
        except StoreUnavailable as error:
            log.error("metrics cannot be tidied", extra={"reason": str(error)})
