"""Waiting for functions and versions until they are made, whatever the end is."""

import asyncio
from contextlib import suppress

from stoker.core.model import Function, FunctionKey
from stoker.core.names import parse_function_ref
from stoker.core.versions import Version, VersionKey
from stoker.store.base import Aggregate, Key, Store


class Settling:
    """The store says of every change; so nobody asks twice."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[Key, set[asyncio.Future[None]]] = {}
        store.watch(self._changed)

    async def settled(self, arn: str) -> None:
        """Return when it is Active or Failed, or gone, and no update of it is under way."""
        ref = parse_function_ref(arn)
        function = FunctionKey(ref.account or "", ref.region or "", ref.name)
        key: Key = function
        if ref.qualifier is not None and ref.qualifier.isdecimal():
            key = VersionKey(function, int(ref.qualifier))
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(waiting)
        try:
            if await self._is_unsettled(key):
                await waiting
        finally:
            waiters = self._waiting[key]
            waiters.discard(waiting)
            if not waiters:
                with suppress(KeyError):
                    del self._waiting[key]

    async def _is_unsettled(self, key: Key) -> bool:
        async with self._store.transaction() as tx:
            found: Function | Version | None
            if isinstance(key, VersionKey):
                found = await tx.versions.version(key)
            else:
                assert isinstance(key, FunctionKey)
                found = await tx.function(key)
        return found is not None and found.unsettled

    def _changed(self, key: Key, now: Aggregate | None) -> None:
        waiting = self._waiting.get(key)
        if waiting and not (isinstance(now, Function | Version) and now.unsettled):
            for one in waiting:
                if not one.done():
                    one.set_result(None)
