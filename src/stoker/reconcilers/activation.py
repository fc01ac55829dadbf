"""Makes functions ready: Pending -> Active, and InProgress -> Successful; or Failed, and why.

To make a configuration ready is to unpack its code and to have the sandbox prepare for its
kind. Until then a new function cannot be invoked, and a changed one is served as it was.

At start-up, in this order, before the first request is accepted:

    await store.open()
    await activation.recover()      # code and blobs are in order
    await catalog.follow(store)
    ...                             # then, as a task: await activation.run()
"""

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable

from stoker.blobs.base import BlobMissing, Blobs
from stoker.blobs.code_cache import CodeCache
from stoker.core import model
from stoker.core.errors import InvalidParameterValueException
from stoker.core.invocation import Target
from stoker.core.limits import RUNTIMES, Family
from stoker.core.model import Configuration, Function, FunctionKey, State
from stoker.invoke.catalog import Catalog
from stoker.reconcilers.loop import Loop
from stoker.sandbox.base import Kind, RuntimeUnavailable, SandboxFailed
from stoker.store.base import Store, Superseded

log = logging.getLogger(__name__)


class Activation:
    """`retire` is told, whenever something changed, which targets are still asked for;
    `prepare` is the sandbox backend's."""

    def __init__(
        self,
        *,
        store: Store,
        blobs: Blobs,
        code: CodeCache,
        catalog: Catalog,
        retire: Callable[[Callable[[Target], bool]], None],
        prepare: Callable[[Kind], Awaitable[None]],
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._code = code
        self._catalog = catalog
        self._retire = retire
        self._prepare = prepare
        self._restored: list[Configuration] = []
        self._loop = Loop("activation", self._find, self._settle)

    def wake(self) -> None:
        """Functions were created, changed or deleted."""
        self._loop.wake()

    async def recover(self) -> None:
        """Put the data folder in order after whatever ended the last run: remove code that
        nobody refers to, unpack what is missing, and give failed functions another try
        (somebody may have installed what they lacked), also those whose code was lost."""
        async with self._store.transaction() as tx:
            functions = await tx.every_function()
            published = await tx.layers.digests()
            for function in functions:
                if function.state is State.FAILED:
                    again = model.restoring(function, revision=_revision())
                    await tx.put_function(again, expected=function.revision_id)
        owned = frozenset(digest for function in functions for digest in function.digests)
        keep = frozenset(tree for function in functions for tree in function.trees)
        trees = await self._code.collect(keep)
        blobs = await self._blobs.collect(owned | published)
        if trees or blobs:
            log.info("unused code removed", extra={"trees": trees, "blobs": blobs})
        served = [(f, f.serving) for f in functions if f.serving is not None]
        lost = await self._unpack(digest for _, c in served for digest in c.digests)
        async with self._store.transaction() as tx:
            for function, configuration in served:
                if configuration.digests & lost:  # then it is as if it had never been ready
                    again = model.restoring(function, revision=_revision())
                    await tx.put_function(again, expected=function.revision_id)
        self._restored = [c for _, c in served if not c.digests & lost]
        for configuration in self._restored:
            await self._code.ensure_layers(configuration.layer_digests)

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
            tasks.create_task(self._prepare_restored())

    async def _find(self) -> list[FunctionKey]:
        # Every change wakes the loop, so this is where environments lose their purpose.
        self._retire(self._catalog.serves)
        async with self._store.transaction() as tx:
            return [function.key for function in await tx.unsettled_functions()]

    async def _settle(self, key: FunctionKey) -> None:
        async with self._store.transaction() as tx:
            function = await tx.function(key)
        if function is None or not function.unsettled:
            return
        settled = await self._attempt(function)
        try:
            async with self._store.transaction() as tx:
                await tx.put_function(settled, expected=function.revision_id)
        except Superseded:
            return  # deleted, or deleted and made again, meanwhile: the loop looks again
        facts = {"function": key.arn, "state": settled.state, "update": settled.update_status}
        log.info("function settled", extra=facts)

    async def _attempt(self, function: Function) -> Function:
        """Do what makes it ready; the answer is what the function has become."""
        try:
            await self._make_ready(function.latest)
        except RuntimeUnavailable as error:
            reason, code = str(error), "InvalidRuntime"
        except InvalidParameterValueException as error:
            reason, code = error.message, "InvalidZipFileException"
        except (SandboxFailed, BlobMissing) as error:
            log.exception("function cannot be made ready", extra={"function": function.key.arn})
            reason, code = str(error), "InternalError"
        else:
            return model.activated(function, revision=_revision())
        facts = {"function": function.key.arn, "reason": reason}
        log.warning("function failed", extra=facts)
        return model.failed(function, reason, code, revision=_revision())

    async def _make_ready(self, configuration: Configuration) -> None:
        await self._prepare(await self._kind(configuration))

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


def _revision() -> str:
    return str(uuid.uuid4())
