"""How long how much of something was kept: of what costs by the time."""

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class KeptTime(Generic[K]):
    """Told of every change; `now` is monotonic."""

    def __init__(self) -> None:
        self._amounts: dict[K, int] = {}
        self._since = 0.0
        self._kept: dict[K, float] = {}  # until then

    def keep(self, amounts: Mapping[K, int], now: float) -> None:
        """From now on so much of each, and nothing else."""
        self._count(now)
        self._amounts = {key: amount for key, amount in amounts.items() if amount}

    def change(self, key: K, amount: int, now: float) -> None:
        """From now on so much of this."""
        self.keep({**self._amounts, key: amount}, now)

    def take(self, now: float) -> dict[K, float]:
        """Amount times seconds of each, since the last time."""
        self._count(now)
        kept, self._kept = self._kept, {}
        return kept

    def _count(self, now: float) -> None:
        for key, amount in self._amounts.items():
            self._kept[key] = self._kept.get(key, 0.0) + amount * (now - self._since)
        self._since = now
