"""How many invocations may run at a time: one account's in one region.

    limit ├── reserved for a ──┤── provisioned for b ──┤──────── for everybody else ────────┤
                                                          b's other invocations, c's, d's …

Every function *claims* a part of the limit. What it has provisioned is held for the versions it
is provisioned for, used or not; what a version runs beyond that is on demand. A reservation is a
guarantee and a ceiling for both together. What a function holds beyond its reservation (all of
it, without one) counts on what is left for everybody; so a function whose reservation was cut
while it ran takes from the others until it is back within it, and never from another's.

Besides, invocations have a rate: for each unit of the limit, or of a reservation, ten a second.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

from dataclasses import dataclass, field
from enum import Enum, auto

from stoker.core.bucket import Bucket
from stoker.core.concurrency_peaks import Peak, Peaks, Uses
from stoker.core.errors import InvalidParameterValueException


class Answer(Enum):
    YES = auto()
    OVER_RESERVATION = auto()
    OVER_LIMIT = auto()
    OVER_RESERVED_RATE = auto()
    OVER_RATE = auto()


# Looking up a member of an Enum costs as much as the rest of admit().
_YES, _OVER_RESERVATION, _OVER_LIMIT, _OVER_RESERVED_RATE, _OVER_RATE = Answer


@dataclass(slots=True)
class _Function:
    reserved: int | None = None
    running: dict[str, int] = field(default_factory=dict)  # by version; none is zero
    provisioned: dict[str, int] = field(default_factory=dict)  # by version; none is zero
    held: int = 0  # what is provisioned, and what runs on demand
    claim: int = 0  # what it takes of the account's limit
    rate: Bucket | None = None  # of a reservation
    forgettable: bool = False  # nobody needs to know it once it does nothing
    peak: Peak = field(default_factory=Peak)
    uses: dict[str, Uses] = field(default_factory=dict)  # of what is provisioned, by version

    @property
    def idle(self) -> bool:
        return not self.running and not self.provisioned and self.reserved is None

    def use(self, version: str, running: int, *, ahead: bool) -> None:
        """One more of a function of which something is provisioned."""
        amount = self.provisioned.get(version)
        if amount is not None:
            self.uses.setdefault(version, Uses()).add(min(running, amount), amount, ahead=ahead)

    def take_uses(self) -> dict[str, Uses]:
        uses, self.uses = self.uses, {}
        return uses

    def count(self) -> None:
        """Work out anew what it holds and claims."""
        provisioned = self.provisioned
        on_demand = sum(max(0, n - provisioned.get(v, 0)) for v, n in self.running.items())
        self.held = sum(provisioned.values()) + on_demand
        self.claim = max(self.held, self.reserved or 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """How one function stands."""

    running: int
    reserved: int | None
    provisioned: int


@dataclass(slots=True)
class Concurrency:
    limit: int
    per_unit: int = 0  # invocations a second for each unit; 0: as many as there are
    _functions: dict[str, _Function] = field(init=False, default_factory=dict)
    _claimed: int = field(init=False, default=0)  # the sum of all claims
    _most_claimed: int = field(init=False, default=0)
    _rate: Bucket | None = field(init=False)  # of what is not reserved
    _peak: Peak = field(init=False, default_factory=Peak)
    _unreserved: Peak = field(init=False, default_factory=Peak)

    def __post_init__(self) -> None:
        self._rate = self._new_rate(self.limit)

    @property
    def running(self) -> int:
        return sum(sum(each.running.values()) for each in self._functions.values())

    @property
    def idle(self) -> bool:
        """Nothing is known of it that a new one would not know."""
        return all(each.idle for each in self._functions.values())

    def admit(self, function: str, version: str, now: float = 0.0) -> Answer:
        """Take a unit for this version of the function, if there is one."""
        known = self._functions.get(function)
        if known is None:
            known = self._functions[function] = _Function()
        running = known.running.get(version, 0)
        ahead = known.provisioned and running < known.provisioned.get(version, 0)
        if known.reserved is None:
            if not ahead and self._claimed >= self.limit:
                return _OVER_LIMIT
            if self._rate is not None and not self._rate.take(now):
                return _OVER_RATE
        else:
            if not ahead and known.held >= known.reserved:
                return _OVER_RESERVATION
            if known.rate is not None and not known.rate.take(now):
                return _OVER_RESERVED_RATE
        if not ahead:
            known.held += 1
            if known.held > known.claim:
                known.claim += 1
                self._claimed += 1
                if self._claimed > self._most_claimed:
                    self._most_claimed = self._claimed
        known.running[version] = running + 1
        known.peak.up()
        self._peak.up()
        if known.reserved is None:
            self._unreserved.up()
        if known.provisioned:
            known.use(version, running + 1, ahead=bool(ahead))
        return _YES

    def take_peaks(self) -> Peaks:
        """Since the last time."""
        functions = {name: peak for name, f in self._functions.items() if (peak := f.peak.take())}
        uses = {
            (name, version): use
            for name, known in self._functions.items()
            for version, use in known.take_uses().items()
        }
        claimed, self._most_claimed = self._most_claimed, self._claimed
        return Peaks(self._peak.take(), self._unreserved.take(), claimed, functions, uses)

    def room(self, function: str) -> int:
        """How many more of this function would be admitted now, whichever versions they are of:
        at most so many."""
        known = self._functions.get(function)
        if known is None:
            return max(0, self.limit - self._claimed)
        running = known.running
        ready = sum(max(0, n - running.get(v, 0)) for v, n in known.provisioned.items())
        if known.reserved is not None:
            return ready + max(0, known.reserved - known.held)
        return ready + max(0, self.limit - self._claimed)

    def reserved(self, function: str) -> int | None:
        """What is set aside for it."""
        known = self._functions.get(function)
        return None if known is None else known.reserved

    def standings(self) -> dict[str, Standing]:
        """Of all functions that run, or have something set aside."""
        return {
            name: Standing(
                sum(known.running.values()), known.reserved, sum(known.provisioned.values())
            )
            for name, known in self._functions.items()
            if not known.idle
        }

    def running_of(self, function: str) -> int:
        """How many of it run, of all its versions."""
        known = self._functions.get(function)
        return 0 if known is None else sum(known.running.values())

    def release(self, function: str, version: str) -> None:
        """Give back a unit that was taken."""
        known = self._functions[function]
        running = known.running.pop(version)
        known.peak.now -= 1
        self._peak.now -= 1
        if known.reserved is None:
            self._unreserved.now -= 1
        if running > known.provisioned.get(version, 0):
            if known.held > (known.reserved or 0):
                known.claim -= 1
                self._claimed -= 1
            known.held -= 1
        if running > 1:
            known.running[version] = running - 1
        elif known.forgettable and known.idle:
            del self._functions[function]

    def reserve(self, function: str, amount: int | None) -> None:
        """Set aside so much for it from now on; None: nothing, and no ceiling."""
        known = self._functions.setdefault(function, _Function())
        if amount != known.reserved:
            known.rate = None if amount is None else self._new_rate(amount)
        if (amount is None) != (known.reserved is None):
            self._unreserved.move(known.peak.now if amount is None else -known.peak.now)
        known.reserved = amount
        known.forgettable = amount is None
        self._recount(function, known)

    def provide(self, function: str, version: str, amount: int) -> None:
        """So much is provisioned for this version from now on."""
        known = self._functions.setdefault(function, _Function(forgettable=True))
        known.provisioned.pop(version, None)
        if amount:
            known.provisioned[version] = amount
        self._recount(function, known)

    def _new_rate(self, units: int) -> Bucket | None:
        many = units * self.per_unit
        return Bucket(many, many) if many else None

    def _recount(self, function: str, known: _Function) -> None:
        before = known.claim
        known.count()
        self._claimed += known.claim - before
        self._most_claimed = max(self._most_claimed, self._claimed)
        if known.forgettable and known.idle:
            del self._functions[function]


def check_reservation(
    amount: int, *, before: int, provisioned: int, left: int, minimum: int
) -> None:
    """Refuse a reservation that takes too much from what is left for everybody, or is less than
    what the function has provisioned.

    `before`: what the function takes of the limit now; `left`: what nobody takes.
    """
    if amount < provisioned:
        raise InvalidParameterValueException(
            f"ReservedConcurrentExecutions {amount} should not be lower than function's total "
            f"provisioned concurrency [{provisioned}]."
        )
    if amount > before and left + before - amount < minimum:
        raise InvalidParameterValueException(
            "Specified ReservedConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{minimum}]."
        )


def check_provision(
    amount: int, *, others: int, before: int, reserved: int | None, left: int, minimum: int
) -> None:
    """Refuse to provision what the function's reservation, or the account, has no place for.

    `others`: provisioned for other versions and aliases of the function; `before`: for this one
    until now; `left`: what of the account's limit nobody takes.
    """
    if reserved is not None:
        if others + amount > reserved:
            raise InvalidParameterValueException(
                "Requested Provisioned Concurrency should not be greater than the "
                "reservedConcurrentExecution for function"
            )
        return
    if amount > left + before:
        raise InvalidParameterValueException(
            "Specified ConcurrentExecutions for function is greater than account's unreserved "
            f"concurrency [{left + before}]."
        )
    if amount > before and left + before - amount < minimum:
        raise InvalidParameterValueException(
            "Specified ConcurrentExecutions for function decreases account's "
            f"UnreservedConcurrentExecution below its minimum value of [{minimum}]."
        )
