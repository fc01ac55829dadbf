"""One life of a mapping with its stream or topic, for tests that end it: hands records over, and
writes down which batches have ended well.

    python -m tests.faults.stream_life FOLDER LIFE URL_OF_KINESIS_OR_ADDRESS_OF_KAFKA

"ran RECORD LIFE" is written when the function has ended; then the checkpoint may move.
"""

import asyncio
import os
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stoker.core.errors import ResourceConflictException
from stoker.core.resources import Kind
from tests.component import test_kafka_poller, test_stream_poller
from tests.eventing import Run
from tests.faults.event_life import RECORD
from tests.polling import Polling, polling
from tests.stream_world import ARN


async def run(here: Polling, folder: Path, name: str, data: Callable[[Run], list[str]]) -> None:
    draw = random.Random(f"{folder.name} {name}")
    record = os.open(folder / RECORD, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    while True:
        batch = await here.events.waist.runs.get()
        if draw.random() < 0.1:
            batch.fails()
            continue
        os.write(record, b"".join(f"ran {one} {name}\n".encode() for one in data(batch)))
        batch.ends()


async def live(folder: Path, name: str, url: str) -> None:
    of_kafka = not url.startswith("http")
    async with polling(folder, streams="" if of_kafka else url, scale=10_000.0) as here:
        with suppress(ResourceConflictException):  # an earlier life made it
            await here.events.function()
        async with here.events.store.transaction() as tx:
            mappings = await tx.resources.every(Kind.MAPPING)
        settings = {"BatchSize": 3, "BisectBatchOnFunctionError": True}
        if not mappings:
            await (
                here.map_topic(url, **settings) if of_kafka else here.map_stream(ARN, **settings)
            )
        data = test_kafka_poller.values if of_kafka else test_stream_poller.data
        await run(here, folder, name, data)


if __name__ == "__main__":
    os.environ |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
    asyncio.run(live(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
