"""The file of metrics: what it keeps, makes coarser and forgets; and who fills it."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from stoker.core.concurrency import Concurrency
from stoker.core.invocation import LogSettings, Target
from stoker.core.kept_time import KeptTime
from stoker.core.metrics import DAY_S, LAMBDA, MINUTE_S, Name, Source, of_account, of_bill
from stoker.core.price_list import X86, Item
from stoker.core.statistics import Statistic
from stoker.observe.metrics import MOST, Metrics
from stoker.reconcilers.metering import Metering
from stoker.store import metric_store
from stoker.store.base import StoreUnavailable
from stoker.store.metric_store import Entry, MetricStore, TooManySeries

NOW = 1_800_000_000
MINE = Source("1", "eu", "mine", (("a", "1"),))
M = Name("m", "Count")


def entry(start: int, *values: float, source: Source = MINE) -> Entry:
    one = Statistic()
    for value in values:
        one.add(value)
    return Entry(source, start, {M: one})


def with_store(folder: Path, story: Callable[[MetricStore], Awaitable[None]]) -> None:
    async def main() -> None:
        store = MetricStore(folder / "metrics.db")
        await store.open()
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(main())


async def sums(
    store: MetricStore, start: int, end: int, span_s: int = MINUTE_S
) -> dict[int, float]:
    found = await store.read(MINE, "m", start, end, span_s)
    return {at: one.total for at, one in found.get("Count", {}).items()}


def rows(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "metrics.db")) as db:
        return int(db.execute("SELECT count(*) FROM points").fetchone()[0])


def test_what_was_put_is_there_after_a_restart(tmp_path: Path) -> None:
    async def first(store: MetricStore) -> None:
        await store.put([entry(NOW, 1.0, 2.0), entry(NOW, 4.0), entry(NOW + 60, 8.0)])

    async def then(store: MetricStore) -> None:
        await store.put([entry(NOW, 16.0)])
        assert await sums(store, NOW, NOW + 120) == {NOW: 23.0, NOW + 60: 8.0}
        assert await sums(store, NOW, NOW + 120, 120) == {NOW: 31.0}
        assert list(store.series("1", "eu")) == [(MINE, M, NOW + 60)]
        assert list(store.series("2", "eu")) == []

    with_store(tmp_path, first)
    with_store(tmp_path, then)


def test_old_values_become_coarser_and_the_oldest_are_forgotten(tmp_path: Path) -> None:
    async def story(store: MetricStore) -> None:
        for minute in range(0, 3600, 60):
            await store.put([entry(NOW + minute, 1.0), entry(NOW + minute, 2.0)])
        await store.roll(MINUTE_S, NOW + 1800)
        assert rows(tmp_path) == 30 + 60
        await store.roll(300, NOW + 3600)
        assert rows(tmp_path) == 12
        assert await sums(store, NOW, NOW + 3600, 300) == {NOW + n * 300: 15.0 for n in range(12)}
        await store.put([entry(NOW + 3660, 5.0)])
        await store.roll(3600, NOW + 7200)
        assert await sums(store, NOW, NOW + 7200, 3600) == {NOW: 180.0, NOW + 3600: 5.0}
        await store.forget(NOW + 3600)
        assert await sums(store, NOW, NOW + 7200, 3600) == {NOW + 3600: 5.0}
        await store.forget(NOW + DAY_S)
        assert (rows(tmp_path), list(store.series("1", "eu"))) == (0, [])

    with_store(tmp_path, story)


def test_a_file_of_the_first_version_goes_on(tmp_path: Path) -> None:
    one_and_two = bytes.fromhex("01070406020402c0b802022002")  # as it was written then

    async def first(store: MetricStore) -> None:
        await store.put([entry(NOW, 1.0, 2.0), entry(NOW + 60, 4.0)])

    async def then(store: MetricStore) -> None:
        assert await sums(store, NOW, NOW + 120) == {NOW: 3.0, NOW + 60: 4.0}
        await store.roll(300, NOW + 300)
        assert rows(tmp_path) == 1
        (found,) = (await store.read(MINE, "m", NOW, NOW + 300, 300))["Count"].values()
        assert (found.total, found.percentile(100)) == (7.0, 4.0)

    with_store(tmp_path, first)
    with closing(sqlite3.connect(tmp_path / "metrics.db")) as db, db:
        changed = db.execute("UPDATE points SET facts = ? WHERE start = ?", (one_and_two, NOW))
        assert changed.rowcount == 1
    with_store(tmp_path, then)


def test_an_account_has_so_many_metrics_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metric_store, "MOST_SERIES", 2)

    async def story(store: MetricStore) -> None:
        two = [entry(NOW, 1.0), Entry(MINE, NOW, {Name("other"): Statistic()})]
        await store.put(two)
        await store.put(two)
        with pytest.raises(TooManySeries):
            await store.put([Entry(MINE, NOW, {Name("third"): Statistic()})])
        theirs = Source("2", "eu", "mine", ())
        await store.put([entry(NOW, 1.0, source=theirs)])
        await store.forget(NOW + DAY_S)
        await store.put(two)

    with_store(tmp_path, story)


_PUTTING = """
import asyncio, sys
from pathlib import Path
from tests.component.test_metric_store import NOW, entry
from stoker.store.metric_store import MetricStore

async def main():
    store = MetricStore(Path(sys.argv[1]) / "metrics.db")
    await store.open()
    for number in range(100_000):
        await store.put([entry(NOW + number % 7 * 60, 1.0)])
        print(number + 1, flush=True)
        if number % 5 == 4:
            await store.roll(300, NOW + 3600)

asyncio.run(main())
"""


def test_a_kill_loses_nothing_that_was_confirmed_and_counts_nothing_twice(tmp_path: Path) -> None:
    asked = [sys.executable, "-c", _PUTTING, str(tmp_path)]
    told = 0
    for lines in (1, 7, 12):  # of each life, before it is killed
        with subprocess.Popen(asked, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
            assert process.stdout is not None
            for _ in range(lines):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            told += lines + len(process.stdout.readlines())

    async def story(store: MetricStore) -> None:
        found = sum((await sums(store, NOW, NOW + 3600, 300)).values())
        assert told <= found <= told + 3  # of each life one may be there and not confirmed

    with_store(tmp_path, story)


# --- who fills it -------------------------------------------------------------------------------


class Broken:
    """A disk that takes nothing until it is mended: stands for the file, which cannot be broken
    at will."""

    def __init__(self, store: MetricStore) -> None:
        self._store = store
        self.is_broken = True

    async def put(self, entries: list[Entry]) -> None:
        if self.is_broken:
            raise StoreUnavailable("disk full")
        await self._store.put(entries)


def metering(
    metrics: Metrics,
    store: object,
    account: Concurrency | None = None,
    provided: Mapping[Target, int] = {},
    snapshots: Mapping[Target, int] = {},
) -> Metering:
    peaks = {("1", "eu"): account} if account is not None else {}
    times: list[KeptTime[Target]] = [KeptTime(), KeptTime()]
    for kept, amounts in zip(times, (provided, snapshots), strict=True):
        kept.keep(amounts, time.monotonic() - 60)
    invoker = SimpleNamespace(
        peaks=lambda: {key: one.take_peaks() for key, one in peaks.items()},
        provided_time=times[0],
        snapshots=SimpleNamespace(kept=times[1]),
    )
    return Metering(metrics=metrics, store=cast(Any, store), invoker=cast(Any, invoker))


def test_a_full_disk_loses_nothing_of_the_last_hour(tmp_path: Path) -> None:
    async def story(store: MetricStore) -> None:
        broken, metrics = Broken(store), Metrics()
        writing = metering(metrics, broken)
        for _ in range(3):
            metrics.measure("1", "eu", "f", "AsyncEventsReceived", 1)
            await writing.flush()
        broken.is_broken = False
        await writing.flush()
        now = int(time.time())
        source = of_account("1", "eu", ("FunctionName", "f"))
        found = await store.read(source, "AsyncEventsReceived", now - 3600, now + 60, 7200)
        assert found["Count"][now - 3600].count == 3

    with_store(tmp_path, story)


def test_concurrency_is_written_as_well(tmp_path: Path) -> None:
    async def story(store: MetricStore) -> None:
        account = Concurrency(10)
        account.admit("f", "1")
        await metering(Metrics(), store, account).flush()
        assert {(name.name, source.namespace) for source, name, _ in store.series("1", "eu")} == {
            ("ConcurrentExecutions", LAMBDA),
            ("UnreservedConcurrentExecutions", LAMBDA),
            ("ClaimedAccountConcurrency", LAMBDA),
        }

    with_store(tmp_path, story)


def test_what_is_kept_ready_is_billed_by_the_time(tmp_path: Path) -> None:
    target = Target(
        "1", "eu", "f", "1", "python3.13", "m.h", "r", "c", (), 2048, 3, 512, (), LogSettings("g")
    )
    java = replace(target, runtime="java21", version="2")  # whose snapshots cost nothing

    async def story(store: MetricStore) -> None:
        metrics = Metrics()
        begun = time.monotonic()
        writing = metering(metrics, store, None, {target: 3}, {target: 1, java: 1})
        await writing.flush()
        await writing.flush()
        took_s = time.monotonic() - begun
        now = int(time.time())
        source = of_bill("1", "eu", "f", X86)
        told = {}
        for item in (Item.PROVISIONED, Item.CACHED):
            (found,) = (await store.read(source, item, now - 3600, now + 60, 7200)).values()
            told[item] = sum(one.total for one in found.values())
        assert 2 * 60 <= told[Item.CACHED] <= 2 * (60 + took_s)
        assert 3 * 2 * 60 <= told[Item.PROVISIONED] <= 3 * 2 * (60 + took_s)

    with_store(tmp_path, story)


def test_what_nobody_takes_stays_bounded() -> None:
    metrics = Metrics()
    for number in range(MOST + 10):
        metrics.measure("1", "eu", f"f{number}", "IteratorAge", 1.0)
    assert len(metrics.take()) <= MOST
    assert metrics.take() == {}
