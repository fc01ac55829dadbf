"""Takes segments of traces from memory to the disk, soon after they came, and forgets old ones.

    Traces.take() ──► TraceStore.put ──► tidy (each hour, and when there is no room)

No invocation waits for it. Whoever asks X-Ray has them flushed first. What a disk does not take
is tried again as long as memory has it (observe/traces.py), and a crash loses DELAY_S of segments.
"""

import asyncio
import logging
import time
from collections.abc import Callable

from stoker.core.xray.documents import glance
from stoker.core.xray.errors import RejectedSegment
from stoker.observe.traces import Kept, Traces
from stoker.store.base import StoreUnavailable
from stoker.store.trace_store import Arrived, TraceStore

log = logging.getLogger(__name__)

DELAY_S = 0.5  # in which many go together
TIDIED_S = 3600.0
DAY_S = 86_400
PENDING_BYTES = 64 * 1024 * 1024  # that wait for a disk


class Tracing:
    """`run()` until cancelled; `flush()` is the last thing, too."""

    def __init__(
        self,
        *,
        traces: Traces,
        store: TraceStore,
        days: int,
        exported: Callable[[list[Kept]], None] | None = None,
    ) -> None:
        """`days`: for how long they are kept; `exported` is told of all that come."""
        self._traces = traces
        self._store = store
        self._days = days
        self._exported = exported
        self._news = asyncio.Event()
        self._taken: list[Kept] = []
        self._pending: list[Arrived] = []
        self._flushing: asyncio.Future[None] | None = None

    async def run(self) -> None:
        self._traces.came = self._news.set
        tidied = time.monotonic()
        while True:
            left_s = tidied + TIDIED_S - time.monotonic()
            try:
                async with asyncio.timeout(max(left_s, 0)):
                    await self._news.wait()
                    await asyncio.sleep(DELAY_S)
            except TimeoutError:
                tidied = time.monotonic()
                await self.tidy(time.time())
            self._news.clear()
            await self.flush()

    async def flush(self) -> None:
        """What came until now is on the disk, if that can be written."""
        while self._flushing is not None:
            await asyncio.wait({self._flushing})
        self._flushing = asyncio.get_running_loop().create_future()
        try:
            await self._flush()
        finally:
            self._flushing.set_result(None)
            self._flushing = None

    async def _flush(self) -> None:
        came = self._traces.take()
        if self._exported is not None:
            self._exported(came)
        self._taken += came
        if self._taken:
            arrived = await asyncio.to_thread(_arrived, self._taken)
            self._taken, self._pending = [], self._pending + arrived
        try:
            await self._store.put(self._pending)
        except StoreUnavailable as error:
            log.error("traces cannot be written", extra={"reason": str(error)})
            self._drop()
            return
        self._pending = []
        if self._store.is_full:
            await self.tidy(time.time())

    async def tidy(self, now: float) -> None:
        """Forget what is too old, and what there is no room for."""
        try:
            await self._store.tidy(now - self._days * DAY_S)
        except StoreUnavailable as error:
            log.error("traces cannot be tidied", extra={"reason": str(error)})

    def _drop(self) -> None:
        """The oldest of what waits, if it is too much."""
        size = sum(one.size_bytes for one in self._pending)
        while size > PENDING_BYTES:
            size -= self._pending.pop(0).size_bytes


def _arrived(taken: list[Kept]) -> list[Arrived]:
    """Those of them that X-Ray would take."""
    found = []
    for kept in taken:
        try:
            seen = glance(kept.segment.text)
        except RejectedSegment:
            continue
        owner = kept.owner
        found.append(
            Arrived(
                owner.account,
                owner.region,
                owner.function,
                seen,
                kept.segment.text,
                kept.came_ms / 1000,
            )
        )
    return found
