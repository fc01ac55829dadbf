"""Hands batches of one shard or partition to a function, and sees to what comes of each.

batches (core/stream_batches.py) ──► Invoker ──► done, tried again, or
                                                 discarded: the destination is told
"""

import logging
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from stoker.core.discarded import Discarded
from stoker.core.errors import ServiceError
from stoker.core.event_records import Response
from stoker.core.event_sources import EventSourceMapping
from stoker.core.invocation import Invocation, RequestId, Target, Way
from stoker.core.names import LATEST, function_arn
from stoker.core.stream_batches import Batch, Done, Failed, Outcome, Refused, ShardBatches
from stoker.core.stream_settings import StreamSettings
from stoker.events.deliveries import Failed as NotDelivered
from stoker.events.deliveries import Message
from stoker.events.polling import Parts

log = logging.getLogger(__name__)


class Wording(Protocol):
    """How the records of one source are said."""

    @property
    def place(self) -> str:
        """The shard, or the partition."""
        ...

    def event(self, batch: Batch) -> bytes: ...

    def outcome(
        self, batch: Batch, answer: bytes, *, reports: bool, version: str
    ) -> Done | Failed: ...

    def discarded(self, told: Discarded, *, whole: bool) -> bytes: ...


Tell = Callable[[Discarded], Awaitable[None]]  # of what is discarded; raises deliveries.Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    """Whose records they are: one mapping's, and its function's."""

    mapping: EventSourceMapping
    settings: StreamSettings
    parts: Parts
    report: Callable[[str], None]  # what came of a batch, as LastProcessingResult says it

    def target(self) -> Target:
        """Raise ServiceError."""
        key = self.mapping.function
        catalog = self.parts.catalog
        return catalog.resolve(key.account, key.region, key.name, self.mapping.qualifier)

    def count(self, metric: str, events: int) -> None:
        """One of the metrics of its mapping, if it has any."""
        self.parts.counts.mapped(self.mapping, metric, events)

    @property
    def function_arn(self) -> str:
        key, qualifier = self.mapping.function, self.mapping.qualifier
        return function_arn(key.region, key.account, key.name, qualifier)


class HandingOver:
    def __init__(
        self,
        receiver: Receiver,
        batches: ShardBatches,
        wording: Callable[[], Wording],
        ended: Callable[[], None],
        tell: Tell | None = None,
    ) -> None:
        """`ended` is called when a batch has come to its end. `tell`: instead of `settings`' own
        destination."""
        self._receiver = receiver
        self._parts = receiver.parts
        self._batches = batches
        self._wording = wording
        self._ended = ended
        self._tell = tell or self._told
        self._running = 0
        self._request_id = ""  # of the last invocation

    @property
    def busy(self) -> bool:
        """Something is at the function."""
        return self._running > 0

    def begin(self) -> None:
        """All that is due."""
        while (batch := self._batches.take(time.time())) is not None:
            self._running += 1
            self._parts.tasks.start(self._hand_over(batch), f"batch of {self._wording().place}")

    async def _hand_over(self, batch: Batch) -> None:
        outcome: Outcome = Refused()
        try:
            outcome = await (self._invoked(batch) if batch.fate is None else self._discarded(batch))
        finally:
            self._running -= 1
            self._batches.end(batch, outcome, time.time())
            self._ended()

    async def _invoked(self, batch: Batch) -> Outcome:
        receiver, parts, wording = self._receiver, self._parts, self._wording()
        request_id, size = RequestId(str(uuid.uuid4())), len(batch.records)
        receiver.count("InvokedEventCount", size)
        try:
            target = receiver.target()
            if batch.records and receiver.mapping.kafka is None:
                age_s = time.time() - batch.records[-1].arrived
                parts.counts.iterated(receiver.mapping.function, age_s)
            trace, ancestor = parts.begin(target, None)
            invocation = Invocation(
                request_id, target, wording.event(batch), receiver.function_arn,
                trace_id=trace, trace_parent=ancestor, way=Way.MAPPING,
            )  # fmt: skip
            result = await parts.invoker.invoke(invocation)
        except ServiceError as refusal:
            receiver.report(f"PROBLEM: {refusal.message}")
            receiver.count("FailedInvokeEventCount", size)
            log.info("batch refused", extra=self._facts(reason=refusal.message))
            return Refused()
        self._request_id = request_id
        outcome: Done | Failed
        if result.function_error is None:
            reports = receiver.mapping.reports_failures
            version = result.executed_version
            outcome = wording.outcome(batch, result.payload, reports=reports, version=version)
        else:
            outcome = Failed(Response(200, None, result.executed_version, result.function_error))
        if isinstance(outcome, Done):
            receiver.report("OK")
        else:
            receiver.report("PROBLEM: Function call failed")
            done = outcome.first
            receiver.count("FailedInvokeEventCount", size - done)
            log.info("records failed", extra=self._facts(failed=size - done, done=done))
        return outcome

    async def _discarded(self, batch: Batch) -> Outcome:
        """Tell of it, once, as for asynchronous invocations."""
        receiver, arn = self._receiver, self._receiver.settings.on_failure
        facts = self._facts(records=len(batch.records), condition=batch.fate)
        log.warning("records discarded", extra=facts)
        if not arn or not batch.records:
            receiver.count("DroppedEventCount", len(batch.records))
            return Done()
        function = receiver.function_arn
        if receiver.mapping.qualifier is None:
            function += f":{LATEST}"
        request_id = self._request_id or str(uuid.uuid4())
        try:
            await self._tell(Discarded(batch, request_id, function, time.time()))
        except NotDelivered as failure:
            self._parts.counts.add(receiver.mapping.function, "DestinationDeliveryFailures")
            receiver.count("DroppedEventCount", len(batch.records))
            log.warning("cannot deliver", extra=self._facts(destination=arn, reason=str(failure)))
        else:
            receiver.count("OnFailureDestinationDeliveredEventCount", len(batch.records))
        return Done()

    async def _told(self, told: Discarded) -> None:
        mapping, arn = self._receiver.mapping, self._receiver.settings.on_failure
        wording = self._wording()
        to_s3 = arn.split(":")[2] == "s3"
        key = told.object_key(mapping.uuid, wording.place, str(uuid.uuid4())) if to_s3 else ""
        body = wording.discarded(told, whole=to_s3)
        await self._parts.deliveries.send(Message(mapping.function, arn, body, {}, "", key))

    def _facts(self, **more: object) -> dict[str, object]:
        mapping = self._receiver.mapping
        place = self._wording().place
        return {"mapping": mapping.uuid, "function": mapping.function.name, "shard": place, **more}
