"""A SQLite file that many write at a time: whoever waits for the disk, waits together.

    write, note ──► gathered while a commit is under way, and for TURNS ──► one commit for all
    gather ──► LAZY_S ──┘

`synchronous=FULL` with a write-ahead log: what `write` has confirmed is on the disk. Nobody waits
for a `note`: it goes with the next `write`, at the latest after LAZY_S; a crash in that time
forgets it. A commit that fails keeps nothing: who waits is told, and the notes are tried again
after RETRY_S. Statements are carried out in the order in which they were asked for, but those of
`gather`, of which there are many: they become notes together, after LAZY_S.

One connection and one thread write; another pair reads, so that a reader does not wait for the
disk. The event loop waits for neither.

The writer shares the interpreter with the event loop. With each statement it lets go of it and has
to get it back, which takes longer than most statements do. So what comes in numbers is put into few
of them when a commit begins (`insertions`, `deletions`), and one that is alone is its own commit.
Who was just answered often has more to write: a few turns of the event loop later there is one
commit for them and for those who came meanwhile, where there would be two.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import chain
from pathlib import Path
from typing import Any, Generic, TypeVar

import orjson

from stoker.store.base import StoreUnavailable
from stoker.store.worker import Work, Worker

log = logging.getLogger(__name__)
T = TypeVar("T")

LAZY_S = 0.05
RETRY_S = 1.0
TURNS = 2  # of the event loop, after a commit before the next
_MANY_ROWS = 16  # any number of rows up to here, and this many, have a statement of their own

Statement = tuple[str, Sequence[Any]]
Statements = Sequence[Statement]
Asked = Statements | Callable[[], Statements]  # or who says it when the commit begins
Written = Callable[[StoreUnavailable | None], None]


@dataclass(slots=True)
class _Batch:
    """What goes to the disk together."""

    asked: list[tuple[Asked, Written | None]] = field(default_factory=list)
    waited_for: bool = False

    def __bool__(self) -> bool:
        return bool(self.asked)


class GroupCommit:
    """`await open()` first; `await close()` writes what is still gathered."""

    def __init__(self, path: Path, *schema: Path, session: Path | None = None) -> None:
        """`schema`: the script that makes the tables, and those that bring older ones up to date,
        each a version. `session`: of what a connection has beside them, its temporary views and
        triggers."""
        self._path = path
        self._session = session
        self._schema = schema
        self._writer = Worker(f"{path.stem}-w")
        self._reader = Worker(f"{path.stem}-r")
        self._db: sqlite3.Connection | None = None
        self._reading: sqlite3.Connection | None = None
        self._gathered = _Batch()
        self._writing = False
        self._resting = False
        self._later: asyncio.TimerHandle | None = None
        self._unhurried: list[Asked] = []
        self._noting: asyncio.TimerHandle | None = None
        self._closing = False

    @property
    def notes(self) -> int:
        """How many statements are gathered and not on their way to the disk."""
        return sum(1 if callable(asked) else len(asked) for asked, _ in self._gathered.asked)

    async def open(self) -> None:
        """Make or open the file. Raise StoreUnavailable, and then it is closed."""
        try:
            self._db = await self._writer.run(self._connect)
            self._reading = await self._reader.run(self._connect)
        except BaseException as error:
            await self.close()
            if isinstance(error, sqlite3.Error):
                raise self._unavailable(error) from error
            raise

    async def close(self) -> None:
        """Write what is to be written, once; then close. Idempotent."""
        self._closing, self._resting = True, False
        await self._written_out()
        self._note_all()
        await self._written_out()
        if self._later is not None:
            self._later.cancel()
        for thread, db in ((self._writer, self._db), (self._reader, self._reading)):
            if db is not None:
                await thread.run(db.close)
            thread.stop()
        self._db = self._reading = None

    def write(self, statements: Asked, written: Written) -> None:
        """`written` is called when they are on the disk, or why they are not and never will be."""
        if self._closing or self._db is None:
            written(StoreUnavailable(f"cannot use {self._path}: it is closed"))
            return
        self._gathered.asked.append((statements, written))
        self._gathered.waited_for = True
        self._start()

    async def written(self, statements: Sequence[Statement]) -> None:
        """The same, for those who can wait. Raise StoreUnavailable."""
        await _written(partial(self.write, statements))

    def note(self, statements: Asked) -> None:
        """Write this before long."""
        self._gathered.asked.append((statements, None))
        self._start_later(LAZY_S)

    def gather(self, statements: Asked) -> None:
        """Write this before long, and perhaps after what is asked for later."""
        self._unhurried.append(statements)
        if self._noting is None and not self._closing:
            self._noting = asyncio.get_running_loop().call_later(LAZY_S, self._note_all)

    async def read(self, look: Callable[[sqlite3.Connection], T]) -> T:
        """What is on the disk. Raise StoreUnavailable."""
        db = self._reading
        if db is None or self._closing:
            raise StoreUnavailable(f"cannot use {self._path}: it is closed")
        try:
            return await self._reader.run(partial(look, db))
        except sqlite3.Error as error:
            raise self._unavailable(error) from error

    async def _written_out(self) -> None:
        while self._writing:
            await self._writer.run(lambda: None)  # _committed was asked to be called first

    def _start(self) -> None:
        if self._writing or self._resting or not self._gathered or self._db is None:
            return
        if self._later is not None:
            self._later.cancel()
            self._later = None
        batch, self._gathered = self._gathered, _Batch()
        said = [(asked() if callable(asked) else asked, told) for asked, told in batch.asked]
        statements = list(chain.from_iterable(asked for asked, _ in said))
        self._writing = True
        self._writer.ask(partial(_commit, self._db, statements), partial(self._committed, said))

    def _committed(
        self, said: list[tuple[Statements, Written | None]], writing: Work[None]
    ) -> None:
        self._writing = False
        error = writing.error
        fault = None
        if error is not None:
            fault = self._unavailable(error)
            log.error("cannot write", extra={"path": str(self._path), "reason": str(error)})
            self._gathered.asked[:0] = [(asked, None) for asked, told in said if told is None]
        self._rest(TURNS, LAZY_S if fault is None else RETRY_S)
        for _, told in said:
            if told is not None:
                told(fault)

    def _rest(self, turns: int, delay_s: float) -> None:
        """Then begin the next commit; in `delay_s` if nobody waits for it."""
        self._resting = turns > 0 and not self._closing
        if self._resting:
            asyncio.get_running_loop().call_soon(self._rest, turns - 1, delay_s)
        elif self._gathered.waited_for and not self._closing:
            self._start()
        elif self._gathered:
            self._start_later(delay_s)

    def _start_later(self, delay_s: float) -> None:
        busy = self._writing or self._resting or self._closing
        if not busy and self._later is None:
            self._later = asyncio.get_running_loop().call_later(delay_s, self._again)

    def _note_all(self) -> None:
        if self._noting is not None:
            self._noting.cancel()
            self._noting = None
        self._gathered.asked += [(asked, None) for asked in self._unhurried]
        self._unhurried.clear()
        self._start()

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
            known = len(self._schema)
            if version > known:
                raise StoreUnavailable(
                    f"cannot use {self._path}: a newer Stoker wrote it (schema {version}, this "
                    f"one knows {known}). Use that version, or another data folder"
                )
            if version < known:
                script = "\n".join(path.read_text() for path in self._schema[version:])
                db.executescript(
                    f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {known}; COMMIT;"
                )
            if self._session is not None:
                db.executescript(self._session.read_text())
        except BaseException:
            db.close()
            raise
        return db


class Gathering(Generic[T]):
    """Things that many wait for, each for its own, and that one write brings to the disk."""

    def __init__(
        self, file: GroupCommit, statements: Callable[[list[T]], Statements], pause_s: float = 0.0
    ) -> None:
        """`statements`: what is to be written of all of them. `pause_s`: how long the first waits
        for others, so that there are fewer commits."""
        self._file = file
        self._statements = statements
        self._pause_s = pause_s
        self._gathered: list[tuple[T, Written]] = []

    def write(self, thing: T, written: Written) -> None:
        """As `GroupCommit.write`."""
        self._gathered.append((thing, written))
        if len(self._gathered) > 1:
            return
        if self._pause_s:
            asyncio.get_running_loop().call_later(self._pause_s, self._begin)
        else:
            self._begin()

    async def written(self, thing: T) -> None:
        """As `GroupCommit.written`."""
        await _written(partial(self.write, thing))

    def _begin(self) -> None:
        gathered = self._gathered
        self._file.write(partial(self._begun, gathered), partial(self._written, gathered))

    def _begun(self, gathered: list[tuple[T, Written]]) -> Statements:
        self._gathered = []  # who comes now waits for the next commit
        return self._statements([thing for thing, _ in gathered])

    def _written(self, gathered: list[tuple[T, Written]], fault: StoreUnavailable | None) -> None:
        if self._gathered is gathered:
            self._gathered = []  # refused without a commit
        for _, written in gathered:
            written(fault)


def insertions(table: str, rows: Sequence[Sequence[Any]]) -> list[Statement]:
    """All rows, by few statements of few forms: SQLite's are kept prepared."""
    found: list[Statement] = []
    for at in range(0, len(rows), _MANY_ROWS):
        some = rows[at : at + _MANY_ROWS]
        values = tuple(chain.from_iterable(some))
        found.append((_insertion(table, len(some[0]), len(some)), values))
    return found


def deletions(table: str, ids: Sequence[int]) -> Statement:
    """All rows with these ids, by one statement."""
    return f"DELETE FROM {table} WHERE id IN (SELECT value FROM json_each(?))", (
        orjson.dumps(ids).decode(),
    )


async def _written(write: Callable[[Written], None]) -> None:
    done: asyncio.Future[StoreUnavailable | None] = asyncio.get_running_loop().create_future()

    def tell(fault: StoreUnavailable | None) -> None:
        if not done.done():
            done.set_result(fault)

    write(tell)
    if (fault := await done) is not None:
        raise fault


@cache
def _insertion(table: str, columns: int, rows: int) -> str:
    row = f"({', '.join('?' * columns)})"
    return f"INSERT INTO {table} VALUES {', '.join([row] * rows)}"


def _commit(db: sqlite3.Connection, statements: Statements) -> None:
    if len(statements) == 1:  # is all or nothing by itself
        db.execute(*statements[0])
        return
    db.execute("BEGIN IMMEDIATE")
    try:
        for sql, values in statements:
            db.execute(sql, values)
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise
