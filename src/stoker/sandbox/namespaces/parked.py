"""The managed runtime's process, forked ahead: warm, unprivileged, waiting to be given a function.

Standard library only, syntax of Python 3.8: it runs under the function's interpreter.
"""

from __future__ import annotations

import array
import json
import os
import socket
from typing import Any, Callable, NoReturn  # noqa: UP035 (Python 3.8)

FRAMES_FD = 62  # spec 6.6: the framed log descriptor's number inside
PACKET = 65536

Main = Callable[[Any], NoReturn]


def park(go: socket.socket, main: Main, rehearse: Callable[[], None]) -> NoReturn:
    """Get warm, say so, wait for {"env": .., "cwd": ..} with 2 or 3 descriptors; then run main.

    Ends without a word when the other side is closed: it is not wanted.
    """
    rehearse()
    go.send(b"ready")
    data, fds = receive(go)
    if not data:
        os._exit(0)
    go.close()
    command = json.loads(data)
    settle(fds)
    os.chdir(command["cwd"])
    main(command["env"])


def settle(fds: list[int]) -> None:
    """Make fds standard output, standard error and the frames; close all else."""
    os.dup2(fds[0], 1)
    os.dup2(fds[1], 2)
    if len(fds) > 2:
        os.dup2(fds[2], FRAMES_FD)  # inheritable: a new interpreter gets it by exec
        os.closerange(3, FRAMES_FD)
    else:
        os.closerange(3, FRAMES_FD + 1)
    os.closerange(FRAMES_FD + 1, 1024)


def receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    """Nothing: the other side has ended, perhaps before it read all that it was told."""
    fds = array.array("i")
    try:
        data, ancillary, _, _ = sock.recvmsg(PACKET, socket.CMSG_SPACE(16 * fds.itemsize))
    except ConnectionResetError:
        return b"", []
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    return data, list(fds)
