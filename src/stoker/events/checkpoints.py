"""Checkpoints of shards on their way to the disk: only the latest of each, many in one write.

What is lost with a crash is handed over again: at least once, as AWS says.
"""

import asyncio
import logging
from collections.abc import Mapping

from stoker.core.stream_shards import Kept
from stoker.store.base import Store, StoreUnavailable

log = logging.getLogger(__name__)

AGAIN_S = 1.0  # before a disk that could not be written is tried again

Key = tuple[str, str]  # mapping, shard


class Checkpoints:
    """`open()` first. `put` and go on; `await run()` is what writes, until `close()`."""

    def __init__(self) -> None:
        self._store: Store | None = None
        self._unwritten: dict[Key, Kept | None] = {}
        self._changed = asyncio.Event()
        self._closed = False

    def open(self, store: Store) -> None:
        self._store = store

    def put(self, mapping: str, shard: str, kept: Kept | None) -> None:
        """None: forget it."""
        self._unwritten[mapping, shard] = kept
        self._changed.set()

    async def of(self, mapping: str) -> dict[str, Kept]:
        """By shard, with what is not written yet. Call while nobody puts any of this mapping's.
        Raise StoreUnavailable."""
        assert self._store is not None
        unwritten = {key[1]: kept for key, kept in self._unwritten.items() if key[0] == mapping}
        async with self._store.transaction() as tx:
            written = await tx.checkpoints.of(mapping)
        found = {shard: Kept.load(one) for shard, one in written.items()} | unwritten
        return {shard: kept for shard, kept in found.items() if kept is not None}

    async def run(self) -> None:
        assert self._store is not None
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._write(self._store)
            if self._closed and not self._unwritten:
                return

    def close(self) -> None:
        """Nothing is put after this."""
        self._closed = True
        self._changed.set()

    async def _write(self, store: Store) -> None:
        written = dict(self._unwritten)
        if not written:
            return
        told: Mapping[Key, dict[str, object] | None] = {
            key: None if kept is None else kept.dump() for key, kept in written.items()
        }
        try:
            async with store.transaction() as tx:
                await tx.checkpoints.put(told)
        except StoreUnavailable as error:
            log.error("cannot keep checkpoints", extra={"reason": str(error)})
            if self._closed:
                self._unwritten.clear()  # what they would have spared comes again
                return
            await asyncio.sleep(AGAIN_S)
            self._changed.set()
            return
        for key, kept in written.items():
            if self._unwritten.get(key) is kept:  # not changed meanwhile
                self._unwritten.pop(key, None)
