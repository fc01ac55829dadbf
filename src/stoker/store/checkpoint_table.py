"""Checkpoints in SQLite: `Checkpoints` of store/base.py, in the transaction they belong to."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from stoker.store.worker import Run

_PUT = (  # not after the mapping's end
    "INSERT INTO stream_checkpoints SELECT ?1, ?2, ?3 WHERE EXISTS"
    " (SELECT 1 FROM resources WHERE kind = 'event-source-mapping' AND id = ?1)"
    " ON CONFLICT (mapping, shard) DO UPDATE SET body = excluded.body"
)


class SqliteCheckpoints:
    def __init__(self, db: sqlite3.Connection, run: Run) -> None:
        self._db = db
        self._run = run

    async def of(self, mapping: str) -> dict[str, dict[str, Any]]:
        sql = "SELECT shard, body FROM stream_checkpoints WHERE mapping = ?"
        return await self._run(
            lambda: {shard: json.loads(body) for shard, body in self._db.execute(sql, (mapping,))},
            reading=True,
        )

    async def put(self, kept: Mapping[tuple[str, str], Mapping[str, Any] | None]) -> None:
        there = [
            (*key, json.dumps(value, separators=(",", ":")))
            for key, value in kept.items()
            if value is not None
        ]
        gone = [key for key, value in kept.items() if value is None]

        def write() -> None:
            self._db.executemany(_PUT, there)
            self._db.executemany(
                "DELETE FROM stream_checkpoints WHERE mapping = ? AND shard = ?", gone
            )

        await self._run(write)
