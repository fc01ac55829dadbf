"""A folder that is watched, by the kernel's own word."""

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from stoker.cli import watching
from stoker.cli.watching import Watch

PATIENCE_S = 30.0


class Seen:
    """A watch, and whoever waits for what it tells."""

    def __init__(self, root: Path) -> None:
        self._told = asyncio.Event()
        self.calls = 0
        self.watch = Watch(root, self._tell)

    def _tell(self) -> None:
        self.calls += 1
        self._told.set()

    async def until(self, there: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not there():
                await self._told.wait()
                self._told.clear()

    async def as_if_new(self) -> None:
        """Until its state is that of the folder as it is; but for how often it was written."""
        root = self.watch.root

        def there() -> bool:
            new = Watch(root, lambda: None)
            new.close()
            return _files(new) == _files(self.watch)

        await self.until(there)


def _files(watch: Watch) -> dict[str, tuple[int, ...]]:
    return {path: facts[:-1] for path, facts in watch.state.items()}


@asynccontextmanager
async def watched(root: Path) -> AsyncIterator[Seen]:
    seen = Seen(root)
    try:
        yield seen
    finally:
        seen.watch.close()


def test_a_save_is_told_and_changes_the_state(tmp_path: Path) -> None:
    async def main() -> None:
        (tmp_path / "main.py").write_text("a")
        async with watched(tmp_path) as seen:
            for text in ("b", "c", "d"):  # of one length, and as soon as can be
                before = seen.watch.state.fingerprint
                (tmp_path / "main.py").write_text(text)
                await seen.until(lambda before=before: seen.watch.state.fingerprint != before)  # type: ignore[misc]
            (tmp_path / "new").write_text("x")
            (tmp_path / "new").replace(tmp_path / "main.py")
            await seen.as_if_new()
            (tmp_path / "main.py").chmod(0o755)
            await seen.as_if_new()

    asyncio.run(main())


def test_folders_come_move_and_go_with_what_is_in_them(tmp_path: Path) -> None:
    async def main() -> None:
        async with watched(tmp_path) as seen:
            (tmp_path / "a" / "b").mkdir(parents=True)
            (tmp_path / "a" / "b" / "one.py").write_text("1")
            await seen.as_if_new()
            (tmp_path / "a").rename(tmp_path / "c")
            await seen.as_if_new()
            (tmp_path / "c" / "b" / "two.py").write_text("2")
            await seen.until(lambda: "c/b/two.py" in seen.watch.state)
            shutil.rmtree(tmp_path / "c")
            await seen.until(lambda: len(seen.watch.state) == 0)

    asyncio.run(main())


def test_a_storm_of_saves_is_told_in_few_words_and_nothing_is_missed(tmp_path: Path) -> None:
    """As a checkout writes it: a thousand files, folders among them."""

    async def main() -> None:
        async with watched(tmp_path) as seen:
            for number in range(1000):
                path = tmp_path / f"d{number % 50}" / f"e{number % 3}" / f"{number}.py"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(str(number))
            await seen.as_if_new()
            assert len(seen.watch.state) == 1000
            assert seen.calls < 500

    asyncio.run(main())


def test_what_the_kernel_could_not_tell_is_found_by_looking_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with watched(tmp_path) as seen:
            (tmp_path / "lost").mkdir()
            (tmp_path / "lost" / "main.py").write_text("1")
            overflow = watching._EVENT.pack(-1, watching._OVERFLOW, 0, 0)
            monkeypatch.setattr(os, "read", lambda *_: overflow)
            await seen.until(lambda: "lost/main.py" in seen.watch.state)
            monkeypatch.undo()
            (tmp_path / "lost" / "other.py").write_text("1")
            await seen.until(lambda: "lost/other.py" in seen.watch.state)

    asyncio.run(main())


def test_links_are_not_followed_out_nor_around(tmp_path: Path) -> None:
    async def main() -> None:
        root, outside = tmp_path / "root", tmp_path / "outside"
        (outside / "deep").mkdir(parents=True)
        (root / "in").mkdir(parents=True)
        (root / "in" / "around").symlink_to(root)
        (root / "itself").symlink_to("itself")
        (root / "out").symlink_to(outside)
        async with watched(root) as seen:
            assert len(seen.watch.state) == 3, "the links themselves"
            (outside / "deep" / "main.py").write_text("1")
            (root / "in" / "main.py").write_text("1")
            await seen.as_if_new()
            assert len(seen.watch.state) == 4

    asyncio.run(main())


def test_what_is_never_deployed_is_not_looked_at(tmp_path: Path) -> None:
    async def main() -> None:
        for name in (".git", "__pycache__"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "x").write_text("1")
        async with watched(tmp_path) as seen:
            (tmp_path / ".git" / "x").write_text("22")
            (tmp_path / "main.py").write_text("1")
            await seen.as_if_new()
            assert len(seen.watch.state) == 1

    asyncio.run(main())


def test_a_folder_that_is_removed_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        root = tmp_path / "root"
        root.mkdir()
        async with watched(root) as seen:
            root.rmdir()
            await seen.until(lambda: seen.watch.gone)

    asyncio.run(main())


def test_sockets_that_everybody_may_use_are_named(tmp_path: Path) -> None:
    async def main() -> None:
        with socket.socket(socket.AF_UNIX) as door:
            here = Path.cwd()
            os.chdir(tmp_path)  # such a name may not be long
            try:
                door.bind("s.sock")
            finally:
                os.chdir(here)
            (tmp_path / "s.sock").chmod(0o777)
            async with watched(tmp_path) as seen:
                assert seen.watch.doors == {"s.sock"}
                (tmp_path / "s.sock").chmod(0o755)
                await seen.until(lambda: not seen.watch.doors)
                os.mkfifo(tmp_path / "pipe")
                (tmp_path / "pipe").chmod(0o644)
                await seen.until(lambda: seen.watch.doors == {"pipe"})
                (tmp_path / "pipe").unlink()
                await seen.until(lambda: not seen.watch.doors)

    asyncio.run(main())
