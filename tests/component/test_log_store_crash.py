"""kill -9 at any moment: what was flushed is there, and nothing is torn."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from stoker.core.log_events import Position
from stoker.observe import log_groups, log_queries
from stoker.observe.log_groups import GroupName
from stoker.observe.log_queries import END_OF_TIME_MS, Event, Question
from stoker.observe.logs import LogStore

STREAMS = 5

WRITER = """
import asyncio, sys
from pathlib import Path
from stoker.observe.logs import Bounds, LogStore

async def main():
    store = LogStore(Path(sys.argv[1]), bounds=Bounds(flush_after_s=0.001))
    await store.start()
    sinks = [store.open("0" * 12, "us-east-1", "g", f"s{n}") for n in range(int(sys.argv[2]))]
    number = int(sys.argv[3])
    while True:
        for _ in range(7):
            for sink in sinks:
                sink.append(1_800_000_000_000 + number, b"%d " % number + b"x" * (number % 900))
            number += 1
        await store.flush()
        print(number, flush=True)

asyncio.run(main())
"""


def last_promise(path: Path, start: int, promises: int) -> int:
    """Run the writer, kill it somewhere after so many promises, and say what it promised last."""
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(STREAMS), str(start)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    with writer, writer.stdout as output:
        promised = start
        for _ in range(promises):
            promised = int(output.readline())
        writer.kill()
        for line in output:  # what it said before it died
            if line.endswith("\n"):
                promised = int(line)
    return promised


async def read_all(path: Path) -> list[Event]:
    store = LogStore(path)
    await store.start()

    def ask(db: sqlite3.Connection) -> list[Event]:
        group = log_groups.get_group(db, GroupName("0" * 12, "us-east-1", "g"))
        place: Position | None = Position(0)
        events: list[Event] = []
        while place is not None:
            page = log_queries.read(db, Question(group.id, 0, END_OF_TIME_MS, "f", place))
            events += page.events
            place = page.following
        return events

    try:
        return await store.query(ask)
    finally:
        await store.close()


@pytest.mark.parametrize("seed", range(3))
def test_what_was_flushed_survives_kill_9(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    path = tmp_path / "logs.db"
    promised = 0
    for _ in range(3):  # each life goes on in the file the last one left
        promised = last_promise(path, promised, chance.randrange(1, 40))
        streams = defaultdict(list)
        for event in asyncio.run(read_all(path)):
            number, text = event.message.split(" ")
            assert text == "x" * len(text)
            assert len(text) == int(number) % 900, "a torn event"
            streams[event.stream].append(int(number))
        assert len(streams) == STREAMS
        for numbers in streams.values():
            written = sorted(set(numbers))
            assert written == list(range(len(written))), "an event is missing in between"
            assert len(written) >= promised, "a flushed event is missing"
        promised = min(len(set(numbers)) for numbers in streams.values())
