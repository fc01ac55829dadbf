"""Spare disks for /tmp (scratch.py), made and unmade beside the launcher's own work.

Mounting one takes milliseconds, and unmounting waits for the kernel's grace periods and for what
was written. Both happen in a small process, the keeper. A disk that its sandbox never touched
goes back to the spares: nothing was ever created in it, so there is nothing to find.

    launcher ── "make", or a disk that is not wanted ──► keeper
    launcher ◄──────────── a new disk ────────────────── keeper
"""

import contextlib
import json
import os
import signal
import socket
from collections import deque

from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.parked import receive
from stoker.sandbox.namespaces.scratch import Disk, Scratch

READY = 2  # spares that are made ahead, also where no sandbox is
MOST = 32  # spares that are kept: what a burst of endings leaves
_KEPT_FD = 3


class Disks:
    """The spares. Used by the launcher, as root."""

    def __init__(self, scratch: Scratch, size_mb: int) -> None:
        self.sock: socket.socket  # of the keeper; heard() when it is readable
        self.pid = 0
        self._scratch = scratch
        self._size_mb = size_mb
        self._spares: deque[Disk] = deque()
        self._asked = 0

    def start(self) -> None:
        """Make the first disk, which shows whether it can be done (else OSError)."""
        self._spares.append(self._scratch.create(self._size_mb))
        self.sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                _keep(theirs, self._scratch, self._size_mb)
            finally:
                os._exit(0)
        theirs.close()
        self.sock.setblocking(False)
        self._ask()

    def take(self) -> Disk:
        """A spare, else one made now: an empty file system."""
        disk = self._spares.popleft() if self._spares else self._scratch.create(self._size_mb)
        self._ask()
        return disk

    def give_back(self, disk: Disk) -> None:
        """After its sandbox's last process."""
        if len(self._spares) < MOST and self._scratch.is_untouched(disk):
            self._spares.append(disk)
            return
        with contextlib.suppress(OSError):  # no keeper, or a busy one: it is unmounted here
            socket.send_fds(self.sock, [b"unmake"], [disk.mount])
        os.close(disk.mount)

    def heard(self) -> bool:
        """The keeper made one; False: it is gone, and disks are made and unmade here."""
        data, fds = b"", list[int]()
        with contextlib.suppress(OSError):
            data, fds = receive(self.sock)
        if not data:
            return False
        self._asked -= 1
        if fds:
            device, *pristine = json.loads(data)
            self._spares.append(Disk(fds[0], device, tuple(pristine)))
        return True

    def _ask(self) -> None:
        while len(self._spares) + self._asked < READY:
            try:
                self.sock.send(b"make")
            except OSError:
                return
            self._asked += 1

    def close(self) -> None:
        self.sock.close()
        while self._spares:
            os.close(self._spares.pop().mount)


def _keep(sock: socket.socket, scratch: Scratch, size_mb: int) -> None:
    """The keeper: ends with the launcher."""
    sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    os.dup2(sock.fileno(), _KEPT_FD)
    os.closerange(_KEPT_FD + 1, 1 << 20)
    ours = socket.socket(fileno=_KEPT_FD)
    while True:
        request, fds = receive(ours)
        if not request:
            return
        for fd in fds:
            os.close(fd)  # the last one there is: this unmounts
        if request == b"make":
            answer, made = b"[]", []
            with contextlib.suppress(OSError):  # the launcher meets it itself, and says so
                disk = scratch.create(size_mb)
                answer, made = json.dumps([disk.device, *disk.pristine]).encode(), [disk.mount]
            socket.send_fds(ours, [answer], made)
            for fd in made:
                os.close(fd)
