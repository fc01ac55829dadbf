"""Code that nobody needs any more goes while the server runs; code in use stays."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stoker.blobs.base import BlobMissing
from stoker.blobs.code_cache import CodeCache
from stoker.blobs.directory import DirectoryBlobs
from stoker.core import model, versions
from stoker.core.architectures import Machine
from stoker.core.invocation import LogSettings, opt_name
from stoker.core.layers import LayerKey, LayerVersion
from stoker.core.model import Code, Configuration, Function, FunctionKey, Layer
from stoker.invoke.catalog import Catalog
from stoker.reconcilers.removal import Removal
from stoker.store.sqlite import SqliteStore
from tests.component.test_code_cache import zipped
from tests.invoking import ECHO, Ground, run

KEY = FunctionKey("0" * 12, "us-east-1", "f")


class World:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.store = SqliteStore(folder / "db")
        self.blobs = DirectoryBlobs(folder / "blobs")
        self.code = CodeCache(folder / "code", self.blobs)
        self.catalog = Catalog(Machine())
        self.running: frozenset[str] = frozenset()
        self.looked = asyncio.Event()
        self.removal = Removal(
            store=self.store,
            blobs=self.blobs,
            code=self.code,
            referred=self.catalog.trees,
            running=self._running,
            pause_s=0,
        )

    def _running(self) -> frozenset[str]:
        self.looked.set()
        return self.running

    async def package(self, content: bytes) -> Code:
        data = zipped({"f": content})
        digest = await self.blobs.put(data)
        await self.code.ensure(digest)
        return Code(digest, len(data))

    async def function(self, code: Code, layers: tuple[Code, ...] = ()) -> Function:
        given = tuple(Layer(f"arn:{n}", layer) for n, layer in enumerate(layers))
        latest = Configuration("python3.11", "h", "r", code, LogSettings("g"), layers=given)
        await self.code.ensure_layers(latest.layer_digests)
        made = model.new_function(KEY, latest, {}, revision="1", now="now")
        made = model.activated(made, revision="2")
        async with self.store.transaction() as tx:
            await tx.create_function(made)
        return made

    async def change(self, function: Function, code: Code) -> None:
        latest = replace(function.latest, code=code, layers=())
        changed = replace(function, latest=latest, serving=latest, revision_id="3")
        async with self.store.transaction() as tx:
            await tx.put_function(changed, expected=function.revision_id)

    def names(self) -> tuple[set[str], set[str]]:
        """Of trees, and of packages."""
        trees = {path.name for path in (self.folder / "code").iterdir()}
        return trees, {p.name for p in (self.folder / "blobs").iterdir() if p.is_file()}

    async def until(self, trees: set[str], blobs: set[str]) -> None:
        async with asyncio.timeout(30):
            while self.names() != (trees, blobs):  # noqa: ASYNC110
                await asyncio.sleep(0.005)


def tell(folder: Path, story: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        world = World(folder)
        await world.store.open()
        await world.catalog.follow(world.store)
        task = asyncio.create_task(world.removal.run())
        try:
            await story(world)
        finally:
            task.cancel()
            await asyncio.wait({task})
            await world.store.close()
            await world.code.close()
            await world.blobs.close()

    asyncio.run(main())


def test_replaced_code_goes_and_what_a_function_refers_to_stays(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        old, layer, other, new = [await world.package(c) for c in (b"1", b"2", b"3", b"4")]
        function = await world.function(old, (layer, other))
        merged = opt_name((layer.sha256, other.sha256))
        assert merged is not None
        every = {code.sha256 for code in (old, layer, other, new)}
        assert world.names() == (every | {merged}, every)
        world.removal.wake()
        kept = every - {new.sha256}
        await world.until(kept | {merged}, kept)
        new = await world.package(b"4")
        await world.change(function, new)
        world.removal.wake()
        await world.until({new.sha256}, {new.sha256})
        with pytest.raises(BlobMissing):
            await world.blobs.read(old.sha256)

    tell(tmp_path, story)


def test_what_a_published_version_is_made_of_stays(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        old, new = await world.package(b"1"), await world.package(b"2")
        function = await world.function(old)
        version = versions.published(function, 1, None, revision="v", now="now")
        async with world.store.transaction() as tx:
            await tx.versions.add(version)
        await world.change(function, new)
        world.removal.wake()
        world.looked.clear()
        await world.looked.wait()
        assert world.names() == ({old.sha256, new.sha256}, {old.sha256, new.sha256})
        async with world.store.transaction() as tx:
            await tx.versions.remove(version.key)
        world.removal.wake()
        await world.until({new.sha256}, {new.sha256})

    tell(tmp_path, story)


def test_code_of_an_environment_stays_until_it_ends(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        old, new = await world.package(b"1"), await world.package(b"2")
        function = await world.function(old)
        world.running = frozenset({old.sha256})
        await world.change(function, new)
        world.removal.wake()
        for _ in range(3):  # it looks again by itself as long as something runs
            world.looked.clear()
            await world.looked.wait()
            assert old.sha256 in world.names()[0]
        world.running = frozenset()
        await world.until({new.sha256}, {new.sha256})

    tell(tmp_path, story)


def test_the_zip_of_a_published_layer_stays_without_any_function(tmp_path: Path) -> None:
    async def story(world: World) -> None:
        code = await world.package(b"1")
        key = LayerKey("0" * 12, "us-east-1", "l")
        async with world.store.transaction() as tx:
            version = LayerVersion(key, await tx.layers.next_number(key), code, "now", "r")
            await tx.layers.add(version)
        world.removal.wake()
        await world.until(set(), {code.sha256})
        async with world.store.transaction() as tx:
            await tx.layers.remove(key, 1)
        world.removal.wake()
        await world.until(set(), set())

    tell(tmp_path, story)


def test_the_invoker_knows_whose_code_is_in_use(tmp_path: Path) -> None:
    async def story(world: Ground) -> None:
        layers = world.layer({"a": ""}), world.layer({"b": ""})
        f = world.function(ECHO, layers=layers)
        assert world.invoker.trees() == frozenset()
        under_way = asyncio.create_task(world.invoke(f))
        await world.until(lambda: bool(world.invoker.trees()))
        assert world.invoker.trees() == {f.code, *layers, f.opt}
        await under_way
        assert world.invoker.trees() == {f.code, *layers, f.opt}  # warm
        world.invoker.retire(lambda _: False)
        await world.until(lambda: not world.invoker.trees())

    run(tmp_path, story)
