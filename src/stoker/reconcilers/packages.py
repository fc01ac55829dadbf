"""Brings to the disk what need not be there when it is answered for: small packages, after the
functions that own them, and unpacked code.

    CreateFunction ──► one commit: the function and its package ──► answered
                          └──► a while later: files for all new blobs, one sync, no copies

So creating a function waits for the disk once and not three times. If the server or the machine
stops in between, what the blobs lack is made again from the store, before anybody asks for it;
and unpacked code from the blobs (blobs/lasting.py).
"""

import asyncio
import logging
from collections.abc import Awaitable

from stoker.blobs.base import Blobs
from stoker.blobs.code_cache import CodeCache
from stoker.store.base import Store

log = logging.getLogger(__name__)

PAUSE_S = 1.0  # changes come in bursts


class Packages:
    def __init__(
        self, *, store: Store, blobs: Blobs, code: CodeCache, pause_s: float = PAUSE_S
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._code = code
        self._pause_s = pause_s
        self._changed = asyncio.Event()

    def wake(self) -> None:
        """There may be a package, or a tree, that is not on the disk."""
        self._changed.set()

    async def recover(self) -> None:
        """Whatever ended the last run: all packages are in the blobs, and on the disk, if that
        takes them now; else that can wait. Before anything is removed from there."""
        async with self._store.transaction() as tx:
            kept = await tx.packages.every()
        for digest, content in kept.items():
            await self._blobs.restore(digest, content)
        if not await _done(self._settle_packages()):
            self.wake()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(self._pause_s)
            self._changed.clear()
            if not await self.finish():
                self._changed.set()

    async def finish(self) -> bool:
        """Settle what there is; if that fails (a full disk, say), it can wait: it is kept twice."""
        return await _done(self.settle())

    async def settle(self) -> None:
        """What is kept twice now is on the disk, and kept once; and so is what is unpacked."""
        await self._settle_packages()
        await self._code.settle()

    async def _settle_packages(self) -> None:
        async with self._store.transaction() as tx:
            given = await tx.packages.given()
        if given:
            await self._blobs.sync(given)
            async with self._store.transaction(lasting=False) as tx:
                await tx.packages.forget(given)


async def _done(settling: Awaitable[None]) -> bool:
    try:
        await settling
    except Exception:
        log.exception("packages cannot be synced")
        return False
    return True
