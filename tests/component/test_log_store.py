"""The log store as the data plane uses it: append and forget."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from stoker.core.log_events import DAY_MS, MAX_LINE_BYTES, Position
from stoker.observe import log_groups, log_queries, log_writes
from stoker.observe.log_groups import GroupName
from stoker.observe.log_queries import END_OF_TIME_MS, Event, Question
from stoker.observe.log_writes import Batch, StreamName
from stoker.observe.logs import EVENT_COST_BYTES, Bounds, LogStore, Sink, now_ms

ACCOUNT, REGION = "000000000000", "us-east-1"
GROUP = GroupName(ACCOUNT, REGION, "/aws/lambda/f")


def run(
    path: Path, story: Callable[[LogStore], Awaitable[None]], bounds: Bounds | None = None
) -> None:
    async def main() -> None:
        store = LogStore(path / "logs.db", bounds=bounds)
        await store.start()
        try:
            await asyncio.wait_for(story(store), 60)
        finally:
            await store.close()

    asyncio.run(main())


def sink(store: LogStore, stream: str = "s", group: GroupName = GROUP) -> Sink:
    return store.open(group.account, group.region, group.name, stream)


async def events(store: LogStore, group: GroupName = GROUP) -> list[Event]:
    def ask(db: sqlite3.Connection) -> list[Event]:
        group_id = log_groups.get_group(db, group).id
        place: Position | None = Position(0)
        found: list[Event] = []
        while place is not None:
            page = log_queries.read(db, Question(group_id, 0, END_OF_TIME_MS, "f", place))
            found += page.events
            place = page.following
        return found

    return await store.query(ask)


async def lines(store: LogStore, group: GroupName = GROUP) -> list[str]:
    return [event.message for event in await events(store, group)]


def test_what_was_appended_is_there_for_the_next_question(tmp_path: Path) -> None:
    async def story(store: LogStore) -> None:
        one, two = sink(store, "one"), sink(store, "two")
        assert (one.group, one.stream) == ("/aws/lambda/f", "one")
        one.append(10, b"first\n")
        two.append(11, b"second\n")
        one.append(12, b"third\n")
        found = await events(store)
        assert [(e.stream, e.timestamp_ms, e.message) for e in found] == [
            ("one", 10, "first\n"),
            ("two", 11, "second\n"),
            ("one", 12, "third\n"),
        ]
        assert all(abs(e.ingested_ms - now_ms()) < 60_000 for e in found)

    run(tmp_path, story)


def test_what_was_appended_reaches_the_file_without_being_asked_for(tmp_path: Path) -> None:
    async def story(store: LogStore) -> None:
        sink(store).append(1, b"x")
        await until(lambda count: count > 0, store)

    run(tmp_path, story)


def rows(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("SELECT count(*) FROM log_chunk").fetchone()[0])
    finally:
        connection.close()


async def until(is_so: Callable[[int], bool], store: LogStore) -> None:
    """Wait for the number of rows; the file tells nobody when it changes."""
    while not is_so(await asyncio.to_thread(rows, store.path)):  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def test_groups_of_different_accounts_and_regions_are_different(tmp_path: Path) -> None:
    async def story(store: LogStore) -> None:
        groups = [
            GroupName(account, region, "g")
            for account in ("000000000000", "123456789012")
            for region in ("us-east-1", "eu-central-1")
        ]
        for group in groups:
            sink(store, group=group).append(1, f"{group.account} {group.region}".encode())
        for group in groups:
            assert await lines(store, group) == [f"{group.account} {group.region}"]

    run(tmp_path, story)


def test_closing_a_sink_or_the_store_loses_nothing(tmp_path: Path) -> None:
    async def write(store: LogStore) -> None:
        open_sink, closed = sink(store, "open"), sink(store, "closed")
        open_sink.append(1, b"a")
        closed.append(2, b"b")
        closed.close()

    async def read(store: LogStore) -> None:
        assert await lines(store) == ["a", "b"]

    run(tmp_path, write)
    run(tmp_path, read)


def test_appending_to_a_closed_store_is_harmless(tmp_path: Path) -> None:
    async def main() -> None:
        store = LogStore(tmp_path / "logs.db")
        await store.start()
        late = sink(store)
        late.append(1, b"in time")
        await store.close()
        for _ in range(1000):
            late.append(2, b"too late")
        late.close()

    asyncio.run(main())

    async def read(store: LogStore) -> None:
        assert await lines(store) == ["in time"]

    run(tmp_path, read)


def test_a_line_of_megabytes_becomes_several_events(tmp_path: Path) -> None:
    async def story(store: LogStore) -> None:
        line = b"0123456789" * (MAX_LINE_BYTES // 10 * 3)
        sink(store).append(5, line)
        found = await events(store)
        assert {e.timestamp_ms for e in found} == {5}
        assert max(len(e.message) for e in found) <= MAX_LINE_BYTES
        assert "".join(e.message for e in found).encode() == line

    run(tmp_path, story)


MARKER = (
    "[stoker] {} log events ({} bytes) were dropped here: "
    "the function logs faster than they can be stored\n"
)


def test_too_many_events_leave_one_marker_where_they_are_missing(tmp_path: Path) -> None:
    bounds = Bounds(stream_bytes=100 * (EVENT_COST_BYTES + 10))

    async def story(store: LogStore) -> None:
        chatty = sink(store)
        for number in range(250):
            chatty.append(number, b"%010d" % number)
        await store.flush()
        chatty.append(300, b"afterwards")
        expected = [f"{number:010d}" for number in range(100)]
        assert await lines(store) == [*expected, MARKER.format(150, 1500), "afterwards"]
        assert (store.dropped_events, store.dropped_bytes) == (150, 1500)

    run(tmp_path, story, bounds)


def test_a_small_event_does_not_slip_in_behind_dropped_ones(tmp_path: Path) -> None:
    async def story(store: LogStore) -> None:
        chatty = sink(store)
        chatty.append(1, b"x" * 600)
        chatty.append(2, b"x" * 600)
        chatty.append(3, b"small")
        chatty.append(4, b"")
        assert await lines(store) == ["x" * 600, MARKER.format(3, 605)]

    run(tmp_path, story, Bounds(stream_bytes=1000))


def test_all_streams_together_are_bounded(tmp_path: Path) -> None:
    bounds = Bounds(total_bytes=100_000)

    async def story(store: LogStore) -> None:
        for stream in range(50):
            chatty = sink(store, f"s{stream}")
            for _ in range(20):
                chatty.append(1, b"x" * 400)
        kept = [line for line in await lines(store) if not line.startswith("[stoker]")]
        assert 50_000 < len(kept) * (400 + EVENT_COST_BYTES) <= 100_000
        assert len(kept) + store.dropped_events == 1000
        sink(store, "later").append(2, b"there is room again")
        assert (await lines(store))[-1] == "there is room again"

    run(tmp_path, story, bounds)


def test_a_flood_is_written_while_it_comes(tmp_path: Path) -> None:
    """Far more than may wait, with pauses: nothing is dropped."""
    bounds = Bounds(stream_bytes=1_000_000, total_bytes=2_000_000, flush_after_s=30)

    async def story(store: LogStore) -> None:
        chatty = sink(store)
        for number in range(20):
            for _ in range(40):
                chatty.append(number, b"x" * 10_000)
            await store.flush()
        assert store.dropped_events == 0
        assert len(await lines(store)) == 800

    run(tmp_path, story, bounds)


def test_a_stream_with_much_pending_does_not_wait_for_the_timer(tmp_path: Path) -> None:
    async def story(store: LogStore) -> None:
        chatty = sink(store)
        for _ in range(100):
            chatty.append(1, b"x" * 10_000)
        await until(lambda count: count > 0, store)

    run(tmp_path, story, Bounds(flush_after_s=3600))


def test_a_full_disk_drops_and_counts_and_the_store_recovers(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    bounds = Bounds(database_bytes=600_000, flush_after_s=0.001, retry_after_s=0.001)
    big = GroupName(ACCOUNT, REGION, "big")

    async def story(store: LogStore) -> None:
        noise = "".join(chr(0x4E00 + (n * n * 7919) % 20_000) for n in range(60_000)).encode()
        filler, other = sink(store, group=big), sink(store)
        other.append(1, b"before")
        while not store.dropped_events:
            filler.append(1, noise)
            await store.flush()
        before_other = store.dropped_events
        other.append(2, noise)
        await store.flush()
        assert store.dropped_events > before_other
        errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
        assert [record.message for record in errors] == ["logs cannot be stored"]
        assert (await lines(store))[0] == "before"  # reading goes on

        await store.change(lambda db: log_groups.delete_group(db, big))
        store.sweep()
        await until(lambda count: count == 2, store)  # the first, and the marker for the second
        other.append(3, b"after")
        assert await lines(store) == [
            "before",
            f"[stoker] 1 log events ({len(noise)} bytes) were dropped here: "
            "they could not be stored\n",
            "after",
        ]

    run(tmp_path, story, bounds)


def test_deleted_groups_and_streams_are_gone_and_their_chunks_are_cleared_away(
    tmp_path: Path,
) -> None:
    async def story(store: LogStore) -> None:
        other = GroupName(ACCOUNT, REGION, "other")
        sink(store, "keep").append(1, b"keep")
        sink(store, "drop").append(1, b"drop")
        sink(store, group=other).append(1, b"other")
        await store.change(lambda db: log_groups.delete_stream(db, GROUP, "drop"))
        await store.change(lambda db: log_groups.delete_group(db, other))
        sink(store, "drop").append(2, b"new")
        sink(store, group=other).append(2, b"new other")
        assert await lines(store) == ["keep", "new"]
        assert await lines(store, other) == ["new other"]
        store.sweep()
        await until(lambda count: count == 3, store)
        assert await lines(store) == ["keep", "new"]

    run(tmp_path, story)


def test_events_past_the_retention_are_cleared_away(tmp_path: Path) -> None:
    async def story(store: LogStore) -> None:
        now = now_ms()
        for age_days in (9, 8, 6, 0):
            old = sink(store, f"s{age_days}")
            for _ in range(3):
                old.append(now - age_days * DAY_MS, b"%d days" % age_days)
        await store.change(lambda db: log_groups.set_retention(db, GROUP, 7))
        before = await store.query(lambda db: log_groups.get_group(db, GROUP).stored_bytes)
        store.sweep()
        await until(lambda count: count == 2, store)
        assert await lines(store) == ["6 days"] * 3 + ["0 days"] * 3
        after = await store.query(lambda db: log_groups.get_group(db, GROUP).stored_bytes)
        assert (before, after) == (12 * (6 + 26), 6 * (6 + 26))

    run(tmp_path, story)


def test_a_chunk_is_kept_while_one_of_its_events_must_be(tmp_path: Path) -> None:
    async def story(store: LogStore) -> None:
        cutoff = now_ms() - 7 * DAY_MS
        mixed, old = sink(store, "mixed"), sink(store, "old")
        mixed.append(cutoff - 3_600_000, b"past")
        mixed.append(cutoff + 3_600_000, b"kept")
        old.append(cutoff - 3_600_000, b"past")
        await store.change(lambda db: log_groups.set_retention(db, GROUP, 7))
        store.sweep()
        await until(lambda count: count == 1, store)
        assert (await lines(store))[-1] == "kept"

    run(tmp_path, story)


def test_a_sweep_goes_on_until_all_is_cleared_away(tmp_path: Path) -> None:
    async def story(store: LogStore) -> None:
        where = [StreamName(ACCOUNT, REGION, GROUP.name, f"s{n}") for n in range(700)]

        def fill(db: sqlite3.Connection) -> None:
            log_writes.store(db, [Batch(one, [1], [b"x"]) for one in where], now_ms())
            log_groups.delete_group(db, GROUP)

        await store.change(fill)
        assert await asyncio.to_thread(rows, store.path) == 700
        store.sweep()
        await until(lambda count: count == 0, store)

    run(tmp_path, story)


def test_a_file_of_a_newer_stoker_is_refused_with_advice(tmp_path: Path) -> None:
    async def nothing(store: LogStore) -> None:
        pass

    run(tmp_path, nothing)
    connection = sqlite3.connect(tmp_path / "logs.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()

    async def refused() -> None:
        store = LogStore(tmp_path / "logs.db")
        with pytest.raises(RuntimeError, match="written by a newer Stoker"):
            await store.start()
        await store.close()

    asyncio.run(refused())
