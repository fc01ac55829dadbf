"""How much ran at the same time, at most: what the metrics of concurrency are made of."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Peak:
    now: int = 0
    most: int = 0

    def up(self) -> None:
        self.now += 1
        if self.now > self.most:
            self.most = self.now

    def move(self, by: int) -> None:
        """So many begin or cease to count."""
        self.now += by
        self.most = max(self.most, self.now)

    def take(self) -> int:
        """The most since the last time."""
        most, self.most = self.most, self.now
        return most


@dataclass(slots=True)
class Uses:
    """Of what is provisioned for a version."""

    invocations: int = 0
    spilled: int = 0  # ran on demand, since all were in use
    most: int = 0  # in use at the same time
    share: float = 0.0  # of what is provisioned

    def add(self, in_use: int, amount: int, *, ahead: bool) -> None:
        self.invocations += ahead
        self.spilled += not ahead
        self.most = max(self.most, in_use)
        self.share = max(self.share, in_use / amount)


@dataclass(frozen=True, slots=True)
class Peaks:
    """Of one account in one region."""

    running: int
    unreserved: int
    claimed: int  # set aside, or running on what is not
    functions: Mapping[str, int]
    provisioned: Mapping[tuple[str, str], Uses]  # by function and version
