"""Blobs as files."""

import asyncio
import hashlib
import io
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
        for check in (blobs.put_archive, blobs.check_archive):
            with pytest.raises(InvalidParameterValueException, match="Could not unzip"):
                await check(damaged)
        await blobs.check_archive(zipped(b"good"))
        assert await blobs.collect(()) == 0
        assert await blobs.read((await blobs.put_archive(zipped(b"good"))).sha256) == zipped(
            b"good"
        )

    with_blobs(tmp_path, story)


def test_collecting_removes_what_nobody_owns_and_what_was_left_half_written(
    tmp_path: Path,
) -> None:
    async def story(blobs: DirectoryBlobs) -> None:
        mine, others = await blobs.put(b"mine"), await blobs.put(b"others")
        (tmp_path / "incoming" / "half").write_bytes(b"ha")
        assert await blobs.collect({mine}) == 1
        assert await blobs.read(mine) == b"mine"
        with pytest.raises(BlobMissing):
            await blobs.read(others)
        assert list((tmp_path / "incoming").iterdir()) == []

    with_blobs(tmp_path, story)


def test_a_download_given_up_closes_its_file(tmp_path: Path) -> None:
    async def story(blobs: DirectoryBlobs) -> None:
        pieces = blobs.chunks(await blobs.put(b"x" * 1_000_000))
        await anext(pieces)
        await pieces.aclose()

    with_blobs(tmp_path, story)  # an open file is a leak, and leaks fail tests
