"""What Stoker needs from a database: the truth about functions, their versions, and layers.

Each write is one compare-and-set of one aggregate: it names the revision that was read, and
fails if there is a newer one. So a store of another kind (a key-value bucket of a cluster) can
stand here without anything above it changing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from stoker.core.aliases import Alias, AliasKey
from stoker.core.function_urls import FunctionUrl, UrlKey
from stoker.core.layers import LayerKey, LayerVersion
from stoker.core.model import Function, FunctionKey, Setting, SettingKey
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.versions import Version, VersionKey

Key = FunctionKey | VersionKey | AliasKey | UrlKey | SettingKey | ResourceKey
Aggregate = Function | Version | Alias | FunctionUrl | Setting | Resource

# Told of every committed change, in the order of the commits: (which, what it is now or None).
Watcher = Callable[[Key, Aggregate | None], None]
Note = Watcher  # the same, of what a transaction will have changed


class StoreUnavailable(Exception):
    """The database cannot be read or written: "cannot …", with the reason and the way out."""


class Superseded(Exception):
    """Somebody wrote the aggregate since it was read. Read it again and decide anew."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What one account has in one region."""

    functions: int
    code_bytes: int  # packed; functions and layers


@dataclass(frozen=True, slots=True)
class Suits:
    """Which layer versions are looked for: those that say they are for this. None: any."""

    runtime: str | None = None
    architecture: str | None = None


class Layers(Protocol):
    async def next_number(self, key: LayerKey) -> int:
        """A number under which no version of this layer has ever been. From 1."""
        ...

    async def add(self, version: LayerVersion) -> None:
        """Keep a version under a number from next_number."""
        ...

    async def put(self, version: LayerVersion, *, expected: str) -> None:
        """Replace the revision `expected`, or raise Superseded."""
        ...

    async def remove(self, key: LayerKey, number: int) -> None:
        """Harmless if there is none."""
        ...

    async def version(self, key: LayerKey, number: int) -> LayerVersion | None: ...

    async def versions(
        self, key: LayerKey, suits: Suits, *, before: int | None, limit: int
    ) -> list[LayerVersion]:
        """The newest first, beginning below `before`."""
        ...

    async def latest(
        self, account: str, region: str, suits: Suits, *, after: str, limit: int
    ) -> list[LayerVersion]:
        """Of each layer the newest version that suits, by name, beginning behind `after`."""
        ...

    async def digests(self) -> frozenset[str]:
        """The code of every version that there is."""
        ...


class Versions(Protocol):
    async def last_number(self, key: FunctionKey) -> int:
        """The last number that a version of this name was given; 0: none."""
        ...

    async def newest(self, key: FunctionKey) -> tuple[int, Version | None]:
        """That number, and the version, if it is there still."""
        ...

    async def add(self, version: Version) -> None:
        """Keep a version under a number that no version of this name has ever had: the one after
        the last."""
        ...

    async def put(self, version: Version, *, expected: str) -> None:
        """Replace the revision `expected`, or raise Superseded."""
        ...

    async def remove(self, key: VersionKey) -> None:
        """Harmless if there is none."""
        ...

    async def version(self, key: VersionKey) -> Version | None: ...

    async def of(self, key: FunctionKey, *, after: int, limit: int) -> list[Version]:
        """One function's, in the order of their numbers, beginning behind `after`."""
        ...

    async def of_all(
        self, account: str, region: str, *, after: tuple[str, int], limit: int
    ) -> list[Version]:
        """Every function's, in the order of names and numbers, beginning behind `after`."""
        ...

    async def every(self) -> list[Version]: ...


class Aliases(Protocol):
    async def add(self, alias: Alias) -> None:
        """Raise ResourceConflictException if there is one of that name."""
        ...

    async def put(self, alias: Alias, *, expected: str) -> None:
        """Replace the revision `expected`, or raise Superseded."""
        ...

    async def remove(self, key: AliasKey) -> None:
        """Harmless if there is none."""
        ...

    async def alias(self, key: AliasKey) -> Alias | None: ...

    async def of(self, key: FunctionKey) -> list[Alias]:
        """One function's, by name."""
        ...

    async def every(self) -> list[Alias]: ...


class Settings(Protocol):
    """Of a function ("$LATEST"), a version or an alias; gone with it, of which watchers are told
    in the one word that it is gone."""

    async def put(
        self, key: FunctionKey, qualifier: str, kind: str, value: Mapping[str, object]
    ) -> None:
        """Keep this, as JSON, in place of what was kept."""
        ...

    async def get(self, key: FunctionKey, qualifier: str, kind: str) -> dict[str, Any] | None: ...

    async def remove(self, key: FunctionKey, qualifier: str, kind: str) -> bool:
        """Say whether there was one."""
        ...

    async def of(
        self, key: FunctionKey, kind: str, *, after: str, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        """All of one kind, by qualifier, beginning behind `after`."""
        ...

    async def every(self, kind: str) -> list[tuple[FunctionKey, str, dict[str, Any]]]:
        """All of one kind that there are, with their qualifiers."""
        ...


class Urls(Protocol):
    """Of functions and aliases; gone with them, of which watchers are not told."""

    async def put(self, url: FunctionUrl) -> None:
        """Keep it, in place of what was kept."""
        ...

    async def get(self, key: UrlKey) -> FunctionUrl | None: ...

    async def remove(self, key: UrlKey) -> bool:
        """Say whether there was one."""
        ...

    async def of(self, key: FunctionKey, *, after: str, limit: int) -> list[FunctionUrl]:
        """One function's, by qualifier, beginning behind `after`."""
        ...

    async def every(self) -> list[FunctionUrl]: ...


class Resources(Protocol):
    async def add(self, resource: Resource) -> bool:
        """Say whether there was none of that key, and keep it then."""
        ...

    async def put(self, resource: Resource, *, expected: str) -> None:
        """Replace the revision `expected`, or raise Superseded."""
        ...

    async def remove(self, key: ResourceKey) -> bool:
        """Say whether there was one."""
        ...

    async def get(self, key: ResourceKey) -> Resource | None: ...

    async def of(self, account: str, region: str, kind: Kind, *, after: str) -> list[Resource]:
        """All of one kind, by id, beginning behind `after`."""
        ...

    async def every(self, kind: Kind) -> list[Resource]: ...


class Checkpoints(Protocol):
    """How far event source mappings (by UUID) have read shards; gone with the mapping. Watchers
    are not told."""

    async def of(self, mapping: str) -> dict[str, dict[str, Any]]:
        """By shard."""
        ...

    async def put(self, kept: Mapping[tuple[str, str], Mapping[str, Any] | None]) -> None:
        """By mapping and shard; None: it is forgotten. Nothing is kept for a mapping that is not
        there."""
        ...


class Packages(Protocol):
    """Small packages of which the blobs may not have reached the disk yet."""

    async def keep(self, digest: str, content: bytes) -> None: ...

    async def every(self) -> dict[str, bytes]: ...

    async def given(self) -> dict[str, int]:
        """How often each was given."""
        ...

    async def forget(self, given: Mapping[str, int]) -> None:
        """Those that were not given once more are on the disk elsewhere."""
        ...


class Transaction(Protocol):
    """A statement that answers nothing may refuse later than it is asked for: when another one
    is answered, or when the transaction's block is left."""

    @property
    def packages(self) -> Packages: ...

    @property
    def layers(self) -> Layers: ...

    @property
    def versions(self) -> Versions: ...

    @property
    def aliases(self) -> Aliases: ...

    @property
    def settings(self) -> Settings: ...

    @property
    def urls(self) -> Urls: ...

    @property
    def resources(self) -> Resources: ...

    @property
    def checkpoints(self) -> Checkpoints: ...

    async def function(self, key: FunctionKey) -> Function | None: ...

    async def functions(
        self, account: str, region: str, *, after: str, limit: int
    ) -> list[Function]:
        """At most `limit` functions in the order of their names, beginning behind `after`."""
        ...

    async def functions_named(
        self, account: str, region: str, names: Collection[str]
    ) -> list[Function]:
        """Those of them that there are, in no order; at most a thousand."""
        ...

    async def every_function(self, known: Iterable[Function] = ()) -> list[Function]:
        """`known`: read before; those that nobody has changed since need not be read again."""
        ...

    async def usage(self, account: str, region: str) -> Usage: ...

    async def check_usage(self, account: str, region: str, check: Callable[[Usage], None]) -> None:
        """Let `check` see what is used after what was asked for so far; what it raises, perhaps
        in another thread, is the refusal."""
        ...

    async def set_aside(self, account: str, region: str) -> int:
        """The concurrency that all functions together have set aside: of each what is reserved
        or, without a reservation, what is provisioned."""
        ...

    async def create_function(self, function: Function) -> None:
        """Raise ResourceConflictException if there is one of that name."""
        ...

    async def put_function(self, function: Function, *, expected: str) -> None:
        """Replace the revision `expected`, or raise Superseded."""
        ...

    async def delete_function(self, key: FunctionKey, *, expected: str) -> None:
        """Delete the revision `expected` and all that belongs to it, or raise Superseded."""
        ...


class Store(Protocol):
    def transaction(self, *, lasting: bool = True) -> AbstractAsyncContextManager[Transaction]:
        """All or nothing, and one after the other. What was left without an error is durable;
        if it need not be `lasting`, it outlives this process, but perhaps not this machine's
        (never without what was committed before it)."""
        ...

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher` from the event loop for every change committed from now on."""
        ...
