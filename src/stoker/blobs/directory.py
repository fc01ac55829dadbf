"""Blobs as files: `<root>/<digest>`, written aside, synced, and renamed into place.

A name appears only when its content is complete and on the disk, so a process killed at any
point leaves whole blobs and, at most, a file in `<root>/incoming` that `clear_up` removes.
"""

import asyncio
import hashlib
import os
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO, TypeVar

from stoker.blobs.base import BlobMissing
from stoker.core import archives, limits
from stoker.core.model import Code

T = TypeVar("T")

_DIGEST = re.compile(r"[0-9a-f]{64}")
_CHUNK = 256 * 1024
_THREADS = 2


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

    async def close(self) -> None:
        """Wait for what is under way. Idempotent."""
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)

    async def put(self, content: bytes) -> str:
        return await self._in_thread(
            lambda: self._put(content, hashlib.sha256(content).hexdigest())
        )

    @asynccontextmanager
    async def receiving(self, content: bytes) -> AsyncIterator[Code]:
        """Keep a zip, or raise InvalidParameterValueException, in AWS's words, for one that
        could not be unpacked or should not be.

        Within the block it is never collected; behind it, it is if it has no owner. So whoever
        comes to own it must be written within.
        """
        code = await self._in_thread(lambda: _checked(content, self._unzipped_bytes))
        async with self._turn:
            self._held[code.sha256] += 1
        try:
            await self._in_thread(lambda: self._put(content, code.sha256))
            yield code
        finally:
            self._held[code.sha256] -= 1
            if not self._held[code.sha256]:
                del self._held[code.sha256]
            self._released.add(code.sha256)

    async def check_archive(self, content: bytes) -> None:
        """What `receiving` refuses, and nothing kept."""
        await self._in_thread(lambda: _checked(content, self._unzipped_bytes))

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

    def _path(self, digest: str) -> Path:
        assert _DIGEST.fullmatch(digest), f"{digest!r} is not a digest"
        return self._root / digest

    def _open(self, digest: str) -> BinaryIO:
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError as error:
            raise BlobMissing(f"cannot find blob {digest} in {self._root}") from error

    def _put(self, content: bytes, digest: str) -> str:
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

    def _digests(self) -> list[str]:
        return [path.name for path in self._root.iterdir() if path.is_file()]


def _checked(content: bytes, most_bytes: int) -> Code:
    archive = archives.inspect(content, most_bytes)
    archives.verify(content, archive)
    return Code(hashlib.sha256(content).hexdigest(), len(content), archive.size_bytes)


def sync_directory(path: Path) -> None:
    """Make renames into this directory durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
