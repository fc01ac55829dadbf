"""Queues and their messages, in one SQLite file of their own (store/group_commit.py)."""

import base64
import json
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import orjson

from stoker.core.message_attributes import Value
from stoker.core.message_queue import Message
from stoker.core.queue_rules import QueueKey, QueueSettings
from stoker.store.group_commit import Gathering, GroupCommit, Statement, deletions

REMOVING_S = 0.005  # that deletions wait for each other, where nobody waits for them
_SCHEMA = Path(__file__).with_name("messages_1.sql")


@dataclass(frozen=True, slots=True)
class QueueRecord:
    id: int
    key: QueueKey
    created: float
    modified: float
    settings: QueueSettings
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MessageContent:
    message_id: str
    body: str
    attributes: Mapping[str, Value]
    system: Mapping[str, str]  # SenderId, AWSTraceHeader …


@dataclass(frozen=True, slots=True)
class Deduplication:
    """A message was sent; what comes with the same scope until then is a duplicate of it."""

    queue: int
    scope: str
    until: float
    message_id: str
    number: int


@dataclass(frozen=True, slots=True)
class Kept:
    """What a start finds."""

    queues: list[QueueRecord]
    messages: list[tuple[int, Message]]  # with their queue, in the order of sending
    deduplications: list[Deduplication]


class MessageStore:
    def __init__(self, path: Path) -> None:
        self.file = GroupCommit(path, _SCHEMA)
        self._removing = Gathering(self.file, _removals)
        self._removing_soon = Gathering(self.file, _removals, REMOVING_S)
        self._moved: dict[int, Message] = {}  # stand elsewhere than the disk says

    async def open(self) -> Kept:
        await self.file.open()
        return await self.file.read(_kept)

    async def close(self) -> None:
        await self.file.close()

    @property
    def unwritten(self) -> int:
        """How many changes nobody waits for are not on their way to the disk."""
        return self.file.notes + len(self._moved)

    def stands(self, message: Message) -> None:
        """It is in flight, or visible again. Written before long, as it stands then; of a message
        that is deleted until then nothing is."""
        if not self._moved:
            self.file.gather(self._states)
        self._moved[message.id] = message

    async def remove(self, ids: Sequence[int], *, soon: bool = False) -> None:
        """Return when they are gone from the disk. `soon`: that may take a moment longer, and is
        cheaper. Raise StoreUnavailable."""
        await (self._removing_soon if soon else self._removing).written(ids)

    async def contents(self, ids: Sequence[int]) -> dict[int, MessageContent]:
        """Of these messages. Raise StoreUnavailable."""
        return await self.file.read(partial(_contents, ids=ids))

    def _states(self) -> list[Statement]:
        moved, self._moved = self._moved, {}
        return put_states([message for message in moved.values() if not message.gone])


def put_queue(record: QueueRecord) -> Statement:
    key = record.key
    return (
        "INSERT INTO queues VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
        " modified = excluded.modified, attributes = excluded.attributes, tags = excluded.tags",
        (
            *(record.id, key.account, key.region, key.name, record.created, record.modified),
            *(json.dumps(dict(record.settings.said)), json.dumps(dict(record.tags))),
        ),
    )


def remove_queue(id: int) -> list[Statement]:
    return [
        *purge(id),
        ("DELETE FROM deduplications WHERE queue = ?", (id,)),
        ("DELETE FROM queues WHERE id = ?", (id,)),
    ]


def purge(queue: int) -> list[Statement]:
    """All that is written of its messages by then."""
    return [
        (
            "DELETE FROM message_contents WHERE id IN (SELECT id FROM messages WHERE queue = ?)",
            (queue,),
        ),
        ("DELETE FROM messages WHERE queue = ?", (queue,)),
    ]


def add_message(queue: int, message: Message, content: MessageContent) -> list[Statement]:
    attributes = {
        name: [value.kind, value.text, value.data and base64.b64encode(value.data).decode()]
        for name, value in content.attributes.items()
    }
    return [
        (
            "INSERT INTO messages VALUES (?, ?, ?, ?, ?, ?, 0, 0, '')",
            (message.id, queue, message.sent, message.visible, message.size, message.group),
        ),
        (
            "INSERT INTO message_contents VALUES (?, ?, ?, ?, ?)",
            (
                *(message.id, content.message_id, content.body, json.dumps(attributes)),
                json.dumps(dict(content.system)),
            ),
        ),
    ]


def put_deduplication(one: Deduplication) -> Statement:
    return (
        "INSERT OR REPLACE INTO deduplications VALUES (?, ?, ?, ?, ?)",
        (one.queue, one.scope, one.until, one.message_id, one.number),
    )


def forget_deduplications(now: float) -> Statement:
    return "DELETE FROM deduplications WHERE until <= ?", (now,)


def put_states(messages: Sequence[Message]) -> list[Statement]:
    """Where they stand: in flight until when, received how often."""
    if not messages:
        return []
    states = [
        (one.id, one.visible, one.receives, one.first_received, one.receipt) for one in messages
    ]
    return [
        (
            "UPDATE messages SET visible = json_extract(now.value, '$[1]'),"
            " receives = json_extract(now.value, '$[2]'),"
            " first_received = json_extract(now.value, '$[3]'),"
            " receipt = json_extract(now.value, '$[4]')"
            " FROM json_each(?) AS now WHERE messages.id = json_extract(now.value, '$[0]')",
            (orjson.dumps(states).decode(),),
        )
    ]


def move(message: Message, queue: int, source: str) -> list[Statement]:
    """To a dead-letter queue; `source` is the ARN of where it was."""
    return [
        (
            "UPDATE messages SET queue = ?, visible = 0, receipt = '', receives = ? WHERE id = ?",
            (queue, message.receives, message.id),
        ),
        (
            "UPDATE message_contents SET system = json_set(system,"
            " '$.DeadLetterQueueSourceArn', ?) WHERE id = ?",
            (source, message.id),
        ),
    ]


def remove_message(id: int) -> list[Statement]:
    return [
        ("DELETE FROM messages WHERE id = ?", (id,)),
        ("DELETE FROM message_contents WHERE id = ?", (id,)),
    ]


def _removals(removing: list[Sequence[int]]) -> list[Statement]:
    ids = [id for some in removing for id in some]
    return [deletions("messages", ids), deletions("message_contents", ids)]


def _kept(db: sqlite3.Connection) -> Kept:
    queues = [
        QueueRecord(
            row[0], QueueKey(*row[1:4]), row[4], row[5],
            QueueSettings(json.loads(row[6])), json.loads(row[7]),
        )
        for row in db.execute("SELECT * FROM queues ORDER BY id")
    ]  # fmt: skip
    messages = [
        (queue, Message(id, sent, visible, size, group, receives, first, receipt))
        for id, queue, sent, visible, size, group, receives, first, receipt in db.execute(
            "SELECT id, queue, sent, visible, size, message_group, receives, first_received,"
            " receipt FROM messages ORDER BY id"
        )
    ]
    rows = db.execute("SELECT queue, scope, until, message_id, number FROM deduplications")
    return Kept(queues, messages, [Deduplication(*row) for row in rows])


def _contents(db: sqlite3.Connection, ids: Sequence[int]) -> dict[int, MessageContent]:
    marks = ",".join("?" * len(ids))
    found = {}
    for id, message_id, body, attributes, system in db.execute(
        "SELECT id, message_id, body, attributes, system FROM message_contents"
        f" WHERE id IN ({marks})",
        tuple(ids),
    ):
        values = {
            name: Value(kind, text, base64.b64decode(data) if data else None)
            for name, (kind, text, data) in json.loads(attributes).items()
        }
        found[id] = MessageContent(message_id, body, values, json.loads(system))
    return found
