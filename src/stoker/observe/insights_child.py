"""The process in which one query of Logs Insights runs: asked by a line, answers by a line.

    python -m stoker.observe.insights_child

It reads the log store's file by itself, so that a search over much takes nothing from the server:
it has a bounded memory, bounded time and a low priority, and may be killed at any moment.
"""

import heapq
import os
import resource
import signal
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any, Final

import orjson

from stoker.core.log_insights.pipeline import Pipeline, TooMuch
from stoker.core.log_insights.reading import read
from stoker.core.log_insights.records import Record
from stoker.observe import log_queries
from stoker.observe.log_queries import Event, Question, from_the_start

MEMORY_BYTES: Final = 1024**3
LIMIT_S: Final = 60
_NICER: Final = 10


def main() -> None:
    signal.alarm(LIMIT_S)  # also if nobody is left who would end it
    os.nice(_NICER)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    asked = orjson.loads(sys.stdin.buffer.readline())
    try:
        answer = answered(asked)
    except (TooMuch, MemoryError):
        answer = {"error": "it keeps more than may be kept"}
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")


def answered(asked: dict[str, Any]) -> dict[str, Any]:
    """What the query finds in groups of logs, and how much it looked at."""
    scan = _Scan(asked)
    pipeline = Pipeline(read(asked["query"]), asked["limit"])
    for record in scan.records():
        if not pipeline.take(record):
            break
    return {
        "rows": pipeline.results(),
        "matched": pipeline.matched,
        "scanned": scan.events,
        "bytes": scan.size_bytes,
    }


class _Scan:
    def __init__(self, asked: dict[str, Any]) -> None:
        self._asked = asked
        self._file = sqlite3.connect(asked["path"], timeout=10)
        self._file.execute("PRAGMA query_only = ON")
        self.events = self.size_bytes = 0

    def records(self) -> Iterator[Record]:
        """Of all groups, the latest first."""
        walks = [self._walk(group) for group in self._asked["groups"]]
        for _, _, group, event in heapq.merge(*walks, key=lambda one: (one[0], one[1])):
            self.events += 1
            self.size_bytes += len(event.message)
            yield _record(group, event)

    def _walk(self, group: dict[str, Any]) -> Iterator[tuple[int, int, dict[str, Any], Event]]:
        question = Question(
            group_id=group["id"],
            since_ms=group["since_ms"],
            until_ms=self._asked["until_ms"],
            direction="b",
            start=from_the_start("b"),
        )
        while True:
            page = log_queries.read(self._file, question)
            for event in page.events:
                yield -event.timestamp_ms, -event.number, group, event
            if page.following is None:
                return
            question = Question(
                group_id=group["id"],
                since_ms=group["since_ms"],
                until_ms=self._asked["until_ms"],
                direction="b",
                start=page.following,
            )


def _record(group: dict[str, Any], event: Event) -> Record:
    return Record(
        {
            "@timestamp": float(event.timestamp_ms),
            "@ingestionTime": float(event.ingested_ms),
            "@message": event.message,
            "@logStream": event.stream,
            "@log": group["name"],
            "@ptr": f"{group['id']}-{event.timestamp_ms}-{event.number}",
        }
    )


if __name__ == "__main__":
    main()
