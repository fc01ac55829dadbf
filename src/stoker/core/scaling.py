"""How fast a function may grow: so many environments on demand at once, and a rate after that.

AWS, since November 2023: each function by itself, 1000 environments every 10 seconds, filled
again all the time (developer guide, "Lambda scaling behavior"). Before: all functions of a
region together, a burst of 500, 1000 or 3000 by region, and then 500 a minute ("Burst
concurrency"). What is provisioned is not counted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from stoker.core.bucket import Bucket

BUCKETS = 1024  # above so many, those that are full are forgotten

Key = tuple[str, ...]  # account, region, function, …


@dataclass(frozen=True, slots=True)
class Rule:
    burst: int
    per_s: float
    of_region: bool  # of all functions together


RULES = {
    "1000/10s": Rule(1000, 100.0, of_region=False),
    "500+500/min": Rule(500, 500 / 60, of_region=True),
    "1000+500/min": Rule(1000, 500 / 60, of_region=True),
    "3000+500/min": Rule(3000, 500 / 60, of_region=True),
}
DEFAULT = "1000/10s"


@dataclass(slots=True)
class Scaling:
    rule: Rule
    own: Mapping[str, Rule] = field(default_factory=dict)  # of accounts that have another
    _buckets: dict[Key, Bucket] = field(default_factory=dict)

    def rule_of(self, key: Key) -> Rule:
        return self.own.get(key[0], self.rule)

    def may_grow(self, key: Key, now: float) -> bool:
        """Count one more environment of this function, if it may have one now."""
        rule = self.rule_of(key)
        where = key[: 2 if rule.of_region else 3]
        bucket = self._buckets.get(where)
        if bucket is None:
            if len(self._buckets) >= BUCKETS:
                self._forget(now)
            bucket = self._buckets[where] = Bucket(rule.burst, rule.per_s)
        return bucket.take(now)

    def left(self, key: Key, now: float) -> float:
        """How many more it may have now."""
        rule = self.rule_of(key)
        bucket = self._buckets.get(key[: 2 if rule.of_region else 3])
        return rule.burst if bucket is None else bucket.level(now)

    def give_back(self, key: Key, now: float) -> None:
        """One that was counted was not made."""
        bucket = self._buckets.get(key[: 2 if self.rule_of(key).of_region else 3])
        if bucket is not None:
            bucket.give_back(now)

    def _forget(self, now: float) -> None:
        """A new bucket is full, too."""
        full = [
            key for key, bucket in self._buckets.items() if bucket.level(now) >= bucket.capacity
        ]
        for key in full:
            del self._buckets[key]
