"""The events of one function that are due, and how many of them may run at a time. Pure.

A function starts with EVENTS_AT_FIRST. Where all of these run and none has ended for a while,
they are slow for what waits, and twice as many may run, up to EVENTS_AT_A_TIME; a fast function
keeps the few environments that it needs, however long its queue is. Reserved concurrency is the
ceiling in any case (invoke/admission.py), and the only one where it is set.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from stoker.core.limits import EVENTS_AT_A_TIME, EVENTS_AT_FIRST

E = TypeVar("E")


@dataclass(slots=True)
class Lane(Generic[E]):
    waiting: deque[E] = field(default_factory=deque)  # due, the first to run first
    running: int = 0
    width: int = EVENTS_AT_FIRST
    ended: int = 0  # how many runs have come to an end

    @property
    def empty(self) -> bool:
        return not self.waiting and not self.running

    @property
    def full(self) -> bool:
        """More would run if more might."""
        return bool(self.waiting) and self.running >= self.width

    def room(self, admitted: int, *, reserved: bool) -> int:
        """How many may be started now; `admitted`: as far as concurrency goes."""
        own = admitted if reserved else min(admitted, self.width - self.running)
        return max(0, min(own, len(self.waiting)))

    def widened(self, ended_before: int) -> bool:
        """A while has gone by since `ended` was looked at. Say whether more may run now."""
        if self.full and self.ended == ended_before and self.width < EVENTS_AT_A_TIME:
            self.width = min(self.width * 2, EVENTS_AT_A_TIME)
            return True
        return False
