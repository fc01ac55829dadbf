"""The file of traces: what it keeps, whom it makes room for; and who fills it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from stoker.core.tracing import Segment
from stoker.core.xray.documents import Glance
from stoker.observe.traces import Owner, Traces
from stoker.reconcilers.tracing import Tracing
from stoker.store.base import StoreUnavailable
from stoker.store.trace_store import ROW_BYTES, Arrived, Span, TraceStore

NOW = 1_800_000_000
EVER = Span(0, 2**33)
MOST = 100_000


def trace_id(number: int, made: int = NOW) -> str:
    return f"1-{made:08x}-{number:024x}"


def arrived(
    trace: int, id_: int, text: bytes = b"{}", *, function: str = "f", done: bool = True,
    made: int = NOW, came: float = NOW,
) -> Arrived:  # fmt: skip
    seen = Glance(trace_id(trace, made), f"{id_:016x}", came, came + 1, done)
    return Arrived("1", "eu", function, seen, text, came)


def with_store(
    folder: Path, story: Callable[[TraceStore], Awaitable[None]], most: int = MOST
) -> None:
    async def main() -> None:
        store = TraceStore(folder / "traces.db", most)
        await store.open()
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(main())


async def found(store: TraceStore, span: Span = EVER) -> list[tuple[str, tuple[bytes, ...]]]:
    """By pages of two."""
    whole, after = [], None
    while page := await store.find("1", "eu", span, 2, after):
        whole += [(one.id, one.documents) for one in page]
        after = page[-1].place
    return whole


def test_what_was_put_is_there_after_a_restart_the_latest_first(tmp_path: Path) -> None:
    async def first(store: TraceStore) -> None:
        await store.put([arrived(1, 1, b"1"), arrived(2, 1, b"2", made=NOW + 9)])
        await store.put([arrived(1, 2, b"3"), arrived(3, 1, b"4")])

    async def then(store: TraceStore) -> None:
        assert await found(store) == [
            (trace_id(2, NOW + 9), (b"2",)),
            (trace_id(3), (b"4",)),
            (trace_id(1), (b"1", b"3")),
        ]
        assert await store.find("2", "eu", EVER, 9) == []
        [one] = await store.get("1", "eu", [trace_id(1), trace_id(7)])
        assert (one.revision, one.cut) == (2, False)

    with_store(tmp_path, first)
    with_store(tmp_path, then)


def test_a_time_range_is_of_the_id_of_arrivals_or_of_ends(tmp_path: Path) -> None:
    async def story(store: TraceStore) -> None:
        await store.put([arrived(1, 1, made=NOW, came=NOW + 100)])
        for of, at in (("TraceId", NOW), ("Event", NOW + 100), ("Service", NOW + 101)):
            assert await found(store, Span(at + 0.5 * (of == "TraceId"), at, of)) != []
            assert await found(store, Span(at + 1, at + 50, of)) == []

    with_store(tmp_path, story)


def test_what_is_done_takes_the_place_of_what_went_on_and_not_the_other_way(tmp_path: Path) -> None:
    async def story(store: TraceStore) -> None:
        await store.put([arrived(1, 1, b"going", done=False)])
        await store.put([arrived(1, 1, b"done")])
        await store.put([arrived(1, 1, b"going", done=False)])
        assert await found(store) == [(trace_id(1), (b"done",))]

    with_store(tmp_path, story)


def test_who_keeps_most_gives_way_and_the_oldest_goes_first(tmp_path: Path) -> None:
    async def story(store: TraceStore) -> None:
        await store.put([arrived(1, 1, b"quiet", function="g")])
        big = b"x" * (5000 - ROW_BYTES)
        await store.put([arrived(n, 1, big) for n in range(2, 40)])
        assert store.is_full
        await store.tidy(0)
        assert not store.is_full
        left = [id_ for id_, _ in await found(store)]
        assert left[0] == trace_id(39)
        assert left[-1] == trace_id(1)
        assert 15 <= len(left) <= 20

    with_store(tmp_path, story)


def test_many_who_keep_equally_much_give_way_alike(tmp_path: Path) -> None:
    async def story(store: TraceStore) -> None:
        await store.put([arrived(n, 1, b"x" * 600, function=f"f{n % 10}") for n in range(150)])
        await store.tidy(0)
        left = [int(id_[-24:], 16) % 10 for id_, _ in await found(store)]
        assert {7, 8, 9} >= {left.count(n) for n in range(10)}
        assert len(left) * 1000 <= MOST

    with_store(tmp_path, story)


def test_old_traces_are_forgotten(tmp_path: Path) -> None:
    async def story(store: TraceStore) -> None:
        await store.put([arrived(n, 1, came=NOW + n) for n in range(10)])
        await store.put([arrived(0, 2, came=NOW + 20)])
        await store.tidy(NOW + 8)
        assert {id_ for id_, _ in await found(store)} == {trace_id(n) for n in (0, 8, 9)}

    with_store(tmp_path, story)


_PUTTING = """
import asyncio, sys
from pathlib import Path
from stoker.store.trace_store import TraceStore
from tests.component.test_trace_store import MOST, arrived

async def main():
    store = TraceStore(Path(sys.argv[1]) / "traces.db", MOST)
    await store.open()
    for number in range(int(sys.argv[2]), 100_000):
        await store.put([arrived(number // 3, number)])
        print(number, flush=True)

asyncio.run(main())
"""


def test_a_kill_loses_nothing_that_was_confirmed(tmp_path: Path) -> None:
    told: set[int] = set()
    for lines in (1, 9):  # of each life, before it is killed
        start = str(max(told, default=-1) + 1)
        asked = [sys.executable, "-c", _PUTTING, str(tmp_path), start]
        with subprocess.Popen(asked, stdout=subprocess.PIPE, env=dict(os.environ)) as process:
            assert process.stdout is not None
            said = [process.stdout.readline() for _ in range(lines)]
            process.send_signal(signal.SIGKILL)
            said += process.stdout.readlines()
            told |= {int(line) for line in said if line.endswith(b"\n")}

    async def story(store: TraceStore) -> None:
        many = sum(len(documents) for _, documents in await found(store))
        assert len(told) <= many <= len(told) + 2

    with_store(tmp_path, story)


# --- who fills it -------------------------------------------------------------------------------

OWNER = Owner("1", "eu", "f")


def segment(number: int) -> Segment:
    times = {"start_time": NOW, "end_time": NOW}
    said = {"trace_id": trace_id(number), "id": f"{number:016x}", "name": "n", **times}
    return Segment(trace_id(number), json.dumps(said).encode())


class Broken(TraceStore):
    """A disk that takes nothing until it is mended."""

    is_broken = True

    async def put(self, *facts: list[Arrived]) -> None:  # type: ignore[override]
        if self.is_broken:
            raise StoreUnavailable("disk full")
        await super().put(*facts)


def test_what_comes_is_soon_on_the_disk_and_what_is_no_segment_is_not(tmp_path: Path) -> None:
    async def story(store: TraceStore) -> None:
        traces = Traces()
        running = asyncio.create_task(Tracing(traces=traces, store=store, days=30).run())
        await asyncio.sleep(0)
        traces.put(OWNER, segment(1), 0)
        traces.put(OWNER, Segment(trace_id(2), b"{}"), 0)
        traces.put(OWNER, segment(3), 0)
        async with asyncio.timeout(30):
            while len(await found(store)) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        assert {id_ for id_, _ in await found(store)} == {trace_id(1), trace_id(3)}
        running.cancel()
        await asyncio.wait({running})

    with_store(tmp_path, story)


def test_a_full_disk_loses_nothing_once_it_has_room_again(tmp_path: Path) -> None:
    async def main() -> None:
        store, traces = Broken(tmp_path / "traces.db", MOST), Traces()
        await store.open()
        tracing = Tracing(traces=traces, store=store, days=30)
        now = time.time_ns() // 1_000_000
        for number in (1, 2):
            traces.put(OWNER, segment(number), now)
            await tracing.flush()
        store.is_broken = False
        await tracing.flush()
        assert len(await found(store)) == 2
        await store.close()

    asyncio.run(main())
