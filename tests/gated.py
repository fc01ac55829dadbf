"""A function that is held inside until the test lets it go."""

import asyncio
import json
import uuid

from stoker.core.invocation import Target
from tests.invoking import Ground

# Announces that it runs, and goes on when told: no test depends on how fast it is.
GATE = """
def handle(event):
    open(event + ".in", "w").close()
    while not os.path.exists(event + ".out"):
        time.sleep(0.002)
    return os.getpid()
serve(handle)
"""


class Gate:
    """One invocation of GATE, held inside the function."""

    def __init__(self, world: Ground, target: Target) -> None:
        self.path = world.folder / uuid.uuid4().hex
        self.world = world
        self.running = asyncio.create_task(
            world.invoke(target, json.dumps(str(self.path)).encode())
        )

    async def inside(self) -> "Gate":
        await self.world.until(self.path.with_suffix(".in").exists)
        return self

    async def open(self) -> bytes:
        self.path.with_suffix(".out").touch()
        return (await self.running).payload


async def all_idle(world: Ground, target: Target, count: int) -> None:
    def settled() -> bool:
        return [v.phase for v in world.views(target)] == ["Idle"] * count

    await world.until(settled)
