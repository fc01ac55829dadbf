"""The embedded neighbours: one child process, started when somebody first asks for one of them, or
with the server, if something that they keep waits for its time."""

import asyncio
import logging
import os
import socket
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from stoker.core.neighbours import ALIVE
from stoker.neighbours import kept

log = logging.getLogger(__name__)

START_S = 60.0  # on a machine that has much else to do
END_S = 30.0  # what they keep is written
LIFE_S = 60.0  # who dies sooner is not started again before somebody asks
LOST = "what changed a moment before is lost"
ALIVE_S = 10.0
BACKLOG = 128
THEIRS, OURS = "neighbours.sock", "functions.sock"  # who answers there


Serve = Callable[[socket.socket], Awaitable[None]]


class CannotStart(Exception):
    """There are no embedded neighbours: why."""


class Embedded:
    """They end with us, and begin with what they kept."""

    def __init__(self, folder: Path, serve: Serve, scale: float, disk_bytes: int) -> None:
        """`folder` is ours alone; it holds what they keep, in at most `disk_bytes`, their socket,
        and the one by which they reach us: `serve` answers there (core/neighbours.py says what
        they send). `scale`: how much faster time passes for their schedules."""
        self._folder = folder
        self._serve = serve
        self._scale = scale
        self._disk_bytes = disk_bytes
        self._starting = asyncio.Lock()
        self._place: int | None = None  # the folder, opened: its path may be too long for a socket
        self._ours: socket.socket | None = None  # whoever serves there has closed before
        self._process: Process | None = None
        self._begun = (folder / kept.FOLDER / kept.STATE).exists()  # by this server, or one before
        self._reader: asyncio.Task[None] | None = None
        self._resuming: asyncio.Task[None] | None = None

    @property
    def has_begun(self) -> bool:
        return self._begun

    async def address(self) -> str:
        """The path of the Unix socket where they answer. Raise CannotStart."""
        async with self._starting:
            if self._process is None:
                await self._start()
        return self._path(THEIRS)

    def resume(self) -> None:
        """Start them if something that they keep waits for its time."""
        if kept.has_schedules(self._folder):
            self._resuming = asyncio.create_task(self._resume(), name="neighbours resume")

    async def _resume(self) -> None:
        try:
            await self.address()
        except CannotStart as error:
            log.error("neighbours do not start", extra={"reason": str(error)})

    async def doubt(self) -> None:
        """Somebody waited in vain for an answer. If nobody gets one, they hang: end them, so that
        the next one to ask has new ones."""
        async with self._starting:
            process = self._process
            if process is None:
                return
            try:
                async with asyncio.timeout(ALIVE_S):
                    reader, writer = await asyncio.open_unix_connection(self._path(THEIRS))
                    writer.write(b"GET %b HTTP/1.0\r\n\r\n" % ALIVE.encode())
                    answer = await reader.readline()
                    writer.close()
                if answer.startswith(b"HTTP/"):
                    return
            except (OSError, TimeoutError):
                pass
            log.error(f"neighbours hang; {LOST}", extra={"pid": process.pid})
            self._process = None
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def close(self) -> None:
        if self._resuming is not None:
            await self._resuming
        async with self._starting:
            process, self._process = self._process, None
            if process is not None:
                await self._end(process)
            if self._place is not None:
                for name in (OURS, THEIRS):
                    self._remove(name)
                os.close(self._place)
                self._place = None
            if self._ours is not None:
                self._ours.close()
                self._ours = None

    def _path(self, name: str) -> str:
        return f"/proc/{os.getpid()}/fd/{self._place}/{name}"

    def _remove(self, name: str) -> None:
        Path(self._path(name)).unlink(missing_ok=True)

    def _listening(self, name: str) -> socket.socket:
        self._remove(name)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self._path(name))
        listener.listen(BACKLOG)
        return listener

    async def _start(self) -> None:
        if self._place is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._place = os.open(self._folder, os.O_PATH | os.O_DIRECTORY)
            self._ours = self._listening(OURS)
            self._ours.setblocking(False)
            await self._serve(self._ours)
        with self._listening(THEIRS) as listener:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "stoker.neighbours.child", str(listener.fileno()),
                str(self._scale), str(self._disk_bytes),
                stdin=PIPE, stdout=PIPE, stderr=STDOUT, pass_fds=[listener.fileno()],
                cwd=self._folder,
            )  # fmt: skip
        assert process.stdout is not None
        said: list[str] = []
        try:
            async with asyncio.timeout(START_S):
                while line := (await process.stdout.readline()).decode(errors="replace"):
                    if line == "ready\n":
                        break
                    said.append(line.rstrip())
        except TimeoutError:
            said.append(f"not ready after {START_S:.0f} seconds")
            line = ""
        if not line:
            await self._end(process)
            raise CannotStart("; ".join(said[-3:]) or "it ended at once")
        for said_before in said:
            log.warning("neighbours say", extra={"line": said_before})
        self._process, self._begun = process, True
        self._reader = asyncio.create_task(self._follow(process), name="neighbours")
        log.info("neighbours started", extra={"pid": process.pid})

    async def _follow(self, process: Process) -> None:
        """Log what it complains of, and its end."""
        assert process.stdout is not None
        started = asyncio.get_running_loop().time()
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a very long one: the next call goes on behind it
                continue
            if not line:
                break
            log.warning("neighbours say", extra={"line": line.decode(errors="replace").rstrip()})
        status = await process.wait()
        if self._process is process:  # nobody wanted that
            self._process = None
            log.error(f"neighbours died; {LOST}", extra={"status": status})
            if asyncio.get_running_loop().time() - started > LIFE_S:
                self.resume()

    async def _end(self, process: Process) -> None:
        assert process.stdin is not None
        process.stdin.close()
        try:
            async with asyncio.timeout(END_S):
                await process.wait()
        except TimeoutError:
            log.error(f"neighbours do not end; {LOST}", extra={"pid": process.pid})
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
        if self._reader is not None:
            await self._reader
            self._reader = None
