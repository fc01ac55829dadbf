"""The development backend: plain child processes of the server, on any Unix, without root.

The same interface as real isolation, with what the system allows anybody: a session of its own
for each process (stopped to freeze, killed to reset), a Runtime API on a port of its own, the
real paths of code and layers. What it does not enforce stands in `limitations`, for `serve` to
say at its start.
"""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stoker.runtimes import found
from stoker.runtimes.found import FoundRuntime
from stoker.runtimes.runtime_dir import build_runtime_dir
from stoker.sandbox.base import (
    RUNTIME,
    Command,
    Exit,
    Kind,
    Listener,
    Process,
    RuntimeUnavailable,
    Sandbox,
    SandboxFailed,
    SandboxSpec,
    SnapshotRefused,
    Usage,
)
from stoker.sandbox.examining import examined
from stoker.sandbox.sessions import Sessions, kill_recorded

FRAMES_VARIABLE = "_LAMBDA_TELEMETRY_LOG_FD"
LANGUAGE, RUNTIME_DIR = "/var/lang", "/var/runtime"
SDK_DIR = f"{RUNTIME_DIR}/node_modules"
_PATH_VARIABLES = (
    "PATH", "LD_LIBRARY_PATH", "PYTHONPATH", "NODE_PATH", "GEM_PATH", "GEM_HOME", "RUBYLIB",
    "LAMBDA_RUNTIME_DIR",
)  # fmt: skip
_REAP_S = 5.0
_BACKLOG = 128

LIMITATIONS = (
    "Functions run as your own user, with access to your files and your network.",
    "/var/task, /opt, /var/runtime and /var/lang do not exist; functions see the real folders.",
    "/bin/sh is the machine's own, which on Debian is not bash; commands are what the machine has.",
    "/tmp is the machine's own, shared by all functions and never limited (TMPDIR is not).",
    "MemorySize limits neither memory nor cpu; processes and open files are not limited.",
    "sandbox.localdomain does not resolve; who subscribes to telemetry listens on 127.0.0.1.",
    "Freezing stops the processes' sessions; a process that leaves its session goes on.",
)
NOT_MEASURED = "Memory use is not measured on this system: Max Memory Used is always 0."


@dataclass(frozen=True, slots=True)
class _Managed:
    """A managed runtime: what is found at other places where there is real isolation."""

    executable: Path
    language: Path  # /var/lang
    client: Path  # /var/runtime
    start: str  # the client's file that the executable runs
    modules: Path | None  # /var/runtime/node_modules


class ProcessBackend:
    """stoker.sandbox.base.Backend."""

    name = "process"
    place = None  # every sandbox has ports and folders of its own

    def __init__(
        self,
        state_dir: Path,
        find_runtime: Callable[[str], FoundRuntime] = found.find_runtime,
        python_client: Path | None = None,
        runtimes_dir: Path | None = None,
    ) -> None:
        """`state_dir`: what dead predecessors left is cleared from it; only one may use it.
        `python_client`: a folder with AWS's own, see runtimes/runtime_dir.py. `runtimes_dir`:
        where find_runtime looks, for examine()."""
        self.limitations: tuple[str, ...] = LIMITATIONS
        if not Path("/proc/self/stat").exists():
            self.limitations += (NOT_MEASURED,)
        self._folder = state_dir / "environments"
        self._runtimes = state_dir / "runtimes"
        self._find_runtime = find_runtime
        self._python_client = python_client
        self._runtimes_dir = runtimes_dir
        self._managed: dict[str, _Managed] = {}
        self._sandboxes: set[ProcessSandbox] = set()

    async def start(self) -> None:
        await asyncio.to_thread(self._clear)

    async def prepare(self, kind: Kind) -> None:
        await self._runtime(kind.runtime)

    async def create(self, spec: SandboxSpec) -> Sandbox:
        managed = await self._runtime(spec.kind.runtime)
        folder = self._folder / spec.environment_id
        try:
            await asyncio.to_thread(_lay_out, folder)
            sandbox = ProcessSandbox(spec, folder, managed, self._sandboxes.discard)
        except OSError as error:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)
            raise SandboxFailed(f"cannot lay out {folder}: {error}") from error
        self._sandboxes.add(sandbox)
        return sandbox

    async def snapshot(self, sandbox: Sandbox, path: str) -> None:
        raise SnapshotRefused(
            "a snapshot needs the isolated sandbox: start Stoker as root, with --sandbox namespaces"
        )

    async def share(self, name: str, folder: int) -> Path:
        return await asyncio.to_thread(Path(f"/proc/self/fd/{folder}").readlink)

    async def unshare(self, name: str) -> None:
        """Functions see the machine's folders anyway."""

    async def examine(self) -> bytes:
        return await examined(self._runtimes_dir)

    async def close(self) -> None:
        for sandbox in list(self._sandboxes):
            await sandbox.destroy()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)

    async def _runtime(self, runtime: str) -> _Managed | None:
        """None for one that brings its own program."""
        if runtime.startswith("provided"):
            return None
        if runtime not in self._managed:
            self._managed[runtime] = await asyncio.to_thread(self._prepare, runtime)
        return self._managed[runtime]

    def _prepare(self, runtime: str) -> _Managed:
        try:
            it = self._find_runtime(runtime)
            assert it.executable is not None and it.prefix is not None, f"{runtime} is managed"
            client = build_runtime_dir(it, self._runtimes, self._python_client)
            return _Managed(it.executable, it.prefix, client, it.start, it.modules)
        except found.RuntimeUnavailable as error:
            raise RuntimeUnavailable(str(error)) from error

    def _clear(self) -> None:
        """Stopped processes of a server that was killed would stay for ever."""
        for folder in self._folder.glob("*"):
            kill_recorded(folder / "sessions")
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(parents=True)


class ProcessSandbox:
    """stoker.sandbox.base.Sandbox."""

    def __init__(
        self,
        spec: SandboxSpec,
        folder: Path,
        managed: _Managed | None,
        forget: Callable[["ProcessSandbox"], None],
    ) -> None:
        self.id = spec.environment_id
        self.on_exit: Callable[[str, Exit], None] = lambda *_: None
        self.on_lost: Callable[[str], None] = lambda _: None
        self.task_root = str(spec.code)
        self.layer_root = str(spec.opt or folder / "opt")
        self.packages_root = str(spec.packages or folder / "opt")
        self.began: float | None = None
        self.runtime_api = _listen()
        self.endpoint: Listener | None = _listen()
        self.xray = _datagrams()
        self._folder = folder
        self._managed = managed
        self._forget = forget
        self._loop = asyncio.get_running_loop()
        self._sessions = Sessions(folder / "sessions")
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._watched: dict[str, int] = {}  # pidfd of each
        self._peak = 0
        self._frozen = False
        self._gone = False

    def pids(self) -> list[int]:
        return self._sessions.pids()

    def start(self, command: Command) -> Process:
        assert command.name not in self._children, f"{command.name} runs already"
        environ = self._environ(command)
        pipes = [os.pipe() for _ in range(3 if FRAMES_VARIABLE in environ else 2)]
        theirs = [end for _, end in pipes]
        if len(pipes) == 3:
            environ[FRAMES_VARIABLE] = str(theirs[2])  # any number does: clients read it here
        for ours, _ in pipes:
            os.set_blocking(ours, False)
        try:
            child = subprocess.Popen(
                self._argv(command),
                env=environ,
                cwd=command.cwd,
                stdin=subprocess.DEVNULL,
                stdout=theirs[0],
                stderr=theirs[1],
                pass_fds=theirs[2:],
                start_new_session=True,
            )
        except OSError as error:
            text = f"fork/exec {self._argv(command)[0]}: {os.strerror(error.errno or 0).lower()}"
            how = Exit(error=text, errno=error.errno or 0)
            self._loop.call_soon(self._report, command.name, how)
        else:
            self._children[command.name] = child
            self._sessions.add(child.pid)
            self._watch(command.name, child)
        finally:
            for end in theirs:
                os.close(end)
        ends = [ours for ours, _ in pipes]
        return Process(command.name, ends[0], ends[1], ends[2] if len(ends) == 3 else -1)

    def signal(self, name: str, number: int) -> None:
        child = self._children.get(name)
        if child is not None:
            _signal_group(child.pid, number)

    def kill_all(self) -> None:
        self._sessions.signal(signal.SIGKILL)

    def freeze(self) -> None:
        if not self._frozen and not self._gone:
            self._frozen = True
            self._sessions.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        if self._frozen:
            self._frozen = False
            self._sessions.signal(signal.SIGCONT)

    def throttle_cpu(self, on: bool) -> None:
        """Not enforced; see LIMITATIONS."""

    def usage(self) -> Usage:
        return Usage(self.peak_bytes(), 0)

    def peak_bytes(self) -> int:
        if not self._gone:
            self._peak = max(self._peak, self._sessions.resident_bytes())
        return self._peak

    def held_bytes(self) -> int:
        held = 0 if self._gone else self._sessions.resident_bytes()
        self._peak = max(self._peak, held)
        return held

    async def connector(self) -> socket.socket:
        try:
            sock = socket.socket()
        except OSError as error:
            raise SandboxFailed(f"cannot reach into an environment: {error}") from error
        sock.setblocking(False)
        return sock

    async def destroy(self) -> None:
        if self._gone:
            return
        self._gone = True
        self._sessions.signal(signal.SIGKILL)
        self.runtime_api.sock.close()
        if self.endpoint is not None:
            self.endpoint.sock.close()
        self.xray.sock.close()
        for name in list(self._watched):
            self._unwatch(name)
        for child in self._children.values():
            await asyncio.to_thread(_reap, child)
        self._sessions.signal(signal.SIGKILL)  # who was born while we killed
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        self._forget(self)

    def _argv(self, command: Command) -> list[str]:
        if command.argv is None:
            assert self._managed is not None, "an OS-only runtime brings its own program"
            return [str(self._managed.executable), str(self._managed.client / self._managed.start)]
        return [self._here(part) for part in command.argv]

    def _environ(self, command: Command) -> dict[str, str]:
        environ = {"TMPDIR": str(self._folder / "tmp"), **command.environ}
        for name in _PATH_VARIABLES:
            if name in environ:
                environ[name] = self._here(environ[name])
        if self._managed is not None and command.name == RUNTIME:
            environ["_STOKER_LANGUAGE_ROOT"] = str(self._managed.language)
            environ["_STOKER_LAYER_ROOT"] = self.layer_root
        return environ

    def _here(self, path: str) -> str:
        """Where the places that only isolation can offer are on this machine."""
        if self._managed is not None:
            if self._managed.modules is not None:
                path = path.replace(SDK_DIR, str(self._managed.modules))
            path = path.replace(RUNTIME_DIR, str(self._managed.client))
            path = path.replace(LANGUAGE, str(self._managed.language))
        return path

    def _watch(self, name: str, child: subprocess.Popen[bytes]) -> None:
        if hasattr(os, "pidfd_open"):
            pidfd = os.pidfd_open(child.pid)
            self._watched[name] = pidfd
            self._loop.add_reader(pidfd, self._ended, name)
        else:
            waiting = self._loop.run_in_executor(None, child.wait)
            waiting.add_done_callback(lambda _: self._ended(name))

    def _unwatch(self, name: str) -> None:
        pidfd = self._watched.pop(name, -1)
        if pidfd >= 0:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)

    def _ended(self, name: str) -> None:
        if self._gone or name not in self._children:
            return
        self._unwatch(name)
        child = self._children.pop(name)
        self._sessions.ended(child.pid)
        status = child.wait()
        self._report(name, Exit(code=status) if status >= 0 else Exit(signal=-status))

    def _report(self, name: str, how: Exit) -> None:
        if not self._gone:
            self.on_exit(name, how)


def _listen() -> Listener:
    sock = socket.socket()
    try:
        sock.bind(("127.0.0.1", 0))
        sock.listen(_BACKLOG)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return Listener(sock, f"127.0.0.1:{sock.getsockname()[1]}")


def _datagrams() -> Listener:
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        sock.bind(("127.0.0.1", 0))
    except OSError:
        sock.close()
        raise
    return Listener(sock, f"127.0.0.1:{sock.getsockname()[1]}")


def _signal_group(pgid: int, number: int) -> None:
    try:
        os.killpg(pgid, number)
    except (ProcessLookupError, PermissionError):
        return  # gone


def _reap(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(_REAP_S)
    except subprocess.TimeoutExpired:
        return  # in the kernel's hands; it holds nothing of ours


def _lay_out(folder: Path) -> None:
    (folder / "tmp").mkdir(parents=True)
    (folder / "opt").mkdir()
