"""One life of a mapping with its queue, for tests that end it: sends messages as fast as it can,
hands them over, and writes down both as they happen.

    python -m tests.faults.poll_life FOLDER LIFE COUNT

"sent ID LIFE" is written when the sender would have its answer, "ran ID LIFE" when the function
has ended well; then the message may be deleted.
"""

import asyncio
import os
import random
import sys
from contextlib import suppress
from pathlib import Path

from stoker.core.errors import ResourceConflictException
from stoker.core.resources import Kind
from tests.faults.event_life import RECORD
from tests.polling import Polling, bodies, polling


class Life:
    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.draw = random.Random(f"{folder.name} {name}")
        self.record = os.open(folder / RECORD, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def note(self, what: str, message: str) -> None:
        os.write(self.record, f"{what} {message} {self.name}\n".encode())

    async def send(self, here: Polling, count: int) -> None:
        queue = await here.queue(VisibilityTimeout="1")
        for number in range(count):
            await here.send(queue, f"{self.name}-{number}")
            self.note("sent", f"{self.name}-{number}")

    async def run(self, here: Polling) -> None:
        while True:
            run = await here.events.waist.runs.get()
            if self.draw.random() < 0.1:
                run.fails()
                continue
            for body in bodies(run):
                self.note("ran", body)
            run.ends()


async def live(folder: Path, name: str, count: int) -> None:
    life = Life(folder, name)
    async with polling(folder) as here:
        with suppress(ResourceConflictException):  # an earlier life made it
            await here.events.function()
        async with here.events.store.transaction() as tx:
            mappings = await tx.resources.every(Kind.MAPPING)
        if not mappings:
            await here.map()
        await asyncio.gather(life.send(here, count), life.run(here))


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
