"""The isolated backend: Linux namespaces, cgroups and seccomp. The server's side of it.

`launch` starts the privileged launcher while we are still root; everything after needs no
privilege: sandboxes arrive as descriptors (their control socket, their listening sockets, their
cgroup files), so freezing, thawing, throttling and measuring never pass through the launcher.
"""

import asyncio
import hashlib
import json
import logging
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stoker.sandbox.base import (
    Command,
    Kind,
    Place,
    RuntimeUnavailable,
    Sandbox,
    SandboxFailed,
    SandboxSpec,
    SnapshotGone,
    SnapshotRefused,
)
from stoker.sandbox.examining import COMMAND, LIMIT_S, examined
from stoker.sandbox.namespaces.network import RUNTIME_API, XRAY
from stoker.sandbox.namespaces.parked import PACKET
from stoker.sandbox.namespaces.sandbox import NamespacesSandbox, go_message, make_pipes

log = logging.getLogger(__name__)
_ERRORS: dict[str, type[Exception]] = {
    "unavailable": RuntimeUnavailable, "unfit": SnapshotRefused, "gone": SnapshotGone,
}  # fmt: skip
ANSWER_S = 120.0  # the first use of a runtime may compile its SDK
MOST_SAID = 1 << 20  # bytes of a doctor's answer
FIRST_BYTES = PACKET - 4096  # of what a runtime is told; longer ones are told later
_SOURCE = str(Path(__file__).parents[3])
_START = (
    f"import sys; sys.path.insert(0, {_SOURCE!r}); "
    "from stoker.sandbox.namespaces.launcher import main; main()"
)


@dataclass(frozen=True, slots=True)
class NamespacesSettings:
    data_dir: Path  # names this instance: a second start on it clears what the first left
    code_root: Path  # below it lie unpacked code and layers
    scratch_root: Path  # a directory on a disk, for /tmp images
    runtime_root: Path  # where directories for /var/runtime are built; root's alone
    resolver: tuple[str, ...]  # command: RUNTIME RUNTIME_ROOT -> JSON on stdout
    endpoint_port: int  # the server's, as environments see it; 0 for none
    egress: str = "host"  # "host" | "none"
    stock: int = 4  # sandboxes kept ready of each kind
    ready_file: Path | None = None  # written by announce()
    runtimes_dir: Path | None = None  # where `stoker runtimes install` puts things, if not shared
    rootless: bool = False  # we are an ordinary user (rootless.py)


class NamespacesBackend:
    """stoker.sandbox.base.Backend."""

    name = "namespaces"

    def __init__(self, settings: NamespacesSettings) -> None:
        self.limitations: tuple[str, ...] = ()
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._answers: dict[int, asyncio.Future[tuple[dict[str, Any], list[int]]]] = {}
        self._numbers = 0
        self._owed: deque[tuple[bytes, list[int]]] = deque()  # packets that follow others
        self._sandboxes: dict[str, NamespacesSandbox] = {}
        self._shared: dict[str, tuple[int, Path]] = {}  # folders of this machine, by name
        self.on_lost: Callable[[str], None] = lambda _: None  # the launcher itself died

    def launch(self) -> None:
        """Start the launcher. Call as root; drop root afterwards (privileges.py)."""
        settings = self._settings
        instance = hashlib.sha256(str(settings.data_dir.resolve()).encode()).hexdigest()[:12]
        facts = {
            "instance": f"stoker-{instance}",
            "code_root": str(settings.code_root),
            "scratch_root": str(settings.scratch_root),
            "runtime_root": str(settings.runtime_root),
            "endpoint_port": settings.endpoint_port,
            "egress": settings.egress,
            "stock": settings.stock,
            "runtimes_dir": str(settings.runtimes_dir or ""),
            "resolver": list(settings.resolver),
            "ready_file": str(settings.ready_file or ""),
            "rootless": settings.rootless,
            "doctor": list(COMMAND),
            "doctor_s": LIMIT_S,
            "lock": str(settings.data_dir / "launcher.lock"),
        }
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        command = [sys.executable, "-I", "-S", "-c", _START, str(theirs.fileno())]
        with theirs:
            self._process = subprocess.Popen(
                [*command, json.dumps(facts)],
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # the server's own: it ends when the server does
            )
        ours.setblocking(False)
        self._control = ours

    async def start(self) -> None:
        if self._control is None:
            self.launch()
        assert self._control is not None
        answer = self._expect(0)
        asyncio.get_running_loop().add_reader(self._control.fileno(), self._heard)
        facts, _ = await self._wait(answer)
        lines = facts["limitations"]
        lines += [f"this machine cannot limit {name}" for name in facts["missing"]]
        if facts["egress_problem"]:
            lines.append(f"functions have no way out to the network: {facts['egress_problem']}")
        self.limitations = tuple(lines)

    async def prepare(self, kind: Kind) -> None:
        await self._ask("prepare", {"runtime": kind.runtime, "preload": kind.preload_sdk})

    @property
    def place(self) -> Place:
        port = self._settings.endpoint_port
        return Place(
            ":".join(map(str, RUNTIME_API)),
            f"{RUNTIME_API[0]}:{port}" if port else None,
            ":".join(map(str, XRAY)),
            NamespacesSandbox.task_root,
            NamespacesSandbox.layer_root,
            NamespacesSandbox.packages_root,
        )

    async def create(self, spec: SandboxSpec) -> NamespacesSandbox:
        number, answer = self._question()
        outputs: list[int] = []
        try:
            await self._send(json.dumps({"n": number, "create": self._asked(spec)}).encode())
            command = None if spec.first is None else self._tell(number, spec.first, outputs)
            facts, fds = await self._wait(answer)
        except BaseException:
            _decline(answer)
            for end in outputs:
                os.close(end)
            raise
        if len(fds) < len(facts["fds"]):
            for fd in (*fds, *outputs):
                os.close(fd)
            await self._ask("destroy", spec.environment_id)
            raise SandboxFailed("cannot take over a sandbox: too many open files")
        if facts["began"] is None:
            for end in outputs:
                os.close(end)
            command, outputs = None, []
        first = command, outputs
        named = dict(zip(facts["fds"], fds, strict=True))
        port = self._settings.endpoint_port
        sandbox = NamespacesSandbox(spec, facts, named, port, self._bury, self._connector, first)
        self._sandboxes[sandbox.id] = sandbox
        return sandbox

    def _asked(self, spec: SandboxSpec) -> dict[str, Any]:
        return {
            "id": spec.environment_id,
            "runtime": spec.kind.runtime,
            "preload": spec.kind.preload_sdk,
            "memory_mb": spec.memory_mb,
            "ephemeral_mb": spec.ephemeral_mb,
            "code": self._named(spec.code),
            "opt": spec.opt and self._named(spec.opt),
            "packages": spec.packages and self._named(spec.packages),
            "snapshot": spec.snapshot,
            "first": spec.first is not None,
        }

    def _tell(
        self, number: int, first: Callable[[], Command | None], outputs: list[int]
    ) -> Command | None:
        """While the launcher fits the sandbox, find out what the runtime that is parked there is
        told, and say it. Our ends of its pipes go to `outputs`, if it is set off."""
        message, pipes = b"", list[tuple[int, int]]()
        try:
            command = first()
            text = b"" if command is None else go_message(command)
            if 0 < len(text) < FIRST_BYTES:
                pipes = make_pipes(3)
                message = text
        finally:
            theirs = [their for _, their in pipes]
            self._owe(b'{"n": %d, "first": null}\0%b' % (number, message), theirs)
        outputs += [ours for ours, _ in pipes]
        return command

    async def snapshot(self, sandbox: Sandbox, path: str) -> None:
        self._sandboxes[sandbox.id].becomes_a_snapshot()
        await self._ask("snapshot", {"id": sandbox.id, "path": path})

    async def announce(self, url: str) -> None:
        """Write the URL to the ready file, atomically."""
        await self._ask("announce", url)

    async def close(self) -> None:
        """End everything; returns when the launcher has removed it all."""
        for sandbox in list(self._sandboxes.values()):
            sandbox.let_go()
        self._sandboxes.clear()
        for kept, _ in self._shared.values():
            os.close(kept)
        self._shared.clear()
        self._give_up("the server is stopping")
        if self._control is not None:
            asyncio.get_running_loop().remove_reader(self._control.fileno())
            self._control.close()
            self._control = None
        if self._process is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._process.wait)
            self._process = None

    def _named(self, path: Path) -> str:
        """What the launcher calls it."""
        shared = next((name for name, (_, at) in self._shared.items() if at == path), None)
        return shared or str(path.relative_to(self._settings.code_root))

    async def share(self, name: str, folder: int) -> Path:
        number, answer = self._question()
        await self._send(json.dumps({"n": number, "share": name}).encode(), [folder])
        await self._wait(answer)
        kept = os.dup(folder)
        self._shared[name] = kept, Path(f"/proc/self/fd/{kept}")  # also of what is hidden from us
        return self._shared[name][1]

    async def unshare(self, name: str) -> None:
        kept, _ = self._shared.pop(name, (-1, None))
        if kept >= 0:
            os.close(kept)
            if self._control is not None:
                await self._ask("unshare", name)

    async def examine(self) -> bytes:
        if self._settings.rootless:  # the launcher would take itself for root
            return await examined(self._settings.runtimes_dir)
        _, fds = await self._ask("examine", {})
        if not fds:
            raise SandboxFailed("cannot examine this machine: too many open files")
        try:
            if os.fstat(fds[0]).st_size > MOST_SAID:
                raise SandboxFailed("cannot examine this machine: the doctor says too much")
            return os.pread(fds[0], MOST_SAID, 0)  # others who asked get the same file
        finally:
            os.close(fds[0])

    async def _bury(self, sandbox: NamespacesSandbox) -> None:
        self._sandboxes.pop(sandbox.id, None)
        if self._control is not None:
            await self._ask("destroy", sandbox.id)

    async def _connector(self, name: str) -> socket.socket:
        _, fds = await self._ask("connector", name)
        if not fds:
            raise SandboxFailed("cannot reach into an environment: too many open files")
        sock = socket.socket(fileno=fds[0])
        sock.setblocking(False)
        return sock

    # -- the conversation with the launcher

    def _expect(self, number: int) -> "asyncio.Future[tuple[dict[str, Any], list[int]]]":
        self._answers[number] = asyncio.get_running_loop().create_future()
        return self._answers[number]

    async def _ask(self, verb: str, what: Any) -> tuple[dict[str, Any], list[int]]:
        number, answer = self._question()
        try:
            await self._send(json.dumps({"n": number, verb: what}).encode())
            return await self._wait(answer)
        except BaseException:
            _decline(answer)
            raise

    def _question(self) -> "tuple[int, asyncio.Future[tuple[dict[str, Any], list[int]]]]":
        if self._control is None:
            raise SandboxFailed("cannot reach the launcher: it is gone; restart the server")
        self._numbers += 1
        return self._numbers, self._expect(self._numbers)

    async def _send(self, message: bytes, fds: Sequence[int] = ()) -> None:
        while True:
            assert self._control is not None
            try:
                socket.send_fds(self._control, [message], fds)
                return
            except BlockingIOError:  # a burst of requests fills the launcher's queue
                await self._writable()
            except OSError as error:
                raise SandboxFailed(f"cannot reach the launcher: {error}") from error

    def _owe(self, message: bytes, fds: list[int]) -> None:
        """Send what the launcher waits for, now or when that can be, whoever gives up meanwhile.
        Takes the descriptors."""
        self._owed.append((message, fds))
        if len(self._owed) == 1 and not self._pay():
            assert self._control is not None
            copy = os.dup(self._control.fileno())  # _writable() has one of its own
            asyncio.get_running_loop().add_writer(copy, self._pay_on, copy)

    def _pay(self) -> bool:
        """False: it can take no more now."""
        while self._owed:
            message, fds = self._owed[0]
            try:
                if self._control is not None:
                    socket.send_fds(self._control, [message], fds)
            except BlockingIOError:
                return False
            except OSError as error:  # it is gone, which _heard() tells those who wait
                log.debug("cannot reach the launcher", extra={"reason": str(error)})
            self._owed.popleft()
            for fd in fds:
                os.close(fd)
        return True

    def _pay_on(self, copy: int) -> None:
        if self._pay():
            asyncio.get_running_loop().remove_writer(copy)
            os.close(copy)

    async def _writable(self) -> None:
        assert self._control is not None
        loop, copy = asyncio.get_running_loop(), os.dup(self._control.fileno())
        ready = asyncio.Event()
        loop.add_writer(copy, ready.set)
        try:
            await ready.wait()
        finally:
            loop.remove_writer(copy)
            os.close(copy)

    async def _wait(
        self, answer: "asyncio.Future[tuple[dict[str, Any], list[int]]]"
    ) -> tuple[dict[str, Any], list[int]]:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await answer
        except TimeoutError as error:
            raise SandboxFailed("cannot wait longer for the launcher") from error

    def _heard(self) -> None:
        assert self._control is not None
        try:
            data, fds, _, _ = socket.recv_fds(self._control, PACKET, 16)
        except BlockingIOError:
            return
        except OSError:
            data, fds = b"", []
        if not data:
            self._launcher_died()
            return
        message = json.loads(data)
        answer = self._answers.pop(message.get("n", -1), None)
        if answer is None or answer.done():
            for fd in fds:
                os.close(fd)  # nobody waits any more (the launcher buries it when we hang up)
        elif "ok" in message:
            answer.set_result((message["ok"], fds))
        else:
            answer.set_exception(_ERRORS.get(message["kind"], SandboxFailed)(message["error"]))

    def _give_up(self, why: str) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(SandboxFailed(why))
        self._answers.clear()

    def _launcher_died(self) -> None:
        """Without it nothing can be made or removed: kill what it left, and say so."""
        assert self._control is not None
        asyncio.get_running_loop().remove_reader(self._control.fileno())
        self._control.close()
        self._control = None
        self._give_up("the launcher died; restart the server")
        for sandbox in list(self._sandboxes.values()):
            sandbox.kill_group()
        self.on_lost("the launcher died")


def _decline(answer: "asyncio.Future[tuple[dict[str, Any], list[int]]]") -> None:
    """Nobody waits for it any more, even if it is here: without us its sandbox ends."""
    if answer.cancel() or answer.cancelled() or answer.exception() is not None:
        return
    for fd in answer.result()[1]:
        os.close(fd)
