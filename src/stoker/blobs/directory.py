"""Blobs as files: `<root>/<digest>`, written aside, synced, and renamed into place.

A name appears only when its content is complete and on the disk, so a process killed at any
point leaves whole blobs and, at most, a file in `<root>/incoming` that `collect` removes.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, TypeVar

from stoker.blobs.base import BlobMissing
from stoker.core import archives
from stoker.core.model import Code

T = TypeVar("T")

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 256 * 1024
_THREADS = 2


class DirectoryBlobs:
    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        self._incoming.mkdir(parents=True, exist_ok=True)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")

    async def close(self) -> None:
        """Wait for what is under way. Idempotent."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    async def put(self, content: bytes) -> str:
        return await self._in_thread(lambda: self._put(content))

    async def put_archive(self, content: bytes) -> Code:
        """Like put, for a zip: InvalidParameterValueException, in AWS's words, for one that
        could not be unpacked or should not be."""

        def check_and_put() -> Code:
            archive = archives.inspect(content)
            archives.verify(content, archive)
            return Code(self._put(content), len(content), archive.size_bytes)

        return await self._in_thread(check_and_put)

    async def check_archive(self, content: bytes) -> None:
        """What put_archive refuses, and nothing kept."""
        await self._in_thread(lambda: archives.verify(content, archives.inspect(content)))

    async def read(self, digest: str) -> bytes:
        def read() -> bytes:
            with self._open(digest) as file:
                return file.read()

        return await self._in_thread(read)

    async def chunks(self, digest: str) -> AsyncIterator[bytes]:
        file = await self._in_thread(lambda: self._open(digest))
        try:
            while piece := await self._in_thread(lambda: file.read(_CHUNK)):
                yield piece
        finally:
            file.close()

    async def delete(self, digest: str) -> None:
        path = self._path(digest)
        await self._in_thread(lambda: path.unlink(missing_ok=True))

    async def collect(self, keep: Collection[str]) -> int:
        return await self._in_thread(lambda: self._collect(keep))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _path(self, digest: str) -> Path:
        assert _DIGEST.fullmatch(digest), f"{digest!r} is not a digest"
        return self._root / digest

    def _open(self, digest: str) -> BinaryIO:
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError as error:
            raise BlobMissing(f"cannot find blob {digest} in {self._root}") from error

    def _put(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        path = self._path(digest)
        if not path.exists():
            handle, aside = tempfile.mkstemp(dir=self._incoming)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                Path(aside).rename(path)
            except BaseException:
                Path(aside).unlink(missing_ok=True)
                raise
        # Also if it was there: whoever put it may not have come as far as this.
        sync_directory(self._root)
        return digest

    def _collect(self, keep: Collection[str]) -> int:
        for half in self._incoming.iterdir():
            half.unlink()
        gone = [p for p in self._root.iterdir() if p.is_file() and p.name not in keep]
        for path in gone:
            path.unlink()
        return len(gone)


def sync_directory(path: Path) -> None:
    """Make renames into this directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
