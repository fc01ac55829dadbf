"""One function that is developed: its folder, what that needs, its debugger."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from stoker.cli.dev_debug import Relay
from stoker.cli.dev_link import Link
from stoker.cli.dev_packages import Packages
from stoker.cli.watching import Watch
from stoker.core.developing import greeting

BACK_S = 10.0  # builders remove their folder and make it again
LOOK_S = 0.05  # whether it is there again
SHOWN_FILES = 5


@dataclass(frozen=True, slots=True)
class Function:
    name: str
    arn: str
    runtime: str
    group: str  # where it logs
    folder: Path


class Session:
    """From run() to its end, however that comes."""

    def __init__(
        self, function: Function, door: str, debug: str, say: Callable[[str], None]
    ) -> None:
        """`door`: the server's. `debug`: as core/developing.py has it."""
        self.function = function
        self._debug = debug
        self._say: Callable[[str], None] = lambda text: say(f"{function.name}: {text}")
        self._packages = Packages(function.folder, function.runtime, debugged=bool(debug))
        self._link = Link(door)
        self._relay = Relay(self._link, greeting(function.runtime) if debug else b"", self._say)
        self._changed = asyncio.Event()
        self._watch: Watch | None = None

    async def run(self, port: int | None) -> None:
        """Until it is cancelled. `port`: for a debugger. Raise ValueError, OSError, LinkLost."""
        lost = asyncio.create_task(self._link.lost.wait())
        work = asyncio.create_task(self._work(port))
        try:
            await asyncio.wait({lost, work}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ValueError("the server is gone")
            await work
        finally:
            for task in (lost, work):
                task.cancel()
            await asyncio.wait({lost, work})
            await self._relay.close()
            self._link.close()
            if self._watch is not None:
                self._watch.close()

    async def _work(self, port: int | None) -> None:
        await self._install()
        watch = await self._begin()
        closed = watch.state.closed()
        if closed:
            names = ", ".join(closed[:SHOWN_FILES])
            self._say(f"functions cannot read {names}{' …' * (len(closed) > SHOWN_FILES)}")
        if port is not None:
            port = await self._relay.listen(port)
            self._say(f"a debugger may come to 127.0.0.1:{port}")
        count = len(watch.state)
        self._say(f"runs {self.function.folder}, {count} file{'' if count == 1 else 's'}")
        while True:
            await self._changed.wait()
            self._changed.clear()
            if watch.gone:
                watch.close()
                await self._until_back()
                watch = await self._begin()
            else:
                self._check(watch)
                await self._link.show(self.function.arn, watch.state.fingerprint, self._debug)
            self._say("saved, and live")
            if self._packages.stale():
                await self._install()
                await self._show_all(watch)

    async def _begin(self) -> Watch:
        watch = self._watch = Watch(self.function.folder, self._changed.set)
        self._check(watch)
        await self._show_all(watch)
        return watch

    async def _show_all(self, watch: Watch) -> None:
        beside = self._packages.beside
        folders = [self.function.folder, *([] if beside is None else [beside])]
        state = watch.state.fingerprint
        await self._link.show(self.function.arn, state, self._debug, folders)

    def _check(self, watch: Watch) -> None:
        if watch.doors:
            raise ValueError(
                f"{watch.root / min(watch.doors)} is a socket or a pipe that is open to everybody: "
                "a function could talk to what is behind it. Move it out of the folder"
            )
        if watch.root.stat().st_mode & 0o005 != 0o005:
            raise ValueError(f"functions cannot read {watch.root}: chmod go+rx it")

    async def _until_back(self) -> None:
        folder = self.function.folder
        self._say(f"{folder} is gone")
        with suppress(TimeoutError):
            async with asyncio.timeout(BACK_S):
                while not folder.is_dir():  # noqa: ASYNC110 (nobody tells)
                    await asyncio.sleep(LOOK_S)
                return
        raise ValueError(f"{folder} is gone, and did not come back in {BACK_S:.0f} s")

    async def _install(self) -> None:
        if not self._packages.stale():
            return
        self._say("installs what the manifest names")
        try:
            await self._packages.install(self._say)
        except ValueError as error:
            self._say(f"goes on with what it had: {error}")
