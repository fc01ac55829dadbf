"""Pollers of streams and their neighbours: what is at the function when, and where they go on."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stoker.core.invocation import InvocationResult
from stoker.core.lag import Lag
from stoker.core.resources import ResourceKey
from stoker.events.polling import Held
from tests.eventing import ACCOUNT, REGION, Run
from tests.polling import Polling, polling
from tests.stream_world import ARN, FIRST, Shard, StreamWorld, stream_world

Story = Callable[[Polling, StreamWorld], Awaitable[None]]
FAST = 10_000.0  # times as fast pass retries


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the server itself, which calls to a configured endpoint are signed with."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")


def tell(folder: Path, story: Story, scale: float = FAST, **settings: Any) -> None:
    async def main() -> None:
        async with (
            stream_world() as world,
            polling(folder, streams=world.url, scale=scale, **settings) as here,
        ):
            await here.events.function()
            await story(here, world)

    asyncio.run(main())


def put(here: Polling, world: StreamWorld, *data: str, shard: str = "shard-0", **more: Any) -> None:
    """And tell of it, as the embedded one does."""
    world.put(*data, shard=shard, **more)
    here.mappings.stream_changed(ARN, shard)


def data(run: Run) -> list[str]:
    records = json.loads(run.invocation.event)["Records"]
    return [base64.b64decode(one["kinesis"]["data"]).decode() for one in records]


async def reached(here: Polling, key: ResourceKey, count: int, shard: str = "shard-0") -> None:
    """Its checkpoint on the disk is the `count`th record of the shard."""
    await until(here, key, lambda kept: _sequence(kept, shard) == str(FIRST + count - 1))


def _sequence(kept: dict[str, Any], shard: str) -> str | None:
    return kept[shard].checkpoint.sequence if shard in kept else None


async def until(here: Polling, key: ResourceKey, is_so: Callable[[Any], object]) -> None:
    async with asyncio.timeout(30):
        while not is_so(await here.kept(key)):  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def test_records_come_in_order_and_another_life_goes_on_behind_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with stream_world() as world:
            world.put(*"123")
            async with polling(tmp_path, streams=world.url) as here:
                await here.events.function()
                key = await here.map_stream(ARN, BatchSize=2)
                first = await here.run()
                assert data(first) == ["1", "2"]
                assert "No records processed" in here.mappings.result(key)
                first.ends()
                second = await here.run()
                assert data(second) == ["3"]
                await reached(here, key, 2)
                assert here.mappings.result(key) == "OK"
                second.ends(InvocationResult(b"{}", "Unhandled"))
            async with polling(tmp_path, streams=world.url) as here:
                again = await here.run()
                assert data(again) == ["3"], "it failed, and the poller died"
                again.ends()
                await reached(here, key, 3)
                put(here, world, "4")
                last = await here.run()
                assert data(last) == ["4"]
                last.ends()

    asyncio.run(main())


def test_news_that_come_while_a_shard_is_read_are_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stoker.events.shard_reader.POLL_S", 3600.0)

    async def story(here: Polling, world: StreamWorld) -> None:
        def come() -> None:
            world.looked = lambda: None
            put(here, world, "1")

        world.looked = come
        await here.map_stream(ARN)
        only = await here.run()
        assert data(only) == ["1"]
        only.ends()

    tell(tmp_path, story)


def test_children_are_read_when_their_parents_are_at_their_end(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        world.put("1")
        world.close("shard-0", "shard-1", "shard-2")
        world.put("2", shard="shard-1")
        world.put("3", shard="shard-2")
        key = await here.map_stream(ARN)
        parent = await here.run()
        assert data(parent) == ["1"]
        parent.ends()
        children = [await here.run(), await here.run()]
        assert sorted(data(children[0]) + data(children[1])) == ["2", "3"]
        for one in children:
            one.ends()
        await until(here, key, lambda kept: kept["shard-0"].ended and len(kept) == 3)
        del world.shards["shard-0"]  # its time is over
        here.mappings.stream_changed(ARN, "")
        await until(here, key, lambda kept: "shard-0" not in kept)

    tell(tmp_path, story)


def test_nothing_is_lost_when_iterators_expire_and_reads_are_refused(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        key = await here.map_stream(ARN)
        put(here, world, "1")
        (await here.run()).ends()
        world.expire_iterators()
        world.failures["GetRecords"] += ["ProvisionedThroughputExceededException"]
        put(here, world, "2")
        run = await here.run()
        assert data(run) == ["2"]
        run.ends()
        await reached(here, key, 2)
        assert here.mappings.result(key) == "OK"

    tell(tmp_path, story)


def test_a_stream_that_was_made_anew_is_read_from_where_the_mapping_starts(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        key = await here.map_stream(ARN)
        put(here, world, "1", "2")
        (await here.run()).ends()
        await reached(here, key, 2)
        world.there = False
        here.mappings.stream_changed(ARN, "")
        await here.events.until(lambda: "PROBLEM: no: Resource" in here.mappings.result(key))
        world.shards["shard-0"].records.clear()
        world.made += 1
        world.there = True
        world.put("new")
        here.mappings.stream_changed(ARN, "")
        run = await here.run()
        assert data(run) == ["new"]
        run.ends()
        await reached(here, key, 1)
        assert here.mappings.result(key) == "OK"
        assert "stream was made anew" in caplog.text

    tell(tmp_path, story)


def test_a_checkpoint_that_the_stream_has_forgotten_is_left_for_what_there_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        key = await here.map_stream(ARN)
        put(here, world, "1")
        (await here.run()).ends()
        await reached(here, key, 1)
        await here.change(key, enabled=False)
        world.shards["shard-0"].records.clear()
        world.shards["shard-0"].trimmed = 5
        world.put("6")
        await here.change(key, enabled=True)
        run = await here.run()
        assert data(run) == ["6"]
        run.ends()
        assert "checkpoint unknown" in caplog.text

    tell(tmp_path, story)


def test_what_was_there_before_is_not_read_from_latest(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        world.put("older", age_s=100)
        world.put("old", age_s=0.01)
        await here.map_stream(ARN, StartingPosition="LATEST")
        put(here, world, "new", age_s=-1)
        run = await here.run()
        assert data(run) == ["new"]
        run.ends()

    tell(tmp_path, story)


def test_what_is_older_than_the_timestamp_is_not_read(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        world.put("old", age_s=60)
        world.put("new")
        since = time.time() - 30
        await here.map_stream(ARN, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=since)
        run = await here.run()
        assert data(run) == ["new"]
        run.ends()

    tell(tmp_path, story)


def test_of_one_shard_several_batches_run_and_no_key_overtakes_itself(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        for turn in "12":
            for key in "abcdefgh":
                world.put(key + turn, key=key)
        key = await here.map_stream(ARN, ParallelizationFactor=2, BatchSize=1)
        runs = [await here.run(), await here.run()]
        assert data(runs[0])[0][0] != data(runs[1])[0][0], "one at a time of each key"
        done: list[str] = []
        while runs:
            run = runs.pop(0)
            done += data(run)
            run.ends()
            if len(done) + len(runs) < 16:
                runs.append(await here.run())
        await reached(here, key, 16)
        for name in "abcdefgh":
            assert [one for one in done if one[0] == name] == [name + "1", name + "2"]

    tell(tmp_path, story)


def test_a_throttled_batch_waits_and_loses_no_attempt(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        world.shards["shard-1"] = world.shards["shard-0"].__class__()
        world.put("0")
        world.put("1", shard="shard-1")
        key = await here.map_stream(ARN, MaximumRetryAttempts=0)
        first = await here.run()
        await here.events.until(lambda: "Rate Exceeded" in here.mappings.result(key))
        first.ends()
        second = await here.run()
        assert {*data(first), *data(second)} == {"0", "1"}
        second.ends()
        await here.events.until(lambda: here.mappings.result(key) == "OK")
        assert here.told == []

    tell(tmp_path, story, limit=1)


def test_a_batch_that_fails_too_often_is_told_of_and_left_behind(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        world.put("bad", "bad", "good")
        counted = here.counting()
        where = {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:dead"}
        key = await here.map_stream(
            ARN,
            BatchSize=2,
            MaximumRetryAttempts=1,
            DestinationConfig={"OnFailure": where},
            MetricsConfig={"Metrics": ["EventCount"]},
        )
        for _ in range(2):
            run = await here.run()
            assert data(run) == ["bad", "bad"]
            run.fails()
        run = await here.run()
        assert data(run) == ["good"]
        run.ends()
        await reached(here, key, 3)
        (message,) = here.told
        said = json.loads(message.body)
        assert said["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert said["requestContext"]["approximateInvokeCount"] == 2
        assert said["KinesisBatchInfo"]["batchSize"] == 2
        assert said["KinesisBatchInfo"]["startSequenceNumber"] == str(FIRST)
        assert "payload" not in said
        assert {name: many for name, many in counted.items() if many} == {
            "PolledEventCount": 3,
            "InvokedEventCount": 5,
            "FailedInvokeEventCount": 4,
            "OnFailureDestinationDeliveredEventCount": 2,
        }

    tell(tmp_path, story)


def test_what_is_due_meanwhile_is_not_slept_over(tmp_path: Path) -> None:
    """It is due again in no time, maybe just before the reader lies down; nothing else wakes it."""

    async def story(here: Polling, world: StreamWorld) -> None:
        world.put(*("x" for _ in range(600)))  # more than are read ahead
        await here.map_stream(ARN, BatchSize=1)
        for _ in range(100):
            (await here.run()).fails()
        (await here.run()).ends()

    tell(tmp_path, story, scale=1e6)


def test_a_change_waits_for_what_is_at_the_function(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        world.put(*"1234")
        key = await here.map_stream(ARN, BatchSize=1)
        run = await here.run()
        await here.change(key, BatchSize=3)
        await here.change(key, enabled=False)
        assert here.mappings.disabling(key)
        await here.change(key, enabled=True)
        await here.events.function("other")
        await here.map_stream(ARN, function="other")
        other = await here.run()
        assert other.invocation.target.name == "other", "it has all the time to be too early"
        other.ends()
        run.ends()
        run = await here.run()
        assert data(run) == ["2", "3", "4"], "neither before nor twice"
        run.ends()

    tell(tmp_path, story)


def test_with_its_mapping_a_checkpoint_is_gone_for_good(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        world.put("1", "2")
        key = await here.map_stream(ARN, BatchSize=1)
        (await here.run()).ends()
        await reached(here, key, 1)
        run = await here.run()
        await here.unmap(key)
        assert await here.kept(key) == {}
        run.ends()
        other = await here.map_stream(ARN, BatchSize=2)
        run = await here.run()
        run.ends()
        await reached(here, other, 2)
        assert await here.kept(key) == {}, "nor does what was under way bring it back"

    tell(tmp_path, story)


def test_every_shard_goes_on_however_much_others_hold(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        object.__setattr__(here.mappings._parts, "held", Held(0))
        world.shards["shard-1"] = world.shards["shard-0"].__class__()
        world.put("a", "b")
        world.put("c", "d", shard="shard-1")
        await here.map_stream(ARN)
        runs = [await here.run(), await here.run()]
        assert sorted(map(data, runs)) == [["a"], ["c"]]
        assert set(world.limits) == {1}
        for run in runs:
            run.ends()
        runs = [await here.run(), await here.run()]
        assert sorted(map(data, runs)) == [["b"], ["d"]]
        for run in runs:
            run.ends()
        assert here.mappings._parts.held._left <= 0

    tell(tmp_path, story)


def test_records_wait_for_a_function_that_is_not_there(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        world.put("1")
        key = await here.map_stream(ARN, function="late")
        await here.events.until(lambda: "Function not found" in here.mappings.result(key))
        await here.events.function("late")
        run = await here.run()
        assert data(run) == ["1"]
        run.ends()

    tell(tmp_path, story, scale=0.001)


def test_how_far_it_is_behind_is_what_was_read_and_is_not_done(tmp_path: Path) -> None:
    async def story(here: Polling, world: StreamWorld) -> None:
        world.shards["shard-1"] = Shard()
        put(here, world, *"123", age_s=100)
        put(here, world, "4", shard="shard-1")
        key = await here.map_stream(ARN, BatchSize=3)
        assert here.mappings.lag(replace(key, id="another")) is None
        runs = [await here.run(), await here.run()]

        async def lags(wanted: Callable[[Lag], bool]) -> Lag:
            async with asyncio.timeout(30):
                while (lag := here.mappings.lag(key)) is None or not wanted(lag):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
            return lag

        lag = await lags(lambda lag: not lag.more)
        assert (lag.records, lag.places) == (4, 2)
        assert lag.oldest == pytest.approx(time.time() - 100, abs=60)
        for run in runs:
            run.ends()
        assert (await lags(lambda lag: lag.records == 0)).oldest is None

    tell(tmp_path, story)
