"""One sandbox in the server's hands: descriptors, and nothing that needs privilege."""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from stoker.sandbox.base import (
    RUNTIME,
    Command,
    Exit,
    Listener,
    Process,
    SandboxFailed,
    SandboxSpec,
    Usage,
)
from stoker.sandbox.namespaces.cgroups import CPU_PERIOD_US, FULL_CORE_MB
from stoker.sandbox.namespaces.init import PACKET, PARKED
from stoker.sandbox.namespaces.network import RUNTIME_API

FRAMES_VARIABLE = "_LAMBDA_TELEMETRY_LOG_FD"


class NamespacesSandbox:
    """stoker.sandbox.base.Sandbox."""

    task_root = "/var/task"
    layer_root = "/opt"

    def __init__(
        self,
        spec: SandboxSpec,
        facts: dict[str, Any],
        fds: dict[str, int],
        endpoint_port: int,
        bury: Callable[["NamespacesSandbox"], Awaitable[None]],
    ) -> None:
        self.id = spec.environment_id
        self.on_exit: Callable[[str, Exit], None] = lambda *_: None
        self.on_lost: Callable[[str], None] = lambda _: None
        self.pid: int = facts["pid"]
        self.fit_ms: float = facts["fit_ms"]
        self._memory_mb = spec.memory_mb
        self._facts = facts
        self._bury = bury
        self._ctl = socket.socket(fileno=fds.pop("ctl"))
        self._ctl.setblocking(False)
        self._go: socket.socket | None = socket.socket(fileno=fds.pop("go"))
        if spec.kind.runtime.startswith("provided"):
            self._close_go()
        self.runtime_api = _listener(fds.pop("runtime_api"), RUNTIME_API[1])
        endpoint = fds.pop("endpoint", -1)
        self.endpoint = _listener(endpoint, endpoint_port) if endpoint >= 0 else None
        self._fds = fds
        self._freeze = fds["freeze"]
        stop, go_on = (
            (b"1", b"0") if facts["freezer"] == "cgroup.freeze" else (b"FROZEN", b"THAWED")
        )
        self._stop, self._go_on = stop, go_on
        self.frozen = False
        self._peak = self._highest_read = 0
        self._parked_runs = False  # the parked process has become the runtime
        self._gone = False
        asyncio.get_running_loop().add_reader(self._ctl.fileno(), self._heard)

    def pids(self) -> list[int]:
        with contextlib.suppress(OSError):
            return [int(line) for line in Path(self._facts["procs"]).read_text().split()]
        return []

    def start(self, command: Command) -> Process:
        frames = FRAMES_VARIABLE in command.environ
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in range(3 if frames else 2)]
        for ours, _ in pipes:
            os.set_blocking(ours, False)
        message = {
            "start": command.name,
            "argv": command.argv,
            "env": dict(command.environ),
            "cwd": command.cwd,
        }
        sock = self._ctl
        if command.name == RUNTIME and self._go is not None:
            if command.argv is None:
                sock, self._parked_runs = self._go, True
            else:
                self._close_go()
        try:
            self._send(sock, message, [theirs for _, theirs in pipes])
        finally:
            for _, theirs in pipes:
                os.close(theirs)
        if sock is self._go:
            self._close_go()
        outputs = [ours for ours, _ in pipes]
        return Process(command.name, outputs[0], outputs[1], outputs[2] if frames else -1)

    def signal(self, name: str, number: int) -> None:
        names = [PARKED, name] if name == RUNTIME and self._parked_runs else [name]
        for each in names:
            self._send(self._ctl, {"signal": each, "number": number})

    def kill_all(self) -> None:
        self._close_go()
        self._send(self._ctl, {"kill_all": True})

    def freeze(self) -> None:
        if not self.frozen and not self._gone:
            os.pwrite(self._freeze, self._stop, 0)
            self.frozen = True

    def thaw(self) -> None:
        if self.frozen and not self._gone:
            os.pwrite(self._freeze, self._go_on, 0)
            self.frozen = False

    def throttle_cpu(self, on: bool) -> None:
        fd = self._fds.get("cpu", -1)
        if fd < 0 or self._gone:
            return
        quota = max(1000, self._memory_mb * CPU_PERIOD_US // FULL_CORE_MB)
        if "cpu" in self._facts["v2"]:
            os.pwrite(fd, f"{quota if on else 'max'} {CPU_PERIOD_US}".encode(), 0)
        else:
            os.pwrite(fd, str(quota if on else -1).encode(), 0)

    def usage(self) -> Usage:
        if self._gone:
            return Usage(self._peak + self._facts["shared_bytes"], 0)
        if (fd := self._fds.get("memory_peak", -1)) >= 0:
            read = int(os.pread(fd, 32, 0))
            if read > self._highest_read:  # seldom: only then is the page cache worth a look
                self._highest_read = read
                self._peak = max(self._peak, read - self._cached())
        return Usage(self._peak + self._facts["shared_bytes"], self._oom_kills())

    def _cached(self) -> int:
        field = b"file " if "memory" in self._facts["v2"] else b"total_cache "
        for line in os.pread(self._fds["memory_stat"], 8192, 0).splitlines():
            if line.startswith(field):
                return int(line[len(field) :])
        return 0

    def _oom_kills(self) -> int:
        if (fd := self._fds.get("memory_oom", -1)) < 0:
            return 0
        for line in os.pread(fd, 512, 0).splitlines():
            if line.startswith(b"oom_kill "):
                return int(line[9:])
        return 0

    async def destroy(self) -> None:
        if self._gone:
            return
        self.let_go(keep_kill=True)
        self.kill_group()
        try:
            with contextlib.suppress(SandboxFailed):
                await self._bury(self)
        finally:
            os.close(self._fds.pop("kill")) if "kill" in self._fds else None

    def kill_group(self) -> None:
        """Kill all its processes, without the launcher."""
        if "kill" in self._fds:
            with contextlib.suppress(OSError):
                os.pwrite(self._fds["kill"], b"1", 0)

    def let_go(self, keep_kill: bool = False) -> None:
        """Close our descriptors (init ends when its control socket does)."""
        if self._gone:
            return
        self._gone = True
        asyncio.get_running_loop().remove_reader(self._ctl.fileno())
        self._ctl.close()
        self._close_go()
        self.runtime_api.sock.close()
        if self.endpoint:
            self.endpoint.sock.close()
        for name in list(self._fds):
            if not (keep_kill and name == "kill"):
                os.close(self._fds.pop(name))

    def _close_go(self) -> None:
        if self._go is not None:
            self._go.close()
            self._go = None

    def _send(
        self, sock: socket.socket, message: dict[str, Any], fds: list[int] | None = None
    ) -> None:
        if self._gone:
            return
        try:
            socket.send_fds(sock, [json.dumps(message).encode()], fds or [])
        except OSError as error:
            self._lost(f"its init does not answer: {error}")

    def _heard(self) -> None:
        while not self._gone:
            try:
                data = self._ctl.recv(PACKET)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._lost("its init died")
                return
            message = json.loads(data)
            name = message.pop("exit", None)
            if name == PARKED:
                if not self._parked_runs:
                    continue  # it was not needed
                self._parked_runs, name = False, RUNTIME
            if name is not None:
                self.on_exit(name, Exit(**message))

    def _lost(self, why: str) -> None:
        if not self._gone:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._ctl.fileno())
            loop.call_soon(self.on_lost, why)


def _listener(fd: int, port: int) -> Listener:
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    return Listener(sock, f"{RUNTIME_API[0]}:{port}")
