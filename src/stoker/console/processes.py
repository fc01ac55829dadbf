"""The processes of an environment, as the kernel tells of them: /proc. Blocking; in a thread.

What a process calls itself is its own word. Where the server gave up root, the kernel keeps the
open files of others to itself; then only the size of their table is known.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_MOST = 100  # processes that are looked at
_STATES = {
    "R": "runs", "S": "sleeps", "D": "waits for a disk", "Z": "has ended", "T": "is stopped",
    "t": "is traced", "I": "is idle",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    pid: int  # on the host
    name: str
    command: str
    state: str
    threads: int
    memory_bytes: int  # resident, shared pages included
    cpu_s: float
    files: str  # open ones


def look(pids: Iterable[int], proc: Path = Path("/proc")) -> list[Seen]:
    """Those that are still there."""
    found = []
    for pid in list(pids)[:_MOST]:
        with suppress(OSError, ValueError, IndexError, KeyError):
            found.append(_seen(pid, proc / str(pid)))
    return found


def _seen(pid: int, folder: Path) -> Seen:
    head, _, tail = (folder / "stat").read_bytes().decode("utf-8", "replace").rpartition(")")
    fields = tail.split()
    lines = (folder / "status").read_bytes().decode("utf-8", "replace").splitlines()
    facts = {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
    command = (folder / "cmdline").read_bytes()[:4096].replace(b"\0", b" ")
    try:
        files = str(sum(1 for _ in (folder / "fd").iterdir()))
    except OSError:
        files = f"at most {facts['FDSize']}"
    return Seen(
        pid=pid,
        name=head.partition("(")[2],
        command=command.decode("utf-8", "replace").strip(),
        state=_STATES.get(fields[0], fields[0]),
        threads=int(fields[17]),
        memory_bytes=int(facts.get("VmRSS", "0 kB").split()[0]) * 1024,
        cpu_s=(int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
        files=files,
    )
