"""kill -9 while messages are sent, received and deleted: what was confirmed counts."""

import asyncio
import os
import random
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

from stoker.core.queue_rules import QueueKey
from stoker.queues.broker import Broker
from stoker.store.message_store import MessageStore

KEY = QueueKey("123456789012", "eu-west-1", "q")

# Sends messages, receives some and deletes these, as fast as it can; says what is confirmed.
WRITER = textwrap.dedent(
    """
    import asyncio, sys
    from pathlib import Path
    from stoker.queues.broker import Broker, Outgoing
    from stoker.store.message_store import MessageContent, MessageStore
    from tests.faults.test_queues_killed import KEY

    async def main(folder, life):
        broker = Broker(MessageStore(folder / "queues.db"))
        await broker.open()
        queue = await broker.create(KEY, {}, {})
        for n in range(10**6):
            name = f"{life}-{n}"
            await broker.send(queue, [Outgoing(MessageContent(name, name, {}, {}), 1)])
            print("sent", name, flush=True)
            if n % 3 == 0:
                (one,) = await broker.receive(queue, 1, wait_s=0, visibility_s=3600)
                print("deleting", one.content.body, flush=True)
                await broker.remove(queue, [one.message])
                print("deleted", one.content.body, flush=True)

    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
    """
)


async def what_is_there(folder: Path) -> set[str]:
    broker = Broker(MessageStore(folder / "queues.db"))
    await broker.open()
    try:
        queue = broker.find(KEY)
        contents = await broker._store.contents(list(queue.line.all))
        assert contents.keys() == queue.line.all.keys(), "each has its content"
        return {content.body for content in contents.values()}
    finally:
        await broker.close()


def test_what_was_confirmed_is_so_after_kill_9(tmp_path: Path) -> None:
    draw, said = random.Random(1), list[tuple[str, str]]()
    root = Path(__file__).parents[2]
    for life in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, tmp_path, str(life)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": f"{root / 'src'}:{root}"},
            text=True,
        )
        with writer:
            assert writer.stdout
            lines = [writer.stdout.readline() for _ in range(draw.randint(1, 40))]
            writer.send_signal(signal.SIGKILL)
            lines += [line for line in writer.stdout if line.endswith("\n")]
        said += [(what, name) for what, name in (line.split() for line in lines)]
    there = asyncio.run(what_is_there(tmp_path))
    sent = {name for what, name in said if what == "sent"}
    deleted = {name for what, name in said if what == "deleted"}
    undecided = {name for what, name in said if what == "deleting"} - deleted
    assert there >= sent - deleted - undecided, "lost"
    assert not there & deleted, "came back"
    assert len(there - sent) <= 3, "at most one per life was on its way"
