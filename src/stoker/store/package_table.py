"""Small packages that are kept here until the blobs have them on the disk."""

import sqlite3
from collections.abc import Mapping

from stoker.store.worker import Promise, Run


class SqlitePackages:
    """store.base.Packages in the transaction's connection."""

    def __init__(self, db: sqlite3.Connection, run: Run, promise: Promise) -> None:
        self._db = db
        self._run = run
        self._promise = promise

    async def keep(self, digest: str, content: bytes) -> None:
        sql = "INSERT INTO fresh_packages VALUES (?, 1, ?) ON CONFLICT DO UPDATE SET times=times+1"
        self._promise(lambda: self._db.execute(sql, (digest, content)))

    async def every(self) -> dict[str, bytes]:
        sql = "SELECT digest, content FROM fresh_packages"
        return await self._run(lambda: dict(self._db.execute(sql).fetchall()), reading=True)

    async def given(self) -> dict[str, int]:
        sql = "SELECT digest, times FROM fresh_packages"
        return await self._run(lambda: dict(self._db.execute(sql).fetchall()), reading=True)

    async def forget(self, given: Mapping[str, int]) -> None:
        sql = "DELETE FROM fresh_packages WHERE digest = ? AND times = ?"
        self._promise(lambda: self._db.executemany(sql, given.items()))
