"""A SQLite file that many write at a time: whoever waits for the disk, waits together.

    write, note ──► gathered while a commit is under way ──► one commit for all of them

`synchronous=FULL` with a write-ahead log: what `write` has confirmed is on the disk. Nobody waits
for a `note`: it goes with the next `write`, at the latest after LAZY_S; a crash in that time
forgets it. A commit that fails keeps nothing: who waits is told, and the notes are tried again
after RETRY_S. Statements are carried out in the order in which they were asked for.

One connection and one thread write; another pair reads, so that a reader does not wait for the
disk. The event loop waits for neither.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from stoker.store.base import StoreUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

LAZY_S = 0.05
RETRY_S = 1.0

Statement = tuple[str, Sequence[Any]]
Written = Callable[[StoreUnavailable | None], None]


@dataclass(slots=True)
class _Batch:
    """What goes to the disk together."""

    asked: list[tuple[Sequence[Statement], Written | None]] = field(default_factory=list)
    waited_for: bool = False

    def __bool__(self) -> bool:
        return bool(self.asked)


class GroupCommit:
    """`await open()` first; `await close()` writes what is still gathered."""

    def __init__(self, path: Path, schema: Path, version: int = 1) -> None:
        """`schema`: the script that makes the tables, of this version."""
        self._path = path
        self._schema = schema
        self._version = version
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{path.stem}-w")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"{path.stem}-r")
        self._db: sqlite3.Connection | None = None
        self._reading: sqlite3.Connection | None = None
        self._gathered = _Batch()
        self._writing: asyncio.Future[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._closing = False

    @property
    def notes(self) -> int:
        """How much is gathered and not on its way to the disk."""
        return len(self._gathered.asked)

    async def open(self) -> None:
        """Make or open the file. Raise StoreUnavailable."""
        loop = asyncio.get_running_loop()
        try:
            self._db = await loop.run_in_executor(self._writer, self._connect)
            self._reading = await loop.run_in_executor(self._reader, self._connect)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    async def close(self) -> None:
        """Write what is to be written, once; then close. Idempotent."""
        self._closing = True
        await self._written_out()
        self._start()
        await self._written_out()
        if self._later is not None:
            self._later.cancel()
        loop = asyncio.get_running_loop()
        for thread, db in ((self._writer, self._db), (self._reader, self._reading)):
            if db is not None:
                await loop.run_in_executor(thread, db.close)
            thread.shutdown(wait=False)
        self._db = self._reading = None

    def write(self, statements: Sequence[Statement], written: Written) -> None:
        """`written` is called when they are on the disk, or why they are not and never will be."""
        if self._closing or self._db is None:
            written(StoreUnavailable(f"cannot use {self._path}: it is closed"))
            return
        self._gathered.asked.append((statements, written))
        self._gathered.waited_for = True
        self._start()

    async def written(self, statements: Sequence[Statement]) -> None:
        """The same, for those who can wait. Raise StoreUnavailable."""
        done: asyncio.Future[StoreUnavailable | None] = asyncio.get_running_loop().create_future()

        def tell(fault: StoreUnavailable | None) -> None:
            if not done.done():
                done.set_result(fault)

        self.write(statements, tell)
        if (fault := await done) is not None:
            raise fault

    def note(self, statements: Sequence[Statement]) -> None:
        """Write this before long."""
        self._gathered.asked.append((statements, None))
        self._start_later(LAZY_S)

    async def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """What is on the disk. Raise StoreUnavailable."""
        db = self._reading
        if db is None or self._closing:
            raise StoreUnavailable(f"cannot use {self._path}: it is closed")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._reader, look, db)
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    async def _written_out(self) -> None:
        while self._writing is not None:
            await asyncio.wait({self._writing})  # _committed was asked to be called first

    def _start(self) -> None:
        if self._writing is not None or not self._gathered or self._db is None:
            return
        if self._later is not None:
            self._later.cancel()
            self._later = None
        batch, self._gathered = self._gathered, _Batch()
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(self._writer, _commit, self._db, batch)
        self._writing.add_done_callback(partial(self._committed, batch))

    def _committed(self, batch: _Batch, writing: "asyncio.Future[None]") -> None:
        self._writing = None
        error = writing.exception()
        fault = None
        if error is not None:
            fault = self._unavailable(error)
            log.error("cannot write", extra={"path": str(self._path), "reason": str(error)})
            self._gathered.asked[:0] = [(asked, told) for asked, told in batch.asked if not told]
        if self._gathered.waited_for and not self._closing:
            self._start()
        elif self._gathered:
            self._start_later(LAZY_S if fault is None else RETRY_S)
        for _, told in batch.asked:
            if told is not None:
                told(fault)

    def _start_later(self, delay_s: float) -> None:
        if self._writing is None and self._later is None and not self._closing:
            self._later = asyncio.get_running_loop().call_later(delay_s, self._again)

    def _again(self) -> None:
        self._later = None
        self._start()

    def _unavailable(self, error: BaseException) -> StoreUnavailable:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        return StoreUnavailable(f"cannot use {self._path}: {error} ({name})")

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        db = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version > self._version:
                raise StoreUnavailable(
                    f"cannot use {self._path}: a newer Stoker wrote it (schema {version}, this "
                    f"one knows {self._version}). Use that version, or another data folder"
                )
            if version < self._version:
                script = self._schema.read_text()
                db.executescript(
                    f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {self._version}; COMMIT;"
                )
        except BaseException:
            db.close()
            raise
        return db


def _commit(db: sqlite3.Connection, batch: _Batch) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        for statements, _ in batch.asked:
            for sql, values in statements:
                db.execute(sql, values)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
