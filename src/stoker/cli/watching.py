"""A folder that is watched (inotify): its state is known, and its owner told when that changes.

Links are not followed, neither out of the folder nor around in it, and what never is deployed is
not looked at. A folder that appears is watched first and then looked through, so that nothing in it
is missed; whatever the kernel could not tell us of is found by looking again.
"""

import asyncio
import ctypes
import errno
import os
import stat
import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from stoker.cli.package import LEFT_OUT
from stoker.core.folder_state import Facts, FolderState

QUIET_S = 0.005  # a save is several changes; it is over when nothing changed for so long
LATEST_S = 0.05  # or after that: there are programs that never stop writing
_EVENT = struct.Struct("iIII")
_BUFFER_BYTES = 65536

_MODIFY, _ATTRIB, _CLOSE_WRITE = 0x2, 0x4, 0x8
_MOVED_FROM, _MOVED_TO, _CREATE, _DELETE = 0x40, 0x80, 0x100, 0x200
_DELETE_SELF, _MOVE_SELF = 0x400, 0x800
_OVERFLOW, _IGNORED = 0x4000, 0x8000
_ONLY_DIR, _DONT_FOLLOW, _EXCL_UNLINK, _IS_DIR = 0x1000000, 0x2000000, 0x4000000, 0x40000000
_MASK = (
    _MODIFY | _ATTRIB | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _DELETE_SELF
    | _MOVE_SELF | _ONLY_DIR | _DONT_FOLLOW | _EXCL_UNLINK
)  # fmt: skip
_libc = ctypes.CDLL(None, use_errno=True)


class Watch:
    """From the constructor to close(); in an event loop. Raise OSError."""

    def __init__(self, root: Path, changed: Callable[[], None], *, deep: bool = True) -> None:
        """`changed` is called after a save, or many. deep: also what is in folders of it."""
        self.root = root
        self.state = FolderState()
        self.gone = False  # or moved: it is watched no more
        self.doors: set[str] = set()  # what leads to other programs, and is open to functions
        self._changed = changed
        self._deep = deep
        self._loop = asyncio.get_running_loop()
        self._folders: dict[int, str] = {}  # what is watched, by the kernel's number
        self._writes: Counter[str] = Counter()
        self._due: asyncio.TimerHandle | None = None
        self._first = 0.0  # of the changes that are not told yet
        self._fd = _checked(_libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), "watch folders")
        try:
            self._look("")
        except BaseException:
            os.close(self._fd)
            raise
        self._loop.add_reader(self._fd, self._heard)

    def close(self) -> None:
        if self._fd >= 0:
            self._loop.remove_reader(self._fd)
            os.close(self._fd)
            self._fd = -1
        if self._due is not None:
            self._due.cancel()

    # ---- looking ----

    def _look(self, folder: str) -> None:
        """Watch it and what is below it, and take in what is there."""
        todo = [folder]
        while todo:
            here = todo.pop()
            if not self._watch(here):
                continue
            try:
                with os.scandir(self.root / here) as entries:
                    for entry in entries:
                        path = f"{here}/{entry.name}" if here else entry.name
                        if not entry.is_dir(follow_symlinks=False):
                            self._take(path)
                        elif self._deep and entry.name not in LEFT_OUT:
                            todo.append(path)
            except OSError:
                continue  # it is gone again, or closed to us: then it is to functions, too

    def _watch(self, folder: str) -> bool:
        """False: it is gone again, or closed to us."""
        path = os.fsencode(self.root / folder)
        try:
            number = _checked(
                _libc.inotify_add_watch(self._fd, path, _MASK), f"watch {os.fsdecode(path)}"
            )
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise OSError(
                    f"cannot watch all folders of {self.root}: the system allows no more "
                    "(sysctl fs.inotify.max_user_watches)"
                ) from error
            if not folder:
                raise
            return False
        self._folders[number] = folder
        return True

    def _take(self, path: str, mask: int = 0) -> None:
        """What there is now by this name, if it is no folder."""
        try:
            found = os.lstat(self.root / path)
        except OSError:
            self._drop(path)
            return
        kind = found.st_mode
        if mask & _MODIFY:
            self._writes[path] += 1
        if _is_door(kind):
            self.doors.add(path)
        else:
            self.doors.discard(path)
        if not stat.S_ISDIR(kind):
            facts = Facts(found.st_mtime_ns, found.st_size, found.st_ino, kind, self._writes[path])
            self.state.put(path, facts)

    def _drop(self, path: str) -> None:
        self.state.put(path, None)
        self._writes.pop(path, None)
        self.doors.discard(path)

    # ---- hearing ----

    def _heard(self) -> None:
        try:
            data = os.read(self._fd, _BUFFER_BYTES)
        except BlockingIOError:
            return
        before, at = self.state.fingerprint, 0
        while at < len(data) and not self.gone:
            number, mask, _, size = _EVENT.unpack_from(data, at)
            at += _EVENT.size
            name = os.fsdecode(data[at : at + size].rstrip(b"\0"))
            at += size
            self._happened(number, mask, name)
        if self.gone or before != self.state.fingerprint:
            self._tell()

    def _happened(self, number: int, mask: int, name: str) -> None:
        if mask & _OVERFLOW:
            self._look_again()
            return
        folder = self._folders.get(number)
        if mask & _IGNORED:
            self._folders.pop(number, None)
        if folder is None:
            return
        if mask & (_DELETE_SELF | _MOVE_SELF):
            self.gone = self.gone or not folder
            return
        path = f"{folder}/{name}" if folder else name
        if not mask & _IS_DIR:
            self._take(path, mask)
        elif mask & _MOVED_FROM:
            self._forget(path)  # of one that is removed, all that was in it has gone before
        elif mask & (_CREATE | _MOVED_TO) and self._deep and name not in LEFT_OUT:
            self._look(path)

    def _forget(self, folder: str) -> None:
        """It has moved, with all that is in it."""
        self.state.drop_below(folder)
        below = f"{folder}/"
        self.doors = {door for door in self.doors if not door.startswith(below)}
        for number, path in list(self._folders.items()):
            if path == folder or path.startswith(below):
                del self._folders[number]
                _libc.inotify_rm_watch(self._fd, number)  # moved: it is watched anew, or is out

    def _look_again(self) -> None:
        """More happened than could be told."""
        self.state, self.doors = FolderState(), set()
        if self.root.is_dir():
            self._look("")
        else:
            self.gone = True

    def _tell(self) -> None:
        now = self._loop.time()
        if self._due is None:
            self._first = now
        else:
            self._due.cancel()
        when = now if self.gone else min(now + QUIET_S, self._first + LATEST_S)
        self._due = self._loop.call_at(when, self._told)

    def _told(self) -> None:
        self._due = None
        self._changed()


def _is_door(mode: int) -> bool:
    """Would a function that sees it reach whoever is at its other end?"""
    if stat.S_ISSOCK(mode):
        return bool(mode & stat.S_IWOTH)
    return stat.S_ISFIFO(mode) and bool(mode & (stat.S_IROTH | stat.S_IWOTH))


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot {what}: {os.strerror(number)}")
    return result
