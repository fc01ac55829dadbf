"""The Linux calls that Python 3.8 to 3.11 does not have, through ctypes; each raises OSError.

Runs in the launcher and inside zygotes, under the interpreter of the function's runtime: standard
library only, syntax of Python 3.8.
"""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000
MNT_DETACH = 2

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
AT_RECURSIVE = 0x8000
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 0x4
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOATIME = 0x1, 0x2, 0x4, 0x10
_MOUNT_ATTR_IDMAP = 0x00100000
FSCONFIG_SET_FLAG, FSCONFIG_SET_STRING, FSCONFIG_CMD_CREATE = 0, 1, 6

PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP = 1, 4, 22
PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER, PR_SET_NO_NEW_PRIVS = 24, 36, 38
LAST_CAPABILITY = 40
SECCOMP_MODE_FILTER = 2

# Calls newer than Linux 5.0 have one number on every architecture.
_OPEN_TREE, _MOVE_MOUNT, _FSOPEN, _FSCONFIG, _FSMOUNT = 428, 429, 430, 431, 432
_PIDFD_OPEN, _OPENAT2, _MOUNT_SETATTR = 434, 437, 442
_PIDFD_GETFD = 438
_RESOLVE_NO_SYMLINKS, _RESOLVE_BENEATH = 0x04, 0x08
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"cannot {what}: {os.strerror(number)}")
    return result


def _syscall(what: str, number: int, *args: Any) -> int:
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    return _checked(_libc.syscall(ctypes.c_long(number), *converted), what)


def unshare(flags: int) -> None:
    _checked(_libc.unshare(ctypes.c_int(flags)), f"unshare {flags:#x}")


def setns(fd: int, kind: int = 0) -> None:
    _checked(_libc.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "enter namespace")


def mount(source: str, target: str, fstype: str, flags: int, data: str = "") -> None:
    result = _libc.mount(
        source.encode(), target.encode(), fstype.encode(), ctypes.c_ulong(flags), data.encode()
    )
    _checked(result, f"mount {fstype or source} on {target}")


def umount(target: str, flags: int = MNT_DETACH) -> None:
    _checked(_libc.umount2(target.encode(), ctypes.c_int(flags)), f"unmount {target}")


def pivot_root(new_root: str, put_old: str) -> None:
    number = _PIVOT_ROOT[platform.machine()]
    _syscall(f"pivot_root to {new_root}", number, new_root.encode(), put_old.encode())


def open_tree(path: str, recursive: bool = False, dir_fd: int = AT_FDCWD) -> int:
    """A detached copy of the mount at path; attach it with move_mount."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (AT_RECURSIVE if recursive else 0)
    if not path:
        flags |= AT_EMPTY_PATH
    return int(_syscall(f"open_tree {path}", _OPEN_TREE, dir_fd, path.encode(), flags))


class _OpenHow(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("flags", "mode", "resolve")]


def open_beneath(dir_fd: int, path: str) -> int:
    """Open the directory `path` (O_PATH) that lies below dir_fd, through no symbolic link."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
    how = _OpenHow(flags, 0, _RESOLVE_NO_SYMLINKS | _RESOLVE_BENEATH)
    size = ctypes.sizeof(how)
    what = f"open {path}"
    return int(_syscall(what, _OPENAT2, dir_fd, path.encode(), ctypes.byref(how), size))


def move_mount(fd: int, target: str) -> None:
    what = f"attach mount to {target}"
    _syscall(what, _MOVE_MOUNT, fd, b"", AT_FDCWD, target.encode(), MOVE_MOUNT_F_EMPTY_PATH)


class _MountAttr(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


def mount_setattr(fd: int, attributes: int, recursive: bool = False) -> None:
    """Add attributes (MOUNT_ATTR_*) to the mount behind fd."""
    value = _MountAttr(attributes, 0, 0, 0)
    flags = AT_EMPTY_PATH | (AT_RECURSIVE if recursive else 0)
    size = ctypes.sizeof(value)
    _syscall("mount_setattr", _MOUNT_SETATTR, fd, b"", flags, ctypes.byref(value), size)


def mount_idmap(fd: int, user_namespace: int) -> None:
    """Show owners on the detached mounts behind fd as mapped by that user namespace."""
    value = _MountAttr(_MOUNT_ATTR_IDMAP, 0, 0, user_namespace)
    flags = AT_EMPTY_PATH | AT_RECURSIVE
    size = ctypes.sizeof(value)
    _syscall("idmap a mount", _MOUNT_SETATTR, fd, b"", flags, ctypes.byref(value), size)


def new_filesystem(fstype: str, options: dict[str, str | None], attributes: int) -> int:
    """A new, detached mount of fstype. An option whose value is None is a flag."""
    context = _syscall(f"fsopen {fstype}", _FSOPEN, fstype.encode(), 1)
    try:
        for key, value in options.items():
            command = FSCONFIG_SET_FLAG if value is None else FSCONFIG_SET_STRING
            text = None if value is None else value.encode()
            _syscall(f"set {key}={value}", _FSCONFIG, context, command, key.encode(), text, 0)
        _syscall(f"create {fstype}", _FSCONFIG, context, FSCONFIG_CMD_CREATE, None, None, 0)
        return int(_syscall(f"fsmount {fstype}", _FSMOUNT, context, 1, attributes))
    finally:
        os.close(context)


def prctl(option: int, value: int) -> None:
    arguments = [ctypes.c_ulong(n) for n in (value, 0, 0, 0)]
    _checked(_libc.prctl(ctypes.c_int(option), *arguments), f"prctl {option}")


class _SockFprog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def set_seccomp(program: bytes) -> None:
    """Install a classic BPF filter for this process and all it will start."""
    code = _SockFprog(len(program) // 8, program)
    result = _libc.prctl(
        ctypes.c_int(PR_SET_SECCOMP),
        ctypes.c_ulong(SECCOMP_MODE_FILTER),
        ctypes.byref(code),
        ctypes.c_ulong(0),
        ctypes.c_ulong(0),
    )
    _checked(result, "install the seccomp filter")


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


def drop_capabilities() -> None:
    """Give up every effective, permitted and inheritable capability (and so ambient ones)."""
    header = _CapHeader(0x20080522, 0)
    nothing = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(nothing)), "drop capabilities")


def sethostname(name: str) -> None:
    _checked(_libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), "set the host name")


def pidfd_open(pid: int) -> int:
    return int(_syscall(f"pidfd_open {pid}", _PIDFD_OPEN, pid, 0))


def pidfd_getfd(fd: int, number: int) -> int:
    """A copy of that process's descriptor, for us."""
    return int(_syscall(f"get descriptor {number}", _PIDFD_GETFD, fd, number, 0))
