"""The machine: what it is, and whether it is quiet enough to measure on."""

import os
import platform
import re
import time
from dataclasses import dataclass
from pathlib import Path

QUIET = 0.8  # share of all cores that must be idle before a measurement
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Profile:
    name: str  # of the folder its results are in
    cpu: str
    cores: int
    memory_gb: int
    kernel: str
    system: str
    python: str
    cgroups: str


def profile() -> Profile:
    cpu = next(iter(re.findall(r"model name\s*: (.+)", _read("/proc/cpuinfo"))), platform.machine())
    cores = os.cpu_count() or 1
    memory_kb = int(re.findall(r"MemTotal:\s+(\d+)", _read("/proc/meminfo"))[0])
    system = next(iter(re.findall(r'PRETTY_NAME="(.+)"', _read("/etc/os-release"))), "Linux")
    words = re.sub(r"\(R\)|\(TM\)|CPU|@.*", "", cpu)
    slug = re.sub(r"[^a-z0-9]+", "-", f"{words}-{cores}-cores".lower()).strip("-")
    return Profile(
        name=slug,
        cpu=cpu,
        cores=cores,
        memory_gb=round(memory_kb / 2**20),
        kernel=platform.release(),
        system=system,
        python=platform.python_version(),
        cgroups=_cgroups(),
    )


def idle_share(seconds: float = LOOK_S) -> float:
    """Share of all cores that was idle in the next so many seconds."""
    before = _times()
    time.sleep(seconds)
    after = _times()
    spent = [b - a for a, b in zip(before, after, strict=True)]
    return (spent[3] + spent[4]) / (sum(spent) or 1)  # idle and iowait


def wait_until_quiet(patience_s: float) -> float:
    """Return the idle share as soon as it is QUIET, else the best one seen in `patience_s`."""
    end = time.monotonic() + patience_s
    best = idle_share()
    while best < QUIET and time.monotonic() < end:
        best = max(best, idle_share())
    return best


def _times() -> list[int]:
    return [int(value) for value in _read("/proc/stat").split("\n", 1)[0].split()[1:9]]


def _cgroups() -> str:
    mounts = [line.split() for line in _read("/proc/mounts").splitlines()]
    controllers = [m[1].rpartition("/")[2] for m in mounts if m[2] == "cgroup"]
    unified = [m for m in mounts if m[2] == "cgroup2"]
    parts = ["v1 (" + ", ".join(controllers) + ")"] if controllers else []
    if unified:
        tuned = "favordynmods" in unified[0][3]
        parts.append("v2" + (" with favordynmods" if tuned else ""))
    return " and ".join(parts) or "none"


def _read(path: str) -> str:
    return Path(path).read_text()
