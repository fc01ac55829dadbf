"""A zygote: an initialised interpreter inside a template's root, which forks sandboxes.

The launcher sends one packet per sandbox. `birth.c` forks: its PID 1 appears in namespaces and
cgroups of its own, without privileges, and (managed Python) a runtime process beside it, which
comes back into Python here, rehearses, and waits to be given a function. Trusted code only runs
until then: the user's begins after everything has been dropped.

Standard library only, syntax of Python 3.8: it runs under the function's interpreter.
"""

from __future__ import annotations

import array
import ctypes
import gc
import json
import os
import signal
import socket
import struct
import sys
from typing import Any, Callable, NoReturn, Optional  # noqa: UP035 (Python 3.8)

from stoker.sandbox.namespaces import original, parked, trial
from stoker.sandbox.namespaces import syscalls as sys_

SETTINGS_VARIABLE = "STOKER_ZYGOTE"
BIRTH = "/.stoker/birth.so"
REQUEST = struct.Struct("=3i")  # slot, uid outside, birthplace?; + descriptors: birth.c, serve()
REPORT = struct.Struct("=4i")  # slot, pid of its init, failed step (0: none), errno
STEPS = (
    "", "join its cgroups", "enter its network namespace", "make its namespaces", "mount its /tmp",
    "fork", "mount its /proc", "set its limits", "make its user namespace", "map its user",
    "take its uid", "drop its privileges", "install its seccomp filter", "start its init",
)  # fmt: skip
MASKED = (
    "kcore", "keys", "key-users", "sysrq-trigger", "timer_list", "sched_debug", "kmsg", "kallsyms",
    "modules", "swaps", "interrupts", "diskstats", "partitions", "locks",
)  # fmt: skip
_GO = 10  # birth.c: FD_DIRECTORY
_MOST_FILLED = 128 * 1024  # bytes of one size class, whatever an interpreter's allocator does
_FIRST_PLACE = 48  # of a pool, behind its head
OUTPUTS = ("stdout", "stderr", "frames")  # names of the ends that the server reads
_PROGRAM_ENVIRON = {  # until it knows its function's; what a customer may set of it starts anew
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib"
    ":/var/task:/var/task/lib:/opt/lib",
    "LANG": "en_US.UTF-8",
    "TZ": ":UTC",
}


class Settings:
    """What every sandbox of this zygote has in common."""

    def __init__(
        self, uid: int, gid: int, root: int, seccomp: bytes, files: int, processes: int
    ) -> None:
        self.uid = uid  # inside
        self.gid = gid
        self.root = root  # outside, of what looks like root's inside (idmap.py)
        self.seccomp = seccomp
        self.files = files  # RLIMIT_NOFILE
        self.processes = processes  # RLIMIT_NPROC, or 0 for none


Start = Callable[[], NoReturn]
"""What a runtime's process does, when it was born: descriptor 10 leads to the server then."""
Main = Callable[[Any, Optional[Callable[[int], int]]], NoReturn]  # noqa: UP045 (Python 3.8)
"""Be the runtime of these variables; to be called while it waits on a descriptor, until not 0."""


class Copy:
    """A runtime that is a copy of its zygote: a Start."""

    def __init__(self, main: Main, live: Callable[[], None], rehearse: Callable[[], None]) -> None:
        self.main = main
        self.live = live  # in the zygote
        self.rehearse = rehearse  # before it is wanted
        self.fillers: list[object] = []
        self.original: original.Original | None = None

    def __call__(self) -> NoReturn:
        at_rest = self.original.at_rest if self.original else None
        go = socket.socket(fileno=_GO)
        parked.park(go, lambda environ: self.main(environ, at_rest), self.rehearse)

    def learn(self, proc: int, birth: ctypes.PyDLL, hooks: bool) -> bytes:
        """The memory that it will touch (trial.py); if that is known, it rehearses nothing."""
        rehearse, self.rehearse = self.rehearse, lambda: None
        settle = lambda: self.settle(proc, birth, b"")  # noqa: E731 (it is that short)
        spans = trial.spans(proc, settle, lambda: _fork(hooks), self._on_trial)
        if not spans:
            self.rehearse = rehearse
        self.live()
        return spans

    def settle(self, proc: int, birth: ctypes.PyDLL, spans: bytes) -> None:
        """The last that this process does of Python: what it writes to from now on, children have
        to copy for good."""
        self.original = original.Original(proc, birth)
        gc.collect()
        self.fillers = fill_gaps()
        gc.freeze()
        self.original.take(spans, trial.SPAN.size)

    def _on_trial(self, go: socket.socket) -> NoReturn:
        _run(lambda: parked.park(go, lambda environ: self.main(environ, None), self.rehearse))


def program(command: list[str]) -> Start:
    """A runtime that is a program of its own, started ahead in each sandbox.

    It says "ready" on descriptor 10 and reads there, as a packet, what it is to run. It cannot
    be given descriptors that way, so it gets its pipes now: their other ends go to the server.
    """

    def start() -> NoReturn:
        go = socket.socket(fileno=_GO)
        pipes, numbers = [os.pipe() for _ in OUTPUTS], [1, 2, parked.FRAMES_FD]
        ends = array.array("i", [reader for reader, _ in pipes])
        go.sendmsg([b"pipes"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, ends)])
        for reader, writer in pipes:
            os.dup2(writer, numbers.pop(0))
            os.close(reader)
            os.close(writer)
        os.set_inheritable(_GO, True)
        os.execve(command[0], command, _PROGRAM_ENVIRON)

    return start


class Order(ctypes.Structure):
    """birth.c: struct order."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("proc", "report", "inside_uid", "inside_gid", "root")),
        *((name, ctypes.c_int) for name in ("files", "processes", "runtime", "span_count")),
        ("spans", ctypes.c_char_p),
        ("masks", ctypes.c_char_p),
        ("filter_length", ctypes.c_ushort),
        ("filter", ctypes.c_char_p),
        ("request", ctypes.c_int * 16),
    ]


def serve(
    sock: socket.socket, proc: int, library: str, settings: Settings, runtime: Start | None
) -> NoReturn:
    """Fork sandboxes on request until the launcher hangs up.

    Python's own work around a fork (locks of other threads, the hooks of logging and threading)
    writes to half a megabyte of pages. With a single thread, and nothing imported that must be
    seeded anew, none of it is needed, and it is left out.

    proc: descriptor of the host's /proc directory (the template has none). library: birth.c,
    compiled.
    """
    _restore_signals()
    birth, python = ctypes.PyDLL(library), ctypes.pythonapi
    order = _order(sock.fileno(), proc, settings, runtime is not None)
    hooks = "random" in sys.modules  # and what else came with the SDK
    spans = runtime.learn(proc, birth, hooks) if isinstance(runtime, Copy) else b""
    order.spans, order.span_count = spans, len(spans) // trial.SPAN.size
    _seal()
    sock.send(json.dumps({"ready": os.getpid()}).encode())
    if isinstance(runtime, Copy):
        runtime.settle(proc, birth, spans)
    if hooks:
        python.PyOS_BeforeFork()  # once: from here on this process runs no Python any more
    if birth.serve(ctypes.byref(order)) == 0 and runtime is not None:
        if hooks:
            python.PyOS_AfterFork_Child()
        _run(runtime)
    os._exit(0)


def fill_gaps() -> list[object]:
    """Take every free place between this interpreter's small objects; they stay taken for as
    long as the result is kept.

    CPython puts a new object of up to 512 bytes where one of its size class has gone, be that
    place on a page that a child shares with its zygote; such a page is the child's alone from
    then on. With no gaps left, what children make lies together on new pages, fewer of them.
    """
    pool_bytes = 16384 if sys.version_info >= (3, 10) else 4096  # Objects/obmalloc.c
    fillers: list[object] = []
    for size in range(16, 513, 16):
        for number in range(_MOST_FILLED // size):
            fillers.append(_filler(size, number))
            if id(fillers[-1]) % pool_bytes == _FIRST_PLACE:
                break  # a new pool was begun, so the others of this class are full
    return fillers


def _filler(size: int, number: int) -> object:
    """A new object that takes so many bytes, of no type whose objects the interpreter keeps."""
    if size == 16:
        return object()
    return complex(1, number) if size == 32 else bytes(size - 33)


def _fork(hooks: bool) -> int:
    """As birth.c forks, and without Python's work around it where none is needed."""
    python = ctypes.pythonapi
    if hooks:
        python.PyOS_BeforeFork()
    pid: int = ctypes.PyDLL(None).fork()
    if hooks:
        (python.PyOS_AfterFork_Parent if pid else python.PyOS_AfterFork_Child)()
    return pid


def _run(runtime: Start) -> NoReturn:
    """The new runtime process: PID 1's child, without privileges."""
    try:
        if "threading" in sys.modules:  # our thread has a new number
            sys.modules["threading"].main_thread()._set_native_id()
        runtime()
    finally:
        os._exit(1)


def _order(report: int, proc: int, settings: Settings, has_runtime: bool) -> Order:
    order = Order(proc=proc, report=report, files=settings.files, runtime=has_runtime)
    order.inside_uid, order.inside_gid, order.root = settings.uid, settings.gid, settings.root
    order.processes = settings.processes
    order.masks = b"".join(b"/proc/%s\0" % name.encode() for name in MASKED) + b"\0"
    order.filter, order.filter_length = settings.seccomp, len(settings.seccomp) // 8
    return order


def _restore_signals() -> None:
    """As in a process that was started by hand: what the launcher ignores, functions must not."""
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        if number not in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores these two itself
            signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


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
    bootstrap.prepare()
    runtime = Copy(bootstrap.main, bootstrap.live, bootstrap.rehearse)
    serve(sock, proc, BIRTH, settings, runtime)


def read_settings(text: str) -> tuple[Settings, dict[str, Any]]:
    data = json.loads(text)
    seccomp = bytes.fromhex(data["seccomp"])
    ids = data["uid"], data["gid"], data["root"]
    return Settings(*ids, seccomp, data["files"], data["processes"]), data
