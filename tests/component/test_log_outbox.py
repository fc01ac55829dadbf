"""What subscription filters want of log events waits beside them, whatever happens."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from stoker.core.errors import LimitExceededException, LogsResourceNotFoundException
from stoker.core.log_subscriptions import EVENT_BYTES, PARCEL_BYTES
from stoker.observe import log_groups, log_outbox, log_subscribers
from stoker.observe.log_groups import GroupName
from stoker.observe.log_outbox import Parcel
from stoker.observe.log_queries import Question, from_the_start, read
from stoker.observe.log_subscribers import Subscription
from stoker.observe.logs import LogStore

ACCOUNT, REGION = "123456789012", "eu-central-1"
GROUP = GroupName(ACCOUNT, REGION, "g")
NOW = 1_800_000_000_000
DESTINATION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[LogStore]:
    store = LogStore(folder / "logs.db")
    await store.start()
    try:
        yield store
    finally:
        await store.close()


async def subscribe(store: LogStore, pattern: str = "", name: str = "n") -> None:
    wanted = Subscription(name, pattern, DESTINATION, None, "ByLogStream", NOW)
    await store.change(lambda db: log_subscribers.put(db, GROUP, wanted))


async def with_group(store: LogStore) -> None:
    await store.change(lambda db: log_groups.create_group(db, GROUP, NOW))


async def logged(store: LogStore, *lines: str, stream: str = "s") -> None:
    sink = store.open(ACCOUNT, REGION, "g", stream)
    for number, line in enumerate(lines):
        sink.append(NOW + number, line.encode())
    await store.flush()


async def next_parcel(store: LogStore, id: int = 1) -> Parcel:
    parcel = await store.query(partial(log_outbox.first, subscription_id=id))
    assert parcel is not None
    return parcel


async def taken(store: LogStore, parcel: Parcel) -> None:
    await store.change(partial(log_outbox.sent, parcel=parcel))


def texts(parcel: Parcel) -> list[str]:
    return [text for _, text in parcel.events]


def test_events_that_match_wait_with_the_ids_that_they_have_elsewhere(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as store:
            await with_group(store)
            await subscribe(store, "ERROR")
            await logged(store, "a", "ERROR b", "ERROR c", "d", "ERROR e")
            parcel = await next_parcel(store)
            assert texts(parcel) == ["ERROR b", "ERROR c", "ERROR e"]
            assert (parcel.group, parcel.stream, parcel.filter) == ("g", "s", "n")

            def ask(db: sqlite3.Connection) -> dict[str, str]:
                group = log_groups.get_group(db, GROUP)
                page = read(db, Question(group.id, 0, 2 * NOW, "f", from_the_start("f")))
                return {event.message: event.position.digits for event in page.events}

            known = await store.query(ask)
            assert {t: position.digits for position, t in parcel.events}.items() <= known.items()
            await taken(store, parcel)
            assert await store.query(log_outbox.waiting) == []

    asyncio.run(main())


def test_what_was_stored_waits_across_lives_and_comes_stream_by_stream(tmp_path: Path) -> None:
    async def before() -> None:
        async with opened(tmp_path) as store:
            await with_group(store)
            await subscribe(store)
            await logged(store, "1", stream="a")
            await logged(store, "2", stream="b")
            await logged(store, "3", stream="a")
            store.open(ACCOUNT, REGION, "g", "b").append(NOW, b"4")  # written when it closes

    async def after() -> None:
        async with opened(tmp_path) as store:
            assert await store.query(log_outbox.waiting) == [1]
            first = await next_parcel(store)
            assert (first.stream, texts(first)) == ("a", ["1", "3"])
            assert first == await next_parcel(store), "it waits until it is taken"
            await taken(store, first)
            second = await next_parcel(store)
            assert (second.stream, texts(second)) == ("b", ["2", "4"])

    asyncio.run(before())
    asyncio.run(after())


def test_a_parcel_has_a_size_and_a_larger_event_is_one_of_its_own(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as store:
            await with_group(store)
            await subscribe(store)
            half = "x" * (PARCEL_BYTES // 2 - EVENT_BYTES)
            await logged(store, half[:-1], half, "small", half)
            sizes = []
            while await store.query(log_outbox.waiting):
                parcel = await next_parcel(store)
                sizes.append([len(text) for text in texts(parcel)])
                await taken(store, parcel)
            assert sizes == [[len(half) - 1, len(half)], [5, len(half)]]

    asyncio.run(main())


def test_a_destination_that_takes_nothing_does_not_fill_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(log_outbox, "WAITING_BYTES", 3 * (EVENT_BYTES + 1))

    async def main() -> None:
        async with opened(tmp_path) as store:
            await with_group(store)
            await subscribe(store)
            for line in "abcdef":
                await logged(store, line)
            assert [record.message for record in caplog.records] == ["log events not sent"]
            parcel = await next_parcel(store)
            assert texts(parcel) == ["a", "b", "c"]
            await taken(store, parcel)
            await logged(store, "g")
            assert texts(await next_parcel(store)) == ["g"], "there is room again"

    asyncio.run(main())


def test_a_group_has_two_filters_and_each_can_be_changed_and_deleted(tmp_path: Path) -> None:
    async def main() -> None:
        async with opened(tmp_path) as store:
            with pytest.raises(LogsResourceNotFoundException):
                await subscribe(store)
            await with_group(store)
            await subscribe(store, name="b")
            await subscribe(store, name="a")
            await subscribe(store, "changed", name="b")
            with pytest.raises(LimitExceededException):
                await subscribe(store, name="c")
            found = await store.query(lambda db: log_subscribers.listed(db, GROUP))
            assert [(one.name, one.pattern) for one in found] == [("a", ""), ("b", "changed")]
            found = await store.query(lambda db: log_subscribers.listed(db, GROUP, prefix="b"))
            assert [one.name for one in found] == ["b"]
            await logged(store, "x")
            await store.change(lambda db: log_subscribers.delete(db, GROUP, "a"))
            assert await store.query(log_outbox.waiting) == []
            with pytest.raises(LogsResourceNotFoundException):
                await store.change(lambda db: log_subscribers.delete(db, GROUP, "a"))

    asyncio.run(main())


def test_a_group_takes_its_filters_with_it_and_what_was_under_way_ends_quietly(
    tmp_path: Path,
) -> None:
    async def main() -> None:
        async with opened(tmp_path) as store:
            await with_group(store)
            await subscribe(store)
            await logged(store, "x")
            parcel = await next_parcel(store)
            await store.change(lambda db: log_groups.delete_group(db, GROUP))
            assert await store.query(log_outbox.waiting) == []
            await taken(store, parcel)
            await with_group(store)
            found = await store.query(lambda db: log_subscribers.listed(db, GROUP))
            assert found == []

    asyncio.run(main())
