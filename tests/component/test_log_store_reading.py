"""Events come out of chunks as if there were one long sorted list."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stoker.core.log_events import Direction, Position
from stoker.core.log_patterns import parse
from stoker.observe import log_groups, log_queries, log_writes
from stoker.observe.log_chunks import CHUNK_BYTES, SPAN_MS
from stoker.observe.log_database import LogDatabase
from stoker.observe.log_groups import GroupName
from stoker.observe.log_queries import END_OF_TIME_MS, Event, Question, from_the_start, read
from stoker.observe.log_writes import FAN_IN, Batch, StreamName

GROUP = GroupName("000000000000", "us-east-1", "/aws/lambda/f")
T0 = 1_800_000_000_000


@contextmanager
def database() -> Iterator[sqlite3.Connection]:
    made = LogDatabase(Path(":memory:"), max_bytes=1 << 30)
    made.open()
    try:
        assert made._connection is not None
        yield made._connection
    finally:
        made.close()


def batch(stream: str, *events: tuple[int, str]) -> Batch:
    where = StreamName(GROUP.account, GROUP.region, GROUP.name, stream)
    return Batch(where, [time for time, _ in events], [text.encode() for _, text in events])


def walk(
    db: sqlite3.Connection,
    direction: Direction = "f",
    *,
    since: int = 0,
    until: int = END_OF_TIME_MS,
    limit: int = 10_000,
    streams: list[str] | None = None,
    pattern: str = "",
) -> list[Event]:
    """All pages, one after the other."""
    group = log_groups.get_group(db, GROUP)
    chosen = None
    if streams is not None:
        chosen = list(log_queries.streams_called(db, group.id, streams).values())
    place: Position | None = from_the_start(direction)
    events: list[Event] = []
    while place is not None:
        page = read(
            db,
            Question(
                group_id=group.id,
                since_ms=since,
                until_ms=until,
                direction=direction,
                start=place,
                limit=limit,
                stream_ids=chosen,
                pattern=parse(pattern) if pattern else None,
            ),
        )
        assert len(page.events) <= limit
        assert page.following is None or page.following != place, "no progress"
        events += page.events
        place = page.following
    return events


TIMES = st.integers(0, 20) | st.integers(0, 3 * SPAN_MS)
BATCHES = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(TIMES, min_size=1, max_size=4)),
    min_size=1,
    max_size=60,
)


@given(
    batches=BATCHES,
    direction=st.sampled_from(["f", "b"]),
    since=st.just(0) | TIMES,
    until=st.just(END_OF_TIME_MS) | TIMES,
    limit=st.integers(1, 7),
    streams=st.none() | st.lists(st.sampled_from("abc"), min_size=1, unique=True),
    scan_bytes=st.sampled_from([1, 200, 1 << 24]),
    page_bytes=st.sampled_from([30, 100, 1 << 20]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_pages_join_to_the_sorted_list_of_what_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    batches: list[tuple[str, list[int]]],
    direction: Direction,
    since: int,
    until: int,
    limit: int,
    streams: list[str] | None,
    scan_bytes: int,
    page_bytes: int,
) -> None:
    monkeypatch.setattr(log_queries, "SCAN_BYTES", scan_bytes)
    monkeypatch.setattr(log_queries, "PAGE_BYTES", page_bytes)
    expected: list[tuple[int, int, str]] = []
    with database() as db:
        for stream, times in batches:
            made = [(time, f"{stream}{len(expected) + index}") for index, time in enumerate(times)]
            log_writes.store(db, [batch(stream, *made)], T0)
            expected += [(time, int(text[1:]), stream) for time, text in made]
        got = walk(db, direction, since=since, until=until, limit=limit, streams=streams)
    expected = [
        (time, number, stream)
        for time, number, stream in sorted(expected, reverse=direction == "b")
        if since <= time <= until and (streams is None or stream in streams)
    ]
    assert [(e.timestamp_ms, int(e.message[1:]), e.stream) for e in got] == expected
    assert all(e.message[0] == e.stream for e in got)


def test_a_line_a_second_does_not_become_a_row_a_second() -> None:
    with database() as db:
        for second in range(5000):
            log_writes.store(
                db, [batch("s", (T0 + 1000 * second, f"line {second} " + "x" * 80))], T0
            )
        rows, size = db.execute("SELECT count(*), sum(size_bytes) FROM log_chunk").fetchone()
        assert rows <= size / (CHUNK_BYTES / 2) + 3 * FAN_IN
        assert [e.message.split()[1] for e in walk(db)] == [str(s) for s in range(5000)]


def test_lines_of_different_days_are_not_merged() -> None:
    with database() as db:
        for day in range(40):
            log_writes.store(db, [batch("s", (T0 + day * (SPAN_MS + 1), "x"))], T0)
        (span,) = db.execute("SELECT max(last_ms - first_ms) FROM log_chunk").fetchone()
        assert span <= SPAN_MS
        assert len(walk(db)) == 40


def test_a_batch_that_spans_days_is_cut() -> None:
    with database() as db:
        log_writes.store(db, [batch("s", (0, "a"), (5 * SPAN_MS, "b"), (5 * SPAN_MS, "c"))], T0)
        (span,) = db.execute("SELECT max(last_ms - first_ms) FROM log_chunk").fetchone()
        assert span <= SPAN_MS
        assert [e.message for e in walk(db, since=5 * SPAN_MS)] == ["b", "c"]


def test_ids_stay_when_chunks_are_merged() -> None:
    """`aws logs tail --follow` knows by its id that it has shown an event."""
    with database() as db:
        for index in range(FAN_IN - 1):
            log_writes.store(db, [batch("s", (T0, str(index)))], T0)
        before = [e.position for e in walk(db)]
        (rows_before,) = db.execute("SELECT count(*) FROM log_chunk").fetchone()
        log_writes.store(db, [batch("s", (T0, "last"))], T0)
        (rows_after,) = db.execute("SELECT count(*) FROM log_chunk").fetchone()
        assert (rows_before, rows_after) == (FAN_IN - 1, 1)
        assert [e.position for e in walk(db)][:-1] == before


def test_only_what_matches_the_pattern_is_found() -> None:
    with database() as db:
        log_writes.store(
            db,
            [batch("s", (1, "ERROR one"), (2, "fine"), (3, "ERROR two")), batch("t", (2, "no"))],
            T0,
        )
        assert [e.message for e in walk(db, pattern="ERROR")] == ["ERROR one", "ERROR two"]
        assert [e.message for e in walk(db, "b", pattern="-ERROR")] == ["no", "fine"]


def test_bytes_that_are_no_utf8_are_replaced_when_read() -> None:
    with database() as db:
        where = StreamName(GROUP.account, GROUP.region, GROUP.name, "s")
        log_writes.store(db, [Batch(where, [1], [b"a\xff\xfeb"])], T0)
        assert [e.message for e in walk(db)] == ["a\ufffd\ufffdb"]


def test_big_chunks_are_compressed_and_read_back() -> None:
    with database() as db:
        lines = [(T0 + n, f"{n} " + "the same words again and again " * 9) for n in range(2000)]
        log_writes.store(db, [batch("s", *lines)], T0)
        size, on_disk = db.execute(
            "SELECT sum(size_bytes), sum(length(body)) FROM log_chunk"
        ).fetchone()
        assert on_disk < size / 5
        assert [(e.timestamp_ms, e.message) for e in walk(db)] == lines


def test_the_end_of_a_long_history_is_found_without_opening_the_rest() -> None:
    with database() as db:
        for hour in range(24 * 30):
            log_writes.store(db, [batch("s", (T0 + hour * 3_600_000, "x" * 40_000))], T0)
        opened: list[str] = []
        db.set_trace_callback(lambda sql: opened.append(sql) if "SELECT body" in sql else None)
        found = walk(db, since=T0 + 24 * 30 * 3_600_000 - 7_200_000)
        assert len(found) == 2
        assert len(opened) == 2
