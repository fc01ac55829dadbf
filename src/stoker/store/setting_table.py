"""Settings in SQLite: what store/base.py calls `Settings`, in the transaction it belongs to.
That they go with what they belong to is the schema's affair (triggers in migrations/)."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stoker.core.model import FunctionKey, Setting, SettingKey
from stoker.store.base import Note
from stoker.store.worker import Run

_KIND = "account = :account AND region = :region AND name = :name AND kind = :kind"
_ONE = f"{_KIND} AND qualifier = :qualifier"


class SqliteSettings:
    def __init__(self, db: sqlite3.Connection, run: Run, note: Note) -> None:
        self._db = db
        self._run = run
        self._note = note

    async def put(
        self, key: FunctionKey, qualifier: str, kind: str, value: Mapping[str, object]
    ) -> None:
        values = {
            **_names(key, kind),
            "qualifier": qualifier,
            "body": json.dumps(value, separators=(",", ":")),
        }
        await self._run(
            lambda: self._db.execute(
                "INSERT INTO function_settings"
                " VALUES (:account, :region, :name, :qualifier, :kind, :body)"
                " ON CONFLICT DO UPDATE SET body = excluded.body",
                values,
            )
        )
        self._note(SettingKey(key, qualifier, kind), Setting(value))

    async def get(self, key: FunctionKey, qualifier: str, kind: str) -> dict[str, Any] | None:
        values = {**_names(key, kind), "qualifier": qualifier}
        sql = f"SELECT body FROM function_settings WHERE {_ONE}"
        row = await self._run(lambda: self._db.execute(sql, values).fetchone(), reading=True)
        return json.loads(row[0]) if row else None

    async def remove(self, key: FunctionKey, qualifier: str, kind: str) -> bool:
        values = {**_names(key, kind), "qualifier": qualifier}
        sql = f"DELETE FROM function_settings WHERE {_ONE}"
        removed = bool(await self._run(lambda: self._db.execute(sql, values).rowcount))
        if removed:
            self._note(SettingKey(key, qualifier, kind), None)
        return removed

    async def of(
        self, key: FunctionKey, kind: str, *, after: str, limit: int
    ) -> list[tuple[str, dict[str, Any]]]:
        values = {**_names(key, kind), "after": after, "limit": limit}
        sql = (
            f"SELECT qualifier, body FROM function_settings WHERE {_KIND} AND qualifier > :after"
            " ORDER BY qualifier LIMIT :limit"
        )
        rows = await self._run(lambda: self._db.execute(sql, values).fetchall(), reading=True)
        return [(qualifier, json.loads(body)) for qualifier, body in rows]

    async def every(self, kind: str) -> list[tuple[FunctionKey, str, dict[str, Any]]]:
        sql = "SELECT account, region, name, qualifier, body FROM function_settings WHERE kind = ?"
        rows = await self._run(lambda: self._db.execute(sql, (kind,)).fetchall(), reading=True)
        return [(FunctionKey(*row[:3]), row[3], json.loads(row[4])) for row in rows]


def _names(key: FunctionKey, kind: str) -> dict[str, object]:
    return {**asdict(key), "kind": kind}
