"""What owners of functions said about events, at hand without asking the store: retries, age,
destinations, and whether recursive loops are allowed. Follows every committed change."""

from typing import Any

from stoker.core import event_invoke, lineage
from stoker.core.aliases import AliasKey
from stoker.core.async_events import Rules
from stoker.core.event_invoke import EventInvoke
from stoker.core.limits import EVENT_AGE_S, EVENT_RETRIES
from stoker.core.model import FunctionKey, Setting, SettingKey
from stoker.core.names import LATEST
from stoker.core.versions import VersionKey
from stoker.store.base import Aggregate, Key, Store

_KINDS = (event_invoke.KIND, lineage.KIND)
NOTHING_SAID = EventInvoke(0.0)


class EventSettings:
    def __init__(self) -> None:
        self._kept: dict[FunctionKey, dict[tuple[str, str], Any]] = {}

    async def follow(self, store: Store) -> None:
        """Take in what there is, and from then on every change."""
        async with store.transaction() as tx:
            for kind in _KINDS:
                for key, qualifier, value in await tx.settings.every(kind):
                    self.change(SettingKey(key, qualifier, kind), Setting(value))
            store.watch(self.change)

    def change(self, key: Key, now: Aggregate | None) -> None:
        match key:
            case SettingKey(function, qualifier, kind) if kind in _KINDS:
                if isinstance(now, Setting):
                    self._kept.setdefault(function, {})[qualifier, kind] = now.value
                else:
                    self._forget(function, qualifier, kind)
            case FunctionKey() if now is None:
                self._kept.pop(key, None)
            case VersionKey(function, number) if now is None:
                self._forget(function, str(number), event_invoke.KIND)
            case AliasKey(function, name) if now is None:
                self._forget(function, name, event_invoke.KIND)
            case _:
                pass

    def events(self, key: FunctionKey, qualifier: str | None) -> EventInvoke:
        """For events that were sent to this qualifier."""
        said = self._kept.get(key)
        kept = said.get((qualifier or LATEST, event_invoke.KIND)) if said else None
        return NOTHING_SAID if kept is None else EventInvoke.load(kept)

    def may_loop(self, key: FunctionKey) -> bool:
        kept = self._kept.get(key, {}).get((LATEST, lineage.KIND))
        return kept is not None and kept["loop"] == "Allow"

    def _forget(self, function: FunctionKey, qualifier: str, kind: str) -> None:
        kept = self._kept.get(function)
        if kept is not None:
            kept.pop((qualifier, kind), None)
            if not kept:
                del self._kept[function]


def rules(said: EventInvoke, scale: float) -> Rules:
    """With AWS's defaults for what was not said."""
    return Rules(
        EVENT_RETRIES if said.retries is None else said.retries,
        EVENT_AGE_S if said.max_age_s is None else said.max_age_s,
        scale,
    )
