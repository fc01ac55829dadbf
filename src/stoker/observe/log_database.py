"""The log store's SQLite file: connections, transactions, schema."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

Result = TypeVar("Result")

_SCHEMA_VERSION = 3
_PAGE_BYTES = 4096
_WAL_KEPT_BYTES = 64 * 1024 * 1024


class LogDatabase:
    """One connection, used by one thread.

    WAL with synchronous=NORMAL: what was committed survives the death of the process at any
    moment; a power cut may take the last fraction of a second, never tear anything.
    """

    def __init__(self, path: Path, *, max_bytes: int | None = None) -> None:
        """max_bytes: past this size writes fail as on a full disk; for the one writing thread."""
        self._path = path
        self._max_bytes = max_bytes
        self._connection: sqlite3.Connection | None = None

    def open(self) -> None:
        """Open the file; the writing thread makes or updates its tables."""
        self._connection = sqlite3.connect(self._path, isolation_level=None, timeout=10)
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if self._max_bytes is None:
            self._connection.execute("PRAGMA query_only = ON")
            return
        if self._version() == 0:
            self._connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute(f"PRAGMA journal_size_limit = {_WAL_KEPT_BYTES}")
        self._connection.execute(f"PRAGMA max_page_count = {self._max_bytes // _PAGE_BYTES}")
        self._migrate()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def run(self, action: Callable[[sqlite3.Connection], Result]) -> Result:
        """Run `action` in one transaction: all of it is kept, or nothing."""
        with self._transaction() as connection:
            return action(connection)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        if self._connection is None:
            self.open()
        connection = self._connection
        assert connection is not None
        connection.execute("BEGIN" if self._max_bytes is None else "BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            self._roll_back(connection)
            raise

    def _roll_back(self, connection: sqlite3.Connection) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            # A connection in doubt is not repaired: the next transaction opens another one.
            self.close()

    def _version(self) -> int:
        assert self._connection is not None
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        return int(version)

    def _migrate(self) -> None:
        assert self._connection is not None
        version = self._version()
        if version > _SCHEMA_VERSION:
            self.close()
            raise RuntimeError(
                f"cannot read {self._path}: it was written by a newer Stoker (schema {version}, "
                f"this one knows {_SCHEMA_VERSION}); start that one, or use another data folder"
            )
        for step in range(version + 1, _SCHEMA_VERSION + 1):
            script = files("stoker.observe").joinpath(f"logs_{step}.sql").read_text()
            # executescript runs outside our transaction handling: it brings its own.
            self._connection.executescript(
                f"BEGIN IMMEDIATE;\n{script}\nPRAGMA user_version = {step};\nCOMMIT;"
            )
