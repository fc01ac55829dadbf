"""Versions become ready, stay ready across restarts, and keep their code."""

import asyncio
from pathlib import Path

from stoker.core import versions
from stoker.core.model import Code, Function, State
from stoker.core.versions import Version
from tests.component.test_activation import PLENTY_S, World, live, only_311, zipped


async def publish(world: World, function: Function, number: int = 1) -> Version:
    version = versions.published(function, number, None, revision=f"published {number}", now="now")
    async with world.store.transaction() as tx:
        await tx.versions.add(version)
    world.activation.wake()
    return version


async def settled(world: World, version: Version) -> Version:
    changed = asyncio.Event()
    world.store.watch(lambda _key, _now: changed.set())
    async with asyncio.timeout(PLENTY_S):
        while True:
            async with world.store.transaction() as tx:
                now = await tx.versions.version(version.key)
            assert now is not None
            if not now.unsettled:
                return now
            await changed.wait()
            changed.clear()


def test_a_version_of_what_is_not_ready_waits_and_becomes_active(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        version = await publish(world, await world.create("f"))
        assert version.state is State.PENDING
        ready = await settled(world, version)
        assert ready == versions.activated(version)
        assert world.catalog.resolve("0" * 12, "us-east-1", "f", "1").version == "1"

    live(tmp_path, story)


def test_a_version_of_what_serves_is_active_at_once(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        function = await world.settled(await world.create("f"))
        assert (await publish(world, function)).state is State.ACTIVE

    live(tmp_path, story)


def test_a_version_that_failed_gets_another_try_after_a_restart(tmp_path: Path) -> None:
    published: list[Version] = []

    async def first(world: World) -> None:
        version = await publish(world, await world.create("f", runtime="python3.8"))
        failed = await settled(world, version)
        assert (failed.state, failed.state_reason_code) == (State.FAILED, "InvalidRuntime")
        assert failed.state_reason
        published.append(failed)

    async def second(world: World) -> None:
        ready = await settled(world, published[0])
        assert (ready.state, ready.state_reason) == (State.ACTIVE, None)

    live(tmp_path, first, available=only_311)
    live(tmp_path, second)


def test_the_code_of_a_version_outlives_that_of_latest(tmp_path: Path) -> None:
    digests: list[str] = []

    async def first(world: World) -> None:
        function = await world.settled(await world.create("f", b"one"))
        await publish(world, function)
        await world.update(function, code=Code(await world.blobs.put(zipped(b"two")), 1))
        await world.settled(function)
        digests.append(function.latest.code.sha256)

    async def second(world: World) -> None:
        assert await world.code.missing(digests) == set()
        assert await world.blobs.read(digests[0]) == zipped(b"one")
        found = world.catalog.resolve("0" * 12, "us-east-1", "f", "1")
        assert found.code == digests[0]
        async with world.store.transaction() as tx:
            (version,) = await tx.versions.every()
            await tx.versions.remove(version.key)

    async def third(world: World) -> None:
        assert await world.code.missing(digests) == set(digests)
        assert digests[0] not in {path.name for path in (tmp_path / "blobs").iterdir()}

    live(tmp_path, first)
    live(tmp_path, second)
    live(tmp_path, third)


def test_a_version_whose_code_is_lost_is_not_served(tmp_path: Path) -> None:
    lost: list[Version] = []

    async def first(world: World) -> None:
        function = await world.settled(await world.create("f", b"one"))
        lost.append(await publish(world, function))

    async def second(world: World) -> None:
        now = await settled(world, lost[0])
        assert (now.state, now.state_reason_code) == (State.FAILED, "InternalError")

    live(tmp_path, first)
    digest = lost[0].configuration.code.sha256
    (tmp_path / "blobs" / digest).unlink()
    (tmp_path / "code" / digest).rename(tmp_path / "lost")
    live(tmp_path, second)
