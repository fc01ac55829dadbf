"""Events that wait, in one SQLite file of their own.

    add, postpone, remove ──► gathered while the disk is busy ──► one commit for all of them

`synchronous=FULL` with a write-ahead log: an `add` that was confirmed is on the disk. What is
asked for while a commit is under way goes into the next one together, so that many callers share
one wait for the disk. One connection, used by one thread; the event loop never waits for it.

Nobody waits for postponements and removals: the server that runs knows of them anyway. They go
with the next event that is added, at the latest after LAZY_S; what a crash makes us forget in
that time is run again. Who adds is told of a failure, and nothing is kept; what else could not be
written is tried again after RETRY_S.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TypeVar

from stoker.core.async_events import Progress
from stoker.core.model import FunctionKey
from stoker.store.base import StoreUnavailable

log = logging.getLogger(__name__)
T = TypeVar("T")

LAZY_S = 0.05
RETRY_S = 1.0
_SCHEMA = Path(__file__).with_name("event_queue_1.sql")
_SCHEMA_VERSION = 1

Added = Callable[[StoreUnavailable | None], None]


@dataclass(frozen=True, slots=True)
class Content:
    """What an attempt needs, the same for each."""

    request_id: str
    invoked_arn: str
    content_type: str
    trace_id: str
    trace_parent: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Waiting:
    """An event without its content."""

    id: int
    function: FunctionKey
    qualifier: str | None
    progress: Progress
    due: float
    size: int  # of the body, in bytes


@dataclass(slots=True)
class _Batch:
    """What goes to the disk together."""

    adding: list[tuple[Waiting, Content, Added]] = field(default_factory=list)
    postponed: dict[int, tuple[Progress, float]] = field(default_factory=dict)
    removed: list[int] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.adding or self.postponed or self.removed)


class EventQueue:
    """`await open()` first; `await close()` writes what is still gathered."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="events")
        self._db: sqlite3.Connection | None = None
        self._next_id = 1
        self._gathered = _Batch()
        self._writing: asyncio.Future[None] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._closing = False

    async def open(self) -> list[Waiting]:
        """Make or open the file; everything that waits, in the order in which it was accepted."""
        self._db, waiting = await self._run(lambda: _open(self._path))
        self._next_id = waiting[-1].id + 1 if waiting else 1
        return waiting

    async def close(self) -> None:
        """Write what is to be written, once; then close. Idempotent."""
        self._closing = True
        await self._written_out()
        self._start()
        await self._written_out()
        if self._later is not None:
            self._later.cancel()
        db, self._db = self._db, None
        if db is not None:
            await self._run(db.close)
        self._thread.shutdown(wait=False)

    def add(
        self,
        function: FunctionKey,
        qualifier: str | None,
        accepted: float,
        content: Content,
        done: Callable[[Waiting | StoreUnavailable], None],
    ) -> None:
        """Keep an event that is due at once. `done` is called when it is on the disk, or why it
        is not there and never will be."""
        waiting = Waiting(
            self._next_id, function, qualifier, Progress(accepted), accepted, len(content.body)
        )
        self._next_id += 1

        def added(fault: StoreUnavailable | None) -> None:
            done(waiting if fault is None else fault)

        if self._closing:
            added(StoreUnavailable(f"cannot use {self._path}: the queue is closed"))
            return
        self._gathered.adding.append((waiting, content, added))
        self._start()

    def postpone(self, id: int, progress: Progress, due: float) -> None:
        """It is to be run again, at `due`."""
        self._gathered.postponed[id] = (progress, due)
        self._start_later(LAZY_S)

    def remove(self, id: int) -> None:
        """It is at its end."""
        self._gathered.postponed.pop(id, None)
        self._gathered.removed.append(id)
        self._start_later(LAZY_S)

    async def contents(self, ids: Sequence[int]) -> dict[int, Content]:
        """Of these events. Raise StoreUnavailable."""
        return await self._run(lambda: _contents(self._connection(), ids))

    async def _written_out(self) -> None:
        while self._writing is not None:
            await asyncio.wait({self._writing})  # _written was asked to be called first

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            raise StoreUnavailable(f"cannot use {self._path}: the queue is closed")
        return self._db

    def _start(self) -> None:
        if self._writing is not None or not self._gathered or self._db is None:
            return
        if self._later is not None:
            self._later.cancel()
            self._later = None
        batch, self._gathered = self._gathered, _Batch()
        loop = asyncio.get_running_loop()
        self._writing = loop.run_in_executor(self._thread, _write, self._db, batch)
        self._writing.add_done_callback(partial(self._written, batch))

    def _written(self, batch: _Batch, writing: "asyncio.Future[None]") -> None:
        self._writing = None
        error = None if writing.cancelled() else writing.exception()
        fault = None
        if error is not None or writing.cancelled():
            fault = self._fault(error)
            self._keep(batch)
        elif self._gathered.adding and not self._closing:
            self._start()
        elif self._gathered:
            self._start_later(LAZY_S)
        for _, _, added in batch.adding:
            added(fault)

    def _keep(self, batch: _Batch) -> None:
        """What it could not write, but for what has been asked for since."""
        gathered = self._gathered
        gathered.removed[:0] = batch.removed
        gone = set(gathered.removed)
        for id, state in batch.postponed.items():
            if id not in gone:
                gathered.postponed.setdefault(id, state)
        if gathered.adding and not self._closing:
            self._start()  # they are told, whatever it is
        else:
            self._start_later(RETRY_S)

    def _start_later(self, delay_s: float) -> None:
        if self._writing is None and self._later is None and not self._closing:
            self._later = asyncio.get_running_loop().call_later(delay_s, self._again)

    def _again(self) -> None:
        self._later = None
        self._start()

    def _fault(self, error: BaseException | None) -> StoreUnavailable:
        name = getattr(error, "sqlite_errorname", type(error).__name__)
        log.error("cannot write events", extra={"reason": str(error), "error": name})
        return StoreUnavailable(f"cannot use {self._path}: {error} ({name})")

    async def _run(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"cannot use {self._path}: {error}") from error


def _open(path: Path) -> tuple[sqlite3.Connection, list[Waiting]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > _SCHEMA_VERSION:
            raise StoreUnavailable(
                f"cannot use {path}: a newer Stoker wrote it (schema {version}, this one knows "
                f"{_SCHEMA_VERSION}). Use that version, or another data folder"
            )
        if version < _SCHEMA_VERSION:
            script = _SCHEMA.read_text()
            db.executescript(
                f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;"
            )
        return db, _waiting(db)
    except BaseException:
        db.close()
        raise


def _waiting(db: sqlite3.Connection) -> list[Waiting]:
    keys: dict[tuple[str, str, str], FunctionKey] = {}  # one object for all events of a function
    found = []
    for id, account, region, name, qualifier, accepted, due, attempts, refusals, size in db.execute(
        "SELECT id, account, region, name, qualifier, accepted, due, attempts, refusals, size"
        " FROM events ORDER BY id"
    ):
        key = keys.setdefault((account, region, name), FunctionKey(account, region, name))
        progress = Progress(accepted, attempts, refusals)
        found.append(Waiting(id, key, qualifier, progress, due, size))
    return found


def _contents(db: sqlite3.Connection, ids: Sequence[int]) -> dict[int, Content]:
    marks = ",".join("?" * len(ids))
    rows = db.execute(
        "SELECT id, request_id, invoked_arn, content_type, trace_id, trace_parent, body"
        f" FROM event_contents WHERE id IN ({marks})",
        tuple(ids),
    )
    return {row[0]: Content(*row[1:]) for row in rows}


def _write(db: sqlite3.Connection, batch: _Batch) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [_row(waiting) for waiting, _, _ in batch.adding],
        )
        db.executemany(
            "INSERT INTO event_contents VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(waiting.id, *_columns(content)) for waiting, content, _ in batch.adding],
        )
        db.executemany(
            "UPDATE events SET attempts = ?, refusals = ?, due = ? WHERE id = ?",
            [(p.attempts, p.refusals, due, id) for id, (p, due) in batch.postponed.items()],
        )
        gone = [(id,) for id in batch.removed]
        db.executemany("DELETE FROM events WHERE id = ?", gone)
        db.executemany("DELETE FROM event_contents WHERE id = ?", gone)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _row(waiting: Waiting) -> tuple[object, ...]:
    key, progress = waiting.function, waiting.progress
    return (
        waiting.id,
        key.account,
        key.region,
        key.name,
        waiting.qualifier,
        progress.accepted,
        waiting.due,
        progress.attempts,
        progress.refusals,
        waiting.size,
    )


def _columns(content: Content) -> tuple[object, ...]:
    return (
        content.request_id,
        content.invoked_arn,
        content.content_type,
        content.trace_id,
        content.trace_parent,
        content.body,
    )
