"""The launcher's parent waits for its end, and clears up if the launcher could not.

The server cannot: it has given up root. So nothing is left on the machine after kill -9 of the
launcher, or of launcher and server; after that of all three, the next start on the same data
folder clears up (launcher.py). One that comes while a dead one's undertaker is still at work waits
for it: they would take each other's cgroups, which have the same names.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Callable

from stoker.sandbox.namespaces.cgroups import Cgroups
from stoker.sandbox.namespaces.network import Networks

NATURAL_S = 2.0  # kernel's time to remove by itself what would wait for us one by one
CLOSING_S = 10.0  # kernel's time to let go of what we removed


def take(path: str) -> int:
    """Wait until the last one who worked on this data folder has cleared up, and be the next. The
    descriptor holds it, until this process ends."""
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    return lock


def wait_for(launcher: int) -> bool:
    """Return when it has ended; True if it was in good order."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    _, status = os.waitpid(launcher, 0)
    return status == 0


def clear_up(cgroups: Cgroups, networks: Networks) -> None:
    """End and remove what bears this instance's names, and wait until it is gone."""
    for group in cgroups.leftovers():
        group.kill()
    until(_no_children)
    for group in cgroups.leftovers():
        until(lambda group=group: group.remove())  # type: ignore[misc]
    cgroups.remove()
    until(lambda: not networks.remaining(), NATURAL_S)
    networks.remove_remaining()
    until(lambda: not networks.remaining())
    networks.close()


def until(done: Callable[[], bool], patience_s: float = CLOSING_S) -> None:
    """Wait for the kernel to finish what it has no event for; give up after patience_s."""
    deadline, pause = time.monotonic() + patience_s, 0.0002
    while not done() and time.monotonic() < deadline:
        time.sleep(pause)
        pause = min(pause * 2, 0.05)


def _no_children() -> bool:
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return False
    return True
