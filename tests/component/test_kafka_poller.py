"""Pollers of Kafka's topics over a broker's protocol: what is at the function when, and where they
go on."""

import asyncio
import base64
import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stoker.core.lag import Lag
from stoker.core.resources import ResourceKey
from tests.eventing import Run
from tests.kafka_world import REBALANCING, KafkaWorld, kafka_world
from tests.polling import Polling, polling

Story = Callable[[Polling, KafkaWorld], Awaitable[None]]
PATIENCE_S = 30.0
QUEUE = "arn:aws:sqs:us-east-1:000000000000:dead"


def tell(folder: Path, story: Story, scale: float = 10_000.0, partitions: int = 1) -> None:
    async def main() -> None:
        async with kafka_world(partitions) as world, polling(folder, scale=scale) as here:
            await here.events.function()
            await story(here, world)

    asyncio.run(main())


def records(run: Run) -> list[dict[str, Any]]:
    ((_, found),) = json.loads(run.invocation.event)["records"].items()
    return list(found)


def values(run: Run) -> list[str]:
    return [base64.b64decode(one["value"]).decode() for one in records(run)]


async def shows(here: Polling, key: ResourceKey, wanted: Callable[[str], bool]) -> str:
    async with asyncio.timeout(PATIENCE_S):
        while not wanted(here.mappings.result(key)):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return here.mappings.result(key)


def test_records_come_in_order_and_another_life_goes_on_behind_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with kafka_world() as world:
            world.put(*(b"%d" % number for number in range(5)), key=b"k", headers=[("h", b"\xff")])
            async with polling(tmp_path) as here:
                await here.events.function()
                key = await here.map_topic(world.address, BatchSize=2)
                first = await here.run()
                assert json.loads(first.invocation.event)["eventSource"] == "SelfManagedKafka"
                assert records(first)[0]["headers"] == [{"h": [-1]}]
                assert values(first) == ["0", "1"]
                assert not here.mappings.starting(key)
                assert here.mappings.result(key) == "No records processed"
                first.ends()
                await world.reached(2)
                assert world.group == key.id
                assert here.mappings.result(key) == "OK"
                second = await here.run()
                assert values(second) == ["2", "3"]  # it is at the function at the end
            async with polling(tmp_path) as here:
                again = await here.run()
                assert values(again) == ["2", "3"]
                assert here.mappings.result(key) == "OK"
                again.ends()
                last = await here.run()
                assert values(last) == ["4"]
                last.ends()
                await world.reached(5)

    asyncio.run(main())


def test_a_poison_batch_blocks_its_partition_and_no_other(tmp_path: Path) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.put(b"bad", partition=0)
        key = await here.map_topic(world.address, BatchSize=1)
        bad = await here.run()
        assert values(bad) == ["bad"]
        world.put(b"behind it", partition=0)
        world.put(b"good", partition=1)
        good = await here.run()
        assert values(good) == ["good"]
        good.ends()
        await world.reached(1, partition=1)
        for _ in range(3):
            bad.fails()
            bad = await here.run()
            assert values(bad) == ["bad"]
            assert here.mappings.result(key) == "PROBLEM: Function call failed"
        assert world.offsets[0] == 0
        bad.ends()
        assert values(await here.run()) == ["behind it"]

    tell(tmp_path, story, partitions=2)


def test_what_fails_too_often_is_told_of_and_left_behind(tmp_path: Path) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.put(b"a", b"b")
        await here.map_topic(
            world.address, MaximumRetryAttempts=1, BatchSize=2,
            DestinationConfig={"OnFailure": {"Destination": QUEUE}},
        )  # fmt: skip
        for _ in range(2):
            run = await here.run()
            assert values(run) == ["a", "b"]
            run.fails()
        await world.reached(2)
        (told,) = here.told
        said = json.loads(told.body)
        assert said["requestContext"]["condition"] == "RetryAttemptsExhausted"
        assert said["KafkaBatchInfo"]["bootstrapServers"] == world.address
        (info,) = said["KafkaBatchInfo"]["recordsInfo"].items()
        assert info[0] == "topic-0"
        assert (info[1]["firstRecordOffset"], info[1]["lastRecordOffset"]) == ("0", "1")

    tell(tmp_path, story)


def test_a_function_may_say_which_records_failed(tmp_path: Path) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.put(b"a", b"b", b"c")
        settings = {"FunctionResponseTypes": ["ReportBatchItemFailures"], "BatchSize": 3}
        await here.map_topic(world.address, **settings)
        run = await here.run()
        named = {"itemIdentifier": {"partition": "topic-0", "offset": 1}}
        answer = json.dumps({"batchItemFailures": [named]}).encode()
        run.ends(answer)
        again = await here.run()
        assert values(again) == ["b", "c"]
        await world.reached(1)
        again.ends()
        await world.reached(3)

    tell(tmp_path, story)


def test_latest_is_what_comes_after_the_mapping_and_filters_count_as_done(tmp_path: Path) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.put(b'{"n": 1}', age_s=3600)
        pattern = json.dumps({"value": {"n": [3]}})
        key = await here.map_topic(
            world.address,
            StartingPosition="LATEST",
            BatchSize=1,
            FilterCriteria={"Filters": [{"Pattern": pattern}]},
        )
        await world.reached(1)
        world.put(b'{"n": 2}', None, b'{"n": 3}')
        run = await here.run()
        assert values(run) == ['{"n": 3}']
        run.ends()
        await world.reached(4)
        assert here.mappings.result(key) == "OK"

    tell(tmp_path, story)


def test_after_the_group_was_divided_anew_each_partition_goes_on(tmp_path: Path) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.put(b"a0", b"a1", partition=0)
        world.put(b"b0", partition=1)
        await here.map_topic(world.address, BatchSize=1)
        runs = [await here.run(), await here.run()]
        a, b = sorted(runs, key=values)
        world.given = [0]  # the other one is somebody else's now
        world.refusals.append(REBALANCING)
        b.ends()
        async with asyncio.timeout(PATIENCE_S):
            while world.members < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        world.put(b"b1", partition=1)
        a.ends()
        next_one = await here.run()
        assert values(next_one) == ["a1"]  # and a0 is not handed over twice
        next_one.ends()
        await world.reached(2)
        assert world.offsets[1] == 0  # what b0 came to is not ours to say

    tell(tmp_path, story, partitions=2)


def test_why_a_topic_cannot_be_read_is_shown_until_it_can(tmp_path: Path) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.rubbish = b"\x7f" * 64
        key = await here.map_topic(world.address, BatchSize=1)
        said = await shows(here, key, lambda one: one.startswith("PROBLEM"))
        assert "PROBLEM: Connection error." in said
        world.rubbish = b""
        world.put(b"a")
        run = await here.run()
        assert not here.mappings.result(key).startswith("PROBLEM")
        world.hang_up()  # and is there again at once
        run.ends()
        await world.reached(1)
        world.put(b"b")
        assert values(await here.run()) == ["b"]

    tell(tmp_path, story, scale=1.0)


def test_a_mapping_that_is_ended_lets_its_batch_end_and_leaves(tmp_path: Path) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.put(b"a", b"b")
        key = await here.map_topic(world.address, BatchSize=1)
        run = await here.run()
        await here.change(key, enabled=False)
        assert here.mappings.disabling(key)
        run.ends()
        await world.reached(1)
        async with asyncio.timeout(PATIENCE_S):
            while not world.asked["Leave"] and not world.asked["LeaveGroup"]:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert not here.mappings.disabling(key)
        await here.change(key, enabled=True)
        assert values(await here.run()) == ["b"]

    tell(tmp_path, story)


def test_many_and_large_records_are_not_all_held_at_once(tmp_path: Path) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.put(*[b"x" * 1_000_000] * 30)
        await here.map_topic(world.address, BatchSize=10_000)
        run = await here.run()
        assert len(records(run)) == 4  # of 1.3 MB each in base64: six megabytes at most
        assert here.held < 32 * 1024**2
        run.ends()
        assert len(records(await here.run())) == 4

    tell(tmp_path, story)


def test_how_far_it_is_behind_is_what_is_not_done_to_the_partitions_end(tmp_path: Path) -> None:
    async def story(here: Polling, world: KafkaWorld) -> None:
        world.put(*(b"%d" % number for number in range(5)), age_s=100)
        behind: list[float] = []

        def measure(*said: Any) -> None:
            if said[-2] == "OffsetLag":
                behind.append(said[-1])

        here.events.dispatcher.counts.measure = measure
        key = await here.map_topic(world.address, BatchSize=2)
        run = await here.run()
        lag = await lags(here, key, lambda lag: not lag.more)
        assert (lag.records, lag.places) == (5, 1)
        assert lag.oldest == pytest.approx(time.time() - 100, abs=60)
        for _ in range(2):
            run.ends()
            run = await here.run()
        assert (await lags(here, key, lambda lag: lag.records == 1)).oldest
        run.ends()
        assert (await lags(here, key, lambda lag: lag.records == 0)).oldest is None
        async with asyncio.timeout(PATIENCE_S):
            while 0 not in behind:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert behind == sorted(behind, reverse=True)

    tell(tmp_path, story)


async def lags(here: Polling, key: ResourceKey, wanted: Callable[[Lag], bool]) -> Lag:
    async with asyncio.timeout(PATIENCE_S):
        while (lag := here.mappings.lag(key)) is None or not wanted(lag):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return lag
