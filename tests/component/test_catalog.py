"""What can be invoked now, as the store has it."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core import model
from stoker.core.errors import (
    InvalidRuntimeException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.core.invocation import LogSettings, Target
from stoker.core.model import Code, Configuration, Function, FunctionKey
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
)
NEW = model.new_function(KEY, CONFIGURATION, {}, revision="r0", now="then")
ACTIVE = model.activated(NEW, revision="r1")


def resolve(catalog: Catalog, qualifier: str | None = None) -> Target:
    return catalog.resolve(ACCOUNT, REGION, "f", qualifier)


def having(function: Function | None) -> Catalog:
    catalog = Catalog("x86_64")
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
    catalog = Catalog("arm64")
    catalog.change(KEY, function)
    resolve(catalog)


def test_the_catalog_follows_the_store(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        async with store.transaction() as tx:
            await tx.create_function(ACTIVE)
        catalog = Catalog("x86_64")
        await catalog.follow(store)
        assert catalog.serves(resolve(catalog))
        async with store.transaction() as tx:
            await tx.delete_function(KEY, expected="r1")
            await tx.create_function(NEW)
        with pytest.raises(ResourceConflictException):
            resolve(catalog)
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
