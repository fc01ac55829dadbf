"""Neighbours of whom somebody will ask something are there when he does."""

import asyncio
import socket
from pathlib import Path

from stoker.core.neighbours import ALIVE, Endpoints
from stoker.neighbours.embedded import Embedded
from stoker.neighbours.neighbours import Neighbours

PATIENCE_S = 60.0


async def nobody(_listener: socket.socket) -> None:
    """Answers where they reach us."""


def test_they_are_begun_before_they_are_asked_and_only_if_they_answer(tmp_path: Path) -> None:
    async def main() -> None:
        endpoints = Endpoints({"s3": "http://127.0.0.1:1"})
        neighbours = Neighbours(endpoints, Embedded(tmp_path / "n", nobody, 1.0, 10**9))
        try:
            neighbours.soon("s3")  # is somebody else's
            assert len(asyncio.all_tasks()) == 1
            neighbours.soon("iam")
            neighbours.soon("iam")
            (begun,) = asyncio.all_tasks() - {asyncio.current_task()}
            await asyncio.wait_for(begun, PATIENCE_S)
            assert neighbours.has_begun("iam")
            async with neighbours.ask("iam", "GET", ALIVE, [], b"") as answer:
                assert answer.status == 204
        finally:
            await neighbours.close()

    asyncio.run(main())


def test_a_server_that_stops_waits_for_those_who_begin(tmp_path: Path) -> None:
    async def main() -> None:
        neighbours = Neighbours(Endpoints({}), Embedded(tmp_path / "n", nobody, 1.0, 10**9))
        neighbours.soon("iam")
        await asyncio.sleep(0)
        await neighbours.close()
        assert len(asyncio.all_tasks()) == 1
        assert not list((tmp_path / "n").glob("*.sock")), "nobody answers there any more"

    asyncio.run(main())
