"""Sees to it that what is provisioned is there: tells the invoker what the store asks for.

    configurations ──► shares of versions ──► those that can be run ──► Invoker.provide

It looks again after every change of a function that has something provisioned, of its versions and
aliases, so that environments follow an alias that is moved, and a version that has just become
Active gets its own. What runs is the invoker's affair; so a restart, or kill -9, needs nothing but
the first look.
"""

import logging

from stoker.core.aliases import AliasKey
from stoker.core.errors import ServiceError
from stoker.core.invocation import Target
from stoker.core.model import FunctionKey, SettingKey
from stoker.core.provisioned import KIND, Ask, Provision, asks
from stoker.core.versions import VersionKey
from stoker.invoke.catalog import Catalog
from stoker.invoke.invoker import Invoker
from stoker.reconcilers.loop import Loop
from stoker.store.base import Aggregate, Key, Store

log = logging.getLogger(__name__)


class Provisioning:
    def __init__(self, *, store: Store, catalog: Catalog, invoker: Invoker) -> None:
        self._store = store
        self._catalog = catalog
        self._invoker = invoker
        self._concerned: set[FunctionKey] = set()  # as of the last look
        self._loop = Loop("provisioning", self._find, self._settle)

    async def run(self) -> None:
        """Until cancelled."""
        self._store.watch(self._changed)
        await self._loop.run()

    def _changed(self, key: Key, _: Aggregate | None) -> None:
        match key:
            case SettingKey():
                concerns = key.kind == KIND
            case FunctionKey():
                concerns = key in self._concerned
            case VersionKey() | AliasKey():
                concerns = key.function in self._concerned
            case _:
                concerns = False
        if concerns:
            self._loop.wake()

    async def _find(self) -> list[None]:
        self._invoker.provide(await self._wanted())
        return []

    async def _settle(self, _: None) -> None:
        """All is done by looking."""

    async def _wanted(self) -> dict[Target, tuple[Ask, ...]]:
        wanted: dict[tuple[FunctionKey, str], list[Ask]] = {}
        async with self._store.transaction() as tx:
            every = await tx.settings.every(KIND)
            for key, qualifier, record in every:
                alias = await tx.aliases.alias(AliasKey(key, qualifier))
                for version, ask in asks(qualifier, Provision.load(record), alias).items():
                    wanted.setdefault((key, version), []).append(ask)
        self._concerned = {key for key, _, _ in every}
        found: dict[Target, tuple[Ask, ...]] = {}
        for (key, version), asked in wanted.items():
            try:
                target = self._catalog.resolve(key.account, key.region, key.name, version)
            except ServiceError:
                continue  # not Active yet, or gone: then its configuration goes, too
            found[target] = tuple(sorted(asked, key=lambda ask: (ask.modified, ask.qualifier)))
        return found
