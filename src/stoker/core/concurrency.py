"""How many invocations may run at a time: one account's in one region.

    limit ├── reserved for a ──┤── reserved for b ──┤──────── for everybody else ────────┤

A reservation is a guarantee and a ceiling. What one function runs beyond its reservation (all
of it, without one) counts on what is left for everybody; so a function whose reservation was
cut while it ran takes from the others until it is back within it, and never from another's.
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from stoker.core.errors import InvalidParameterValueException


class Answer(Enum):
    YES = auto()
    OVER_RESERVATION = auto()
    OVER_LIMIT = auto()


# Looking up a member of an Enum costs as much as the rest of admit().
_YES, _OVER_RESERVATION, _OVER_LIMIT = Answer


@dataclass(slots=True)
class Concurrency:
    limit: int
    _reserved: dict[str, int] = field(init=False, default_factory=dict)
    _running: dict[str, int] = field(init=False, default_factory=dict)
    _set_aside: int = field(init=False, default=0)  # the sum of all reservations
    _shared: int = field(init=False, default=0)  # what runs beyond reservations

    @property
    def running(self) -> int:
        return sum(self._running.values())

    @property
    def idle(self) -> bool:
        """Nothing is known of it that a new one would not know."""
        return not self._running and not self._reserved

    def admit(self, function: str) -> Answer:
        """Take a unit for this function, if there is one."""
        running = self._running.get(function, 0)
        if function in self._reserved:
            if running >= self._reserved[function]:
                return _OVER_RESERVATION
        else:
            if self._shared + self._set_aside >= self.limit:
                return _OVER_LIMIT
            self._shared += 1
        self._running[function] = running + 1
        return _YES

    def release(self, function: str) -> None:
        """Give back a unit that was taken."""
        running = self._running.pop(function)
        if running > self._reserved.get(function, 0):
            self._shared -= 1
        if running > 1:
            self._running[function] = running - 1

    def reserve(self, function: str, amount: int | None) -> None:
        """Set aside so much for it from now on; None: nothing, and no ceiling."""
        running = self._running.get(function, 0)
        before = self._reserved.get(function, 0)
        now = amount or 0
        self._shared += max(0, running - now) - max(0, running - before)
        self._set_aside += now - before
        if amount is None:
            self._reserved.pop(function, None)
        else:
            self._reserved[function] = amount


def check_reservation(amount: int, *, before: int, left: int, minimum: int) -> None:
    """Refuse a reservation that takes too much from what is left for everybody.

    `before`: what the function has; `left`: what nobody has set aside.
    """
    if amount > before and left + before - amount < minimum:
        raise InvalidParameterValueException(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{minimum}]."
        )
