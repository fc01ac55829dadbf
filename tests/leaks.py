"""What a test may not leave on the machine. See `no_leaks` in conftest.py."""

import contextlib
import ctypes
import gc
import hashlib
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

PATIENCE_S = 5.0  # a killed process needs a moment to be gone
PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True, slots=True)
class Traces:
    """What is there now. Each is a set of readable names."""

    processes: frozenset[str]
    threads: frozenset[str]
    files: frozenset[str]  # open in this process
    cgroups: frozenset[str]
    mounts: frozenset[str]
    network: frozenset[str]  # interfaces, named namespaces, firewall tables
    folders: frozenset[str]  # /tmp/stoker*

    def beyond(self, other: "Traces") -> list[str]:
        """What is here and was not there."""
        return [
            f"{kind.name}: {name}"
            for kind in fields(self)
            for name in sorted(getattr(self, kind.name) - getattr(other, kind.name))
        ]


def adopt_orphans() -> None:
    """Have processes whose parent dies become ours, so that none escapes the count."""
    if Path("/proc/self").exists():
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def look(owned: Callable[[str], bool] = lambda name: False, without: int | None = None) -> Traces:
    """Look around. Neither `without`'s process tree nor what `owned` names counts."""
    return Traces(
        processes=frozenset(_processes(without)),
        threads=frozenset(f"{t.name} ({t.ident})" for t in threading.enumerate()),
        files=frozenset(_open_files()),
        cgroups=frozenset(name for name in _cgroups() if not owned(name)),
        mounts=frozenset(name for name in _mounts() if not owned(name)),
        network=frozenset(name for name in _network() if not owned(name)),
        folders=frozenset(str(path) for path in Path("/tmp").glob("stoker*")),
    )


def marks_of(pid: int, data_dir: Path) -> tuple[str, ...]:
    """What the names of a server's cgroups, interfaces and firewall table contain."""
    instance = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
    number = _block_number(pid)
    if number is None:
        return (f"stoker-{instance}",)
    return (f"stoker-{instance}", f"interface sk{number:02x}x", f"table inet stoker_{number}")


def _block_number(pid: int) -> int | None:
    """Servers on one machine are numbered by an abstract socket, which the launcher holds."""
    held = set()
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        held |= {str(fd.readlink()) for fd in Path(f"/proc/{child}/fd").glob("*")}
    for line in Path("/proc/net/unix").read_text().splitlines():
        inode, _, name = line.partition(" @stoker-block-")
        if name and f"socket:[{inode.split()[-1]}]" in held:
            return int(name)
    return None


def left_behind(before: Traces, look_again: Callable[[], Traces]) -> list[str]:
    """What is new since `before`, once the dying are dead."""
    end = time.monotonic() + PATIENCE_S
    while True:
        gc.collect()
        left = look_again().beyond(before)
        if not left or time.monotonic() > end:
            return left
        time.sleep(0.02)


def _processes(without: int | None) -> Iterator[str]:
    children: dict[int, list[tuple[int, str, str]]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            head, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue  # gone meanwhile
        state, ppid = rest.split()[:2]
        pid, _, name = head.partition(" (")
        children.setdefault(int(ppid), []).append((int(pid), name, state))
    todo = [os.getpid()]
    while todo:
        parent = todo.pop()
        for pid, name, state in children.get(parent, ()):
            if pid == without:
                continue
            todo.append(pid)
            if state != "Z":
                yield f"{name} ({pid})"
            elif parent == os.getpid():
                _bury(pid)


def _bury(pid: int) -> None:
    """Adopted orphans are ours to bury; what a Popen waits for is left to it."""
    waited_for = {o.pid for o in gc.get_objects() if isinstance(o, subprocess.Popen)}
    if pid not in waited_for:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _open_files() -> Iterator[str]:
    for entry in Path("/proc/self/fd").glob("*"):
        try:
            target = str(entry.readlink())
        except OSError:
            continue  # the one that lists
        if not target.startswith(("/proc/", "/dev/null", "/dev/urandom")):
            yield f"{entry.name} -> {target}"


def _cgroups() -> Iterator[str]:
    root = Path("/sys/fs/cgroup")
    for folder, names, _files in os.walk(root):
        for name in names:
            path = f"{folder}/{name}"
            if "stoker" in path.removeprefix(str(root)):
                yield path


def _mounts() -> Iterator[str]:
    try:
        table = Path("/proc/self/mountinfo").read_text()
    except OSError:
        return
    for line in table.splitlines():
        if "stoker" in line:
            yield line.split(" ", 3)[3]


def _network() -> Iterator[str]:
    yield from (f"interface {p.name}" for p in Path("/sys/class/net").glob("*"))
    yield from (f"namespace {p.name}" for p in Path("/run/netns").glob("*"))
    if os.geteuid() == 0:
        listing = subprocess.run(
            ["nft", "list", "tables"], capture_output=True, text=True, check=False,
            env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"},
        )  # fmt: skip
        yield from listing.stdout.splitlines()
