"""Blobs as files: `<root>/<digest>`, written aside, synced, and renamed into place.

A name appears only when its content is complete, so a process killed at any point leaves whole
blobs and, at most, a file in `<root>/incoming` that `clear_up` removes. It is on the disk then,
too, unless somebody keeps a copy until it is (reconcilers/packages.py). Of such a blob there is no
file yet: it is read from memory until `sync` writes many of them at once. Whatever ends the server
or the machine before, the copy is still there to restore it from.
"""

import asyncio
import ctypes
import hashlib
import os
import re
import stat
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import BinaryIO, TypeVar

from stoker.blobs.base import BlobMissing
from stoker.core import archives, limits
from stoker.core.model import Code

T = TypeVar("T")

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 256 * 1024
_THREADS = 2
_QUICK_BYTES = 4096  # a package up to here is checked sooner than a thread is asked to do it,
_QUICK_UNPACKED_BYTES = 64 * 1024  # if it is no larger unpacked
_FRESH_BYTES = 8 * limits.MIB  # of blobs that are no files yet
_SYNC_EACH = 8  # more files than that are synced by one syncfs


class DirectoryBlobs:
    def __init__(self, root: Path, unzipped_bytes: int = limits.UNZIPPED_BYTES) -> None:
        """`unzipped_bytes`: a larger package is refused."""
        self._unzipped_bytes = unzipped_bytes
        self._root = root
        self._incoming = root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")
        self._turn = asyncio.Lock()  # to count on a blob, or to delete one
        self._held: Counter[str] = Counter()  # on their way to an owner
        self._released: set[str] = set()  # that were so since the last collection began
        self._fresh: dict[str, bytes] = {}  # that are no files yet
        self._fresh_bytes = 0
        self._writing = asyncio.Lock()  # of their files, or to delete one

    async def close(self) -> None:
        """Wait for what is under way. Idempotent."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    async def put(self, content: bytes) -> str:
        return await self._in_thread(
            lambda: self._put(content, hashlib.sha256(content).hexdigest())
        )

    @asynccontextmanager
    async def receiving(self, content: bytes, *, kept: bool = False) -> AsyncIterator[Code]:
        """Keep a zip, or raise InvalidParameterValueException, in AWS's words, for one that
        could not be unpacked or should not be.

        Within the block it is never collected; behind it, it is if it has no owner. So whoever
        comes to own it must be written within. `kept`: its owner keeps a copy, too, until `sync`
        has brought it to the disk; so nobody waits for that here.
        """
        digest = await self._digest(content)
        async with self._turn:
            self._held[digest] += 1
        try:
            yield await self._received(content, digest, kept)
        finally:
            self._held[digest] -= 1
            if not self._held[digest]:
                del self._held[digest]
            self._released.add(digest)

    async def check_archive(self, content: bytes) -> None:
        """What `receiving` refuses, and nothing kept."""
        await self._in_thread(lambda: _unpacked_bytes(content, self._unzipped_bytes))

    async def restore(self, digest: str, content: bytes) -> None:
        def is_there() -> bool:
            with suppress(BlobMissing), self._open(digest) as file:
                if file.read() == content:
                    return True
                self._path(digest).unlink()
            return False

        if not await self._in_thread(is_there):
            self._keep_fresh(digest, content)

    async def sync(self, digests: Collection[str]) -> None:
        await self._write_fresh()

        def sync() -> None:
            if len(digests) > _SYNC_EACH:
                sync_file_system(self._root)
                return
            for digest in digests:
                with suppress(BlobMissing), self._open(digest) as file:
                    os.fsync(file.fileno())
            sync_directory(self._root)

        await self._in_thread(sync)

    async def read(self, digest: str) -> bytes:
        fresh = self._fresh.get(digest)
        return await self._in_thread(lambda: self.content(digest)) if fresh is None else fresh

    def content(self, digest: str) -> bytes:
        fresh = self._fresh.get(digest)
        if fresh is not None:
            return fresh
        with self._open(digest) as file:
            return file.read()

    async def chunks(self, digest: str) -> AsyncIterator[bytes]:
        if (fresh := self._fresh.get(digest)) is not None:
            yield fresh  # a small one
            return
        file = await self._in_thread(lambda: self._open(digest))
        try:
            while piece := await self._in_thread(lambda: file.read(_CHUNK)):
                yield piece
        finally:
            file.close()

    async def delete(self, digest: str) -> None:
        path = self._path(digest)
        self._forget_fresh(digest)
        async with self._writing:
            await self._in_thread(lambda: path.unlink(missing_ok=True))

    async def collect(self, needed: Callable[[], Awaitable[Collection[str]]]) -> int:
        self._released.clear()
        keep = await needed()
        gone = 0
        for digest in await self._in_thread(self._digests):
            async with self._turn:  # or it might be found just before it goes
                if digest in keep or digest in self._held or digest in self._released:
                    continue
                await self.delete(digest)
                gone += 1
        return gone

    async def clear_up(self) -> None:
        """Delete what a dead predecessor left half-written. Only before the first `put`."""

        def clear() -> None:
            for half in self._incoming.iterdir():
                half.unlink()

        await self._in_thread(clear)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _digest(self, content: bytes) -> str:
        if len(content) > _CHUNK:
            return await self._in_thread(lambda: hashlib.sha256(content).hexdigest())
        return hashlib.sha256(content).hexdigest()

    async def _received(self, content: bytes, digest: str, kept: bool) -> Code:
        unpacked = _seen_at_once(content, self._unzipped_bytes)
        if unpacked is None:
            unpacked = await self._in_thread(lambda: _unpacked_bytes(content, self._unzipped_bytes))
        if not kept:
            await self._in_thread(lambda: self._put(content, digest))
        elif self._fresh_bytes + len(content) > _FRESH_BYTES:
            await self._in_thread(lambda: self._write(content, digest, sync=False))
        else:
            self._keep_fresh(digest, content)
        return Code(digest, len(content), unpacked)

    async def _write_fresh(self) -> None:
        async with self._writing:
            fresh = dict(self._fresh)

            def write() -> None:
                for digest, content in fresh.items():
                    self._write(content, digest, sync=False)

            await self._in_thread(write)
            for digest, content in fresh.items():
                if self._fresh.get(digest) is content:  # not deleted meanwhile
                    self._forget_fresh(digest)

    def _keep_fresh(self, digest: str, content: bytes) -> None:
        if digest not in self._fresh:
            self._fresh[digest] = content
            self._fresh_bytes += len(content)

    def _forget_fresh(self, digest: str) -> None:
        self._fresh_bytes -= len(self._fresh.pop(digest, b""))

    def _path(self, digest: str) -> Path:
        assert _DIGEST.fullmatch(digest), f"{digest!r} is not a digest"
        return self._root / digest

    def _open(self, digest: str) -> BinaryIO:
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError as error:
            raise BlobMissing(f"cannot find blob {digest} in {self._root}") from error

    def _put(self, content: bytes, digest: str) -> str:
        self._write(content, digest, sync=True)
        # Also if it was there: whoever wrote it may not have come as far as this.
        with self._open(digest) as file:
            os.fsync(file.fileno())
        sync_directory(self._root)
        return digest

    def _write(self, content: bytes, digest: str, *, sync: bool) -> None:
        path = self._path(digest)
        if path.exists():
            return
        handle, aside = tempfile.mkstemp(dir=self._incoming)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                if sync:
                    file.flush()
                    os.fsync(file.fileno())
            Path(aside).rename(path)
        except BaseException:
            Path(aside).unlink(missing_ok=True)
            raise

    def _digests(self) -> list[str]:
        return [path.name for path in self._root.iterdir() if path.is_file()]


def _unpacked_bytes(content: bytes, most_bytes: int) -> int:
    """Check that it can be unpacked, and should be."""
    archive = archives.inspect(content, most_bytes)
    archives.verify(content, archive)
    return archive.size_bytes


def _seen_at_once(content: bytes, most_bytes: int) -> int | None:
    """The same, if that takes no time. None: it might."""
    if len(content) > _QUICK_BYTES:
        return None
    entries = archives.directory(content)
    has_links = any(stat.S_ISLNK(entry.mode) for entry in entries)
    if has_links or sum(entry.size for entry in entries) > _QUICK_UNPACKED_BYTES:
        return None
    archive = archives.arrange(entries, {}, most_bytes)
    archives.verify(content, archive)
    return archive.size_bytes


def sync_file_system(path: Path) -> None:
    """Everything on the file system of this directory is on the disk when this returns."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
            raise OSError(ctypes.get_errno(), "cannot sync the file system", str(path))
    finally:
        os.close(handle)


def sync_directory(path: Path) -> None:
    """Make renames into this directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
