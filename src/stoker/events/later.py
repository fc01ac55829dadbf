"""Events that are to be run again, by when they are due."""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from stoker.core.async_events import Progress
from stoker.core.model import FunctionKey
from stoker.events.clock import Alarm, Clock
from stoker.store.event_queue import Content, Waiting


@dataclass(slots=True, eq=False)
class Held:
    """An event that waits, or runs."""

    id: int
    qualifier: str | None
    size: int
    progress: Progress
    content: Content | None = None  # None: on the disk only
    gone: bool = False  # it was discarded

    @classmethod
    def of(cls, waiting: Waiting) -> "Held":
        return cls(waiting.id, waiting.qualifier, waiting.size, waiting.progress)


class Later:
    """`pause()` when nothing more is to become due."""

    def __init__(self, clock: Clock, due: Callable[[FunctionKey, Held], None]) -> None:
        self.many: Counter[FunctionKey] = Counter()  # of those that have any
        self._clock = clock
        self._due = due
        self._heap: list[tuple[float, int, FunctionKey, Held]] = []
        self._alarm: Alarm | None = None
        self._alarm_at = 0.0
        self._paused = False

    def add(self, due: float, key: FunctionKey, held: Held) -> None:
        heapq.heappush(self._heap, (due, held.id, key, held))
        self.many[key] += 1
        self._set_alarm()

    def discard(self, key: FunctionKey, id: int) -> Held | None:
        """Forget it, if it is here. It takes as long as there are events."""
        for _, number, its_key, held in self._heap:
            if number == id and its_key == key and not held.gone:
                held.gone = True
                self._count_off(key)
                return held
        return None

    def pause(self) -> None:
        self._paused = True
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _count_off(self, key: FunctionKey) -> None:
        self.many[key] -= 1
        if not self.many[key]:
            del self.many[key]

    def _set_alarm(self) -> None:
        if not self._heap or self._paused:
            return
        due = self._heap[0][0]
        if self._alarm is not None:
            if self._alarm_at <= due:
                return
            self._alarm.cancel()
        self._alarm_at = due
        self._alarm = self._clock.call_later(max(0.0, due - self._clock.now()), self._ring)

    def _ring(self) -> None:
        self._alarm = None
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            _, _, key, held = heapq.heappop(self._heap)
            if not held.gone:
                self._count_off(key)
                self._due(key, held)
        self._set_alarm()
