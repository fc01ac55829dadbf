"""Packages unpacked: once per digest, shared read-only by every environment.

    <root>/<digest>/tree/   what an environment sees as /var/task, or as /opt if it has one layer
    <root>/<name>/tree/     several layers merged in their order; the name is of their digests
    <root>/files/           files that several packages have in common (blobs/unpacking.py)

A name appears by one rename, when all below it is there; that it is on the disk, `settle` sees to
(blobs/lasting.py). Everything here can be made again from the blobs, so nothing is ever repaired:
what is doubtful is removed.

`collect` removes what nobody needs, at any time. It is told what is needed by whoever knows;
what was asked for since it began is needed, too.
"""

import asyncio
import functools
import shutil
from collections.abc import Awaitable, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

from stoker.blobs import lasting, unpacking
from stoker.blobs.base import Blobs
from stoker.blobs.unpacking import INCOMING, CodeFacts, Made
from stoker.core.invocation import opt_name

T = TypeVar("T")

_THREADS = 2
_FILES = "files"


class CodeCache:
    def __init__(
        self, root: Path, blobs: Blobs, unpacked: Callable[[], None] = lambda: None
    ) -> None:
        """`unpacked` is told when there is something to `settle`."""
        self._root = root
        self._root.mkdir(parents=True, exist_ok=True)
        self._blobs = blobs
        self._unpacked = unpacked
        self._facts: dict[str, CodeFacts] = {}
        self._fresh: dict[str, Made] = {}  # not on the disk yet
        self._wanted: set[str] = set()  # since the last collection began
        self._keeping = asyncio.Lock()  # to remove, or to mark what is there
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="code-cache")

    async def close(self) -> None:
        """Wait for what is under way. Idempotent."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    def path(self, digest: str) -> Path:
        """The unpacked tree. It is there once `ensure` has returned."""
        return self._root / digest / "tree"

    def facts(self, digest: str) -> CodeFacts:
        """Of code that `ensure` has returned for."""
        facts = self._facts.get(digest)
        if facts is None:
            facts = self._facts[digest] = unpacking.read_facts(self._root / digest)
        return facts

    def wants_sdk(self, code: str, layers: tuple[str, ...]) -> bool:
        """Would a function of this code and these layers, all of it unpacked, start sooner with
        the platform's SDK already imported?"""
        facts = [self.facts(digest) for digest in (code, *layers)]
        return any(f.mentions_sdk for f in facts) and not any(f.brings_sdk for f in facts)

    async def ensure(self, digest: str) -> CodeFacts:
        """Unpack, unless it is. Raise BlobMissing, or InvalidParameterValueException for what
        should not be unpacked. Any number may ask at once: it is done once."""

        return await self._once(
            digest,
            lambda here: unpacking.unpack(self._blobs.content(digest), here, self._root / _FILES),
        )

    async def ensure_layers(self, digests: tuple[str, ...]) -> None:
        """Unpack each and merge them, unless it is done. Raises as `ensure` does."""
        for digest in digests:
            await self.ensure(digest)
        parts = [self._root / digest for digest in digests]
        if len(parts) > 1:
            name = opt_name(digests)
            assert name is not None
            await self._once(name, lambda here: unpacking.merge(parts, here))

    async def _once(self, name: str, make: Callable[[Path], Made]) -> CodeFacts:
        self._wanted.add(name)
        if (facts := self._facts.get(name)) is not None:
            return facts
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:
            here = self._root / name
            found = await self._in_thread(lambda: _known(here) if here.is_dir() else make(here))
            if isinstance(found, Made):
                self._fresh[name] = found
                self._unpacked()
                found = found.facts
            self._facts[name] = found
        return found

    async def settle(self) -> None:
        """What was unpacked before this was called is on the disk when it returns, and others
        may share it."""
        async with self._keeping:
            if fresh := dict(self._fresh):
                await self._in_thread(lambda: self._make_lasting(fresh))
                for name in fresh:
                    del self._fresh[name]

    async def missing(self, digests: Iterable[str]) -> set[str]:
        """Which of them are not unpacked."""
        there = await self._in_thread(lambda: {p.name for p in self._root.iterdir()})
        return set(digests) - there

    async def collect(self, needed: Callable[[], Awaitable[Collection[str]]]) -> int:
        """Remove what nobody needs: neither `needed` names it, which is asked after this has
        begun, nor has anybody asked for it since. One collection at a time. Returns how many
        trees were removed."""
        self._wanted.clear()
        keep = await needed()
        gone = 0
        async with self._keeping:
            for name in await self._in_thread(self._names):
                if name in keep:
                    continue
                turn = self._turns.setdefault(name, asyncio.Lock())
                async with turn:
                    if name in self._wanted:
                        continue
                    self._facts.pop(name, None)
                    self._fresh.pop(name, None)
                    aside = await self._in_thread(functools.partial(self._put_aside, name))
                await self._in_thread(functools.partial(shutil.rmtree, aside))
                gone += 1
            await self._in_thread(lambda: unpacking.unshare(self._root / _FILES))
        return gone

    async def clear_up(self) -> None:
        """Remove what a dead predecessor left half-made, and what did not outlive the machine.
        Only before the first `ensure`."""

        def clear() -> None:
            for half in self._root.glob(f"{INCOMING}*"):
                shutil.rmtree(half) if half.is_dir() else half.unlink()
            boot = lasting.last_boot(self._root)
            for name in self._names():
                here = self._root / name
                outlived = boot in (None, lasting.this_boot()) or lasting.is_lasting(here)
                if not outlived or not unpacking.is_whole(here):
                    shutil.rmtree(self._put_aside(name))
                elif boot is None:
                    lasting.mark(here)
            lasting.remember_boot(self._root)

        await self._in_thread(clear)

    def _make_lasting(self, fresh: dict[str, Made]) -> None:
        count = sum(made.facts.file_count for made in fresh.values())
        lasting.sync_trees([self._root / name for name in fresh], self._root, count)
        for name, made in fresh.items():
            here = self._root / name
            unpacking.share(here / "tree", made, self._root / _FILES)
            lasting.mark(here)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _names(self) -> list[str]:
        return [
            path.name
            for path in self._root.iterdir()
            if path.name not in (_FILES, lasting.BOOT) and not path.name.startswith(INCOMING)
        ]

    def _put_aside(self, name: str) -> Path:
        """Before it is removed: a name must never stand over half a tree."""
        return (self._root / name).rename(self._root / f"{INCOMING}{name}")


def _known(here: Path) -> CodeFacts | Made:
    facts = unpacking.read_facts(here)
    return facts if lasting.is_lasting(here) else Made(facts, {})
