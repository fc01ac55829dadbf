"""The console over a queue of 100,000 events. What the pages took is printed, not judged: that
depends on the machine."""

import asyncio
import statistics
import time
from functools import partial
from pathlib import Path

import pytest

from stoker.core.model import FunctionKey
from stoker.store.event_queue import Content, EventQueue
from tests.conformance.test_console import HERE, Page, ask, post, token_of
from tests.running import REGION, StokerProcess, deploy

pytestmark = pytest.mark.slow

MANY = 100_000
LATER_S = 3600.0  # none is run meanwhile


async def fill(path: Path, key: FunctionKey, many: int) -> None:
    """Events as a server keeps them that was ended."""
    queue = EventQueue(path)
    await queue.open()
    due, kept = time.time() + LATER_S, asyncio.Semaphore(0)
    for number in range(many):
        content = Content(f"r-{number}", key.arn, "application/json", "", "", b'{"n": 1}')
        queue.add(key, None, due + number * 0.01, content, lambda _: kept.release())
        if number % 1000 == 999:
            await asyncio.sleep(0)
    for _ in range(many):
        await kept.acquire()
    await queue.close()


def test_a_queue_of_a_hundred_thousand_is_shown_in_pages(tmp_path: Path) -> None:
    key = FunctionKey("000000000000", REGION, "many")
    with StokerProcess(tmp_path / "data") as server:
        client = server.client("lambda")
        for name in ("many", "few"):
            deploy(client, "def handler(event, context): return 1", FunctionName=name)
        client.close()
    events = tmp_path / "data" / "state" / "events.db"
    asyncio.run(fill(events, key, MANY))
    asyncio.run(fill(events, FunctionKey(key.account, key.region, "few"), 3))
    with StokerProcess(tmp_path / "data") as server:
        took = partial(timed, server)
        assert f"{MANY:,}" in took("queues").text
        first = took("queues/many")
        assert first.text.count("to be run again") == 50 + 1
        (following,) = [one for one in first.addresses() if "after=" in one]
        assert "r-50" in took(following.removeprefix(f"{HERE}/")).text
        late = took(f"queues/many?after={MANY - 10}")
        assert late.text.count("to be run again") == 10 + 1
        assert took("queues/few").text.count("to be run again") == 3 + 1
        (last,) = [
            str(attrs["value"])
            for tag, attrs in took(f"queues/many?after={MANY - 1}").tags
            if attrs.get("name") == "id"
        ]
        assert post(server, f"{HERE}/queues/many", token=token_of(server), id=last)[0] == 303
        assert f"{MANY - 1:,} to be run again" in took("queues/many").text


def timed(server: StokerProcess, path: str) -> Page:
    took = []
    for _ in range(9):
        began = time.perf_counter()
        status, _, text = ask(server, f"{HERE}/{path}")
        took.append((time.perf_counter() - began) * 1000)
        assert status == 200
    print(f"{path}: {statistics.median(took):.1f} ms, at most {max(took):.1f}")
    return Page(text)
