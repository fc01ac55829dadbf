"""What a test may not leave on the machine. See `no_leaks` in conftest.py."""

import contextlib
import ctypes
import gc
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass, fields
from pathlib import Path

PATIENCE_S = 5.0  # a killed process needs a moment to be gone
REMEMBERED_S = 60.0  # what somebody else's server had, it may leave behind when it is killed
PR_SET_CHILD_SUBREAPER = 36
OF_A_RUN = "tests-of-stoker-"  # each run of pytest has a folder of this name and more
WIRE_NUMBER = os.getpid() % 60  # of this run's; others test on this machine, too
WIRE = f"out{WIRE_NUMBER}"  # the interface of tests/isolation/outside.py
SYSTEM_PATH = {"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"}
NETLINK_NETFILTER = 12
NFT_MSG_NEWGEN, NFT_MSG_GETGEN = 10 << 8 | 15, 10 << 8 | 16
BLOCK_SOCKET = " @stoker-block-"  # servers on one machine are numbered by abstract sockets
_FOREIGN: dict[str, float] = {}  # marks of servers that are not ours, and when they last lived
_KNOWN: tuple[frozenset[str], frozenset[str]] = (frozenset(), frozenset())  # blocks, and marks
_TABLES: tuple[bytes, tuple[str, ...]] = (b"", ())  # generation, and the tables then


@dataclass(frozen=True, slots=True)
class Traces:
    """What is there now. Each is a set of readable names."""

    processes: frozenset[str]
    threads: frozenset[str]
    files: frozenset[str]  # open in this process
    cgroups: frozenset[str]
    mounts: frozenset[str]
    network: frozenset[str]  # interfaces, named namespaces, firewall tables
    folders: frozenset[str]  # $TMPDIR/stoker*

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


def look(without: int | None = None) -> Traces:
    """Look around. The process tree of `without`, and servers that others run on this machine,
    are not counted, nor is what they own."""
    processes = _descendants(without)
    now = time.monotonic()
    _FOREIGN.update(dict.fromkeys(_foreign_marks(processes), now))
    owned = [mark for mark, seen in _FOREIGN.items() if now - seen < REMEMBERED_S]

    def ours(names: Iterator[str]) -> frozenset[str]:
        return frozenset(name for name in names if not any(mark in name for mark in owned))

    return Traces(
        processes=frozenset(processes.values()),
        threads=frozenset(f"{t.name} ({t.ident})" for t in threading.enumerate()),
        files=frozenset(_open_files()),
        cgroups=ours(_cgroups()),
        mounts=ours(_mounts()),
        network=ours(_network()),
        folders=frozenset(str(path) for path in Path(tempfile.gettempdir()).glob("stoker*")),
    )


def left_behind(before: Traces, look_again: Callable[[], Traces]) -> list[str]:
    """What is new since `before`, once the dying are dead."""
    end = time.monotonic() + PATIENCE_S
    while True:
        left = look_again().beyond(before)
        if not left or time.monotonic() > end:
            return left
        gc.collect()  # dear in a long run of tests: only for those that seem to leave something
        time.sleep(0.02)


def _descendants(without: int | None) -> dict[int, str]:
    """Living processes that come from this one, by pid."""
    children: dict[int, list[tuple[int, str, str]]] = {}
    with os.scandir("/proc") as entries:
        numbers = [entry.name for entry in entries if entry.name.isdigit()]
    for number in numbers:
        try:
            head, _, rest = Path(f"/proc/{number}/stat").read_text().rpartition(")")
        except OSError:
            continue  # gone meanwhile
        state, ppid = rest.split(maxsplit=2)[:2]
        children.setdefault(int(ppid), []).append((int(number), head.partition(" (")[2], state))
    found: dict[int, str] = {}
    todo = [os.getpid()]
    while todo:
        parent = todo.pop()
        for pid, name, state in children.get(parent, ()):
            if pid == without:
                continue
            todo.append(pid)
            if state != "Z":
                found[pid] = f"{name} ({pid})"
            elif parent == os.getpid():
                _bury(pid)
    return found


def _foreign_marks(ours: Container[int]) -> frozenset[str]:
    """What the names of other servers' cgroups, interfaces and firewall tables contain. Looked up
    anew only when a server came or went: this runs twice for each test."""
    global _KNOWN
    table = Path("/proc/net/unix").read_text() if Path("/proc/net/unix").exists() else ""
    blocks = frozenset(line for line in table.splitlines() if BLOCK_SOCKET in line)
    if blocks != _KNOWN[0]:
        marks = (mark for pid in _launchers() if pid not in ours for mark in _marks(pid, blocks))
        _KNOWN = (blocks, frozenset(marks))
    return _KNOWN[1]


def _launchers() -> Iterator[int]:
    """The launchers of all servers on this machine."""
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if b'"instance": "stoker-' in command.read_bytes():
                yield int(command.parent.name)


def _marks(launcher: int, blocks: Iterable[str]) -> Iterator[str]:
    with contextlib.suppress(OSError):
        command = Path(f"/proc/{launcher}/cmdline").read_bytes().decode()
        yield from re.findall(r'"instance": "(stoker-\w+)"', command)
        held = set()
        for fd in Path(f"/proc/{launcher}/fd").glob("*"):
            with contextlib.suppress(FileNotFoundError):  # closed meanwhile
                held.add(fd.stat().st_ino)
        for line in blocks:
            inode, _, number = line.partition(BLOCK_SOCKET)
            if int(inode.split()[-1]) in held:
                yield f"interface sk{int(number):02x}x"
                yield f"table inet stoker_{number}"


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
    own = tempfile.gettempdir()
    for line in table.splitlines():
        of_another_run = OF_A_RUN in line and own not in line
        if "stoker" in line and not of_another_run:
            yield line.split(" ", 3)[3]


def _network() -> Iterator[str]:
    global _TABLES
    for path in Path("/sys/class/net").glob("*"):
        if path.name == WIRE or not re.fullmatch(r"out\d+", path.name):
            yield f"interface {path.name}"
    yield from (f"namespace {p.name}" for p in Path("/run/netns").glob("*"))
    if os.geteuid() == 0:
        generation = _firewall_generation()
        if generation != _TABLES[0] or not generation:
            listing = subprocess.run(
                ["nft", "list", "tables"], capture_output=True, text=True, check=False,
                env=SYSTEM_PATH,
            )  # fmt: skip
            _TABLES = (generation, tuple(listing.stdout.splitlines()))
        yield from _TABLES[1]


def _firewall_generation() -> bytes:
    """Another one after each change of any table. Asking the kernel is quicker than running nft."""
    ask = struct.pack("=IHHIIBBH", 20, NFT_MSG_GETGEN, 1, 0, 0, 0, 0, 0)  # flags: a request
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as kernel:
            kernel.sendto(ask, (0, 0))
            answer = kernel.recv(4096)
    except OSError:
        return b""
    kind = int.from_bytes(answer[4:6], sys.byteorder)
    return answer[20:28] if kind == NFT_MSG_NEWGEN else b""  # the first attribute: its number
