"""The messages of one queue: which may be received now, which later, and which never again. Pure.

    sent ──(delay)──► visible ──received──► in flight ──deleted──► gone
                         ▲                      │
                         └─────(visibility)─────┘   received too often ──► the dead-letter queue

A FIFO queue has the same states, and one rule more: while a message of a group is in flight or
delayed, none behind it in that group is visible. So a group is a line with one head; the groups
whose head is visible stand in line themselves.

Times are seconds of the epoch. What a message says is not here (store/message_store.py).
"""

import heapq
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

IN_FLIGHT = 120_000  # AWS: of one queue


@dataclass(slots=True, eq=False)
class Message:
    id: int  # rises with every message that is sent; also the order of a FIFO queue
    sent: float
    visible: float  # from then on; 0: it is
    size: int
    group: str | None = None  # of a FIFO queue
    receives: int = 0
    first_received: float = 0.0
    receipt: str = ""  # of the latest receive
    flying: bool = False  # it was received, and its visibility timeout is not over
    gone: bool = False


@dataclass(slots=True)
class _Group:
    line: deque[Message] = field(default_factory=deque)  # not in flight, in the order of sending
    in_flight: int = 0


@dataclass(slots=True)
class MessageQueue:
    fifo: bool = False
    all: OrderedDict[int, Message] = field(default_factory=OrderedDict)  # the oldest first
    in_flight: int = 0
    delayed: int = 0  # neither visible yet nor in flight
    size_bytes: int = 0
    _ready: deque[Message] = field(default_factory=deque)  # of a standard queue
    _groups: dict[str, _Group] = field(default_factory=dict)
    _open: OrderedDict[str, None] = field(default_factory=OrderedDict)  # groups to be looked at
    _later: list[tuple[float, int, Message]] = field(default_factory=list)
    _ticket: Iterator[int] = field(default_factory=count)

    def add(self, message: Message, now: float) -> None:
        """It was sent, or kept from an earlier life (then perhaps in flight)."""
        self.all[message.id] = message
        self.size_bytes += message.size
        message.flying = bool(message.receipt) and message.visible > now
        if message.flying:
            self.in_flight += 1
        if self.fifo:
            group = self._group(message)
            if message.flying:
                group.in_flight += 1
            else:
                group.line.append(message)
        if message.visible > now:
            self.delayed += not message.flying
            self._wait(message)
        else:
            message.visible = 0.0
            self._offer(message)

    def receive(self, most: int, now: float, until: float) -> list[Message]:
        """Up to so many visible messages; they are in flight then."""
        self.advance(now)
        found: list[Message] = []
        if self.in_flight >= IN_FLIGHT:
            return found
        while len(found) < most and self._ready:
            message = self._ready.popleft()
            if not message.gone:
                found.append(message)
        while len(found) < most and self._open:
            name, _ = self._open.popitem(last=False)
            found += self._take_line(name, most - len(found), now)
        later, ticket = self._later, self._ticket
        for message in found:
            message.visible, message.flying = until, True
            heapq.heappush(later, (until, next(ticket), message))
            if self.fifo:
                self._groups[message.group or ""].in_flight += 1
        self.in_flight += len(found)
        return found

    def change(self, message: Message, until: float, now: float) -> None:
        """A message in flight stays so until another time; if that is now, it is visible."""
        assert message.flying
        message.visible = until
        if until <= now:
            self._land(message)
        else:
            self._wait(message)

    def remove(self, message: Message) -> None:
        """It was deleted, has expired, or is another queue's now."""
        if message.gone:
            return
        message.gone = True
        del self.all[message.id]
        self.size_bytes -= message.size
        if message.flying:
            self._unfly(message)
            return
        self.delayed -= message.visible > 0
        if self.fifo:
            group = self._groups[message.group or ""]
            group.line.remove(message)
            self._reopen(message.group or "")

    def advance(self, now: float) -> None:
        """What was delayed or in flight until now is visible."""
        while self._later and self._later[0][0] <= now:
            due, _, message = heapq.heappop(self._later)
            if message.gone or message.visible != due:
                continue  # it was deleted, or its time was changed
            if message.flying:
                self._land(message)
            else:
                message.visible = 0.0
                self.delayed -= 1
                self._offer(message)

    def expired(self, now: float, max_age: float) -> list[Message]:
        """Those at the old end that nobody may receive any more."""
        found = []
        for message in self.all.values():
            if message.sent + max_age > now:
                break
            found.append(message)
        return found

    def next_at(self) -> float | None:
        """When `advance` may have something to do."""
        while self._later and (
            self._later[0][2].gone or self._later[0][2].visible != self._later[0][0]
        ):
            heapq.heappop(self._later)
        return self._later[0][0] if self._later else None

    def any_visible(self, now: float) -> bool:
        """Whether `receive` would find one (after `advance`)."""
        if self.in_flight >= IN_FLIGHT:
            return False
        while self._ready and self._ready[0].gone:
            self._ready.popleft()
        if self._ready:
            return True
        return any(
            line and line[0].visible <= now
            for line in (self._groups[name].line for name in self._open if name in self._groups)
        )

    def counts(self, now: float) -> tuple[int, int, int]:
        """Visible (also behind others of a group), in flight, delayed."""
        self.advance(now)
        return len(self.all) - self.in_flight - self.delayed, self.in_flight, self.delayed

    # --- the ways between the states ------------------------------------------------------------

    def _land(self, message: Message) -> None:
        """It is not in flight any more, and visible."""
        message.visible = 0.0  # so that no older time of it counts again
        self._unfly(message)
        if self.fifo:
            line = self._group(message).line
            at = next((n for n, other in enumerate(line) if other.id > message.id), len(line))
            line.insert(at, message)
        self._offer(message)

    def _unfly(self, message: Message) -> None:
        message.flying = False
        self.in_flight -= 1
        if self.fifo:
            name = message.group or ""
            self._groups[name].in_flight -= 1
            self._reopen(name)

    def _wait(self, message: Message) -> None:
        heapq.heappush(self._later, (message.visible, next(self._ticket), message))

    def _offer(self, message: Message) -> None:
        if self.fifo:
            self._reopen(message.group or "")
        else:
            self._ready.append(message)

    def _group(self, message: Message) -> _Group:
        return self._groups.setdefault(message.group or "", _Group())

    def _reopen(self, name: str) -> None:
        group = self._groups.get(name)
        if group is None or group.in_flight:
            return
        if group.line:
            self._open.setdefault(name)
        else:
            self._open.pop(name, None)
            del self._groups[name]

    def _take_line(self, name: str, most: int, now: float) -> list[Message]:
        """The first ones of a group, as far as they are visible."""
        line = self._groups[name].line
        found: list[Message] = []
        while line and len(found) < most and line[0].visible <= now:
            found.append(line.popleft())
        return found
