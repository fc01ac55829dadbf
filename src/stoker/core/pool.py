"""Which environment runs a request: a warm one, a new one, or the first to come free.

Pure bookkeeping over `Slot`s (room for one environment) and `Waiter`s (requests not yet served);
what they stand for is the shell's business. The laws it holds:

* only an idle environment of the request's own key is ever used, the last used first;
* an environment that comes free serves who has waited longest for its key, so nobody is kept
  waiting for "its" environment while another is there;
* whoever waits has an environment under way, or stands in line for room (in order);
* only idle environments are evicted, the longest idle first.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

E = TypeVar("E")  # an environment
W = TypeVar("W")  # a request
Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Room:
    """What this machine grants all environments together."""

    environments: int
    memory_mb: int


@dataclass(slots=True, eq=False)
class Slot(Generic[E]):
    """Room taken by one environment, from the decision to make it until it is gone."""

    key: Key
    memory_mb: int
    born: float
    environment: E | None = None  # set by the shell once it is there
    starting: bool = True  # not idle once yet
    in_use: bool = False  # from Serve or use() until it is freed or gone
    idle_since: float = 0.0
    doomed: bool = False  # retire it when it is idle and nobody waits for it


@dataclass(slots=True, eq=False)
class Waiter(Generic[W]):
    request: W
    key: Key
    memory_mb: int
    in_line: bool = False  # stands in line for room


@dataclass(frozen=True, slots=True)
class Begin(Generic[E, W]):
    """Retire what is evicted, and make an environment in this slot."""

    slot: Slot[E]
    waiter: Waiter[W]  # on whose account
    evicted: tuple[Slot[E], ...] = ()


@dataclass(frozen=True, slots=True)
class Serve(Generic[W]):
    """Run this one now."""

    waiter: Waiter[W]


@dataclass(frozen=True, slots=True)
class Retire:
    """Nobody needs it any more; it has been taken out."""


@dataclass(slots=True)
class Pool(Generic[E, W]):
    room: Room
    slots: dict[Slot[E], None] = field(default_factory=dict)
    _idle: dict[Key, list[Slot[E]]] = field(default_factory=dict)  # last used last
    _resting: dict[Slot[E], None] = field(default_factory=dict)  # idle ones, longest first
    _starting: dict[Key, int] = field(default_factory=dict)
    _queues: dict[Key, OrderedDict[Waiter[W], None]] = field(default_factory=dict)
    _line: OrderedDict[Waiter[W], None] = field(default_factory=OrderedDict)
    _memory_mb: int = 0

    def use(self, key: Key) -> Slot[E] | None:
        """The warm environment to run a request of this key now, if there is one."""
        idle = self._idle.get(key)
        if not idle:
            return None
        slot = idle.pop()
        if not idle:
            del self._idle[key]
        del self._resting[slot]
        slot.in_use = True
        return slot

    def wait(self, waiter: Waiter[W], now: float) -> Begin[E, W] | None:
        """Nothing warm is there: begin an environment, or (None) stand in line for room."""
        self._queues.setdefault(waiter.key, OrderedDict())[waiter] = None
        begin = None if self._line else self._begin(waiter, now)
        if begin is None:
            waiter.in_line = True
            self._line[waiter] = None
        return begin

    def withdraw(self, waiter: Waiter[W]) -> bool:
        """It waits no more. False if it was served already."""
        if waiter not in self._queues.get(waiter.key, ()):
            return False
        self._leave(waiter)
        return True

    def freed(
        self, slot: Slot[E], now: float, *, born_before: float = float("-inf")
    ) -> Serve[W] | Retire | None:
        """It is idle: what it does next. None: it stays, warm."""
        self._started(slot)
        slot.in_use = False
        queue = self._queues.get(slot.key)
        if queue:
            waiter = next(iter(queue))
            self._leave(waiter)
            slot.in_use = True
            return Serve(waiter)
        if slot.doomed or slot.born < born_before:
            self._remove(slot)
            return Retire()
        slot.idle_since = now
        self._idle.setdefault(slot.key, []).append(slot)
        self._resting[slot] = None
        return None

    def held(self, slot: Slot[E]) -> None:
        """It was idle, and cannot be used until it is freed again."""
        self._unrest(slot)

    def gone(self, slot: Slot[E]) -> Waiter[W] | None:
        """It is dead, or was never made. Returns (taken out) whom nothing under way can serve."""
        if slot not in self.slots:
            return None
        was_starting, slot.in_use = slot.starting, False
        self._started(slot)
        self._unrest(slot)
        self._remove(slot)
        if not was_starting:
            return None
        orphans = [w for w in self._queues.get(slot.key, ()) if not w.in_line]
        if len(orphans) <= self._starting.get(slot.key, 0):
            return None
        self._leave(orphans[-1])
        return orphans[-1]

    def grant(self, now: float) -> Begin[E, W] | None:
        """Room may have come free: begin for the first in line if it fits now."""
        if not self._line:
            return None
        waiter = next(iter(self._line))
        begin = self._begin(waiter, now)
        if begin is not None:
            del self._line[waiter]
            waiter.in_line = False
        return begin

    def doom(self, slot: Slot[E]) -> bool:
        """Nobody new can ask for it. True: it was idle and is taken out, retire it now."""
        if slot in self._resting:
            self._unrest(slot)
            self._remove(slot)
            return True
        slot.doomed = True
        return False

    def expired(self, *, idle_before: float, born_before: float) -> list[Slot[E]]:
        """Idle environments that are over their time, taken out: retire them."""
        over = [s for s in self._resting if s.idle_since <= idle_before or s.born <= born_before]
        for slot in over:
            self._unrest(slot)
            self._remove(slot)
        return over

    @property
    def idle(self) -> list[Slot[E]]:
        """Longest idle first."""
        return list(self._resting)

    @property
    def in_line(self) -> int:
        """How many wait for room."""
        return len(self._line)

    @property
    def waiters(self) -> list[Waiter[W]]:
        return [waiter for queue in self._queues.values() for waiter in queue]

    @property
    def quiet(self) -> bool:
        """Nobody waits and nothing is in use."""
        return not self._queues and not any(slot.in_use for slot in self.slots)

    def _begin(self, waiter: Waiter[W], now: float) -> Begin[E, W] | None:
        evicted: list[Slot[E]] = []
        count, memory_mb = len(self.slots), self._memory_mb
        for slot in self._resting:
            if self._fits(count, memory_mb + waiter.memory_mb):
                break
            evicted.append(slot)
            count -= 1
            memory_mb -= slot.memory_mb
        if not self._fits(count, memory_mb + waiter.memory_mb):
            return None
        for slot in evicted:
            self._unrest(slot)
            self._remove(slot)
        slot = Slot[E](waiter.key, waiter.memory_mb, born=now)
        self.slots[slot] = None
        self._memory_mb += slot.memory_mb
        self._starting[slot.key] = self._starting.get(slot.key, 0) + 1
        return Begin(slot, waiter, tuple(evicted))

    def _fits(self, count: int, memory_mb: int) -> bool:
        return count < self.room.environments and memory_mb <= self.room.memory_mb

    def _started(self, slot: Slot[E]) -> None:
        if slot.starting:
            slot.starting = False
            self._starting[slot.key] -= 1
            if not self._starting[slot.key]:
                del self._starting[slot.key]

    def _unrest(self, slot: Slot[E]) -> None:
        if slot in self._resting:
            del self._resting[slot]
            idle = self._idle[slot.key]
            idle.remove(slot)
            if not idle:
                del self._idle[slot.key]

    def _remove(self, slot: Slot[E]) -> None:
        del self.slots[slot]
        self._memory_mb -= slot.memory_mb

    def _leave(self, waiter: Waiter[W]) -> None:
        queue = self._queues[waiter.key]
        del queue[waiter]
        if not queue:
            del self._queues[waiter.key]
        self._line.pop(waiter, None)
        waiter.in_line = False
