"""Who listens to what one environment says: its subscribers, and what they have missed so far.

Events are kept from the start of an environment until its init is over, for those who subscribe
meanwhile; where nobody does, nothing is kept afterwards and nobody is told anything. A subscriber
is remembered by name: after a reset it need not subscribe again, and misses nothing.
"""

import asyncio
import time
from collections import deque
from typing import Final

from stoker.core.dialects import PLATFORM, Dialect, Printed, Told, category
from stoker.core.invoke_limits import (
    CONNECT_S,
    DELIVERY_S,
    EVENT_OVERHEAD_BYTES,
    HISTORY_BYTES,
    MAILBOX_BYTES,
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
_NONE: Final[dict[Dialect, list[Courier]]] = {}


class Telemetry:
    def __init__(
        self, log_format: str, connector: Connector, *, delivery_s: float = DELIVERY_S
    ) -> None:
        """`delivery_s`: for a subscriber to take a batch and say so."""
        self._log_format = log_format
        self._connector = connector
        self._delivery_s = delivery_s
        self._couriers: dict[str, Courier] = {}
        self._listeners: dict[str, dict[Dialect, list[Courier]]] = {}  # by category
        self._history: _History | None = _History()
        self._open = True  # subscriptions are taken
        self._hurried = False  # everyone inside has been asked to leave
        self.listening = True  # somebody wants to know, or may come to want it

    # --- what is said ---

    def told(self, time_ms: int, *events: PlatformEvent) -> None:
        self._spread(PLATFORM, [(time_ms, event) for event in events])

    def printed(self, source: str, messages: list[tuple[int, bytes]]) -> None:
        """messages: (epoch ms, what was printed)."""
        self._spread(source, [(time_ms, Printed(source, message)) for time_ms, message in messages])

    def _spread(self, kind: str, said: list[tuple[int, Told]]) -> None:
        if self._history is not None:
            self._history.keep(said)
        for dialect, couriers in self._listeners.get(kind, _NONE).items():
            events = _rendered(dialect, said)
            for courier in couriers:
                courier.offer(events)

    def _sort(self) -> None:
        """Who wants what, and in which form: what is rendered is the same for all of those."""
        self._listeners.clear()
        for courier in self._couriers.values():
            for kind in courier.subscription.types:
                alike = self._listeners.setdefault(kind, {}).setdefault(courier.dialect, [])
                alike.append(courier)

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
        dialect = Dialect.of(subscription, self._log_format)
        if (known := self._couriers.get(name)) is not None:
            known.moved(subscription, dialect, line)
            self._sort()
            return KNOWN
        mailbox = Mailbox(subscription.buffering, MAILBOX_BYTES, lambda records, size: (
            courier.dialect.notice(records, size, _now_ms())
        ))  # fmt: skip
        courier = Courier(name, subscription, dialect, mailbox, line, self._delivery_s)
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
        for courier in couriers:
            await courier.close()


class _History:
    """What was said so far, up to a bound; then how much more there was, by kind."""

    def __init__(self) -> None:
        self._said: deque[tuple[int, Told]] = deque()
        self._bytes = 0
        self._missed: dict[str, tuple[int, int]] = {}

    def keep(self, said: list[tuple[int, Told]]) -> None:
        for entry in said:
            told = entry[1]
            size = len(told.message) if isinstance(told, Printed) else _PLATFORM_EVENT_BYTES
            if self._missed or self._bytes + size + EVENT_OVERHEAD_BYTES > HISTORY_BYTES:
                records, missed = self._missed.get(category(told), (0, 0))
                self._missed[category(told)] = records + 1, missed + size
                continue
            self._said.append(entry)
            self._bytes += size + EVENT_OVERHEAD_BYTES

    def replay(self, courier: Courier) -> None:
        types = courier.subscription.types
        said = [entry for entry in self._said if category(entry[1]) in types]
        courier.offer(_rendered(courier.dialect, said))
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


def _rendered(dialect: Dialect, said: list[tuple[int, Told]]) -> list[bytes]:
    render = dialect.render
    return [event for time_ms, told in said if (event := render(told, time_ms)) is not None]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
