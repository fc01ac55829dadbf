"""Taking more than one's share."""

import errno
import os
import resource
import signal
import threading
import time
from pathlib import Path
from typing import Any

MIB = 1 << 20


def memory() -> None:
    held = []
    while True:
        held.append(bytearray(MIB))


def memory_of_a_child() -> int:
    """The child eats; how it ended."""
    pid = os.fork()
    if pid == 0:
        memory()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def processes() -> dict[str, Any]:
    """As many as there can be; then none of them any more."""
    gate_r, gate_w = os.pipe()
    children: list[int] = []
    why = ""
    while not why:
        try:
            pid = os.fork()
        except OSError as error:
            why = errno.errorcode[error.errno or 0]
            break
        if pid == 0:
            os.close(gate_w)
            os.read(gate_r, 1)
            os._exit(0)
        children.append(pid)
    os.close(gate_w)
    os.close(gate_r)
    for pid in children:
        os.waitpid(pid, 0)
    return {"count": len(children), "why": why}


def bomb() -> None:
    """Every child forks for ever."""
    while True:
        try:
            os.fork()
        except OSError:
            continue


def threads() -> dict[str, Any]:
    over = threading.Event()
    started: list[threading.Thread] = []
    why = ""
    while not why:
        thread = threading.Thread(target=over.wait)
        try:
            thread.start()
        except RuntimeError as error:
            why = str(error)
        else:
            started.append(thread)
    over.set()
    for thread in started:
        thread.join()
    return {"count": len(started), "why": why}


def files() -> dict[str, Any]:
    """10,000 open files."""
    held = []
    why = ""
    try:
        while len(held) < 10_000:
            held.append(os.open("/dev/null", os.O_RDONLY))
    except OSError as error:
        why = errno.errorcode[error.errno or 0]
    for fd in held:
        os.close(fd)
    return {"count": len(held), "why": why}


def disk() -> dict[str, Any]:
    """Fill /tmp: reserve most of it, write the rest."""
    path = Path("/tmp/full")
    why = ""
    with path.open("wb", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, 440 * MIB)
        file.seek(0, os.SEEK_END)
        try:
            while True:
                file.write(bytes(MIB))
        except OSError as error:
            why = errno.errorcode[error.errno or 0]
        return {"size_mb": file.tell() / MIB, "why": why}


def disk_again() -> int:
    """Make room, and use it."""
    path = Path("/tmp/full")
    path.unlink()
    return path.write_bytes(bytes(MIB))


def cpu(wall_s: float) -> dict[str, float]:
    """The share of a core that a busy loop gets."""
    began, used = time.monotonic(), _used_s()
    while time.monotonic() - began < wall_s:
        pass
    return {"share": (_used_s() - used) / (time.monotonic() - began)}


def _used_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def keep_shared_memory(mb: int) -> int:
    """System V segments outlive their makers."""
    import ctypes

    libc = ctypes.CDLL(None)
    libc.shmat.restype = ctypes.c_void_p
    for key in range(1, mb // 8 + 1):
        segment = libc.shmget(key, 8 * MIB, 0o1600)
        ctypes.memset(libc.shmat(segment, None, 0), 1, 8 * MIB)
    os.kill(os.getpid(), signal.SIGKILL)
    return 0
