"""Who listens to what one environment says: its subscribers, and what they have missed so far.

Events are kept from the start of an environment until its init is over, for those who subscribe
meanwhile; where nobody does, nothing is kept afterwards and nobody is told anything. A subscriber
is remembered by name: after a reset it need not subscribe again, and misses nothing.

What is said is rendered later, when a batch is due or some dozens have come together: done once in
each invocation, among everything else, the same work takes four times as long (bench/README.md).
"""

import asyncio
import time
from collections import deque
from dataclasses import dataclass

from stoker.core.dialects import PLATFORM, Dialect, Said
from stoker.core.invoke_limits import (
    CONNECT_S,
    DELIVERY_S,
    EVENT_OVERHEAD_BYTES,
    HISTORY_BYTES,
    MAILBOX_BYTES,
    RAW_BYTES,
    RAW_EVENTS,
)
from stoker.core.mailbox import Mailbox
from stoker.core.platform_events import PlatformEvent
from stoker.core.runtime_states import Answer
from stoker.core.subscriptions import (
    Api,
    Subscription,
    closed,
    other_api,
    unreachable,
)
from stoker.environment.courier import Courier
from stoker.environment.lines import Connector, Line
from stoker.sandbox.base import SandboxFailed

_PLATFORM_EVENT_BYTES = 1024  # what one costs, roughly and rather more
NEW, KNOWN = "Subscribed", "Already subscribed"


class Telemetry:
    def __init__(
        self, log_format: str, connector: Connector, *, delivery_s: float = DELIVERY_S
    ) -> None:
        """`delivery_s`: for a subscriber to take a batch and say so."""
        self._log_format = log_format
        self._connector = connector
        self._delivery_s = delivery_s
        self._couriers: dict[str, Courier] = {}
        self._audiences: list[_Audience] = []
        self._raw: list[Said] = []  # what they are still to be offered
        self._raw_bytes = 0  # that were printed, of it
        self._awaited = False  # who wants the platform's events expects some, and nobody else does
        self._history: _History | None = _History()
        self._open = True  # subscriptions are taken
        self._hurried = False  # everyone inside has been asked to leave
        self.listening = True  # somebody wants to know, or may come to want it

    # --- what is said ---

    def told(self, time_ms: int, *events: PlatformEvent) -> None:
        if not self._awaited:
            self._say(PLATFORM, [(PLATFORM, time_ms, event) for event in events], 0)
            return
        raw = self._raw
        for event in events:
            raw.append((PLATFORM, time_ms, event))
        if len(raw) >= RAW_EVENTS:
            self._render()

    def printed(self, source: str, messages: list[tuple[int, bytes]]) -> None:
        """messages: (epoch ms, what was printed)."""
        size = sum([len(message) for _, message in messages])
        self._say(source, [(source, time_ms, message) for time_ms, message in messages], size)

    def _say(self, kind: str, said: list[Said], size_bytes: int) -> None:
        if self._history is not None:
            self._history.keep(said)
        wanted = False
        for audience in self._audiences:
            if kind in audience.types:
                wanted = True
                for courier in audience.couriers:
                    courier.expect_events()
        if wanted:
            self._raw += said
            self._raw_bytes += size_bytes
            full = len(self._raw) >= RAW_EVENTS or self._raw_bytes >= RAW_BYTES
            if full or self._hurried:
                self._render()
            else:
                self._awaited |= kind == PLATFORM and self._history is None

    def _render(self) -> None:
        """Offer what was said to those who want it, each in the form that it wants."""
        raw, self._raw, self._raw_bytes, self._awaited = self._raw, [], 0, False
        for audience in self._audiences:
            types = audience.types
            events = audience.dialect.render([said for said in raw if said[0] in types])
            for courier in audience.couriers:
                courier.offer(events)

    def _sort(self) -> None:
        """Who wants the same in the same form: it is rendered once for all of those."""
        alike: dict[tuple[Dialect, frozenset[str]], list[Courier]] = {}
        for courier in self._couriers.values():
            key = courier.dialect, frozenset(courier.subscription.types)
            alike.setdefault(key, []).append(courier)
        self._audiences = [_Audience(*key, couriers) for key, couriers in alike.items()]

    # --- who listens ---

    def refusal(self, name: str, api: Api) -> Answer | None:
        """Why this extension may not subscribe now, so far as can be said without trying."""
        if not self._open:
            return closed(api)
        known = self._couriers.get(name)
        if known is not None and known.subscription.api is not api:
            return other_api(api, known.subscription.api)
        return None

    async def subscribe(self, name: str, subscription: Subscription) -> str | Answer:
        """NEW or KNOWN; or why not. Over TCP somebody must listen already."""
        line = Line(subscription.destination, self._connector)
        if subscription.destination.path is None and not await _answers(line):
            return unreachable(subscription.api, subscription.destination.port)
        refused = self.refusal(name, subscription.api)  # time has passed
        if refused is not None:
            line.drop()
            return refused
        self._render()  # for those who were there before
        dialect = Dialect.of(subscription, self._log_format)
        if (known := self._couriers.get(name)) is not None:
            known.moved(subscription, dialect, line)
            self._sort()
            return KNOWN
        mailbox = Mailbox(subscription.buffering, MAILBOX_BYTES, lambda records, size: (
            courier.dialect.notice(records, size, _now_ms())
        ))  # fmt: skip
        courier = Courier(
            name, subscription, dialect, mailbox, line, self._delivery_s, self._render
        )  # fmt: skip
        self._couriers[name] = courier
        self._sort()
        assert self._history is not None, "kept for as long as subscriptions are taken"
        self._history.replay(courier)
        if self._hurried:
            courier.hurry()
        return NEW

    # --- what happens to the environment ---

    def init_began(self) -> None:
        self._open = self.listening = True
        self._hurried = False
        self._awaited = False
        if self._history is None:
            self._history = _History()

    def init_succeeded(self) -> None:
        """Who has not subscribed by now will not."""
        self._open = False
        self._history = None
        self.listening = bool(self._couriers)
        for courier in self._couriers.values():
            courier.expect()

    def freeze(self) -> None:
        for courier in self._couriers.values():
            courier.hold()

    def thaw(self) -> None:
        for courier in self._couriers.values():
            courier.go_on()

    def hurry(self) -> None:
        """Everyone inside has been asked to leave; what is left goes out now."""
        self._hurried = True
        self._render()
        for courier in self._couriers.values():
            courier.go_on()
            courier.hurry()

    def reset(self) -> None:
        """Everyone inside is gone; who asks now is somebody's last breath."""
        self._open = False
        for courier in self._couriers.values():
            courier.reset()

    async def close(self) -> None:
        """Nobody is told anything any more."""
        self.listening = self._open = False
        self._history = None
        couriers = list(self._couriers.values())
        self._couriers.clear()
        self._sort()
        self._render()  # for nobody
        for courier in couriers:
            await courier.close()


@dataclass(frozen=True, slots=True)
class _Audience:
    dialect: Dialect
    types: frozenset[str]
    couriers: list[Courier]


class _History:
    """What was said so far, up to a bound; then how much more there was, by kind."""

    def __init__(self) -> None:
        self._said: deque[Said] = deque()
        self._bytes = 0
        self._missed: dict[str, tuple[int, int]] = {}

    def keep(self, said: list[Said]) -> None:
        for each in said:
            kind, _, what = each
            size = len(what) if isinstance(what, bytes) else _PLATFORM_EVENT_BYTES
            if self._missed or self._bytes + size + EVENT_OVERHEAD_BYTES > HISTORY_BYTES:
                records, missed = self._missed.get(kind, (0, 0))
                self._missed[kind] = records + 1, missed + size
                continue
            self._said.append(each)
            self._bytes += size + EVENT_OVERHEAD_BYTES

    def replay(self, courier: Courier) -> None:
        types = courier.subscription.types
        courier.offer(courier.dialect.render([said for said in self._said if said[0] in types]))
        missed = [self._missed[kind] for kind in types if kind in self._missed]
        if missed:
            courier.miss(sum(records for records, _ in missed), sum(size for _, size in missed))


async def _answers(line: Line) -> bool:
    try:
        async with asyncio.timeout(CONNECT_S):
            await line.connect()
    except (OSError, SandboxFailed):
        return False
    return True


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
