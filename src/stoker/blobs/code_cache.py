"""Deployment packages unpacked: once per digest, shared read-only by every environment.

    <root>/<digest>/tree/        what an environment sees as /var/task
    <root>/<digest>/facts.json   what was noticed while unpacking

A name appears by one rename, when all below it is on the disk. Everything here can be made
again from the blobs, so nothing is ever repaired: what is doubtful is removed.

Unpacked code is removed by `collect`, at start-up, before the first environment exists. While
the server runs, an environment may be born at any moment from a target resolved before the last
update, and live for hours after it: counting those would be a second account of what placement
knows, kept on the hot path. Disk is cheaper.
"""

import asyncio
import ctypes
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar
from weakref import WeakValueDictionary

from stoker.blobs.base import Blobs
from stoker.blobs.directory import sync_directory
from stoker.core import archives

T = TypeVar("T")

_THREADS = 2
_INCOMING = "incoming-"
_SYNC_EACH = 64  # more files than that are synced by one syncfs
_SDK = ("boto3", "botocore")
_SDK_NAMES = tuple(name.encode() for name in _SDK)
_OVERLAP = max(map(len, _SDK_NAMES)) - 1


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """What whoever makes a sandbox for this code wants to know."""

    mentions_sdk: bool  # some .py file names boto3 or botocore
    brings_sdk: bool  # a boto3 or botocore of its own is inside, wherever
    file_count: int
    size_bytes: int  # unpacked


class CodeCache:
    def __init__(self, root: Path, blobs: Blobs) -> None:
        self._root = root
        self._root.mkdir(parents=True, exist_ok=True)
        self._blobs = blobs
        self._facts: dict[str, CodeFacts] = {}
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
            facts = self._facts[digest] = _read_facts(self._root / digest)
        return facts

    def wants_sdk(self, *digests: str) -> bool:
        """Would a function of this code and these layers, which `ensure` has returned for,
        start sooner with the platform's SDK already imported?"""
        facts = [self.facts(digest) for digest in digests]
        return any(f.mentions_sdk for f in facts) and not any(f.brings_sdk for f in facts)

    async def ensure(self, digest: str) -> CodeFacts:
        """Unpack, unless it is. Raise BlobMissing, or InvalidParameterValueException for what
        should not be unpacked. Any number may ask at once: it is done once."""
        if (facts := self._facts.get(digest)) is not None:
            return facts
        turn = self._turns.setdefault(digest, asyncio.Lock())
        async with turn:
            here = self._root / digest
            if not await self._in_thread(here.is_dir):
                data = await self._blobs.read(digest)
                await self._in_thread(lambda: _unpack(data, here))
            facts = self._facts[digest] = await self._in_thread(lambda: _read_facts(here))
        return facts

    async def missing(self, digests: Iterable[str]) -> set[str]:
        """Which of them are not unpacked."""
        there = await self._in_thread(lambda: {p.name for p in self._root.iterdir()})
        return set(digests) - there

    async def collect(self, keep: Collection[str]) -> int:
        """Remove what no function refers to, and what a dead predecessor left half-made. Only
        at start-up (see above). Returns how many trees were removed."""
        return await self._in_thread(lambda: self._collect(keep))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _collect(self, keep: Collection[str]) -> int:
        for half in self._root.glob(f"{_INCOMING}*"):
            shutil.rmtree(half)
        gone = [p for p in self._root.iterdir() if p.name not in keep or not _is_whole(p)]
        for path in gone:
            # Renamed first: a name must never stand over half a tree.
            shutil.rmtree(path.rename(self._root / f"{_INCOMING}{path.name}"))
            self._facts.pop(path.name, None)
        return len(gone)


def _is_whole(here: Path) -> bool:
    """Nobody has taken away a part of it."""
    return (here / "tree").is_dir() and (here / "facts.json").is_file()


def _read_facts(here: Path) -> CodeFacts:
    return CodeFacts(**json.loads((here / "facts.json").read_text()))


def _unpack(data: bytes, here: Path) -> None:
    """Make the whole directory of one digest, or leave nothing."""
    archive = archives.inspect(data)
    aside = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=here.parent))
    try:
        aside.chmod(0o755)
        facts = _write_tree(data, archive, aside / "tree")
        (aside / "facts.json").write_text(json.dumps(asdict(facts)))
        _sync_all(aside, facts.file_count)
        try:
            aside.rename(here)
        except OSError as error:
            # One whose caller was cancelled meanwhile came first, with the same.
            if error.errno != errno.ENOTEMPTY:
                raise
        sync_directory(here.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _write_tree(data: bytes, archive: archives.Archive, tree: Path) -> CodeFacts:
    """Directories, then files, then links: so nothing is ever written through a link."""
    tree.mkdir()
    for name in archive.directories:
        (tree / name).mkdir()
    mentions = False
    for member in archive.files:
        mentions |= _write_file(data, member, tree / member.path)
    for member in archive.links:
        assert member.link is not None
        path = tree / member.path
        path.symlink_to(member.link)
        os.utime(path, (member.entry.modified_s,) * 2, follow_symlinks=False)
    for directory in (tree, *(tree / name for name in archive.directories)):
        directory.chmod(0o755)
    return CodeFacts(
        mentions_sdk=mentions,
        brings_sdk=any(_is_sdk(m.path) for m in (*archive.files, *archive.links)),
        file_count=len(archive.files),
        size_bytes=archive.size_bytes,
    )


def _write_file(data: bytes, member: archives.Member, path: Path) -> bool:
    """Write it; say whether it is Python that names the SDK."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    python, mentions, tail = path.suffix == ".py", False, b""
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for piece in archives.content(data, member.entry):
            file.write(piece)
            if python and not mentions:
                seen = tail + piece
                mentions = any(name in seen for name in _SDK_NAMES)
                tail = seen[-_OVERLAP:]
        os.fchmod(file.fileno(), member.mode)
    os.utime(path, (member.entry.modified_s,) * 2)
    return mentions


def _is_sdk(path: str) -> bool:
    return any(part.removesuffix(".py") in _SDK for part in path.split("/"))


def _sync_all(root: Path, file_count: int) -> None:
    """Everything below `root` is on the disk when this returns."""
    if file_count > _SYNC_EACH:
        handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(handle) != 0:
                raise OSError(ctypes.get_errno(), "cannot sync the file system", str(root))
        finally:
            os.close(handle)
        return
    for directory, _, names in os.walk(root):
        for name in names:
            path = Path(directory, name)
            if not path.is_symlink():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        sync_directory(Path(directory))
