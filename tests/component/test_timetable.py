"""What is due is carried out, by real threads at a real clock."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from queue import SimpleQueue

import pytest

from stoker.core.recurrence import Plan
from stoker.core.schedules import read
from stoker.neighbours import timetable
from stoker.neighbours.timetable import Entry, Timetable

PATIENCE_S = 30.0
Complaints = SimpleQueue[tuple[str, BaseException | str]]


@contextmanager
def made() -> Iterator[tuple[Timetable, Complaints]]:
    """One that the test starts."""
    complaints: Complaints = SimpleQueue()
    table = Timetable(lambda name, why: complaints.put((name, why)))
    try:
        yield table, complaints
    finally:
        table.close()


@contextmanager
def running() -> Iterator[tuple[Timetable, Complaints]]:
    with made() as (table, complaints):
        table.start()
        yield table, complaints


def each_minute(*, scale: float = 1e5, times: int | None = None) -> Plan:
    """Due at once, and then so much faster than each minute."""
    since = datetime.now(UTC)
    end = None if times is None else since + (times - 1) * timedelta(minutes=1)
    return Plan(read("rate(1 minute)"), since, end=end, at_once=True, scale=scale)


def test_each_moment_is_carried_out_once_and_then_it_is_over() -> None:
    seen: SimpleQueue[datetime] = SimpleQueue()
    over = threading.Event()
    plan = each_minute(times=3)
    with running() as (table, _):
        table.put("a", Entry(plan, seen.put, over.set))
        assert over.wait(PATIENCE_S)
        found = sorted(seen.get(timeout=PATIENCE_S) for _ in range(3))
        assert seen.empty()
    assert found == [plan.since + n * timedelta(minutes=1) for n in range(3)]


def test_what_is_put_wakes_the_thread_that_waits_for_something_later() -> None:
    seen: SimpleQueue[datetime] = SimpleQueue()
    later = Plan(read("rate(1 day)"), datetime.now(UTC))
    with running() as (table, _):
        table.put("later", Entry(later, seen.put))
        plan = each_minute(scale=1)
        table.put("now", Entry(plan, seen.put))
        assert seen.get(timeout=PATIENCE_S) == plan.since


def test_what_is_replaced_or_removed_is_not_carried_out() -> None:
    seen: SimpleQueue[str] = SimpleQueue()
    with made() as (table, _):
        for name, word in (("replaced", "old"), ("removed", "removed"), ("replaced", "new")):
            table.put(name, Entry(each_minute(times=1), partial(_note, seen, word)))
        table.remove("removed")
        table.remove("never there")
        over = threading.Event()  # later than all others
        table.put("last", Entry(each_minute(times=1), partial(_note, seen, "last"), over.set))
        table.start()
        assert over.wait(PATIENCE_S)
    assert sorted(seen.get() for _ in range(seen.qsize())) == ["last", "new"]


def _note(seen: SimpleQueue[str], word: str, _moment: datetime) -> None:
    seen.put(word)


def test_a_failure_is_told_and_the_next_time_comes() -> None:
    with running() as (table, complaints):

        def fail(moment: datetime) -> None:
            raise OSError("no")

        table.put("bad", Entry(each_minute(), fail))
        for _ in range(2):
            name, why = complaints.get(timeout=PATIENCE_S)
            assert (name, str(why)) == ("bad", "no")


def test_when_too_much_is_to_be_carried_out_more_is_left_out_and_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(timetable, "MOST_OPEN", 5)
    go_on = threading.Event()
    started: SimpleQueue[datetime] = SimpleQueue()

    def stay(moment: datetime) -> None:
        started.put(moment)
        go_on.wait(PATIENCE_S)

    with running() as (table, complaints):
        table.put("slow", Entry(each_minute(), stay))
        name, why = complaints.get(timeout=PATIENCE_S)
        assert (name, why) == ("slow", "5 invocations wait for their time already")
        go_on.set()
        for _ in range(6):
            started.get(timeout=PATIENCE_S)


def test_what_is_replaced_again_and_again_does_not_pile_up() -> None:
    plan = Plan(read("rate(365 days)"), datetime.now(UTC))
    with running() as (table, _):
        for _ in range(5000):
            table.put("same", Entry(plan, lambda _: None))
        assert table.waiting < 200
        assert not table.is_full
