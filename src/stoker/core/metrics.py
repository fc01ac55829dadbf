"""Metrics as CloudWatch names them: namespace, dimensions, name, unit. Pure.

Of a function's invocations is kept what belongs to a version or alias (FunctionName, Resource
and, through an alias, ExecutedVersion). What AWS shows besides (FunctionName alone; all functions
of the account together) is summed when somebody asks. Of what has no sum (concurrency) each set
of dimensions is kept by itself.

https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from stoker.core.concurrency_peaks import Peaks
from stoker.core.price_list import Item

LAMBDA: Final = "AWS/Lambda"
BILLING: Final = "Stoker/Billing"  # what AWS would count (core/price_list.py); AWS has none such
MINUTE_S: Final = 60
DAY_S: Final = 86_400
BILL_SPAN_S: Final = 900  # how fine bills are kept: by the minute they would be a quarter of all

# How fine is kept what is so old, as on AWS.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
SPANS: Final = ((300, 15 * DAY_S), (3600, 63 * DAY_S))
KEPT_DAYS: Final = 455
OLDEST_S: Final = 14 * DAY_S  # PutMetricData: no value is older,
NEWEST_S: Final = 7200  # nor further in the future
ACTIVE_S: Final = 14 * DAY_S  # ListMetrics shows what had values since

GAUGES: Final = frozenset(
    {
        "ConcurrentExecutions",
        "UnreservedConcurrentExecutions",
        "ClaimedAccountConcurrency",
        "ProvisionedConcurrentExecutions",
        "ProvisionedConcurrencyUtilization",
    }
)
UNITS: Final = {
    "Duration": "Milliseconds",
    "PostRuntimeExtensionsDuration": "Milliseconds",
    "AsyncEventAge": "Milliseconds",
    "IteratorAge": "Milliseconds",
    "MaxMemoryUsed": "Megabytes",
    "UrlRequestLatency": "Milliseconds",
}  # of all others: Count

Dimensions = tuple[tuple[str, str], ...]  # in the order of their names


@dataclass(frozen=True, slots=True)
class Source:
    """Where values come from."""

    account: str
    region: str
    namespace: str
    dimensions: Dimensions


@dataclass(frozen=True, slots=True)
class Name:
    name: str
    unit: str = "None"


def is_ours(namespace: str) -> bool:
    """Nobody else's values come into it."""
    return namespace.startswith("AWS/") or namespace == BILLING


def own_name(name: str) -> Name:
    return Name(name, UNITS.get(name, "Count"))


def of_function(
    account: str, region: str, function: str, qualifier: str | None, version: str
) -> Source:
    """Whose values an invocation's are; `qualifier` is the caller's."""
    resource = function if qualifier is None else f"{function}:{qualifier}"
    dimensions = [("FunctionName", function), ("Resource", resource)]
    if qualifier is not None and qualifier not in (version, "$LATEST"):
        dimensions.insert(0, ("ExecutedVersion", version))  # it is an alias
    return Source(account, region, LAMBDA, tuple(dimensions))


def of_account(account: str, region: str, *dimensions: tuple[str, str]) -> Source:
    return Source(account, region, LAMBDA, dimensions)


def of_bill(account: str, region: str, function: str, architecture: str) -> Source:
    """Under what the amounts are kept that AWS would bill for a function."""
    dimensions = (("Architecture", architecture), ("FunctionName", function))
    return Source(account, region, BILLING, dimensions)


def bill_name(item: Item) -> Name:
    return Name(item.value, "Count" if item is Item.REQUESTS else "None")


def of_peaks(account: str, region: str, peaks: Peaks) -> Iterator[tuple[Source, str, float]]:
    """What is to be said of the concurrency of an account's region."""
    whole = of_account(account, region)
    if peaks.running:
        yield whole, "ConcurrentExecutions", peaks.running
        yield whole, "UnreservedConcurrentExecutions", peaks.unreserved
        yield whole, "ClaimedAccountConcurrency", peaks.claimed
    for name, most in peaks.functions.items():
        source = of_account(account, region, ("FunctionName", name))
        yield source, "ConcurrentExecutions", most
    for (name, version), use in peaks.provisioned.items():
        source = of_function(account, region, name, version, version)
        yield source, "ProvisionedConcurrentExecutions", use.most
        yield source, "ProvisionedConcurrencyUtilization", use.share
        yield source, "ProvisionedConcurrencyInvocations", use.invocations
        yield source, "ProvisionedConcurrencySpilloverInvocations", use.spilled


def belongs(kept: Source, name: str, asked: Source) -> bool:
    """Do the values of `kept` count for what is asked?"""
    if kept == asked:
        return True
    if asked.namespace != LAMBDA or name in GAUGES:
        return False
    same = (kept.account, kept.region, kept.namespace)
    if same != (asked.account, asked.region, asked.namespace):
        return False
    return asked in shown(kept, name)


def shown(kept: Source, name: str) -> Iterator[Source]:
    """Under which dimensions its values are to be seen."""
    yield kept
    if kept.namespace != LAMBDA or name in GAUGES:
        return
    dimensions = kept.dimensions
    while dimensions:
        # In the alphabet's order that takes away ExecutedVersion first; FunctionName stays
        # longest.
        first, *_ = dimensions
        dimensions = dimensions[1:] if first[0] == "ExecutedVersion" else dimensions[:-1]
        yield Source(kept.account, kept.region, LAMBDA, dimensions)


def start_of(moment_s: float, span_s: int = MINUTE_S) -> int:
    """When the span began in which a moment lies."""
    return int(moment_s // span_s) * span_s
