"""Provisioned concurrency: environments that are initialised before anybody asks for them.

    configuration of an alias ──shares──► wanted of its versions ──Fill──► begin, drop
                                                                    │
                        Requested, Allocated, Status ◄──progress────┘

A configuration belongs to a version or to an alias; environments always belong to a version. A
`Fill` is how far one version has come: what is asked for, and the slots that are for it. It is
complete, or it goes on, or it has failed: then nothing more is tried until somebody asks anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from math import ceil
from typing import Any, Generic, TypeVar

from stoker.core.aliases import Alias
from stoker.core.bucket import Bucket

KIND = "provisioned-concurrency"  # in the store
INIT_FAILED = "FUNCTION_ERROR_INIT_FAILURE"  # AWS's word
AT_A_TIME = 4  # environments of one version that are made at the same time
AGAIN_PER_S = 1.0  # and so many more, once twice as many as were asked for have been made

S = TypeVar("S")  # a slot


class Progress(StrEnum):
    IN_PROGRESS = "IN_PROGRESS"
    READY = "READY"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Provision:
    """One configuration."""

    requested: int
    modified: float  # seconds of the epoch; no two of one qualifier are alike

    def dump(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def load(cls, record: Mapping[str, Any]) -> "Provision":
        return cls(**record)


@dataclass(frozen=True, slots=True)
class Ask:
    """What one configuration asks for, of one version."""

    qualifier: str
    modified: float
    amount: int


@dataclass(frozen=True, slots=True)
class State:
    """How far a version has come, for those who look."""

    asks: tuple[Ask, ...] = ()
    ready: int = 0
    complete: bool = False
    failure: str = ""


def asks(qualifier: str, kept: Provision, alias: Alias | None) -> dict[str, Ask]:
    """What a configuration asks for, by version. An alias that two versions share asks for each
    in proportion, and for all together no more than it is configured with."""
    if alias is None:
        amounts = {qualifier: kept.requested}
    else:
        rest, amounts = kept.requested, {}
        for version, weight in alias.weights.items():
            amounts[version] = min(rest, ceil(kept.requested * weight))
            rest -= amounts[version]
        amounts[alias.version] = rest
    return {
        version: Ask(qualifier, kept.modified, amount)
        for version, amount in amounts.items()
        if amount
    }


def progress(
    qualifier: str, kept: Provision, states: Iterable[State]
) -> tuple[Progress, int, str | None]:
    """Status, allocated and reason of a configuration. `states`: of the versions that it asks
    for; one that has not heard of this configuration yet has nothing for it."""
    allocated, complete, failure = 0, True, None
    for state in states:
        left = state.ready
        mine = None
        for ask in state.asks:  # who asked first has it first
            if (ask.qualifier, ask.modified) == (qualifier, kept.modified):
                mine = min(left, ask.amount)
                break
            left -= min(left, ask.amount)
        if mine is None:
            complete = False
            continue
        allocated += mine
        complete &= state.complete
        failure = failure or state.failure or None
    if failure is not None:
        return Progress.FAILED, allocated, failure
    return Progress.READY if complete else Progress.IN_PROGRESS, allocated, None


@dataclass(slots=True)
class Fill(Generic[S]):
    """Of one version. Slots are told of: begun, then ready, then gone."""

    asks: tuple[Ask, ...] = ()
    starting: dict[S, None] = field(default_factory=dict)
    ready: dict[S, None] = field(default_factory=dict)
    complete: bool = False  # has been, since it was asked for
    failure: str = ""
    _again: Bucket = field(default_factory=lambda: Bucket(0, AGAIN_PER_S))

    @property
    def amount(self) -> int:
        return sum(ask.amount for ask in self.asks)

    @property
    def _short(self) -> bool:
        return not self.failure and len(self.ready) + len(self.starting) < self.amount

    @property
    def over(self) -> bool:
        """Nothing is asked for, and nothing is left."""
        return not (self.asks or self.starting or self.ready)

    @property
    def state(self) -> State:
        return State(self.asks, len(self.ready), self.complete, self.failure)

    def ask(self, asks: tuple[Ask, ...]) -> None:
        """From now on this is asked for. The same as before changes nothing."""
        if asks == self.asks:
            return
        self.asks = asks
        self.failure = ""
        self.complete = len(self.ready) >= self.amount
        self._again = Bucket(2 * self.amount, AGAIN_PER_S)

    def may_begin(self, now: float) -> bool:
        """Whether one more is to be begun now."""
        return self._short and len(self.starting) < AT_A_TIME and not self._again.wait_s(now)

    def wait_s(self, now: float) -> float:
        """How long until may_begin() is worth another look; 0: until something else happens.
        A function whose environments die as soon as they are ready is not made without end."""
        return self._again.wait_s(now) if self._short else 0.0

    def begun(self, slot: S, now: float) -> None:
        self._again.take(now)
        self.starting[slot] = None

    def became_ready(self, slot: S) -> None:
        if slot in self.starting:
            del self.starting[slot]
            self.ready[slot] = None
            self.complete |= len(self.ready) >= self.amount

    def gone(self, slot: S, failure: str = "") -> None:
        """It is no longer there, or is no longer for this. `failure`: why it never will be."""
        self.failure = failure or self.failure
        self.starting.pop(slot, None)
        self.ready.pop(slot, None)

    def surplus(self) -> list[S]:
        """Slots beyond what is asked for, the newest first, those still starting before others."""
        many = len(self.starting) + len(self.ready) - self.amount
        return [*reversed(self.starting), *reversed(self.ready)][: max(0, many)]
