"""The process that holds one snapshot stopped, and makes copies of it: snapshot.c, as root.

    launcher ── {"tid": .., "files": [..], ..} once ──────► keeper   (what inspection.py found)
    launcher ── SHELL, slot ──────────────────────────────► keeper   namespaces of a copy
    launcher ── FILL, slot, its PID 1; + 6 descriptors ───► keeper   the copy itself
    launcher ◄── {"held": descriptor it waits on}, or packets of ANSWER ───── keeper

When it ends, however it ends, the kernel ends the snapshot with it.
"""

import ctypes
import json
import os
import signal
import socket
import struct
from typing import Any, NoReturn

from stoker.sandbox.namespaces import inspection
from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.idmap import LOOKS_LIKE_ROOT
from stoker.sandbox.namespaces.parked import receive
from stoker.sandbox.namespaces.plan import LAMBDA_GID, LAMBDA_UID
from stoker.sandbox.namespaces.zygote import MASKED

SHELL, FILL = 1, 2
REQUEST = struct.Struct("=3i")  # what, slot, pid
ANSWER = struct.Struct("=5i")  # what, slot, pid, failed step (0: none), errno
STEPS = (
    "", "stop the runtime", "make its namespaces", "map its users", "mount its /proc",
    "direct the runtime", "pass it descriptors", "copy the runtime", "open its files anew",
    "connect it to the Runtime API", "drop its privileges", "start its init",
)  # fmt: skip
_SOCKET_FD = 3
_HAS_TIMER = -1  # of hold()


class _File(ctypes.Structure):
    """snapshot.c: struct file."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("fd", "flags")),
        ("position", ctypes.c_long),
        ("path", ctypes.c_char_p),
    ]


class _Held(ctypes.Structure):
    """snapshot.c: struct held."""

    _fields_ = [
        *((name, ctypes.c_int) for name in ("sock", "pid", "inside_uid", "inside_gid")),
        *((name, ctypes.c_int) for name in ("uid", "root", "tid", "api")),
        *((name, ctypes.c_char_p) for name in ("request", "cwd", "masks")),
        ("file_count", ctypes.c_int),
        ("files", ctypes.POINTER(_File)),
        ("its_own", ctypes.c_ulong * 64),
    ]


def keep(sock: socket.socket, pid: int, library: str) -> NoReturn:
    """In a child of the launcher: stop the runtime `pid`, say so, and serve."""
    sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(sock.fileno(), _SOCKET_FD)
    os.closerange(_SOCKET_FD + 1, 1 << 20)
    ours = socket.socket(fileno=_SOCKET_FD)
    code = ctypes.CDLL(library)
    held = _Held(sock=_SOCKET_FD, pid=pid, root=LOOKS_LIKE_ROOT)
    held.inside_uid, held.inside_gid = LAMBDA_UID, LAMBDA_GID
    if error := code.hold(ctypes.byref(held)):
        text = f"cannot stop the runtime for its snapshot: {os.strerror(error)}"
        if error == _HAS_TIMER:
            text = inspection.HAS_TIMER
        ours.send(json.dumps({"failed": text}).encode())
        os._exit(1)
    ours.send(json.dumps({"held": code.waits_on(ctypes.byref(held))}).encode())
    data, _ = receive(ours)
    if data:
        _take_in(held, json.loads(data))
        code.serve(ctypes.byref(held))
    os._exit(0)


def _take_in(held: _Held, facts: dict[str, Any]) -> None:
    held.tid, held.api = facts["tid"], facts["api"]
    held.request = facts["request"].encode()
    held.cwd = os.fsencode(facts["cwd"])
    held.masks = b"".join(b"/proc/%s\0" % name.encode() for name in MASKED) + b"\0"
    files = [
        _File(fd, flags, position, os.fsencode(path) or None)
        for fd, flags, position, path in facts["files"]
    ]
    held.files = (_File * len(files))(*files)
    held.file_count = len(files)
