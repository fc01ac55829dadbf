"""Snapshots, and the copies of them that are ready ahead. The launcher's memory of both.

A snapshot is a sandbox whose runtime has been initialised. One that is a fork is held by a keeper;
of others there is an image (images.py). Of each there is a stock of copies, which wait as the
snapshot does; who wants one gets its control socket, its pipes and the listeners of its network, as
with any other sandbox.

A forked copy's pid namespace lies in its snapshot's, so a snapshot that nobody wants any more
stays, without a stock, until its last copy is gone.
"""

import contextlib
import json
import os
import socket
from collections import deque
from typing import TYPE_CHECKING, Any

from stoker.sandbox.namespaces import inspection, keeper, tmp_copy
from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.cgroups import PROCESSES
from stoker.sandbox.namespaces.compile import built
from stoker.sandbox.namespaces.cradle import Tool
from stoker.sandbox.namespaces.image import Image
from stoker.sandbox.namespaces.images import Images
from stoker.sandbox.namespaces.network import RUNTIME_API
from stoker.sandbox.namespaces.parked import receive
from stoker.sandbox.namespaces.request import Request
from stoker.sandbox.namespaces.stock import MOST_TRIES, Prepared

if TYPE_CHECKING:
    from stoker.sandbox.namespaces.launcher import Launcher

COPIES_AHEAD = 1
_HOST, _PORT = RUNTIME_API
_ASKED = "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n"


class Snapshot:
    def __init__(self, name: str, original: Prepared, number: int, path: str) -> None:
        self.name = name
        self.original = original
        self.number = number  # of the request to take it; -1 once that is answered
        self.path = path  # what its runtime has asked for
        self.runtime = 0  # pid of what is copied
        self.pid = 0  # of its keeper
        self.sock: socket.socket | None = None
        self.image: Image | None = None  # of a runtime that is no fork
        self.tool: Tool | None = None  # with which that was made
        self.ready = False
        self.unwanted = False  # stays for its copies only
        self.waiting: deque[Request] = deque()
        self.booting: dict[int, Prepared | None] = {}  # by slot; None: it has no network yet
        self.stock: list[Prepared] = []
        self.given: set[Prepared] = set()
        self.tries = 0  # copies that failed since the last success


class Snapshots:
    def __init__(self, launcher: "Launcher", cache: str, runtimes_dir: str) -> None:
        self.launcher = launcher
        self.images = Images(launcher, self, runtimes_dir)
        self.library = built("snapshot", cache)
        self.all: dict[str, Snapshot] = {}
        self._null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)

    # -- a snapshot

    def take(self, facts: dict[str, Any], number: int) -> None:
        """Make a sandbox that is in use a snapshot. The answer comes when copies can be made."""
        name = facts["id"]
        original = self.launcher.given.get(name)
        if original is None or name in self.all:
            self.launcher.refuse(number, "cannot take a snapshot: the environment is gone")
            return
        if self.launcher.ground is not None:
            self.launcher.refuse(number, "cannot copy an environment without root", unfit=True)
            return
        snapshot = Snapshot(name, original, number, facts["path"])
        try:
            snapshot.runtime = inspection.the_runtime(original.group.pids(), original.pid)
            if original.is_fork:
                self._hold(snapshot)
            else:
                self.images.take(snapshot)
        except inspection.Unfit as reason:
            self.launcher.refuse(number, str(reason), unfit=True)
            return
        except OSError as error:
            self.launcher.refuse(number, f"cannot take a snapshot: {error}")
            return
        self.all[name] = snapshot

    def _hold(self, snapshot: Snapshot) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            try:
                keeper.keep(theirs, snapshot.runtime, self.library)
            finally:
                os._exit(1)
        theirs.close()
        snapshot.pid, snapshot.sock = pid, ours
        self.launcher.children[pid] = lambda _: self._ended(snapshot)
        self.launcher.watch(ours.fileno(), lambda: self._heard(snapshot))

    def _heard(self, snapshot: Snapshot) -> None:
        assert snapshot.sock is not None
        data = b""
        with contextlib.suppress(OSError):
            data, _ = receive(snapshot.sock)
        if not data:
            self.launcher.unwatch(snapshot.sock.fileno())
        elif len(data) == keeper.ANSWER.size:
            self._answered(snapshot, *keeper.ANSWER.unpack(data))
        else:
            message = json.loads(data)
            if "failed" in message:
                self.refuse(snapshot, message["failed"], unfit=True)
            else:
                self._inspect(snapshot, message["held"])

    def _inspect(self, snapshot: Snapshot, waits_on: int) -> None:
        """It stands still: look whether it can be copied, and how."""
        assert snapshot.sock is not None
        original = snapshot.original
        try:
            held = inspection.the_runtime(original.group.pids(), original.pid)
            if held != snapshot.runtime:
                raise inspection.Unfit("the runtime is not the process that it was")
            found = inspection.inspect(snapshot.runtime, waits_on, RUNTIME_API)
            request = _ASKED.format(path=snapshot.path, host=_HOST, port=_PORT)
            message = json.dumps({**found._asdict(), "request": request}).encode()
            snapshot.sock.send(message)
            with open(f"/proc/{snapshot.runtime}/statm") as file:
                resident = int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except inspection.Unfit as reason:
            self.refuse(snapshot, str(reason), unfit=True)
            return
        except (OSError, ValueError) as error:
            self.refuse(snapshot, f"cannot take a snapshot: {error}")
            return
        original.shared_bytes = resident
        self.taken(snapshot)

    def taken(self, snapshot: Snapshot) -> None:
        """It can be copied, as far as we see."""
        snapshot.ready = True
        self._spawn(snapshot)  # the first copy shows whether it can be done

    def refuse(self, snapshot: Snapshot, error: str, *, unfit: bool = False) -> None:
        """It is none; its sandbox stays, for whoever asked to remove."""
        number, snapshot.number = snapshot.number, -1
        if number >= 0:
            self.launcher.refuse(number, error, unfit=unfit)
        self._forget(snapshot)

    def remove(self, name: str, number: int) -> bool:
        """Nobody wants it any more. False: there is no such snapshot."""
        snapshot = self.all.get(name)
        if snapshot is None:
            return False
        self._unwant(snapshot)
        if snapshot.given or snapshot.booting:
            self.launcher.reply(number, {})  # its copies go on; it follows the last one
        else:
            self._end(snapshot, number)
        return True

    def _unwant(self, snapshot: Snapshot) -> None:
        snapshot.unwanted = True
        self.launcher.given.pop(snapshot.name, None)
        while snapshot.stock:
            self.launcher.bury(snapshot.stock.pop())
        self._refuse_all(snapshot)

    def _end(self, snapshot: Snapshot, number: int = -1) -> None:
        if snapshot.name in self.all:
            self._forget(snapshot)
            self.launcher.bury(snapshot.original, number)

    def _end_if_done(self, snapshot: Snapshot) -> None:
        if snapshot.unwanted and not (snapshot.given or snapshot.booting):
            self._end(snapshot)

    def _ended(self, snapshot: Snapshot) -> None:
        """The keeper is gone, and so are the runtime, as the server hears from its init, and
        what was under way."""
        snapshot.pid = 0
        if snapshot.number >= 0:
            self.refuse(snapshot, "its runtime died while it was stopped", unfit=True)
        elif snapshot.name in self.all:
            for slot in [slot for slot, booting in snapshot.booting.items() if booting is None]:
                self._put_back(snapshot, slot)
            self._unwant(snapshot)
            self._end_if_done(snapshot)

    def _forget(self, snapshot: Snapshot) -> None:
        if self.all.pop(snapshot.name, None) is None:
            return
        self._refuse_all(snapshot)
        for prepared in snapshot.stock:
            self.launcher.bury(prepared)
        for booting in snapshot.booting.values():
            if booting is not None:
                self.launcher.bury(booting)
        snapshot.stock.clear()
        snapshot.booting.clear()
        if snapshot.sock is not None:
            self.launcher.unwatch(snapshot.sock.fileno())
            snapshot.sock.close()  # the keeper ends, and the kernel ends what it holds
        if snapshot.image is not None:
            snapshot.image.close()

    # -- copies

    def create(self, name: str, request: Request) -> None:
        """Give the request a copy: from stock, else as soon as one is made."""
        snapshot = self.all.get(name)
        if snapshot is None or not snapshot.ready or snapshot.unwanted:
            self.launcher.refuse(request.number, "the snapshot is gone", gone=True)
            return
        snapshot.waiting.append(request)
        while snapshot.stock:
            prepared = snapshot.stock.pop()
            if not prepared.is_spoiled():
                self._give(snapshot, prepared)
                return
            self.launcher.bury(prepared)
        if len(snapshot.booting) < len(snapshot.waiting):
            self._spawn(snapshot)

    def refill(self) -> None:
        for snapshot in list(self.all.values()):
            if not snapshot.ready or snapshot.unwanted or snapshot.number >= 0:
                continue
            wanted = COPIES_AHEAD + len(snapshot.waiting)
            for _ in range(wanted - len(snapshot.stock) - len(snapshot.booting)):
                self._spawn(snapshot)

    def _spawn(self, snapshot: Snapshot) -> None:
        slots = self.launcher.stocks.slots
        if not slots:
            self.failed(snapshot, "all places for environments are taken")
            return
        slot = slots.popleft()
        snapshot.booting[slot] = None
        if snapshot.image is None:
            self._ask(snapshot, keeper.SHELL, slot, 0)
        else:
            self._furnish(snapshot, slot, 0)

    def _ask(
        self, snapshot: Snapshot, what: int, slot: int, pid: int, fds: tuple[int, ...] = ()
    ) -> None:
        assert snapshot.sock is not None
        with contextlib.suppress(OSError):  # it is dead: _ended will see to it
            socket.send_fds(snapshot.sock, [keeper.REQUEST.pack(what, slot, pid)], list(fds))

    def _answered(
        self, snapshot: Snapshot, what: int, slot: int, pid: int, step: int, number: int
    ) -> None:
        prepared = snapshot.booting.get(slot)
        if step:
            text = f"cannot {keeper.STEPS[step]}: {os.strerror(number)}"
            if prepared is None:
                self._put_back(snapshot, slot)
            else:
                del snapshot.booting[slot]
                self.launcher.bury(prepared)
            self.failed(snapshot, text)
        elif what == keeper.SHELL:
            self._furnish(snapshot, slot, pid)
        elif prepared is not None:
            self.copied(snapshot, prepared)

    def _put_back(self, snapshot: Snapshot, slot: int) -> None:
        snapshot.booting.pop(slot, None)
        self.launcher.stocks.slots.append(slot)

    def _furnish(self, snapshot: Snapshot, slot: int, pid: int) -> None:
        """Network, cgroups and /tmp of a copy. pid: of who is in its namespaces, or 0: there are
        none yet."""
        try:
            prepared = self._prepare(snapshot, slot, pid)
        except FileExistsError:  # its last veth pair is still on its way out: take another
            _end_shell(pid)
            self._put_back(snapshot, slot)
            self.launcher.refill_soon()
            return
        except OSError as error:
            _end_shell(pid)
            self._put_back(snapshot, slot)
            self.failed(snapshot, f"cannot prepare a sandbox: {error}")
            return
        snapshot.booting[slot] = prepared
        try:
            prepared.disk = self.launcher.disks.take()
            self._fill_tmp(snapshot, prepared)
        except OSError as error:
            del snapshot.booting[slot]
            self.launcher.bury(prepared)
            self.failed(snapshot, f"cannot prepare a sandbox: {error}")

    def _prepare(self, snapshot: Snapshot, slot: int, pid: int) -> Prepared:
        with contextlib.ExitStack() as undo:
            net = self.launcher.networks.create(slot, pid)
            undo.callback(net.close)
            group = self.launcher.cgroups.create(f"{slot}")
            undo.callback(group.remove)
            group.limit_pids(PROCESSES)
            prepared = Prepared(snapshot.original.kind, slot, group, net)
            prepared.pid, prepared.snapshot = pid, snapshot.name
            prepared.shared_bytes = snapshot.original.shared_bytes
            prepared.is_fork = snapshot.original.is_fork
            undo.callback(prepared.let_go)
            prepared.controls = group.controls()
            if pid:
                group.add(pid)
                prepared.mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
                prepared.pidfd = sys_.pidfd_open(pid)
                self.launcher.watch(prepared.pidfd, lambda: self._over(prepared))
            undo.pop_all()
        return prepared

    def _over(self, prepared: Prepared) -> None:
        """The end of a copy's init: its parent is the snapshot's, which reaps it."""
        self.launcher.unwatch(prepared.pidfd)
        os.close(prepared.pidfd)
        self.launcher.ended(prepared.pid)

    def _fill_tmp(self, snapshot: Snapshot, prepared: Prepared) -> None:
        """Its /tmp is as the snapshot's was, which nobody changes any more."""
        assert prepared.disk is not None
        mount = self.launcher.scratch.mount(prepared.disk)
        if not os.listdir(f"/proc/{snapshot.original.pid}/root/tmp"):
            self._fill(snapshot, prepared, mount)
            return
        try:
            pid = os.fork()
        except OSError:
            os.close(mount)
            raise
        if pid == 0:
            try:
                tmp_copy.copy_and_exit(snapshot.original.pid, mount)
            finally:
                os._exit(1)
        self.launcher.children[pid] = lambda status: self._tmp_filled(
            snapshot, prepared, mount, status
        )

    def _tmp_filled(self, snapshot: Snapshot, prepared: Prepared, mount: int, status: int) -> None:
        if snapshot.booting.get(prepared.slot) is not prepared:
            os.close(mount)  # it is being buried
        elif status:
            os.close(mount)
            del snapshot.booting[prepared.slot]
            self.launcher.bury(prepared)
            self.failed(snapshot, "cannot copy the /tmp of the snapshot")
        else:
            self._fill(snapshot, prepared, mount)

    def _fill(self, snapshot: Snapshot, prepared: Prepared, mount: int) -> None:
        pipes = [os.pipe2(os.O_CLOEXEC) for _ in inspection.OUTPUTS]
        prepared.outputs = [reader for reader, _ in pipes]
        writers = [writer for _, writer in pipes]
        try:
            if snapshot.image is None:
                self.launcher.attach(prepared, [(mount, "/tmp")])
                ctl, _ = prepared.inside()
                fds = (*writers, ctl, self.launcher.init, self._null)
                self._ask(snapshot, keeper.FILL, prepared.slot, prepared.pid, fds)
            else:
                self.images.restore(snapshot, prepared, mount, writers)
        finally:
            for writer in writers:
                os.close(writer)
            prepared.born()

    def copied(self, snapshot: Snapshot, prepared: Prepared) -> None:
        snapshot.booting.pop(prepared.slot)
        snapshot.tries = 0
        if snapshot.number >= 0:
            number, snapshot.number = snapshot.number, -1
            self.launcher.reply(number, {"shared_bytes": prepared.shared_bytes})
        if snapshot.waiting:
            self._give(snapshot, prepared)
        elif snapshot.unwanted:
            self.launcher.bury(prepared)
            self._end_if_done(snapshot)
        else:
            snapshot.stock.append(prepared)

    def _give(self, snapshot: Snapshot, prepared: Prepared) -> None:
        snapshot.given.add(prepared)
        self.launcher.give(prepared, snapshot.waiting.popleft())

    def failed(self, snapshot: Snapshot, error: str) -> None:
        """A copy could not be made."""
        snapshot.tries += 1
        if snapshot.number >= 0:
            self.refuse(snapshot, error)
            return
        if len(snapshot.waiting) > len(snapshot.booting):
            number = snapshot.waiting.popleft().number
            self.launcher.refuse(number, error)
        if snapshot.tries < MOST_TRIES:
            self.launcher.refill_soon()
        self._end_if_done(snapshot)

    def _refuse_all(self, snapshot: Snapshot) -> None:
        while snapshot.waiting:
            number = snapshot.waiting.popleft().number
            self.launcher.refuse(number, "the snapshot is gone", gone=True)

    def freed(self, prepared: Prepared) -> None:
        """A copy is gone, or the original of a snapshot."""
        for snapshot in list(self.all.values()):
            if prepared is snapshot.original:
                self._forget(snapshot)
            elif prepared in snapshot.given:
                snapshot.given.discard(prepared)
                self._end_if_done(snapshot)
            elif prepared in snapshot.stock:
                snapshot.stock.remove(prepared)
                self.launcher.refill_soon()
            elif snapshot.booting.get(prepared.slot) is prepared:
                del snapshot.booting[prepared.slot]
                self.failed(snapshot, "a copy of the snapshot died at birth")

    def find(self, pid: int) -> Prepared | None:
        """The copy in stock, or under way, whose init this is."""
        for snapshot in self.all.values():
            for prepared in (*snapshot.stock, *snapshot.booting.values()):
                if prepared is not None and prepared.pid == pid:
                    return prepared
        return None

    def everyone(self) -> list[Prepared]:
        found: list[Prepared] = []
        for snapshot in self.all.values():
            found += snapshot.stock
            found += [p for p in snapshot.booting.values() if p is not None]
            found.append(snapshot.original)
        return found

    def close(self) -> None:
        """End the keepers, and with them everything they hold."""
        for snapshot in self.all.values():
            if snapshot.sock is not None:
                snapshot.sock.close()
            if snapshot.pid:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(snapshot.pid, 9)


def _end_shell(pid: int) -> None:
    if pid:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, 9)
