"""Environments that are provisioned: made ahead, used first, replaced, and released."""

import asyncio
import json
import os
import signal
from pathlib import Path

from stoker.core.account_limits import AccountLimits, Limits
from stoker.core.invocation import Initialization, Target
from stoker.core.model import FunctionKey
from stoker.core.provisioned import INIT_FAILED, Ask, State
from stoker.environment.view import EnvironmentView
from tests.invoking import ECHO, Ground, run

TYPE = "serve(lambda event: os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'])"
# Goes on as soon as the file that the event names is there.
WAITS = """
def handle(event):
    while not os.path.exists(event):
        time.sleep(0.002)
    return os.environ['AWS_LAMBDA_INITIALIZATION_TYPE']
serve(handle)
"""


class Provided:
    """What is asked for of one function, and what the invoker says of it."""

    def __init__(self, world: Ground, target: Target) -> None:
        self.world, self.target, self.asked = world, target, 0

    def ask(self, amount: int) -> None:
        self.asked += 1
        asks = (Ask("live", float(self.asked), amount),)
        self.world.invoker.provide({self.target: asks} if amount else {})

    @property
    def state(self) -> State:
        key = FunctionKey(self.target.account, self.target.region, self.target.name)
        return self.world.invoker.provided(key, self.target.version)

    async def full(self, amount: int) -> None:
        await self.world.until(lambda: self.state.complete and self.state.ready == amount)

    def views(self) -> list[EnvironmentView]:
        found = self.world.views(self.target)
        return [view for view in found if view.initialization is Initialization.PROVISIONED]


def test_they_are_there_before_anybody_asks_and_what_exceeds_them_runs_on_demand(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        f = world.function(WAITS, version="1")
        provided = Provided(world, f)
        provided.ask(2)
        await provided.full(2)
        assert len(provided.views()) == 2
        go = tmp_path / "go"
        event = json.dumps(str(go)).encode()
        calls = [asyncio.create_task(world.invoke(f, event)) for _ in range(3)]
        await world.until(lambda: [v.phase for v in world.views(f)].count("Invoke") == 3)
        go.touch()
        results = sorted([(await call).payload for call in calls])
        assert results == [
            b'"on-demand"',
            b'"provisioned-concurrency"',
            b'"provisioned-concurrency"',
        ]
        await world.until(lambda: [v.phase for v in world.views(f)] == ["Idle"] * 3)
        text = "".join(await world.lines(f))
        assert text.count("INIT_REPORT Init Duration") == 2
        assert text.count("\tInit Duration") == 1, "REPORT has the one on demand only"
        assert (await world.invoke(f, event)).payload == b'"provisioned-concurrency"'

    run(tmp_path, story)


def test_they_have_all_the_time_that_init_on_demand_has_not(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        go = world.folder / "go"
        wait = f"while not os.path.exists({str(go)!r}): time.sleep(0.002)\n"
        f = world.function(wait + TYPE, version="1", timeout_s=20)
        provided = Provided(world, f)
        provided.ask(1)
        on_demand = asyncio.create_task(world.invoke(f))
        # The init on demand is over its limit; the other was begun before, and goes on.
        await world.until(lambda: "Reinit" in [view.phase for view in world.views(f)])
        assert [view.phase for view in provided.views()] == ["Init"]
        go.touch()
        await on_demand
        await provided.full(1)

    run(tmp_path, story, init_limit_s=0.1)


def test_who_dies_is_replaced(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(ECHO, version="1")
        provided = Provided(world, f)
        provided.ask(2)
        await provided.full(2)
        victim = provided.views()[0]
        for pid in victim.pids:
            os.kill(pid, signal.SIGKILL)

        def replaced() -> bool:
            views = provided.views()
            idle = [view.phase for view in views] == ["Idle"] * 2
            return idle and victim.id not in [view.id for view in views]

        await world.until(replaced)
        assert provided.state.complete

    run(tmp_path, story)


def test_a_crash_in_an_invocation_costs_the_environment_and_is_made_good(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function("serve(lambda event: os._exit(1) if event else event)", version="1")
        provided = Provided(world, f)
        provided.ask(1)
        await provided.full(1)
        (before,) = provided.views()
        assert (await world.invoke(f, b"1")).function_error == "Unhandled"
        await world.until(lambda: before.id not in [view.id for view in world.views(f)])
        await provided.full(1)
        assert (await world.invoke(f, b"0")).payload == b"0"

    run(tmp_path, story)


def test_an_init_that_fails_ends_the_attempt_and_the_next_request_starts_another(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        flag = world.folder / "good"
        f = world.function(
            f"if not os.path.exists({str(flag)!r}): sys.exit(1)\n" + ECHO, version="1"
        )
        provided = Provided(world, f)
        provided.ask(3)
        await world.until(lambda: provided.state.failure == INIT_FAILED)
        await world.until(lambda: world.views(f) == [])
        flag.touch()
        provided.ask(3)
        await provided.full(3)
        assert provided.state.failure == ""

    run(tmp_path, story)


def test_what_is_not_asked_for_any_more_is_released_and_what_works_finishes(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        f = world.function(WAITS, version="1")
        provided = Provided(world, f)
        provided.ask(2)
        await provided.full(2)
        go = tmp_path / "go"
        call = asyncio.create_task(world.invoke(f, json.dumps(str(go)).encode()))
        await world.until(lambda: "Invoke" in [view.phase for view in world.views(f)])
        provided.ask(0)
        await world.until(lambda: [view.phase for view in world.views(f)] == ["Invoke"])
        go.touch()
        assert (await call).payload == b'"provisioned-concurrency"'
        await world.until(lambda: world.views(f) == [])

    run(tmp_path, story)


def test_what_is_idle_on_demand_makes_room_and_what_is_provisioned_does_not(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        f, other = world.function(ECHO, version="1"), world.function(ECHO)
        await world.invoke(other)
        await world.idle(other)
        provided = Provided(world, f)
        provided.ask(1)
        await provided.full(1)
        assert world.views(other) == []
        assert (await world.refused(other)).status == 500
        provided.ask(2)
        await world.until(lambda: world.views(f) != [])
        assert not provided.state.complete
        provided.ask(0)
        assert (await world.invoke(other, b"1")).payload == b"1"

    run(tmp_path, story, environments=1, room_limit_s=0.05)


def test_they_count_on_their_own_part_of_the_limit(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(ECHO, version="1")
        provided = Provided(world, f)
        provided.ask(1)
        await provided.full(1)
        other = world.function(ECHO)
        assert (await world.refused(other)).fields["Reason"] == "ConcurrentInvocationLimitExceeded"
        assert (await world.invoke(f, b"1")).payload == b"1"
        await world.until(lambda: world.invoker.running(f.account) == 0)
        provided.ask(0)
        assert (await world.invoke(other, b"1")).payload == b"1"

    run(tmp_path, story, limits=AccountLimits(Limits(1)))


def test_closing_ends_them(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        f = world.function(ECHO, version="1")
        slow = world.function("time.sleep(60)", version="1")
        Provided(world, slow).ask(1)
        await world.until(lambda: [v.phase for v in world.views(slow)] == ["Init"])
        world.invoker.provide({f: (Ask("1", 1.0, 2),), slow: (Ask("1", 1.0, 1),)})
        await world.until(lambda: len(world.views(f)) == 2)
        await world.invoker.close(0)
        assert world.invoker.environments() == []

    run(tmp_path, story)
