"""What has become of events, counted by function under the names of AWS's metrics."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from stoker.core.event_sources import EventSourceMapping
from stoker.core.model import FunctionKey

MOST_FUNCTIONS = 10_000  # then all are forgotten


Measure = Callable[[str, str, str, str, float], None]  # account, region, whose, metric, value


def unheard(account: str, region: str, whose: str, name: str, value: float) -> None:
    """For those who need no metrics."""


@dataclass(slots=True)
class Ages:
    """AsyncEventAge: seconds from being accepted to the end."""

    count: int = 0
    total_s: float = 0.0
    most_s: float = 0.0


@dataclass(slots=True)
class Counts:
    measure: Measure = unheard  # of functions, by name
    measure_mapping: Measure = unheard  # of event source mappings, by UUID
    counted: dict[FunctionKey, Counter[str]] = field(default_factory=dict)
    ages: dict[FunctionKey, Ages] = field(default_factory=dict)

    def add(self, key: FunctionKey, metric: str) -> None:
        counted = self.counted.get(key)
        if counted is None:
            if len(self.counted) >= MOST_FUNCTIONS:
                self.counted.clear()
                self.ages.clear()
            counted = self.counted[key] = Counter()
        counted[metric] += 1
        self.measure(key.account, key.region, key.name, metric, 1)

    def begun(self, key: FunctionKey, age_s: float) -> None:
        """An attempt begins, so long after the event was accepted."""
        self.measure(key.account, key.region, key.name, "AsyncEventAge", age_s * 1000)

    def iterated(self, key: FunctionKey, age_s: float) -> None:
        """A batch of a stream is handed over, so long after its last record was written."""
        self.measure(key.account, key.region, key.name, "IteratorAge", max(0.0, age_s * 1000))

    def lagging(self, key: FunctionKey, records: int) -> None:
        """So many records of a topic are behind what a function has done."""
        self.measure(key.account, key.region, key.name, "OffsetLag", records)

    def mapped(self, mapping: EventSourceMapping, metric: str, events: int) -> None:
        """So many of a mapping's events, where it asks for that."""
        if mapping.counts_events:
            key = mapping.function
            self.measure_mapping(key.account, key.region, mapping.uuid, metric, events)

    def age(self, key: FunctionKey, age_s: float) -> None:
        ages = self.ages.get(key)
        if ages is None:
            if len(self.ages) >= MOST_FUNCTIONS:
                self.ages.clear()
            ages = self.ages[key] = Ages()
        ages.count += 1
        ages.total_s += age_s
        ages.most_s = max(ages.most_s, age_s)
