"""Queues with their disk: who waits gets messages, who restarts finds them, duplicates are none."""

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from stoker.core.errors import ServiceException
from stoker.core.message_attributes import Value
from stoker.core.queue_errors import (
    OverLimit,
    PurgeQueueInProgress,
    QueueDoesNotExist,
    QueueNameExists,
    RequestThrottled,
)
from stoker.core.queue_rules import QueueKey
from stoker.queues import broker as module
from stoker.queues import contents
from stoker.queues.broker import Broker, Outgoing, Queue, Received
from stoker.store import group_commit
from stoker.store.message_store import MessageContent, MessageStore

PATIENCE_S = 30.0


def key(name: str = "q") -> QueueKey:
    return QueueKey("123456789012", "eu-west-1", name)


def text(body: str, *, group: str | None = None, scope: str | None = None) -> Outgoing:
    content = MessageContent(f"id of {body}", body, {"n": Value("Number", "1")}, {})
    return Outgoing(content, len(body), 0.0, group, scope)


class Scene:
    def __init__(self, broker: Broker) -> None:
        self.broker = broker

    async def queue(self, name: str = "q", **attributes: str) -> Queue:
        return await self.broker.create(key(name), attributes, {})

    async def send(self, queue: Queue, *bodies: str) -> None:
        await self.broker.send(queue, [text(body) for body in bodies])

    async def receive(
        self, queue: Queue, most: int = 10, *, wait_s: float = 0, visibility_s: float = 1000
    ) -> list[Received]:
        async with asyncio.timeout(PATIENCE_S):
            return await self.broker.receive(queue, most, wait_s=wait_s, visibility_s=visibility_s)

    async def bodies(self, queue: Queue, most: int = 10, **how: float) -> list[str]:
        return [one.content.body for one in await self.receive(queue, most, **how)]


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[Scene]:
    broker = Broker(MessageStore(folder / "queues.db"))
    await broker.open()
    try:
        yield Scene(broker)
    finally:
        await broker.close()


def tell(folder: Path, *stories: Callable[[Scene], Awaitable[None]]) -> None:
    """Each story is a life of its own on the same folder."""

    async def main() -> None:
        for story in stories:
            async with scene(folder) as here:
                await story(here)

    asyncio.run(main())


def test_messages_queues_and_what_is_known_of_them_outlive_the_server(tmp_path: Path) -> None:
    async def before(here: Scene) -> None:
        queue = await here.queue(VisibilityTimeout="7")
        await here.broker.change(queue, tags={"a": "b"})
        await here.send(queue, "in flight", "deleted", "waits")
        flying, deleted = await here.receive(queue, 2)
        assert (flying.content.body, deleted.content.body) == ("in flight", "deleted")
        await here.broker.remove(queue, [deleted.message])

    async def after(here: Scene) -> None:
        queue = here.broker.find(key())
        assert queue.settings.number("VisibilityTimeout") == 7
        assert queue.record.tags == {"a": "b"}
        (waits,) = await here.receive(queue)
        assert waits.content == MessageContent(
            "id of waits", "waits", {"n": Value("Number", "1")}, {}
        )
        assert queue.line.counts(here.broker.now()) == (0, 2, 0)
        flying = next(iter(queue.line.all.values()))
        assert (flying.receives, flying.flying) == (1, True)
        await here.broker.delete(queue)

    async def at_last(here: Scene) -> None:
        with pytest.raises(QueueDoesNotExist):
            here.broker.find(key())
        assert await here.bodies(await here.queue()) == []

    tell(tmp_path, before, after, at_last)


def test_what_memory_has_no_room_for_is_read_from_the_disk_and_gives_its_room_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contents, "FRESH_BYTES", 2500)  # of two messages
    bodies = [str(n) for n in range(10)]

    async def story(here: Scene) -> None:
        queue = await here.queue()
        for _ in range(2):
            await here.send(queue, *bodies)
            assert len(here.broker._contents._fresh) == 2
            received = await here.receive(queue)
            assert [one.content.body for one in received] == bodies
            await here.broker.remove(queue, [one.message for one in received])
        await here.send(queue, *bodies)
        await here.broker.purge(queue)
        assert here.broker._contents._left == 2500

    tell(tmp_path, story)


def test_of_a_message_that_is_deleted_soon_nothing_is_written_in_between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LAZY_S", 3600.0)  # nobody's state is due before the end
    written: list[str] = []
    commit = group_commit._commit

    def noted(db: sqlite3.Connection, statements: group_commit.Statements) -> None:
        written.extend(sql for sql, _ in statements)
        commit(db, statements)

    monkeypatch.setattr(group_commit, "_commit", noted)

    async def story(here: Scene) -> None:
        queue = await here.queue()
        await here.send(queue, "deleted", "stays")
        deleted, _ = await here.receive(queue)
        await here.broker.remove(queue, [deleted.message])

    tell(tmp_path, story)
    assert [sql.split()[0] for sql in written].count("UPDATE") == 1


def test_deletions_that_may_wait_for_each_other_go_to_the_disk_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deletions: list[str] = []
    commit = group_commit._commit

    def noted(db: sqlite3.Connection, statements: group_commit.Statements) -> None:
        deletions.extend(sql for sql, _ in statements if sql.startswith("DELETE FROM messages "))
        commit(db, statements)

    monkeypatch.setattr(group_commit, "_commit", noted)

    async def story(here: Scene) -> None:
        queue = await here.queue()
        await here.send(queue, "one", "two", "stays")
        one, two, stays = await here.receive(queue)
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(
                here.broker.remove(queue, [one.message], soon=True),
                here.broker.remove(queue, [two.message], soon=True),
            )
        assert len(deletions) == 1
        found = await here.broker._store.file.read(
            lambda db: db.execute("SELECT id FROM messages").fetchall()
        )
        assert found == [(stays.message.id,)]

    tell(tmp_path, story)


def test_where_messages_stand_is_known_after_a_restart(tmp_path: Path) -> None:
    stood: dict[int, tuple[float, int, float, str]] = {}

    async def before(here: Scene) -> None:
        queue = await here.queue()
        await here.send(queue, "flies", "was seen", "waits")
        flies, seen = await here.receive(queue, 2)
        here.broker.keep_hidden(queue, seen.message, 0)
        stood.update(_standing(queue))
        assert [one[1] for one in stood.values()] == [1, 1, 0]
        assert flies.message.receipt

    async def after(here: Scene) -> None:
        assert _standing(here.broker.find(key())) == stood

    tell(tmp_path, before, after)


def _standing(queue: Queue) -> dict[int, tuple[float, int, float, str]]:
    return {
        one.id: (one.visible, one.receives, one.first_received, one.receipt)
        for one in queue.line.all.values()
    }


def test_who_waits_gets_a_message_as_soon_as_there_is_one_and_one_only(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        queue = await here.queue()
        waiters = [asyncio.create_task(here.bodies(queue, 1, wait_s=1000)) for _ in range(3)]
        while len(queue.waiting) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await here.send(queue, "one")
        first, waiting = await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in first] == [["one"]]
        await here.send(queue, "two", "three")
        assert sorted([*await asyncio.gather(*waiting)]) == [["three"], ["two"]]

    tell(tmp_path, story)


def test_who_waits_gets_what_becomes_visible_again(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        queue = await here.queue()
        await here.send(queue, "again")
        (one,) = await here.receive(queue)
        waiter = asyncio.create_task(here.receive(queue, wait_s=1000))
        while not queue.waiting:  # noqa: ASYNC110
            await asyncio.sleep(0)
        here.broker.keep_hidden(queue, one.message, 0)
        (again,) = await waiter
        assert (again.message.id, again.receives) == (one.message.id, 2)
        assert again.receipt != one.receipt
        here.broker.keep_hidden(queue, again.message, 0.05)
        assert await here.bodies(queue, wait_s=1000) == ["again"]

    tell(tmp_path, story)


def test_who_waits_is_let_go_at_the_end_and_when_the_queue_is_deleted(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        queue, other = await here.queue(), await here.queue("other")
        waiter = asyncio.create_task(here.receive(queue, wait_s=1000))
        cancelled = asyncio.create_task(here.receive(other, wait_s=1000))
        last = asyncio.create_task(here.receive(other, wait_s=1000))
        while not queue.waiting or len(other.waiting) < 2:  # noqa: ASYNC110
            await asyncio.sleep(0)
        await here.broker.delete(queue)
        with pytest.raises(QueueDoesNotExist):
            await waiter
        cancelled.cancel()
        await asyncio.wait({cancelled})
        assert len(other.waiting) == 1
        here.broker.pause()
        assert await last == []

    tell(tmp_path, story)


def test_what_was_received_too_often_goes_to_the_dead_letter_queue(tmp_path: Path) -> None:
    async def before(here: Scene) -> None:
        dead = await here.queue("dead")
        policy = json.dumps({"deadLetterTargetArn": dead.key.arn, "maxReceiveCount": 2})
        queue = await here.queue(RedrivePolicy=policy)
        assert here.broker.sources(dead) == [queue]
        await here.send(queue, "poison")
        for _ in range(2):
            (one,) = await here.receive(queue)
            here.broker.keep_hidden(queue, one.message, 0)
        assert await here.receive(queue) == []
        assert queue.line.counts(here.broker.now()) == (0, 0, 0)

    async def after(here: Scene) -> None:
        (letter,) = await here.receive(here.broker.find(key("dead")))
        assert letter.content.body == "poison"
        assert letter.content.system["DeadLetterQueueSourceArn"] == key().arn
        assert letter.receives == 3

    tell(tmp_path, before, after)


def test_a_missing_dead_letter_queue_keeps_messages_where_they_are(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        policy = {"deadLetterTargetArn": key("none").arn, "maxReceiveCount": 1}
        queue = await here.queue(RedrivePolicy=json.dumps(policy))
        await here.send(queue, "stays")
        for _ in range(3):
            (one,) = await here.receive(queue)
            here.broker.keep_hidden(queue, one.message, 0)

    tell(tmp_path, story)


def test_duplicates_are_sent_once_also_over_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fifo = {"FifoQueue": "true"}
    sent = []

    async def before(here: Scene) -> None:
        queue = await here.queue("q.fifo", **fifo)
        twice = [text("a", group="g", scope="1"), text("b", group="g", scope="1")]
        sent.extend(await here.broker.send(queue, twice))
        assert sent[0] == sent[1]

    async def after(here: Scene) -> None:
        queue = here.broker.find(key("q.fifo"))
        again = await here.broker.send(queue, [text("c", group="h", scope="1")])
        assert again == sent[:1]
        other = await here.broker.send(queue, [text("d", group="h", scope="2")])
        assert int(str(other[0].number)) > int(str(sent[0].number))
        assert await here.bodies(queue) == ["a", "d"]
        monkeypatch.setattr(module, "DEDUPLICATION_S", -1)  # what is sent now is old already
        for _ in range(2):
            await here.broker.send(queue, [text("e", group="i", scope="3")])
        assert await here.bodies(queue) == ["e", "e"]

    tell(tmp_path, before, after)


def test_old_messages_expire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(here: Scene) -> None:
        queue = await here.queue(MessageRetentionPeriod="60")
        await here.send(queue, "old")
        now = module.time.time()
        monkeypatch.setattr(module.time, "time", lambda: now + 61)
        await here.send(queue, "new")
        assert await here.bodies(queue) == ["new"]

    async def after(here: Scene) -> None:
        assert len(here.broker.find(key()).line.all) == 1

    tell(tmp_path, story, after)


def test_a_purge_takes_all_and_comes_once_a_minute(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        queue = await here.queue()
        await here.send(queue, "a", "b")
        await here.receive(queue, 1)
        await here.broker.purge(queue)
        assert await here.receive(queue) == []
        with pytest.raises(PurgeQueueInProgress):
            await here.broker.purge(queue)

    tell(tmp_path, story, story_of_nothing)


async def story_of_nothing(here: Scene) -> None:
    assert here.broker.find(key()).line.all == {}


def test_a_name_stands_for_one_queue(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        queue = await here.queue(DelaySeconds="5")
        assert await here.queue() is queue
        with pytest.raises(QueueNameExists, match="DelaySeconds"):
            await here.queue(DelaySeconds="6")

    tell(tmp_path, story)


def test_everything_has_a_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "QUEUES", 2)
    monkeypatch.setattr(module, "QUEUED_MESSAGES", 3)

    async def story(here: Scene) -> None:
        one, two = await here.queue("one"), await here.queue("two")
        with pytest.raises(OverLimit):
            await here.queue("three")
        await here.send(one, "a", "b")
        with pytest.raises(RequestThrottled):
            await here.send(two, "c", "d")
        await here.send(two, "c")
        await here.broker.delete(one)
        await here.send(two, "d", "e")

    tell(tmp_path, story)


def test_a_disk_without_room_refuses_a_message_and_keeps_nothing_of_it(tmp_path: Path) -> None:
    async def story(here: Scene) -> None:
        queue = await here.queue("q.fifo", FifoQueue="true")
        db: Any = here.broker._store.file._db
        db.execute("PRAGMA query_only = ON")
        with pytest.raises(ServiceException, match="could not be written"):
            await here.broker.send(queue, [text("a", group="g", scope="1")])
        db.execute("PRAGMA query_only = OFF")
        await here.broker.send(queue, [text("b", group="g", scope="1")])
        assert await here.bodies(queue) == ["b"]

    tell(tmp_path, story)
