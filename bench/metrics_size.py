"""How large the file of metrics becomes in 455 days, with 100 functions that are all busy.

A part of a day is counted and written as the server does it, each minute by itself, and made
coarser twice. What a day takes as minutes, as five minutes and as hours, times the days for which
each is kept, is what a year takes. Nothing is measured by the clock, so one round is enough.

Each function is invoked 60 times a minute, with durations spread around a middle of its own (a
standard deviation of a quarter), one call in 200 failing and one in 300 twenty times as slow, and
memory that varies by a few megabytes.
"""

import asyncio
import random
import sqlite3
import tempfile
from contextlib import closing
from itertools import pairwise
from pathlib import Path

from bench import names
from bench.session import Session
from stoker.core.metrics import (
    BILL_SPAN_S,
    DAY_S,
    KEPT_DAYS,
    MINUTE_S,
    SPANS,
    Name,
    bill_name,
    of_account,
    of_bill,
    of_function,
    own_name,
    start_of,
)
from stoker.core.price_list import X86, Item
from stoker.core.statistics import Statistic
from stoker.store.metric_store import Entry, MetricStore

FUNCTIONS = 100
CALLS = 60  # a minute
PART_S = 4 * 3600  # of a day
BEGIN = 1_800_000_000 // DAY_S * DAY_S


def measure(session: Session) -> None:
    with tempfile.TemporaryDirectory(dir=session.folder) as folder:
        sizes = asyncio.run(_grown(Path(folder) / "metrics.db"))
    told = ", ".join(f"{size / FUNCTIONS / 1e3:.0f}" for size in sizes)
    session.say(f"  kilobytes a day and function, as minutes, five minutes, hours: {told}")
    session.book.add(names.METRICS_SIZE, names.STOKER, "MB", 0, [year(sizes) / 1e6])


def year(sizes: list[float]) -> float:
    """`sizes`: of a day, as fine as it is at first, and after each of SPANS."""
    ages = [0, *(age_s // DAY_S for _, age_s in SPANS), KEPT_DAYS]
    days = [until - since for since, until in pairwise(ages)]
    return sum(size * many for size, many in zip(sizes, days, strict=True))


async def _grown(path: Path) -> list[float]:
    store = MetricStore(path)
    await store.open()
    try:
        chance = random.Random(7)
        for start in range(BEGIN, BEGIN + PART_S, MINUTE_S):
            await store.put(_minute(chance, start))
            if start % 3600 == 0:
                await store.roll(MINUTE_S, start)
        sizes = []
        for span_s in (MINUTE_S, *(span_s for span_s, _ in SPANS)):
            await store.roll(span_s, BEGIN + PART_S)
            sizes.append(_used(path) * DAY_S / PART_S)
        return sizes
    finally:
        await store.close()


def _used(path: Path) -> int:
    """What the values fill. Pages that are free are used again; what else is in the file, and does
    not grow, is what stays without values."""
    with closing(sqlite3.connect(path)) as db, closing(sqlite3.connect(":memory:")) as copy:
        db.backup(copy)
        whole = _pages(copy)
        copy.execute("DELETE FROM points")
        return whole - _pages(copy)


def _pages(db: sqlite3.Connection) -> int:
    """Bytes in pages that are not free."""
    names_of = ("page_count", "freelist_count", "page_size")
    pages, free, size = (int(db.execute(f"PRAGMA {name}").fetchone()[0]) for name in names_of)
    return (pages - free) * size


def _minute(chance: random.Random, start: int) -> list[Entry]:
    return [entry for number in range(FUNCTIONS) for entry in _entries(chance, number, start)]


def _entries(chance: random.Random, number: int, start: int) -> list[Entry]:
    function = f"function-{number}"
    durations, memories = Statistic(), Statistic()
    middle = 2.0 + number * 3.7
    slow = [20.0 if chance.random() < 1 / 300 else 1.0 for _ in range(CALLS)]
    durations.add_all([middle * one * chance.lognormvariate(0, 0.25) for one in slow])
    memories.add_all([60.0 + number + chance.randrange(8) for _ in range(CALLS)])
    failed = sum(chance.random() < 1 / 200 for _ in range(CALLS))
    values = {
        own_name("Invocations"): _counted(CALLS, 0),
        own_name("Errors"): _counted(failed, CALLS - failed),
        own_name("Duration"): durations,
        own_name("MaxMemoryUsed"): memories,
        own_name("Throttles"): _counted(0, CALLS),
    }
    alone = of_account("1", "eu-central-1", ("FunctionName", function))
    most = Statistic()
    most.add(float(chance.randrange(1, 4)))
    bill: dict[Name, Statistic] = {}
    for item, amount in ((Item.REQUESTS, CALLS), (Item.DURATION, durations.total / 8000)):
        bill[bill_name(item)] = Statistic(sizes=None)
        bill[bill_name(item)].add(amount)
    version = of_function("1", "eu-central-1", function, None, "$LATEST")
    billed = of_bill("1", "eu-central-1", function, X86)
    return [
        Entry(version, start, values),
        Entry(alone, start, {own_name("ConcurrentExecutions"): most}),
        Entry(billed, start_of(start, BILL_SPAN_S), bill),
    ]


def _counted(ones: int, zeros: int) -> Statistic:
    found = Statistic()
    for value, count in ((1.0, ones), (0.0, zeros)):
        if count:
            found.add(value, count)
    return found
