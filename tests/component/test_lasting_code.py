"""Which unpacked code is still trusted when the server, or the machine, was away."""

import shutil
from pathlib import Path

import pytest

from stoker.blobs.code_cache import CodeCache
from stoker.blobs.directory import DirectoryBlobs
from tests.component.test_code_cache import with_cache, zipped

PACKAGE = zipped({"main.py": b"one", "big": b"2" * 5000})


def another_boot(root: Path) -> None:
    """As if the machine had been off since."""
    (root / "boot").write_text("another")


def no_boot(root: Path) -> None:
    """As versions left it that had every tree on the disk before anybody saw it."""
    (root / "boot").unlink()


def same_boot(root: Path) -> None:
    """Only the server was away."""


@pytest.mark.parametrize(
    ("settled", "away", "there"),
    [
        (False, same_boot, True),
        (False, another_boot, False),
        (True, another_boot, True),
        (False, no_boot, True),
    ],
)
def test_a_tree_outlives_the_machine_once_it_is_on_the_disk(
    tmp_path: Path, settled: bool, away: object, there: bool
) -> None:
    root, digests = tmp_path / "code", list[str]()

    async def first(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        await cache.clear_up()
        digests.append(await blobs.put(PACKAGE))
        await cache.ensure(*digests)
        if settled:
            await cache.settle()

    async def again(cache: CodeCache, _: DirectoryBlobs) -> None:
        await cache.clear_up()
        assert await cache.missing(digests) == (set() if there else set(digests))
        assert (await cache.ensure(*digests)).file_count == 2
        assert (cache.path(*digests) / "main.py").read_bytes() == b"one"

    with_cache(tmp_path, first)
    assert callable(away)
    away(root)
    with_cache(tmp_path, again)


def test_what_an_earlier_version_left_outlives_the_next_time_the_machine_is_off(
    tmp_path: Path,
) -> None:
    root, digests = tmp_path / "code", list[str]()

    async def first(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        digests.append(await blobs.put(PACKAGE))
        await cache.ensure(*digests)

    async def again(cache: CodeCache, _: DirectoryBlobs) -> None:
        await cache.clear_up()
        assert await cache.missing(digests) == set()

    with_cache(tmp_path, first)
    with_cache(tmp_path, again)
    another_boot(root)
    with_cache(tmp_path, again)


def test_a_tree_found_unmarked_is_brought_to_the_disk_with_the_next(tmp_path: Path) -> None:
    """A server that was killed before it had settled is followed by one that does."""
    told, digests = list[bool](), list[str]()

    async def first(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        await cache.clear_up()
        digests.append(await blobs.put(PACKAGE))
        await cache.ensure(*digests)

    async def second(_: CodeCache, blobs: DirectoryBlobs) -> None:
        cache = CodeCache(tmp_path / "code", blobs, lambda: told.append(True))
        await cache.clear_up()
        await cache.ensure(*digests)
        assert told == [True]
        await cache.settle()
        await cache.close()

    async def third(cache: CodeCache, _: DirectoryBlobs) -> None:
        await cache.clear_up()
        assert await cache.missing(digests) == set()

    with_cache(tmp_path, first)
    with_cache(tmp_path, second)
    another_boot(tmp_path / "code")
    with_cache(tmp_path, third)


def test_a_tree_that_somebody_took_away_holds_up_no_other(tmp_path: Path) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        gone, stays = await blobs.put(PACKAGE), await blobs.put(zipped({"main.py": b"two"}))
        for digest in (gone, stays):
            await cache.ensure(digest)
        shutil.rmtree(cache.path(gone).parent)
        await cache.settle()
        assert {p.name for p in cache.path(stays).parent.iterdir()} == {
            "tree",
            "facts.json",
            "lasting",
        }

    with_cache(tmp_path, story)
