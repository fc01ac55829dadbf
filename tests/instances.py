"""What one Stoker server has on the machine, seen from outside: to watch it go."""

import contextlib
import hashlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

BLOCK_SOCKET = " @stoker-block-"
FIRST_UID, UIDS = 358_400, 1024  # network.py: Block.uid
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Instance:
    """One server's things, by the names that it gives them."""

    name: str  # of its cgroups
    block: int  # of its interfaces, firewall table and uids
    data_dir: Path
    launcher: int  # pid
    undertaker: int  # pid of the launcher's parent

    @classmethod
    def of(cls, server: int, data_dir: Path) -> "Instance":
        """Of a server that is ready, by its pid."""
        digest = hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]
        undertaker = next(pid for pid in children(server) if block_of(pid) is not None)
        launcher = next(pid for pid in children(undertaker) if block_of(pid) is not None)
        block = block_of(launcher)
        assert block is not None
        return cls(f"stoker-{digest}", block, data_dir, launcher, undertaker)

    def processes(self) -> list[int]:
        """Launcher, undertaker, zygotes and sandboxes."""
        known = {self.launcher, self.undertaker, *descendants(self.undertaker)}
        uids = range(FIRST_UID + UIDS * self.block, FIRST_UID + UIDS * (self.block + 1))
        return [
            pid
            for pid, uid, state in every_process()
            if state not in "ZX" and (pid in known or (uid in uids and not self._passed_on()))
        ]

    def cgroups(self) -> list[Path]:
        found = []
        for folder, names, _files in os.walk(CGROUPS):
            found += [Path(folder, name) for name in names if self.name in f"{folder}/{name}"]
        return found

    def sandboxes(self) -> set[str]:
        """The names of the cgroups of its sandboxes: given out, in stock, or being made."""
        return {path.name for path in self.cgroups() if path.parent.name == self.name}

    def interfaces(self) -> list[str]:
        prefix = f"sk{self.block:02x}x"
        return [path.name for path in Path("/sys/class/net").glob(f"{prefix}*")]

    def tables(self) -> list[str]:
        return [table for table in tables() if table == f"table inet stoker_{self.block}"]

    def loops(self) -> list[str]:
        """Loop devices over files in its folder."""
        found = []
        for path in Path("/sys/block").glob("loop*/loop/backing_file"):
            with contextlib.suppress(OSError):
                if str(self.data_dir.resolve()) in path.read_text():
                    found.append(path.parts[3])
        return found

    def remains(self) -> list[str]:
        """All that is on the machine because of it."""
        found = [f"process {pid}" for pid in self.processes()]
        found += [*map(str, self.cgroups()), *self.loops()]
        if not self._passed_on():
            found += [*self.interfaces(), *self.tables()]
        return found

    def _passed_on(self) -> bool:
        """Is it gone, and somebody else's server has its block now?"""
        ours = any(block_of(pid) == self.block for pid in (self.launcher, self.undertaker))
        return not ours and f"{BLOCK_SOCKET}{self.block}\n" in Path("/proc/net/unix").read_text()


def block_of(pid: int) -> int | None:
    """Servers on one machine are numbered by an abstract socket."""
    held = set()
    with contextlib.suppress(OSError):
        for fd in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                held.add(str(fd.readlink()))
    for line in Path("/proc/net/unix").read_text().splitlines():
        inode, _, number = line.partition(BLOCK_SOCKET)
        if number and f"socket:[{inode.split()[-1]}]" in held:
            return int(number)
    return None


def tables() -> list[str]:
    """Of the firewall."""
    listing = subprocess.run(
        ["nft", "list", "tables"], capture_output=True, text=True, check=False,
        env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"},
    )  # fmt: skip
    return listing.stdout.splitlines()


# --- processes ----------------------------------------------------------------------------------


def every_process() -> Iterator[tuple[int, int, str]]:
    """(pid, uid, state)."""
    for pid in _pids():
        with contextlib.suppress(OSError):
            yield pid, Path(f"/proc/{pid}").stat().st_uid, _stat(pid)[0]


def children(pid: int) -> list[int]:
    return _by_parent().get(pid, [])


def descendants(pid: int) -> list[int]:
    by_parent = _by_parent()
    found, todo = [], [pid]
    while todo:
        below = by_parent.get(todo.pop(), [])
        found += below
        todo += below
    return found


def is_alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return _stat(pid)[0] not in "ZX"
    return False


def _pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _by_parent() -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for pid in _pids():
        with contextlib.suppress(OSError):
            found.setdefault(int(_stat(pid)[1]), []).append(pid)
    return found


def _stat(pid: int) -> list[str]:
    """State, parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
