"""What can be run now: name and qualifier -> Target, without asking the store.

    catalog = Catalog(); await catalog.follow(store)    # all there is, and every commit after it
    catalog.resolve(account, region, name, qualifier)   # -> Target, or AWS's refusal

One entry per function and per version, replaced whole whenever a change of it is committed. An
entry is never changed, so an invocation that has its Target keeps it, whatever happens to the
function. It is made when it is first asked for: of ten thousand functions few ever are. An alias
is looked up, and then what it leads to.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import assert_never

from stoker.core.aliases import Alias, AliasKey, chosen
from stoker.core.architectures import Machine, lack
from stoker.core.developing import Overlay
from stoker.core.errors import (
    InvalidRuntimeException,
    ResourceConflictException,
    ResourceNotFoundException,
    ServiceError,
    SnapStartNotReadyException,
)
from stoker.core.function_urls import FunctionUrl, UrlKey
from stoker.core.invocation import Target
from stoker.core.model import (
    Configuration,
    Function,
    FunctionKey,
    SettingKey,
    State,
    in_state,
    target,
)
from stoker.core.names import LATEST, function_not_found
from stoker.core.resources import ResourceKey
from stoker.core.versions import Version, VersionKey
from stoker.sandbox.architecture import this_machine
from stoker.store.base import Aggregate, Key, Store

NOT_READY = (
    "Lambda is initializing your function. It will be ready to invoke once your function state "
    "becomes ACTIVE."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """What stands behind one name: a target, or why there is none."""

    target: Target | None
    refusal: type[ServiceError] = ResourceNotFoundException
    message: str = ""


class Catalog:
    def __init__(
        self,
        machine: Machine | None = None,
        draw: Callable[[], float] = random.random,
        reserve: Callable[[FunctionKey, int | None], None] = lambda _key, _amount: None,
    ) -> None:
        """`machine`: what functions run on; by default this one.
        `draw`: a number from 0 to 1 for each invocation of an alias that has weights.
        `reserve`: is told how much concurrency is set aside for each function."""
        self._reserve = reserve
        self._machine = machine or this_machine()
        self._draw = draw
        self._entries: dict[tuple[str, str, str], Entry | Function] = {}
        self._versions: dict[tuple[str, str, str, str], Entry | Version] = {}
        self._aliases: dict[tuple[str, str, str, str], Alias] = {}
        self._snap_starts: set[VersionKey] = set()
        self._trees: dict[Key, frozenset[str]] = {}
        self._unsettled: dict[Key, Function | Version] = {}
        self._policies: dict[tuple[str, str, str, str | None], str] = {}  # where there are any
        self._urls: dict[str, FunctionUrl] = {}
        self._overlays: dict[tuple[str, str, str], Overlay] = {}  # of what is developed
        self._overlaid: dict[tuple[str, str, str], tuple[Target, Entry]] = {}  # the same, applied

    async def follow(self, store: Store, known: Iterable[Function] = ()) -> None:
        """Take in everything there is, and from then on every committed change. `known`: what
        was read of it just before."""
        async with store.transaction() as tx:
            for function in await tx.every_function(known):
                self.change(function.key, function)
            for version in await tx.versions.every():
                self.change(version.key, version)
            for alias in await tx.aliases.every():
                self.change(alias.key, alias)
            for url in await tx.urls.every():
                self.change(url.key, url)
            # Still inside: nobody can commit between what was read and what will be heard.
            store.watch(self.change)

    def change(self, key: Key, now: Aggregate | None) -> None:
        """This is what the function, version, alias or URL is now; None: deleted."""
        if isinstance(now, Function | Version):
            self._trees[key] = now.trees
        else:
            self._trees.pop(key, None)
        if isinstance(now, Function | Version) and now.unsettled:
            self._unsettled[key] = now
        else:
            self._unsettled.pop(key, None)
        match key:
            case FunctionKey(account, region, name):
                function = (account, region, name)
                self._reserve(key, now.reserved if isinstance(now, Function) else None)
                self._admits((*function, None), now)
                if isinstance(now, Function):
                    self._entries[function] = now
                else:
                    self._entries.pop(function, None)
                    self._urls.pop(UrlKey(key).id, None)
            case VersionKey(FunctionKey(account, region, name), number):
                version = (account, region, name, str(number))
                self._admits(version, now)
                self._snap_starts.discard(key)
                if isinstance(now, Version):
                    if now.snap_start:
                        self._snap_starts.add(key)
                    self._versions[version] = now
                else:
                    self._versions.pop(version, None)
            case AliasKey(FunctionKey(account, region, name), called):
                alias = (account, region, name, called)
                self._admits(alias, now)
                if isinstance(now, Alias):
                    self._aliases[alias] = now
                else:
                    self._aliases.pop(alias, None)
                    self._urls.pop(UrlKey(key.function, called).id, None)
            case UrlKey():
                if isinstance(now, FunctionUrl):
                    self._urls[key.id] = now
                else:
                    self._urls.pop(key.id, None)
            case ResourceKey() | SettingKey():
                pass  # nothing that is invoked
            case _:
                assert_never(key)

    def resolve(self, account: str, region: str, name: str, qualifier: str | None) -> Target:
        """What an invocation of this name would run."""
        if qualifier is None or qualifier == LATEST:
            entry = self._latest((account, region, name))
        else:
            entry = self._qualified(account, region, name, qualifier)
        if entry is None:
            raise function_not_found(region, account, name, qualifier)
        if entry.target is None:
            raise entry.refusal(entry.message)
        return entry.target

    def policy(self, account: str, region: str, name: str, qualifier: str | None) -> str:
        """Who else may do what with just this function, version or alias: JSON, "" for nobody."""
        if not self._policies:
            return ""
        return self._policies.get(
            (account, region, name, None if qualifier == LATEST else qualifier), ""
        )

    def url(self, url_id: str) -> FunctionUrl | None:
        """What this is an address of."""
        return self._urls.get(url_id)

    def serves(self, target: Target) -> bool:
        """Whether anybody can still ask for exactly this target."""
        name = (target.account, target.region, target.name)
        if target.version == LATEST:
            entry = self._latest(name)
        else:
            entry = self._published((*name, target.version))
        return entry is not None and entry.target is not None and entry.target.key == target.for_all

    def holds(self, key: FunctionKey) -> bool:
        """Is there this function, be it active or not?"""
        return (key.account, key.region, key.name) in self._entries

    def has(self, name: str) -> bool:
        """Is there a function of this name, whosever it is?"""
        return any(called == name for _account, _region, called in self._entries)

    def names(self, account: str, region: str) -> list[str]:
        """Of all functions that are there, in no order."""
        where = (account, region)
        return [entry[2] for entry in self._entries if entry[:2] == where]

    def places(self) -> Counter[tuple[str, str]]:
        """The accounts and regions that have functions, and how many."""
        return Counter(entry[:2] for entry in self._entries)

    def knows(self, target: Target) -> bool:
        """Whether there is such a version, be it active or not."""
        return (target.account, target.region, target.name, target.version) in self._versions

    def snap_starts(self) -> list[tuple[VersionKey, Target]]:
        """The active versions whose environments are copies of a snapshot."""
        found = []
        for key in self._snap_starts:
            function = key.function
            entry = self._published(
                (function.account, function.region, function.name, str(key.number))
            )
            if entry is not None and entry.target is not None:
                found.append((key, entry.target))
        return found

    def unsettled(self) -> list[Function | Version]:
        """Those that are to be made ready."""
        return list(self._unsettled.values())

    def unsettled_one(self, key: FunctionKey | VersionKey) -> Function | Version | None:
        """What is to be made ready by this key; None: nothing any more."""
        return self._unsettled.get(key)

    def targets(self) -> frozenset[tuple[str, ...]]:
        """The keys of everything that can be asked for."""
        entries = chain(
            map(self._latest, list(self._entries)), map(self._published, list(self._versions))
        )
        return frozenset(e.target.key for e in entries if e is not None and e.target is not None)

    def develop(self, key: FunctionKey, overlay: Overlay | None) -> None:
        """From now on $LATEST runs this; None: what is deployed."""
        name = (key.account, key.region, key.name)
        self._overlaid.pop(name, None)
        if overlay is None:
            self._overlays.pop(name, None)
        else:
            self._overlays[name] = overlay

    def trees(self) -> frozenset[str]:
        """The names of all code that some function or version refers to, be it active or not."""
        return frozenset().union(*self._trees.values())

    def _admits(self, what: tuple[str, str, str, str | None], now: Aggregate | None) -> None:
        policy = now.policy if isinstance(now, Function | Version | Alias) else ""
        if policy:
            self._policies[what] = policy
        else:
            self._policies.pop(what, None)

    def _qualified(self, account: str, region: str, name: str, qualifier: str) -> Entry | None:
        alias = self._aliases.get((account, region, name, qualifier))
        if alias is not None:
            qualifier = chosen(alias, self._draw()) if alias.weights else alias.version
            if qualifier == LATEST:
                return self._latest((account, region, name))
        return self._published((account, region, name, qualifier))

    def _latest(self, name: tuple[str, str, str]) -> Entry | None:
        found = self._entries.get(name)
        if isinstance(found, Function):
            found = self._entries[name] = self._function(found)
        if self._overlays and found is not None and found.target is not None:
            overlay = self._overlays.get(name)
            if overlay is not None:
                return self._developed(name, overlay, found.target)
        return found

    def _developed(self, name: tuple[str, str, str], overlay: Overlay, target: Target) -> Entry:
        known = self._overlaid.get(name)
        if known is None or known[0] is not target:
            known = self._overlaid[name] = target, Entry(overlay.over(target))
        return known[1]

    def _published(self, version: tuple[str, str, str, str]) -> Entry | None:
        found = self._versions.get(version)
        if isinstance(found, Version):
            found = self._versions[version] = self._version(found)
        return found

    def _function(self, function: Function) -> Entry:
        if function.serving is None:
            return _unready(function.state, function.state_reason)
        return self._entry(function.key, function.key.arn, function.serving, LATEST)

    def _version(self, version: Version) -> Entry:
        if version.state is State.PENDING and version.configuration.snap_start:
            return Entry(None, SnapStartNotReadyException, NOT_READY)
        if version.state is not State.ACTIVE:
            return _unready(version.state, version.state_reason)
        key, number = version.key, str(version.key.number)
        return self._entry(key.function, key.arn, version.configuration, number)

    def _entry(
        self, key: FunctionKey, arn: str, configuration: Configuration, version: str
    ) -> Entry:
        lacking = lack(arn, configuration.runtime, configuration.architecture, self._machine)
        if lacking:
            return Entry(None, InvalidRuntimeException, lacking)
        return Entry(target(key, configuration, version))


def _unready(state: State, reason: str | None) -> Entry:
    message = in_state(state)
    if state is State.FAILED:
        message = f"{message}. {reason}"
    return Entry(None, ResourceConflictException, message)
