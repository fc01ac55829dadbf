"""Queues: who sends, who receives, and who waits for a message.

    send ──► disk ──► MessageQueue ──► receive ──► deleted (disk first), or visible again
                            │  └─ received too often ──► another queue
                            └── wakes whoever waits (long polling), one after the other

What is sent is confirmed when it is on the disk, and can be received from then on; what is
deleted, when it is gone from there. Where a message stands otherwise (in flight, received how
often) follows before long: after a crash some are visible too early, as SQS allows. Nothing polls:
whoever waits is woken by a message or by the time at which one becomes visible.
"""

import asyncio
import secrets
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from stoker.core import queue_rules
from stoker.core.errors import ServiceException
from stoker.core.limits import QUEUED_BYTES, QUEUED_MESSAGES, QUEUES
from stoker.core.message_queue import Message, MessageQueue
from stoker.core.queue_errors import (
    OverLimit,
    PurgeQueueInProgress,
    QueueDoesNotExist,
    QueueNameExists,
    RequestThrottled,
)
from stoker.core.queue_rules import QueueKey, QueueSettings
from stoker.queues.contents import Contents
from stoker.store import message_store
from stoker.store.base import StoreUnavailable
from stoker.store.group_commit import Statement
from stoker.store.message_store import Deduplication, MessageContent, MessageStore, QueueRecord

DEDUPLICATION_S = 300.0  # AWS
PURGE_S = 60.0  # AWS: between two purges of one queue
UNWRITTEN = 100_000  # changes of messages that may wait for a disk that takes none
EXPIRED_AT_ONCE = 1000
_RECEIPT = 16  # random bytes
_SEQUENCE = 18_000_000_000_000_000_000  # AWS's numbers have 20 digits


@dataclass(eq=False, slots=True)
class Queue:
    record: QueueRecord
    line: MessageQueue
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    alarm: asyncio.TimerHandle | None = None
    duplicates: dict[str, Deduplication] = field(default_factory=dict)
    purged: float = 0.0
    gone: bool = False

    @property
    def key(self) -> QueueKey:
        return self.record.key

    @property
    def settings(self) -> QueueSettings:
        return self.record.settings

    def number(self, message: Message) -> str:
        """The sequence number."""
        return str(_SEQUENCE + message.id)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to be sent, already legal."""

    content: MessageContent
    size: int
    delay_s: float = 0.0
    group: str | None = None
    scope: str | None = None  # of a FIFO queue: what makes it a duplicate


@dataclass(frozen=True, slots=True)
class Sent:
    message_id: str
    number: str | None  # the sequence number, in a FIFO queue


@dataclass(frozen=True, slots=True)
class Received:
    message: Message
    content: MessageContent
    receipt: str
    receives: int


class Broker:
    """`await open()` first; `pause()` lets go of all who wait; `await close()` at the end."""

    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._contents = Contents(store)
        self._queues: dict[QueueKey, Queue] = {}
        self._used: Counter[str] = Counter()  # messages by account
        self._used_bytes: Counter[str] = Counter()
        self._next_queue = 1
        self._next_message = 1
        self._paused = False
        self._created: Callable[[QueueKey], None] = lambda _key: None

    async def open(self) -> None:
        """Raise StoreUnavailable."""
        kept, now = await self._store.open(), time.time()
        by_id = {}
        for record in kept.queues:
            by_id[record.id] = self._queues[record.key] = _queue(record)
            self._next_queue = record.id + 1
        for queue_id, message in kept.messages:
            if queue_id in by_id:
                self._enter(by_id[queue_id], message, now)
            self._next_message = message.id + 1
        for one in sorted(kept.deduplications, key=lambda one: one.until):
            if one.queue in by_id and one.until > now:
                by_id[one.queue].duplicates[one.scope] = one
        # Sequence numbers rise also over a restart that finds no message.
        self._next_message = max(self._next_message, int(now * 1000) * 1000)

    def pause(self) -> None:
        """Nobody waits for messages any more."""
        self._paused = True
        for queue in self._queues.values():
            _let_go(queue)

    async def close(self) -> None:
        self.pause()
        await self._store.close()

    # --- queues ---------------------------------------------------------------------------------

    async def create(
        self, key: QueueKey, attributes: Mapping[str, str], tags: Mapping[str, str]
    ) -> Queue:
        """The queue of this name, made if there is none; refused if it is another."""
        existing = self._queues.get(key)
        if existing is not None:
            name = queue_rules.differing(existing.settings, attributes)
            if name is not None:
                raise QueueNameExists(
                    "A queue already exists with the same name and a different value for "
                    f"attribute {name}"
                )
            return existing
        queue_rules.check_name(key.name, attributes)
        nothing = QueueSettings({})
        settings = queue_rules.changed(nothing, attributes, arn=key.arn, new=True)
        if sum(other.account == key.account for other in self._queues) >= QUEUES:
            raise OverLimit(f"An account may have {QUEUES} queues here.")
        now = time.time()
        record = QueueRecord(self._next_queue, key, now, now, settings, dict(tags))
        self._next_queue += 1
        queue = self._queues[key] = _queue(record)
        try:
            await self._write([message_store.put_queue(record)])
        except ServiceException:
            self._queues.pop(key, None)
            queue.gone = True
            raise
        self._created(key)
        return queue

    def when_created(self, call: Callable[[QueueKey], None]) -> None:
        """Call this with every queue that is made."""
        self._created = call

    def find(self, key: QueueKey) -> Queue:
        queue = self._queues.get(key)
        if queue is None:
            raise QueueDoesNotExist("The specified queue does not exist.")
        return queue

    def named(self, account: str, region: str, prefix: str) -> list[Queue]:
        """By name."""
        found = [
            queue
            for key, queue in self._queues.items()
            if (key.account, key.region) == (account, region) and key.name.startswith(prefix)
        ]
        return sorted(found, key=lambda queue: queue.key.name)

    def sources(self, of: Queue) -> list[Queue]:
        """Whose dead letters go there."""
        arn = of.key.arn
        found = []
        for queue in self._queues.values():
            redrive = queue.settings.redrive
            if redrive is not None and redrive.arn == arn:
                found.append(queue)
        return sorted(found, key=lambda queue: queue.key.name)

    async def change(
        self,
        queue: Queue,
        *,
        settings: QueueSettings | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        before = queue.record
        queue.record = replace(
            before,
            settings=before.settings if settings is None else settings,
            tags=before.tags if tags is None else tags,
            modified=before.modified if settings is None else time.time(),
        )
        await self._write([message_store.put_queue(queue.record)])

    async def delete(self, queue: Queue) -> None:
        await self._write(message_store.remove_queue(queue.record.id))
        if self._queues.get(queue.key) is queue:
            del self._queues[queue.key]
        queue.gone = True
        self._forget_all(queue)
        _let_go(queue)

    async def purge(self, queue: Queue) -> None:
        now = time.time()
        if now < queue.purged + PURGE_S:
            raise PurgeQueueInProgress(
                f"Only one PurgeQueue operation on {queue.key.name} is allowed every 60 seconds."
            )
        before, queue.purged = queue.purged, now
        try:
            await self._write(message_store.purge(queue.record.id))
        except ServiceException:
            queue.purged = before
            raise
        self._forget_all(queue)

    # --- messages -------------------------------------------------------------------------------

    async def send(self, queue: Queue, outgoing: Sequence[Outgoing]) -> list[Sent]:
        """All of them, or none; on the disk when this returns."""
        account, now = queue.key.account, time.time()
        if (
            self._used[account] + len(outgoing) > QUEUED_MESSAGES
            or self._used_bytes[account] >= QUEUED_BYTES
        ):
            raise RequestThrottled("The account has as many messages in its queues as may be.")
        statements: list[Statement] = []
        sent, noted = [], []
        adding: list[tuple[Message, MessageContent]] = []
        for one in outgoing:
            known = self._duplicate(queue, one, now)
            if known is not None:
                sent.append(Sent(known.message_id, str(_SEQUENCE + known.number)))
                continue
            number, self._next_message = self._next_message, self._next_message + 1
            message = Message(number, now, now + one.delay_s, one.size, one.group)
            adding.append((message, one.content))
            statements += message_store.add_message(queue.record.id, message, one.content)
            if one.scope is not None:
                until, id = now + DEDUPLICATION_S, one.content.message_id
                noted.append(Deduplication(queue.record.id, one.scope, until, id, number))
                queue.duplicates.pop(one.scope, None)
                queue.duplicates[one.scope] = noted[-1]
                statements.append(message_store.put_deduplication(noted[-1]))
            numbered = str(_SEQUENCE + number) if queue.line.fifo else None
            sent.append(Sent(one.content.message_id, numbered))
        try:
            await self._write(statements)
        except ServiceException:
            for deduplication in noted:
                queue.duplicates.pop(deduplication.scope, None)
            raise
        if not queue.gone:
            for message, content in adding:
                self._enter(queue, message, time.time())
                self._contents.keep(message.id, content, message.size)
            self._wake(queue)
        return sent

    async def receive(
        self, queue: Queue, most: int, *, wait_s: float, visibility_s: float
    ) -> list[Received]:
        """Up to so many messages; as soon as there is one, at the latest after `wait_s`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        while True:
            if queue.gone:
                raise QueueDoesNotExist("The specified queue does not exist.")
            taken = self._take(queue, most, visibility_s)
            self._wake(queue)  # what is left is for the next who waits
            try:
                received = await self._with_contents(queue, taken)
            except asyncio.CancelledError:
                for message in taken:  # nobody got them
                    if message.flying:
                        self.keep_hidden(queue, message, 0)
                raise
            left_s = end - loop.time()
            if received or left_s <= 0 or self._paused:
                return received
            await self._wait(queue, left_s)

    async def remove(
        self, queue: Queue, messages: Sequence[Message], *, soon: bool = False
    ) -> None:
        """They are dealt with; gone from the disk when this returns. `soon`: MessageStore's."""
        if not messages:
            return
        left = [message.id for message in messages if not message.gone]
        try:
            await self._store.remove(left, soon=soon)
        except StoreUnavailable as error:
            raise _unwritable(error) from error
        self._leave(queue, *messages)
        self._wake(queue)  # a group of a FIFO queue may go on

    def keep_hidden(self, queue: Queue, message: Message, seconds: float) -> None:
        """In flight for so much longer, or not any more."""
        now = time.time()
        queue.line.change(message, now + seconds, now)
        self._store.stands(message)
        self._wake(queue)

    def give_back(self, queue: Queue, taken: Sequence[tuple[Message, str]]) -> None:
        """What was received by these receipts, and by none since, is visible again."""
        queue.line.advance(time.time())
        for message, receipt in taken:
            if message.flying and not message.gone and message.receipt == receipt:
                self.keep_hidden(queue, message, 0)

    async def visible(self, queue: Queue, wait_s: float) -> bool:
        """Whether there is a message to be received, as soon as there is one."""
        if queue.gone:
            raise QueueDoesNotExist("The specified queue does not exist.")
        if not self._any_visible(queue) and not self._paused:
            await self._wait(queue, wait_s)
            self._wake(queue)  # nothing was taken: the next may
        return self._any_visible(queue)

    def now(self) -> float:
        """Seconds of the epoch, as messages count them."""
        return time.time()

    # --- how --------------------------------------------------------------------------------------

    async def _write(self, statements: Sequence[Statement]) -> None:
        try:
            await self._store.file.written(statements)
        except StoreUnavailable as error:
            raise _unwritable(error) from error

    def _duplicate(self, queue: Queue, one: Outgoing, now: float) -> Deduplication | None:
        if one.scope is None:
            return None
        forgotten = False
        for scope, known in list(queue.duplicates.items()):
            if known.until > now:
                break  # they were noted in their order
            del queue.duplicates[scope]
            forgotten = True
        if forgotten:
            self._store.file.note([message_store.forget_deduplications(now)])
        found = queue.duplicates.get(one.scope)
        return found if found is not None and found.until > now else None

    def _take(self, queue: Queue, most: int, visibility_s: float) -> list[Message]:
        """Visible messages, now in flight. Those that are too old, or were received too often, go
        where they belong."""
        if self._store.unwritten > UNWRITTEN:
            raise ServiceException("The disk takes no changes of messages.")
        now = time.time()
        max_age_s = queue.settings.number("MessageRetentionPeriod")
        redrive = queue.settings.redrive
        target = self._queues.get(QueueKey.of(redrive.arn)) if redrive is not None else None
        for message in queue.line.expired(now, max_age_s)[:EXPIRED_AT_ONCE]:
            self._drop(queue, message)
        taken: list[Message] = []
        while len(taken) < most:
            found = queue.line.receive(most - len(taken), now, now + visibility_s)
            if not found:
                break
            for message in found:
                if message.sent + max_age_s <= now:
                    self._drop(queue, message)
                elif redrive and target and message.receives >= redrive.receives:
                    self._move(queue, message, target, now)
                else:
                    taken.append(message)
        # One piece of chance for all: each costs a system call, and the interpreter's lock.
        chance = secrets.token_hex(_RECEIPT * len(taken))
        for at, message in enumerate(taken):
            message.receives += 1
            message.first_received = message.first_received or now
            message.receipt = chance[2 * _RECEIPT * at : 2 * _RECEIPT * (at + 1)]
            self._store.stands(message)
        return taken

    async def _with_contents(self, queue: Queue, taken: Sequence[Message]) -> list[Received]:
        # What they are now: they may be received again before the disk has answered.
        facts = [(message, message.receipt, message.receives) for message in taken]
        try:
            contents = await self._contents.of([one.id for one in taken])
        except StoreUnavailable as error:
            raise ServiceException(f"The queue could not be read: {error}") from error
        for message in taken:
            if message.id not in contents:
                self._leave(queue, message)  # it was purged on its way here
        return [
            Received(message, contents[message.id], receipt, receives)
            for message, receipt, receives in facts
            if message.id in contents
        ]

    async def _wait(self, queue: Queue, seconds: float) -> None:
        """Until there may be a message."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.waiting.append(turn)
        self._wake(queue)
        try:
            await asyncio.wait({turn}, timeout=seconds)
        except asyncio.CancelledError:
            if turn.done():
                self._wake(queue)  # its turn is another's
            raise
        finally:
            if not turn.done():
                turn.cancel()
                queue.waiting.remove(turn)

    def _any_visible(self, queue: Queue) -> bool:
        now = time.time()
        queue.line.advance(now)
        return queue.line.any_visible(now)

    def _wake(self, queue: Queue) -> None:
        """If a message is visible, the first who waits may take it; else when one becomes so."""
        if queue.alarm is not None:
            queue.alarm.cancel()
            queue.alarm = None
        if not queue.waiting:
            return
        now = time.time()
        queue.line.advance(now)
        if queue.line.any_visible(now):
            queue.waiting.popleft().set_result(None)
        elif (due := queue.line.next_at()) is not None:
            loop = asyncio.get_running_loop()
            queue.alarm = loop.call_later(max(0.0, due - now), self._wake, queue)

    def _enter(self, queue: Queue, message: Message, now: float) -> None:
        queue.line.add(message, now)
        self._used[queue.key.account] += 1
        self._used_bytes[queue.key.account] += message.size

    def _leave(self, queue: Queue, *messages: Message) -> None:
        count = size_bytes = 0
        for message in messages:
            if not message.gone:
                queue.line.remove(message)
                self._contents.forget(message.id)
                count, size_bytes = count + 1, size_bytes + message.size
        self._used[queue.key.account] -= count
        self._used_bytes[queue.key.account] -= size_bytes

    def _drop(self, queue: Queue, message: Message) -> None:
        self._leave(queue, message)
        self._store.file.note(message_store.remove_message(message.id))

    def _move(self, queue: Queue, message: Message, target: Queue, now: float) -> None:
        self._leave(queue, message)
        moved = replace(message, visible=0.0, receipt="", flying=False, gone=False)
        statements = message_store.move(moved, target.record.id, queue.key.arn)
        self._store.file.note(statements)
        self._enter(target, moved, now)
        self._wake(target)

    def _forget_all(self, queue: Queue) -> None:
        for message in list(queue.line.all.values()):
            message.gone = True
            self._contents.forget(message.id)
        self._used[queue.key.account] -= len(queue.line.all)
        self._used_bytes[queue.key.account] -= queue.line.size_bytes
        queue.line = MessageQueue(queue.settings.fifo)


def _queue(record: QueueRecord) -> Queue:
    return Queue(record, MessageQueue(record.settings.fifo))


def _unwritable(error: StoreUnavailable) -> ServiceException:
    return ServiceException(f"The queue could not be written: {error}")


def _let_go(queue: Queue) -> None:
    if queue.alarm is not None:
        queue.alarm.cancel()
        queue.alarm = None
    while queue.waiting:
        queue.waiting.popleft().set_result(None)
