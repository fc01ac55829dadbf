"""kill -9 at any moment: what was stored waits for its subscriber, too, and once."""

import asyncio
import random
import sqlite3
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from stoker.observe import log_groups, log_outbox
from stoker.observe.log_groups import GroupName
from stoker.observe.log_queries import END_OF_TIME_MS, Question, from_the_start, read
from stoker.observe.logs import LogStore

GROUP = GroupName("0" * 12, "us-east-1", "g")
ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
WRITER = """
import asyncio, sys
from pathlib import Path
from stoker.observe import log_groups, log_subscribers
from stoker.observe.log_groups import GroupName
from stoker.observe.log_subscribers import Subscription
from stoker.observe.logs import Bounds, LogStore

GROUP = GroupName("0" * 12, "us-east-1", "g")

def subscribed(db):
    log_groups.create_group(db, GROUP, 0)
    log_subscribers.put(db, GROUP, Subscription("n", "", sys.argv[2], None, "ByLogStream", 0))

async def main():
    store = LogStore(Path(sys.argv[1]), bounds=Bounds(flush_after_s=0.001))
    await store.start()
    await store.change(subscribed)
    sink, number = store.open("0" * 12, "us-east-1", "g", "s"), 0
    while True:
        for number in range(number, number + 7):
            sink.append(1_800_000_000_000 + number, b"%d" % number)
        number += 1
        await store.flush()
        print(number, flush=True)

asyncio.run(main())
"""


async def waiting(store: LogStore) -> list[str]:
    """What is sent, in order; and it is gone."""
    found: list[str] = []
    while (parcel := await store.query(partial(log_outbox.first, subscription_id=1))) is not None:
        found += [text for _, text in parcel.events]
        await store.change(partial(log_outbox.sent, parcel=parcel))
    assert await store.query(log_outbox.waiting) == []
    return found


def stored(db: sqlite3.Connection) -> list[str]:
    group, place, found = log_groups.get_group(db, GROUP), from_the_start("f"), []
    while place is not None:
        page = read(db, Question(group.id, 0, END_OF_TIME_MS, "f", place))
        found += [event.message for event in page.events]
        place = page.following
    return found


@pytest.mark.parametrize("seed", range(3))
def test_what_was_stored_waits_after_kill_9(tmp_path: Path, seed: int) -> None:
    path, promised = tmp_path / "logs.db", 0
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), ARN], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    with writer, writer.stdout as output:
        for _ in range(random.Random(seed).randrange(1, 40)):
            promised = int(output.readline())
        writer.kill()

    async def main() -> None:
        store = LogStore(path)
        await store.start()
        try:
            kept = await store.query(stored)
            assert len(kept) >= promised
            assert await waiting(store) == kept
        finally:
            await store.close()

    asyncio.run(main())
