"""The store on a real file: transactions, revisions, and what callers who give up leave."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.core import model
from stoker.core.errors import CodeStorageExceededException, ResourceConflictException
from stoker.core.invocation import LogSettings
from stoker.core.model import Code, Configuration, Function, FunctionKey
from stoker.store.base import StoreUnavailable, Superseded, Usage
from stoker.store.sqlite import SqliteStore

CONFIGURATION = Configuration(
    runtime="python3.11",
    handler="main.handler",
    role="arn:aws:iam::123456789012:role/r",
    code=Code("a" * 64, 100),
    log=LogSettings(group="/aws/lambda/f", format="JSON", application_level="DEBUG"),
    environment=(("A_KEY", "ä"), ("B_KEY", "")),
    kept={"VpcConfig": {"SubnetIds": ["s"]}, "KMSKeyArn": "k"},
)


def function(name: str, account: str = "1" * 12, revision: str = "r0") -> Function:
    key = FunctionKey(account, "us-east-1", name)
    return model.new_function(key, CONFIGURATION, {"team": "x"}, revision=revision, now="then")


@asynccontextmanager
async def opened(path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, busy_s=0.05)
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def with_store(path: Path, story: Callable[[SqliteStore], Awaitable[None]]) -> None:
    async def main() -> None:
        async with opened(path) as store:
            await story(store)

    asyncio.run(main())


async def create(store: SqliteStore, *functions: Function) -> None:
    async with store.transaction() as tx:
        for one in functions:
            await tx.create_function(one)


async def read(store: SqliteStore, key: FunctionKey) -> Function | None:
    async with store.transaction() as tx:
        return await tx.function(key)


def test_a_function_is_read_as_it_was_written_also_after_a_restart(tmp_path: Path) -> None:
    new = function("f")
    updating = model.updated(
        model.activated(function("g"), revision="r1"),
        replace(CONFIGURATION, environment=None, memory_mb=512),
        revision="r2",
        now="now",
    )
    failed = model.failed(function("h"), "why", "InvalidRuntime", revision="r1")
    kept = [new, updating, failed]

    async def write(store: SqliteStore) -> None:
        await create(store, *kept)

    async def compare(store: SqliteStore) -> None:
        async with store.transaction() as tx:
            assert [await tx.function(f.key) for f in kept] == kept
            assert await tx.every_function() == kept
            # What was read before is taken for what it is, and what changed since is read.
            stale = [replace(one, revision_id="stale", last_modified="then") for one in kept[1:]]
            again = await tx.every_function([*kept[:1], *stale])
            assert again == kept
            assert again[0] is kept[0]

    with_store(tmp_path / "new" / "stoker.db", write)
    with_store(tmp_path / "new" / "stoker.db", compare)


def test_functions_are_listed_by_name_within_account_and_region(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        await create(store, *map(function, "dbace"), function("b", account="2" * 12))
        async with store.transaction() as tx:

            async def names(after: str, limit: int) -> str:
                found = await tx.functions("1" * 12, "us-east-1", after=after, limit=limit)
                return "".join(f.key.name for f in found)

            assert await names("", 2) == "ab"
            assert await names("b", 2) == "cd"
            assert await names("d", 2) == "e"
            assert await tx.functions("1" * 12, "eu-west-1", after="", limit=9) == []
            assert await tx.usage("1" * 12, "us-east-1") == Usage(functions=5, code_bytes=500)
            assert await tx.usage("3" * 12, "us-east-1") == Usage(functions=0, code_bytes=0)

    with_store(tmp_path / "db", story)


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        await create(store, function("f"))
        with pytest.raises(ResourceConflictException) as refusal:
            await create(store, function("f", revision="r9"))
        assert refusal.value.message == "Function already exist: f"
        found = await read(store, function("f").key)
        assert found and found.revision_id == "r0"

    with_store(tmp_path / "db", story)


def test_a_write_against_an_old_revision_changes_nothing(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        first = function("f")
        await create(store, first)
        second = model.activated(first, revision="r1")
        async with store.transaction() as tx:
            await tx.put_function(second, expected="r0")
        late = model.failed(first, "late", "x", revision="r2")
        with pytest.raises(Superseded):
            async with store.transaction() as tx:
                await tx.put_function(late, expected="r0")
        with pytest.raises(Superseded):
            async with store.transaction() as tx:
                await tx.delete_function(first.key, expected="r0")
        assert await read(store, first.key) == second
        async with store.transaction() as tx:
            await tx.delete_function(first.key, expected="r1")
        assert await read(store, first.key) is None

    with_store(tmp_path / "db", story)


def test_of_many_who_read_the_same_revision_exactly_one_wins(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        first = function("f")
        await create(store, first)

        async def write(number: int) -> int | None:
            changed = replace(first, revision_id=f"by {number}")
            try:
                async with store.transaction() as tx:
                    await tx.put_function(changed, expected="r0")
            except Superseded:
                return None
            return number

        winners = [n for n in await asyncio.gather(*map(write, range(20))) if n is not None]
        found = await read(store, first.key)
        assert len(winners) == 1
        assert found and found.revision_id == f"by {winners[0]}"

    with_store(tmp_path / "db", story)


@pytest.mark.parametrize("asks", [True, False])
def test_what_is_promised_is_seen_by_who_asks_and_refuses_before_the_block_is_left(
    tmp_path: Path, asks: bool
) -> None:
    went_on: list[bool] = []

    def refuse(usage: Usage) -> None:
        raise CodeStorageExceededException(f"{usage.functions} functions")

    async def in_vain(store: SqliteStore) -> None:
        async with store.transaction() as tx:
            await tx.create_function(function("g"))
            assert await tx.function(function("g").key) == function("g")
            await tx.check_usage("1" * 12, "us-east-1", refuse)
            if asks:
                await tx.function(function("g").key)
            went_on.append(True)

    async def story(store: SqliteStore) -> None:
        await create(store, function("f"))
        with pytest.raises(CodeStorageExceededException, match="2 functions"):
            await in_vain(store)
        assert went_on == ([] if asks else [True])
        assert await read(store, function("g").key) is None
        await create(store, function("h"))  # nothing is left open
        assert await read(store, function("h").key) == function("h")

    with_store(tmp_path / "db", story)


def test_a_transaction_that_fails_leaves_nothing_and_tells_nobody(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        heard: list[str] = []
        store.watch(lambda key, _: heard.append(key.name))
        with pytest.raises(ResourceConflictException):
            await create(store, function("f"), function("f"))
        assert await read(store, function("f").key) is None
        assert heard == []

    with_store(tmp_path / "db", story)


def test_watchers_hear_of_every_commit_in_order(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        heard: list[tuple[str, str | None]] = []
        store.watch(lambda key, now: heard.append((key.name, now and now.revision_id)))
        first = function("f")
        await create(store, first)
        async with store.transaction() as tx:
            await tx.put_function(model.activated(first, revision="r1"), expected="r0")
        async with store.transaction() as tx:
            await tx.delete_function(first.key, expected="r1")
        assert heard == [("f", "r0"), ("f", "r1"), ("f", None)]

    with_store(tmp_path / "db", story)


def test_a_caller_cancelled_anywhere_leaves_the_state_before_or_after(tmp_path: Path) -> None:
    """Cancel one event-loop step later each time, until the transaction gets through."""

    async def story(store: SqliteStore) -> None:
        heard: set[str] = set()
        store.watch(lambda key, _: heard.add(key.name))
        outcomes = set()
        for steps in range(200):
            name = f"f{steps}"
            task = asyncio.create_task(create(store, function(name)))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            (result,) = await asyncio.gather(task, return_exceptions=True)
            there = await read(store, function(name).key) is not None
            assert there == (name in heard), "what is committed is told, and only that"
            assert there or isinstance(result, asyncio.CancelledError)
            outcomes.add((there, type(result)))
        await create(store, function("last"))
        assert (False, asyncio.CancelledError) in outcomes

    with_store(tmp_path / "db", story)


def test_a_caller_cancelled_during_the_commit_has_committed(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        heard: list[str] = []
        store.watch(lambda key, _: heard.append(key.name))
        inside = asyncio.Event()

        async def write() -> None:
            async with store.transaction() as tx:
                await tx.create_function(function("f"))
                inside.set()

        task = asyncio.create_task(write())
        await inside.wait()  # the task has gone on into its commit, and waits for the disk
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert heard == ["f"]
        assert await read(store, function("f").key) is not None

    with_store(tmp_path / "db", story)


def test_a_database_that_cannot_be_used_says_so(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(b"this is no database, and long enough to be sure of it" * 99)

    async def main() -> None:
        store = SqliteStore(tmp_path / "db")
        with pytest.raises(StoreUnavailable, match=r"cannot use .*db: file is not a database"):
            await store.open()
        await store.close()
        with pytest.raises(StoreUnavailable, match="the store is closed"):
            async with store.transaction():
                pass

    asyncio.run(main())


def test_a_database_of_a_newer_stoker_is_left_alone(tmp_path: Path) -> None:
    db = sqlite3.connect(tmp_path / "db")
    db.execute("PRAGMA user_version = 99")
    db.close()

    async def main() -> None:
        store = SqliteStore(tmp_path / "db")
        with pytest.raises(StoreUnavailable, match="a newer Stoker wrote it"):
            await store.open()
        await store.close()

    asyncio.run(main())


def test_a_disk_that_fails_the_commit_leaves_the_store_usable(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        await create(store, function("f"))
        blocker = sqlite3.connect(tmp_path / "db", isolation_level=None)
        try:
            blocker.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreUnavailable, match="SQLITE_BUSY"):
                await create(store, function("g"))
            blocker.execute("ROLLBACK")
        finally:
            blocker.close()
        await create(store, function("g"))

    with_store(tmp_path / "db", story)


def test_commits_are_synced(tmp_path: Path) -> None:
    async def story(store: SqliteStore) -> None:
        def pragmas() -> tuple[str, int]:
            db = store._db
            assert db
            return (
                db.execute("PRAGMA journal_mode").fetchone()[0],
                db.execute("PRAGMA synchronous").fetchone()[0],
            )

        assert await store.run(pragmas) == ("wal", 2)

    with_store(tmp_path / "db", story)
