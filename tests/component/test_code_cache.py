"""Deployment packages unpacked on a real disk."""

import asyncio
import io
import os
import stat
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from stoker.blobs.base import BlobMissing
from stoker.blobs.code_cache import CodeCache, CodeFacts
from stoker.blobs.directory import DirectoryBlobs
from stoker.core.errors import InvalidParameterValueException
from tests.component.test_blobs import nothing, only

FILE, LINK = stat.S_IFREG | 0o600, stat.S_IFLNK | 0o777
Story = Callable[[CodeCache, DirectoryBlobs], Awaitable[None]]


def with_cache(folder: Path, story: Story) -> None:
    async def main() -> None:
        blobs = DirectoryBlobs(folder / "blobs")
        cache = CodeCache(folder / "code", blobs)
        try:
            await story(cache, blobs)
        finally:
            await cache.close()
            await blobs.close()

    asyncio.run(main())


def zipped(files: dict[str, bytes | tuple[bytes, int]]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, what in files.items():
            content, mode = what if isinstance(what, tuple) else (what, FILE)
            info = zipfile.ZipInfo(name, (2024, 2, 29, 12, 30, 14))
            info.external_attr = mode << 16
            archive.writestr(info, content)
    return data.getvalue()


def test_code_is_unpacked_with_modes_links_and_times(tmp_path: Path) -> None:
    package = zipped(
        {
            "main.py": b"print()",
            "bin/run": (b"#!/bin/sh", stat.S_IFREG | 0o750),
            "bin/alias": (b"run", LINK),
            "dangling": (b"not/there", LINK),
            "deep/er/f": b"f",
        }
    )

    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        os.umask(0o077)  # whatever the operator's is
        digest = await blobs.put(package)
        await cache.ensure(digest)
        tree = cache.path(digest)
        modes = {
            str(p.relative_to(tree)): oct(p.lstat().st_mode & 0o7777)
            for p in tree.rglob("*")
            if not p.is_symlink()
        }
        assert modes == {
            "main.py": "0o644",
            "bin": "0o755",
            "bin/run": "0o755",
            "deep": "0o755",
            "deep/er": "0o755",
            "deep/er/f": "0o644",
        }
        assert (tree.stat().st_mode & 0o777, tree.parent.stat().st_mode & 0o777) == (0o755, 0o755)
        assert (tree / "bin/alias").readlink() == Path("run")
        assert (tree / "bin/alias").read_bytes() == b"#!/bin/sh"
        assert (tree / "dangling").lstat().st_mtime == 1709209814
        assert (tree / "main.py").stat().st_mtime == 1709209814

    before = os.umask(0)
    try:
        with_cache(tmp_path, story)
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("files", "mentions", "brings"),
    [
        ({"main.py": b"import json"}, False, False),
        ({"main.py": b"import boto3"}, True, False),
        ({"pkg/x.py": b"from botocore.config import Config"}, True, False),
        ({"readme.txt": b"uses boto3"}, False, False),
        ({"main.py": b"import boto3", "boto3/__init__.py": b""}, True, True),
        ({"main.py": b"import boto3", "vendor/botocore/x.py": b""}, True, True),
        ({"main.py": b"import boto3", "boto3.py": b""}, True, True),
        ({"main.py": b"x" * (256 * 1024 - 3) + b"boto3"}, True, False),
        ({"main.py": b"x", "boto3_helpers/a.py": b""}, False, False),
    ],
)
def test_facts_say_whether_the_platforms_sdk_would_help(
    tmp_path: Path, files: dict[str, bytes | tuple[bytes, int]], mentions: bool, brings: bool
) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        digest = await blobs.put(zipped(files))
        facts = await cache.ensure(digest)
        assert facts == cache.facts(digest)
        assert (facts.mentions_sdk, facts.brings_sdk) == (mentions, brings)
        assert cache.wants_sdk(digest, ()) == (mentions and not brings)
        assert facts.file_count == len(files)
        assert facts.size_bytes == sum(map(len, files.values()))

    with_cache(tmp_path, story)


def test_facts_survive_a_restart(tmp_path: Path) -> None:
    package, seen = zipped({"main.py": b"import boto3"}), list[CodeFacts]()

    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        digest = await blobs.put(package)
        seen.append(await cache.ensure(digest))
        assert cache.facts(digest) == seen[0]

    async def again(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        assert cache.facts(await blobs.put(package)) == seen[0]

    with_cache(tmp_path, story)
    with_cache(tmp_path, again)


def test_many_who_ask_at_once_get_one_tree(tmp_path: Path) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        digest = await blobs.put(zipped({f"f{n}": b"x" for n in range(200)}))
        asked = [asyncio.create_task(cache.ensure(digest)) for _ in range(20)]
        await asyncio.sleep(0)
        asked[0].cancel()
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert sum(isinstance(a, CodeFacts) for a in answers) == 19
        assert len(list(cache.path(digest).iterdir())) == 200

    with_cache(tmp_path, story)
    assert len(list((tmp_path / "code").iterdir())) == 1


def test_a_package_that_is_refused_or_missing_leaves_nothing(tmp_path: Path) -> None:
    damaged = zipped({"a": b"a", "b": os.urandom(1000)})
    at = damaged.index(b"b", damaged.index(b"PK\x03\x04", 4)) + 500
    damaged = damaged[:at] + bytes([damaged[at] ^ 1]) + damaged[at + 1 :]

    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        with pytest.raises(InvalidParameterValueException, match="Could not unzip"):
            await cache.ensure(await blobs.put(damaged))
        with pytest.raises(BlobMissing):
            await cache.ensure("0" * 64)

    with_cache(tmp_path, story)
    assert list((tmp_path / "code").iterdir()) == []


def test_links_are_made_last_so_nothing_is_written_through_one(tmp_path: Path) -> None:
    """An archive that would write through its own link is refused; and what is written stays
    below the root, wherever its links point."""
    outside = tmp_path / "outside"
    outside.mkdir()
    hostile = [
        zipped({"d": (str(outside).encode(), LINK), "d/f": b"x"}),
        zipped({"d": (b"../../../outside", LINK)}),
        zipped({"a": (b"b/..", LINK), "b": (b"..", LINK)}),
    ]

    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        for package in hostile:
            with pytest.raises(InvalidParameterValueException):
                await cache.ensure(await blobs.put(package))

    with_cache(tmp_path, story)
    assert list(outside.iterdir()) == []


def test_collecting_keeps_what_is_owned_and_removes_the_rest(tmp_path: Path) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        mine = await blobs.put(zipped({"f": b"1"}))
        others = await blobs.put(zipped({"f": b"2"}))
        await cache.ensure(mine)
        await cache.ensure(others)
        (tmp_path / "code" / "incoming-half" / "tree").mkdir(parents=True)
        assert await cache.missing([mine, others, "0" * 64]) == {"0" * 64}
        (tmp_path / "code" / ("1" * 64) / "tree").mkdir(parents=True)  # without its facts
        await cache.clear_up()
        assert await cache.collect(only(mine)) == 1
        assert {p.name for p in (tmp_path / "code").iterdir()} == {mine, "boot"}
        await cache.ensure(others)  # and it can come back
        assert (cache.path(others) / "f").read_bytes() == b"2"

    with_cache(tmp_path, story)


def test_what_is_asked_for_meanwhile_is_not_collected(tmp_path: Path) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        digest = await blobs.put(zipped({"f": b"1"}))
        await cache.ensure(digest)

        async def while_it_looks() -> set[str]:
            await cache.ensure(digest)  # known already: nothing has to be unpacked
            return set()

        assert await cache.collect(while_it_looks) == 0
        assert (cache.path(digest) / "f").read_bytes() == b"1"
        assert await cache.collect(nothing) == 1
        await cache.ensure(digest)
        assert (cache.path(digest) / "f").read_bytes() == b"1"

    with_cache(tmp_path, story)
