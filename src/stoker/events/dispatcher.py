"""Asynchronous invocation: events are accepted, kept, run, tried again, and brought to an end.

    accept ──► EventQueue (disk) ──► "202" ──► lane ──► Invoker ──► after() ──► removed
                                                ▲                    │  └─────► delivered, removed
                                                └── due later ◄──────┘

What is on the disk is the truth for the next start; what is in memory is the truth for this one.
So an event is in one place at a time and cannot be run twice, and whatever a crash cuts off is
run again. What to do with an event is decided in core/async_events.py, how many of a function's
run at a time in core/event_lanes.py. Nothing here polls: it acts when an event is accepted or
ends, when concurrency comes free, and at the next due time.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from stoker.core import async_events, lineage
from stoker.core.async_events import Again, Condition, Ended, Outcome
from stoker.core.errors import (
    ResourceNotFoundException,
    ServiceError,
    ServiceException,
    TooManyRequestsException,
)
from stoker.core.event_lanes import Lane
from stoker.core.event_records import Response, reason
from stoker.core.invocation import Invocation, InvocationResult, RequestId, Target, Way
from stoker.core.learning import ACCOUNTS, time_scale
from stoker.core.limits import (
    LOADED_BYTES,
    LOADED_EVENTS,
    WAITING_BYTES,
)
from stoker.core.model import FunctionKey
from stoker.core.tenancy import of_tenant
from stoker.events.clock import Alarm, Clock, LoopClock
from stoker.events.counts import Counts, Measure, unheard
from stoker.events.deliveries import Deliveries
from stoker.events.ended import EndedEvents
from stoker.events.endings import Endings
from stoker.events.later import Held, Later
from stoker.events.listed import Doing, Event
from stoker.events.settings import NOTHING_SAID, EventSettings, rules
from stoker.events.used import Used
from stoker.invoke.catalog import Catalog
from stoker.invoke.invoker import Invoker
from stoker.invoke.tasks import Tasks
from stoker.store.base import StoreUnavailable
from stoker.store.event_queue import Content, EventQueue, Waiting

log = logging.getLogger(__name__)

STALLED_S = 0.1  # no run has ended for so long: more may run at a time
AT_ONCE = 256  # events of one function that are looked at before others get their turn
UNREADABLE_S = 1.0  # before a disk that cannot be read is asked again
_CONTENT_BYTES = 700  # what a kept event costs in memory beside its body

Accepted = Callable[[ServiceError | None], None]


@dataclass(slots=True, eq=False)
class _Queue(Lane[Held]):
    """A function's lane, and what is under way for it."""

    at_work: set[int] = field(default_factory=set)
    loading: bool = False
    widening: Alarm | None = None
    expiring: Alarm | None = None

    def rest(self) -> None:
        for alarm in (self.widening, self.expiring):
            if alarm is not None:
                alarm.cancel()
        self.widening = self.expiring = None


class Dispatcher:
    """`await start()`; `pause()` when the server begins to stop; `await close()` at the end."""

    def __init__(
        self,
        *,
        queue: EventQueue,
        invoker: Invoker,
        catalog: Catalog,
        settings: EventSettings,
        deliveries: Deliveries,
        clock: Clock | None = None,
        scale: float = 1.0,
        measure: Measure = unheard,
        measure_mapping: Measure = unheard,
        ended: EndedEvents | None = None,
    ) -> None:
        """`scale`: how much faster than AWS's retry delays and ages pass."""
        self.settings = settings
        self._queue = queue
        self._invoker = invoker
        self._catalog = catalog
        self.counts = Counts(measure, measure_mapping)
        self.ended = ended or EndedEvents()
        self._endings = Endings(settings, deliveries, self._delivered, self.counts, self.ended)
        self._clock: Clock = clock or LoopClock()
        self._scale = scale
        self._usual = rules(NOTHING_SAID, scale)
        self._lanes: dict[FunctionKey, _Queue] = {}
        self._blocked: dict[FunctionKey, None] = {}  # wait for concurrency; the first in line first
        self._soon: dict[FunctionKey, None] = {}
        self._later = Later(self._clock, self._line_up)
        self._deleted: dict[object, int] = {}  # functions that had events; the last one's id
        self._whys: dict[int, str] = {}  # of the last attempt of those that failed, by id
        self.used = Used()
        self._resident_bytes = 0
        self._tasks = Tasks()
        self._paused = False

    async def start(self) -> None:
        """Go on with what waits since the last start. Raise StoreUnavailable."""
        self._invoker.when_freed(self._freed)
        now = self._clock.now()
        for waiting in await self._queue.open():
            self.used.count(waiting.function.account, 1, waiting.size)
            held = Held.of(waiting)
            if waiting.due <= now:
                self._line_up(waiting.function, held)
            else:
                self._later.add(waiting.due, waiting.function, held)

    def accept(
        self, key: FunctionKey, qualifier: str | None, content: Content, done: Accepted
    ) -> None:
        """Keep an event for a function. `done` is called once it is on the disk (None), or with
        the refusal; then nothing is kept."""
        if self.used.full(key.account):
            done(_too_many())
            return
        self.used.count(key.account, 1, len(content.body))
        added = partial(self._added, key, content, done)
        self._queue.add(key, qualifier, self._clock.now(), content, added)

    async def keep(self, key: FunctionKey, qualifier: str | None, content: Content) -> None:
        """The same, for those who can wait: return when it is on the disk, or raise."""
        accepted: asyncio.Future[ServiceError | None] = asyncio.get_running_loop().create_future()

        def done(refusal: ServiceError | None) -> None:
            if not accepted.done():
                accepted.set_result(refusal)

        self.accept(key, qualifier, content, done)
        if (refusal := await accepted) is not None:
            raise refusal

    def change(self, key: object, now: object) -> None:
        """Of the store. A deleted function's events are not the next one's of that name."""
        self.ended.change(key, now)
        if now is None and (key in self._lanes or key in self._later.many):
            self._deleted[key] = self._queue.last

    def pause(self) -> None:
        """Begin nothing more; what runs goes on."""
        self._paused = True
        for lane in self._lanes.values():
            lane.rest()
        self._later.pause()

    async def close(self) -> None:
        """Finish deliveries, write down what is known. What still waits is run after the next
        start."""
        self.pause()
        await self._endings.close()
        await self._tasks.close()
        await self._queue.close()

    def lanes(self) -> dict[FunctionKey, Counter[str]]:
        """How many events of each function wait, run, and are to be run again later."""
        found: dict[FunctionKey, Counter[str]] = {
            key: Counter(waiting=len(lane.waiting), running=lane.running)
            for key, lane in self._lanes.items()
        }
        for key, many in self._later.many.items():
            found.setdefault(key, Counter())["later"] += many
        return found

    async def listed(self, key: FunctionKey, after: int, most: int) -> list[Event]:
        """A function's events, as they were accepted, behind the one with the id `after`. Raise
        StoreUnavailable."""
        if key not in self._lanes and key not in self._later.many:
            return []  # for this, others' events need not be read
        found = await self._queue.listed(key, after, most)
        lane, now = self._lanes.get(key) or _Queue(), self._clock.now()
        return [
            Event(
                waiting,
                request_id,
                Doing.of(waiting.id in lane.at_work, waiting.due > now),
                self._whys.get(waiting.id, ""),
            )
            for waiting, request_id in found
        ]

    async def discard(self, key: FunctionKey, id: int) -> bool:
        """Forget an event that waits, or is to be run again: when this returns, the disk has it no
        more. Say whether there was such a one. Raise StoreUnavailable: the next start runs it."""
        lane = self._lanes.get(key)
        held = next((one for one in lane.waiting if one.id == id), None) if lane else None
        if held is not None:
            assert lane is not None
            lane.waiting.remove(held)
            held.gone = True
            if held.content is not None:
                self._detach(held)
            self._wake(key)
        else:
            held = self._later.discard(key, id)
        if held is None:
            return False
        log.info("event discarded", extra={"function": key.name, "id": id})
        self._forget(key, held)
        await self._queue.removed(id)
        return True

    # --- coming in ------------------------------------------------------------------------------

    def _added(
        self, key: FunctionKey, content: Content, done: Accepted, added: Waiting | StoreUnavailable
    ) -> None:
        if isinstance(added, StoreUnavailable):
            self.used.count(key.account, -1, -len(content.body))
            done(ServiceException(f"The event could not be kept: {added}"))
            return
        self.counts.add(key, "AsyncEventsReceived")
        held = Held.of(added)
        if self._resident_bytes < WAITING_BYTES:
            self._attach(held, content)
        self._line_up(key, held)
        done(None)

    def _line_up(self, key: FunctionKey, held: Held) -> None:
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Queue()
        lane.waiting.append(held)
        self._wake(key)

    def _attach(self, held: Held, content: Content) -> None:
        held.content = content
        self._resident_bytes += held.size + _CONTENT_BYTES

    def _detach(self, held: Held) -> None:
        assert held.content is not None
        held.content = None
        self._resident_bytes -= held.size + _CONTENT_BYTES

    # --- being run ------------------------------------------------------------------------------

    def _wake(self, key: FunctionKey) -> None:
        """Look at this lane before long, and never from within what it calls."""
        if not self._soon:
            asyncio.get_running_loop().call_soon(self._look)
        self._soon[key] = None

    def _look(self) -> None:
        """Who waits for concurrency comes first, in the order in which they wait."""
        keys, self._soon = self._soon, {}
        in_line = [key for key in self._blocked if key in keys]
        for key in dict.fromkeys([*in_line, *keys]):
            lane = self._lanes.get(key)
            if lane is not None and not self._paused:
                self._advance(key, lane)

    def _freed(self, account: str, region: str) -> None:
        for key in self._blocked:
            if key.account == account and key.region == region:
                self._wake(key)

    def _advance(self, key: FunctionKey, lane: _Queue) -> None:
        """Start what may be started, end what may not be run at all."""
        reserved = self._invoker.reserved(key)
        room = lane.room(self._invoker.room(key), reserved=reserved is not None)
        now, started, left = self._clock.now(), False, AT_ONCE
        while lane.waiting and not self._endings.crowded:
            held = lane.waiting[0]
            expires = async_events.deadline(held.progress, self._rules(key, held))
            if room <= 0 and reserved != 0 and now < expires:
                break
            if held.content is None or not left:
                if not left:
                    self._wake(key)
                elif not lane.loading:
                    self._load(key, lane)
                break
            lane.waiting.popleft()
            left -= 1
            if self._turn(key, lane, held, reserved):
                room, started = room - 1, True
        lane.rest()
        if lane.waiting and not lane.loading:
            self._wait_for_room(key, lane, started)
        else:
            self._blocked.pop(key, None)
        if lane.empty and not lane.loading:
            del self._lanes[key]
            if key not in self._later.many:
                self._deleted.pop(key, None)

    def _wait_for_room(self, key: FunctionKey, lane: _Queue, started: bool) -> None:
        """Concurrency comes free, more may run at a time, or the next one becomes too old."""
        if started:
            self._blocked.pop(key, None)  # whoever got something goes to the end of the line
        self._blocked[key] = None
        if self._endings.crowded:
            return
        head = lane.waiting[0]
        wait_s = async_events.deadline(head.progress, self._rules(key, head)) - self._clock.now()
        lane.expiring = self._clock.call_later(max(0.0, wait_s), partial(self._wake, key))
        if lane.full:
            stalled = partial(self._stalled, key, lane, lane.ended)
            lane.widening = self._clock.call_later(STALLED_S, stalled)

    def _stalled(self, key: FunctionKey, lane: _Queue, ended_before: int) -> None:
        lane.widened(ended_before)
        self._wake(key)

    def _load(self, key: FunctionKey, lane: _Queue) -> None:
        """Read the next ones from the disk."""
        batch: list[Held] = []
        size = 0
        for held in lane.waiting:
            if held.content is not None or len(batch) == LOADED_EVENTS or size > LOADED_BYTES:
                break
            batch.append(held)
            size += held.size
        lane.loading = True
        self._tasks.start(self._loaded(key, lane, batch), f"load events of {key.name}")

    async def _loaded(self, key: FunctionKey, lane: _Queue, batch: list[Held]) -> None:
        try:
            contents = await self._queue.contents([held.id for held in batch])
        except StoreUnavailable as error:
            log.error("cannot read events", extra={"reason": str(error)})
            lane.loading = False
            if not self._paused:
                self._clock.call_later(UNREADABLE_S, partial(self._wake, key))
            return
        lane.loading = False
        for held in batch:
            content = contents.get(held.id)
            if held.gone:
                continue
            if content is None:
                log.error("an event has no content", extra={"function": key.name, "id": held.id})
                lane.waiting.remove(held)
                self._gone(key, held)
            else:
                self._attach(held, content)
        self._wake(key)

    def _turn(self, key: FunctionKey, lane: _Queue, held: Held, reserved: int | None) -> bool:
        """It is this event's turn; say whether it was begun."""
        content = held.content
        assert content is not None
        self._detach(held)
        if held.id <= self._deleted.get(key, 0):
            self._gone(key, held)
            return False
        try:
            target = self._catalog.resolve(key.account, key.region, key.name, held.qualifier)
            target = of_tenant(target, content.tenant)
        except ResourceNotFoundException:
            self._gone(key, held)
            return False
        except ServiceError as refusal:
            self._attempted(key, held, content, None, refusal)
            return False
        looping = lineage.turns(content.trace_id, lineage.mark(key.arn)) >= lineage.TURNS
        condition = async_events.hindrance(
            held.progress,
            self._rules(key, held),
            self._clock.now(),
            reserved=reserved,
            looping=looping and not self.settings.may_loop(key),
        )
        if condition is not None:
            response = None
            if condition is Condition.RECURSIVE_INVOCATION:
                self.counts.add(key, "RecursiveInvocationsDropped")
                response = Response(400, error="RecursiveInvocationException")
            self._end(key, held, content, target, Ended(condition, held.progress), response)
            return False
        lane.running += 1
        lane.at_work.add(held.id)
        self.counts.begun(key, self._clock.now() - held.progress.accepted)
        invocation = Invocation(
            RequestId(content.request_id),
            target,
            content.body,
            content.invoked_arn,
            content.content_type,
            trace_id=content.trace_id,
            trace_parent=content.trace_parent,
            way=Way.EVENT,
        )
        done = partial(self._done, key, lane, held, content, target)
        self._invoker.submit(invocation, done)
        return True

    def _done(
        self,
        key: FunctionKey,
        lane: _Queue,
        held: Held,
        content: Content,
        target: Target,
        result: InvocationResult | ServiceError,
    ) -> None:
        lane.running -= 1
        lane.at_work.discard(held.id)
        lane.ended += 1
        self._wake(key)
        if self._paused and isinstance(result, ServiceError):
            return  # cut off by our own end: the next start runs it
        if held.id <= self._deleted.get(key, 0):
            self._gone(key, held)
            return
        self._attempted(key, held, content, target, result)

    def _attempted(
        self,
        key: FunctionKey,
        held: Held,
        content: Content,
        target: Target | None,
        result: InvocationResult | ServiceError,
    ) -> None:
        outcome, response = _outcome(result)
        decision = async_events.after(
            held.progress, self._rules(key, held), outcome, self._clock.now()
        )
        if isinstance(decision, Ended):
            self._end(key, held, content, target, decision, response)
            return
        log.info(
            "event to be run again",
            extra={"function": key.name, "request_id": content.request_id,
                   "attempts": decision.progress.attempts, "refusals": decision.progress.refusals},
        )  # fmt: skip
        self._put_off(key, held, decision, reason(response))

    def _put_off(self, key: FunctionKey, held: Held, again: Again, why: str) -> None:
        held.progress = again.progress
        self._whys[held.id] = why
        self._queue.postpone(held.id, again.progress, again.due)
        self._later.add(again.due, key, held)

    # --- coming to an end -----------------------------------------------------------------------

    def _end(
        self,
        key: FunctionKey,
        held: Held,
        content: Content,
        target: Target | None,
        ended: Ended,
        response: Response | None,
    ) -> None:
        now, forget = self._clock.now(), partial(self._forget, key, held)
        self._endings.end(key, held.qualifier, content, target, ended, response, now, forget)

    def _delivered(self) -> None:
        for key in self._blocked:
            self._wake(key)

    def _gone(self, key: FunctionKey, held: Held) -> None:
        self._endings.gone(key)
        self._forget(key, held)

    def _forget(self, key: FunctionKey, held: Held) -> None:
        self._whys.pop(held.id, None)
        self.used.count(key.account, -1, -held.size)
        self._queue.remove(held.id)

    def _rules(self, key: FunctionKey, held: Held) -> async_events.Rules:
        said = self.settings.events(key, held.qualifier)
        if said is NOTHING_SAID and key.account not in ACCOUNTS:
            return self._usual
        return rules(said, time_scale(key.account, self._scale))


def _outcome(result: InvocationResult | ServiceError) -> tuple[Outcome, Response]:
    if isinstance(result, ServiceError):
        return Outcome.REFUSED, Response(result.status, error=result.code)
    outcome = Outcome.FAILED if result.function_error else Outcome.SUCCEEDED
    return outcome, Response(200, result.payload, result.executed_version, result.function_error)


def _too_many() -> TooManyRequestsException:
    return TooManyRequestsException("Rate Exceeded.", Reason="CallerRateLimitExceeded", Type="User")
