"""The segments of traces as they come: the latest ones, in memory, for those who look.

    Environment ──► Traces ──► find(): GET /_stoker/api/traces
                      └──────► take() before long ──► TraceStore: X-Ray's API

Each function has a bounded share, so that none can push out another's; where all together are
too much, the function that keeps most loses its oldest. What gives way before it was taken is lost.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from stoker.core.tracing import Segment

FUNCTION_SEGMENTS = 1000
FUNCTION_BYTES = 4 * 1024 * 1024
ALL_BYTES = 64 * 1024 * 1024
_OVERHEAD_BYTES = 500  # of one segment, in Python's memory


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose segments they are."""

    account: str
    region: str
    function: str


@dataclass(frozen=True, slots=True)
class Kept:
    owner: Owner
    segment: Segment
    came_ms: int  # epoch
    number: int = 0  # in the order in which they came

    @property
    def size_bytes(self) -> int:
        return len(self.segment.text) + _OVERHEAD_BYTES


@dataclass(slots=True)
class _Share:
    kept: deque[Kept] = field(default_factory=deque)
    size_bytes: int = 0

    def add(self, one: Kept) -> None:
        self.kept.append(one)
        self.size_bytes += one.size_bytes
        while len(self.kept) > FUNCTION_SEGMENTS or self.size_bytes > FUNCTION_BYTES:
            self.drop()

    def drop(self) -> None:
        self.size_bytes -= self.kept.popleft().size_bytes


class Traces:
    def __init__(self, most_bytes: int = ALL_BYTES) -> None:
        self._most_bytes = most_bytes
        self._shares: dict[Owner, _Share] = {}
        self._size_bytes = 0
        self._last = self._taken = 0  # numbers
        self.came: Callable[[], None] = _nobody  # there is something to take

    def put(self, owner: Owner, segment: Segment, came_ms: int) -> None:
        self._last += 1
        share = self._shares.setdefault(owner, _Share())
        self._size_bytes -= share.size_bytes
        share.add(Kept(owner, segment, came_ms, self._last))
        self._size_bytes += share.size_bytes
        while self._size_bytes > self._most_bytes:
            self._make_room()
        self.came()

    def take(self) -> list[Kept]:
        """What has come since the last time, in that order, as far as it is still there."""
        if self._taken == self._last:
            return []
        found: list[Kept] = []
        for share in self._shares.values():
            for one in reversed(share.kept):
                if one.number <= self._taken:
                    break
                found.append(one)
        self._taken = self._last
        return sorted(found, key=lambda one: one.number)

    def find(self, *, function: str | None = None, trace_id: str | None = None) -> list[Kept]:
        """In the order in which they came; None: of any."""
        found = [
            one
            for owner, share in self._shares.items()
            if function is None or owner.function == function
            for one in share.kept
            if trace_id is None or one.segment.trace_id == trace_id
        ]
        return sorted(found, key=lambda one: one.came_ms)

    def _make_room(self) -> None:
        owner, largest = max(self._shares.items(), key=lambda item: item[1].size_bytes)
        before = largest.size_bytes
        largest.drop()
        self._size_bytes -= before - largest.size_bytes
        if not largest.kept:
            del self._shares[owner]


def _nobody() -> None:
    """Nobody takes what comes."""
