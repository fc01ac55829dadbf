"""The reconciler of Application Auto Scaling: a real store, real environments, short minutes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from stoker.core.account_limits import AccountLimits, Limits
from stoker.core.aliases import Alias, AliasKey
from stoker.core.autoscaling import Action, Policy, Resource, Scaled, Target
from stoker.core.invocation import Target as Runnable
from stoker.core.model import Code, Configuration, FunctionKey, activated, new_function
from stoker.core.provisioned import Provision
from stoker.core.resources import Resource as Kept
from stoker.core.versions import published
from stoker.invoke.catalog import Catalog
from stoker.reconcilers.autoscaling import Autoscaling, scaling_key
from stoker.reconcilers.provisioning import Provisioning
from stoker.store.provisioned import kept
from stoker.store.sqlite import SqliteStore
from tests.gated import GATE, Gate
from tests.invoking import ACCOUNT, REGION, Ground, run


@dataclass
class Scaler:
    """One function with a version, and what scales it."""

    world: Ground
    store: SqliteStore
    catalog: Catalog
    resource: Resource
    hour: float = 0.0  # of a clock that tests set

    @property
    def target(self) -> Runnable:
        key = self.resource.function
        return self.catalog.resolve(key.account, key.region, key.name, self.resource.qualifier)

    async def keep(self, scaled: Scaled) -> None:
        async with self.store.transaction() as tx:
            await tx.resources.add(Kept(scaling_key(self.resource), "r0", scaled.dump()))

    async def touch(self, **changes: Any) -> None:
        """Change something of it, or nothing: the reconciler looks."""
        async with self.store.transaction() as tx:
            found = await tx.resources.get(scaling_key(self.resource))
            assert found is not None
            scaled = replace(Scaled.load(found.record), **changes)
            changed = found.changed(scaled.dump(), revision=found.revision_id + "x")
            await tx.resources.put(changed, expected=found.revision_id)

    async def scaled(self) -> Scaled:
        async with self.store.transaction() as tx:
            found = await tx.resources.get(scaling_key(self.resource))
        assert found is not None
        return Scaled.load(found.record)

    async def provision(self) -> Provision | None:
        async with self.store.transaction() as tx:
            return await kept(tx, self.resource.function, self.resource.qualifier)

    async def until(self, capacity: int) -> Scaled:
        """What is kept, once so much is asked for, is there, and the activity is over."""
        async with asyncio.timeout(30):
            while True:
                found, scaled = await self.provision(), await self.scaled()
                amount = found.requested if found else 0
                open_ones = [a for a in scaled.activities if a.status == "InProgress"]
                if amount == capacity and scaled.activities and not open_ones:
                    return scaled
                await asyncio.sleep(0.01)


@asynccontextmanager
async def scaler(world: Ground, limit: int = 100, minute_s: float = 0.1) -> AsyncIterator[Scaler]:
    code = world.function(GATE)
    store = SqliteStore(world.folder / "store" / "stoker.db")
    await store.open()
    key = FunctionKey(ACCOUNT, REGION, code.name)
    configuration = Configuration(
        runtime=code.runtime,
        handler=code.handler,
        role=code.role,
        code=Code(code.code, 1),
        log=code.log,
        timeout_s=20,
    )
    function = new_function(key, configuration, {}, revision="a", now="")
    async with store.transaction() as tx:
        await tx.create_function(function)
        function = activated(function, revision="b")
        await tx.put_function(function, expected="a")
        await tx.versions.add(published(function, 1, None, revision="c", now=""))
    catalog = Catalog()
    await catalog.follow(store)
    here = Scaler(world, store, catalog, Resource(key, "1"))
    tasks = [
        asyncio.create_task(each.run())
        for each in (
            Provisioning(store=store, catalog=catalog, invoker=world.invoker),
            Autoscaling(
                store=store,
                invoker=world.invoker,
                limits=AccountLimits(Limits(limit, 0)),
                clock=lambda: here.hour * 3600 + asyncio.get_running_loop().time(),
                minute_s=minute_s,
                sample_s=0.02,
            ),
        )
    ]
    try:
        yield here
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        await store.close()


def bounds(least: int, most: int) -> Target:
    return Target(least, most, created=0.0, id="t", role="r")


def test_what_is_used_much_grows_and_what_is_used_little_shrinks(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        async with scaler(world) as here:
            policy = Policy("p", 0.7, 0.0, "id")
            await here.keep(Scaled(bounds(1, 3), {"p": policy}))
            await here.until(1)
            gates = [await Gate(world, here.target).inside()]
            scaled = await here.until(2)
            assert "AlarmHigh" in scaled.activities[0].cause
            gates.append(await Gate(world, here.target).inside())
            await here.until(3)
            for gate in gates[1:]:
                await gate.open()
            # One of three is in use: that is less than nine tenths of 0.7.
            scaled = await here.until(2)
            assert "AlarmLow" in scaled.activities[0].cause
            await gates[0].open()

    run(tmp_path, story)


def test_a_refusal_is_an_activity_that_failed_and_is_not_repeated_at_once(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        async with scaler(world, limit=1, minute_s=3600.0) as here:
            await here.keep(Scaled(bounds(2, 3)))
            await here.until(0)
            await here.touch(target=bounds(3, 3))  # within the minute: nothing is tried
            await here.touch()
            (activity,) = (await here.scaled()).activities
            assert activity.status == "Failed"
            assert "unreserved concurrency [1]" in activity.reason
            assert await here.provision() is None

    run(tmp_path, story)


def test_a_schedule_that_recurs_sets_bounds_each_time_and_none_is_missed_for_sleep(
    tmp_path: Path,
) -> None:
    async def story(world: Ground) -> None:
        async with scaler(world) as here:
            now = asyncio.get_running_loop().time()
            up = Action("up", "rate(2 hours)", now, "u", now, least=2)
            down = Action("down", "rate(3 hours)", now, "d", now, least=0, most=1)
            await here.keep(Scaled(bounds(0, 5), actions={"up": up, "down": down}))
            here.hour = 2.5
            await here.touch()
            scaled = await here.until(2)
            assert [a.description for a in scaled.activities][1:] == ["Setting min capacity to 2"]
            here.hour = 3.5
            await here.touch()
            scaled = await here.until(1)
            assert (scaled.target.least, scaled.target.most) == (0, 1)

    run(tmp_path, story)


def test_a_target_of_a_version_that_is_gone_waits_for_it(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        async with scaler(world) as here:
            here.resource = replace(here.resource, qualifier="live")
            await here.keep(Scaled(bounds(1, 1)))
            assert (await here.scaled()).activities == ()
            alias = Alias(AliasKey(here.resource.function, "live"), "1", "a")
            async with here.store.transaction() as tx:
                await tx.aliases.add(alias)
            await here.until(1)

    run(tmp_path, story)
