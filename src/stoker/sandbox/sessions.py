"""The sessions of one environment's processes, where there are no cgroups to ask.

A session outlives its leader: children that a runtime leaves behind are still in it.
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_ROUNDS = 5  # a process may fork while we kill
_HAS_PROC = Path("/proc/self/stat").exists()
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class _Stat:
    pid: int
    session: int
    state: str
    started: int  # clock ticks since boot: tells a process from a later one of the same id
    resident_pages: int


class Sessions:
    def __init__(self, record: Path) -> None:
        """`record`: a file from which kill_recorded() finds them again, after a crash of ours."""
        self._record = record
        self._leaders: list[int] = []
        self._known: list[int] = []  # members when `_newest` was the latest process of all
        self._newest = b""

    def add(self, leader: int) -> None:
        self._leaders.append(leader)
        self._newest = b""
        stat = _stat(leader)
        with self._record.open("a") as record:
            record.write(f"{leader} {stat.started if stat else 0}\n")

    def ended(self, leader: int) -> None:
        """It has exited and is not reaped yet: an empty session's number may be used again."""
        self._newest = b""
        if leader in self._leaders and not any(s.session == leader for s in self._members()):
            self._leaders.remove(leader)

    def pids(self) -> list[int]:
        return [stat.pid for stat in self._members()]

    def resident_bytes(self) -> int:
        pages = sum(stat.resident_pages for stat in self._members())
        return pages * _PAGE_BYTES

    def signal(self, number: int) -> None:
        """To every process of every session, children born meanwhile included."""
        told: set[int] = set()
        for _ in range(_ROUNDS):
            fresh = [pid for pid in self.pids() if pid not in told]
            if not fresh:
                return
            for pid in fresh:
                _kill(pid, number)
            told.update(fresh)

    def _members(self) -> list[_Stat]:
        if not self._leaders:
            return []
        if not _HAS_PROC:
            return [_Stat(pid, pid, "R", 0, 0) for pid in self._leaders if _alive(pid)]
        # Looking at every process of the machine costs milliseconds. As long as none was born
        # anywhere, our sessions have no new members either.
        newest = _newest_process()
        if newest != self._newest:
            self._known = [stat.pid for stat in _all() if stat.session in self._leaders]
            self._newest = newest
        stats = [stat for stat in map(_stat, self._known) if stat is not None]
        return [s for s in stats if s.state != "Z" and s.session in self._leaders]


def kill_recorded(record: Path) -> None:
    """Kill what a dead server's sessions left, if those are still the same processes."""
    try:
        lines = record.read_text().split("\n")
    except OSError:
        return
    leaders = {}
    for line in lines:
        pid, _, started = line.partition(" ")
        if pid.isdigit() and started.isdigit():
            leaders[int(pid)] = int(started)
    for stat in list(_all()):
        # A session's members are younger than its leader was; a leader of now is that very one.
        began = leaders.get(stat.session)
        if began is None or stat.started < began:
            continue
        leader = _stat(stat.session)
        if leader is None or leader.started == began:
            _kill(stat.pid, signal.SIGKILL)


def _all() -> Iterator[_Stat]:
    if not _HAS_PROC:
        return
    with os.scandir("/proc") as entries:
        names = [entry.name for entry in entries]
    for name in names:
        if name.isdigit():
            stat = _stat(int(name))
            if stat is not None:
                yield stat


def _stat(pid: int) -> _Stat | None:
    text = _read(f"/proc/{pid}/stat")
    if not text:
        return None
    fields = text.rpartition(b")")[2].split()
    return _Stat(pid, int(fields[3]), fields[0].decode(), int(fields[19]), int(fields[21]))


def _newest_process() -> bytes:
    """The id that was given last (to a process or thread), on the whole machine."""
    return _read("/proc/loadavg").rpartition(b" ")[2]


def _read(path: str) -> bytes:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return os.read(fd, 4096)
    except OSError:
        return b""
    finally:
        os.close(fd)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def _kill(pid: int, number: int) -> None:
    try:
        if _HAS_PROC:
            os.kill(pid, number)
        else:
            os.killpg(pid, number)  # leaders are all we know
    except OSError:
        return  # gone, or no longer ours
