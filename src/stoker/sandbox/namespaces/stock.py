"""Zygotes, and the sandboxes they have prepared ahead. The launcher's memory of what is ready."""

import contextlib
import json
import os
import signal
import socket
import subprocess
from collections import deque
from typing import TYPE_CHECKING, Any

from stoker.sandbox.namespaces import host_files, seccomp
from stoker.sandbox.namespaces.cgroups import PROCESSES, Controls, Group
from stoker.sandbox.namespaces.idmap import LOOKS_LIKE_ROOT
from stoker.sandbox.namespaces.network import BLOCK_SIZE, Net
from stoker.sandbox.namespaces.parked import receive
from stoker.sandbox.namespaces.plan import (
    LAMBDA_GID,
    LAMBDA_UID,
    RESOLVER,
    CopyOf,
    File,
    Language,
    template_plan,
)
from stoker.sandbox.namespaces.request import Request
from stoker.sandbox.namespaces.scratch import Disk
from stoker.sandbox.namespaces.template import Recipe, become_zygote
from stoker.sandbox.namespaces.undertaker import until
from stoker.sandbox.namespaces.zygote import OUTPUTS, REPORT, REQUEST, STEPS

if TYPE_CHECKING:
    from stoker.sandbox.namespaces.launcher import Launcher, Settings

Kind = tuple[str, bool]  # (runtime, SDK preloaded)

SCRATCH_MB = 512  # AWS's default /tmp; other sizes are mounted over it
OPEN_FILES = 1024
MOST_TRIES = 3


class Prepared:
    """One sandbox, from the fork on."""

    def __init__(self, kind: Kind, slot: int, group: Group, net: Net) -> None:
        self.kind, self.slot, self.group, self.net = kind, slot, group, net
        self.id = ""
        self.pid = 0  # of its init
        self.mounts = -1  # its mount namespace
        self.controls: Controls | None = None  # of its cgroups, opened ahead
        self.disk: Disk | None = None  # its /tmp
        self.snapshot = ""  # of what it is a copy, if it is
        self.is_fork = False  # its runtime is one of its zygote
        self.is_stopped = False  # its runtime waits for a signal to go on
        self.memory_mb = 0  # of the function that it was fitted to
        self.pidfd = -1  # of its init, if that is no child of the launcher's
        self._gone = False
        self.scratch_mb = SCRATCH_MB
        self.outputs: list[int] = []  # of the program that is parked in it, if it has its own
        self.shared_bytes = 0  # memory it shares with its zygote: not charged to it
        self.has_runtime = False  # one waits in it
        self.ctl, self._ctl_inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.go, self._go_inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def inside(self) -> tuple[int, int]:
        return self._ctl_inside.fileno(), self._go_inside.fileno()

    def born(self) -> None:
        self._ctl_inside.close()
        self._go_inside.close()

    def hand_over(self) -> dict[str, int]:
        """Descriptors for the server, by name."""
        assert self.controls is not None
        sockets = {"ctl": self.ctl, "go": self.go, "runtime_api": self.net.runtime_api}
        if self.net.endpoint:
            sockets["endpoint"] = self.net.endpoint
        sockets["xray"] = self.net.xray
        fds = {name: sock.fileno() for name, sock in sockets.items()}
        fds |= dict(zip(OUTPUTS, self.outputs, strict=False))
        return fds | {name: fd for name, fd in self.controls._asdict().items() if fd >= 0}

    def go_on(self) -> None:
        """Let a stopped runtime run."""
        if self.is_stopped:
            self.is_stopped = False
            for pid in self.group.pids():
                if pid != self.pid:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGCONT)

    def is_spoiled(self) -> bool:
        """Did the runtime that is parked in it die? The kernel takes those first when the
        machine's memory runs out."""
        if not self.has_runtime:
            return False
        if self.snapshot:
            return len(self.group.pids()) < 2
        try:
            return self.go.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def kill(self) -> None:
        """All its processes. Its init has not been reaped."""
        self.group.kill()
        if self.pid and not self.group.paths:  # no cgroup is ours: with it ends its pid namespace
            os.kill(self.pid, signal.SIGKILL)

    def let_go(self) -> None:
        """Close our ends. Idempotent."""
        for sock in (self.ctl, self.go, self._ctl_inside, self._go_inside):
            sock.close()
        if self.mounts >= 0:
            os.close(self.mounts)
            self.mounts = -1
        if not self._gone:
            self._gone = True
            self.net.close()
            for fd in (*(self.controls or ()), *self.outputs):
                if fd >= 0:
                    os.close(fd)


class Zygote:
    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self.pid = 0
        self.sock: socket.socket | None = None
        self.ready = False
        self.forks = False  # runtimes are copies of it, and share its memory
        self.parks = False  # each sandbox has a runtime before it is wanted
        self.shared_bytes = 0
        self.asked: list[int] = []  # requests that wait for it to be prepared
        self.waiting: deque[Request] = deque()  # creates without a sandbox yet
        self.booting: dict[int, Prepared] = {}  # by slot
        self.stock: list[Prepared] = []
        self.tries = 0  # zygotes, or rehearsing runtimes, that died since the last success


class Stocks:
    def __init__(self, launcher: "Launcher", settings: "Settings") -> None:
        self.launcher = launcher
        self.settings = settings
        self.zygotes: dict[Kind, Zygote] = {}
        self.slots = deque(range(BLOCK_SIZE))
        self.filter = seccomp.program().hex()

    # -- zygotes

    def prepare(self, kind: Kind, number: int) -> None:
        zygote = self.zygotes.get(kind)
        if zygote is None:
            zygote = self.zygotes[kind] = Zygote(kind)
            self._resolve(zygote)
        if zygote.ready:
            self.launcher.reply(number, {"shared_bytes": zygote.shared_bytes})
        else:
            zygote.asked.append(number)

    def _resolve(self, zygote: Zygote) -> None:
        """Ask, in a process of its own, where the runtime is; go on in _resolved."""
        command = [*self.settings.resolver, zygote.kind[0], self.settings.runtime_root]
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        except OSError as error:
            self._fail(zygote, f"cannot look for {zygote.kind[0]}: {error}", unavailable=False)
            return
        self.launcher.children[process.pid] = lambda _: self._resolved(zygote, process)

    def _resolved(self, zygote: Zygote, process: "subprocess.Popen[bytes]") -> None:
        process.returncode = 0  # the launcher has reaped it
        assert process.stdout is not None
        with process.stdout as pipe:  # a few hundred bytes: they fit the pipe
            answer = pipe.read()
        try:
            facts = json.loads(answer)
        except ValueError:
            facts = {"error": f"cannot find out about {zygote.kind[0]}: see the log"}
        if "error" in facts:
            self._fail(zygote, facts["error"], unavailable=True)
            return
        try:
            self._fork(zygote, facts)
        except OSError as error:
            self._fail(zygote, f"cannot start {zygote.kind[0]}: {error}", unavailable=False)

    def _fork(self, zygote: Zygote, facts: dict[str, Any]) -> None:
        language, ground = None, self.launcher.ground
        if facts["executable"]:
            links = tuple((path, target) for path, target in facts["links"])
            language = Language(facts["prefix"], links, facts["modules"])
        zygote.forks = facts["forks"]
        zygote.parks = zygote.forks or bool(facts["parked"])
        wanted = zygote.kind[1] and facts["sdk"] is not None  # old Pythons get no SDK from us
        preload = ["boto3", "botocore.session", "botocore.client"] if wanted else []
        recipe = Recipe(
            template_plan(
                language,
                facts["runtime_dir"],
                host_files.system_links(),
                tuple(facts["libraries"]),
                self._resolver(),
            ),
            "/tmp",
            self.launcher.birth,
            facts["executable"] if zygote.forks else "",
            facts["parked"],
            {"uid": LAMBDA_UID, "gid": LAMBDA_GID, "root": LOOKS_LIKE_ROOT,
             "files": OPEN_FILES, "processes": ground.process_limit if ground else 0,
             "seccomp": self.filter, "preload": preload},
            self.launcher.ground is not None,
        )  # fmt: skip
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            try:
                become_zygote(recipe, theirs)
            except BaseException as error:  # noqa: BLE001 (the forked child's last words)
                text = f"cannot make the template of {zygote.kind[0]}: {error}"
                theirs.send(json.dumps({"failed": text}).encode())
            finally:
                os._exit(1)
        theirs.close()
        zygote.pid, zygote.sock = pid, ours
        self.launcher.children[pid] = lambda status: self._zygote_died(zygote, status)
        self.launcher.watch(ours.fileno(), lambda: self._heard(zygote))

    def _resolver(self) -> CopyOf | File:
        ground = self.launcher.ground
        if ground is not None and ground.name_servers:
            return File(RESOLVER, ground.name_servers)
        return host_files.name_servers()

    def _heard(self, zygote: Zygote) -> None:
        assert zygote.sock is not None
        data, _ = receive(zygote.sock)
        if not data:
            self.launcher.unwatch(zygote.sock.fileno())
            return
        if not data.startswith(b'{"'):  # a slot of 0x227b would: there are 1024
            self._born(zygote, *REPORT.unpack(data))
            return
        message = json.loads(data)
        if "ready" in message:
            try:
                zygote.shared_bytes = _resident_bytes(zygote.pid) if zygote.forks else 0
            except OSError:
                os.kill(zygote.pid, 9)  # _zygote_died will tell those who wait
                return
            zygote.ready = True
            self.refill()
            for number in zygote.asked:
                self.launcher.reply(number, {"shared_bytes": zygote.shared_bytes})
            zygote.asked.clear()
        elif "failed" in message:
            self._fail(zygote, message["failed"], unavailable=False)

    def _born(self, zygote: Zygote, slot: int, pid: int, step: int, number: int) -> None:
        prepared = zygote.booting.get(slot)
        if step:
            self._stillborn(zygote, slot, f"cannot {STEPS[step]}: {os.strerror(number)}")
        elif prepared is not None:
            try:
                prepared.mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
                prepared.controls = prepared.group.controls()
            except OSError as error:
                self._stillborn(zygote, slot, f"look into it: {error}")
                return
            prepared.pid = pid
            self.launcher.watch(prepared.go.fileno(), lambda: self._rehearsed(zygote, prepared))

    def _fail(self, zygote: Zygote, error: str, unavailable: bool) -> None:
        self.zygotes.pop(zygote.kind, None)
        for number in zygote.asked:
            self.launcher.refuse(number, error, unavailable)
        for request in zygote.waiting:
            self.launcher.refuse(request.number, error, unavailable)
            request.let_go()
        zygote.asked.clear()
        zygote.waiting.clear()

    def _zygote_died(self, zygote: Zygote, status: int) -> None:
        """Its sandboxes in use live on; those who wait for one get it from a new zygote."""
        if zygote.sock is not None:
            self.launcher.unwatch(zygote.sock.fileno())
            zygote.sock.close()
        for prepared in zygote.booting.values():
            self.launcher.unwatch(prepared.go.fileno())
            self._abandon(prepared)
        zygote.booting.clear()
        for prepared in zygote.stock:
            self.launcher.bury(prepared)
        zygote.stock.clear()
        if self.zygotes.get(zygote.kind) is not zygote:
            return
        if not zygote.ready or zygote.tries >= MOST_TRIES:
            self._fail(zygote, f"the zygote of {zygote.kind[0]} died ({status})", False)
            return
        new = self.zygotes[zygote.kind] = Zygote(zygote.kind)
        new.waiting, new.tries = zygote.waiting, zygote.tries + 1
        self._resolve(new)

    # -- sandboxes

    def take(self, kind: Kind, request: Request) -> None:
        """Give the request a sandbox of this kind: from stock, else as soon as one is born."""
        zygote = self.zygotes.get(kind)
        if zygote is None:
            zygote = self.zygotes[kind] = Zygote(kind)
            self._resolve(zygote)
        while zygote.stock:
            prepared = zygote.stock.pop()
            if not prepared.is_spoiled():
                self.launcher.give(prepared, request)
                return
            self.launcher.bury(prepared)
        zygote.waiting.append(request)
        if zygote.ready and len(zygote.booting) < len(zygote.waiting):
            self._spawn(zygote)

    def refill(self) -> None:
        for zygote in self.zygotes.values():
            if not zygote.ready:
                continue
            wanted = self.settings.stock + len(zygote.waiting)
            for _ in range(wanted - len(zygote.stock) - len(zygote.booting)):
                self._spawn(zygote)

    def _spawn(self, zygote: Zygote) -> None:
        assert zygote.sock is not None
        try:
            prepared = self._conceive(zygote.kind)
        except OSError as error:
            self._refuse_one(zygote, f"cannot prepare a sandbox: {error}")
            return
        prepared.shared_bytes = zygote.shared_bytes
        prepared.has_runtime, prepared.is_fork = zygote.parks, zygote.forks
        brought: list[int] = []  # for it alone
        try:
            prepared.disk = self.launcher.disks.take()
            scratch = self.launcher.scratch.mount(prepared.disk)
            brought.append(scratch)
            birthplace, entrances = prepared.group.doors()
            has_birthplace = birthplace >= 0
            brought += [*entrances, birthplace] if has_birthplace else entrances
            uid = self.launcher.networks.block.uid(prepared.slot)
            init = self.launcher.init
            fds = [prepared.net.namespace, scratch, init, *prepared.inside(), *brought[1:]]
            request = REQUEST.pack(prepared.slot, uid, has_birthplace)
            socket.send_fds(zygote.sock, [request], fds)
            zygote.booting[prepared.slot] = prepared
        except (BrokenPipeError, ConnectionResetError):
            self._abandon(prepared)  # it is dead: _zygote_died will see to those who wait
        except OSError as error:
            self._abandon(prepared)
            self._refuse_one(zygote, f"cannot prepare a sandbox: {error}")
        finally:
            for fd in brought:
                os.close(fd)
            prepared.born()

    def _conceive(self, kind: Kind) -> Prepared:
        """Network, cgroups and sockets of a new sandbox."""
        for _ in range(len(self.slots)):
            slot = self.slots.popleft()
            try:
                return self._conceive_at(slot, kind)
            except FileExistsError:
                self.slots.append(slot)  # its last veth pair is still on its way out
            except OSError:
                self.slots.append(slot)
                raise
        raise OSError(f"all {BLOCK_SIZE} places for environments are taken")

    def _conceive_at(self, slot: int, kind: Kind) -> Prepared:
        with contextlib.ExitStack() as undo:
            net = self.launcher.networks.create(slot)
            undo.callback(net.close)
            group = self.launcher.cgroups.create(f"{slot}")
            undo.callback(group.remove)
            group.limit_pids(PROCESSES)
            prepared = Prepared(kind, slot, group, net)
            undo.pop_all()
        return prepared

    def _rehearsed(self, zygote: Zygote, prepared: Prepared) -> None:
        said = b""
        with contextlib.suppress(OSError):
            said, fds = receive(prepared.go)
            if fds:
                prepared.outputs = fds
                return  # its program is being started
        self.launcher.unwatch(prepared.go.fileno())
        zygote.booting.pop(prepared.slot, None)
        if not said:
            self.launcher.bury(prepared)
            zygote.tries += 1
            if zygote.tries < MOST_TRIES:  # killed, perhaps: the machine's memory ran out
                self.launcher.refill_soon()
            else:
                self._refuse_one(zygote, "cannot prepare a sandbox: its runtime died in rehearsal")
            return
        zygote.tries = 0
        if zygote.waiting:
            self.launcher.give(prepared, zygote.waiting.popleft())
        else:
            zygote.stock.append(prepared)

    def _stillborn(self, zygote: Zygote, slot: int, error: str) -> None:
        prepared = zygote.booting.pop(slot, None)
        if prepared is not None:
            self._abandon(prepared)
        self._refuse_one(zygote, f"cannot make a sandbox: {error}")

    def _refuse_one(self, zygote: Zygote, error: str) -> None:
        """Of those who wait, one for whom no sandbox is under way any more."""
        if len(zygote.waiting) > len(zygote.booting):
            request = zygote.waiting.popleft()
            self.launcher.refuse(request.number, error)
            request.let_go()

    def _abandon(self, prepared: Prepared) -> None:
        prepared.group.kill()
        prepared.let_go()
        self.free(prepared)

    def died(self, pid: int) -> Prepared | None:
        """The init of a prepared sandbox died: forget the sandbox, and return it."""
        for zygote in self.zygotes.values():
            for prepared in (*zygote.stock, *zygote.booting.values()):
                if prepared.pid == pid:
                    if prepared in zygote.stock:
                        zygote.stock.remove(prepared)
                    zygote.booting.pop(prepared.slot, None)
                    self.launcher.unwatch(prepared.go.fileno())
                    self.launcher.refill_soon()
                    return prepared
        return None

    def free(self, prepared: Prepared) -> None:
        """After the end of its processes: its cgroups go, slot and disk are there again."""
        until(prepared.group.remove)
        self.slots.append(prepared.slot)
        if prepared.disk is not None:
            self.launcher.disks.give_back(prepared.disk)
            prepared.disk = None

    def everyone(self) -> list[Prepared]:
        return [
            prepared
            for zygote in self.zygotes.values()
            for prepared in (*zygote.stock, *zygote.booting.values())
        ]

    def close(self) -> None:
        """End the zygotes; whatever they have begun ends with its cgroup."""
        for zygote in self.zygotes.values():
            if zygote.sock is not None:
                zygote.sock.close()
            if zygote.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(zygote.pid, 9)


def _resident_bytes(pid: int) -> int:
    with open(f"/proc/{pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
