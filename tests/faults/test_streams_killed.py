"""kill -9 while records come to a function: each comes at least once, and none before another."""

import asyncio
import json
import random
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.eventing import ACCOUNT, REGION
from tests.faults.event_life import RECORD
from tests.faults.scene import all_gone, until
from tests.instances import Instance
from tests.kafka_world import kafka_world
from tests.printed import printed
from tests.running import StokerProcess, deploy
from tests.stream_world import ARN, stream_world

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60.0


def ran(folder: Path) -> list[tuple[int, str]]:
    """Which record, in which life. A line that a kill cut off was never said."""
    record = folder / RECORD
    text = record.read_text() if record.exists() else ""
    lines = text[: text.rfind("\n") + 1].splitlines()
    return [(int(line.split()[1]), line.split()[2]) for line in lines]


async def one_life(folder: Path, name: str, url: str, enough: Callable[[], bool]) -> None:
    life = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.faults.stream_life", folder, name, url, cwd=ROOT
    )
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not enough():
                assert life.returncode is None, "it must live until it is killed"
                await asyncio.sleep(0.002)
    finally:
        life.kill()
        await life.wait()


async def many_lives(folder: Path, rounds: int, records: int) -> None:
    async with stream_world() as world:
        world.put(*map(str, range(records)))
        await lived(folder, rounds, records, world.url)


async def many_lives_of_kafka(folder: Path, rounds: int, records: int) -> None:
    async with kafka_world() as world:
        world.put(*(b"%d" % number for number in range(records)))
        await lived(folder, rounds, records, world.address)


async def lived(folder: Path, rounds: int, records: int, url: str) -> None:
    draw = random.Random(rounds)
    for number in range(rounds):
        count = min(len(ran(folder)) + draw.randint(1, 40), records)
        await one_life(folder, str(number), url, lambda n=count: len(ran(folder)) >= n)
    everything = set(range(records))
    await one_life(folder, "last", url, lambda: {one for one, _ in ran(folder)} == everything)
    following = 0
    for before, (one, life) in zip([(-1, ""), *ran(folder)], ran(folder), strict=False):
        assert one <= following, "records were left out"
        if life == before[1]:
            assert one == before[0] + 1, "out of order"
        following = max(following, one + 1)


def test_no_record_of_a_stream_is_lost_or_overtakes_by_kill_9(tmp_path: Path) -> None:
    asyncio.run(many_lives(tmp_path, 1, 60))


def test_no_record_of_a_topic_is_lost_or_overtakes_by_kill_9(tmp_path: Path) -> None:
    asyncio.run(many_lives_of_kafka(tmp_path, 1, 60))


@pytest.mark.slow
def test_no_record_of_a_topic_is_lost_in_thirty_kills(tmp_path: Path) -> None:
    asyncio.run(many_lives_of_kafka(tmp_path, 30, 1500))


@pytest.mark.slow
def test_no_record_of_a_stream_is_lost_in_thirty_kills(tmp_path: Path) -> None:
    asyncio.run(many_lives(tmp_path, 30, 1500))


HELD = """
import base64, json, os, time
def handler(event, context):
    data = [int(base64.b64decode(one["kinesis"]["data"])) for one in event["Records"]]
    print("SEEN", json.dumps(data), flush=True)
    if data[0] >= 4 and "HELD" in os.environ:
        time.sleep(600)
"""


def batches(server: StokerProcess) -> list[list[int]]:
    with closing(server.client("logs", region_name=REGION, aws_access_key_id=ACCOUNT)) as logs:
        return [json.loads(line) for line in printed(logs, "held", "SEEN")]


def two_servers(folder: Path, url: str) -> None:
    options = ("--neighbour-endpoints", f"kinesis={url}")
    signs = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    mine = {"region_name": REGION, "aws_access_key_id": ACCOUNT}
    with (
        StokerProcess(folder, *options, environ=signs) as server,
        closing(server.client("lambda", **mine)) as functions,
    ):
        instance = Instance.of(server.pid, folder)
        deploy(functions, HELD, FunctionName="held", Timeout=5,
               Environment={"Variables": {"HELD": "1"}})  # fmt: skip
        functions.create_event_source_mapping(
            EventSourceArn=ARN, FunctionName="held", StartingPosition="TRIM_HORIZON", BatchSize=2
        )
        until(lambda: batches(server), lambda seen: [4, 5] in seen)
        server.process.kill()
        server.wait()
        all_gone(instance)
    with (
        StokerProcess(folder, *options, "--drain-s", "0", environ=signs) as server,
        closing(server.client("lambda", **mine)) as functions,
    ):
        functions.update_function_configuration(FunctionName="held", Environment={"Variables": {}})
        seen = until(lambda: batches(server), lambda seen: [8, 9] in seen)
        assert server.stop() == 0
    following = 0
    for first, last in seen:
        assert last == first + 1 <= following + 1, "records were left out, or cut anew"
        following = max(following, last + 1)


@pytest.mark.slow
@pytest.mark.root
def test_a_killed_server_s_batch_comes_again_from_the_next_one(tmp_path: Path) -> None:
    async def main() -> None:
        async with stream_world() as world:
            world.put(*map(str, range(10)))
            await asyncio.to_thread(two_servers, tmp_path / "data", world.url)

    asyncio.run(main())
