"""What runs while `stoker dev` does: a session for each function, and a look at the template."""

import asyncio
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import typer

from stoker.cli.dev_link import LinkLost
from stoker.cli.dev_session import Function, Session
from stoker.cli.watching import Watch
from stoker.core.developing import debug_port


class Life:
    def __init__(
        self,
        door: str,
        debug: str,
        ports: Mapping[str, int],
        template: Path | None,
        deployed: Callable[[], list[Function]],
        say: Callable[[str], None],
        began: Callable[[Function], None],
    ) -> None:
        """`deployed` deploys what the template says now. `ports`: as --debug-port has them. `began`
        is told each function."""
        self._door = door
        self._debug = debug
        self._ports = ports
        self._template = template
        self._deployed = deployed
        self._say = say
        self._began = began
        self._sessions: dict[Function, asyncio.Task[None]] = {}

    async def run(self, functions: Sequence[Function]) -> None:
        """Until a signal. Raise ValueError or OSError if it cannot go on."""
        over, edited = asyncio.Event(), asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, over.set)
        template, watch = self._template, None
        if template is not None:
            watch = Watch(template.resolve().parent, edited.set, deep=False)
        events = [asyncio.create_task(each.wait()) for each in (over, edited)]
        try:
            self._begin(functions)
            text = template.read_bytes() if template else b""
            while True:
                await asyncio.wait(
                    {*events, *self._sessions.values()}, return_when=asyncio.FIRST_COMPLETED
                )
                if over.is_set():
                    return
                for session in self._sessions.values():
                    if session.done():
                        await session  # it raises why
                edited.clear()
                events[1] = asyncio.create_task(edited.wait())
                with suppress(OSError):  # it is being written
                    if template and text != (now := template.read_bytes()):
                        text = now
                        await self._deploy_again()
        except LinkLost:
            raise ValueError("the server is gone") from None
        finally:
            for task in events:
                task.cancel()
            await self._end(list(self._sessions))
            if watch is not None:
                watch.close()

    def _begin(self, functions: Sequence[Function]) -> None:
        for function in functions:
            if function not in self._sessions:
                self._began(function)
                debug = self._debug if debug_port(function.runtime) else ""
                session = Session(function, self._door, debug, self._say)
                port = self._port(function) if debug else None
                self._sessions[function] = asyncio.create_task(session.run(port))

    async def _end(self, functions: Sequence[Function]) -> None:
        tasks = [self._sessions.pop(function) for function in functions]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deploy_again(self) -> None:
        self._say("the template has changed: deploys it")
        try:
            functions = await asyncio.to_thread(self._deployed)
        except (typer.Exit, ValueError):
            self._say("goes on with what was deployed")
            return
        await self._end([function for function in self._sessions if function not in functions])
        self._begin(functions)

    def _port(self, function: Function) -> int:
        """What was said of it, else of the first; else the language's own, or the next behind."""
        if function.name in self._ports:
            return self._ports[function.name]
        first = not self._sessions
        if first and "" in self._ports:
            return self._ports[""]
        usual = debug_port(function.runtime)
        assert usual is not None
        return usual + len(self._sessions)
