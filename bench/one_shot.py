"""Cold starts without a server: a program is started, gets the event, answers, ends."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.client import EVENT, GOOD, BadAnswer
from bench.install import Peers
from bench.package import FUNCTIONS, HANDLER, MEMORY_MB

PIPE_BYTES = 65536
SYSTEM_FOLDERS = ("/usr", "/bin", "/sbin", "/lib", "/lib64")
FULL_CORE_MB = 1769


class Started:
    """A program that has been given the event. Close it to end it."""

    def __init__(self, command: Sequence[str]) -> None:
        stdin, self._events = os.pipe2(os.O_CLOEXEC)
        self.answers, stdout = os.pipe2(os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), (os.POSIX_SPAWN_DUP2, stdout, 1)]
        self.pid = os.posix_spawn(command[0], list(command), os.environ, file_actions=actions)
        os.close(stdin)
        os.close(stdout)
        os.write(self._events, EVENT)

    def answer(self) -> bytes:
        data = b""
        while not data.endswith(b"\n"):
            more = os.read(self.answers, PIPE_BYTES)
            if not more:
                raise BadAnswer(f"it ended after {data[:200]!r}")
            data += more
        return data

    def close(self) -> None:
        os.close(self._events)
        os.close(self.answers)
        os.waitpid(self.pid, 0)


def cold_start(command: Sequence[str]) -> float:
    """Microseconds from starting the program to its whole answer."""
    begun = time.perf_counter_ns()
    started = Started(command)
    try:
        data = started.answer()
        taken = (time.perf_counter_ns() - begun) / 1000
    finally:
        started.close()
    if GOOD not in data[-20:]:
        raise BadAnswer(data[:200].decode(errors="replace"))
    return taken


def bare_python(peers: Peers) -> list[str]:
    """No isolation at all."""
    return [str(peers.python), "-I", "-S", str(FUNCTIONS / "once.py"), str(FUNCTIONS), HANDLER]


def bubblewrap(peers: Peers) -> list[str]:
    """All namespaces; no cgroups, no seccomp filter."""
    command = [str(peers.bwrap), "--unshare-all", "--die-with-parent", "--proc", "/proc"]
    command += ["--dev", "/dev", "--tmpfs", "/tmp", "--uid", "65534", "--gid", "65534"]
    for source, target in _mounts(peers):
        command += ["--ro-bind", source, target]
    return [*command, *_inside(peers)]


def runc_bundle(peers: Peers, folder: Path) -> Path:
    """A folder that `runc run` takes: python3 in its own namespaces, limited by cgroups."""
    (folder / "rootfs").mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(_runc_config(peers)))
    return folder


def runc(peers: Peers, bundle: Path, name: str) -> list[str]:
    return [str(peers.runc), "run", "--bundle", str(bundle), name]


def remove_container(peers: Peers, name: str) -> None:
    """What a failed run may have left."""
    command = [str(peers.runc), "delete", "--force", name]
    subprocess.run(command, capture_output=True, check=False)


def _inside(peers: Peers) -> list[str]:
    python = f"/opt/interpreter/bin/{peers.python.name}"
    return [python, "-I", "-S", "/var/task/once.py", "/var/task", HANDLER]


def _mounts(peers: Peers) -> list[tuple[str, str]]:
    system = [(folder, folder) for folder in SYSTEM_FOLDERS if Path(folder).exists()]
    prefix = str(peers.python.parent.parent)
    return [*system, (prefix, "/opt/interpreter"), (str(FUNCTIONS), "/var/task")]


def _runc_config(peers: Peers) -> dict[str, Any]:
    mounts: list[dict[str, Any]] = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid"]},
        {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs", "options": ["size=512m"]},
    ]
    for source, target in _mounts(peers):
        options = ["bind", "ro", "nosuid"]
        mounts.append({"destination": target, "type": "bind", "source": source, "options": options})
    namespaces = [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")]
    quota = {"quota": MEMORY_MB * 100_000 // FULL_CORE_MB, "period": 100_000}
    return {
        "ociVersion": "1.0.2",
        "process": {
            "terminal": False,
            "user": {"uid": 65534, "gid": 65534},
            "args": _inside(peers),
            "env": ["PATH=/usr/bin:/bin"],
            "cwd": "/var/task",
            "noNewPrivileges": True,
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
        },
        "root": {"path": "rootfs", "readonly": False},
        "mounts": mounts,
        "linux": {
            "namespaces": namespaces,
            "resources": {
                "memory": {"limit": MEMORY_MB * 2**20},
                "cpu": quota,
                "pids": {"limit": 1024},
            },
        },
    }


# --- what of it is the kernel's ----------------------------------------------------------------


def cgroup_attach_us() -> float | None:
    """Microseconds to move one process into a new cgroup of each hierarchy that limits it.

    None if this is not root's machine. Where it is milliseconds (cgroup v1 without favordynmods
    waits for an RCU grace period), nothing that attaches on the client's path can be fast.
    """
    name = f"bench-{os.getpid()}"
    groups = []
    for line in Path("/proc/mounts").read_text().splitlines():
        _, mount, kind, options, *_ = line.split()
        limits = {"memory", "cpu", "pids", "freezer"} & set(options.split(","))
        if kind == "cgroup2" or (kind == "cgroup" and limits):
            groups.append(Path(mount) / name)
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(0)
    made = []
    try:
        for group in groups:
            group.mkdir()
            made.append(group)
        time.sleep(0.05)  # back to back, the kernel merges grace periods and hides the cost
        begun = time.perf_counter_ns()
        for group in made:
            (group / "cgroup.procs").write_text(str(pid))
        return (time.perf_counter_ns() - begun) / 1000
    except OSError:
        return None
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        for group in made:
            with contextlib.suppress(OSError):
                group.rmdir()
