"""Versions and aliases as the store keeps them."""

from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core import versions
from stoker.core.aliases import Alias, AliasKey
from stoker.core.errors import ResourceConflictException
from stoker.core.model import Function, FunctionKey, State
from stoker.core.versions import Version, VersionKey
from stoker.store.base import Aggregate, Key, Superseded
from stoker.store.sqlite import SqliteStore
from tests.component.test_catalog import ACTIVE, FIRST, KEY, LIVE, with_store

OTHER = replace(ACTIVE, key=replace(KEY, name="g"))


def version(number: int, function: Function = ACTIVE, revision: str = "v") -> Version:
    return replace(FIRST, key=VersionKey(function.key, number), revision_id=revision)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    pending = versions.restoring(version(2))
    failed = versions.failed(version(3), "why", "InvalidRuntime")
    described = replace(version(4), published_as="of latest")

    async def story(store: SqliteStore) -> None:
        kept = [version(1), pending, failed, described]
        async with store.transaction() as tx:
            await tx.create_function(ACTIVE)
            for one in kept:
                await tx.versions.add(one)
            await tx.aliases.add(LIVE)
        async with store.transaction() as tx:
            assert await tx.versions.of(KEY, after=0, limit=9) == kept
            assert await tx.versions.of(KEY, after=1, limit=2) == kept[1:3]
            assert await tx.versions.version(failed.key) == failed
            assert await tx.versions.every() == kept
            assert await tx.aliases.alias(LIVE.key) == LIVE
            assert await tx.aliases.of(KEY) == await tx.aliases.every() == [LIVE]
            assert await tx.aliases.of(OTHER.key) == []
            assert (await tx.usage(KEY.account, KEY.region)).code_bytes == 500

    with_store(tmp_path, story)


def test_a_number_is_never_given_twice(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        async with store.transaction() as tx:
            await tx.create_function(ACTIVE)
            assert await tx.versions.newest(KEY) == (0, None)
            for number in (1, 2):
                await tx.versions.add(version(number))
            assert await tx.versions.newest(KEY) == (2, version(2))
            assert await tx.versions.newest(OTHER.key) == (0, None)
        async with store.transaction() as tx:
            await tx.delete_function(KEY, expected="r1")
        with pytest.raises(Superseded):
            await add_in_vain(store)
        async with store.transaction() as tx:
            assert await tx.versions.last_number(KEY) == 2
            assert await tx.versions.newest(KEY) == (2, None)

    with_store(tmp_path, story)


async def add_in_vain(store: SqliteStore) -> None:
    async with store.transaction() as tx:
        await tx.versions.add(version(3))
        await tx.delete_function(KEY, expected="r1")  # there is none


def test_each_write_replaces_what_was_read(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        async with store.transaction() as tx:
            await tx.versions.add(version(1))
            await tx.aliases.add(LIVE)
        with pytest.raises(ResourceConflictException, match=r"Alias already exists: .*f:live"):
            async with store.transaction() as tx:
                await tx.aliases.add(LIVE)
        for wrong in (version(1), version(7)):
            with pytest.raises(Superseded):
                async with store.transaction() as tx:
                    await tx.versions.put(wrong, expected="other")
        with pytest.raises(Superseded):
            async with store.transaction() as tx:
                await tx.aliases.put(LIVE, expected="other")
        settled = replace(version(1), state=State.FAILED)
        moved = replace(LIVE, version="2", revision_id="a2")
        async with store.transaction() as tx:
            await tx.versions.put(settled, expected="v")
            await tx.aliases.put(moved, expected="a1")
            assert await tx.versions.version(settled.key) == settled
            assert await tx.aliases.alias(LIVE.key) == moved

    with_store(tmp_path, story)


def test_whoever_watches_hears_of_versions_and_aliases(tmp_path: Path) -> None:
    heard: list[tuple[Key, Aggregate | None]] = []

    async def story(store: SqliteStore) -> None:
        store.watch(lambda key, now: heard.append((key, now)))
        async with store.transaction() as tx:
            await tx.create_function(ACTIVE)
            await tx.versions.add(version(1))
            await tx.aliases.add(LIVE)
        assert heard == [(KEY, ACTIVE), (version(1).key, version(1)), (LIVE.key, LIVE)]
        heard.clear()
        async with store.transaction() as tx:
            await tx.versions.remove(VersionKey(KEY, 9))
            await tx.aliases.remove(AliasKey(KEY, "none"))
        assert heard == []
        async with store.transaction() as tx:
            await tx.delete_function(KEY, expected="r1")
        assert set(heard) == {(KEY, None), (version(1).key, None), (LIVE.key, None)}

    with_store(tmp_path, story)


def test_one_function_is_not_anothers(tmp_path: Path) -> None:
    elsewhere = replace(ACTIVE, key=FunctionKey("1" * 12, "us-east-1", "f"))

    async def story(store: SqliteStore) -> None:
        mine, theirs = version(1), version(1, elsewhere)
        beside = version(2, OTHER)
        async with store.transaction() as tx:
            await tx.create_function(ACTIVE)
            for one in (mine, theirs, beside):
                await tx.versions.add(one)
            await tx.aliases.add(Alias(AliasKey(elsewhere.key, "live"), "1", "a"))
            found = await tx.versions.of_all(KEY.account, KEY.region, after=("", 0), limit=9)
            assert found == [mine, beside]
            later = await tx.versions.of_all(KEY.account, KEY.region, after=("f", 1), limit=9)
            assert later == [beside]
            await tx.delete_function(KEY, expected="r1")
            assert await tx.versions.every() == [beside, theirs]
            assert len(await tx.aliases.every()) == 1

    with_store(tmp_path, story)
