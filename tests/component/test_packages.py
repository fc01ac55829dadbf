"""Small packages: durable with their function by one commit, and soon kept once."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from stoker.blobs.code_cache import CodeCache
from stoker.blobs.directory import DirectoryBlobs
from stoker.reconcilers.packages import Packages
from stoker.store.sqlite import SqliteStore

PACKAGE = b"the zip of a small function"
DIGEST = hashlib.sha256(PACKAGE).hexdigest()

Story = Callable[[SqliteStore, DirectoryBlobs, Packages], Awaitable[None]]


def with_packages(folder: Path, story: Story) -> None:
    async def main() -> None:
        store, blobs = SqliteStore(folder / "stoker.db"), DirectoryBlobs(folder / "blobs")
        code = CodeCache(folder / "code", blobs)
        await store.open()
        try:
            await story(store, blobs, Packages(store=store, blobs=blobs, code=code, pause_s=0))
        finally:
            await code.close()
            await blobs.close()
            await store.close()

    asyncio.run(main())


async def keep(store: SqliteStore) -> None:
    async with store.transaction() as tx:
        await tx.packages.keep(DIGEST, PACKAGE)


async def kept(store: SqliteStore) -> dict[str, bytes]:
    async with store.transaction() as tx:
        return await tx.packages.every()


@pytest.mark.parametrize("left", [None, b"", PACKAGE[:5], b"x" * len(PACKAGE), PACKAGE])
def test_what_a_machine_that_stopped_left_of_a_package_does_not_matter(
    tmp_path: Path, left: bytes | None
) -> None:
    async def story(store: SqliteStore, blobs: DirectoryBlobs, packages: Packages) -> None:
        await keep(store)
        if left is not None:
            (tmp_path / "blobs" / DIGEST).write_bytes(left)
        await packages.recover()
        assert await blobs.read(DIGEST) == PACKAGE
        assert await kept(store) == {}

    with_packages(tmp_path, story)


def test_a_copy_is_forgotten_after_its_file_was_synced(tmp_path: Path) -> None:
    async def story(store: SqliteStore, blobs: DirectoryBlobs, packages: Packages) -> None:
        await blobs.put(PACKAGE)
        await keep(store)
        await packages.settle()
        assert await kept(store) == {}
        assert await blobs.read(DIGEST) == PACKAGE

    with_packages(tmp_path, story)


def test_what_is_given_again_meanwhile_is_not_forgotten(tmp_path: Path) -> None:
    async def story(store: SqliteStore, _: DirectoryBlobs, __: Packages) -> None:
        await keep(store)
        async with store.transaction() as tx:
            given = await tx.packages.given()
        await keep(store)
        async with store.transaction() as tx:
            await tx.packages.forget(given)
        assert await kept(store) == {DIGEST: PACKAGE}

    with_packages(tmp_path, story)


def test_a_disk_that_takes_nothing_leaves_the_copy(tmp_path: Path) -> None:
    async def story(store: SqliteStore, blobs: DirectoryBlobs, packages: Packages) -> None:
        await blobs.put(PACKAGE)
        await keep(store)
        await blobs.close()  # stands for it: whatever is asked of it fails
        assert not await packages.finish()
        assert await kept(store) == {DIGEST: PACKAGE}

    with_packages(tmp_path, story)


def test_a_start_on_a_full_disk_has_the_packages_that_the_disk_does_not_take(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(store: SqliteStore, blobs: DirectoryBlobs, packages: Packages) -> None:
        await keep(store)
        aside = tmp_path / "blobs" / "incoming"
        aside.rmdir()  # stands for it: no new file can be made
        await packages.recover()
        assert "packages cannot be synced" in caplog.text
        assert await blobs.read(DIGEST) == PACKAGE
        assert await kept(store) == {DIGEST: PACKAGE}
        aside.mkdir()
        later = asyncio.create_task(packages.run())
        async with asyncio.timeout(60):
            while await kept(store):
                pass
        later.cancel()
        assert (tmp_path / "blobs" / DIGEST).read_bytes() == PACKAGE

    with_packages(tmp_path, story)
