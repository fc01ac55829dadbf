"""Layers in SQLite: what store/base.py calls `Layers`, in the transaction that it belongs to."""

import json
import sqlite3
from dataclasses import asdict
from typing import Any

from stoker.core.layers import LayerKey, LayerVersion, Statement
from stoker.core.model import Code
from stoker.store.base import Suits, Superseded
from stoker.store.worker import Run

_COLUMNS = "account, region, name, version, revision, body"
_SUITS = (
    "(:runtime IS NULL OR :runtime IN (SELECT value FROM json_each(body, '$.runtimes')))"
    " AND (:architecture IS NULL"
    " OR :architecture IN (SELECT value FROM json_each(body, '$.architectures')))"
)
_ONE = "WHERE account = :account AND region = :region AND name = :name AND version = :version"


class SqliteLayers:
    def __init__(self, db: sqlite3.Connection, run: Run) -> None:
        self._db = db
        self._run = run

    async def next_number(self, key: LayerKey) -> int:
        def count() -> int:
            (number,) = self._db.execute(
                "INSERT INTO layers VALUES (:account, :region, :name, 1)"
                " ON CONFLICT DO UPDATE SET last_version = last_version + 1"
                " RETURNING last_version",
                asdict(key),
            ).fetchone()
            return int(number)

        return await self._run(count)

    async def add(self, version: LayerVersion) -> None:
        await self._change(
            "INSERT INTO layer_versions VALUES"
            " (:account, :region, :name, :version, :revision, :code, :code_bytes, :body)",
            version,
        )

    async def put(self, version: LayerVersion, *, expected: str) -> None:
        replaced = await self._change(
            f"UPDATE layer_versions SET revision = :revision, body = :body {_ONE}"
            " AND revision = :expected",
            version,
            expected=expected,
        )
        if not replaced:
            raise Superseded(f"{version.arn}: revision {expected} is not the latest")

    async def remove(self, key: LayerKey, number: int) -> None:
        values = {**asdict(key), "version": number}
        await self._run(lambda: self._db.execute(f"DELETE FROM layer_versions {_ONE}", values))

    async def version(self, key: LayerKey, number: int) -> LayerVersion | None:
        found = await self._select(_ONE, {**asdict(key), "version": number})
        return found[0] if found else None

    async def versions(
        self, key: LayerKey, suits: Suits, *, before: int | None, limit: int
    ) -> list[LayerVersion]:
        return await self._select(
            "WHERE account = :account AND region = :region AND name = :name"
            f" AND (:before IS NULL OR version < :before) AND {_SUITS}"
            " ORDER BY version DESC LIMIT :limit",
            {**asdict(key), **asdict(suits), "before": before, "limit": limit},
        )

    async def latest(
        self, account: str, region: str, suits: Suits, *, after: str, limit: int
    ) -> list[LayerVersion]:
        # Beside a max(), SQLite takes the other columns from the row that has it.
        where = f"WHERE account = :account AND region = :region AND name > :after AND {_SUITS}"
        return await self._select(
            f"{where} GROUP BY name ORDER BY name LIMIT :limit",
            {"account": account, "region": region, "after": after, "limit": limit} | asdict(suits),
            columns="account, region, name, max(version), revision, body",
        )

    async def digests(self) -> frozenset[str]:
        def read() -> frozenset[str]:
            rows = self._db.execute("SELECT DISTINCT code FROM layer_versions")
            return frozenset(row[0] for row in rows)

        return await self._run(read, reading=True)

    async def _select(
        self, where: str, values: dict[str, object], columns: str = _COLUMNS
    ) -> list[LayerVersion]:
        def read() -> list[LayerVersion]:
            rows = self._db.execute(f"SELECT {columns} FROM layer_versions {where}", values)
            return [_load(LayerKey(*row[:3]), *row[3:]) for row in rows]

        return await self._run(read, reading=True)

    async def _change(self, sql: str, version: LayerVersion, **more: object) -> int:
        values = {
            **asdict(version.key),
            "version": version.number,
            "revision": version.revision_id,
            "code": version.code.sha256,
            "code_bytes": version.code.size_bytes,
            "body": _dump(version),
            **more,
        }
        return await self._run(lambda: self._db.execute(sql, values).rowcount)


def _dump(version: LayerVersion) -> str:
    record = asdict(version)
    for name in ("key", "number", "revision_id"):
        del record[name]  # columns
    return json.dumps(record, separators=(",", ":"))


def _load(key: LayerKey, number: int, revision: str, text: str) -> LayerVersion:
    record: dict[str, Any] = json.loads(text)
    return LayerVersion(
        key,
        number,
        revision_id=revision,
        **{
            **record,
            "code": Code(**record["code"]),
            "runtimes": tuple(record["runtimes"]),
            "architectures": tuple(record["architectures"]),
            "policy": tuple(Statement(**one) for one in record["policy"]),
        },
    )
