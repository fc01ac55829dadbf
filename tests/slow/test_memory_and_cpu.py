"""A function that only computes is faster the more memory it has, as on AWS: up to 1,769 MB, where
it has a whole cpu, duration and memory are inversely proportional.

It takes a machine with a cpu to spare, so it is slow; what was disturbed is tried again.
"""

import json
from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from stoker.cli.main import app
from stoker.core.tuning import FULL_CORE_MB
from tests.running import REGION, StokerProcess

pytestmark = [pytest.mark.slow, pytest.mark.root]
CODE = """
def handler(event, context):
    total = 0
    for number in range(4_000_000):
        total += number * number % 7
    return total
"""
SIZES = (256, 512, 1024, FULL_CORE_MB)
TRIES = 5
WITHIN = 0.15


def product(server: StokerProcess, name: str) -> dict[int, float]:
    """Median duration times memory, by size."""
    done = CliRunner().invoke(
        app,
        [
            *("tune", name, "--memory", ",".join(map(str, SIZES)), "--runs", "5", "--cold", "1"),
            *("--json", "--endpoint-url", server.url, "--region", REGION),
        ],
    )
    assert done.exit_code == 0, done.output
    sizes = json.loads(done.stdout)["sizes"]
    return {one["memory_mb"]: one["memory_mb"] * one["warm_ms"] for one in sizes}


def test_duration_is_inversely_proportional_to_memory(
    server: StokerProcess, create: Callable[..., str]
) -> None:
    name = create(CODE, MemorySize=FULL_CORE_MB, Timeout=120)
    least: dict[int, float] = {}  # what else runs here only makes it more
    for _ in range(TRIES):
        for memory_mb, one in product(server, name).items():
            least[memory_mb] = min(one, least.get(memory_mb, one))
        whole = least[FULL_CORE_MB]
        off = {memory_mb: one / whole - 1 for memory_mb, one in least.items()}
        if all(abs(part) <= WITHIN for part in off.values()):
            return
    pytest.fail(f"duration times memory is off by {off}")
