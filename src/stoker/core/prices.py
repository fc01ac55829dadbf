"""What something would have cost on AWS: amounts times AWS's prices of a day, in dollars. Pure.

The free tier (a million requests and 400,000 GB-seconds a month) is not taken off, nor is any
discount: it is the price of one more invocation. A GB is 1,024 MB, as in AWS's own examples.

https://aws.amazon.com/lambda/pricing/
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from stoker.core.price_list import (
    ARM,
    ARM_PROVISIONED,
    MILLION,
    RATES,
    READ_ON,
    REGIONS,
    SAME,
    TIERS,
    TIERS_SINCE,
    Item,
)

GB_MB: Final = 1024
GB_BYTES: Final = 1 << 30
FREE_STORAGE_MB: Final = 512
FREE_STREAM_BYTES: Final = 6 << 20  # of each answer

Amounts = Mapping[Item, float]


@dataclass(frozen=True, slots=True)
class Prices:
    """Of one architecture in one region, on one day."""

    region: str
    architecture: str
    on: date
    dollars: Mapping[Item, float]  # for one unit

    @property
    def known(self) -> bool:
        """Else they are those of us-east-1."""
        return self.region in REGIONS or self.region in SAME

    def cost(self, amounts: Amounts) -> dict[Item, float]:
        """What each of the amounts costs, if all of them are of one month."""
        found = {item: self.dollars[item] * amount for item, amount in amounts.items()}
        before = 0.0
        for item in (Item.DURATION, Item.INIT):
            if found.get(item):
                found[item] *= self._tiers(before, amounts[item])
                before += amounts[item]
        return found

    def _tiers(self, before: float, gb_s: float) -> float:
        """Which part of the first price so many GB-seconds cost on the average that come after
        `before`. Each tier's own price is rounded to 10 digits on AWS, which is not seen here."""
        if self.on < TIERS_SINCE:
            return 1.0
        tiers = TIERS[self.architecture]
        ends = (*(begins for begins, _ in tiers[1:]), before + gb_s)
        paid = 0.0
        for (begins, part), ends_at in zip(tiers, ends, strict=True):
            within = min(ends_at, before + gb_s) - max(begins, before)
            paid += part * max(0.0, within)
        return paid / gb_s


def prices(region: str, architecture: str, on: date = READ_ON) -> Prices:
    """Raise ValueError if AWS did not sell that then, or not by the millisecond."""
    found = dict.fromkeys(Item, 0.0)
    sold = False
    for rate in sorted(RATES, key=lambda rate: rate.since):
        if rate.architecture == architecture and rate.since <= on:
            found[rate.item] = rate.dollars
            sold = True
    if not sold:
        since = min((r.since for r in RATES if r.architecture == architecture), default=None)
        raise ValueError(f"there are no prices of {architecture} before {since}")
    if region in REGIONS:
        _of_region(found, region, architecture)
    return Prices(region, architecture, on, found)


def _of_region(found: dict[Item, float], name: str, architecture: str) -> None:
    """What costs nothing then, costs nothing there."""
    region, arm = REGIONS[name], architecture == ARM
    duration = region.arm_duration if arm else region.duration
    part = ARM_PROVISIONED if arm else 1.0
    for item, dollars in (
        (Item.REQUESTS, region.million_requests / MILLION),
        (Item.DURATION, duration),
        (Item.INIT, duration),
        (Item.PROVISIONED, region.provisioned * part),
        (Item.PROVISIONED_DURATION, region.provisioned_duration * part),
        (Item.STORAGE, region.storage),
    ):
        if found[item]:
            found[item] = dollars


@dataclass(frozen=True, slots=True)
class Billed:
    """What of a version's settings decides how an invocation of it is billed."""

    memory_mb: int
    storage_mb: int = FREE_STORAGE_MB
    managed: bool = True  # its runtime is AWS's, and not in the function's own code
    provisioned: bool = False  # it ran on what is provisioned

    @property
    def memory_gb(self) -> float:
        return self.memory_mb / GB_MB

    @property
    def storage_gb(self) -> float:
        return max(0, self.storage_mb - FREE_STORAGE_MB) / GB_MB

    def time(self, billed_ms: float, init_ms: float = 0.0) -> dict[Item, float]:
        """What so much billed time amounts to; `init_ms` is the part of it before the handler."""
        gb_s = self.memory_gb * billed_ms / 1000
        found = {}
        if self.provisioned:
            found[Item.PROVISIONED_DURATION] = gb_s
        else:
            init_gb_s = self.memory_gb * init_ms / 1000 if self.managed else 0.0
            found[Item.DURATION] = gb_s - init_gb_s
            if init_gb_s:
                found[Item.INIT] = init_gb_s
        if self.storage_gb:
            found[Item.STORAGE] = self.storage_gb * billed_ms / 1000
        return found


def added(one: Amounts, other: Amounts) -> dict[Item, float]:
    return {
        item: one.get(item, 0.0) + other.get(item, 0.0)
        for item in Item
        if item in one or item in other
    }


def said(dollars: float) -> str:
    """With three digits that count, and as many zeros before them as it takes."""
    if not dollars:
        return "$0"
    if abs(dollars) >= 1000:
        return f"${dollars:,.0f}"
    digits = 2
    while digits < 12 and abs(dollars) < 10 ** (2 - digits):
        digits += 1
    return f"${dollars:.{digits}f}"
