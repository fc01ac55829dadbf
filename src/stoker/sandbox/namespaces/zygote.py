"""A zygote: an initialised interpreter inside a template's root, which forks sandboxes.

The launcher sends one packet per sandbox. `birth.c` forks: its PID 1 appears in namespaces and
cgroups of its own, without privileges, and (managed Python) a runtime process beside it, which
comes back into Python here, rehearses, and waits to be given a function. Trusted code only runs
until then: the user's begins after everything has been dropped.

Standard library only, syntax of Python 3.8: it runs under the function's interpreter.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import socket
import struct
import sys
from typing import Any, Callable, NoReturn  # noqa: UP035 (Python 3.8)

from stoker.sandbox.namespaces import parked
from stoker.sandbox.namespaces import syscalls as sys_

SETTINGS_VARIABLE = "STOKER_ZYGOTE"
BIRTH = "/.stoker/birth.so"
REQUEST = struct.Struct("=2i")  # slot, uid outside; + descriptors: see serve()
REPORT = struct.Struct("=4i")  # slot, pid of its init, failed step (0: none), errno
STEPS = (
    "", "join its cgroups", "enter its network namespace", "make its namespaces", "mount its /tmp",
    "fork", "mount its /proc", "set its limits", "make its user namespace", "map its user",
    "take its uid", "drop its privileges", "install its seccomp filter", "start its init",
)  # fmt: skip
_MASKED = (
    "kcore", "keys", "key-users", "sysrq-trigger", "timer_list", "sched_debug", "kmsg", "kallsyms",
    "modules", "swaps", "interrupts", "diskstats", "partitions", "locks",
)  # fmt: skip
_GO = 10  # birth.c: FD_DIRECTORY


class Settings:
    """What every sandbox of this zygote has in common."""

    def __init__(self, uid: int, gid: int, root: int, seccomp: bytes, files: int) -> None:
        self.uid = uid  # inside
        self.gid = gid
        self.root = root  # outside, of what looks like root's inside (idmap.py)
        self.seccomp = seccomp
        self.files = files  # RLIMIT_NOFILE


class Runtime:
    """The managed runtime's entry points; None where the runtime is the user's own program."""

    def __init__(self, main: Callable[[Any], NoReturn], rehearse: Callable[[], None]) -> None:
        self.main = main
        self.rehearse = rehearse


class Order(ctypes.Structure):
    """birth.c: struct order."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("net", "tmp", "init", "ctl", "go", "proc", "report")),
        *((name, ctypes.c_int) for name in ("slot", "uid", "inside_uid", "inside_gid", "root")),
        *((name, ctypes.c_int) for name in ("files", "runtime")),
        ("entrances", ctypes.c_int * 8),
        ("masks", ctypes.c_char_p),
        ("filter_length", ctypes.c_ushort),
        ("filter", ctypes.c_char_p),
    ]


def serve(
    sock: socket.socket, proc: int, library: str, settings: Settings, runtime: Runtime | None
) -> None:
    """Fork sandboxes on request until the launcher hangs up.

    proc: descriptor of the host's /proc directory (the template has none). library: birth.c,
    compiled. A request's descriptors: network namespace, /tmp, init, ctl, go, cgroup entrances.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    birth = ctypes.PyDLL(library).birth
    python = ctypes.pythonapi
    order = _order(sock.fileno(), proc, settings, runtime is not None)
    _seal()
    gc.collect()
    gc.freeze()
    sock.send(json.dumps({"ready": os.getpid()}).encode())
    while True:
        data, fds = parked.receive(sock)
        if not data:
            return
        order.slot, order.uid = REQUEST.unpack(data)
        order.net, order.tmp, order.init, order.ctl, order.go, *entrances = fds
        order.entrances[: len(entrances) + 1] = [*entrances, -1]
        python.PyOS_BeforeFork()
        pid = birth(ctypes.byref(order))
        if pid == 0 and runtime is not None:
            python.PyOS_AfterFork_Child()
            _run(runtime)
        python.PyOS_AfterFork_Parent()
        for fd in fds:
            os.close(fd)
        os.waitpid(pid, 0)


def _run(runtime: Runtime) -> NoReturn:
    """The new runtime process: PID 1's child, without privileges."""
    try:
        parked.park(socket.socket(fileno=_GO), runtime.main, runtime.rehearse)
    finally:
        os._exit(1)


def _order(report: int, proc: int, settings: Settings, has_runtime: bool) -> Order:
    order = Order(proc=proc, report=report, files=settings.files, runtime=has_runtime)
    order.inside_uid, order.inside_gid, order.root = settings.uid, settings.gid, settings.root
    order.masks = b"".join(b"/proc/%s\0" % name.encode() for name in _MASKED) + b"\0"
    order.filter, order.filter_length = settings.seccomp, len(settings.seccomp) // 8
    return order


def _seal() -> None:
    """Our own source leaves the template, and its root becomes read-only."""
    sys_.umount("/.stoker")
    os.rmdir("/.stoker")
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    sys_.mount_setattr(root, sys_.MOUNT_ATTR_RDONLY)
    os.close(root)


def main() -> None:
    """Of a managed language's zygote: executed inside the template by template.py."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    proc = int(sys.argv[2])
    settings, data = read_settings(os.environ.pop(SETTINGS_VARIABLE))
    sys.path.append("/var/runtime")
    import bootstrap  # type: ignore[import-not-found]

    for name in data["preload"]:
        __import__(name)
    sys.path.remove("/var/runtime")
    for _ in range(20):  # the interpreter specialises its code: here once, not in every fork
        bootstrap.rehearse()
    serve(sock, proc, BIRTH, settings, Runtime(bootstrap.main, bootstrap.rehearse))


def read_settings(text: str) -> tuple[Settings, dict[str, Any]]:
    data = json.loads(text)
    seccomp = bytes.fromhex(data["seccomp"])
    return Settings(data["uid"], data["gid"], data["root"], seccomp, data["files"]), data
