"""One life of a dispatcher with its queue, for tests that end it: accepts events as fast as it
can, runs them, and writes down both as they happen.

    python -m tests.faults.event_life FOLDER LIFE COUNT

"accepted ID LIFE" is written when the event's caller would have its 202, "ran ID LIFE" or "failed
ID LIFE" when its function would have run. The clock is fast, so that they run again soon.
"""

import asyncio
import os
import random
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

from stoker.core.errors import ResourceConflictException, ServiceError
from stoker.events.clock import LoopClock
from stoker.store.event_queue import Content
from tests.eventing import F, Scene, scene

SCALE = 6000.0  # a minute is 10 ms
RECORD = "record"


class Life:
    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.draw = random.Random(f"{folder.name} {name}")
        self.record = os.open(folder / RECORD, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, what: str, event: str) -> None:
        os.write(self.record, f"{what} {event} {self.name}\n".encode())

    async def send(self, here: Scene, count: int) -> None:
        for number in range(count):
            event = f"{self.name}-{number}"

            def accepted(refusal: ServiceError | None, event: str = event) -> None:
                assert refusal is None
                self.note("accepted", event)

            content = Content(event, F.arn, "application/json", "Root=1", "", event.encode())
            here.dispatcher.accept(F, None, content, accepted)
            if self.draw.random() < 0.3:
                await asyncio.sleep(0)

    async def run(self, here: Scene) -> None:
        while True:
            run = await here.waist.runs.get()
            if self.draw.random() < 0.1:
                self.note("failed", run.invocation.request_id)
                run.fails()
            else:
                self.note("ran", run.invocation.request_id)
                run.ends()


async def live(folder: Path, name: str, count: int) -> None:
    """Until somebody kills us."""
    life = Life(folder, name)
    async with scene(folder, scale=SCALE, clock=cast(Any, LoopClock())) as here:
        with suppress(ResourceConflictException):  # an earlier life made it
            await here.function()
            await here.says(max_age_s=10**9)  # however slow the machine is
        await asyncio.gather(life.run(here), life.send(here, count))


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
