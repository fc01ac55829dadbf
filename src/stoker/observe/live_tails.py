"""Sessions of live tail: they see log events as these are written, and keep nobody waiting.

    writing thread ── offer(batches) ──► what a session wants ──► Session.add ──► take()

A session that is not taken from keeps a bounded number of events, and says that it left some out.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field

from stoker.core.log_patterns import FilterPattern
from stoker.observe.log_writes import Batch, StreamName

SESSIONS = 15  # AWS: of an account at a time
EVENTS, BYTES = 500, 1024 * 1024  # of one update; AWS: 500 a second


class TooMany(Exception):
    """The account has as many sessions as it may."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a session is to see. Empty names and prefixes: all streams."""

    account: str
    region: str
    groups: frozenset[str]
    streams: tuple[str, ...]
    prefixes: tuple[str, ...]
    pattern: FilterPattern | None

    def has(self, where: StreamName) -> bool:
        if (where.account, where.region) != (self.account, self.region):
            return False
        if where.group not in self.groups:
            return False
        if not self.streams and not self.prefixes:
            return True
        return where.stream in self.streams or where.stream.startswith(self.prefixes)


@dataclass(frozen=True, slots=True)
class Seen:
    where: StreamName
    time_ms: int
    message: str


@dataclass(slots=True, eq=False)
class Session:
    wanted: Wanted
    loop: asyncio.AbstractEventLoop
    news: asyncio.Event = field(default_factory=asyncio.Event)
    is_over: bool = False
    _seen: list[Seen] = field(default_factory=list)
    _size: int = 0
    _sampled: bool = False

    def add(self, seen: list[Seen]) -> None:
        for one in seen:
            self._size += len(one.message)
            if len(self._seen) >= EVENTS or self._size > BYTES:
                self._sampled = True
                break
            self._seen.append(one)
        self.news.set()

    def take(self) -> tuple[list[Seen], bool]:
        """What came since the last time; True: not all of it."""
        taken = self._seen, self._sampled
        self._seen, self._size, self._sampled = [], 0, False
        self.news.clear()
        return taken

    def end(self) -> None:
        self.is_over = True
        self.news.set()


class LiveTails:
    def __init__(self) -> None:
        self._sessions: set[Session] = set()

    def open(self, wanted: Wanted) -> Session:
        """Call close() with it in the end. Raise TooMany."""
        if sum(one.wanted.account == wanted.account for one in self._sessions) >= SESSIONS:
            raise TooMany
        session = Session(wanted, asyncio.get_running_loop())
        self._sessions = self._sessions | {session}  # the writing thread may look at the old one
        return session

    def close(self, session: Session) -> None:
        self._sessions = self._sessions - {session}

    def end(self) -> None:
        """All of them: the server stops."""
        for session in self._sessions:
            session.end()

    def offer(self, batches: Iterable[Batch]) -> None:
        """In the writing thread, when they are on the disk."""
        sessions = self._sessions
        if not sessions:
            return
        for batch in batches:
            for session in sessions:
                if session.wanted.has(batch.where):
                    seen = _matching(session.wanted.pattern, batch)
                    if seen and not session.loop.is_closed():
                        session.loop.call_soon_threadsafe(session.add, seen)


def _matching(pattern: FilterPattern | None, batch: Batch) -> list[Seen]:
    """One more than is shown at most: that some were left out is to be known."""
    found: list[Seen] = []
    for time_ms, raw in zip(batch.times, batch.messages, strict=True):
        message = raw.decode("utf-8", "replace")
        if pattern is None or pattern.matches(message):
            found.append(Seen(batch.where, time_ms, message))
            if len(found) > EVENTS:
                break
    return found
