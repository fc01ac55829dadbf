"""Files of the host that belong to root (or to the server) look like root's inside a sandbox.

On AWS /var/task and the system belong to root. A sandbox's user namespace maps its uid 0 to
`LOOKS_LIKE_ROOT`, a host uid that no process ever has; idmapped mounts show files as that uid.
A file system that cannot be idmapped (the kernel decides) shows its files as nobody's instead.
"""

import os
import signal

from stoker.sandbox.namespaces import syscalls as sys_

LOOKS_LIKE_ROOT = 358_398


class Owners:
    """User namespaces for idmapped mounts, one per owner on disk; made on first use."""

    def __init__(self) -> None:
        self._namespaces: dict[int, int] = {}

    def show_as_root(self, mount: int, owner: int) -> None:
        """Show what `owner` owns on this detached mount as root's, if the file system can."""
        try:
            sys_.mount_idmap(mount, self._namespace(owner))
        except OSError:
            return  # an old kernel, or a file system that cannot: files look like nobody's

    def _namespace(self, owner: int) -> int:
        if owner not in self._namespaces:
            self._namespaces[owner] = _user_namespace(owner, LOOKS_LIKE_ROOT)
        return self._namespaces[owner]


def _user_namespace(inside: int, outside: int) -> int:
    """A user namespace that maps one uid and gid; kept alive by the returned descriptor."""
    ready_r, ready_w = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            sys_.unshare(sys_.CLONE_NEWUSER)
            os.write(ready_w, b"1")
            signal.pause()
        finally:
            os._exit(0)
    try:
        os.close(ready_w)
        os.read(ready_r, 1)
        for name in ("uid_map", "gid_map"):
            with open(f"/proc/{pid}/{name}", "w") as file:
                file.write(f"{inside} {outside} 1\n")
        return os.open(f"/proc/{pid}/ns/user", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(ready_r)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
