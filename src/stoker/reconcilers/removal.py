"""Removes packages and unpacked code that nobody needs any more, while the server runs.

Needed is what a function refers to, what an environment runs or an invocation waits for, and
the zip of every published layer version. All but the last is known in memory, so that a look is
cheap with ten thousand functions, too.

A while passes between the change that made something useless and the look: links to code are
good for ten minutes, and changes come in bursts.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from stoker.blobs.base import Blobs
from stoker.blobs.code_cache import CodeCache
from stoker.reconcilers.loop import Loop
from stoker.store.base import Store

log = logging.getLogger(__name__)

PAUSE_S = 600.0

Needed = Callable[[], Awaitable[Collection[str]]]


class Removal:
    """`referred` and `running`: the names of packages and trees that functions refer to, and
    that environments run."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: Blobs,
        code: CodeCache,
        referred: Callable[[], frozenset[str]],
        running: Callable[[], frozenset[str]],
        pause_s: float = PAUSE_S,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._code = code
        self._referred = referred
        self._running = running
        self._pause_s = pause_s
        self._due = False
        self._loop = Loop("removal", self._find, self._settle, parallel=1)

    def wake(self) -> None:
        """Something may have lost its last use."""
        self._due = True
        self._loop.wake()

    async def run(self) -> None:
        """Until cancelled."""
        await self._loop.run()

    async def _find(self) -> list[str]:
        return ["unused code"] if self._due else []

    async def _settle(self, _: str) -> None:
        await asyncio.sleep(self._pause_s)
        self._due = False
        await remove_unused(self._code, self._trees, self._blobs, self._packages)
        if self._running() - self._referred():
            self._due = True  # an environment's code outlives its function: look again

    async def _trees(self) -> Collection[str]:
        return self._referred() | self._running()

    async def _packages(self) -> Collection[str]:
        async with self._store.transaction() as tx:
            published = await tx.layers.digests()
        return published | self._referred() | self._running()


async def remove_unused(code: CodeCache, trees: Needed, blobs: Blobs, packages: Needed) -> None:
    """Keep the trees and the packages that are needed."""
    gone = {"trees": await code.collect(trees), "blobs": await blobs.collect(packages)}
    if any(gone.values()):
        log.info("unused code removed", extra=gone)
