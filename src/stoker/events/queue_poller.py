"""Polls one queue for one function: messages are gathered, handed over in batches, and deleted.

    Broker.receive ──► filters ──► batch ──► Invoker ──► deleted
       ▲                  └─► deleted            └─► left to visibility and redrive
       └── woken by a message; at most Width batches are at the function

Messages are hidden from when they are received; what is not deleted shows again by itself, also
after a crash. So nothing about a batch is kept anywhere else, and nothing is lost: at least once.
"""

import asyncio
import logging
import time
import uuid
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import orjson

from stoker.core import lineage, queue_batches
from stoker.core.errors import ServiceError, TooManyRequestsException
from stoker.core.event_matching import Filters, read_body
from stoker.core.event_sources import EventSourceMapping
from stoker.core.invocation import Invocation, InvocationResult, RequestId, Target, Way
from stoker.core.message_queue import Message
from stoker.core.names import function_arn
from stoker.core.queue_batches import STEP_S, Batch, Width
from stoker.core.queue_errors import QueueDoesNotExist
from stoker.core.queue_rules import QueueKey
from stoker.events.polling import Parts
from stoker.queues import received
from stoker.queues.broker import Queue, Received

log = logging.getLogger(__name__)

RECEIVE = 10  # messages that are read from the disk together, as SQS gives them
IDLE_S = 300.0  # a wait for messages; then there is another
_TRACE = "AWSTraceHeader"
UNSETTLED = 1000  # batches whose messages a slow disk may have to delete
UNREADABLE_S = 1.0  # before a disk that cannot be read or written is asked again


@dataclass(slots=True, eq=False)
class _Batch:
    """Messages that were received, and their event."""

    content: Batch
    taken: list[Received] = field(default_factory=list)


class QueuePoller:
    """`run()` is its life, until `stop()`; what is at the function then is finished."""

    def __init__(self, mapping: EventSourceMapping, parts: Parts) -> None:
        self.mapping = mapping
        self.problem = ""  # what is wrong with it, as LastProcessingResult says it
        self._parts = parts
        self._broker = parts.broker
        self._filters = Filters(mapping.filters)
        self._mark = lineage.mark(mapping.function.arn)
        self._width = Width(mapping.most_concurrent or queue_batches.BATCHES_AT_A_TIME)
        self._running = 0  # batches at the function
        self._unsettled = 0  # those, and batches that are being deleted
        self._carried: list[Received] = []  # did not fit into the last batch
        self._ended = asyncio.Event()
        self._changed = asyncio.Event()
        self._stopped = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    @property
    def result(self) -> str:
        """As LastProcessingResult says it."""
        return self.problem

    @property
    def busy(self) -> bool:
        """Messages are at the function, or what it is done with is not deleted yet."""
        return self._unsettled > 0

    @property
    def _is_behind(self) -> bool:
        """The disk is slow to delete what is done."""
        return self._unsettled >= UNSETTLED

    def look(self) -> None:
        """The function or the queue is another now."""
        self._changed.set()

    def stop(self) -> None:
        """Receive no more, and give back what is not at the function."""
        self._stopped.set()
        if self._life is not None:
            self._life.cancel()

    async def run(self) -> None:
        if self._stopped.is_set():
            return
        self._life = asyncio.current_task()
        try:
            while True:
                try:
                    await self._poll(await self._source())
                except QueueDoesNotExist:
                    pass  # it is waited for
                except ServiceError as refusal:
                    log.error("cannot poll", extra=self._facts(reason=refusal.message))
                    await self._pause(UNREADABLE_S)
        finally:
            self._life = None

    # --- receiving ------------------------------------------------------------------------------

    async def _source(self) -> Queue:
        """The queue, as soon as it and the function are there."""
        key, missed = QueueKey.of(self.mapping.arn), False
        while True:
            self._changed.clear()
            try:
                self._target()
                queue = self._broker.find(key)
            except ServiceError as refusal:
                self.problem, missed = f"PROBLEM: {refusal.message}", True
            else:
                self.problem = "" if missed else self.problem
                return queue
            await self._changed.wait()

    async def _poll(self, queue: Queue) -> None:
        """One batch."""
        batch = _Batch(Batch(self.mapping.batch_size))
        try:
            await self._room(queue)
            await self._gather(queue, batch)
        except BaseException:
            self._parts.held.give(batch.content.size)
            given = [*batch.taken, *self._carried]
            self._carried = []
            self._give_back(queue, given)
            raise
        self._running += 1
        self._unsettled += 1
        self._parts.tasks.start(self._hand_over(queue, batch), f"batch of {queue.key.name}")

    async def _room(self, queue: Queue) -> None:
        """Until one batch more may be at the function."""
        await self._parts.held.room()
        width = self._width
        while self._is_behind or self._running >= width.now:
            if not self._carried and not await self._broker.visible(queue, IDLE_S):
                continue  # nothing waits for more
            self._ended.clear()
            behind = self._is_behind
            if not behind and self._running < width.now:
                break  # some have ended meanwhile
            try:
                async with asyncio.timeout(None if behind or width.now == width.most else STEP_S):
                    await self._ended.wait()
            except TimeoutError:
                width.grow()

    async def _gather(self, queue: Queue, batch: _Batch) -> None:
        """Fill it, until it is full or its window is over; the window begins with a message."""
        loop, window_s, held = asyncio.get_running_loop(), self.mapping.window_s, self._parts.held
        content, end = batch.content, 0.0
        self._carried, carried = [], self._carried
        legal = [one for one in carried if _is_mine(one)]
        while True:
            fits = await self._add(queue, batch, legal)
            now = loop.time()
            if content.records and not end:
                end = now + window_s
            if not fits or not content.left or (end and (now >= end or held.full)):
                return
            wait_s = end - now if end else IDLE_S
            legal = await self._receive(queue, min(content.left, RECEIVE), wait_s)

    async def _receive(self, queue: Queue, most: int, wait_s: float) -> list[Received]:
        """They are hidden for as long as the queue says, from the end of the window on."""
        hidden_s = queue.settings.number("VisibilityTimeout") + self.mapping.window_s
        found = await self._broker.receive(queue, most, wait_s=0, visibility_s=hidden_s)
        if not found:
            self._width.rest()
            found = await self._broker.receive(queue, most, wait_s=wait_s, visibility_s=hidden_s)
        self._count("PolledEventCount", len(found))
        return found

    async def _add(self, queue: Queue, batch: _Batch, found: Sequence[Received]) -> bool:
        """Those that are let through; others are deleted. Say whether all had room."""
        unwanted, content = [], batch.content
        left = deque(found)
        try:
            while left:
                one = left[0]
                if _TRACE in one.content.system and self._loops(one):
                    left.popleft()  # it stays hidden, and goes to the dead-letter queue in the end
                    continue
                if self._filters and not await self._wanted(queue, one):
                    unwanted.append(left.popleft())
                    continue
                encoded = orjson.dumps(received.record(queue, one))
                if not content.fits(encoded):
                    break
                left.popleft()
                content.add(encoded)
                self._parts.held.take(len(encoded) + 1)
                batch.taken.append(one)
            if unwanted:
                gone = [one.message for one in unwanted if _is_mine(one)]
                await self._broker.remove(queue, gone)
                self._count("FilteredOutEventCount", len(unwanted))
        except BaseException:
            self._give_back(queue, [*left, *unwanted])
            raise
        if queue.line.fifo:
            self._give_back(queue, left)  # behind the others of its group
        else:
            self._carried = list(left)
        return not left

    async def _wanted(self, queue: Queue, one: Received) -> bool:
        await asyncio.sleep(0)  # others' turn: a body may be large
        seen = {**received.record(queue, one), "body": read_body(one.content.body)}
        return self._filters.let_through(seen)

    def _loops(self, one: Received) -> bool:
        """It comes from a chain of events that came here too often."""
        turns = lineage.advanced(one.content.system[_TRACE], self._mark)[1]
        function = self.mapping.function
        if turns < lineage.TURNS or self._parts.settings.may_loop(function):
            return False
        self._parts.counts.add(function, "RecursiveInvocationsDropped")
        return True

    # --- handing over ---------------------------------------------------------------------------

    async def _hand_over(self, queue: Queue, batch: _Batch) -> None:
        try:
            done = await self._handled(queue, batch)
            # The next of a FIFO queue's group waits for this; of another queue nobody does.
            await self._broker.remove(queue, done, soon=not queue.line.fifo)
            self._count("DeletedEventCount", len(done))
        except ServiceError as refusal:
            self._refused(refusal)
        finally:
            self._unsettled -= 1
            self._parts.held.give(batch.content.size)
            self._ended.set()

    async def _handled(self, queue: Queue, batch: _Batch) -> list[Message]:
        """What the function is done with, for good. Another batch may be at it then."""
        try:
            result = await self._result(queue, batch)
        except ServiceError as refusal:
            self._refused(refusal)
            self._count("FailedInvokeEventCount", len(batch.taken))
            if self._stopped.is_set():
                self._give_back(queue, batch.taken)
            return []
        finally:
            self._running -= 1
            self._ended.set()
        return [] if result is None else self._done(batch, result)

    def _refused(self, refusal: ServiceError) -> None:
        self.problem = f"PROBLEM: {refusal.message}"
        self._width.shrink()
        log.warning("batch refused", extra=self._facts(reason=refusal.message))

    async def _result(self, queue: Queue, batch: _Batch) -> InvocationResult | None:
        """What the function answers. Throttled, a batch is tried again until its messages show
        themselves again (None). Raise what else refuses it."""
        loop, attempts = asyncio.get_running_loop(), 0
        hidden_until = loop.time() + min(one.message.visible for one in batch.taken) - time.time()
        request_id = RequestId(str(uuid.uuid4()))
        while True:
            self._count("InvokedEventCount", len(batch.taken))
            try:
                return await self._parts.invoker.invoke(self._invocation(request_id, batch))
            except TooManyRequestsException as refusal:
                self._count("FailedInvokeEventCount", len(batch.taken))
                attempts += 1
                self._width.shrink()
                self.problem = f"PROBLEM: {refusal.message}"
            delay_s = queue_batches.retry_s(attempts)
            if loop.time() + delay_s >= hidden_until:
                log.info("batch throttled", extra=self._facts(attempts=attempts))
                return None
            await self._pause(delay_s)
            if self._stopped.is_set():
                self._give_back(queue, batch.taken)
                return None

    def _invocation(self, request_id: RequestId, batch: _Batch) -> Invocation:
        """With the trace of the message whose chain of events came here the most often."""
        mapping, target = self.mapping, self._target()
        headers = [one.content.system.get(_TRACE) for one in batch.taken]
        turns = {each: lineage.advanced(each, self._mark)[1] for each in headers if each}
        header = max(turns, key=lambda each: turns[each]) if turns else None
        trace, ancestor = self._parts.begin(target, header)
        function = mapping.function
        return Invocation(
            request_id,
            target,
            batch.content.event,
            function_arn(function.region, function.account, function.name, mapping.qualifier),
            trace_id=lineage.advanced(trace, self._mark)[0],
            trace_parent=ancestor,
            way=Way.MAPPING,
        )

    def _done(self, batch: _Batch, result: InvocationResult) -> list[Message]:
        """What is to be deleted."""
        failed: frozenset[str] = frozenset()
        if result.function_error is not None:
            self.problem = "PROBLEM: Function call failed"
            self._width.shrink()
            self._count("FailedInvokeEventCount", len(batch.taken))
            log.info("messages failed", extra=self._facts(failed=len(batch.taken), done=0))
            return []
        self.problem = ""
        self._width.recover()
        done = batch.taken
        if self.mapping.reports_failures:
            ids = [one.content.message_id for one in done]
            failed = queue_batches.failed(result.payload, ids)
            done = [one for one in done if one.content.message_id not in failed]
        if failed:
            self._count("FailedInvokeEventCount", len(failed))
            log.info("messages failed", extra=self._facts(failed=len(failed), done=len(done)))
        return [one.message for one in done if _is_latest(one)]

    # --- both -----------------------------------------------------------------------------------

    def _count(self, metric: str, events: int) -> None:
        self._parts.counts.mapped(self.mapping, metric, events)

    def _target(self) -> Target:
        key = self.mapping.function
        return self._parts.catalog.resolve(
            key.account, key.region, key.name, self.mapping.qualifier
        )

    def _give_back(self, queue: Queue, taken: Sequence[Received]) -> None:
        if not queue.gone:
            self._broker.give_back(queue, [(one.message, one.receipt) for one in taken])

    async def _pause(self, seconds: float) -> None:
        """Or until it is to stop."""
        try:
            async with asyncio.timeout(seconds):
                await self._stopped.wait()
        except TimeoutError:
            pass

    def _facts(self, **more: object) -> dict[str, object]:
        mapping = self.mapping
        return {"mapping": mapping.uuid, "function": mapping.function.name, **more}


def _is_latest(one: Received) -> bool:
    """Nobody has received it since."""
    return not one.message.gone and one.message.receipt == one.receipt


def _is_mine(one: Received) -> bool:
    return _is_latest(one) and one.message.flying
