"""Brings one subscriber its events, for as long as its environment lives.

    expect_events ─ ─ due ─ ─ render ─┐
                                      ▼
                             offer ──► Mailbox ──due──► Line ──► the subscriber, inside
                                          ▲ acknowledged, failed │
                                          └──────────────────────┘

While the environment is frozen nothing is sent, and no time passes for what is under way.
"""

import asyncio
import logging
from collections.abc import Callable

from stoker.core.dialects import Dialect
from stoker.core.mailbox import Mailbox
from stoker.core.subscriptions import Subscription
from stoker.environment.lines import Line
from stoker.sandbox.base import SandboxFailed

log = logging.getLogger(__name__)


class Courier:
    """Works from its making on, until close()."""

    def __init__(
        self,
        name: str,
        subscription: Subscription,
        dialect: Dialect,
        mailbox: Mailbox,
        line: Line,
        delivery_s: float,
        render: Callable[[], None],
    ) -> None:
        """`render`: have all offered that was announced by expect_events()."""
        self.name = name
        self.subscription = subscription
        self.dialect = dialect
        self._mailbox = mailbox
        self._line = line
        self._loop = asyncio.get_running_loop()
        self._render = render
        self._announced: float | None = None  # when the first was that is not yet offered
        self._wake = asyncio.Event()
        self._alarm: asyncio.TimerHandle | None = None
        self._sending = False
        self._held = False
        self._hurry = False
        self._absent = False  # its process was killed, and has not subscribed again
        self._limit: asyncio.Timeout | None = None  # of the sending under way
        self._delivery_s = delivery_s
        self._left_s = delivery_s  # of that limit, while held
        self._task = self._loop.create_task(self._run(), name=f"telemetry of {name}")
        self._task.add_done_callback(_report)

    def expect_events(self) -> None:
        """There are some, to be offered when they are due at the latest."""
        if self._announced is None:
            self._announced = self._loop.time()
            if self._alarm is None:
                self._look()

    def offer(self, events: list[bytes]) -> None:
        mailbox, since, self._announced = self._mailbox, self._announced, None
        mailbox.offer_all(events, self._loop.time() if since is None else since)
        if self._alarm is None or mailbox.is_full:  # else it rings in time for the oldest
            self._look()

    def miss(self, records: int, size_bytes: int) -> None:
        """Say that so much is missing at this point."""
        self._mailbox.miss(records, size_bytes, self._loop.time())

    def moved(self, subscription: Subscription, dialect: Dialect, line: Line) -> None:
        """The same subscriber wants its events otherwise."""
        if self._limit is None or not self._absent:  # else it ends by itself, as said in reset()
            self._break_off()
        self._absent = False
        self.subscription, self.dialect, self._line = subscription, dialect, line
        self._mailbox.buffering = subscription.buffering
        self._silence()  # it may have to ring earlier now
        self.go_on()

    def hold(self) -> None:
        """Nobody inside can take anything now."""
        self._held = True  # an alarm may go on: mostly it is over before that rings
        if (limit := self._running_limit()) and (when := limit.when()) is not None:
            self._left_s = max(0.0, when - self._loop.time())
            limit.reschedule(None)

    def go_on(self) -> None:
        self._held = False
        if (limit := self._running_limit()) and limit.when() is None:
            limit.reschedule(self._loop.time() + self._left_s)
        if self._alarm is None or self._mailbox.is_full:
            self._look()

    def hurry(self) -> None:
        """Everything now: the subscriber is about to go."""
        self._hurry = True
        self._look()

    def reset(self) -> None:
        """The subscriber is gone, and may come back: then it gets what it has not got. What is
        under way ends by itself, with its connection; it may have been taken, and said so."""
        self._held, self._hurry, self._absent = True, False, True
        self._silence()
        if self._limit is None:
            self._line.drop()

    def expect(self) -> None:
        """Init is over: it will not subscribe again, so it must be where it was."""
        self._absent = False
        self.go_on()

    async def close(self) -> None:
        self._silence()
        self._task.cancel()
        await asyncio.wait({self._task})

    def _running_limit(self) -> asyncio.Timeout | None:
        """Of the sending under way, if that is not being broken off already."""
        limit = self._limit
        return None if limit is None or limit.expired() else limit

    def _break_off(self) -> None:
        """The connection is of no use any more; what is under way on it has failed."""
        if self._limit is None:
            self._line.drop()
        elif (limit := self._running_limit()) is not None:
            limit.reschedule(self._loop.time())  # who sends drops the connection

    def _look(self) -> None:
        """Wake the task if something is to be sent, or see to it that it is woken in time."""
        if self._held or self._sending:
            return
        now = self._loop.time()
        due_s = self._mailbox.due_s(now, hurry=self._hurry)
        if due_s is None and self._announced is not None:
            wait_s = self._mailbox.buffering.timeout_ms / 1000
            due_s = 0.0 if self._hurry else max(0.0, self._announced + wait_s - now)
        if due_s == 0:
            self._silence()
            self._wake.set()
        elif due_s is not None and self._alarm is None:
            self._alarm = self._loop.call_later(due_s, self._rung)

    def _rung(self) -> None:
        self._alarm = None
        self._look()

    def _silence(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    async def _run(self) -> None:
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                self._sending = True  # nobody need look
                if self._announced is not None and not self._held:
                    self._render()
                now = self._loop.time()
                if self._held or self._mailbox.due_s(now, hurry=self._hurry) != 0:
                    self._sending = False
                    self._look()
                    continue
                if await self._send(self._mailbox.take()):
                    self._mailbox.acknowledged()
                else:
                    self._mailbox.failed(self._loop.time(), absent=self._absent)
                self._sending = False
                self._look()
        finally:
            self._line.drop()

    async def _send(self, events: list[bytes]) -> bool:
        line = self._line
        try:
            async with asyncio.timeout(self._delivery_s) as self._limit:
                return await line.send(events)
        except (OSError, SandboxFailed):  # a TimeoutError is an OSError
            line.drop()
            return False
        finally:
            self._limit = None
            if line is not self._line:
                line.drop()


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("task failed", extra={"task": task.get_name()}, exc_info=error)
