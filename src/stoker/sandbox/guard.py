"""What every sandbox owes its owner, kept around any backend so that backends may stay naive.

* An error in a sandbox costs the sandbox: its owner hears on_lost, once, and destroys it.
* Late calls (after destroy, after on_lost) are harmless.
* destroy() is idempotent, ends in bounded time and never raises.
* Nothing is heard of a sandbox that is gone, and none is made once it is closed.
"""

import asyncio
import logging
import os
import socket
from collections.abc import Callable
from pathlib import Path

from stoker.sandbox.base import (
    Backend,
    Command,
    Exit,
    Kind,
    Listener,
    Place,
    Process,
    Sandbox,
    SandboxFailed,
    SandboxSpec,
    Usage,
)

log = logging.getLogger(__name__)
DESTROY_S = 30.0


class GuardedBackend:
    """stoker.sandbox.base.Backend around another one."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.name = backend.name
        self._living: set[GuardedSandbox] = set()
        self._closed = False

    @property
    def limitations(self) -> tuple[str, ...]:
        return self._backend.limitations

    @property
    def place(self) -> Place | None:
        return self._backend.place

    async def start(self) -> None:
        await self._backend.start()

    async def prepare(self, kind: Kind) -> None:
        await self._backend.prepare(kind)

    async def create(self, spec: SandboxSpec) -> "GuardedSandbox":
        self._check_open()
        try:
            sandbox = await self._backend.create(spec)
        except OSError as error:
            raise SandboxFailed(f"cannot create a sandbox: {error}") from error
        guarded = GuardedSandbox(sandbox, self._living.discard)
        try:
            self._check_open()
        except SandboxFailed:
            await guarded.destroy()
            raise
        self._living.add(guarded)
        return guarded

    def _check_open(self) -> None:
        if self._closed:
            raise SandboxFailed("cannot create a sandbox: the server is stopping")

    async def snapshot(self, sandbox: Sandbox, path: str) -> None:
        """sandbox: one of ours."""
        assert isinstance(sandbox, GuardedSandbox)
        try:
            await self._backend.snapshot(sandbox.guarded, path)
        except OSError as error:
            raise SandboxFailed(f"cannot take a snapshot: {error}") from error

    async def share(self, name: str, folder: int) -> Path:
        try:
            return await self._backend.share(name, folder)
        except OSError as error:
            raise SandboxFailed(f"cannot share a folder: {error}") from error

    async def unshare(self, name: str) -> None:
        await self._backend.unshare(name)

    async def examine(self) -> bytes:
        try:
            return await self._backend.examine()
        except OSError as error:
            raise SandboxFailed(f"cannot examine this machine: {error}") from error

    async def close(self) -> None:
        self._closed = True
        for sandbox in list(self._living):
            await sandbox.destroy()
        await self._backend.close()


class GuardedSandbox:
    """stoker.sandbox.base.Sandbox around another one."""

    def __init__(
        self,
        sandbox: Sandbox,
        forget: Callable[["GuardedSandbox"], None],
    ) -> None:
        self._sandbox = sandbox
        self._forget = forget
        self.id = sandbox.id
        self.runtime_api: Listener = sandbox.runtime_api
        self.endpoint: Listener | None = sandbox.endpoint
        self.xray: Listener = sandbox.xray
        self.task_root = sandbox.task_root
        self.layer_root = sandbox.layer_root
        self.packages_root = sandbox.packages_root
        self.began = sandbox.began
        self.on_exit: Callable[[str, Exit], None] = lambda *_: None
        self.on_lost: Callable[[str], None] = lambda _: None
        self._peak_bytes = self._oom_kills = 0
        self._frozen = False
        self._over = False  # lost or destroyed: silence from now on
        self._destroying: asyncio.Future[None] | None = None
        sandbox.on_exit = self._exited
        sandbox.on_lost = self._lost

    @property
    def guarded(self) -> Sandbox:
        return self._sandbox

    def pids(self) -> list[int]:
        return [] if self._over else self._sandbox.pids()

    def start(self, command: Command) -> Process:
        if self._over:
            return _silent(command.name)
        try:
            return self._sandbox.start(command)
        except (OSError, SandboxFailed) as error:
            self._broken(f"cannot start {command.name}", error)
            return _silent(command.name)

    def signal(self, name: str, number: int) -> None:
        self._try(f"cannot signal {name}", lambda: self._sandbox.signal(name, number))

    def kill_all(self) -> None:
        self._try("cannot kill its processes", self._sandbox.kill_all)

    def freeze(self) -> None:
        if not self._frozen:
            self._frozen = True
            self._try("cannot freeze it", self._sandbox.freeze)

    def thaw(self) -> None:
        if self._frozen:
            self._frozen = False
            self._try("cannot thaw it", self._sandbox.thaw)

    def throttle_cpu(self, on: bool) -> None:
        self._try("cannot limit its cpu", lambda: self._sandbox.throttle_cpu(on))

    def usage(self) -> Usage:
        if not self._over:
            try:
                seen = self._sandbox.usage()
                self._peak_bytes, self._oom_kills = seen.peak_bytes, seen.oom_kills
            except OSError as error:
                self._broken("cannot measure it", error)
        return Usage(self._peak_bytes, self._oom_kills)

    def peak_bytes(self) -> int:
        if not self._over:
            try:
                self._peak_bytes = self._sandbox.peak_bytes()
            except OSError as error:
                self._broken("cannot measure it", error)
        return self._peak_bytes

    def held_bytes(self) -> int:
        if not self._over:
            try:
                return self._sandbox.held_bytes()
            except OSError as error:
                self._broken("cannot measure it", error)
        return 0

    async def connector(self) -> socket.socket:
        if self._over:
            raise SandboxFailed("cannot reach into an environment that is gone")
        return await self._sandbox.connector()

    async def destroy(self) -> None:
        self._over = True
        if self._destroying is not None:
            await asyncio.shield(self._destroying)
            return
        loop = asyncio.get_running_loop()
        self._destroying = loop.create_future()
        try:
            async with asyncio.timeout(DESTROY_S):
                await self._sandbox.destroy()
        except (OSError, SandboxFailed, TimeoutError) as error:
            # Contract broken below us: what may be left is for the operator to know.
            log.error("sandbox not destroyed", extra={"sandbox": self.id, "reason": str(error)})
        finally:
            self._forget(self)
            self._destroying.set_result(None)

    def _try(self, what: str, call: Callable[[], None]) -> None:
        if self._over:
            return
        try:
            call()
        except (OSError, SandboxFailed) as error:
            self._broken(what, error)

    def _broken(self, what: str, error: Exception) -> None:
        log.warning("sandbox broken", extra={"sandbox": self.id, "reason": f"{what}: {error}"})
        # Not from within the owner's own call: its state is in the middle of changing.
        asyncio.get_running_loop().call_soon(self._lost, f"{what}: {error}")

    def _exited(self, name: str, how: Exit) -> None:
        if not self._over:
            self.on_exit(name, how)

    def _lost(self, reason: str) -> None:
        if not self._over:
            self._over = True
            self.on_lost(reason)  # who hears this destroys it, as after any other end


def _silent(name: str) -> Process:
    """A process that never was: its pipes are at their end."""
    try:
        ours, theirs = os.pipe()
    except OSError:  # the descriptors are used up: then it has none
        return Process(name, -1, -1, -1)
    os.close(theirs)
    os.set_blocking(ours, False)
    return Process(name, ours, os.dup(ours), -1)
