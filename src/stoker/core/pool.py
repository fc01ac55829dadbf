"""Which environment runs a request: a warm one, a new one, or the first to come free.

Pure bookkeeping over `Slot`s (room for one environment) and `Waiter`s (requests not yet served);
what they stand for is the shell's business. The laws it holds:

* only an idle environment of the request's own key is ever used, the last used first;
* an environment that comes free serves who has waited longest for its key, so nobody is kept
  waiting for "its" environment while another is there (a new one serves first who counts on it);
* whoever waits is covered by an environment under way, or gives one that has answered a moment
  to come free, or stands in line for room;
* only idle environments are evicted, the longest idle first; one that others used just now is
  taken only by who has none at all: a crowd that wants more does not make the others cold;
* an environment that is provisioned is used before any other, and is not evicted. Nobody counts
  on one that is still starting: its init may take long, and on demand is there meanwhile.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Generic, TypeVar

E = TypeVar("E")  # an environment
W = TypeVar("W")  # a request
Key = tuple[str, ...]
KEPT_S = 5.0  # an environment that was used within that is kept from crowds
BELIEVED_S = 60.0  # so long, what was seen of the machine's memory may be taken to be there
EACH_MB = 32  # of the machine's own memory, what one environment is taken to need at least


@dataclass(frozen=True, slots=True)
class Room:
    """What this machine grants all environments together."""

    environments: int
    memory_mb: int  # MemorySize of all of them
    spare_mb: int = 0  # of the machine's own memory, what is left for all else


@dataclass(slots=True, eq=False)
class Slot(Generic[E]):
    """Room taken by one environment, from the decision to make it until it is gone."""

    key: Key
    memory_mb: int
    born: float
    environment: E | None = None  # set by the shell once it is there
    starting: bool = True  # not idle once yet
    in_use: bool = False  # from Serve or use() until it is freed or gone
    answered: bool = False  # in use, but its caller is served: it will be free in a moment
    idle: bool = False
    idle_since: float = 0.0
    used_at: float = float("-inf")  # when it was freed of a request last
    doomed: bool = False  # retire it when it is idle and nobody waits for it
    provisioned: bool = False  # made ahead, and kept
    covers: bool = True  # while it starts, whoever waits may count on it


class Waits(Enum):
    """What a request waits for."""

    COVERED = auto()  # an environment under way: there is one for each that is covered
    A_MOMENT = auto()  # one that has answered to come free; then impatient() is due
    IN_LINE = auto()  # room
    NO_MORE = auto()
    TOO_FAST = auto()  # nothing: its function may not have one more environment yet


@dataclass(slots=True, eq=False)
class Waiter(Generic[W]):
    request: W
    key: Key
    memory_mb: int
    waits: Waits = Waits.NO_MORE


@dataclass(frozen=True, slots=True)
class Begin(Generic[E]):
    """Retire what is evicted, and make an environment in this slot."""

    slot: Slot[E]
    evicted: tuple[Slot[E], ...] = ()


@dataclass(frozen=True, slots=True)
class Grant(Generic[E, W]):
    """There is room for this one at last."""

    begin: Begin[E]
    waiter: Waiter[W]


@dataclass(frozen=True, slots=True)
class Serve(Generic[W]):
    """Run this one now."""

    waiter: Waiter[W]


@dataclass(frozen=True, slots=True)
class Retire:
    """Nobody needs it any more; it has been taken out."""


@dataclass(slots=True)
class _Count:
    """Of one key."""

    starting: int = 0  # slots not idle once yet
    answered: int = 0  # slots about to come free
    covered: int = 0  # waiters that count on a starting one
    patient: int = 0  # waiters that count on an answered one

    @property
    def surplus(self) -> bool:
        """An environment is under way that nobody counts on."""
        return self.starting > self.covered


@dataclass(slots=True)
class Pool(Generic[E, W]):
    room: Room
    may_grow: Callable[[Key, float], bool] = lambda _key, _now: True  # core/scaling.py
    # What the machine has left; an environment on its way there is not in it yet.
    free_mb: Callable[[], float] = lambda: float("inf")
    slots: dict[Slot[E], None] = field(default_factory=dict)
    _idle: dict[Key, list[Slot[E]]] = field(default_factory=dict)  # last used last
    _resting: dict[Slot[E], None] = field(default_factory=dict)  # idle ones, longest first
    _ready: dict[Key, list[Slot[E]]] = field(default_factory=dict)  # idle provisioned ones
    _queues: dict[Key, OrderedDict[Waiter[W], None]] = field(default_factory=dict)
    _line: OrderedDict[Waiter[W], None] = field(default_factory=OrderedDict)
    _counts: dict[Key, _Count] = field(default_factory=dict)
    _owned: Counter[Key] = field(default_factory=Counter)  # slots of each key
    _memory_mb: int = 0
    _starting: int = 0  # of all keys
    _seen_mb: float = float("-inf")  # of free_mb, while nobody began since
    _seen_at: float = float("-inf")

    # --- requests -----------------------------------------------------------------------------

    def use(self, key: Key) -> Slot[E] | None:
        """The warm environment to run a request of this key now, if there is one."""
        ready = self._ready.get(key)
        if ready:
            slot = ready[-1]
        else:
            idle = self._idle.get(key)
            if not idle:
                return None
            slot = idle[-1]
        self._unrest(slot)
        slot.in_use = True
        return slot

    def wait(self, waiter: Waiter[W], now: float) -> Begin[E] | None:
        """Nothing warm is there: begin an environment, or (None) see what `waiter` waits for.
        If that is TOO_FAST, it is out again, and to be refused."""
        self._queues.setdefault(waiter.key, OrderedDict())[waiter] = None
        count = self._counts.get(waiter.key)
        if count is not None and count.answered > count.patient:
            count.patient += 1
            waiter.waits = Waits.A_MOMENT
            return None
        return self._provide(waiter, now)

    def impatient(self, waiter: Waiter[W], now: float) -> Begin[E] | None:
        """The moment is over, in which it may have been served."""
        if waiter.waits is not Waits.A_MOMENT:
            return None
        self._counts[waiter.key].patient -= 1
        return self._provide(waiter, now)

    def withdraw(self, waiter: Waiter[W]) -> bool:
        """It waits no more. False if it was served already."""
        if waiter.waits in (Waits.NO_MORE, Waits.TOO_FAST):
            return False
        self._leave(waiter)
        return True

    def grant(self, now: float) -> Grant[E, W] | None:
        """Room may have come free: begin for the first in line who needs it, if it fits now."""
        while self._line:
            waiter = next(iter(self._line))
            if self._counts[waiter.key].surplus:
                self._cover(waiter)
                continue
            begin = self._begin(waiter.key, waiter.memory_mb, now)
            if begin is None:
                return None
            self._cover(waiter)
            return Grant(begin, waiter)
        return None

    # --- environments -------------------------------------------------------------------------

    def answered(self, slot: Slot[E]) -> None:
        """The caller of what runs there has its answer."""
        if slot.in_use and not slot.answered:
            slot.answered = True
            self._count(slot.key).answered += 1

    def freed(
        self, slot: Slot[E], now: float, *, born_before: float = float("-inf")
    ) -> Serve[W] | Retire | None:
        """It is idle: what it does next. None: it stays, warm."""
        was_counted_on = slot.starting and slot.covers
        if slot.in_use:
            slot.used_at = now
        self._free(slot)
        queue = self._queues.get(slot.key)
        if queue:
            waiter = next(iter(queue))
            if was_counted_on and self._counts[slot.key].covered:
                waiter = next(w for w in queue if w.waits is Waits.COVERED)
            self._leave(waiter)
            slot.in_use = True
            return Serve(waiter)
        if slot.doomed or slot.born < born_before:
            self._remove(slot)
            return Retire()
        self._rest(slot, now)
        return None

    def needless(self, slot: Slot[E]) -> bool:
        """Nobody counts on it any more: others came free before it was begun."""
        count = self._counts.get(slot.key)
        return slot.starting and slot.covers and count is not None and count.surplus

    def held(self, slot: Slot[E]) -> None:
        """It was idle, and cannot be used until it is freed again."""
        self._unrest(slot)

    def gone(self, slot: Slot[E]) -> Waiter[W] | None:
        """It is dead, or was never made. Returns (taken out) whom nothing under way can serve."""
        if slot not in self.slots:
            return None
        self._free(slot)
        self._unrest(slot)
        self._remove(slot)
        count = self._counts.get(slot.key)
        if count is None or count.covered <= count.starting:
            return None
        queue = self._queues[slot.key]
        orphan = next(w for w in reversed(queue) if w.waits is Waits.COVERED)
        self._leave(orphan)
        return orphan

    def doom(self, slot: Slot[E]) -> bool:
        """Nobody new can ask for it. True: it was idle and is taken out, retire it now."""
        if slot.idle:
            self._unrest(slot)
            self._remove(slot)
            return True
        slot.doomed, slot.provisioned = True, False
        return False

    @property
    def unseen(self) -> bool:
        """look() is of use: it was not done since somebody began, and all who did are there."""
        return self._seen_mb == float("-inf") and not self._starting

    def look(self, now: float) -> None:
        """See ahead what the machine has left: a look takes longer than whoever begins next should
        have to wait."""
        if self.unseen:
            self._seen_mb, self._seen_at = self.free_mb(), now

    def provision(self, key: Key, memory_mb: int, now: float) -> Begin[E] | None:
        """Begin an environment that nobody waits for, and keep it; None: there is no room."""
        begin = None if self._line else self._begin(key, memory_mb, now, covers=False)
        if begin is not None:
            begin.slot.provisioned = True
        return begin

    def expired(self, *, idle_before: float, born_before: float) -> list[Slot[E]]:
        """Idle environments that are over their time, taken out: retire them."""
        over = [s for s in self._resting if s.idle_since <= idle_before or s.born <= born_before]
        over += [slot for slot in self.ready if slot.born <= born_before]
        for slot in over:
            self._unrest(slot)
            self._remove(slot)
        return over

    def set_aside(self, memory_mb: int) -> None:
        """So much of the room is taken by others (negative: no more)."""
        self._memory_mb += memory_mb

    # --- to look at ---------------------------------------------------------------------------

    @property
    def idle(self) -> list[Slot[E]]:
        """Longest idle first."""
        return list(self._resting)

    @property
    def ready(self) -> list[Slot[E]]:
        """Idle, and provisioned."""
        return [slot for ready in self._ready.values() for slot in ready]

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

    # --- inside -------------------------------------------------------------------------------

    def _provide(self, waiter: Waiter[W], now: float) -> Begin[E] | None:
        """Count on what is under way, or begin more, or stand in line."""
        count = self._count(waiter.key)
        if count.surplus:
            self._cover(waiter)
            return None
        if not self.may_grow(waiter.key, now):
            self._leave(waiter)
            waiter.waits = Waits.TOO_FAST
            return None
        begin = None if self._line else self._begin(waiter.key, waiter.memory_mb, now)
        if begin is not None:
            self._cover(waiter)
        else:
            waiter.waits = Waits.IN_LINE
            self._line[waiter] = None
        return begin

    def _begin(
        self, key: Key, memory_mb: int, now: float, *, covers: bool = True
    ) -> Begin[E] | None:
        evicted: list[Slot[E]] = []
        count, total_mb = len(self.slots) + 1, self._memory_mb + memory_mb
        free_mb = self._left_mb(self.room.spare_mb + EACH_MB * (self._starting + 1), now)
        for slot in self._resting:
            recent = slot.key != key and now - slot.idle_since < KEPT_S
            if self._fits(count, total_mb, free_mb) or (recent and self._owned[key]):
                break
            evicted.append(slot)
            count -= 1
            total_mb -= slot.memory_mb
            free_mb += EACH_MB
        if not self._fits(count, total_mb, free_mb):
            return None
        for slot in evicted:
            self._unrest(slot)
            self._remove(slot)
        slot = Slot[E](key, memory_mb, born=now, covers=covers)
        self.slots[slot] = None
        self._owned[key] += 1
        self._memory_mb += slot.memory_mb
        self._starting += 1
        self._seen_mb = float("-inf")
        if covers:
            self._count(slot.key).starting += 1
        return Begin(slot, tuple(evicted))

    def _left_mb(self, needed_mb: int, now: float) -> float:
        """What the machine has beyond this."""
        if self._seen_mb < needed_mb or now - self._seen_at > BELIEVED_S:
            return self.free_mb() - needed_mb
        return self._seen_mb - needed_mb

    def _fits(self, count: int, memory_mb: int, free_mb: float) -> bool:
        room = self.room
        return count <= room.environments and memory_mb <= room.memory_mb and free_mb >= 0

    def _cover(self, waiter: Waiter[W]) -> None:
        self._line.pop(waiter, None)
        waiter.waits = Waits.COVERED
        self._counts[waiter.key].covered += 1

    def _leave(self, waiter: Waiter[W]) -> None:
        queue = self._queues[waiter.key]
        del queue[waiter]
        if not queue:
            del self._queues[waiter.key]
        self._line.pop(waiter, None)
        count = self._counts[waiter.key]
        if waiter.waits is Waits.COVERED:
            count.covered -= 1
        elif waiter.waits is Waits.A_MOMENT:
            count.patient -= 1
        waiter.waits = Waits.NO_MORE
        self._tidy(waiter.key)

    def _count(self, key: Key) -> _Count:
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count()
        return count

    def _free(self, slot: Slot[E]) -> None:
        """It neither starts nor runs anything any more."""
        slot.in_use = False
        if slot.starting:
            slot.starting = False
            self._starting -= 1
            if slot.covers:
                self._counts[slot.key].starting -= 1
        if slot.answered:
            slot.answered = False
            self._counts[slot.key].answered -= 1

    def _rest(self, slot: Slot[E], since: float) -> None:
        slot.idle, slot.idle_since = True, since
        if slot.provisioned:
            self._ready.setdefault(slot.key, []).append(slot)
        else:
            self._idle.setdefault(slot.key, []).append(slot)
            self._resting[slot] = None

    def _unrest(self, slot: Slot[E]) -> None:
        if not slot.idle:
            return
        slot.idle = False
        kind = self._ready if slot.provisioned else self._idle
        idle = kind[slot.key]
        if idle[-1] is slot:
            idle.pop()
        else:
            idle.remove(slot)
        if not idle:
            del kind[slot.key]
        if not slot.provisioned:
            del self._resting[slot]

    def _remove(self, slot: Slot[E]) -> None:
        del self.slots[slot]
        self._owned[slot.key] -= 1
        if not self._owned[slot.key]:
            del self._owned[slot.key]
        self._memory_mb -= slot.memory_mb
        self._tidy(slot.key)

    def _tidy(self, key: Key) -> None:
        if key not in self._queues and self._counts.get(key) == _Count():
            del self._counts[key]
