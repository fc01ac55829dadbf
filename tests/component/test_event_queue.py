"""Events on the disk: what is confirmed is there, whatever happens afterwards."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from stoker.core.async_events import Progress
from stoker.core.model import FunctionKey
from stoker.store import group_commit
from stoker.store.base import StoreUnavailable
from stoker.store.event_queue import Content, EventQueue, Waiting

KEY = FunctionKey("123456789012", "eu-west-1", "f")


def content(body: bytes = b"{}", request_id: str = "r") -> Content:
    return Content(request_id, KEY.arn, "application/json", "Root=1", "", body)


def add(queue: EventQueue, body: bytes = b"{}", now: float = 5.0) -> "asyncio.Future[Waiting]":
    added: asyncio.Future[Waiting] = asyncio.get_running_loop().create_future()

    def done(result: Waiting | StoreUnavailable) -> None:
        if isinstance(result, StoreUnavailable):
            added.set_exception(result)
        else:
            added.set_result(result)

    queue.add(KEY, "live", now, content(body), done)
    return added


def told(path: Path, story: Callable[[EventQueue], Awaitable[None]]) -> list[Waiting]:
    """One life of a queue; what it found at its start."""

    async def main() -> list[Waiting]:
        queue = EventQueue(path)
        found = await queue.open()
        try:
            await story(queue)
        finally:
            await queue.close()
            await queue.close()
        return found

    return asyncio.run(main())


async def nothing(queue: EventQueue) -> None: ...


def test_what_was_added_is_found_after_a_restart_without_its_body(tmp_path: Path) -> None:
    async def story(queue: EventQueue) -> None:
        first, second = await asyncio.gather(add(queue, b"1"), add(queue, b"22", now=6.0))
        assert first.id < second.id
        assert await queue.contents([second.id]) == {second.id: content(b"22")}
        queue.postpone(first.id, Progress(5.0, 1, 2), 65.0)

    path = tmp_path / "state" / "events.db"
    assert told(path, story) == []
    assert told(path, nothing) == [
        Waiting(1, KEY, "live", Progress(5.0, 1, 2), 65.0, 1),
        Waiting(2, KEY, "live", Progress(6.0), 6.0, 2),
    ]


def test_what_was_removed_is_gone_and_its_number_is_not_given_twice(tmp_path: Path) -> None:
    async def story(queue: EventQueue) -> None:
        one, two = await asyncio.gather(add(queue), add(queue))
        queue.postpone(one.id, Progress(5.0, 1), 65.0)
        queue.remove(one.id)
        queue.remove(two.id)
        three = await add(queue)
        assert three.id == 3

    async def look(queue: EventQueue) -> None:
        assert (await queue.contents([1, 2, 3])).keys() == {3}

    assert told(tmp_path / "q", story) == []
    assert [waiting.id for waiting in told(tmp_path / "q", look)] == [3]


@pytest.fixture
def commits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many events there were after each commit."""
    found: list[int] = []
    commit = group_commit._commit

    def counted(db: sqlite3.Connection, batch: group_commit.Statements) -> None:
        commit(db, batch)
        found.append(db.execute("SELECT count(*) FROM events").fetchone()[0])

    monkeypatch.setattr(group_commit, "_commit", counted)
    return found


def test_who_comes_while_the_disk_is_busy_shares_the_next_commit(
    tmp_path: Path, commits: list[int]
) -> None:
    async def story(queue: EventQueue) -> None:
        await asyncio.gather(*(add(queue) for _ in range(500)))
        assert commits == [1, 500]

    told(tmp_path / "q", story)


def test_those_who_come_right_after_a_commit_share_the_next(
    tmp_path: Path, commits: list[int]
) -> None:
    async def story(queue: EventQueue) -> None:
        await add(queue)
        await asyncio.gather(add(queue), add(queue), add(queue))
        assert commits == [1, 4]

    told(tmp_path / "q", story)


def test_ends_wait_for_each_other_and_no_event_waits_for_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(group_commit, "LAZY_S", 3600.0)  # so they are written at the end only

    async def story(queue: EventQueue) -> None:
        ids = [(await add(queue)).id for _ in range(40)]
        for id in ids:
            queue.remove(id)
        await add(queue)  # a commit of its own
        assert len(await queue.contents(ids)) == len(ids)

    assert told(tmp_path / "q", story) == []
    assert [waiting.id for waiting in told(tmp_path / "q", nothing)] == [41]


def test_a_disk_without_room_refuses_and_keeps_nothing_half(tmp_path: Path) -> None:
    async def story(queue: EventQueue) -> None:
        one = await add(queue)
        assert queue._file._db is not None
        queue._file._db.execute("PRAGMA max_page_count = 20").fetchall()
        with pytest.raises(StoreUnavailable, match="full"):
            await add(queue, b"x" * 200_000)
        queue.remove(one.id)
        await add(queue)

    told(tmp_path / "q", story)
    found = told(tmp_path / "q", nothing)
    assert [waiting.size for waiting in found] == [2]
    with closing(sqlite3.connect(tmp_path / "q")) as db:
        assert db.execute("SELECT count(*) FROM event_contents").fetchone() == (1,)


def test_what_nobody_waits_for_is_written_when_the_disk_has_room_again(tmp_path: Path) -> None:
    async def story(queue: EventQueue) -> None:
        one, two = await asyncio.gather(add(queue), add(queue))
        assert queue._file._db is not None
        queue._file._db.execute("PRAGMA query_only = ON")
        queue.remove(one.id)
        queue.postpone(two.id, Progress(5.0, 1), 65.0)
        with pytest.raises(StoreUnavailable):
            await add(queue)
        queue.postpone(two.id, Progress(5.0, 2), 185.0)
        queue._file._db.execute("PRAGMA query_only = OFF")

    told(tmp_path / "q", story)
    assert told(tmp_path / "q", nothing) == [Waiting(2, KEY, "live", Progress(5.0, 2), 185.0, 2)]


def test_a_closed_queue_and_a_newer_file_are_refused(tmp_path: Path) -> None:
    async def story(queue: EventQueue) -> None:
        await queue.close()
        with pytest.raises(StoreUnavailable, match="closed"):
            await add(queue)
        with pytest.raises(StoreUnavailable):
            await queue.contents([1])

    told(tmp_path / "q", story)
    with closing(sqlite3.connect(tmp_path / "q")) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreUnavailable, match="newer Stoker"):
        told(tmp_path / "q", nothing)


def test_of_events_that_are_added_together_none_is_kept_if_one_cannot_be(tmp_path: Path) -> None:
    async def story(queue: EventQueue) -> None:
        first = await add(queue)
        with closing(sqlite3.connect(tmp_path / "q.db")) as other, other:
            row = (first.id + 2, "", "", "", "", "", b"", "")  # the last one's number
            other.execute("INSERT INTO event_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        found = await asyncio.gather(add(queue), add(queue), return_exceptions=True)
        assert [type(each) for each in found] == [StoreUnavailable, StoreUnavailable]
        assert await queue.contents([first.id + 1]) == {}

    told(tmp_path / "q.db", story)
    assert [waiting.id for waiting in told(tmp_path / "q.db", nothing)] == [1]
