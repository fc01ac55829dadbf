"""A function's events as they are listed, discarded, and kept at their end."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from stoker.core.async_events import Condition
from stoker.core.model import FunctionKey
from stoker.events import dispatcher as module
from stoker.events.ended import Told
from stoker.events.listed import Doing, Event
from tests.eventing import ACCOUNT, QUEUE, REGION, F, Scene, tell

G = FunctionKey(ACCOUNT, REGION, "g")
START = -1


async def nothing_waits(here: Scene) -> None:
    assert here.dispatcher.lanes() == {}


def test_events_are_listed_as_they_stand_and_may_be_discarded(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        here.waist.reserve(F, 1)
        for name in ("again", "runs", "waits", "also"):
            await here.send(name)
        (await here.run()).fails("no such order")
        run = await here.run()
        assert run.invocation.request_id == "runs"

        async def listed() -> dict[str, Event]:
            return {one.request_id: one for one in await here.dispatcher.listed(F, START, 10)}

        await here.until(lambda: here.held() == {"later": 1, "running": 1, "waiting": 2})
        async with asyncio.timeout(30):
            # its time is written a little later
            while (await listed())["again"].doing is not Doing.LATER:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        found = await listed()
        assert {name: str(one.doing) for name, one in found.items()} == {
            "runs": "running", "waits": "waiting", "also": "waiting", "again": "to be run again",
        }  # fmt: skip
        again = found["again"]
        assert again.why == "no such order"
        assert again.waiting.progress.attempts == 1
        assert again.waiting.due == here.clock.now() + 60
        first = await here.dispatcher.listed(F, START, 2)
        rest = await here.dispatcher.listed(F, first[-1].waiting.id, 10)
        assert [one.request_id for one in first + rest] == ["again", "runs", "waits", "also"]
        assert await here.dispatcher.listed(G, START, 10) == []

        for name in ("waits", "again"):
            assert await here.dispatcher.discard(F, found[name].waiting.id)
            with closing(sqlite3.connect(tmp_path / "events.db")) as db:  # as a crash would find it
                ids = {row[0] for row in db.execute("SELECT id FROM events")}
            assert found[name].waiting.id not in ids
            assert not await here.dispatcher.discard(F, found[name].waiting.id)
        assert not await here.dispatcher.discard(F, found["runs"].waiting.id)
        assert not await here.dispatcher.discard(G, found["also"].waiting.id)
        run.ends()
        run = await here.run()
        assert run.invocation.request_id == "also"
        run.ends()
        await here.until(lambda: not here.held())
        here.clock.forward(1000)
        assert here.waist.runs.empty()
        assert here.count("AsyncEventsDropped") == 0
        assert here.dispatcher.used.of(ACCOUNT) == (0, 0)

    tell(tmp_path, story)
    tell(tmp_path, nothing_waits)


def test_an_event_that_is_discarded_while_it_is_read_stays_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WAITING_BYTES", 0)  # all are on the disk only,
    monkeypatch.setattr(module, "LOADED_EVENTS", 1)  # and read one by one, when it is their turn

    async def story(here: Scene) -> None:
        await here.function()
        here.waist.reserve(F, 1)
        for name in ("one", "two", "three"):
            await here.send(name)
        run = await here.run()
        ids = [one.waiting.id for one in await here.dispatcher.listed(F, START, 10)]
        run.ends()
        await asyncio.sleep(0)  # the next ones are being read now
        assert await here.dispatcher.discard(F, ids[1])
        run = await here.run()
        assert run.invocation.request_id == "three"
        run.ends()
        await here.until(lambda: not here.held())
        assert here.dispatcher.used.of(ACCOUNT) == (0, 0)
        assert here.dispatcher._resident_bytes == 0, "what was read of it is not held"

    tell(tmp_path, story)


def test_what_ended_badly_or_was_told_of_is_kept_to_be_sent_again(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        await here.function()
        await here.says(retries=0)
        await here.send("dropped")
        (await here.run()).fails("first")
        await here.until(lambda: here.dispatcher.ended.of(F))
        await here.says(retries=0, on_failure=QUEUE, on_success="arn:aws:nowhere:::x")
        await here.send("told")
        (await here.run()).fails("second")
        await here.until(lambda: len(here.dispatcher.ended.of(F)) == 2)
        await here.send("untold")
        (await here.run()).ends()
        await here.until(lambda: len(here.dispatcher.ended.of(F)) == 3)
        untold, told, dropped = here.dispatcher.ended.of(F)
        assert (dropped.request_id, dropped.event, dropped.why) == ("dropped", b"dropped", "first")
        assert (dropped.told, dropped.condition) == ((), Condition.RETRIES_EXHAUSTED)
        assert told.told == (Told(QUEUE, False, ""),)
        assert "nowhere" in untold.told[0].problem
        assert (untold.condition, untold.why) == (Condition.SUCCESS, "")
        assert here.dispatcher.ended.counts(ACCOUNT, REGION) == {"f": 3}
        assert here.dispatcher.ended.counts(ACCOUNT, "elsewhere") == {}
        assert here.dispatcher.ended.find(F, told.number) is told
        here.dispatcher.ended.remove(F, told)
        assert here.dispatcher.ended.find(F, told.number) is None
        here.dispatcher.ended.change(F, None)
        assert here.dispatcher.ended.of(F) == []

    tell(tmp_path, story)
