"""Queries of Logs Insights as processes: those that fail, are stopped, or are too many."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stoker.observe import insights
from stoker.observe.insights import WAITING, Insights, Query, TooMany, new_id

ASKED: dict[str, Any] = {
    "query": "limit 1",
    "limit": 1,
    "until_ms": 1,
    "groups": [{"id": 1, "name": "1:/g", "since_ms": 0}],
}


def query(account: str = "1") -> Query:
    return Query(new_id(), account, "eu", "/g", "limit 1", 1, 0)


async def over(one: Query) -> str:
    async with asyncio.timeout(60):
        while not one.is_over:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return one.status


def test_a_query_whose_process_fails_has_failed_and_the_next_has_its_turn(tmp_path: Path) -> None:
    async def main() -> None:
        work = Insights()
        several = [query() for _ in range(3)]
        for one in several:  # no log store is there
            work.start(one, tmp_path / "none.db", ASKED)
        assert [await over(one) for one in several] == ["Failed"] * 3
        assert work.find("1", "eu", several[0].id) is several[0]
        assert work.find("2", "eu", several[0].id) is None
        assert not work.stop(several[0])
        await work.close()

    asyncio.run(main())


def test_what_is_stopped_is_cancelled_and_an_account_has_so_many(tmp_path: Path) -> None:
    async def main() -> None:
        work = Insights()
        several = [query() for _ in range(WAITING)]
        for one in several:
            work.start(one, tmp_path / "none.db", ASKED)
        with pytest.raises(TooMany):  # nothing was awaited: none has ended
            work.start(query(), tmp_path / "none.db", ASKED)
        work.start(query("2"), tmp_path / "none.db", ASKED)
        assert all(work.stop(one) for one in several)
        assert {one.status for one in several} == {"Cancelled"}
        await work.close()

    asyncio.run(main())


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(insights, "KEPT", 2)

    async def main() -> None:
        work = Insights()
        several = [query() for _ in range(4)]
        for one in several:
            work.start(one, tmp_path / "none.db", ASKED)
            assert work.stop(one)
        work.start(query(), tmp_path / "none.db", ASKED)
        assert work.find("1", "eu", several[0].id) is None
        assert work.find("1", "eu", several[3].id) is several[3]
        await work.close()

    asyncio.run(main())
