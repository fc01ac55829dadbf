"""What has become of events, counted by function under the names of AWS's metrics."""

from collections import Counter
from dataclasses import dataclass, field

from stoker.core.model import FunctionKey

MOST_FUNCTIONS = 10_000  # then all are forgotten


@dataclass(slots=True)
class Ages:
    """AsyncEventAge: seconds from being accepted to the end."""

    count: int = 0
    total_s: float = 0.0
    most_s: float = 0.0


@dataclass(slots=True)
class Counts:
    counted: dict[FunctionKey, Counter[str]] = field(default_factory=dict)
    ages: dict[FunctionKey, Ages] = field(default_factory=dict)

    def add(self, key: FunctionKey, metric: str) -> None:
        if key not in self.counted and len(self.counted) >= MOST_FUNCTIONS:
            self.counted.clear()
            self.ages.clear()
        self.counted.setdefault(key, Counter())[metric] += 1

    def age(self, key: FunctionKey, age_s: float) -> None:
        if key not in self.ages and len(self.ages) >= MOST_FUNCTIONS:
            self.ages.clear()
        ages = self.ages.setdefault(key, Ages())
        ages.count += 1
        ages.total_s += age_s
        ages.most_s = max(ages.most_s, age_s)
