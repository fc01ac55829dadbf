"""What can be invoked now, as the store has it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core import model, versions
from stoker.core.aliases import Alias, AliasKey
from stoker.core.architectures import Machine
from stoker.core.errors import (
    InvalidRuntimeException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.core.invocation import LogSettings, Target
from stoker.core.model import Code, Configuration, Function, FunctionKey
from stoker.core.versions import VersionKey
from stoker.invoke.catalog import Catalog
from stoker.store.sqlite import SqliteStore

ACCOUNT, REGION = "000000000000", "us-east-1"
KEY = FunctionKey(ACCOUNT, REGION, "f")
CONFIGURATION = Configuration(
    runtime="python3.11",
    handler="main.handler",
    role="arn:aws:iam::000000000000:role/r",
    code=Code("a" * 64, 100),
    log=LogSettings(group="/aws/lambda/f"),
    creation="r0",
)
NEW = model.new_function(KEY, CONFIGURATION, {}, revision="r0", now="then")
ACTIVE = model.activated(NEW, revision="r1")


def resolve(catalog: Catalog, qualifier: str | None = None) -> Target:
    return catalog.resolve(ACCOUNT, REGION, "f", qualifier)


def having(function: Function | None) -> Catalog:
    catalog = Catalog(Machine())
    catalog.change(KEY, function)
    return catalog


def test_an_active_function_is_found_by_name_and_as_latest() -> None:
    catalog = having(ACTIVE)
    found = resolve(catalog)
    assert found == model.target(KEY, CONFIGURATION)
    assert resolve(catalog, "$LATEST") is found
    assert catalog.serves(found)
    assert catalog.targets() == {found.key}


@pytest.mark.parametrize(("qualifier", "suffix"), [(None, ""), ("1", ":1"), ("prod", ":prod")])
def test_what_is_not_there_is_not_found(qualifier: str | None, suffix: str) -> None:
    catalogs = [having(None)] + ([having(ACTIVE)] if qualifier else [])
    for catalog in catalogs:
        with pytest.raises(ResourceNotFoundException) as refusal:
            resolve(catalog, qualifier)
        assert refusal.value.message == (
            f"Function not found: arn:aws:lambda:us-east-1:000000000000:function:f{suffix}"
        )


def test_another_account_or_region_sees_nothing_of_it() -> None:
    catalog = having(ACTIVE)
    for account, region in (("111111111111", REGION), (ACCOUNT, "eu-west-1")):
        with pytest.raises(ResourceNotFoundException):
            catalog.resolve(account, region, "f", None)


def test_a_pending_function_cannot_be_invoked_yet() -> None:
    with pytest.raises(ResourceConflictException) as refusal:
        resolve(having(NEW))
    assert refusal.value.message == (
        "The operation cannot be performed at this time. The function is currently in the "
        "following state: Pending"
    )


def test_a_failed_function_answers_why_it_failed() -> None:
    failed = model.failed(NEW, "no python3.8 here: install it", "InvalidRuntime", revision="r1")
    with pytest.raises(ResourceConflictException) as refusal:
        resolve(having(failed))
    assert refusal.value.message == (
        "The operation cannot be performed at this time. The function is currently in the "
        "following state: Failed. no python3.8 here: install it"
    )


def test_the_old_target_serves_until_the_update_is_ready() -> None:
    catalog = having(ACTIVE)
    before = resolve(catalog)
    updating = model.updated(
        ACTIVE, replace(CONFIGURATION, memory_mb=512), revision="r2", now="now"
    )
    catalog.change(KEY, updating)
    assert resolve(catalog).key == before.key
    catalog.change(KEY, model.failed(updating, "no", "x", revision="r3"))
    assert resolve(catalog).key == before.key
    catalog.change(KEY, model.activated(updating, revision="r3"))
    assert resolve(catalog).memory_mb == 512
    assert not catalog.serves(before)


def test_a_function_for_another_architecture_is_refused_by_name() -> None:
    other = replace(CONFIGURATION, architecture="arm64")
    function = model.activated(replace(NEW, latest=other), revision="r1")
    with pytest.raises(InvalidRuntimeException, match=r"function:f is built for arm64 and"):
        resolve(having(function))
    catalog = Catalog(Machine("arm64"))
    catalog.change(KEY, function)
    resolve(catalog)


def test_a_function_that_brings_its_program_runs_where_that_is_emulated() -> None:
    emulating = Machine(emulates=frozenset({"arm64"}))
    for runtime in ("provided.al2023", "python3.13"):
        own = replace(CONFIGURATION, architecture="arm64", runtime=runtime)
        catalog = Catalog(emulating)
        catalog.change(KEY, model.activated(replace(NEW, latest=own), revision="r1"))
        if runtime == "provided.al2023":
            assert resolve(catalog).architecture == "arm64"
        else:
            with pytest.raises(
                InvalidRuntimeException, match=r"without an arm64 interpreter for pyth"
            ):
                resolve(catalog)


FIRST = versions.published(ACTIVE, 1, None, revision="v1", now="now")
SECOND = replace(
    FIRST,
    key=VersionKey(KEY, 2),
    configuration=replace(CONFIGURATION, memory_mb=512),
    revision_id="v2",
)
LIVE = Alias(AliasKey(KEY, "live"), "1", "a1", weights={"2": 0.25})


def having_two_versions(draw: Callable[[], float] = lambda: 0.5) -> Catalog:
    catalog = Catalog(Machine(), draw)
    for each in (ACTIVE, FIRST, SECOND, LIVE):
        catalog.change(each.key, each)
    return catalog


def test_a_version_is_another_target_than_latest_though_it_is_the_same() -> None:
    catalog = having_two_versions()
    first = resolve(catalog, "1")
    assert first.version == "1"
    assert first.key != resolve(catalog).key
    assert resolve(catalog, "2").memory_mb == 512
    assert catalog.serves(first)
    assert catalog.targets() == {resolve(catalog, name).key for name in (None, "1", "2")}
    catalog.change(FIRST.key, None)
    assert not catalog.serves(first)
    with pytest.raises(ResourceNotFoundException, match=r"function:f:1$"):
        resolve(catalog, "1")


def test_the_number_that_is_drawn_decides_which_version_an_alias_runs() -> None:
    numbers = iter((0.0, 0.2499, 0.25, 0.99))
    catalog = having_two_versions(lambda: next(numbers))
    assert [resolve(catalog, "live").version for _ in range(4)] == ["2", "2", "1", "1"]


def test_no_number_is_drawn_where_there_is_nothing_to_choose() -> None:
    def never() -> float:
        raise AssertionError

    catalog = having_two_versions(never)
    catalog.change(LIVE.key, replace(LIVE, weights={}))
    assert [resolve(catalog, name).version for name in (None, "$LATEST", "1", "live")] == [
        "$LATEST", "$LATEST", "1", "1",
    ]  # fmt: skip


def test_an_alias_of_latest_follows_it() -> None:
    catalog = having_two_versions()
    catalog.change(LIVE.key, replace(LIVE, version="$LATEST", weights={}))
    assert resolve(catalog, "live") is resolve(catalog)
    catalog.change(LIVE.key, None)
    with pytest.raises(ResourceNotFoundException, match=r"function:f:live$"):
        resolve(catalog, "live")


def test_a_version_that_is_not_ready_says_so() -> None:
    catalog = having_two_versions()
    catalog.change(FIRST.key, versions.restoring(FIRST))
    with pytest.raises(ResourceConflictException, match="following state: Pending"):
        resolve(catalog, "1")
    catalog.change(FIRST.key, versions.failed(FIRST, "no python", "InvalidRuntime"))
    with pytest.raises(ResourceConflictException, match=r"state: Failed\. no python"):
        resolve(catalog, "1")


def test_the_catalog_follows_the_store(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        async with store.transaction() as tx:
            await tx.create_function(ACTIVE)
            await tx.versions.add(FIRST)
            await tx.aliases.add(replace(LIVE, weights={}))
        catalog = Catalog(Machine())
        await catalog.follow(store)
        assert catalog.serves(resolve(catalog))
        assert resolve(catalog, "live") is resolve(catalog, "1")
        async with store.transaction() as tx:
            await tx.versions.add(SECOND)
            await tx.aliases.put(
                replace(LIVE, version="2", weights={}, revision_id="a2"), expected="a1"
            )
        assert resolve(catalog, "live") is resolve(catalog, "2")
        async with store.transaction() as tx:
            await tx.delete_function(KEY, expected="r1")
            await tx.create_function(NEW)
        with pytest.raises(ResourceConflictException):
            resolve(catalog)
        for gone in ("1", "2", "live"):
            with pytest.raises(ResourceNotFoundException):
                resolve(catalog, gone)
        async with store.transaction() as tx:
            await tx.put_function(ACTIVE, expected="r0")
        resolve(catalog)

    with_store(tmp_path, story)


def with_store(folder: Path, story: Callable[[SqliteStore], Awaitable[None]]) -> None:
    async def main() -> None:
        store = SqliteStore(folder / "db")
        await store.open()
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(main())
