"""A copy of a snapshot's /tmp, whose every name, link and byte is its user's.

Made in a process of its own that has the sandbox's root for its root. Nothing is opened through a
symbolic link and every name is taken in a directory that is open, so that whoever moves things
about meanwhile makes the copy fail, and never lead elsewhere. What is in the snapshot is kept as
it is: owners, modes, times, holes, hard links and attributes.
"""

import errno
import os
import signal
import stat
from typing import NamedTuple, NoReturn

from stoker.sandbox.namespaces import syscalls as sys_

MOST_DEEP = 200  # directories in each other: two descriptors each
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_CHUNK = 1 << 24


class _Level(NamedTuple):
    """A directory under way: both are open, so that nobody can put another in its place."""

    source: int
    target: int
    path: str  # of its copy, below the whole copy
    names: list[str]


def copy_and_exit(pid: int, target: int) -> NoReturn:
    """In a child of the launcher: copy the /tmp that the process sees into an open directory."""
    sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.chroot(f"/proc/{pid}/root")
    os.chdir("/")
    source = os.open("/tmp", _FOLDER)
    try:
        copy(source, target)
    except OSError:
        os._exit(1)
    os._exit(0)


def copy(source: int, target: int) -> None:
    """Copy what is in a directory into an empty one. Raise OSError, with a part of it copied."""
    linked: dict[int, str] = {}  # copies of files with several names, by the file's number
    levels = [_Level(source, target, ".", os.listdir(source))]
    try:
        while levels:
            level = levels[-1]
            if level.names:
                below = _copy_one(level, level.names.pop(), target, linked)
                if below is not None:
                    levels.append(below)
                if len(levels) > MOST_DEEP:
                    raise OSError(errno.ENAMETOOLONG, "directories are too deep in each other")
                continue
            levels.pop()
            if levels:
                _dress(level.source, level.target)
                _close(level)
    finally:
        for level in levels[1:]:
            _close(level)


def _close(level: _Level) -> None:
    os.close(level.source)
    os.close(level.target)


def _copy_one(level: _Level, name: str, whole: int, linked: dict[int, str]) -> _Level | None:
    """Copy one name; of a directory, only itself: the answer is what is left to do."""
    facts = os.stat(name, dir_fd=level.source, follow_symlinks=False)
    path = f"{level.path}/{name}"
    if stat.S_ISDIR(facts.st_mode):
        os.mkdir(name, 0o700, dir_fd=level.target)
        source = os.open(name, _FOLDER, dir_fd=level.source)
        try:
            names = os.listdir(source)
            return _Level(source, os.open(name, _FOLDER, dir_fd=level.target), path, names)
        except OSError:
            os.close(source)
            raise
    if facts.st_ino in linked:
        os.link(linked[facts.st_ino], name, src_dir_fd=whole, dst_dir_fd=level.target,
                follow_symlinks=False)  # fmt: skip
        return None
    if facts.st_nlink > 1:
        linked[facts.st_ino] = path
    if stat.S_ISREG(facts.st_mode):
        _copy_file(level, name)
        return None
    if stat.S_ISLNK(facts.st_mode):
        os.symlink(os.readlink(name, dir_fd=level.source), name, dir_fd=level.target)
    elif stat.S_ISFIFO(facts.st_mode) or stat.S_ISSOCK(facts.st_mode):
        os.mknod(name, facts.st_mode, dir_fd=level.target)
    else:
        raise OSError(errno.EINVAL, "a device cannot be copied")
    _own(name, level.target, facts)
    return None


def _own(name: str, folder: int, facts: os.stat_result) -> None:
    os.chown(name, facts.st_uid, facts.st_gid, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISLNK(facts.st_mode):
        os.chmod(name, stat.S_IMODE(facts.st_mode), dir_fd=folder)
    times = (facts.st_atime_ns, facts.st_mtime_ns)
    os.utime(name, ns=times, dir_fd=folder, follow_symlinks=False)


def _copy_file(level: _Level, name: str) -> None:
    source = os.open(name, _READ, dir_fd=level.source)
    try:
        if not stat.S_ISREG(os.fstat(source).st_mode):
            raise OSError(errno.EAGAIN, "a file is not what it was")
        target = os.open(name, _CREATE, 0o600, dir_fd=level.target)
        try:
            _copy_data(source, target)
            _dress(source, target)
        finally:
            os.close(target)
    finally:
        os.close(source)


def _copy_data(source: int, target: int) -> None:
    """What is written of it: what is not costs nothing, here as there."""
    size, at = os.fstat(source).st_size, 0
    os.ftruncate(target, size)
    while at < size:
        try:
            at = os.lseek(source, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a hole to its end
                return
            raise
        end = min(os.lseek(source, at, os.SEEK_HOLE), size)
        os.lseek(target, at, os.SEEK_SET)
        while at < end:
            sent = os.sendfile(target, source, at, min(end - at, _CHUNK))
            if not sent:
                return  # it has become shorter
            at += sent


def _dress(source: int, target: int) -> None:
    """Owner, mode, attributes and times. In this order: a new owner takes set-uid bits away."""
    facts = os.fstat(source)
    os.fchown(target, facts.st_uid, facts.st_gid)
    os.fchmod(target, stat.S_IMODE(facts.st_mode))
    for name in os.listxattr(source):
        if name.startswith(("user.", "system.posix_acl_")):
            os.setxattr(target, name, os.getxattr(source, name))
    os.utime(target, ns=(facts.st_atime_ns, facts.st_mtime_ns))
