"""A data folder with a past: 1,000 functions, each invoked 1,000 times in the last hour, with their
metrics, minute by minute, and three lines of log for each invocation."""

import asyncio
import random
import time
import uuid
from functools import partial
from pathlib import Path

from bench import control
from bench.client import REGION
from stoker.core.metrics import MINUTE_S, of_account, of_function, own_name, start_of
from stoker.core.statistics import Statistic
from stoker.observe import log_writes
from stoker.observe.log_database import LogDatabase
from stoker.observe.log_writes import Batch, StreamName
from stoker.store.metric_store import Entry, MetricStore

FUNCTIONS = 1000
MINUTES = 60
CALLS = 17  # of a function in a minute: a little more than a million in all
ACCOUNT = "000000000000"
LARGEST = 16 * 1024**3  # the file of logs


def fill(data: Path) -> None:
    control.fill(data, FUNCTIONS)
    now = start_of(time.time())
    asyncio.run(_metrics(data, now))
    _logs(data, now)


def function(number: int) -> str:
    """As bench.control names them."""
    return f"many{number:05}"


async def _metrics(data: Path, now: int) -> None:
    store, chance = MetricStore(data / "state" / "metrics.db"), random.Random(7)
    await store.open()
    try:
        for start in range(now - MINUTES * MINUTE_S, now, MINUTE_S):
            most = Statistic()
            most.add(float(chance.randrange(10, 50)))
            peak = Entry(
                of_account(ACCOUNT, REGION), start, {own_name("ConcurrentExecutions"): most}
            )
            await store.put([peak, *(_minute(chance, one, start) for one in range(FUNCTIONS))])
    finally:
        await store.close()


def _minute(chance: random.Random, number: int, start: int) -> Entry:
    durations, memories, errors = Statistic(), Statistic(), Statistic()
    calls, throttles = Statistic(), Statistic()
    durations.add_all([(2.0 + number) * chance.lognormvariate(0, 0.25) for _ in range(CALLS)])
    memories.add_all([60.0 + chance.randrange(8) for _ in range(CALLS)])
    for statistic, value in ((calls, 1.0), (throttles, 0.0), (errors, 0.0)):
        statistic.add(value, CALLS)
    values = {
        own_name("Invocations"): calls,
        own_name("Errors"): errors,
        own_name("Throttles"): throttles,
        own_name("Duration"): durations,
        own_name("MaxMemoryUsed"): memories,
    }
    source = of_function(ACCOUNT, REGION, function(number), None, "$LATEST")
    return Entry(source, start, values)


def _logs(data: Path, now: int) -> None:
    database = LogDatabase(data / "state" / "logs.db", max_bytes=LARGEST)
    database.open()
    chance = random.Random(11)
    step_ms = MINUTES * MINUTE_S * 1000 // (MINUTES * CALLS)
    first_ms = (now - MINUTES * MINUTE_S) * 1000
    try:
        for number in range(FUNCTIONS):
            times: list[int] = []
            lines: list[bytes] = []
            for call in range(MINUTES * CALLS):
                id_ = uuid.UUID(int=chance.getrandbits(128), version=4)
                times += [first_ms + call * step_ms + number % step_ms] * 3
                lines += _lines(id_, 2.0 + call % 50)
            stream = StreamName(
                ACCOUNT, REGION, f"/aws/lambda/{function(number)}", "2026/01/01/[$LATEST]recorded"
            )
            batch = Batch(stream, times, lines)
            database.run(partial(log_writes.store, batches=[batch], now_ms=now * 1000))
    finally:
        database.close()


def _lines(id_: uuid.UUID, took_ms: float) -> list[bytes]:
    report = (
        f"REPORT RequestId: {id_}\tDuration: {took_ms:.2f} ms\tBilled Duration: {took_ms:.0f} ms\t"
        "Memory Size: 1769 MB\tMax Memory Used: 40 MB\t\n"
    )
    lines = (f"START RequestId: {id_} Version: $LATEST\n", f"END RequestId: {id_}\n", report)
    return [line.encode() for line in lines]
