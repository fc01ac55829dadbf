"""The eight plots that AWS's console has of a function, from our metrics; and what it has not."""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from stoker.console.asked import Asked, Shown, Told
from stoker.console.pages.function import key_of, page
from stoker.core.architectures import BOTH
from stoker.core.metrics import LAMBDA, Source, of_bill, start_of
from stoker.core.price_list import Item
from stoker.core.statistics import Statistic

HOURS = {"1": 60, "3": 60, "12": 300, "24": 300, "168": 3600}  # and their period, in seconds
Plot = tuple[str, str, tuple[tuple[str, str, str], ...]]  # title, unit, lines
_OF_AWS: tuple[Plot, ...] = (
    ("Invocations", "", (("Invocations", "total", "sum"),)),
    (
        "Duration",
        "ms",
        (
            ("Duration", "least", "least"),
            ("Duration", "mean", "mean"),
            ("Duration", "most", "most"),
        ),
    ),
    ("Errors and success rate", "", (("Errors", "total", "errors"), ("Errors", "good", "% good"))),
    ("Throttles", "", (("Throttles", "total", "sum"),)),
    (
        "Concurrent executions",
        "",
        (("ConcurrentExecutions", "most", "most"),),
    ),
    (
        "Asynchronous events",
        "",
        (("AsyncEventsReceived", "total", "received"), ("AsyncEventsDropped", "total", "dropped")),
    ),
    (
        "Deliveries that failed",
        "",
        (
            ("DestinationDeliveryFailures", "total", "to destinations"),
            ("DeadLetterErrors", "total", "to dead-letter queues"),
        ),
    ),
    ("Age of iterators", "ms", (("IteratorAge", "most", "most"),)),
)
_OURS: tuple[Plot, ...] = (
    ("Memory used", "MB", (("MaxMemoryUsed", "mean", "mean"), ("MaxMemoryUsed", "most", "most"))),
    (
        "Billed, each quarter of an hour",
        "GB-s",
        (
            (Item.DURATION, "total", "invocations"),
            (Item.INIT, "total", "inits"),
            (Item.PROVISIONED, "total", "kept ready"),
            (Item.PROVISIONED_DURATION, "total", "run on it"),
        ),
    ),
    (
        "Age of asynchronous events",
        "ms",
        (("AsyncEventAge", "mean", "mean"), ("AsyncEventAge", "most", "most")),
    ),
    (
        "Extensions after the answer",
        "ms",
        (
            ("PostRuntimeExtensionsDuration", "mean", "mean"),
            ("PostRuntimeExtensionsDuration", "most", "most"),
        ),
    ),
)
PLOTS = (*_OF_AWS, *_OURS)


async def show(asked: Asked) -> Shown:
    """The page; the plots ask for data()."""
    return await page(asked, "monitor", "function_monitor.html", hours=_hours(asked), choices=HOURS)


async def data(asked: Asked) -> Told:
    """Times (s) and values of each plot's lines; null where there was nothing."""
    control, key = asked.control, key_of(asked)
    if control.metering is not None:
        await control.metering()
    hours = _hours(asked)
    period = HOURS[hours]
    end = start_of(time.time(), period) + period
    start = end - int(hours) * 3600
    invoked = (Source(key.account, key.region, LAMBDA, (("FunctionName", key.name),)),)
    billed = tuple(of_bill(key.account, key.region, key.name, one) for one in BOTH)
    found: dict[str, dict[int, Statistic]] = {}
    for metric in {metric for _, _, lines in PLOTS for metric, _, _ in lines}:
        for source in billed if isinstance(metric, Item) else invoked:
            by_unit = await control.metric_store.read(source, metric, start, end, period)
            for spans in by_unit.values():
                for at, one in spans.items():
                    found.setdefault(metric, {}).setdefault(at, Statistic()).merge(one)
    times = list(range(start, end, period))
    return Told({"times": times, "plots": plots(found, times)})


def _hours(asked: Asked) -> str:
    given = asked.query.get("hours", "3")
    return given if given in HOURS else "3"


def plots(
    found: Mapping[str, Mapping[int, Statistic]], times: Sequence[int]
) -> list[dict[str, Any]]:
    """What is drawn."""
    return [
        {
            "title": title,
            "unit": unit,
            "lines": [
                {
                    "name": label,
                    "values": [value(found.get(metric, {}).get(at), how) for at in times],
                }
                for metric, how, label in lines
            ],
        }
        for title, unit, lines in PLOTS
    ]


def value(one: Statistic | None, how: str) -> float | None:
    """Of one span; None if there was nothing, or nothing that has a number."""
    if one is None or not one.count:
        return None
    found = {
        "total": one.total,
        "least": one.least,
        "most": one.most,
        "mean": one.total / one.count,
        "good": 100.0 * (1 - one.total / one.count),
    }[how]
    return round(found, 3 if abs(found) >= 1 else 9) if math.isfinite(found) else None
