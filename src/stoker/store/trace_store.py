"""X-Ray's traces in one SQLite file of their own (store/group_commit.py).

    put ──► segments, by trace ──► find, get
             └── tidy: what is too old, and what is too much of those who keep most

Room is bounded by what all segments take. Where that is too much, whoever keeps most loses the
oldest, so that nobody can push out what others keep. The file does not shrink; its room is used
again.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import floor
from pathlib import Path

from stoker.core.xray.documents import Glance, made_s
from stoker.store.group_commit import GroupCommit, Statement

_SCHEMA = Path(__file__).with_name("traces_1.sql")
_TRACE = (
    "INSERT INTO traces (account, region, id, made, touched, ended, revision)"
    " VALUES (?, ?, ?, ?, ?, ?, 1) ON CONFLICT (account, region, id) DO UPDATE SET"
    " touched = excluded.touched, ended = max(ended, excluded.ended), revision = revision + 1"
)
_SEGMENT = (
    "INSERT INTO segments (trace, id, owner, done, size, document)"
    " SELECT number, ?, ?, ?, ?, ? FROM traces WHERE account = ? AND region = ? AND id = ?"
    " ON CONFLICT (trace, id) DO UPDATE SET owner = excluded.owner, done = excluded.done,"
    " size = excluded.size, document = excluded.document WHERE excluded.done >= done"
)
_DROP = "DELETE FROM segments WHERE number = ?"
_EMPTY = (
    "DELETE FROM traces WHERE number = ?"
    " AND NOT EXISTS (SELECT 1 FROM segments WHERE trace = traces.number)"
)
_DOCUMENTS = "SELECT document FROM segments WHERE trace = ? ORDER BY number LIMIT ?"
_OLDEST = "SELECT number, trace, size FROM segments WHERE owner = ? ORDER BY number LIMIT ?"
ROW_BYTES = 400  # of a segment, besides its document: its row, its trace's, and their indexes
TRACE_SEGMENTS = 2000  # shown of one trace
TRACE_BYTES = 1024 * 1024  # X-Ray: 500 KB
PAGE_BYTES = 4 * 1024 * 1024  # found at a time, or a little more
SLICE = 500  # statements at a time
FULL = 7 / 8  # of the room, after room was made
STEPS = 100  # in which those who keep equally much give way in turn

WHEN = {  # what a time range of GetTraceSummaries may mean
    "TraceId": "made",
    "Event": "touched",
    "Service": "ended",
}


@dataclass(frozen=True, slots=True)
class Arrived:
    """A segment on its way to the disk."""

    account: str
    region: str
    function: str  # in which it was made; "" if that is not known
    glance: Glance
    text: bytes
    came: float  # epoch seconds

    @property
    def owner(self) -> str:
        return f"{self.account}:{self.region}:{self.function}"

    @property
    def size_bytes(self) -> int:
        return len(self.text) + ROW_BYTES


@dataclass(frozen=True, slots=True)
class Place:
    """Of a trace in the order of time; the latest first."""

    made: int
    number: int


@dataclass(frozen=True, slots=True)
class StoredTrace:
    id: str
    place: Place
    revision: int
    documents: tuple[bytes, ...]
    cut: bool  # it has more than is shown

    @property
    def size_bytes(self) -> int:
        return sum(map(len, self.documents))


@dataclass(frozen=True, slots=True)
class Span:
    """From when to when, both included, and of which of a trace's times. Ids know whole seconds."""

    start: float
    end: float
    of: str = "TraceId"


class TraceStore:
    """`await open()` first; `await close()` at the end. All raise StoreUnavailable."""

    def __init__(self, path: Path, most_bytes: int) -> None:
        self._file = GroupCommit(path, _SCHEMA)
        self._most_bytes = most_bytes
        self._size_bytes = 0  # at most so much; what replaces others is counted besides

    async def open(self) -> None:
        """Make or open the file."""
        await self._file.open()
        self._size_bytes = sum((await self._file.read(_shares)).values())

    async def close(self) -> None:
        """Idempotent."""
        await self._file.close()

    @property
    def is_full(self) -> bool:
        """Time to tidy."""
        return self._size_bytes > self._most_bytes

    async def put(self, arrived: Iterable[Arrived]) -> None:
        """Return when they are on the disk; if it raises, none of them is kept."""
        arrived = list(arrived)
        if not arrived:
            return
        await self._file.written([one for each in arrived for one in _statements(each)])
        self._size_bytes += sum(each.size_bytes for each in arrived)

    async def find(
        self, account: str, region: str, span: Span, most: int, after: Place | None = None
    ) -> list[StoredTrace]:
        """The latest first; `after`: those that come next. Fewer than `most` do not mean that
        there are no more, none does."""
        return await self._file.read(partial(_found, account, region, span, most, after))

    async def get(self, account: str, region: str, ids: Sequence[str]) -> list[StoredTrace]:
        """Those of them that there are."""
        return await self._file.read(partial(_named, account, region, tuple(ids)))

    async def tidy(self, before: float) -> None:
        """Forget traces of which nothing has come since `before`, and make room."""
        while numbers := await self._file.read(partial(_untouched, before)):
            statements: list[Statement] = []
            for number in numbers:
                statements.append(("DELETE FROM segments WHERE trace = ?", (number,)))
                statements.append(("DELETE FROM traces WHERE number = ?", (number,)))
            await self._file.written(statements)
        shares = await self._file.read(_shares)
        size = sum(shares.values())
        room = int(self._most_bytes * FULL) if size > self._most_bytes else size
        step = self._most_bytes // STEPS
        while size > room:
            owner = max(shares, key=lambda one: shares[one])
            others = sorted(shares.values())[-2:-1]
            beyond = shares[owner] - (others[0] if others else 0)
            freed = await self._shorten(owner, max(min(size - room, beyond), step))
            if not freed:
                break
            shares[owner] -= freed
            size -= freed
        self._size_bytes = size

    async def _shorten(self, owner: str, surplus: int) -> int:
        """Drop about so many bytes of its oldest; returns how many those were."""
        rows = await self._file.read(partial(_oldest, owner))
        freed = 0
        statements: list[Statement] = []
        for number, trace, size in rows:
            statements += [(_DROP, (number,)), (_EMPTY, (trace,))]
            freed += size
            if freed >= surplus:
                break
        await self._file.written(statements)
        return freed


def _statements(one: Arrived) -> list[Statement]:
    at = one.glance
    where = (one.account, one.region, at.trace_id)
    facts = (at.id, one.owner, int(at.done), one.size_bytes, one.text)
    return [
        (_TRACE, (*where, made_s(at.trace_id), one.came, at.ended)),
        (_SEGMENT, (*facts, *where)),
    ]


# --- in the reading thread ----------------------------------------------------------------------


def _shares(db: sqlite3.Connection) -> dict[str, int]:
    return dict(db.execute("SELECT owner, sum(size) FROM segments GROUP BY owner"))


def _untouched(before: float, db: sqlite3.Connection) -> list[int]:
    rows = db.execute("SELECT number FROM traces WHERE touched < ? LIMIT ?", (before, SLICE))
    return [number for (number,) in rows]


def _oldest(owner: str, db: sqlite3.Connection) -> list[tuple[int, int, int]]:
    return db.execute(_OLDEST, (owner, SLICE)).fetchall()


def _found(
    account: str, region: str, span: Span, most: int, after: Place | None, db: sqlite3.Connection
) -> list[StoredTrace]:
    place = after or Place(2**62, 2**62)
    rows = db.execute(
        "SELECT number, id, made, revision FROM traces WHERE account = ? AND region = ?"
        f" AND {WHEN[span.of]} BETWEEN ? AND ? AND (made, number) < (?, ?)"
        " ORDER BY made DESC, number DESC LIMIT ?",
        (account, region, floor(span.start), span.end, place.made, place.number, most),
    ).fetchall()
    traces: list[StoredTrace] = []
    size = 0
    for row in rows:
        traces.append(_whole(db, *row))
        size += traces[-1].size_bytes
        if size > PAGE_BYTES:
            break
    return traces


def _named(
    account: str, region: str, ids: tuple[str, ...], db: sqlite3.Connection
) -> list[StoredTrace]:
    found = []
    for id_ in ids:
        row = db.execute(
            "SELECT number, id, made, revision FROM traces"
            " WHERE account = ? AND region = ? AND id = ?",
            (account, region, id_),
        ).fetchone()
        if row is not None:
            found.append(_whole(db, *row))
    return found


def _whole(db: sqlite3.Connection, number: int, id_: str, made: int, revision: int) -> StoredTrace:
    documents: list[bytes] = []
    size, cut = 0, False
    for (document,) in db.execute(_DOCUMENTS, (number, TRACE_SEGMENTS + 1)):
        size += len(document)
        if size > TRACE_BYTES or len(documents) == TRACE_SEGMENTS:
            cut = True
            break
        documents.append(document)
    return StoredTrace(id_, Place(made, number), revision, tuple(documents), cut)
