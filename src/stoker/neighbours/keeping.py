"""In the child: what the neighbours keep comes to the disk soon after it changes, and back.

    changed() ──► a thread, a moment later ──► fork ──► the copy writes, while we go on answering
                                                          kept/state.new, fsync, rename

Who is killed loses what has changed since the last copy that came to its end. The file is of one
moment, so that services agree with each other; of a request that was under way it may have half.
"""

import ctypes
import errno
import gc
import json
import os
import platform
import resource
import select
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import moto

from stoker.neighbours import bodies, kept, pickles
from stoker.neighbours.kept import Head, Unreadable

FORMAT = 1
PAUSE_S = 0.5  # between a change and its file: others may come at the same time
SHARE = 4  # files take at most one part of so many of the time
WRITE_S = 120.0  # the longest that one may take
STARTS = 3  # so often it may be the end of who reads it
DEPTH = 50_000  # of what is nested: requests can nest about a thousand, each a few levels here
STACK_BYTES = 256 * 1024**2  # of address space, for that
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


class Keeping:
    def __init__(self, most_bytes: int, complain: Callable[[str], None]) -> None:
        """In the working directory. `most_bytes`: of all that lies there."""
        self._most = most_bytes
        self._complain = complain
        self._state = kept.FOLDER / kept.STATE
        self._starts = kept.FOLDER / "starts"
        self._bodies = bodies.install(kept.FOLDER / kept.BODIES, most_bytes)
        self._news = threading.Event()
        self._ended = threading.Event()
        self._one = threading.Lock()  # at a time
        self._said: set[str] = set()  # of the last one
        self._has_schedules: Callable[[], bool] = lambda: False

    def start(self, has_schedules: Callable[[], bool]) -> None:
        self._has_schedules = has_schedules
        threading.Thread(target=self._run, name="keeping", daemon=True).start()

    def changed(self) -> None:
        self._news.set()

    def close(self) -> None:
        """Keep what there is, and no more."""
        self._ended.set()
        self._keep()

    # ---- to the disk ----

    def _run(self) -> None:
        pause_s = PAUSE_S
        while True:
            self._news.wait()
            if self._ended.wait(pause_s):
                return
            began = time.monotonic()
            self._keep()
            pause_s = max(PAUSE_S, (SHARE - 1) * (time.monotonic() - began))

    def _keep(self) -> None:
        with self._one:
            self._news.clear()
            unsynced, dead = self._bodies.take_news()
            try:
                left_out = self._written_by_a_copy(unsynced)
            except (OSError, ValueError) as failure:
                self._bodies.give_back(unsynced, dead)
                self._say({f"nothing is kept across restarts at the moment: {failure}"})
                return
            self._bodies.remove(dead)
            self._say({f"{what} is not kept across restarts: {why}" for what, why in left_out})

    def _say(self, complaints: set[str]) -> None:
        """Each as long as it is new."""
        for one in sorted(complaints - self._said):
            self._complain(one)
        self._said = complaints

    def _written_by_a_copy(self, unsynced: set[str]) -> list[tuple[str, str]]:
        """What it left out, and why. Raise OSError, or ValueError with its reason."""
        room = self._bodies.free_bytes()  # here: the copy must not wait for anybody's lock
        theirs, ours = os.pipe()
        head = Head(
            FORMAT, moto.__version__, platform.python_version(), time.time(), self._has_schedules()
        )
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                _answer(ours, lambda: self._write(head, unsynced, parent, room))
            finally:
                os._exit(0)
        os.close(ours)
        try:
            said = json.loads(_read(theirs, time.monotonic() + WRITE_S) or b'"it was ended"')
        finally:
            os.close(theirs)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if isinstance(said, str):
            raise ValueError(said)
        return [(what, why) for what, why in said]

    def _write(
        self, head: Head, unsynced: set[str], parent: int, room: int
    ) -> list[tuple[str, str]]:
        """In the copy, which has this thread only: a lock that another one held stays held."""
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        gc.disable()
        new = self._state.with_suffix(f".{os.getpid()}")
        try:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
            with open(new, "xb", opener=_private) as file:
                file.write(kept.line(head))
                left_out = pickles.write(file)
                file.flush()
                os.fsync(file.fileno())
            for name in unsynced:
                with suppress(FileNotFoundError):
                    _sync(self._bodies.path(name))
            _sync(kept.FOLDER / kept.BODIES)
            if os.getppid() == parent:  # else somebody else may be there already
                new.rename(self._state)
                _sync(kept.FOLDER)
        finally:
            new.unlink(missing_ok=True)
        return [(f"{unit.service} of {unit.account}", why) for unit, why in left_out.items()]

    # ---- from the disk ----

    def recover(self) -> float | None:
        """Call once, before the first request: from when it is, if anything was kept. What cannot
        be read is moved aside."""
        for left in kept.FOLDER.glob(f"{kept.STATE}.*"):
            left.unlink()
        try:
            at = self._read()
        except FileNotFoundError:
            at = None
        except Exception as failure:  # noqa: BLE001 - whatever it is, we start
            self._set_aside(failure)
            at = None
        self._starts.unlink(missing_ok=True)
        self._bodies.remove_unknown()
        return at

    def _read(self) -> float:
        with self._state.open("rb") as file:
            head = kept.read(file)
            if (head.format, head.moto) != (FORMAT, moto.__version__):
                raise Unreadable(f"it is of moto {head.moto}, and this is {moto.__version__}")
            before = int(self._starts.read_text() or 0) if self._starts.exists() else 0
            if before >= STARTS:
                raise Unreadable(f"reading it has ended the process {before} times")
            self._starts.write_text(str(before + 1))
            gc.disable()
            try:
                pickles.read(file)
            finally:
                gc.enable()
        return head.at

    def _set_aside(self, failure: Exception) -> None:
        aside = Path(kept.ASIDE)
        shutil.rmtree(aside, ignore_errors=True)
        kept.FOLDER.rename(aside)
        self._bodies = bodies.install(kept.FOLDER / kept.BODIES, self._most)
        self._complain(f"what was kept is not read, and now in {aside}: {failure}")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _answer(pipe: int, work: Callable[[], Any]) -> None:
    """In the copy: do it with a deep stack, and write what comes of it, as JSON, a text if it
    failed. Nothing else of what the process had open stays open."""
    os.closerange(0, pipe)
    os.closerange(pipe + 1, os.sysconf("SC_OPEN_MAX"))

    def deeply() -> None:
        try:
            said = work()
        except Exception as failure:  # noqa: BLE001 - the other side says it
            said = _in_words(failure)
        with open(pipe, "w") as answer:
            json.dump(said, answer)

    sys.setrecursionlimit(DEPTH)
    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=deeply)
    thread.start()
    thread.join()


def _in_words(failure: Exception) -> str:
    if isinstance(failure, OSError) and failure.errno == errno.EFBIG:
        return "neighbours_disk_mb is used up, or the disk is full"
    return str(failure) or type(failure).__name__


def _read(pipe: int, deadline: float) -> bytes:
    """To the end, or what there is by then."""
    found = bytearray()
    while select.select([pipe], [], [], max(deadline - time.monotonic(), 0))[0]:
        piece = os.read(pipe, 65536)
        if not piece:
            return bytes(found)
        found += piece
    return b""
