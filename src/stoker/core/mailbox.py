"""What is to be delivered to one subscriber: batches, repeats, and what there is no room for.

    offer ──► waiting ──take──► in flight ──acknowledged──► gone
                │  no room         │ failed: again, after a pause; at last dropped
                └──────► dropped ◄─┘  (counted, and told in the place of what is missing)

At any moment every event that was offered is delivered, waits, is in flight, or is counted in
exactly one notice of drops: nothing is lost silently. Bounds: `room_bytes` waiting, one batch in
flight. A pure machine: the time is an argument, in seconds.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from stoker.core.invoke_limits import DELIVERY_PAUSES_S, EVENT_OVERHEAD_BYTES
from stoker.core.subscriptions import Buffering

Notice = Callable[[int, int], bytes]  # (records, bytes) dropped, as an event


@dataclass(slots=True)
class _Gap:
    """So much is missing here."""

    records: int = 0
    size_bytes: int = 0


class Mailbox:
    def __init__(self, buffering: Buffering, room_bytes: int, notice: Notice) -> None:
        self.buffering = buffering  # may be replaced at any time
        self._room_bytes = room_bytes
        self._notice = notice
        self._waiting: deque[bytes | _Gap] = deque()
        self._held_bytes = 0  # of the events that wait, with what they cost beside their length
        self._bytes = 0  # of the events that wait
        self._oldest = 0.0  # since when the first one waits
        self._flight: list[bytes | _Gap] = []
        self._tries = 0  # that the batch in flight has had
        self._again_at: float | None = None  # it failed, and is tried again then

    @property
    def is_empty(self) -> bool:
        return not self._waiting and not self._flight

    @property
    def is_full(self) -> bool:
        """So much waits that it need not wait for more."""
        buffering = self.buffering
        return len(self._waiting) >= buffering.max_items or self._bytes >= buffering.max_bytes

    def offer(self, event: bytes, now: float) -> None:
        """Keep the event, or count it if there is no room."""
        cost = len(event) + EVENT_OVERHEAD_BYTES
        if self._held_bytes + cost > self._room_bytes:
            self._drop(len(event), now)
            return
        if not self._waiting:
            self._oldest = now
        self._waiting.append(event)
        self._held_bytes += cost
        self._bytes += len(event)

    def offer_all(self, events: list[bytes], now: float) -> None:
        """offer() each."""
        size_bytes = sum(map(len, events))
        cost = size_bytes + len(events) * EVENT_OVERHEAD_BYTES
        if self._held_bytes + cost > self._room_bytes:
            for event in events:
                self.offer(event, now)
        elif events:
            if not self._waiting:
                self._oldest = now
            self._waiting += events
            self._held_bytes += cost
            self._bytes += size_bytes

    def miss(self, records: int, size_bytes: int, now: float) -> None:
        """Somebody else had no room for so much, before it could be offered here."""
        if not self._waiting:
            self._oldest = now
        self._waiting.append(_Gap(records, size_bytes))

    def due_s(self, now: float, *, hurry: bool = False) -> float | None:
        """How long until something is to be sent; 0: now; None: nothing is waited for.
        `hurry`: no more events will come, so what waits is sent at once."""
        if self._flight:
            return None if self._again_at is None else max(0.0, self._again_at - now)
        if not self._waiting:
            return None
        if hurry or self.is_full:
            return 0.0
        return max(0.0, self._oldest + self.buffering.timeout_ms / 1000 - now)

    def take(self) -> list[bytes]:
        """The batch to send now, as events: the one that failed, else the next. Then say
        acknowledged() or failed()."""
        assert not self._flight or self._again_at is not None, "one batch is in flight"
        self._again_at = None
        if not self._flight:
            self._load()
        return [self._notice(e.records, e.size_bytes) if isinstance(e, _Gap) else e
                for e in self._flight]  # fmt: skip

    def acknowledged(self) -> None:
        self._flight.clear()
        self._tries = 0

    def failed(self, now: float, *, absent: bool = False) -> None:
        """It is tried again after a pause, as often as there are pauses; then it is dropped, and
        a notice takes its place. `absent`: nobody is there to take it yet, so it does not count."""
        if absent:
            self._again_at = now + DELIVERY_PAUSES_S[0]
            return
        if self._tries < len(DELIVERY_PAUSES_S):
            self._again_at = now + DELIVERY_PAUSES_S[self._tries]
            self._tries += 1
            return
        gap = _Gap()
        for event in self._flight:
            _add(gap, event)
        if self._waiting and isinstance(self._waiting[0], _Gap):
            _add(gap, self._waiting.popleft())
        if not self._waiting:
            self._oldest = now
        self._waiting.appendleft(gap)
        self.acknowledged()

    def _load(self) -> None:
        size_bytes, waiting, flight = 0, self._waiting, self._flight
        if len(waiting) <= self.buffering.max_items and self._bytes <= self.buffering.max_bytes:
            flight += waiting  # as most batches are: everything
            waiting.clear()
            self._held_bytes = self._bytes = 0
            return
        while waiting and len(flight) < self.buffering.max_items:
            event = waiting[0]
            if not isinstance(event, _Gap):
                if size_bytes and size_bytes + len(event) > self.buffering.max_bytes:
                    break
                size_bytes += len(event)
                self._held_bytes -= len(event) + EVENT_OVERHEAD_BYTES
            flight.append(waiting.popleft())
        self._bytes -= size_bytes

    def _drop(self, size_bytes: int, now: float) -> None:
        if not self._waiting:
            self._oldest = now
        if not self._waiting or not isinstance(self._waiting[-1], _Gap):
            self._waiting.append(_Gap())
        gap = self._waiting[-1]
        assert isinstance(gap, _Gap)
        gap.records += 1
        gap.size_bytes += size_bytes


def _add(gap: _Gap, event: bytes | _Gap) -> None:
    if isinstance(event, _Gap):
        gap.records += event.records
        gap.size_bytes += event.size_bytes
    else:
        gap.records += 1
        gap.size_bytes += len(event)
