"""Events at their end: counted, logged, and told of to whoever wants to know."""

import logging
from collections.abc import Awaitable, Callable
from functools import partial

from stoker.core.async_events import Condition, Ended
from stoker.core.event_records import Ending, Response, reason
from stoker.core.invocation import Target
from stoker.core.model import FunctionKey
from stoker.core.names import LATEST, function_arn
from stoker.events.counts import Counts
from stoker.events.deliveries import Deliveries, Failed
from stoker.events.ended import EndedEvent, EndedEvents, Told
from stoker.events.settings import EventSettings
from stoker.invoke.tasks import Tasks
from stoker.store.event_queue import Content

log = logging.getLogger(__name__)

DELIVERIES = 64  # under way at a time; until one is done nothing more is to be begun


class Endings:
    def __init__(
        self,
        settings: EventSettings,
        deliveries: Deliveries,
        delivered: Callable[[], None],
        counts: Counts,
        kept: EndedEvents,
    ) -> None:
        """`delivered` is called whenever one more may go out. `kept`: for who looks back."""
        self.counts = counts
        self._kept = kept
        self._settings = settings
        self._deliveries = deliveries
        self._delivered = delivered
        self._delivering = 0
        self._tasks = Tasks()

    @property
    def crowded(self) -> bool:
        return self._delivering >= DELIVERIES

    def end(
        self,
        key: FunctionKey,
        qualifier: str | None,
        content: Content,
        target: Target | None,
        ended: Ended,
        response: Response | None,
        now: float,
        forget: Callable[[], None],
    ) -> None:
        """`forget` is called when the event is not needed any more."""
        condition, attempts = ended.condition, ended.progress.attempts
        self.counts.age(key, now - ended.progress.accepted)
        if condition is not Condition.SUCCESS:
            self.counts.add(key, "AsyncEventsDropped")
            log.info(
                "event dropped",
                extra={"function": key.name, "request_id": content.request_id,
                       "condition": condition, "attempts": attempts},
            )  # fmt: skip
        said = self._settings.events(key, qualifier)
        success = condition is Condition.SUCCESS
        destination = said.on_success if success else said.on_failure
        dead_letters = "" if success or target is None else target.dead_letters
        if success and not destination:
            forget()
            return
        keep = partial(self._keep, key, qualifier, content, ended, response, now)
        if not destination and not dead_letters:
            keep(())
            forget()
            return
        arn = function_arn(key.region, key.account, key.name, qualifier or LATEST)
        ending = Ending(content.request_id, arn, condition, attempts, content.body, response, now)
        self._delivering += 1
        tell = partial(self._tell, key, ending, content.trace_id, destination or "", dead_letters)
        delivering = self._deliver(tell, keep, forget)
        self._tasks.start(delivering, f"deliver {content.request_id}")

    def gone(self, key: FunctionKey) -> None:
        """Its function, version or alias was deleted, and with it what was said about events."""
        self.counts.add(key, "AsyncEventsDropped")
        log.info("event dropped", extra={"function": key.name, "condition": "deleted"})

    async def close(self) -> None:
        """Wait for what is on its way."""
        await self._tasks.close()

    def _keep(
        self,
        key: FunctionKey,
        qualifier: str | None,
        content: Content,
        ended: Ended,
        response: Response | None,
        now: float,
        told: tuple[Told, ...],
    ) -> None:
        def made(number: int, body: bytes | None) -> EndedEvent:
            return EndedEvent(
                number=number,
                request_id=content.request_id,
                qualifier=qualifier,
                condition=ended.condition,
                attempts=ended.progress.attempts,
                accepted=ended.progress.accepted,
                ended=now,
                why="" if ended.condition is Condition.SUCCESS else reason(response),
                told=told,
                event=body,
                event_bytes=len(content.body),
            )

        self._kept.add(key, content.body, made)

    async def _deliver(
        self,
        tell: Callable[[], Awaitable[tuple[Told, ...]]],
        keep: Callable[[tuple[Told, ...]], None],
        forget: Callable[[], None],
    ) -> None:
        try:
            keep(await tell())
        finally:
            self._delivering -= 1
            self._delivered()
        forget()

    async def _tell(
        self, key: FunctionKey, ending: Ending, trace: str, destination: str, dead_letters: str
    ) -> tuple[Told, ...]:
        told = []
        for arn, metric, deliver in (
            (destination, "DestinationDeliveryFailures", self._deliveries.record),
            (dead_letters, "DeadLetterErrors", self._deliveries.dead_letter),
        ):
            if not arn:
                continue
            problem = ""
            try:
                await deliver(key, arn, ending, trace)
            except Failed as failure:
                problem = str(failure)
                self.counts.add(key, metric)
                log.warning(
                    "cannot deliver",
                    extra={"function": key.name, "request_id": ending.request_id,
                           "destination": arn, "reason": str(failure)},
                )  # fmt: skip
            told.append(Told(arn, metric == "DeadLetterErrors", problem))
        return tuple(told)
