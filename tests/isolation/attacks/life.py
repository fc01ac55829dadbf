"""Going on when nobody asked: threads, children, daemons, timers, connections."""

import ctypes
import mmap
import os
import signal
import struct
import sys
import threading
import time
from typing import Any

COUNTS = mmap.mmap(-1, 16)  # shared with the child: a thread's count, a child's count
TICKS: dict[str, float] = {"gap_s": 0.0, "fired": 0.0}
LOOKED, FIRED = threading.Event(), threading.Event()


def begin_counting() -> None:
    """A thread and a child that never stop."""
    if os.fork() == 0:
        _count(8)
    threading.Thread(target=_count, args=(0,), daemon=True).start()
    sys.setswitchinterval(0.0005)
    go_on()


def go_on() -> None:
    """Return once both have counted on."""
    before = counts()
    while any(now == then for now, then in zip(counts(), before, strict=True)):
        time.sleep(0.001)


def counts() -> list[int]:
    return list(struct.unpack("=QQ", COUNTS[:16]))


def _count(at: int) -> None:
    # Not struct.pack_into: it writes zeros first, which others may see.
    count = ctypes.c_uint64.from_buffer(COUNTS, at)
    while True:
        count.value += 1


def watch_clocks(timer_s: float) -> None:
    """A thread that looks at the clock all the time, and a timer."""

    def look() -> None:
        last = time.monotonic()
        while True:
            time.sleep(0.01)
            now = time.monotonic()
            TICKS["gap_s"] = max(TICKS["gap_s"], now - last)
            last = now
            LOOKED.set()

    def fire() -> None:
        TICKS["fired"] = time.time()
        FIRED.set()

    threading.Thread(target=look, daemon=True).start()
    timer = threading.Timer(timer_s, fire)
    timer.daemon = True
    timer.start()


def ticks() -> dict[str, float]:
    """Once the timer has fired, and the other thread has looked since this was asked."""
    FIRED.wait()
    LOOKED.clear()
    LOOKED.wait()
    return TICKS


def daemon() -> int:
    """A process in a session of its own, whose parent is gone; it wants to stay."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return os.getpid()
    os.setsid()
    if os.fork():
        os._exit(0)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    while True:
        signal.pause()


def stay_after_sigterm() -> None:
    for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    while True:
        pass


def stop_yourself() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def kill_the_group() -> None:
    os.killpg(0, signal.SIGKILL)


def kill_everybody() -> None:
    """From a child, which is the only one left after it."""
    if os.fork() == 0:
        os.kill(-1, signal.SIGKILL)
        signal.pause()
    signal.pause()


def crash(how: str) -> Any:
    match how:
        case "exit 0":
            sys.exit()
        case "exit 7":
            sys.exit(7)
        case "_exit 1":
            os._exit(1)
        case "abort":
            os.abort()
        case "null pointer":
            ctypes.string_at(0)
        case "close everything":
            os.closerange(0, 1024)
        case _:
            raise AssertionError(how)


def close_standard_streams() -> str:
    for fd in (0, 1, 2):
        os.close(fd)
    files = [open("/dev/null", "w") for _ in range(9)]  # noqa: PTH123, SIM115
    print("nowhere")
    return f"{files[0].fileno()}, and still here"


def terminate_a_child() -> int:
    """What SIGTERM does to a program of ours that does not mind it."""
    pid = os.fork()
    if pid == 0:
        os.execv("/bin/sleep", ["sleep", "60"])
    time.sleep(0.05)
    os.kill(pid, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
