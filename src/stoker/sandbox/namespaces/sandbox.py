"""One sandbox in the server's hands: descriptors, and nothing that needs privilege."""

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable
from pathlib import Path
from signal import SIGCONT, SIGSTOP
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
from stoker.sandbox.namespaces.network import RUNTIME_API, XRAY
from stoker.sandbox.namespaces.parked import PACKET
from stoker.sandbox.namespaces.plan import PACKAGES
from stoker.sandbox.namespaces.zygote import OUTPUTS

FRAMES_VARIABLE = "_LAMBDA_TELEMETRY_LOG_FD"
MANAGED = ("/var/runtime/bootstrap",)  # what Command.argv None means once no process is parked
_START, _SIGNAL, _KILL_ALL, _EVERY = 1, 2, 3, 4  # init.c's commands
_EXITED, _KILLED = 0, 1  # and reports
_IDS = range(1, 64)  # init.c's numbers for processes
_PARKED_ID = 0
_HELD = {1: (b"total_rss ",), 2: (b"anon ", b"kernel_stack ", b"pagetables ")}  # of memory.stat


class NamespacesSandbox:
    """stoker.sandbox.base.Sandbox."""

    task_root = "/var/task"
    layer_root = "/opt"
    packages_root = PACKAGES

    def __init__(
        self,
        spec: SandboxSpec,
        facts: dict[str, Any],
        fds: dict[str, int],
        endpoint_port: int,
        bury: Callable[["NamespacesSandbox"], Awaitable[None]],
        connector: Callable[[str], Awaitable[socket.socket]],
        first: tuple[Command | None, list[int]],
    ) -> None:
        """`first`: the command that the launcher has set off, and our ends of its pipes."""
        self.id = spec.environment_id
        self.on_exit: Callable[[str, Exit], None] = lambda *_: None
        self.on_lost: Callable[[str], None] = lambda _: None
        self.pid: int = facts["pid"]
        self._memory_mb = spec.memory_mb
        self._facts = facts
        self._bury = bury
        self._connector = connector
        self._ctl = socket.socket(fileno=fds.pop("ctl"))
        self._ctl.setblocking(False)
        self._go: socket.socket | None = socket.socket(fileno=fds.pop("go"))
        # Of who is parked, if he has them already.
        self._first, outputs = first
        self._outputs = outputs or [fds.pop(name) for name in OUTPUTS if name in fds]
        self.began: float | None = facts["began"]
        if spec.kind.runtime.startswith("provided"):
            self._close_go()
        self._copied = bool(spec.snapshot)  # its runtime runs already
        self.runtime_api = _listener(fds.pop("runtime_api"), RUNTIME_API[1])
        endpoint = fds.pop("endpoint", -1)
        self.endpoint = _listener(endpoint, endpoint_port) if endpoint >= 0 else None
        host, port = XRAY
        self.xray = _listener(fds.pop("xray"), port, host)
        self._fds = fds
        self._freeze = fds.get("freeze", -1)
        stop, go_on = (
            (b"1", b"0") if facts["freezer"] == "cgroup.freeze" else (b"FROZEN", b"THAWED")
        )
        self._stop, self._go_on = stop, go_on
        self.frozen = False
        self._throttled = False  # its cgroup is new
        self._peak = self._highest_read = 0
        self._names: dict[int, str] = {}  # of living processes, by init's number
        self._programs: dict[int, str] = {}
        self._early: Exit | None = None  # of who was set off, before he was taken over
        self._is_kept = False  # as an image: its runtime ends with that
        self._gone = False
        asyncio.get_running_loop().add_reader(self._ctl.fileno(), self._heard)

    def pids(self) -> list[int]:
        if procs := self._facts["procs"]:
            with contextlib.suppress(OSError):
                return [int(line) for line in Path(procs).read_text().split()]
        return []

    def start(self, command: Command) -> Process:
        frames = FRAMES_VARIABLE in command.environ
        if self._copied:
            return self._meet(command)
        if self._outputs and command.name == RUNTIME and command.argv is None:
            return self._wake(command)
        pipes = make_pipes(3 if frames else 2)
        for ours, _ in pipes:
            os.set_blocking(ours, False)
        try:
            if command.name == RUNTIME and command.argv is None and self._go is not None:
                self._unpark(command, [theirs for _, theirs in pipes])
            else:
                self._start(command, [theirs for _, theirs in pipes])
        finally:
            for _, theirs in pipes:
                os.close(theirs)
        outputs = [ours for ours, _ in pipes]
        return Process(command.name, outputs[0], outputs[1], outputs[2] if frames else -1)

    def _meet(self, command: Command) -> Process:
        """The runtime that came with the copy."""
        ours, self._outputs = self._outputs, []
        if command.name != RUNTIME or not ours:
            raise SandboxFailed("cannot start a process in a copy of a snapshot")
        for end in ours:
            os.set_blocking(end, False)
        self._names[_PARKED_ID] = command.name
        self._close_go()
        return Process(command.name, *ours)

    def _wake(self, command: Command) -> Process:
        """Of a program that was started ahead, or a runtime that was set off: it has its pipes
        since then."""
        ours, self._outputs = self._outputs, []
        for end in ours:
            os.set_blocking(end, False)
        if self._first is None:
            self._unpark(command, [])
        else:
            assert command == self._first, "another one was set off"
            self._first = None
            self._take_over(command.name)
        return Process(command.name, *ours)

    def _unpark(self, command: Command, fds: list[int]) -> None:
        assert self._go is not None
        self._names[_PARKED_ID] = command.name
        self._send(self._go, go_message(command), fds)
        self._close_go()

    def _take_over(self, name: str) -> None:
        self._close_go()
        if self._early is None:
            self._names[_PARKED_ID] = name
        else:
            asyncio.get_running_loop().call_soon(self.on_exit, name, self._early)

    def _start(self, command: Command, fds: list[int]) -> None:
        if command.name == RUNTIME:
            self._close_go()
        number = next(each for each in _IDS if each not in self._names)
        argv = command.argv or MANAGED
        self._names[number], self._programs[number] = command.name, argv[0]
        environ = [f"{name}={value}" for name, value in command.environ.items()]
        strings = [command.cwd, *argv, *environ]
        head = struct.pack("=IIII", _START, number, len(argv), len(environ))
        self._send(self._ctl, head + b"".join(text.encode() + b"\0" for text in strings), fds)

    def becomes_a_snapshot(self) -> None:
        """A runtime that is not forked is killed when its image has been made."""
        self._is_kept = not self._facts["forked"]

    def signal(self, name: str, number: int) -> None:
        for each, named in self._names.items():
            if named == name:
                self._send(self._ctl, struct.pack("=III", _SIGNAL, each, number))

    def kill_all(self) -> None:
        self._close_go()
        self._first = None
        self._send(self._ctl, struct.pack("=III", _KILL_ALL, 0, 0))

    def freeze(self) -> None:
        if not self.frozen and not self._gone:
            self._set_freezer(self._stop, SIGSTOP)
            self.frozen = True

    def thaw(self) -> None:
        if self.frozen and not self._gone:
            self._set_freezer(self._go_on, SIGCONT)
            self.frozen = False

    def _set_freezer(self, word: bytes, number: int) -> None:
        """By its cgroup, or where none is ours by a signal to all but its init."""
        if self._freeze >= 0:
            os.pwrite(self._freeze, word, 0)
        else:
            self._send(self._ctl, struct.pack("=III", _EVERY, 0, number))

    def throttle_cpu(self, on: bool) -> None:
        fd = self._fds.get("cpu", -1)
        if fd < 0 or self._gone or on is self._throttled:
            return
        self._throttled = on
        quota = max(1000, self._memory_mb * CPU_PERIOD_US // FULL_CORE_MB)
        if "cpu" in self._facts["v2"]:
            os.pwrite(fd, f"{quota if on else 'max'} {CPU_PERIOD_US}".encode(), 0)
        else:
            os.pwrite(fd, str(quota if on else -1).encode(), 0)

    def usage(self) -> Usage:
        return Usage(self.peak_bytes(), 0 if self._gone else self._oom_kills())

    def peak_bytes(self) -> int:
        if not self._gone and (fd := self._fds.get("memory_peak", -1)) >= 0:
            read = int(os.pread(fd, 32, 0))
            if read > self._highest_read:  # seldom: only then is the page cache worth a look
                self._highest_read = read
                self._peak = max(self._peak, read - self._cached())
        return self._peak + int(self._facts["shared_bytes"])

    def held_bytes(self) -> int:
        if self._gone or self._fds.get("memory_stat", -1) < 0:
            return 0
        version = 2 if "memory" in self._facts["v2"] else 1
        found = sum(map(self._counted, _HELD[version]))
        found += int(self._facts["shared_bytes"])
        return min(found, self.usage().peak_bytes)

    def _cached(self) -> int:
        return self._counted(b"file " if "memory" in self._facts["v2"] else b"total_cache ")

    def _counted(self, field: bytes) -> int:
        """A line of memory.stat."""
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

    async def connector(self) -> socket.socket:
        return await self._connector(self.id)

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
        self.xray.sock.close()
        for name in list(self._fds):
            if not (keep_kill and name == "kill"):
                os.close(self._fds.pop(name))

    def _close_go(self) -> None:
        for end in self._outputs:
            os.close(end)
        self._outputs = []
        if self._go is not None:
            self._go.close()
            self._go = None

    def _send(self, sock: socket.socket, message: bytes, fds: list[int] | None = None) -> None:
        if self._gone:
            return
        try:
            socket.send_fds(sock, [message], fds or [])
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
            number, what, value = struct.unpack("=III", data)
            if self._is_kept:
                continue
            if (name := self._names.pop(number, None)) is not None:  # else parked, and not needed
                self.on_exit(name, self._exit(number, what, value))
            elif self._first is not None and number == _PARKED_ID:
                self._early = self._exit(number, what, value)

    def _exit(self, number: int, what: int, value: int) -> Exit:
        if what == _EXITED:
            return Exit(code=value)
        if what == _KILLED:
            return Exit(signal=value)
        text = os.strerror(value)  # Go writes it in lower case, and so do AWS's messages
        program = self._programs[number]
        return Exit(error=f"fork/exec {program}: {text[:1].lower()}{text[1:]}", errno=value)

    def _lost(self, why: str) -> None:
        if not self._gone:
            loop = asyncio.get_running_loop()
            loop.remove_reader(self._ctl.fileno())
            loop.call_soon(self.on_lost, why)


def go_message(command: Command) -> bytes:
    """What a parked runtime is told."""
    return json.dumps({"env": dict(command.environ), "cwd": command.cwd}).encode()


def make_pipes(count: int) -> list[tuple[int, int]]:
    """All of them, or none."""
    pipes: list[tuple[int, int]] = []
    try:
        for _ in range(count):
            pipes.append(os.pipe2(os.O_CLOEXEC))
    except OSError:
        for ours, theirs in pipes:
            os.close(ours)
            os.close(theirs)
        raise
    return pipes


def _listener(fd: int, port: int, host: str = RUNTIME_API[0]) -> Listener:
    sock = socket.socket(fileno=fd)
    sock.setblocking(False)
    return Listener(sock, f"{host}:{port}")
