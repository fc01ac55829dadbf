"""Folders of this machine that sandboxes may see as their code: what `stoker dev` shows them.

Whoever shares a folder proves by a descriptor that it may read it: the launcher believes no path.
It finds the folder again in its own mounts, since no other can be attached to a sandbox, and makes
sure that it is the same one. A sandbox sees that folder and nothing beside it: the mount is a copy
of one directory, read-only; what is mounted below it is not in the copy; links lead to where they
lead inside.
"""

import fcntl
import os
import stat

MOST = 256  # folders at a time


class Shares:
    def __init__(self) -> None:
        self._folders: dict[str, int] = {}  # by name; each an O_PATH descriptor of our own

    def add(self, name: str, given: int) -> None:
        """From now on `name` is the folder behind `given`. OSError: why it cannot be."""
        if len(self._folders) >= MOST:
            raise OSError(f"{MOST} folders are shared already")
        facts = os.fstat(given)
        if fcntl.fcntl(given, fcntl.F_GETFL) & os.O_PATH or not stat.S_ISDIR(facts.st_mode):
            raise OSError("it is not a folder that was opened for reading")
        path = os.readlink(f"/proc/self/fd/{given}")
        try:
            found = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise OSError(f"{path} is not where the server sees it: {error.strerror}") from error
        seen = os.fstat(found)
        if (seen.st_dev, seen.st_ino) != (facts.st_dev, facts.st_ino):
            os.close(found)
            raise OSError(
                f"{path} is another folder for the server: it was mounted after the server's start,"
                " or belongs to a container. Start the server again, or there"
            )
        self.remove(name)
        self._folders[name] = found

    def remove(self, name: str) -> None:
        """Sandboxes that see it go on seeing it; new ones cannot. Idempotent."""
        found = self._folders.pop(name, -1)
        if found >= 0:
            os.close(found)

    def find(self, name: str) -> int | None:
        """A descriptor of that folder, the caller's to close."""
        found = self._folders.get(name)
        return None if found is None else os.dup(found)
