"""No file is written twice: packages share files, and merged layers are links to them."""

import asyncio
import os
import stat
import zlib
from pathlib import Path

import pytest

from stoker.blobs.code_cache import CodeCache
from stoker.blobs.directory import DirectoryBlobs
from stoker.core.errors import InvalidParameterValueException
from stoker.core.invocation import opt_name
from tests.component.test_blobs import nothing, only
from tests.component.test_code_cache import LINK, with_cache, zipped

BIG = os.urandom(100_000)


async def unpacked(cache: CodeCache, blobs: DirectoryBlobs, *packages: bytes) -> list[str]:
    digests = [await blobs.put(package) for package in packages]
    for digest in digests:
        await cache.ensure(digest)
        await cache.settle()  # what is on the disk is shared
    return digests


async def merged(cache: CodeCache, blobs: DirectoryBlobs, *packages: bytes) -> Path:
    digests = tuple([await blobs.put(package) for package in packages])
    await cache.ensure_layers(digests)
    name = opt_name(digests)
    assert name is not None
    return cache.path(name)


def test_packages_share_the_files_that_are_the_same(tmp_path: Path) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        same = {"lib/big.so": BIG, "other.py": b"import boto3\n" + b"#" * 5000}
        one, two = await unpacked(
            cache,
            blobs,
            zipped({"main.py": b"1", **same}),
            zipped({"main.py": b"2", "moved/big": BIG, **same}),
        )
        files = [cache.path(one) / "lib/big.so", cache.path(two) / "lib/big.so"]
        assert files[0].samefile(files[1])
        assert files[0].samefile(cache.path(two) / "moved/big")
        assert files[1].read_bytes() == BIG
        assert (cache.path(two) / "main.py").read_bytes() == b"2"
        assert cache.facts(two).mentions_sdk  # also where nothing was unpacked
        # What another mode, time or content has is another file.
        (three,) = await unpacked(
            cache,
            blobs,
            zipped({"x": (BIG, stat.S_IFREG | 0o755), "y": BIG[:-1] + b"?", "z": BIG}),
        )
        there = cache.path(three)
        assert [files[0].samefile(there / name) for name in "xyz"] == [False, False, True]
        assert stat.S_IMODE((there / "x").stat().st_mode) == 0o755

    with_cache(tmp_path, story)


def test_a_shared_file_goes_when_the_last_package_goes(tmp_path: Path) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        shared = tmp_path / "code" / "files"
        one, _ = await unpacked(
            cache, blobs, zipped({"a": BIG, "1": b""}), zipped({"a": BIG, "2": b""})
        )
        assert len(list(shared.iterdir())) == 1
        await cache.collect(only(one))
        assert (cache.path(one) / "a").read_bytes() == BIG
        assert len(list(shared.iterdir())) == 1
        await cache.collect(nothing)
        assert list(shared.iterdir()) == []

    with_cache(tmp_path, story)


def test_a_shared_file_that_was_cut_is_not_used(tmp_path: Path) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        await unpacked(cache, blobs, zipped({"a": BIG, "1": b""}))
        (shared,) = (tmp_path / "code" / "files").iterdir()
        os.truncate(shared, 10)
        (two,) = await unpacked(cache, blobs, zipped({"a": BIG, "2": b""}))
        assert (cache.path(two) / "a").read_bytes() == BIG

    with_cache(tmp_path, story)


def test_a_checksum_alone_does_not_make_two_files_the_same(tmp_path: Path) -> None:
    """Whoever finds other content with the CRC of a victim's file gets nothing of his into it."""

    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        evil = BIG[:50_000] + forged(BIG[:50_000], BIG)
        victim, attacker = await unpacked(
            cache, blobs, zipped({"a": BIG, "1": b""}), zipped({"a": evil})
        )
        assert (cache.path(victim) / "a").read_bytes() == BIG
        assert (cache.path(attacker) / "a").read_bytes() == evil

    with_cache(tmp_path, story)


def forged(prefix: bytes, wanted: bytes) -> bytes:
    """A rest of the right length, so that prefix and rest have the CRC of `wanted`."""
    size = len(wanted) - len(prefix)
    rest = b"evil" * (size // 4) + b"e" * (size % 4)
    base = bytearray(rest[:-4])
    target = zlib.crc32(wanted)
    # The CRC is affine in the last four bytes: solve for them bit by bit.
    start = zlib.crc32(bytes(base), zlib.crc32(prefix))
    zero = zlib.crc32(bytes(4), start)
    columns = [zlib.crc32((1 << bit).to_bytes(4, "little"), start) ^ zero for bit in range(32)]
    rows = [(column, 1 << bit) for bit, column in enumerate(columns)]
    difference, answer = zero ^ target, 0
    for bit in range(31, -1, -1):
        pivot = next(row for row in rows if row[0] >> bit & 1)
        rows.remove(pivot)
        rows = [
            (row[0] ^ pivot[0], row[1] ^ pivot[1]) if row[0] >> bit & 1 else row for row in rows
        ]
        if difference >> bit & 1:
            difference ^= pivot[0]
            answer ^= pivot[1]
    made = bytes(base) + answer.to_bytes(4, "little")
    assert zlib.crc32(prefix + made) == target
    return made


def test_later_layers_cover_earlier_ones(tmp_path: Path) -> None:
    first = {"a": b"1", "both": b"1", "dir/f": b"1", "dir/g": b"1", "was/a/dir": b"1",
             "bin/link": (b"../a", LINK), "linked": (b"dir", LINK)}  # fmt: skip
    second = {"both": b"2", "dir/f": b"2", "was": b"now a file", "bin/link": b"now a file",
              "linked/f": b"now a folder", "a": (b"both", LINK)}  # fmt: skip

    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        tree = await merged(cache, blobs, zipped(first), zipped(second))
        found = {
            str(path.relative_to(tree)): path.read_bytes()
            for path in tree.rglob("*")
            if not path.is_dir()
        }
        assert found == {
            "a": b"2",
            "both": b"2",
            "dir/f": b"2",
            "dir/g": b"1",
            "was": b"now a file",
            "bin/link": b"now a file",
            "linked/f": b"now a folder",
        }
        assert (tree / "a").readlink() == Path("both")
        assert stat.S_IMODE((tree / "dir").stat().st_mode) == 0o755
        # The layers themselves are as they were: nothing was written through a link.
        one = cache.path(await blobs.put(zipped(first)))
        assert (one / "dir/f").read_bytes() == b"1"
        back = await merged(cache, blobs, zipped(second), zipped(first))
        assert (back / "both").read_bytes() == b"1"

    with_cache(tmp_path, story)


def test_layers_that_leave_their_root_only_together_are_refused(tmp_path: Path) -> None:
    """Each link stays inside by itself; put together, one leads out of the common tree."""
    first = zipped({"p/q/l": (b"b/../../../up", LINK)})
    second = zipped({"p/q/b": (b"../..", LINK)})

    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        await unpacked(cache, blobs, first, second)
        with pytest.raises(InvalidParameterValueException, match="leaves the archive"):
            await merged(cache, blobs, first, second)

    with_cache(tmp_path, story)
    assert not [path for path in (tmp_path / "code").iterdir() if path.name.startswith("incoming")]


def test_merging_takes_no_room_and_is_done_once(tmp_path: Path) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        layers = [zipped({f"f{n}": BIG + bytes([n])}) for n in range(5)]
        trees = await asyncio.gather(*(merged(cache, blobs, *layers) for _ in range(5)))
        assert len(set(trees)) == 1
        for n, layer in enumerate(layers):
            alone = cache.path(await blobs.put(layer)) / f"f{n}"
            assert (trees[0] / f"f{n}").samefile(alone)
        made = trees[0].stat().st_ino
        again = CodeCache(tmp_path / "code", blobs)
        assert (await merged(again, blobs, *layers)).stat().st_ino == made
        await again.close()

    with_cache(tmp_path, story)


def test_the_platforms_sdk_helps_unless_a_layer_brings_its_own(tmp_path: Path) -> None:
    async def story(cache: CodeCache, blobs: DirectoryBlobs) -> None:
        code, uses, brings = await unpacked(
            cache,
            blobs,
            zipped({"main.py": b""}),
            zipped({"python/tools.py": b"import boto3"}),
            zipped({"python/boto3/__init__.py": b""}),
        )
        wants = [cache.wants_sdk(code, layers) for layers in ((), (uses,), (uses, brings))]
        assert wants == [False, True, False]

    with_cache(tmp_path, story)
