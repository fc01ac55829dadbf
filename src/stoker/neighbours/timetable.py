"""In the child: what is due when, and the thread that waits for it.

put ──► entries ──► waiting (a heap: moments, and what is due in their windows)
                      │  one thread, asleep until the first of them or until put() wakes it
                      ▼
                    a few threads that carry out
"""

import heapq
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import count
from random import random

from stoker.core.recurrence import Plan

LONGEST_S = 60.0  # asleep: the clock may have been set
MOST_ENTRIES = 10_000
MOST_OPEN = 10_000  # moments that have come: more are left out, and said
THREADS = 4


@dataclass(eq=False, slots=True)
class Entry:
    """Something to be carried out by a plan."""

    plan: Plan
    carry_out: Callable[[datetime], None]  # with the planned moment
    over: Callable[[], None] = lambda: None  # after the last time
    open: int = field(default=0, init=False)  # moments that have come and are not carried out
    ended: bool = field(default=False, init=False)  # there is no other


@dataclass(order=True, slots=True)
class _Waiting:
    due: float
    number: int
    name: str = field(compare=False)
    entry: Entry = field(compare=False)
    moment: datetime = field(compare=False)
    planned: bool = field(compare=False)  # its moment comes; else it is carried out


class Timetable:
    def __init__(
        self, complain: Callable[[str, BaseException | str], None],
        done: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """`complain` of an entry by its name, and why. What carry_out raises goes there, too.
        `done`: something was carried out."""
        self._complain = complain
        self._done = done
        self._changed = threading.Condition()
        self._entries: dict[str, Entry] = {}
        self._waiting: list[_Waiting] = []
        self._numbers = count()
        self._open = 0
        self._workers = ThreadPoolExecutor(THREADS, "schedules")
        self._thread = threading.Thread(target=self._run, name="timetable", daemon=True)
        self._ended = False

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Wait for what is being carried out; the rest is not."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()
        self._workers.shutdown(cancel_futures=True)

    @property
    def is_full(self) -> bool:
        return len(self._entries) >= MOST_ENTRIES

    @property
    def waiting(self) -> int:
        """How much is kept, what was replaced and removed and not yet forgotten included."""
        return len(self._waiting)

    @property
    def is_needed(self) -> bool:
        """Does anything wait for its time?"""
        return bool(self._waiting)

    def put(self, name: str, entry: Entry, stopped: float | None = None) -> None:
        """In the place of what has that name, which is forgotten. Ask is_full before. `stopped`:
        it was carried out until then, by somebody before us."""
        plan = entry.plan
        first = plan.first() if stopped is None else plan.resumed(stopped, time.time())
        with self._changed:
            self._entries[name] = entry
            if first is not None:
                self._push(entry.plan.due(first), name, entry, first, planned=True)
            self._changed.notify()

    def remove(self, name: str) -> None:
        with self._changed:
            self._entries.pop(name, None)

    def _push(
        self, due: float, name: str, entry: Entry, moment: datetime, *, planned: bool
    ) -> None:
        if len(self._waiting) > 2 * (len(self._entries) + self._open) + 100:
            self._forget_stale()
        one = _Waiting(due, next(self._numbers), name, entry, moment, planned)
        heapq.heappush(self._waiting, one)

    def _forget_stale(self) -> None:
        """What was replaced or removed would else stay until its time comes."""
        live = [one for one in self._waiting if self._is_live(one)]
        self._open -= sum(not one.planned for one in self._waiting if not self._is_live(one))
        heapq.heapify(live)
        self._waiting = live

    def _is_live(self, one: _Waiting) -> bool:
        return self._entries.get(one.name) is one.entry

    def _run(self) -> None:
        while (reached := self._next()) is not None:
            if reached.planned:
                self._plan_on(reached)
            else:
                work = self._workers.submit(reached.entry.carry_out, reached.moment)
                work.add_done_callback(partial(self._carried_out, reached))

    def _next(self) -> _Waiting | None:
        """Wait for what is due next; None at the end."""
        with self._changed:
            while not self._ended:
                if not self._waiting:
                    self._changed.wait()
                    continue
                first = self._waiting[0]
                left_s = first.due - time.time()
                if left_s > 0:
                    self._changed.wait(min(left_s, LONGEST_S))
                    continue
                heapq.heappop(self._waiting)
                if self._is_live(first):
                    return first
                self._open -= not first.planned
        return None

    def _plan_on(self, reached: _Waiting) -> None:
        """A moment has come: it is due somewhere in its window, and then there is the next one."""
        name, entry, moment = reached.name, reached.entry, reached.moment
        following = entry.plan.next(moment, time.time())
        with self._changed:
            entry.ended = following is None
            if following is not None:
                self._push(entry.plan.due(following), name, entry, following, planned=True)
            if self._open >= MOST_OPEN:
                self._complain(name, f"{MOST_OPEN} invocations wait for their time already")
                return
            entry.open += 1
            self._open += 1
            self._push(entry.plan.due(moment, random()), name, entry, moment, planned=False)

    def _carried_out(self, reached: _Waiting, work: Future[None]) -> None:
        if work.cancelled():  # at the end
            return
        if (failure := work.exception()) is not None:
            self._complain(reached.name, failure)
        entry = reached.entry
        with self._changed:
            self._open -= 1
            entry.open -= 1
            is_over = entry.ended and not entry.open and self._is_live(reached)
            if is_over:
                del self._entries[reached.name]
        if is_over:
            entry.over()
        self._done()
