"""Makes functions and versions ready: Pending -> Active, InProgress -> Successful; or Failed,
and why.

To make a configuration ready is to unpack its code and to have the sandbox prepare for its
kind. Until then a new function cannot be invoked, and a changed one is served as it was.

At start-up, in this order, before the first request is accepted:

    await store.open()
    await activation.recover()      # code and blobs are in order
    await catalog.follow(store)     # which knows from then on what is to be made ready
    ...                             # then, as a task: await activation.run()
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable

from stoker.blobs.base import BlobMissing, Blobs
from stoker.blobs.code_cache import CodeCache
from stoker.core import model, versions
from stoker.core.errors import InvalidParameterValueException
from stoker.core.invocation import Target
from stoker.core.limits import RUNTIMES, Family
from stoker.core.model import Configuration, Function, FunctionKey, State
from stoker.core.versions import Version, VersionKey
from stoker.invoke.catalog import Catalog
from stoker.invoke.snapshots import SnapshotFailed, Snapshots
from stoker.reconcilers.loop import Loop
from stoker.reconcilers.removal import remove_unused
from stoker.sandbox.base import Kind, RuntimeUnavailable, SandboxFailed
from stoker.store.base import Store, Superseded, Transaction

log = logging.getLogger(__name__)

PREPARED_S = 1.0  # for so long what the sandbox backend has said of a kind is not asked again


class Activation:
    """`retire` is told, whenever something changed, which targets are still asked for;
    `prepare` is the sandbox backend's. `snapshots`: None where no version has SnapStart."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: Blobs,
        code: CodeCache,
        catalog: Catalog,
        retire: Callable[[Callable[[Target], bool]], None],
        prepare: Callable[[Kind], Awaitable[None]],
        snapshots: Snapshots | None = None,
        prepared_s: float = PREPARED_S,
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._code = code
        self._catalog = catalog
        self._retire = retire
        self._prepare = prepare
        self._snapshots = snapshots
        self._prepared_s = prepared_s
        self._restored: list[Configuration] = []  # what served before the restart
        self._prepared: dict[Kind, float] = {}  # when the backend last said that it is ready for it
        self._loop = Loop("activation", self._find, self._settle)
        # Apart from it: what is initialised here may take minutes, and is the user's.
        self._snapshot_loop = Loop("snapshots", self._find_snapshots, self._settle, parallel=8)

    def wake(self) -> None:
        """Functions were created, changed or deleted."""
        self._loop.wake()
        self._snapshot_loop.wake()

    async def recover(self) -> list[Function]:
        """Put the data folder in order after whatever ended the last run: remove code that
        nobody refers to, unpack what is missing, and give failed functions another try
        (somebody may have installed what they lacked), also those whose code was lost. What is
        answered are the functions as they were before that."""
        async with self._store.transaction() as tx:
            functions, published = await tx.every_function(), await tx.versions.every()
            layers = await tx.layers.digests()
            await _restore(
                tx,
                [function for function in functions if function.state is State.FAILED],
                [version for version in published if version.state is State.FAILED],
            )
        owned = frozenset().union(*(f.digests for f in functions), *(v.digests for v in published))
        keep = frozenset().union(*(f.trees for f in functions), *(v.trees for v in published))
        await self._code.clear_up()
        await self._blobs.clear_up()
        await remove_unused(
            self._code, lambda: _now(keep), self._blobs, lambda: _now(owned | layers)
        )
        serving = [(f, f.serving) for f in functions if f.serving is not None]
        active = [version for version in published if version.state is State.ACTIVE]
        async with self._store.transaction() as tx:  # a snapshot did not outlive its server
            await _restore(tx, [], [version for version in active if version.snap_start])
        active = [version for version in active if not version.snap_start]
        served = [*(c for _, c in serving), *(version.configuration for version in active)]
        lost = await self._unpack(digest for c in served for digest in c.digests)
        async with self._store.transaction() as tx:  # it is as if it had never been ready
            await _restore(
                tx,
                [function for function, c in serving if c.digests & lost],
                [version for version in active if version.digests & lost],
            )
        self._restored = [c for c in served if not c.digests & lost]
        for configuration in self._restored:
            await self._code.ensure_layers(configuration.layer_digests)
        return functions

    async def _unpack(self, digests: Iterable[str]) -> set[str]:
        """What is not unpacked; the answer is what cannot be."""
        lost = set()
        for digest in await self._code.missing(digests):
            try:
                await self._code.ensure(digest)
            except (BlobMissing, InvalidParameterValueException) as error:
                await self._blobs.delete(digest)  # damaged: the same code, given again, is kept
                lost.add(digest)
                log.error("code is lost", extra={"code": digest, "reason": str(error)})
        return lost

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._loop.run())
            tasks.create_task(self._snapshot_loop.run())
            tasks.create_task(self._prepare_restored())

    async def _find(self) -> list[FunctionKey | VersionKey]:
        # Every change wakes the loop, so this is where environments lose their purpose.
        self._retire(self._catalog.serves)
        return [one.key for one in self._catalog.unsettled() if not _waits_for_snapshot(one)]

    async def _find_snapshots(self) -> list[FunctionKey | VersionKey]:
        """Versions that wait for their snapshot, or have lost it."""
        if self._snapshots is None:
            return []
        self._snapshots.keep(self._catalog.knows)
        active = self._catalog.snap_starts()
        lost = [key for key, target in active if not self._snapshots.has(target)]
        waiting = [one.key for one in self._catalog.unsettled() if _waits_for_snapshot(one)]
        return list(dict.fromkeys((*waiting, *lost)))

    async def _settle(self, key: FunctionKey | VersionKey) -> None:
        known = self._catalog.unsettled_one(key)
        try:
            if isinstance(known, Function):
                await self._settle_function(known)
            elif isinstance(known, Version):
                await self._settle_version(known)
            elif isinstance(key, VersionKey):
                await self._restore_snapshot(key)
        except Superseded:
            return  # changed, deleted, or deleted and made again, meanwhile: the loop looks again

    async def _settle_function(self, function: Function) -> None:
        key = function.key
        fault = await self._attempt(key.arn, function.latest)
        revision = _revision()
        if fault is None:
            settled = model.activated(function, revision=revision)
        else:
            settled = model.failed(function, *fault, revision=revision)
        async with self._store.transaction(lasting=False) as tx:  # else it is settled again
            await tx.put_function(settled, expected=function.revision_id)
        facts = {"function": key.arn, "state": settled.state, "update": settled.update_status}
        log.info("function settled", extra=facts)

    async def _settle_version(self, version: Version) -> None:
        key = version.key
        target = model.target(key.function, version.configuration, str(key.number))
        fault = await self._attempt(key.arn, version.configuration, target)
        settled = versions.failed(version, *fault) if fault else versions.activated(version)
        async with self._store.transaction(lasting=False) as tx:
            await tx.versions.put(settled, expected=version.revision_id)
        log.info("version settled", extra={"function": key.arn, "state": settled.state})

    async def _restore_snapshot(self, key: VersionKey) -> None:
        """Of an active version that has lost it: nobody is served until there is one again."""
        async with self._store.transaction() as tx:
            version = await tx.versions.version(key)
            if version is None or version.unsettled:
                return
            target = model.target(key.function, version.configuration, str(key.number))
            if not self._lacks_snapshot(target):
                return
            again = versions.restoring(version)
            await tx.versions.put(again, expected=version.revision_id)
        await self._settle_version(again)

    async def _attempt(
        self, arn: str, configuration: Configuration, target: Target | None = None
    ) -> tuple[str, str] | None:
        """Do what makes it ready; else why it cannot be, and AWS's code for that. `target`: of a
        version."""
        try:
            kind = await self._kind(configuration)
            await self._prepare_kind(kind)
            if target is not None and self._lacks_snapshot(target):
                assert self._snapshots is not None
                await self._snapshots.take(target, kind)
        except SnapshotFailed as error:
            fault = error.reason, error.code
        except RuntimeUnavailable as error:
            fault = str(error), "InvalidRuntime"
        except InvalidParameterValueException as error:
            fault = error.message, "InvalidZipFileException"
        except (SandboxFailed, BlobMissing, TimeoutError) as error:
            log.exception("function cannot be made ready", extra={"function": arn})
            fault = str(error), "InternalError"
        else:
            return None
        log.warning("function failed", extra={"function": arn, "reason": fault[0]})
        return fault

    async def _prepare_kind(self, kind: Kind) -> None:
        """Functions come in bursts, and those of one kind need it prepared once."""
        clock = asyncio.get_running_loop().time
        said = self._prepared.get(kind)
        if said is None or clock() - said >= self._prepared_s:
            await self._prepare(kind)
            self._prepared[kind] = clock()

    def _lacks_snapshot(self, target: Target) -> bool:
        snapshots = self._snapshots
        return target.snap_start and snapshots is not None and not snapshots.has(target)

    async def _kind(self, configuration: Configuration) -> Kind:
        """Which sandboxes will run it. Unpacks the code and the layers that are not."""
        code, layers = configuration.code.sha256, configuration.layer_digests
        await self._code.ensure(code)
        await self._code.ensure_layers(layers)
        python = RUNTIMES[configuration.runtime].family is Family.PYTHON
        wants_sdk = self._code.wants_sdk(code, layers)
        return Kind(configuration.runtime, preload_sdk=python and wants_sdk)

    async def _prepare_restored(self) -> None:
        """What served before the restart gets its kinds prepared, each kind once."""
        prepared: set[Kind] = set()
        for configuration in self._restored:
            try:
                kind = await self._kind(configuration)
                if kind not in prepared:
                    prepared.add(kind)
                    await self._prepare(kind)
            except (RuntimeUnavailable, SandboxFailed, BlobMissing) as error:
                log.warning(
                    "runtime cannot be prepared",
                    extra={"runtime": configuration.runtime, "reason": str(error)},
                )
        self._restored = []


def _waits_for_snapshot(one: Function | Version) -> bool:
    return isinstance(one, Version) and one.snap_start


async def _restore(
    tx: Transaction, functions: Iterable[Function], published: Iterable[Version]
) -> None:
    for function in functions:
        again = model.restoring(function, revision=_revision())
        await tx.put_function(again, expected=function.revision_id)
    for version in published:
        await tx.versions.put(versions.restoring(version), expected=version.revision_id)


async def _now(names: frozenset[str]) -> frozenset[str]:
    return names


def _revision() -> str:
    return str(uuid.uuid4())
