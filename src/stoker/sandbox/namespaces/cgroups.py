"""Control groups of sandboxes: version 1 controllers, version 2, or both side by side.

Layout found once (`Layout.detect`). Each sandbox gets one directory per hierarchy,
`<mount>/<instance>/<name>`. Freezing and killing use cgroup 2 where any hierarchy of it is
mounted (it needs no controller: 1.3 us against 41 us for version 1's freezer).
"""

import contextlib
import errno
import os
from pathlib import Path
from typing import NamedTuple

MOUNTS = Path("/proc/self/mounts")
OWN = Path("/proc/self/cgroup")
CPU_PERIOD_US = 100_000
PROCESSES = 1024 + 1  # AWS's limit, and our init
FULL_CORE_MB = 1769  # AWS: at this memory size a function has one vCPU
_LIMITS = frozenset(("memory", "cpu", "pids"))
_GIVEN = ("", "/cgroup.procs", "/cgroup.subtree_control")  # what must be ours to use it


class Layout(NamedTuple):
    """Where each controller's hierarchy is mounted; "" for what this machine lacks."""

    memory: str
    cpu: str
    pids: str
    freezer: str  # version 1
    unified: str  # version 2, with or without controllers
    unified_controllers: frozenset[str]

    @classmethod
    def detect(cls, mounts: str | None = None) -> "Layout":
        text = MOUNTS.read_text() if mounts is None else mounts
        v1: dict[str, str] = {}
        unified = ""
        for line in text.splitlines():
            _, where, kind, options, *_ = line.split(" ")
            if kind == "cgroup":
                for option in options.split(","):
                    v1.setdefault(option, where)
            elif kind == "cgroup2":
                unified = unified or where
        controllers: frozenset[str] = frozenset()
        if unified:
            with contextlib.suppress(OSError):
                controllers = frozenset(Path(unified, "cgroup.controllers").read_text().split())
        return cls(
            v1.get("memory", ""),
            v1.get("cpu", ""),
            v1.get("pids", ""),
            v1.get("freezer", ""),
            unified,
            controllers & _LIMITS,
        )

    @classmethod
    def delegated(cls) -> "Layout":
        """Of an ordinary user: below our own cgroup of version 2, if that was given to us (as
        `systemd-run --user --scope -p Delegate=yes` does)."""
        unified = cls.detect().unified
        if unified:
            own = next((x for x in OWN.read_text().splitlines() if x.startswith("0::")), "0::/")
            unified += own[3:].rstrip("/")
            if not all(os.access(f"{unified}{file}", os.W_OK) for file in _GIVEN):
                unified = ""
        controllers: frozenset[str] = frozenset()
        if unified:
            controllers = frozenset(Path(unified, "cgroup.controllers").read_text().split())
        return cls("", "", "", "", unified, controllers & _LIMITS)

    def is_v2(self, controller: str) -> bool:
        return controller in self.unified_controllers

    def hierarchies(self) -> list[str]:
        """Mount points in which a sandbox needs a directory, cgroup 2 last."""
        v1 = [self.memory, self.cpu, self.pids] + ([] if self.unified else [self.freezer])
        found = [where for where in dict.fromkeys(v1) if where]
        return [*found, self.unified] if self.unified else found

    def missing(self) -> list[str]:
        """What cannot be enforced here."""
        lacking = [
            name
            for name in ("memory", "cpu", "pids")
            if not getattr(self, name) and not self.is_v2(name)
        ]
        return lacking + ([] if self.unified or self.freezer else ["freezer"])


def _write(path: str, value: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    except OSError as error:
        error.filename = path
        raise
    finally:
        os.close(fd)


def make_way(layout: Layout, instance: str) -> str:
    """Of root. The machine's own root group hands controllers down whoever is in it; a container's
    is a group like any other, and its processes are in it. Returns where they went, or ""."""
    try:
        _hand_down(layout, layout.unified)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        return step_aside(layout, instance)
    return ""


def _hand_down(layout: Layout, group: str) -> None:
    if layout.unified_controllers:
        wanted = " ".join(f"+{name}" for name in sorted(layout.unified_controllers))
        _write(f"{group}/cgroup.subtree_control", wanted)


def step_aside(layout: Layout, instance: str) -> str:
    """Version 2 hands controllers down only from a group in which no process is: move those that
    are in the one that was delegated to us, ourselves among them, one down. Returns where to."""
    if not layout.unified_controllers:
        return ""
    beside = f"{layout.unified}/{instance}.server"
    os.makedirs(beside, exist_ok=True)
    _move_all(layout.unified, beside)
    return beside


def step_back(layout: Layout, beside: str) -> None:
    """Undo step_aside(), once all sandboxes are gone."""
    if beside:
        with contextlib.suppress(OSError):
            names = " ".join(f"-{name}" for name in sorted(layout.unified_controllers))
            _write(f"{layout.unified}/cgroup.subtree_control", names)
            _move_all(beside, layout.unified)
            os.rmdir(beside)


def _move_all(source: str, target: str) -> None:
    for pid in Path(source, "cgroup.procs").read_text().split():
        with contextlib.suppress(ProcessLookupError):
            _write(f"{target}/cgroup.procs", pid)


class Cgroups:
    """The cgroups of one Stoker instance. Used by the launcher."""

    def __init__(self, layout: Layout, instance: str) -> None:
        self.layout = layout
        self.roots = [f"{where}/{instance}" for where in layout.hierarchies()]
        self.unified = f"{layout.unified}/{instance}" if layout.unified else ""

    def start(self) -> None:
        """Make this instance's directories, and hand the controllers of version 2 down."""
        _hand_down(self.layout, self.layout.unified)
        for root in self.roots:
            os.makedirs(root, exist_ok=True)
        _hand_down(self.layout, self.unified)

    def create(self, name: str) -> "Group":
        group = Group(self.layout, [f"{root}/{name}" for root in self.roots])
        try:
            for path in group.paths:
                os.mkdir(path)
        except OSError:
            group.remove()  # no half of it
            raise
        return group

    def leftovers(self) -> list["Group"]:
        """Groups that a dead predecessor of this instance left behind."""
        names: set[str] = set()
        for root in self.roots:
            with contextlib.suppress(FileNotFoundError), os.scandir(root) as entries:
                names |= {entry.name for entry in entries if entry.is_dir()}
        return [Group(self.layout, [f"{root}/{name}" for root in self.roots]) for name in names]

    def remove(self) -> None:
        for root in self.roots:
            with contextlib.suppress(OSError):
                os.rmdir(root)


class Group:
    """One sandbox's directory in every hierarchy."""

    def __init__(self, layout: Layout, paths: list[str]) -> None:
        self.layout = layout
        self.paths = paths
        self._of = dict(zip(layout.hierarchies(), paths, strict=True))

    @property
    def procs(self) -> str:
        """The file that lists its processes; "" without any cgroup."""
        return f"{self.paths[-1]}/cgroup.procs" if self.paths else ""

    def path(self, controller: str) -> str:
        """The directory in which `controller`'s files are; "" if this machine lacks it."""
        if self.layout.is_v2(controller):
            return self._of[self.layout.unified]
        return self._of.get(getattr(self.layout, controller), "")

    def limit_memory(self, size_bytes: int) -> None:
        directory = self.path("memory")
        if not directory:
            return
        if self.layout.is_v2("memory"):
            _write(f"{directory}/memory.max", str(size_bytes))
            with contextlib.suppress(FileNotFoundError):
                _write(f"{directory}/memory.swap.max", "0")
        else:
            _write(f"{directory}/memory.limit_in_bytes", str(size_bytes))
            with contextlib.suppress(OSError):  # no swap accounting, or no swap
                _write(f"{directory}/memory.memsw.limit_in_bytes", str(size_bytes))

    def limit_pids(self, count: int) -> None:
        if directory := self.path("pids"):
            _write(f"{directory}/pids.max", str(count))

    def add(self, pid: int) -> None:
        """Move a process in, however long that takes."""
        for path in self.paths:
            _write(f"{path}/cgroup.procs", str(pid))

    def doors(self) -> "Doors":
        """How a process gets in without waiting for a grace period of the kernel's (5 to 10 ms):
        it is born in the one of version 2, and joins those of version 1 by its own hand, as the
        single thread it is ("0" written to `tasks`; since Linux 5.17)."""
        unified = self._of.get(self.layout.unified, "")
        birthplace = -1
        entrances: list[int] = []
        try:
            if unified:
                birthplace = os.open(unified, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
            for path in self.paths:
                if path != unified:
                    entrances.append(os.open(f"{path}/tasks", os.O_WRONLY | os.O_CLOEXEC))
        except OSError:
            for fd in (birthplace, *entrances):
                if fd >= 0:
                    os.close(fd)
            raise
        return Doors(birthplace, entrances)

    def controls(self) -> "Controls":
        """Open the files with which an unprivileged holder freezes, throttles and looks."""
        memory, cpu, freezer = self.path("memory"), self.path("cpu"), ""
        if self.layout.unified:
            unified = self._of[self.layout.unified]
            freeze, kill = f"{unified}/cgroup.freeze", f"{unified}/cgroup.kill"
        else:
            freezer = self._of.get(self.layout.freezer, "")
            freeze, kill = f"{freezer}/freezer.state", ""
        if self.layout.is_v2("memory"):
            peak, stat, oom = "memory.peak", "memory.stat", "memory.events"
        else:
            peak, stat, oom = "memory.max_usage_in_bytes", "memory.stat", "memory.oom_control"
        quota = "cpu.max" if self.layout.is_v2("cpu") else "cpu.cfs_quota_us"
        wanted = (
            (freeze, os.O_WRONLY),
            (kill, os.O_WRONLY),
            (cpu and f"{cpu}/{quota}", os.O_WRONLY),
            *((memory and f"{memory}/{name}", os.O_RDONLY) for name in (peak, stat, oom)),
        )
        fds: list[int] = []
        try:
            for path, flags in wanted:
                fds.append(_open(path, flags) if path else -1)
        except OSError:
            for fd in fds:
                if fd >= 0:
                    os.close(fd)
            raise
        return Controls(*fds)

    def kill(self) -> None:
        """SIGKILL every process inside, frozen or not."""
        if self.layout.unified:
            with contextlib.suppress(OSError):
                _write(f"{self._of[self.layout.unified]}/cgroup.kill", "1")
                return
        for pid in self.pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        if self.layout.freezer and not self.layout.unified:
            with contextlib.suppress(OSError):
                _write(f"{self._of[self.layout.freezer]}/freezer.state", "THAWED")

    def pids(self) -> list[int]:
        found: set[int] = set()
        for path in self.paths:
            with contextlib.suppress(OSError), open(f"{path}/cgroup.procs") as file:
                found |= {int(line) for line in file}
        return sorted(found - {0})

    def remove(self) -> bool:
        """Remove the directories; False while a dying process still holds one."""
        gone = True
        for path in self.paths:
            try:
                os.rmdir(path)
            except FileNotFoundError:
                pass
            except OSError:
                gone = False
        return gone


class Doors(NamedTuple):
    """Descriptors by which a new process gets into its cgroups."""

    birthplace: int  # directory of version 2, or -1
    entrances: list[int]  # tasks files of version 1


class Controls(NamedTuple):
    """Open files of one sandbox's cgroups; -1 for what this machine lacks."""

    freeze: int
    kill: int
    cpu: int
    memory_peak: int
    memory_stat: int
    memory_oom: int


def _open(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_CLOEXEC)
    except FileNotFoundError:
        return -1
