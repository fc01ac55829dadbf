"""kill -9 while records come to a function: each comes at least once, and none before another."""

import asyncio
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.event_life import RECORD
from tests.stream_world import stream_world

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
    draw = random.Random(rounds)
    async with stream_world() as world:
        world.put(*map(str, range(records)))
        for number in range(rounds):
            count = min(len(ran(folder)) + draw.randint(1, 40), records)
            await one_life(folder, str(number), world.url, lambda n=count: len(ran(folder)) >= n)
        everything = set(range(records))
        await one_life(
            folder, "last", world.url, lambda: {one for one, _ in ran(folder)} == everything
        )
    following = 0
    for before, (one, life) in zip([(-1, ""), *ran(folder)], ran(folder), strict=False):
        assert one <= following, "records were left out"
        if life == before[1]:
            assert one == before[0] + 1, "out of order"
        following = max(following, one + 1)


def test_no_record_of_a_stream_is_lost_or_overtakes_by_kill_9(tmp_path: Path) -> None:
    asyncio.run(many_lives(tmp_path, 1, 60))


@pytest.mark.slow
def test_no_record_of_a_stream_is_lost_in_thirty_kills(tmp_path: Path) -> None:
    asyncio.run(many_lives(tmp_path, 30, 1500))
