"""Whether a stopped runtime can be copied, and what each copy must get anew.

A copy shares with its snapshot whatever the kernel shares across a fork: memory that was mapped
to be shared, and every open file with its position. Files are opened anew in each copy. Sockets
of the internet are there and lead nowhere, as on AWS, where no connection outlives a snapshot:
clients connect again. For the rest the snapshot is refused by name, rather than let two
environments meet in it.
"""

import contextlib
import os
import re
import socket
from typing import NamedTuple

from stoker.sandbox.namespaces import syscalls as sys_

FRAMES_FD = 62
OUTPUTS = (1, 2, FRAMES_FD)  # each copy has pipes of its own there
MOST_FILES = 64
HAS_TIMER = "the runtime has a timer"
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_MAPPING = re.compile(r"[0-9a-f]+-[0-9a-f]+ (....) \S+ \S+ (\d+) *(.*)")
_WRITABLE = ("/tmp/", "/dev/", "/memfd:", "/SYSV")


class Unfit(Exception):
    """Why it cannot be copied: for whoever published the function."""


class File(NamedTuple):
    fd: int
    flags: int  # of a socket: its type
    position: int  # of a socket: its family
    path: str  # of a socket: ""


class Findings(NamedTuple):
    """What copies are made with; sent to the keeper by these names."""

    tid: int  # as it sees itself
    api: int  # descriptor of its connection to the Runtime API
    cwd: str
    files: tuple[File, ...]


def inspect(pid: int, waits_on: int, api: tuple[str, int]) -> Findings:
    """Look at a process that does not run. waits_on: the descriptor that its system call is
    about, if it is about one. api: the address of the Runtime API. Raise Unfit."""
    root = f"/proc/{pid}"
    if len(os.listdir(f"{root}/task")) > 1:
        raise Unfit("the runtime has more than one thread")
    with open(f"{root}/maps") as maps:
        check_mappings(maps.read())
    with open(f"{root}/timers") as timers:
        if timers.read(1):
            raise Unfit(HAS_TIMER)
    files = _descriptors(pid)
    connections = [file.fd for file in files if not file.path and _peer(pid, file.fd) == api]
    if waits_on not in connections and len(connections) != 1:
        raise Unfit("the runtime does not wait for the Runtime API")
    connection = waits_on if waits_on in connections else connections[0]
    with open(f"{root}/status") as status:
        (line,) = (line for line in status if line.startswith("NSpid:"))
    kept = tuple(file for file in files if file.fd != connection)
    return Findings(int(line.split()[-1]), connection, os.readlink(f"{root}/cwd"), kept)


def the_runtime(pids: list[int], init: int) -> int:
    """The one process beside init. Only what is found while that is stopped stays so: until then
    it can fork, and a child would share the snapshot's files and user. Pure; raise Unfit."""
    others = [pid for pid in pids if pid != init]
    if len(others) != 1:
        raise Unfit(f"{len(others)} processes run in it, where only the runtime may")
    return others[0]


def check_mappings(text: str) -> None:
    """Refuse shared memory; a shared view of a file that nobody can write is none. Pure."""
    for line in text.splitlines():
        match = _MAPPING.match(line)
        if match is None or match[1][3] != "s":
            continue
        path = match[3]
        if "w" in match[1] or not path.startswith("/") or path.startswith(_WRITABLE):
            raise Unfit(f"the runtime has shared memory ({path or 'anonymous'})")


def _descriptors(pid: int) -> list[File]:
    """What each copy gets anew, but for what it prints to."""
    root = f"/proc/{pid}/fd"
    found = {int(name): os.readlink(f"{root}/{name}") for name in os.listdir(root)}
    if not {0, *OUTPUTS} <= found.keys():
        raise Unfit("the runtime closed its standard streams")
    files = [
        _socket(pid, fd) if target.startswith("socket:") else _file(pid, fd, target)
        for fd, target in sorted(found.items())
        if fd not in OUTPUTS and target not in _DEVICES
    ]
    if len(files) > MOST_FILES:
        raise Unfit(f"the runtime has more than {MOST_FILES} open files")
    return files


def _file(pid: int, fd: int, target: str) -> File:
    if not target.startswith("/"):
        kind = target.partition(":[")[0]
        raise Unfit(f"descriptor {fd} of the runtime is an open {kind}, which cannot be copied")
    if target.endswith(" (deleted)"):
        raise Unfit(f"the runtime has a file open that is deleted: {target}")
    with open(f"/proc/{pid}/fdinfo/{fd}") as info:
        facts = dict(line.split(":", 1) for line in info if ":" in line)
    return File(fd, int(facts["flags"], 8), int(facts["pos"]), target)


def _socket(pid: int, fd: int) -> File:
    with _ours(pid, fd) as sock:
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        if sock.family not in (socket.AF_INET, socket.AF_INET6) or listens:
            kind = "listening socket" if listens else f"socket ({sock.family.name})"
            raise Unfit(f"descriptor {fd} of the runtime is a {kind}, which cannot be copied")
        return File(fd, int(sock.type), int(sock.family), "")


def _peer(pid: int, fd: int) -> tuple[str, int] | None:
    with _ours(pid, fd) as sock, contextlib.suppress(OSError):
        host, port, *_ = sock.getpeername()
        return str(host), int(port)
    return None


def _ours(pid: int, fd: int) -> socket.socket:
    pidfd = sys_.pidfd_open(pid)
    try:
        return socket.socket(fileno=sys_.pidfd_getfd(pidfd, fd))
    finally:
        os.close(pidfd)
