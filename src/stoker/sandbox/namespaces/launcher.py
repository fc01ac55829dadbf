"""The launcher: the one privileged process. It gives birth to every sandbox and buries it.
Without root it has its rights in a user namespace (rootless.py).

Single-threaded, started by the server while that is still root, and spoken to over one socket
(JSON packets with descriptors). It takes no path from the server except names below the code
folder it was started with, and believes descriptors only of folders that their owner could open
(shares.py), so a server that has been taken over gains little here. When the server hangs up, or
dies, everything is killed and removed.

    server --> {"n": 1, "prepare": {"runtime": "python3.13", "preload": false}}
    server --> {"n": 2, "create": {"id": .., "runtime": .., "preload": .., "memory_mb": ..,
                "ephemeral_mb": .., "code": "<name>", "opt": "<name>" or null,
                "packages": "<name>" or null, "first": true}}
    server --> {"n": 2, "first": null}                          if it said "first" (request.py)
               (+ NUL, what the parked runtime is told as soon as all is in place, descriptors)
    server --> {"n": 3, "destroy": "<id>"}
    server --> {"n": 6, "share": "<name>"} (+ a descriptor)   a folder of this machine, which
                            "code" and "packages" may name until {"n": 7, "unshare": "<name>"}
    server --> {"n": 5, "snapshot": {"id": .., "path": ..}}     from then on it can be copied:
                                                         "create" with "snapshot": "<id>"
    server --> {"n": 4, "announce": "http://127.0.0.1:4566"}      written to the ready file
    server --> {"n": 8, "examine": {}}                           what `stoker doctor` finds as root
    <-- {"n": .., "ok": {..}} (+ descriptors)   or   {"n": .., "error": .., "kind": ..}
    <-- {"lost": "<id>"}          its init died without having been asked to
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from stoker.sandbox.namespaces import rootless
from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.cgroups import Cgroups, Layout, make_way, step_back
from stoker.sandbox.namespaces.compile import CannotCompile, built
from stoker.sandbox.namespaces.disks import Disks
from stoker.sandbox.namespaces.examiner import Examiner
from stoker.sandbox.namespaces.idmap import Owners
from stoker.sandbox.namespaces.network import Block, Networks
from stoker.sandbox.namespaces.parked import receive
from stoker.sandbox.namespaces.plan import PACKAGES
from stoker.sandbox.namespaces.request import Request
from stoker.sandbox.namespaces.scratch import Memory, Scratch
from stoker.sandbox.namespaces.shares import Shares
from stoker.sandbox.namespaces.snapshots import Snapshots
from stoker.sandbox.namespaces.stock import SCRATCH_MB, Prepared, Stocks
from stoker.sandbox.namespaces.undertaker import clear_up, take, until, wait_for
from stoker.sandbox.namespaces.zygote import OUTPUTS

REFILL_PAUSE_S = 0.02  # let a burst of cold starts pass before the stock is filled again
MOST_HANDED = 16  # sandboxes in the server's hands whose descriptors we close later


class Settings:
    """What the server fixes once, at start."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.instance: str = data["instance"]  # names our cgroups
        self.code_root: str = data["code_root"]
        self.scratch_root: str = data["scratch_root"]  # on a disk; for /tmp images
        self.runtime_root: str = data["runtime_root"]  # where runtime directories are built
        self.endpoint_port: int = data["endpoint_port"]
        self.egress: str = data["egress"]
        self.stock: int = data["stock"]
        self.runtimes_dir: str = data["runtimes_dir"]  # where to look for CRIU, too; "" for none
        self.resolver: list[str] = data["resolver"]  # command that finds a runtime
        self.ready_file: str = data["ready_file"]  # "" for none
        self.rootless: bool = data["rootless"]
        self.doctor: list[str] = data["doctor"]  # command that finds out what this machine has
        self.doctor_s: float = data["doctor_s"]  # it may take so long
        self.lock: str = data["lock"]  # a file; whose it is has not cleared up yet


class Launcher:
    def __init__(
        self,
        control: socket.socket,
        settings: Settings,
        block: Block,
        ground: rootless.Ground | None,
    ) -> None:
        """ground: without root."""
        self.control = control
        self.settings = settings
        self.epoll = select.epoll()
        self.watched: dict[int, Callable[[], None]] = {}
        self.untold: dict[int, Request] = {}  # whose second packet is to come, by number
        self.given: dict[str, Prepared] = {}
        self.handed: deque[Prepared] = deque()  # of those, whose descriptors are still open
        self.dying: dict[int, tuple[Prepared, int]] = {}  # init's pid: (sandbox, n of the request)
        self.children: dict[int, Callable[[int], None]] = {}  # zygotes and resolvers, by pid
        self.code_root = os.open(settings.code_root, os.O_PATH | os.O_DIRECTORY)
        self.own_mounts = os.open("/proc/self/ns/mnt", os.O_RDONLY)
        self.ground = ground
        layout = Layout.detect() if ground is None else ground.layout
        self.cgroups = Cgroups(layout, settings.instance)
        closed = ground.closed if ground else ()
        self.networks = Networks(block, settings.endpoint_port, settings.egress, closed)
        self.scratch = (Scratch if ground is None else Memory)(settings.scratch_root)
        self.disks = Disks(self.scratch, SCRATCH_MB)
        self.owners = Owners()
        self.shares = Shares()
        self.init = os.open(built("init", settings.runtime_root), os.O_RDONLY | os.O_CLOEXEC)
        self.birth = built("birth", settings.runtime_root)
        self.stocks = Stocks(self, settings)
        self.snapshots = Snapshots(self, settings.runtime_root, settings.runtimes_dir)
        self.examiner = Examiner(self, settings.doctor, settings.runtimes_dir, settings.doctor_s)
        self.refill_at = 0.0
        self.open = True
        self.announced = ""  # the ready file, once written

    def run(self) -> None:
        """After start(): until the server hangs up."""
        try:
            while self.open:
                self.turn()
        finally:
            self.close()

    def start(self) -> None:
        """Clear up after a dead predecessor; be ready. OSError: what this machine lacks."""
        layout, ground = self.cgroups.layout, self.ground
        if not (layout.unified or layout.freezer or ground):
            raise OSError("cannot freeze environments: mount cgroup v2, or version 1's freezer")
        for group in self.cgroups.leftovers():
            group.kill()
            until(lambda group=group: group.remove())  # type: ignore[misc]
        self.cgroups.start()
        self.networks.start()
        self.disks.start()
        self.children[self.disks.pid] = lambda _: None
        wake_r, wake_w = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake_w, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a ^C at the terminal is the server's to handle
        self.watch(wake_r, lambda: self.reap(wake_r))
        self.watch(self.control.fileno(), self.obey)
        self.watch(self.disks.sock.fileno(), self.disk_made)
        self.reply(0, {
            "missing": [name for name in layout.missing() if name != "freezer"],
            "egress_problem": self.networks.problem or (ground.problem if ground else ""),
            "limitations": rootless.limitations(layout) if ground else [],
        })  # fmt: skip

    def turn(self) -> None:
        due = [at for at in (self.refill_at, self.examiner.due_at) if at]
        timeout = max(0.0, min(due) - time.monotonic()) if due else -1
        ready = self.epoll.poll(timeout)
        for fd, _ in ready:
            if action := self.watched.get(fd):
                action()
        self.examiner.expire()
        if self.refill_at and time.monotonic() >= self.refill_at:
            self.refill_at = 0.0
            self.let_go(0)
            self.stocks.refill()
            self.snapshots.refill()

    def watch(self, fd: int, action: Callable[[], None]) -> None:
        self.watched[fd] = action
        self.epoll.register(fd, select.EPOLLIN)

    def unwatch(self, fd: int) -> None:
        if self.watched.pop(fd, None):
            self.epoll.unregister(fd)

    def disk_made(self) -> None:
        if not self.disks.heard():
            self.unwatch(self.disks.sock.fileno())

    def refill_soon(self) -> None:
        self.refill_at = time.monotonic() + REFILL_PAUSE_S

    # -- what the server asks

    def obey(self) -> None:
        data, fds = receive(self.control)
        if not data:
            self.open = False
            return
        head, _, first = data.partition(b"\0")
        request = json.loads(head)
        number = request.get("n", 0)
        if "create" in request:
            self.create(Request(number, request["create"]))
            return
        if "first" in request and (wanted := self.untold.pop(number, None)) is not None:
            wanted.told(first, fds)
            return
        try:
            if "share" in request:
                self.share(request["share"], number, fds)
        finally:
            for fd in fds:
                os.close(fd)
        if "prepare" in request:
            self.stocks.prepare(_kind(request["prepare"]), number)
        elif "unshare" in request:
            self.shares.remove(request["unshare"])
            self.reply(number, {})
        elif "snapshot" in request:
            self.snapshots.take(request["snapshot"], number)
        elif "destroy" in request:
            self.destroy(request["destroy"], number)
        elif "connector" in request:
            self.connector(request["connector"], number)
        elif "announce" in request:
            self.announce(request["announce"], number)
        elif "examine" in request:
            self.examiner.examine(number)

    def share(self, name: str, number: int, fds: list[int]) -> None:
        try:
            if len(fds) != 1:
                raise OSError("no descriptor of it came")
            self.shares.add(name, fds[0])
        except OSError as error:
            self.refuse(number, f"cannot share a folder: {error}")
        else:
            self.reply(number, {})

    def reply(self, number: int, facts: dict[str, Any], fds: tuple[int, ...] = ()) -> None:
        message = json.dumps({"n": number, "ok": facts}).encode()
        with contextlib.suppress(OSError):  # the server is gone: obey() will see it
            socket.send_fds(self.control, [message], list(fds))

    def refuse(
        self, number: int, error: str, unavailable: bool = False, *, unfit: bool = False,
        gone: bool = False,
    ) -> None:  # fmt: skip
        """unavailable: there is no such runtime. unfit: it cannot be copied. gone: what it was
        to be a copy of is there no more."""
        kind = "unavailable" * unavailable or "unfit" * unfit or "gone" * gone
        message = {"n": number, "error": error, "kind": kind}
        with contextlib.suppress(OSError):
            self.control.send(json.dumps(message).encode())

    def create(self, request: Request) -> None:
        self.refill_soon()
        spec = request.spec
        if not request.is_told:
            self.untold[request.number] = request
        if spec["snapshot"]:
            self.snapshots.create(spec["snapshot"], request)
        else:
            self.stocks.take(_kind(spec), request)

    def give(self, prepared: Prepared, request: Request) -> None:
        """Fit a prepared sandbox to its function, set its runtime off, and hand it over."""
        spec = request.spec
        try:
            if prepared.snapshot:  # in time it writes to what it shares, and owns it then
                prepared.group.limit_memory(spec["memory_mb"] << 20)
            else:
                prepared.group.limit_memory((spec["memory_mb"] << 20) - prepared.shared_bytes)
                self._mount(prepared, spec)
        except OSError as error:
            self.bury(prepared)
            self.refuse(request.number, f"cannot fit a sandbox to its function: {error}")
            request.let_go()
            return
        prepared.id, prepared.memory_mb = spec["id"], spec["memory_mb"]
        self.given[prepared.id] = prepared
        request.when_told(lambda: self._set_off(prepared, request))

    def _set_off(self, prepared: Prepared, request: Request) -> None:
        number = request.number
        try:
            if self.given.get(prepared.id) is not prepared:
                self.refuse(number, "cannot set off a runtime: its sandbox died")
                return
            began = None
            if len(request.fds) == len(OUTPUTS):  # else there was no room for descriptors here
                began = time.monotonic()
                socket.send_fds(prepared.go, [request.first], request.fds)
            fds = prepared.hand_over()
            facts = {
                "pid": prepared.pid,
                "began": began,
                "shared_bytes": prepared.shared_bytes,
                "forked": prepared.is_fork,
                "procs": prepared.group.procs,
                "v2": [name for name in ("memory", "cpu") if self.cgroups.layout.is_v2(name)],
                "freezer": "cgroup.freeze" if self.cgroups.layout.unified else "freezer.state",
                "fds": list(fds),
            }
            self.reply(number, facts, tuple(fds.values()))
            prepared.go_on()
            self.handed.append(prepared)
            # The kernel lets the runtime that was set off wait for this processor, so sleep soon.
            self.let_go(0 if began is None else MOST_HANDED)
            if not self.refill_at:  # it took longer than that pause
                self.refill_soon()
        except OSError as error:
            self.bury(prepared)
            self.refuse(number, f"cannot fit a sandbox to its function: {error}")
        finally:
            request.let_go()

    def let_go(self, most: int) -> None:
        """Of the sandboxes that the server has, close our descriptors, but for so many."""
        while len(self.handed) > most:
            self.handed.popleft().let_go()

    def _mount(self, prepared: Prepared, spec: dict[str, Any]) -> None:
        read_only = sys_.MOUNT_ATTR_RDONLY | sys_.MOUNT_ATTR_NOSUID | sys_.MOUNT_ATTR_NODEV
        mounts = [(self._tree(spec["code"], read_only), "/var/task")]
        if spec["opt"]:
            mounts.append((self._tree(spec["opt"], read_only), "/opt"))
        if spec["packages"]:
            mounts.append((self._tree(spec["packages"], read_only), PACKAGES))
        if spec["ephemeral_mb"] != prepared.scratch_mb:
            mounts.append((self.scratch.create(spec["ephemeral_mb"]).mount, "/tmp"))
        self.attach(prepared, mounts)

    def attach(self, prepared: Prepared, mounts: list[tuple[int, str]]) -> None:
        """Show detached mounts in a sandbox. Their descriptors are closed."""
        sys_.setns(prepared.mounts, sys_.CLONE_NEWNS)
        try:
            for fd, where in mounts:
                sys_.move_mount(fd, where)
        finally:
            sys_.setns(self.own_mounts, sys_.CLONE_NEWNS)
            for fd, _ in mounts:
                os.close(fd)

    def _tree(self, name: str, attributes: int) -> int:
        directory = self.shares.find(name)
        if directory is None:
            directory = sys_.open_beneath(self.code_root, name)
        try:
            tree = sys_.open_tree("", dir_fd=directory)
            owner = os.fstat(directory).st_uid
        finally:
            os.close(directory)
        sys_.mount_setattr(tree, attributes)
        self.owners.show_as_root(tree, owner)
        return tree

    def announce(self, url: str, number: int) -> None:
        """The operator's folder may be closed to the server; we can still write there."""
        if ready_file := self.settings.ready_file:
            partial = f"{ready_file}.partial"
            with open(partial, "w") as file:
                file.write(f"{url}\n")
            os.replace(partial, ready_file)
            self.announced = ready_file
        self.reply(number, {})

    def connector(self, name: str, number: int) -> None:
        """A socket that connects from within a sandbox's network, for the server."""
        prepared = self.given.get(name)
        if prepared is None:
            self.refuse(number, "cannot reach into an environment that is gone")
            return
        try:
            with self.networks.connector(prepared.pid) as sock:
                self.reply(number, {}, (sock.fileno(),))
        except OSError as error:
            self.refuse(number, f"cannot reach into an environment: {error}")

    def destroy(self, name: str, number: int) -> None:
        if self.snapshots.remove(name, number):
            return
        prepared = self.given.pop(name, None)
        if prepared is None:
            self.reply(number, {})
        else:
            self.bury(prepared, number)

    def bury(self, prepared: Prepared, number: int = -1) -> None:
        """Kill it; the rest follows when its init has been reaped. number: of the request."""
        self.given.pop(prepared.id, None)
        prepared.let_go()
        prepared.kill()
        if prepared.pid:
            self.dying[prepared.pid] = (prepared, number)
        else:  # it has not been born: nobody will tell of its end
            self._remove(prepared)

    # -- what the kernel tells

    def reap(self, wake: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(wake, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.children:
                self.children.pop(pid)(status)
            else:
                self.ended(pid)

    def ended(self, pid: int) -> None:
        """A sandbox's init."""
        if pid in self.dying:
            prepared, number = self.dying.pop(pid)
            self._remove(prepared)
            if number >= 0:
                self.reply(number, {})
        else:
            self._died(pid)

    def _died(self, pid: int) -> None:
        for prepared in list(self.given.values()):
            if prepared.pid == pid:
                del self.given[prepared.id]
                message = json.dumps({"lost": prepared.id}).encode()
                with contextlib.suppress(OSError):
                    self.control.send(message)
                prepared.group.kill()
                self._remove(prepared)
                return
        if (prepared_ := self.stocks.died(pid) or self.snapshots.find(pid)) is not None:
            self._remove(prepared_)

    def _remove(self, prepared: Prepared) -> None:
        prepared.let_go()
        self.snapshots.freed(prepared)
        self.stocks.free(prepared)

    def close(self) -> None:
        """Nothing of ours is left on the machine after this."""
        self.snapshots.close()
        self.stocks.close()
        self.disks.close()
        self.examiner.close()
        if self.announced:
            with contextlib.suppress(OSError):
                os.remove(self.announced)
        everyone = [*self.given.values(), *self.stocks.everyone(), *self.snapshots.everyone()]
        for prepared in everyone:
            prepared.let_go()
            prepared.group.kill()
        clear_up(self.cgroups, self.networks)


def _kind(facts: dict[str, Any]) -> tuple[str, bool]:
    return facts["runtime"], facts["preload"]


def main() -> None:
    """Started by backend.py: argv[1] is the control socket's descriptor, argv[2] the settings."""
    control = socket.socket(fileno=int(sys.argv[1]))
    control.set_inheritable(False)  # nobody else's: not zygotes', not sandboxes'
    settings = Settings(json.loads(sys.argv[2]))
    os.environ["PATH"] = f"{os.environ.get('PATH', '/usr/bin')}:/usr/sbin:/sbin"  # as doctor looks
    ground: rootless.Ground | None = None
    with _refusing(control):
        lock = take(settings.lock)
        block = Block.take()
        if settings.rootless:
            ground = rootless.begin(block, settings.instance, settings.egress == "host")
        layout = Layout.detect() if ground is None else ground.layout
        beside = make_way(layout, settings.instance) if ground is None else ""
    sys_.unshare(sys_.CLONE_NEWNS)
    sys_.mount("none", "/", "", sys_.MS_REC | sys_.MS_PRIVATE)
    sys_.prctl(sys_.PR_SET_CHILD_SUBREAPER, 1)
    pid = os.fork()
    if pid == 0:
        os.close(lock)  # nor any sandbox's, which may outlive all of us
        sys_.prctl(sys_.PR_SET_CHILD_SUBREAPER, 1)
        with _refusing(control):
            if ground is not None:
                rootless.mount_proc()
            launcher = Launcher(control, settings, block, ground)
            launcher.start()
        launcher.run()
        return
    control.close()
    if not wait_for(pid):
        clear_up(Cgroups(layout, settings.instance), Networks(block, 0, settings.egress))
    step_back(layout, beside)
    if ground is not None:
        ground.leave()


@contextlib.contextmanager
def _refusing(control: socket.socket) -> Iterator[None]:
    """What goes wrong at the start is the server's to report."""
    try:
        yield
    except (OSError, CannotCompile) as error:
        message = {"n": 0, "error": str(error), "kind": ""}
        control.send(json.dumps(message).encode())
        sys.exit(1)
