"""Resources in SQLite: what store/base.py calls `Resources`, in the transaction it belongs to."""

import json
import sqlite3
from dataclasses import asdict
from typing import Any

from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.store.base import Note, Superseded
from stoker.store.worker import Run

_ONE = "account = :account AND region = :region AND kind = :kind AND id = :id"
_COLUMNS = "account, region, kind, id, revision, body"


class SqliteResources:
    def __init__(self, db: sqlite3.Connection, run: Run, note: Note) -> None:
        self._db = db
        self._run = run
        self._note = note

    async def add(self, resource: Resource) -> bool:
        sql = (
            "INSERT INTO resources VALUES (:account, :region, :kind, :id, :revision, :body)"
            " ON CONFLICT DO NOTHING"
        )
        return await self._change(sql, resource)

    async def put(self, resource: Resource, *, expected: str) -> None:
        sql = (
            f"UPDATE resources SET revision = :revision, body = :body WHERE {_ONE}"
            " AND revision = :expected"
        )
        if not await self._change(sql, resource, expected=expected):
            raise Superseded(f"{resource.key.arn}: revision {expected} is not the latest")

    async def remove(self, key: ResourceKey) -> bool:
        sql = f"DELETE FROM resources WHERE {_ONE}"
        there = bool(await self._run(lambda: self._db.execute(sql, asdict(key)).rowcount))
        if there:
            self._note(key, None)
        return there

    async def get(self, key: ResourceKey) -> Resource | None:
        found = await self._select(f"WHERE {_ONE}", asdict(key))
        return found[0] if found else None

    async def of(self, account: str, region: str, kind: Kind, *, after: str) -> list[Resource]:
        return await self._select(
            "WHERE account = :account AND region = :region AND kind = :kind AND id > :after"
            " ORDER BY id",
            {"account": account, "region": region, "kind": kind, "after": after},
        )

    async def every(self, kind: Kind) -> list[Resource]:
        return await self._select("WHERE kind = :kind", {"kind": kind})

    async def _select(self, where: str, values: dict[str, object]) -> list[Resource]:
        def read() -> list[Resource]:
            rows = self._db.execute(f"SELECT {_COLUMNS} FROM resources {where}", values)
            return [
                Resource(ResourceKey(row[0], row[1], Kind(row[2]), row[3]), row[4], **_load(row[5]))
                for row in rows
            ]

        return await self._run(read, reading=True)

    async def _change(self, sql: str, resource: Resource, **more: object) -> bool:
        body = {"record": resource.record, "tags": resource.tags}
        values = {
            **asdict(resource.key),
            "revision": resource.revision_id,
            "body": json.dumps(body, separators=(",", ":")),
            **more,
        }
        changed = bool(await self._run(lambda: self._db.execute(sql, values).rowcount))
        if changed:
            self._note(resource.key, resource)
        return changed


def _load(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text)
    return found
