"""What happens to functions, counted: in memory, until somebody takes it to the disk.

    Environment, Invoker, Dispatcher ──► Metrics ──► take() each minute ──► MetricStore
                                            └─────► totals() ──► GET /metrics

An invocation costs a look into a dictionary and a few additions. What is not taken for long stays
bounded: values are summed up, and beyond MOST sources of one minute no others are begun.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from stoker.core.invocation import Invocation, Target
from stoker.core.invocation_price import of_target
from stoker.core.metrics import (
    BILL_SPAN_S,
    LAMBDA,
    MINUTE_S,
    Name,
    Source,
    bill_name,
    of_account,
    of_bill,
    of_function,
    own_name,
    start_of,
)
from stoker.core.price_list import Item
from stoker.core.prices import Amounts, added
from stoker.core.statistics import LEAST, Statistic
from stoker.core.telemetry import billed_in_all

MOST = 20_000  # functions' minutes, and of what else is counted
MOST_NAMES = 1000  # of metrics of one source and minute that log events bring
MOST_FUNCTIONS = 10_000  # of which there are totals
LISTED = 512  # values that are kept one by one

Taken = dict[tuple[Source, int], dict[Name, Statistic]]  # by the minute's start


@dataclass(slots=True)
class _Minute:
    """Of one function as it was called, and the minute in which its invocations began."""

    target: Target
    invocations: int = 0
    errors: int = 0
    throttles: int = 0
    durations: list[float] = field(default_factory=list)
    duration: Statistic = field(default_factory=Statistic)
    memories: list[float] = field(default_factory=list)  # megabytes
    memory: Statistic = field(default_factory=Statistic)
    afters: list[float] = field(default_factory=list)
    after: Statistic = field(default_factory=Statistic)
    provisioned_ms: int = 0  # of what is billed of the durations
    bill: Amounts = field(default_factory=dict)  # without requests

    def sum_up(self) -> None:
        if self.durations:
            self._charge(billed_in_all(self.durations))
        self.duration.add_all(self.durations)
        self.memory.add_all(self.memories)
        self.after.add_all(self.afters)
        self.durations.clear()
        self.memories.clear()
        self.afters.clear()

    def retarget(self, target: Target) -> None:
        """What comes now has other settings, perhaps."""
        self.sum_up()
        self.target = target

    def _charge(self, billed_ms: int) -> None:
        billed = of_target(self.target)
        ahead = min(self.provisioned_ms, billed_ms)
        self.provisioned_ms = 0
        if ahead:
            self.bill = added(self.bill, replace(billed, provisioned=True).time(ahead))
        if billed_ms > ahead:
            self.bill = added(self.bill, billed.time(billed_ms - ahead))

    def values(self) -> dict[Name, Statistic]:
        self.sum_up()
        found: dict[Name, Statistic] = {}
        if self.invocations:
            found[own_name("Invocations")] = _ones(self.invocations, self.invocations)
            found[own_name("Errors")] = _ones(self.errors, self.invocations)
            found[own_name("Duration")] = self.duration
            found[own_name("MaxMemoryUsed")] = self.memory
        if self.after.count:
            found[own_name("PostRuntimeExtensionsDuration")] = self.after
        asked = self.invocations + self.throttles
        found[own_name("Throttles")] = _ones(self.throttles, asked)
        return found


@dataclass(slots=True)
class _Values:
    """Of one metric, on their way into what is kept of it."""

    statistic: Statistic
    listed: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        self.listed.append(value if value > 0 else LEAST)
        if len(self.listed) >= LISTED:
            self.sum_up()

    def sum_up(self) -> None:
        self.statistic.add_all(self.listed)
        self.listed.clear()


Function = tuple[str, str, str]  # account, region, name


class Metrics:
    def __init__(self) -> None:
        self._minutes: dict[tuple[str, str, int], _Minute] = {}
        self._others: Taken = {}
        self._measured: dict[tuple[str, str, str, str, int], _Values] = {}  # go to the others
        self._strangers: Taken = {}
        self._totals: dict[Function, dict[str, Statistic]] = {}
        self.throttles: Counter[Function] = Counter()  # since the start, at once
        self.began: Callable[[Invocation], None] | None = None  # somebody wants to know of each
        self._ahead_s = 0.0  # how far the time of day is ahead of the monotonic clock
        self._set_clock()

    def invoked(
        self,
        invocation: Invocation,
        began: float,
        duration_ms: float,
        memory_mb: int,
        *,
        failed: bool,
    ) -> None:
        """An invocation is over that began at `began` (monotonic). `memory_mb`: the most that its
        environment has used."""
        number = int((began + self._ahead_s) // MINUTE_S)
        minute = self._minutes.get((invocation.invoked_arn, invocation.target.version, number))
        if minute is None:
            minute = self._minute(invocation, began)
            if minute is None:
                return
        if minute.target is not invocation.target:
            minute.retarget(invocation.target)
        minute.invocations += 1
        minute.errors += failed
        durations = minute.durations
        durations.append(duration_ms or LEAST)
        minute.memories.append(memory_mb or LEAST)
        if len(durations) >= LISTED:
            minute.sum_up()

    def provisioned(self, invocation: Invocation, began: float, billed_ms: int) -> None:
        """So much of the invocation that invoked() is told of next ran on what is provisioned."""
        minute = self._minute(invocation, began)
        if minute is not None:
            minute.provisioned_ms += billed_ms

    def bill(self, target: Target, amounts: Amounts) -> None:
        """What AWS would count for a function besides the time of its handlers."""
        values = self._other(self._bill_of(target), start_of(time.time(), BILL_SPAN_S))
        if values is not None:
            _put(values, amounts)

    def extended(self, invocation: Invocation, began: float, after_ms: float) -> None:
        """So long did its extensions go on after the runtime was done with it."""
        minute = self._minute(invocation, began)
        if minute is not None:
            minute.afters.append(after_ms or LEAST)
            if len(minute.afters) >= LISTED:
                minute.sum_up()

    def throttled(self, invocation: Invocation) -> None:
        minute = self._minute(invocation, time.monotonic())
        if minute is not None:
            minute.throttles += 1
        target = invocation.target
        if len(self.throttles) >= MOST_FUNCTIONS:
            self.throttles.clear()
        self.throttles[target.account, target.region, target.name] += 1

    def measure(self, account: str, region: str, function: str, name: str, value: float) -> None:
        """A value of any other metric of a function."""
        start = start_of(time.time())
        key = (account, region, function, name, start)
        values = self._measured.get(key)
        if values is None:
            source = of_account(account, region, ("FunctionName", function))
            others = self._other(source, start)
            if others is None:
                return
            values = _Values(others.setdefault(own_name(name), Statistic()))
            self._measured[key] = values
        values.add(value)

    def measure_mapping(
        self, account: str, region: str, mapping: str, name: str, value: float
    ) -> None:
        """A value of a metric of an event source mapping, by its UUID."""
        self.add(of_account(account, region, ("EventSourceMappingUUID", mapping)), name, value)

    def add(self, source: Source, name: str, value: float) -> None:
        """A value of a metric of AWS/Lambda, now."""
        self.add_all(source, {name: value})

    def add_all(self, source: Source, found: Mapping[str, float]) -> None:
        """A value of each of them."""
        values = self._other(source, start_of(time.time()))
        if values is not None:
            for name, value in found.items():
                values.setdefault(own_name(name), Statistic()).add(value)

    def _other(self, source: Source, start: int) -> dict[Name, Statistic] | None:
        values = self._others.get((source, start))
        if values is None and len(self._others) < MOST:
            values = self._others[source, start] = {}
        return values

    def embedded(self, found: Taken) -> None:
        """Values that log events had in them: strangers', of whatever name."""
        for key, values in found.items():
            if key not in self._strangers and len(self._strangers) >= MOST:
                continue
            kept = self._strangers.setdefault(key, {})
            for name, statistic in values.items():
                if name in kept or len(kept) < MOST_NAMES:
                    kept.setdefault(name, Statistic()).merge(statistic)

    def take_embedded(self) -> Taken:
        """Those since the last time, likewise."""
        found, self._strangers = self._strangers, {}
        return found

    def take(self) -> Taken:
        """All since the last time that is our own; it is forgotten here."""
        self._set_clock()
        minutes, self._minutes = self._minutes, {}
        found, self._others = self._others, {}
        measured, self._measured = self._measured, {}
        for each in measured.values():
            each.sum_up()
        for (arn, _, number), minute in minutes.items():
            target, qualifier = minute.target, _qualifier(arn)
            source = of_function(
                target.account, target.region, target.name, qualifier, target.version
            )
            kept = found.setdefault((source, number * MINUTE_S), {})
            for name, statistic in minute.values().items():
                kept.setdefault(name, Statistic()).merge(statistic)
            if minute.invocations:
                start = start_of(number * MINUTE_S, BILL_SPAN_S)
                bill = found.setdefault((self._bill_of(target), start), {})
                _put(bill, {Item.REQUESTS: minute.invocations, **minute.bill})
        for (source, _), values in found.items():
            self._total(source, values)
        return found

    def totals(self) -> dict[Function, dict[str, Statistic]]:
        """Of each function since the start, as far as it was taken."""
        return self._totals

    def _minute(self, invocation: Invocation, began: float) -> _Minute | None:
        number = int((began + self._ahead_s) // MINUTE_S)
        key = (invocation.invoked_arn, invocation.target.version, number)
        minute = self._minutes.get(key)
        if minute is None and len(self._minutes) < MOST:
            minute = self._minutes[key] = _Minute(invocation.target)
        return minute

    def _total(self, source: Source, values: dict[Name, Statistic]) -> None:
        function = dict(source.dimensions).get("FunctionName")
        if function is None or source.namespace != LAMBDA:
            return
        key = (source.account, source.region, function)
        if key not in self._totals and len(self._totals) >= MOST_FUNCTIONS:
            del self._totals[next(iter(self._totals))]
        totals = self._totals.setdefault(key, {})
        for name, statistic in values.items():
            totals.setdefault(name.name, Statistic()).merge(statistic)

    def _bill_of(self, target: Target) -> Source:
        return of_bill(target.account, target.region, target.name, target.architecture)

    def _set_clock(self) -> None:
        self._ahead_s = time.time() - time.monotonic()


def _put(values: dict[Name, Statistic], amounts: Amounts) -> None:
    """Nobody asks for percentiles of a bill."""
    for item, amount in amounts.items():
        values.setdefault(bill_name(item), Statistic(sizes=None)).add(amount)


def _ones(ones: int, of: int) -> Statistic:
    """So many times 1, and otherwise 0."""
    found = Statistic()
    if of > ones:
        found.add(0.0, of - ones)
    if ones:
        found.add(1.0, ones)
    return found


def _qualifier(arn: str) -> str | None:
    """arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]"""
    parts = arn.split(":")
    return parts[7] if len(parts) > 7 else None
