"""So many at once, and so many per second after that."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Bucket:
    """Full at first. `now` is of one clock that never goes back."""

    capacity: float
    per_s: float
    _level: float = field(init=False)
    _since: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        self._level = self.capacity

    def take(self, now: float) -> bool:
        """Take one, if there is one."""
        level = self.level(now)
        if level < 1:
            return False
        self._level, self._since = level - 1, now
        return True

    def give_back(self, now: float) -> None:
        """One that was taken was not needed."""
        self._level, self._since = min(self.capacity, self.level(now) + 1), now

    def level(self, now: float) -> float:
        """How many there are."""
        if self._level >= self.capacity:
            return self.capacity
        return min(self.capacity, self._level + self.per_s * (now - self._since))

    def wait_s(self, now: float) -> float:
        """Until there is one."""
        return max(0.0, (1 - self.level(now)) / self.per_s)
