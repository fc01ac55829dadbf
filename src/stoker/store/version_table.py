"""Versions and aliases in SQLite: `Versions` and `Aliases` of store/base.py, in the transaction
that they belong to."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from stoker.core.aliases import Alias, AliasKey
from stoker.core.errors import ResourceConflictException
from stoker.core.model import FunctionKey
from stoker.core.versions import Version, VersionKey
from stoker.store.base import Note, Superseded
from stoker.store.records import dump_version, load_version
from stoker.store.worker import Promise, Run

_FUNCTION = "account = :account AND region = :region AND name = :name"
_VERSION = f"{_FUNCTION} AND version = :version"
_ALIAS = f"{_FUNCTION} AND alias = :alias"


class SqliteVersions:
    def __init__(self, db: sqlite3.Connection, run: Run, promise: Promise, note: Note) -> None:
        self._db = db
        self._run = run
        self._promise = promise
        self._note = note

    async def last_number(self, key: FunctionKey) -> int:
        return await self._run(lambda: self._last_number(key), reading=True)

    async def newest(self, key: FunctionKey) -> tuple[int, Version | None]:
        def read() -> tuple[int, Version | None]:
            number = self._last_number(key)
            found = self._read(f"WHERE {_VERSION}", _names(VersionKey(key, number)))
            return number, found[0] if found else None

        return await self._run(read, reading=True)

    async def add(self, version: Version) -> None:
        def add() -> None:
            values = _values(version)
            self._db.execute(
                "INSERT INTO function_numbers VALUES (:account, :region, :name, :version)"
                " ON CONFLICT DO UPDATE"
                " SET last_version = max(last_version, excluded.last_version)",
                values,
            )
            self._db.execute(
                "INSERT INTO function_versions VALUES (:account, :region, :name, :version,"
                " :revision, :code_bytes, :body)",
                values,
            )
            self._note(version.key, version)

        self._promise(add)

    async def put(self, version: Version, *, expected: str) -> None:
        def put() -> None:
            replaced = self._db.execute(
                "UPDATE function_versions SET revision = :revision, body = :body"
                f" WHERE {_VERSION} AND revision = :expected",
                {**_values(version), "expected": expected},
            ).rowcount
            if not replaced:
                raise Superseded(f"{version.key.arn}: revision {expected} is not the latest")
            self._note(version.key, version)

        self._promise(put)

    async def remove(self, key: VersionKey) -> None:
        sql = f"DELETE FROM function_versions WHERE {_VERSION}"
        if await self._run(lambda: self._db.execute(sql, _names(key)).rowcount):
            self._note(key, None)

    async def remove_all(self, key: FunctionKey) -> None:
        sql = f"DELETE FROM function_versions WHERE {_FUNCTION} RETURNING version"
        rows = await self._run(lambda: self._db.execute(sql, asdict(key)).fetchall())
        for (number,) in rows:
            self._note(VersionKey(key, number), None)

    async def version(self, key: VersionKey) -> Version | None:
        found = await self._select(f"WHERE {_VERSION}", _names(key))
        return found[0] if found else None

    async def of(self, key: FunctionKey, *, after: int, limit: int) -> list[Version]:
        return await self._select(
            f"WHERE {_FUNCTION} AND version > :after ORDER BY version LIMIT :limit",
            {**asdict(key), "after": after, "limit": limit},
        )

    async def of_all(
        self, account: str, region: str, *, after: tuple[str, int], limit: int
    ) -> list[Version]:
        name, number = after
        return await self._select(
            "WHERE account = :account AND region = :region"
            " AND (name, version) > (:name, :number) ORDER BY name, version LIMIT :limit",
            {"account": account, "region": region, "name": name, "number": number, "limit": limit},
        )

    async def every(self) -> list[Version]:
        return await self._select("", {})

    async def _select(self, where: str, values: Mapping[str, object]) -> list[Version]:
        return await self._run(lambda: self._read(where, values), reading=True)

    def _read(self, where: str, values: Mapping[str, object]) -> list[Version]:
        columns = "account, region, name, version, revision, body"
        rows = self._db.execute(f"SELECT {columns} FROM function_versions {where}", values)
        return [
            load_version(VersionKey(FunctionKey(*row[:3]), row[3]), row[4], row[5]) for row in rows
        ]

    def _last_number(self, key: FunctionKey) -> int:
        sql = f"SELECT last_version FROM function_numbers WHERE {_FUNCTION}"
        row = self._db.execute(sql, asdict(key)).fetchone()
        return int(row[0]) if row else 0


class SqliteAliases:
    def __init__(self, db: sqlite3.Connection, run: Run, promise: Promise, note: Note) -> None:
        self._db = db
        self._run = run
        self._promise = promise
        self._note = note

    async def add(self, alias: Alias) -> None:
        def add() -> None:
            added = self._db.execute(
                "INSERT INTO aliases VALUES (:account, :region, :name, :alias, :revision, :body)"
                " ON CONFLICT DO NOTHING",
                _alias_values(alias),
            ).rowcount
            if not added:
                raise ResourceConflictException(f"Alias already exists: {alias.key.arn}")
            self._note(alias.key, alias)

        self._promise(add)

    async def put(self, alias: Alias, *, expected: str) -> None:
        def put() -> None:
            replaced = self._db.execute(
                f"UPDATE aliases SET revision = :revision, body = :body WHERE {_ALIAS}"
                " AND revision = :expected",
                {**_alias_values(alias), "expected": expected},
            ).rowcount
            if not replaced:
                raise Superseded(f"{alias.key.arn}: revision {expected} is not the latest")
            self._note(alias.key, alias)

        self._promise(put)

    async def remove(self, key: AliasKey) -> None:
        sql = f"DELETE FROM aliases WHERE {_ALIAS}"
        if await self._run(lambda: self._db.execute(sql, _alias_names(key)).rowcount):
            self._note(key, None)

    async def remove_all(self, key: FunctionKey) -> None:
        sql = f"DELETE FROM aliases WHERE {_FUNCTION} RETURNING alias"
        rows = await self._run(lambda: self._db.execute(sql, asdict(key)).fetchall())
        for (name,) in rows:
            self._note(AliasKey(key, name), None)

    async def alias(self, key: AliasKey) -> Alias | None:
        found = await self._select(f"WHERE {_ALIAS}", _alias_names(key))
        return found[0] if found else None

    async def of(self, key: FunctionKey) -> list[Alias]:
        return await self._select(f"WHERE {_FUNCTION} ORDER BY alias", asdict(key))

    async def every(self) -> list[Alias]:
        return await self._select("", {})

    async def _select(self, where: str, values: Mapping[str, object]) -> list[Alias]:
        def read() -> list[Alias]:
            rows = self._db.execute(
                f"SELECT account, region, name, alias, revision, body FROM aliases {where}", values
            )
            return [_load(AliasKey(FunctionKey(*row[:3]), row[3]), row[4], row[5]) for row in rows]

        return await self._run(read, reading=True)


def _values(version: Version) -> dict[str, object]:
    return {
        **_names(version.key),
        "revision": version.revision_id,
        "code_bytes": version.configuration.code.size_bytes,
        "body": dump_version(version),
    }


def _names(key: VersionKey) -> dict[str, object]:
    return {**asdict(key.function), "version": key.number}


def _alias_values(alias: Alias) -> dict[str, object]:
    return {**_alias_names(alias.key), "revision": alias.revision_id, "body": _dump(alias)}


def _alias_names(key: AliasKey) -> dict[str, object]:
    return {**asdict(key.function), "alias": key.name}


def _dump(alias: Alias) -> str:
    record = {
        "version": alias.version,
        "description": alias.description,
        "weights": dict(alias.weights),
        "policy": alias.policy,
    }
    return json.dumps(record, separators=(",", ":"))


def _load(key: AliasKey, revision: str, text: str) -> Alias:
    record: dict[str, Any] = json.loads(text)
    return Alias(key, revision_id=revision, **record)
