"""Queries of Logs Insights: each runs in a process of its own (observe/insights_child.py).

    start ──► Scheduled ──► Running ──► Complete | Failed | Timeout
                  └──────────┴─ stop ──► Cancelled

RUNNING run at a time, others wait for their turn; what is done is kept in memory, the latest of
all accounts, until there are too many or a restart.
"""

import asyncio
import contextlib
import logging
import sys
import time
import uuid
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

log = logging.getLogger(__name__)

RUNNING = 2
WAITING = 30  # AWS: queries of an account at a time
KEPT, KEPT_BYTES = 200, 64 * 1024 * 1024
LIMIT_S = 60.0
LINE_BYTES = 32 * 1024 * 1024


class TooMany(Exception):
    """So many queries wait already."""


@dataclass(slots=True)
class Query:
    """One query, and what came of it."""

    id: str
    account: str
    region: str
    group: str  # the first of its groups
    text: str
    groups: int
    created_ms: int
    names: tuple[str, ...] = ()  # of its groups
    since_s: int = 0
    until_s: int = 0
    status: str = "Scheduled"
    reason: str = ""  # why it has failed
    ended_ms: int = 0
    rows: list[list[list[str]]] = field(default_factory=list)  # of pairs
    matched: int = 0
    scanned: int = 0
    scanned_bytes: int = 0
    size_bytes: int = 0

    @property
    def is_over(self) -> bool:
        return self.status not in ("Scheduled", "Running")


class Insights:
    def __init__(self) -> None:
        self._queries: dict[str, Query] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(RUNNING)

    async def close(self) -> None:
        """End what runs."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def start(self, query: Query, path: Path, asked: dict[str, Any]) -> None:
        """Begin it; `asked` is for the process. Raise TooMany."""
        if sum(one.account == query.account and not one.is_over for one in self) >= WAITING:
            raise TooMany
        self._queries[query.id] = query
        task = asyncio.create_task(self._run(query, {**asked, "path": str(path)}))
        self._tasks[query.id] = task
        task.add_done_callback(lambda _: self._tasks.pop(query.id, None))
        self._forget()

    def find(self, account: str, region: str, id_: str) -> Query | None:
        query = self._queries.get(id_)
        return query if query and (query.account, query.region) == (account, region) else None

    async def settled(self, query: Query, patience_s: float) -> None:
        """Return when it is over, or after so long."""
        task = self._tasks.get(query.id)
        if task is not None:
            await asyncio.wait({task}, timeout=patience_s)

    def __iter__(self) -> Iterator[Query]:
        return iter(list(self._queries.values()))

    def stop(self, query: Query) -> bool:
        """False: it is over."""
        task = self._tasks.get(query.id)
        if query.is_over or task is None:
            return False
        self._end(query, "Cancelled")
        task.cancel()
        return True

    async def _run(self, query: Query, asked: dict[str, Any]) -> None:
        async with self._turns:
            query.status = "Running"
            try:
                async with asyncio.timeout(LIMIT_S):
                    said = await _answered(orjson.dumps(asked) + b"\n")
            except TimeoutError:
                self._end(query, "Timeout")
                return
            except (OSError, ValueError) as error:
                said = orjson.dumps({"error": str(error)})
        answer: dict[str, Any] = orjson.loads(said) if said else {"error": "it ended early"}
        if "error" in answer:
            log.warning("query failed", extra={"query": query.id, "reason": answer["error"]})
            self._end(query, "Failed", str(answer["error"]))
            return
        query.rows, query.size_bytes = answer["rows"], len(said)
        query.matched, query.scanned = answer["matched"], answer["scanned"]
        query.scanned_bytes = answer["bytes"]
        self._end(query, "Complete")
        self._forget()

    def _end(self, query: Query, status: str, reason: str = "") -> None:
        query.status, query.ended_ms = status, time.time_ns() // 1_000_000
        query.reason = reason

    def _forget(self) -> None:
        """The oldest that are over, while there are too many."""
        over = [one for one in self if one.is_over]
        size = sum(one.size_bytes for one in over)
        for query in over:
            if len(self._queries) <= KEPT and size <= KEPT_BYTES:
                return
            size -= query.size_bytes
            del self._queries[query.id]


def new_id() -> str:
    return str(uuid.uuid4())


async def _answered(line: bytes) -> bytes:
    """What a process says to it. It is gone when this returns, however it does."""
    child: Process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "stoker.observe.insights_child", stdin=PIPE, stdout=PIPE,
        stderr=DEVNULL, limit=LINE_BYTES,
    )  # fmt: skip
    try:
        assert child.stdin is not None and child.stdout is not None
        child.stdin.write(line)
        await child.stdin.drain()
        return await child.stdout.readline()
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()
