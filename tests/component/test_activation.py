"""Functions become ready, or fail and say why; over a real store, blobs and disk."""

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from stoker.blobs.code_cache import CodeCache
from stoker.blobs.directory import DirectoryBlobs
from stoker.core import model
from stoker.core.architectures import Machine
from stoker.core.invocation import LogSettings, Target
from stoker.core.model import Code, Configuration, Function, FunctionKey, State, UpdateStatus
from stoker.invoke.catalog import Catalog
from stoker.reconcilers.activation import PREPARED_S, Activation
from stoker.reconcilers.loop import Loop
from stoker.sandbox.base import Kind, RuntimeUnavailable, SandboxFailed
from stoker.store.sqlite import SqliteStore

PLENTY_S = 30


def zipped(content: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), content)
    return data.getvalue()


class World:
    """A running reconciler, and the sandbox backend that it asks to prepare."""

    def __init__(self, folder: Path, prepared_s: float) -> None:
        self.store = SqliteStore(folder / "db")
        self.blobs = DirectoryBlobs(folder / "blobs")
        self.code = CodeCache(folder / "code", self.blobs)
        self.catalog = Catalog(Machine())
        self.prepared: list[Kind] = []
        self.asked = asyncio.Event()
        self.retired: list[Callable[[Target], bool]] = []
        self.available: Callable[[Kind], Awaitable[None]] = self.anything
        self.activation = Activation(
            store=self.store,
            blobs=self.blobs,
            code=self.code,
            catalog=self.catalog,
            retire=self.retired.append,
            prepare=self.prepare,
            prepared_s=prepared_s,
        )

    async def prepare(self, kind: Kind) -> None:
        self.prepared.append(kind)
        self.asked.set()
        await self.available(kind)

    async def anything(self, kind: Kind) -> None:
        """This machine has every runtime."""

    async def create(
        self, name: str, content: bytes = b"x", runtime: str = "python3.11"
    ) -> Function:
        package = zipped(content)
        digest = await self.blobs.put(package)
        function = model.new_function(
            FunctionKey("0" * 12, "us-east-1", name),
            Configuration(runtime, "main.handler", "role", Code(digest, 1), LogSettings("g")),
            {},
            revision=f"created {name}",
            now="now",
        )
        async with self.store.transaction() as tx:
            await tx.create_function(function)
        self.activation.wake()
        return function

    async def update(self, function: Function, **changes: object) -> None:
        changed = model.updated(
            function,
            replace(function.latest, **changes),  # type: ignore[arg-type]
            revision=f"update of {function.revision_id}",
            now="now",
        )
        async with self.store.transaction() as tx:
            await tx.put_function(changed, expected=function.revision_id)
        self.activation.wake()

    async def settled(self, function: Function) -> Function:
        """Wait until nothing is pending for it."""
        changed = asyncio.Event()
        self.store.watch(lambda _key, _function: changed.set())
        async with asyncio.timeout(PLENTY_S):
            while True:
                async with self.store.transaction() as tx:
                    now = await tx.function(function.key)
                assert now is not None
                if not now.unsettled:
                    return now
                await changed.wait()
                changed.clear()

    async def settled_all(self, functions: Iterable[Function]) -> list[Function]:
        return [await self.settled(f) for f in functions]


Story = Callable[[World], Awaitable[None]]


def live(
    folder: Path,
    story: Story,
    *,
    available: Callable[[Kind], None] | None = None,
    prepared_s: float = PREPARED_S,
) -> None:
    """One life of a server, from start-up to shutdown."""

    async def main() -> None:
        world = World(folder, prepared_s)
        if available is not None:
            check = available

            async def judge(kind: Kind) -> None:
                check(kind)

            world.available = judge
        await world.store.open()
        try:
            await world.activation.recover()
            await world.catalog.follow(world.store)
            running = asyncio.create_task(world.activation.run())
            try:
                await story(world)
            finally:
                running.cancel()
                await asyncio.gather(running, return_exceptions=True)
        finally:
            await world.store.close()
            await world.code.close()
            await world.blobs.close()

    asyncio.run(main())


def only_311(kind: Kind) -> None:
    if kind.runtime != "python3.11":
        raise RuntimeUnavailable(f"no interpreter for {kind.runtime}: install one")


def test_a_new_function_becomes_active_with_its_code_unpacked(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        function = await world.settled(await world.create("f", b"import json"))
        assert (function.state, function.update_status) == (State.ACTIVE, UpdateStatus.SUCCESSFUL)
        target = world.catalog.resolve("0" * 12, "us-east-1", "f", None)
        assert (world.code.path(target.code) / "main.py").read_bytes() == b"import json"
        assert world.prepared == [Kind("python3.11")]

    live(tmp_path, story)


@pytest.mark.parametrize(
    ("runtime", "content", "preload"),
    [
        ("python3.11", b"import boto3", True),
        ("python3.11", b"import json", False),
        ("provided.al2023", b"import boto3", False),
    ],
)
def test_the_sdk_is_preloaded_for_python_that_names_it(
    tmp_path: Path, runtime: str, content: bytes, preload: bool
) -> None:
    async def story(world: World) -> None:
        await world.settled(await world.create("f", content, runtime))
        assert world.prepared == [Kind(runtime, preload_sdk=preload)]

    live(tmp_path, story)


@pytest.mark.parametrize(("prepared_s", "times"), [(inf, 1), (0, 3)])
def test_what_was_prepared_a_moment_ago_is_not_prepared_again(
    tmp_path: Path, prepared_s: float, times: int
) -> None:
    async def story(world: World) -> None:
        for name in "fgh":
            await world.settled(await world.create(name))
        await world.settled(await world.create("sdk", b"import boto3"))
        kind = Kind("python3.11")
        assert world.prepared == [*[kind] * times, Kind("python3.11", preload_sdk=True)]

    live(tmp_path, story, prepared_s=prepared_s)


def test_what_could_not_be_prepared_is_tried_again(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        for name in "fg":
            failed = await world.settled(await world.create(name, runtime="python3.8"))
            assert failed.state is State.FAILED
        assert world.prepared == [Kind("python3.8")] * 2

    live(tmp_path, story, available=only_311, prepared_s=inf)


def test_a_missing_interpreter_fails_the_function_with_the_remedy(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        bad, good = await world.create("bad", runtime="python3.8"), await world.create("good")
        failed = await world.settled(bad)
        assert (failed.state, failed.state_reason, failed.state_reason_code) == (
            State.FAILED,
            "no interpreter for python3.8: install one",
            "InvalidRuntime",
        )
        assert (await world.settled(good)).state is State.ACTIVE

    live(tmp_path, story, available=only_311)


def test_a_failed_update_leaves_the_old_code_serving(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        function = await world.settled(await world.create("f"))
        await world.update(function, runtime="python3.8", code=Code("0" * 64, 1))
        now = await world.settled(function)
        assert (now.state, now.update_status) == (State.ACTIVE, UpdateStatus.FAILED)
        assert now.update_reason_code == "InternalError"  # there is no such blob
        target = world.catalog.resolve("0" * 12, "us-east-1", "f", None)
        assert (target.runtime, target.code) == ("python3.11", function.latest.code.sha256)

    live(tmp_path, story, available=only_311)


def test_an_update_serves_when_it_is_ready_and_retires_what_it_replaces(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        function = await world.settled(await world.create("f"))
        before = world.catalog.resolve("0" * 12, "us-east-1", "f", None)
        assert world.retired[-1](before)
        await world.update(function, memory_mb=512)
        await world.settled(function)
        after = world.catalog.resolve("0" * 12, "us-east-1", "f", None)
        assert after.memory_mb == 512
        assert not world.retired[-1](before)
        assert world.retired[-1](after)

    live(tmp_path, story)


def test_a_slow_function_does_not_hold_up_others(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        release, reached = asyncio.Event(), asyncio.Event()

        async def slow_for_312(kind: Kind) -> None:
            if kind.runtime == "python3.12":
                reached.set()
                await release.wait()

        world.available = slow_for_312
        slow = await world.create("slow", runtime="python3.12")
        await reached.wait()
        others = await world.settled_all([await world.create(f"f{n}") for n in range(5)])
        assert all(f.state is State.ACTIVE for f in others)
        release.set()
        assert (await world.settled(slow)).state is State.ACTIVE

    live(tmp_path, story)


def test_a_machine_that_fails_says_so(tmp_path: Path) -> None:
    def broken(kind: Kind) -> None:
        raise SandboxFailed("cannot mount: no space")

    async def story(world: World) -> None:
        failed = await world.settled(await world.create("f"))
        assert (failed.state_reason, failed.state_reason_code) == (
            "cannot mount: no space",
            "InternalError",
        )

    live(tmp_path, story, available=broken)


def test_a_function_deleted_while_it_is_made_ready_stays_deleted(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        release, reached = asyncio.Event(), asyncio.Event()

        async def wait(kind: Kind) -> None:
            reached.set()
            await release.wait()

        world.available = wait
        function = await world.create("f")
        await reached.wait()
        async with world.store.transaction() as tx:
            await tx.delete_function(function.key, expected=function.revision_id)
        world.available = world.anything
        release.set()
        assert (await world.settled(await world.create("g"))).state is State.ACTIVE
        async with world.store.transaction() as tx:
            assert await tx.function(function.key) is None

    live(tmp_path, story)


def test_what_was_pending_when_the_server_died_is_made_ready_by_the_next(tmp_path: Path) -> None:
    async def dies(world: World) -> None:
        world.activation.wake = lambda: None  # type: ignore[method-assign]
        await world.create("f")

    async def next_life(world: World) -> None:
        async with world.store.transaction() as tx:
            (function,) = await tx.every_function()
        assert (await world.settled(function)).state is State.ACTIVE

    live(tmp_path, dies)
    live(tmp_path, next_life)


def test_after_a_restart_failed_functions_get_another_try_and_kinds_are_prepared(
    tmp_path: Path,
) -> None:
    async def first(world: World) -> None:
        await world.settled_all(
            [
                await world.create("f"),
                await world.create("g"),
                await world.create("sdk", b"import boto3"),
                await world.create("old", runtime="python3.8"),
            ]
        )

    async def second(world: World) -> None:
        async with world.store.transaction() as tx:
            functions = await tx.every_function()
        functions = await world.settled_all(functions)
        assert {f.key.name: f.state for f in functions} == dict.fromkeys(
            ["f", "g", "old", "sdk"], State.ACTIVE
        )
        expected = {Kind("python3.11"), Kind("python3.11", preload_sdk=True), Kind("python3.8")}
        async with asyncio.timeout(PLENTY_S):
            while set(world.prepared) != expected:
                await world.asked.wait()
                world.asked.clear()
        assert len(world.prepared) == 3

    live(tmp_path, first, available=only_311)
    live(tmp_path, second)


def test_start_up_removes_unused_code_and_unpacks_what_is_missing(tmp_path: Path) -> None:
    digests: list[str] = []

    async def first(world: World) -> None:
        function = await world.settled(await world.create("f", b"one"))
        await world.update(function, code=Code(await world.blobs.put(zipped(b"two")), 1))
        await world.settled(function)
        digests.extend([function.latest.code.sha256, await world.blobs.put(zipped(b"two"))])

    async def second(world: World) -> None:
        assert await world.code.missing(digests) == {digests[0]}
        assert {p.name for p in (tmp_path / "blobs").iterdir()} == {"incoming", digests[1]}

    live(tmp_path, first)
    live(tmp_path, second)
    (tmp_path / "code" / digests[1]).rename(tmp_path / "lost")
    live(tmp_path, second)


def test_a_loop_tries_again_what_failed_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        todo, tried = {"good", "bad"}, list[str]()
        done = asyncio.Event()

        async def find() -> list[str]:
            return sorted(todo)

        async def settle(item: str) -> None:
            tried.append(item)
            if item == "bad" and tried.count("bad") < 3:
                raise OSError("no space left on device")
            todo.discard(item)
            if not todo:
                done.set()

        loop = Loop("test", find, settle, retry_s=0.001)
        running = asyncio.create_task(loop.run())
        async with asyncio.timeout(PLENTY_S):
            await done.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert sorted(tried) == ["bad"] * 3 + ["good"]

    asyncio.run(main())
    assert [r.message for r in caplog.records] == ["reconciler cannot settle"] * 2


def test_a_loop_that_cannot_look_looks_again(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        looks, done = [0], asyncio.Event()

        async def find() -> list[str]:
            looks[0] += 1
            if looks[0] < 3:
                raise OSError("the database is away")
            done.set()
            return []

        async def settle(item: str) -> None:
            raise AssertionError

        running = asyncio.create_task(Loop("test", find, settle, retry_s=0.001).run())
        async with asyncio.timeout(PLENTY_S):
            await done.wait()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    asyncio.run(main())
    assert [r.message for r in caplog.records] == ["reconciler cannot look"] * 2
