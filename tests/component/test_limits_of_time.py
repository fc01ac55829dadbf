"""How long an init and an invocation may take, and that a debugger stops the clock."""

import asyncio
from collections.abc import Awaitable, Callable

from stoker.core import lifecycle_words as words
from stoker.core.developing import Overlay
from stoker.core.invocation import Invocation, RequestId
from stoker.core.lifecycle import Lifecycle
from stoker.core.lifecycle_words import RUNTIME
from stoker.environment.hand import Hand
from stoker.environment.limits import Limits
from stoker.environment.timers import Timers
from tests.core.test_environ import TARGET

ID = RequestId("r")
SHORT_S = 0.01
PATIENCE_S = 30.0


class World:
    """An environment that only has time."""

    def __init__(self, debug: str = "") -> None:
        target = Overlay("dev-1", "aa", debug=debug).over(TARGET) if debug else TARGET
        self.life = Lifecycle()
        self.life.handle(words.Born())
        self.hand: Hand | None = None
        self.over: asyncio.Future[words.Event] = asyncio.get_running_loop().create_future()
        self.timers = Timers()
        over = self.over.set_result
        self.limits = Limits(target, self.life, self.timers, lambda: self.hand, over)

    def assign(self, timeout_s: float) -> None:
        self.life.handle(words.AskedNext(RUNTIME))
        self.life.handle(words.Assigned(ID))
        now = asyncio.get_running_loop().time()
        self.hand = Hand(Invocation(ID, TARGET, b"", ""), print, now, now + timeout_s, 0)
        self.limits.assigned(timeout_s)

    async def later(self) -> None:
        """After all timers that were due before: the loop calls them in the order of their time."""
        await asyncio.sleep(5 * SHORT_S)

    async def ended(self) -> words.Event:
        async with asyncio.timeout(PATIENCE_S):
            return await self.over


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    asyncio.run(main())


def test_an_init_and_an_invocation_come_to_their_limits() -> None:
    async def story() -> None:
        world = World()
        world.limits.init_begins(SHORT_S)
        assert await world.ended() == words.InitLimitPassed()
        world = World()
        world.limits.init_begins(PATIENCE_S)
        world.limits.init_ended()
        world.assign(SHORT_S)
        assert await world.ended() == words.DeadlinePassed(ID)

    run(story)


def test_while_a_debugger_is_attached_no_time_runs_out() -> None:
    async def story() -> None:
        world = World()
        world.limits.stop()
        world.limits.init_begins(SHORT_S)
        await world.later()
        assert not world.over.done()
        world.limits.init_ended()
        world.assign(SHORT_S)
        await world.later()
        assert not world.over.done()
        world.limits.stop()
        world.limits.go_on()
        await world.later()
        assert not world.over.done(), "there are two, and one is still there"
        world.limits.go_on()
        assert await world.ended() == words.DeadlinePassed(ID)

    run(story)


def test_when_it_is_gone_an_invocation_has_what_it_had_left_and_an_init_all() -> None:
    async def story() -> None:
        world = World()
        world.assign(PATIENCE_S)
        assert world.hand is not None
        before = world.hand.deadline
        world.limits.stop()
        await world.later()
        world.limits.go_on()
        assert world.hand.deadline - before >= 5 * SHORT_S
        world.timers.cancel_all()
        world = World()
        world.limits.init_begins(SHORT_S)
        world.limits.stop()
        await world.later()
        world.limits.go_on()
        assert await world.ended() == words.InitLimitPassed()

    run(story)


def test_who_waits_for_a_debugger_has_time_until_one_has_come_and_gone() -> None:
    async def story() -> None:
        world = World("wait")
        world.limits.init_begins(SHORT_S)
        await world.later()
        assert not world.over.done()
        world.limits.stop()
        world.limits.go_on()
        assert await world.ended() == words.InitLimitPassed()

    run(story)
