"""Whoever asks for a stack that is under way is answered when that is at an end, or in time."""

import asyncio
from collections.abc import Awaitable

from stoker.core.stacks.model import Stack, Status, Wanted
from stoker.stacks.book import Live
from stoker.stacks.watching import Watching

LONG_S = 3600.0


def under_way(work: Awaitable[None]) -> Live:
    stack = Stack("arn:s", "1" * 12, "eu-central-1", "s", Status.CREATE_IN_PROGRESS, 0.0, Wanted())
    return Live(stack, task=asyncio.ensure_future(work))


async def soon(done: asyncio.Event) -> None:
    await done.wait()


def test_it_is_waited_for_until_nothing_is_under_way() -> None:
    async def main() -> None:
        done = asyncio.Event()
        live, watching = under_way(soon(done)), Watching()
        waiting = [asyncio.ensure_future(watching.rest(live, LONG_S)) for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(one.done() for one in waiting)
        done.set()
        await asyncio.gather(*waiting)
        assert live.task is not None
        assert live.task.done()

    asyncio.run(main())


def test_patience_ends_and_the_stack_goes_on() -> None:
    async def main() -> None:
        done = asyncio.Event()
        live = under_way(soon(done))
        await Watching().rest(live, 0.01)
        assert live.task is not None
        assert not live.task.done()
        done.set()
        await live.ended()

    asyncio.run(main())


def test_nobody_waits_for_a_server_that_stops() -> None:
    async def main() -> None:
        done = asyncio.Event()
        live, watching = under_way(soon(done)), Watching()
        waiting = asyncio.ensure_future(watching.rest(live, LONG_S))
        await asyncio.sleep(0)
        watching.pause()
        await waiting
        await watching.rest(live, LONG_S)
        assert live.task is not None
        assert not live.task.done()
        done.set()
        await live.ended()

    asyncio.run(main())


def test_a_stack_at_rest_is_not_waited_for() -> None:
    async def main() -> None:
        done = asyncio.Event()
        live = under_way(soon(done))
        live.stack = Stack("arn:s", "1" * 12, "r", "s", Status.CREATE_COMPLETE, 0.0, Wanted())
        await Watching().rest(live, LONG_S)
        done.set()
        await live.ended()

    asyncio.run(main())
