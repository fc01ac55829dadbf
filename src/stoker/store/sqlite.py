"""The store in one SQLite file.

One connection, used by one thread; the event loop never waits for the disk. Transactions come
one after the other. `synchronous=FULL` with a write-ahead log: a commit that returned is on the
disk, a process killed at any point leaves the state before or after it (tests/faults).

A caller who is cancelled does not cut a statement short: the thread finishes it, and what was
begun is rolled back, or, if the commit was under way, committed. Watchers hear of every commit,
also of one whose author is gone.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from stoker.core.errors import ResourceConflictException
from stoker.core.model import Function, FunctionKey
from stoker.core.provisioned import KIND as PROVISIONED
from stoker.store.base import Aggregate, Key, StoreUnavailable, Superseded, Usage, Watcher
from stoker.store.checkpoint_table import SqliteCheckpoints
from stoker.store.layer_table import SqliteLayers
from stoker.store.package_table import SqlitePackages
from stoker.store.records import dump, load
from stoker.store.resource_table import SqliteResources
from stoker.store.setting_table import SqliteSettings
from stoker.store.url_table import SettingUrls
from stoker.store.version_table import SqliteAliases, SqliteVersions
from stoker.store.worker import Worker

T = TypeVar("T")

_MIGRATIONS = Path(__file__).parent / "migrations"
_remembered = lru_cache(2048)(load)  # lists come in pages, and are read again and again
_COLUMNS = "account, region, name, revision, body"


class SqliteStore:
    """`await open()` before the first transaction; `await close()` after the last."""

    def __init__(self, path: Path, *, busy_s: float = 5.0) -> None:
        """`busy_s`: how long to wait for another program that works on the same file."""
        self._path = path
        self._busy_s = busy_s
        self._thread = Worker("store")
        self._turn = asyncio.Lock()
        self._watchers: list[Watcher] = []
        self._db: sqlite3.Connection | None = None

    async def open(self) -> None:
        """Create or migrate the file. Raise StoreUnavailable, and then it is closed."""
        try:
            self._db = await self.run(lambda: _connect(self._path, self._busy_s))
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Wait for what is under way, then close. Idempotent."""
        async with self._turn:
            db, self._db = self._db, None
            if db is not None:
                await self.run(db.close)
        self._thread.stop()

    def watch(self, watcher: Watcher) -> None:
        self._watchers.append(watcher)

    @asynccontextmanager
    async def transaction(self, *, lasting: bool = True) -> AsyncIterator["SqliteTransaction"]:
        async with self._turn:
            db = self._db
            if db is None:
                raise StoreUnavailable(f"cannot use {self._path}: the store is closed")
            tx = SqliteTransaction(db, self, lasting)
            try:
                yield tx
            except BaseException:
                if tx.begun:
                    await self.run(db.rollback)
                raise
            if tx.wrote:
                await self.run(tx.commit, then=lambda: self._publish(tx.changes))
            elif tx.begun:
                self._thread.ask(db.rollback)  # nobody needs to wait for that

    def _publish(self, changes: dict[Key, Aggregate | None]) -> None:
        for key, function in changes.items():
            for watcher in self._watchers:
                watcher(key, function)

    async def run(self, work: Callable[[], T], then: Callable[[], None] | None = None) -> T:
        """Do it in the store's thread; `then` in the event loop, if it went well. Neither is
        undone by the cancellation of the caller, who in any case waits for the end of it."""
        try:
            return await self._thread.run(work, then)
        except sqlite3.Error as error:
            name = getattr(error, "sqlite_errorname", type(error).__name__)
            raise StoreUnavailable(f"cannot use {self._path}: {error} ({name})") from error


class SqliteTransaction:
    """The typed statements. `changes` is what a commit will have changed. It begins with its
    first statement that writes, in the same turn of the thread: what is read before that holds
    too, for nobody else has a turn, and what only reads has nothing to roll back.

    Each way to the thread and back costs more than most statements do. So those of which nobody
    needs an answer are `_promised`: they go with the next one of which somebody does, at the
    latest with the commit, and refuse there."""

    def __init__(self, db: sqlite3.Connection, store: SqliteStore, lasting: bool) -> None:
        self._db = db
        self._store = store
        self._lasting = lasting
        self._changes_before = db.total_changes
        self._promises: list[Callable[[], object]] = []
        self.begun = False
        self.changes: dict[Key, Aggregate | None] = {}
        self.layers = SqliteLayers(db, self._run)
        self.packages = SqlitePackages(db, self._run, self._promise)
        self.versions = SqliteVersions(db, self._run, self._promise, self.changes.__setitem__)
        self.settings = SqliteSettings(db, self._run, self.changes.__setitem__)
        self.resources = SqliteResources(db, self._run, self.changes.__setitem__)
        self.checkpoints = SqliteCheckpoints(db, self._run)
        self.urls = SettingUrls(self.settings, self.changes.__setitem__)
        self.aliases = SqliteAliases(db, self._run, self._promise, self.changes.__setitem__)

    @property
    def wrote(self) -> bool:
        """Whether there is anything to commit."""
        return bool(self._promises) or self._db.total_changes != self._changes_before

    def commit(self) -> None:
        """In the store's thread: all or nothing."""
        try:
            self._keep_promises()
            self._db.commit()
        except BaseException:
            self._db.rollback()
            raise

    async def function(self, key: FunctionKey) -> Function | None:
        found = await self._select(
            "WHERE account = ? AND region = ? AND name = ?", (key.account, key.region, key.name)
        )
        return found[0] if found else None

    async def functions(
        self, account: str, region: str, *, after: str, limit: int
    ) -> list[Function]:
        return await self._select(
            "WHERE account = ? AND region = ? AND name > ? ORDER BY name LIMIT ?",
            (account, region, after, limit),
        )

    async def functions_named(
        self, account: str, region: str, names: Collection[str]
    ) -> list[Function]:
        places = ", ".join("?" * len(names))
        return await self._select(
            f"WHERE account = ? AND region = ? AND name IN ({places})", (account, region, *names)
        )

    async def every_function(self, known: Iterable[Function] = ()) -> list[Function]:
        kept = {(function.key, function.revision_id): function for function in known}

        def read() -> list[Function]:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM functions")
            return [
                kept.get((key := FunctionKey(*row[:3]), row[3])) or load(key, row[3], row[4])
                for row in rows
            ]

        return await self._run(read, reading=True)

    async def usage(self, account: str, region: str) -> Usage:
        return await self._run(lambda: self._usage(account, region), reading=True)

    async def set_aside(self, account: str, region: str) -> int:
        (amount,) = await self._fetch(
            "SELECT coalesce(sum(coalesce(json_extract(functions.body, '$.reserved'),"
            "  provisioned.amount)), 0) FROM functions LEFT JOIN ("
            "    SELECT name, sum(json_extract(body, '$.requested')) AS amount"
            "    FROM function_settings WHERE account = ?1 AND region = ?2 AND kind = ?3"
            "    GROUP BY name"
            "  ) AS provisioned USING (name)"
            " WHERE functions.account = ?1 AND functions.region = ?2",
            (account, region, PROVISIONED),
        )
        return amount

    async def check_usage(self, account: str, region: str, check: Callable[[Usage], None]) -> None:
        self._promise(lambda: check(self._usage(account, region)))

    async def create_function(self, function: Function) -> None:
        key = function.key

        def add() -> None:
            added = self._db.execute(
                "INSERT INTO functions (account, region, name, revision, code_bytes, body)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                (key.account, key.region, key.name, *_columns(function)),
            ).rowcount
            if not added:
                raise ResourceConflictException(f"Function already exist: {key.name}")
            self.changes[key] = function

        self._promise(add)

    async def put_function(self, function: Function, *, expected: str) -> None:
        key = function.key
        assert function.revision_id != expected, "every write has a revision of its own"

        def put() -> None:
            replaced = self._db.execute(
                "UPDATE functions SET revision = ?, code_bytes = ?, body = ?"
                " WHERE account = ? AND region = ? AND name = ? AND revision = ?",
                (*_columns(function), key.account, key.region, key.name, expected),
            ).rowcount
            if not replaced:
                raise Superseded(f"{key.arn}: revision {expected} is not the latest")
            self.changes[key] = function

        self._promise(put)

    async def delete_function(self, key: FunctionKey, *, expected: str) -> None:
        deleted = await self._change(
            "DELETE FROM functions WHERE account = ? AND region = ? AND name = ? AND revision = ?",
            (key.account, key.region, key.name, expected),
        )
        if not deleted:
            raise Superseded(f"{key.arn}: revision {expected} is not the latest")
        await self.aliases.remove_all(key)
        await self.versions.remove_all(key)
        self.changes[key] = None

    async def _select(self, where: str, values: tuple[object, ...]) -> list[Function]:
        def read() -> list[Function]:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM functions {where}", values)
            return [_remembered(FunctionKey(*row[:3]), row[3], row[4]) for row in rows]

        return await self._run(read, reading=True)

    def _promise(self, work: Callable[[], object]) -> None:
        self._promises.append(work)

    async def _run(self, work: Callable[[], T], *, reading: bool = False) -> T:
        if not self._promises and (self.begun or reading):
            return await self._store.run(work)

        def after() -> T:
            self._keep_promises()
            return work()

        return await self._store.run(after)

    def _keep_promises(self) -> None:
        """In the store's thread: begin, if this has not begun, and do what was promised."""
        if not self.begun:
            self.begun = True
            self._db.execute(f"PRAGMA synchronous = {'FULL' if self._lasting else 'NORMAL'}")
            self._db.execute("BEGIN IMMEDIATE")
        promises, self._promises = self._promises, []
        for work in promises:
            work()

    def _usage(self, account: str, region: str) -> Usage:
        count, size = self._db.execute(
            "SELECT count(*), coalesce(sum(code_bytes), 0) + ("
            "  SELECT coalesce(sum(code_bytes), 0) FROM layer_versions"
            "  WHERE account = ?1 AND region = ?2"
            ") + ("
            "  SELECT coalesce(sum(code_bytes), 0) FROM function_versions"
            "  WHERE account = ?1 AND region = ?2"
            ") FROM functions WHERE account = ?1 AND region = ?2",
            (account, region),
        ).fetchone()
        return Usage(functions=count, code_bytes=size)

    async def _fetch(self, sql: str, values: tuple[object, ...]) -> tuple[int, ...]:
        def read() -> tuple[int, ...]:
            row: tuple[int, ...] = self._db.execute(sql, values).fetchone()
            return row

        return await self._run(read, reading=True)

    async def _change(self, sql: str, values: tuple[object, ...]) -> int:
        return await self._run(lambda: self._db.execute(sql, values).rowcount)


def _columns(function: Function) -> tuple[str, int, str]:
    return function.revision_id, function.latest.code.size_bytes, dump(function)


def _connect(path: Path, busy_s: float) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Transactions are ours to begin and to end (isolation_level=None).
    db = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        _migrate(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring the file to the newest schema, one file of migrations/ at a time."""
    scripts = sorted(_MIGRATIONS.glob("*.sql"))
    (done,) = db.execute("PRAGMA user_version").fetchone()
    if done > len(scripts):
        raise StoreUnavailable(
            f"cannot use {path}: a newer Stoker wrote it (schema {done}, this one knows "
            f"{len(scripts)}). Use that version, or another data folder"
        )
    for number, script in enumerate(scripts[done:], start=done + 1):
        db.executescript(
            f"BEGIN IMMEDIATE; {script.read_text()} ; PRAGMA user_version = {number}; COMMIT;"
        )
