"""The latest things of each of many, within bounds of bytes. Pure.

    add ──► the ring of its key ──► its oldest goes, where the ring has too much
                                └─► where all have: the oldest of whoever had nothing for longest

To add costs the same however much there is; nothing is looked for.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

SPARE: Final = 32  # this part of the room is made free when there is none
OVERHEAD_BYTES: Final = 1024  # what a thing takes beside its own bytes, counted generously


@dataclass(slots=True)
class _Ring(Generic[T]):
    things: deque[tuple[T, int]] = field(default_factory=deque)  # the oldest first
    size: int = 0


class Latest(Generic[K, T]):
    def __init__(self, most_bytes: int, each_bytes: int, each: int) -> None:
        """In all; of one key; and how many of one key."""
        self.size = 0
        self._most_bytes = most_bytes
        self._each_bytes = min(each_bytes, most_bytes)
        self._each = each
        self._rings: OrderedDict[K, _Ring[T]] = OrderedDict()  # who has the newest is last
        self._newest: _Ring[T] | None = None

    def fits(self, size: int) -> bool:
        """Whether a thing of so many bytes may be kept at all."""
        return size + OVERHEAD_BYTES <= self._each_bytes

    def add(self, key: K, thing: T, size: int) -> None:
        """Keep it. What does not fit is not kept."""
        size += OVERHEAD_BYTES
        if size > self._each_bytes:
            return
        ring = self._rings.get(key)
        if ring is None:
            ring = self._rings[key] = _Ring()
        elif ring is not self._newest:
            self._rings.move_to_end(key)
        self._newest = ring
        things = ring.things
        things.append((thing, size))
        more, of_ring = size, ring.size + size
        while of_ring > self._each_bytes or len(things) > self._each:
            gone = things.popleft()[1]
            of_ring -= gone
            more -= gone
        ring.size = of_ring
        self.size += more
        if self.size > self._most_bytes:
            self._make_room()

    def of(self, key: K) -> list[T]:
        """The newest first."""
        ring = self._rings.get(key)
        return [] if ring is None else [thing for thing, _ in reversed(ring.things)]

    def __iter__(self) -> Iterator[K]:
        """The keys; who has the newest is last."""
        return iter(self._rings)

    def count(self, key: K) -> int:
        ring = self._rings.get(key)
        return 0 if ring is None else len(ring.things)

    def remove(self, key: K, thing: T) -> None:
        """If it is still there."""
        ring = self._rings.get(key)
        if ring is None:
            return
        for number, (one, size) in enumerate(ring.things):
            if one is thing:
                del ring.things[number]
                ring.size -= size
                self.size -= size
                break
        if not ring.things:
            del self._rings[key]

    def forget(self, key: K) -> None:
        """All of this one."""
        ring = self._rings.pop(key, None)
        if ring is not None:
            self.size -= ring.size

    def _make_room(self) -> None:
        """And a little more, so that it is not done for every thing."""
        enough = self._most_bytes - self._most_bytes // SPARE
        while self.size > enough:
            key, ring = next(iter(self._rings.items()))
            while ring.things and self.size > enough:
                _, size = ring.things.popleft()
                ring.size -= size
                self.size -= size
            if not ring.things:
                del self._rings[key]
