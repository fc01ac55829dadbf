"""Which functions run a folder that somebody works on, and where it is (core/developing.py).

A folder is shared as long as an environment may be made of it, which is a while longer than
somebody works on it: invocations that run come to their end first.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from stoker.core.developing import Overlay, folder_of
from stoker.core.errors import ResourceConflictException, ServiceException
from stoker.core.invocation import Target
from stoker.core.model import FunctionKey
from stoker.invoke.catalog import Catalog
from stoker.invoke.tasks import Tasks
from stoker.sandbox.base import Backend, SandboxFailed

log = logging.getLogger(__name__)
LOOK_S = 1.0  # whether a folder that nobody works on any more is still in use


class Developing:
    def __init__(
        self,
        backend: Backend,
        catalog: Catalog,
        retire: Callable[[Callable[[Target], bool]], None],
        targets: Callable[[], Iterable[Target]],
    ) -> None:
        """`retire`, `targets`: the invoker's; the latter are all that are run, or about to be."""
        self._backend = backend
        self._catalog = catalog
        self._retire = retire
        self._targets = targets
        self._paths: dict[str, Path] = {}
        self._names = itertools.count(1)
        self._works: dict[FunctionKey, Work] = {}
        self._tasks = Tasks()
        self._closing = asyncio.Event()

    def path(self, name: str) -> Path | None:
        """Where code of this name is; None: it is none of ours."""
        return self._paths.get(folder_of(name) or name)

    def begin(self, key: FunctionKey, who: str) -> "Work":
        """Raise ResourceConflictException if somebody else works on it."""
        if key in self._works:
            raise ResourceConflictException(
                f"{key.name} is developed by {self._works[key].who} already: end that first"
            )
        work = self._works[key] = Work(self, key, who)
        return work

    async def close(self) -> None:
        """When every environment is gone."""
        for work in list(self._works.values()):
            work.end()
        self._closing.set()
        await self._tasks.close()
        for name in list(self._paths):
            await self._unshare(name)

    # ---- for Work ----

    async def share(self, folder: int) -> str:
        name = f"dev-{next(self._names)}"
        self._paths[name] = await self._backend.share(name, folder)
        return name

    def show(self, key: FunctionKey, overlay: Overlay | None) -> None:
        self._catalog.develop(key, overlay)
        self._retire(self._catalog.serves)

    def ended(self, key: FunctionKey) -> None:
        del self._works[key]

    def forget(self, names: Sequence[str]) -> None:
        """These folders are shown by nobody any more."""
        if names:
            self._tasks.start(self._forget_unused(set(names)), "folders of stoker dev")

    async def _forget_unused(self, names: set[str]) -> None:
        while names and not self._closing.is_set():
            used = set().union(*map(_folders, self._targets()))
            for name in names - used:
                await self._unshare(name)
            names &= used
            if names:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), LOOK_S)

    async def _unshare(self, name: str) -> None:
        try:
            await self._backend.unshare(name)
        except SandboxFailed as error:
            log.warning("folder still shared", extra={"folder": name, "reason": str(error)})
        self._paths.pop(name, None)


class Work:
    """On one function, by one developer: from Developing.begin() to end()."""

    def __init__(self, developing: Developing, key: FunctionKey, who: str) -> None:
        self._developing = developing
        self.key, self.who = key, who
        self._names: list[str] = []  # of the folder, and of the packages if there are any
        self._over = False

    async def share(self, folders: Sequence[int]) -> None:
        """The folder, and what it needs beside it: descriptors, which stay the caller's. Raise
        ServiceException."""
        names: list[str] = []
        try:
            for folder in folders:
                names.append(await self._developing.share(folder))
        except BaseException as error:
            self._developing.forget(names)
            if isinstance(error, SandboxFailed):
                raise ServiceException(str(error)) from error
            raise
        if self._over:
            self._developing.forget(names)
        else:
            before, self._names = self._names, names
            self._developing.forget(before)

    def show(self, fingerprint: str, debug: str) -> None:
        """From now on invocations run the folder, which is in this state."""
        if self._names and not self._over:
            folder, *packages = self._names
            overlay = Overlay(folder, fingerprint, packages[0] if packages else "", debug)
            self._developing.show(self.key, overlay)

    def end(self) -> None:
        """The function has its deployed code again. Idempotent."""
        if not self._over:
            self._over = True
            self._developing.ended(self.key)
            self._developing.show(self.key, None)
            self._developing.forget(self._names)


def _folders(target: Target) -> set[str]:
    folder = folder_of(target.code)
    if folder is None:
        return set()
    assert target.developed is not None
    return {folder, target.developed.packages}
