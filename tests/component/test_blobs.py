"""Blobs as files."""

import asyncio
import hashlib
import io
import os
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from stoker.blobs.base import BlobMissing
from stoker.blobs.directory import DirectoryBlobs
from stoker.core.errors import InvalidParameterValueException


def with_blobs(root: Path, story: Callable[[DirectoryBlobs], Awaitable[None]]) -> None:
    async def main() -> None:
        blobs = DirectoryBlobs(root)
        try:
            await story(blobs)
        finally:
            await blobs.close()

    asyncio.run(main())


async def nothing() -> set[str]:
    return set()


def only(*digests: str) -> Callable[[], Awaitable[set[str]]]:
    async def needed() -> set[str]:
        return set(digests)

    return needed


def zipped(content: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("main.py", content)
    return data.getvalue()


def test_what_is_put_is_read_by_its_digest(tmp_path: Path) -> None:
    content = b"x" * 1_000_000

    async def story(blobs: DirectoryBlobs) -> None:
        digest = await blobs.put(content)
        assert digest == hashlib.sha256(content).hexdigest()
        assert await blobs.read(digest) == content
        assert b"".join([piece async for piece in blobs.chunks(digest)]) == content
        assert await blobs.put(content) == digest

    with_blobs(tmp_path, story)


def test_many_may_put_the_same_at_once(tmp_path: Path) -> None:
    async def story(blobs: DirectoryBlobs) -> None:
        digests = await asyncio.gather(*(blobs.put(b"same") for _ in range(20)))
        assert len(set(digests)) == 1
        assert await blobs.read(digests[0]) == b"same"

    with_blobs(tmp_path, story)
    assert list((tmp_path / "incoming").iterdir()) == []


def test_what_is_not_there_is_missing(tmp_path: Path) -> None:
    async def story(blobs: DirectoryBlobs) -> None:
        digest = await blobs.put(b"x")
        await blobs.delete(digest)
        await blobs.delete(digest)
        with pytest.raises(BlobMissing):
            await blobs.read(digest)
        with pytest.raises(BlobMissing):
            await anext(aiter(blobs.chunks(digest)))

    with_blobs(tmp_path, story)


def test_a_zip_that_could_not_be_unpacked_is_not_kept(tmp_path: Path) -> None:
    damaged = zipped(b"some content").replace(b"some content", b"same content")

    async def story(blobs: DirectoryBlobs) -> None:
        with pytest.raises(InvalidParameterValueException, match="Could not unzip"):
            await blobs.check_archive(damaged)
        with pytest.raises(InvalidParameterValueException, match="Could not unzip"):
            async with blobs.receiving(damaged):
                raise AssertionError("is not received")
        await blobs.check_archive(zipped(b"good"))
        assert await blobs.collect(nothing) == 0
        async with blobs.receiving(zipped(b"good")) as code:
            assert await blobs.read(code.sha256) == zipped(b"good")
            assert code.size_bytes == len(zipped(b"good"))
            assert code.unpacked_bytes == 4

    with_blobs(tmp_path, story)


def test_collecting_removes_what_nobody_owns_and_what_was_left_half_written(
    tmp_path: Path,
) -> None:
    async def story(blobs: DirectoryBlobs) -> None:
        mine, others = await blobs.put(b"mine"), await blobs.put(b"others")
        (tmp_path / "incoming" / "half").write_bytes(b"ha")
        await blobs.clear_up()
        assert await blobs.collect(only(mine)) == 1
        assert await blobs.read(mine) == b"mine"
        with pytest.raises(BlobMissing):
            await blobs.read(others)
        assert list((tmp_path / "incoming").iterdir()) == []

    with_blobs(tmp_path, story)


def test_what_is_on_its_way_to_an_owner_is_not_collected(tmp_path: Path) -> None:
    async def story(blobs: DirectoryBlobs) -> None:
        async with blobs.receiving(zipped(b"1")) as first:
            async with blobs.receiving(zipped(b"1")):
                pass  # somebody else brings the same, and has gone
            assert await blobs.collect(nothing) == 0

            async def while_it_looks() -> set[str]:
                """Another package comes and gets an owner, after the list of owners was made."""
                async with blobs.receiving(zipped(b"2")):
                    pass
                return set()

            assert await blobs.collect(while_it_looks) == 0
        assert await blobs.collect(nothing) == 2
        with pytest.raises(BlobMissing):
            await blobs.read(first.sha256)

    with_blobs(tmp_path, story)


def test_a_download_given_up_closes_its_file(tmp_path: Path) -> None:
    async def story(blobs: DirectoryBlobs) -> None:
        pieces = blobs.chunks(await blobs.put(b"x" * 1_000_000))
        await anext(pieces)
        await pieces.aclose()

    with_blobs(tmp_path, story)  # an open file is a leak, and leaks fail tests


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"incoming"}


def test_what_its_owner_keeps_too_is_a_file_when_it_is_synced(tmp_path: Path) -> None:
    package = zipped(b"small")

    async def story(blobs: DirectoryBlobs) -> None:
        async with blobs.receiving(package, kept=True) as code:
            digest = code.sha256
        assert files(tmp_path) == set()
        assert await blobs.read(digest) == blobs.content(digest) == package
        assert b"".join([piece async for piece in blobs.chunks(digest)]) == package
        await blobs.sync([digest])
        assert (tmp_path / digest).read_bytes() == package
        assert await blobs.read(digest) == blobs.content(digest) == package

    with_blobs(tmp_path, story)


def test_what_is_deleted_before_it_is_a_file_never_becomes_one(tmp_path: Path) -> None:
    async def story(blobs: DirectoryBlobs) -> None:
        digests = []
        for content in (b"before", b"while"):
            async with blobs.receiving(zipped(content), kept=True) as code:
                digests.append(code.sha256)
        await blobs.delete(digests[0])
        await asyncio.gather(blobs.sync(digests), blobs.delete(digests[1]))
        for digest in digests:
            with pytest.raises(BlobMissing):
                await blobs.read(digest)

    with_blobs(tmp_path, story)
    assert files(tmp_path) == set()


def test_what_waits_in_memory_is_bounded(tmp_path: Path) -> None:
    packages = [zipped(os.urandom(1_000_000)) for _ in range(12)]

    async def story(blobs: DirectoryBlobs) -> None:
        digests = []
        for package in packages:
            async with blobs.receiving(package, kept=True) as code:
                digests.append(code.sha256)
        assert files(tmp_path) == set(digests[8:])
        assert [await blobs.read(digest) for digest in digests] == packages
        await blobs.sync(digests)
        assert files(tmp_path) == set(digests)
        assert [await blobs.read(digest) for digest in digests] == packages

    with_blobs(tmp_path, story)


@pytest.mark.parametrize("content", [b"0" * 1_000_000, os.urandom(20_000), b"small"])
def test_a_package_is_judged_the_same_however_small_it_is(tmp_path: Path, content: bytes) -> None:
    async def story(blobs: DirectoryBlobs) -> None:
        async with blobs.receiving(zipped(content), kept=True) as code:
            assert code.unpacked_bytes == len(content)
        damaged = zipped(content).replace(b"PK\x01\x02", b"PK\x09\x09")
        with pytest.raises(InvalidParameterValueException, match="Could not unzip"):
            async with blobs.receiving(damaged, kept=True):
                raise AssertionError("is not received")

    with_blobs(tmp_path, story)
    assert files(tmp_path) == set()


def test_links_of_a_small_package_are_judged_too(tmp_path: Path) -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        info = zipfile.ZipInfo("out")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "../out")

    async def story(blobs: DirectoryBlobs) -> None:
        with pytest.raises(InvalidParameterValueException, match="leaves the archive"):
            async with blobs.receiving(data.getvalue(), kept=True):
                raise AssertionError("is not received")

    with_blobs(tmp_path, story)
