"""Which unpacked trees are on the disk, and which are only in the machine's memory.

    <name>/lasting   made when all of the tree is on the disk
    boot             the machine's boot since which trees without that mark have been made

A tree is whole when it has its name, for everybody who looks while the machine runs. To bring each
one to the disk by itself takes many syncs; so that is done a while later, for all together. If the
power fails before, those without a mark are made again from their packages.
"""

import os
import tempfile
import uuid
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

from stoker.blobs.directory import sync_directory, sync_file_system

BOOT = "boot"
_MARK = "lasting"
_SYNC_EACH = 16  # more files than that are synced by one syncfs
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def this_boot() -> str:
    """Of the machine. Where it does not say, each process begins another."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return str(uuid.uuid4())


def last_boot(root: Path) -> str | None:
    """In which the last server ran. None: there was none, or an older one, that left no tree which
    was not on the disk."""
    try:
        return (root / BOOT).read_text()
    except FileNotFoundError:
        return None


def remember_boot(root: Path) -> None:
    """From now on what has no mark is of this boot; on the disk when it returns."""
    if last_boot(root) == this_boot():
        return
    handle, aside = tempfile.mkstemp(dir=root, prefix="incoming-")
    with os.fdopen(handle, "w") as file:
        file.write(this_boot())
        file.flush()
        os.fsync(file.fileno())
    Path(aside).rename(root / BOOT)
    sync_directory(root)


def is_lasting(here: Path) -> bool:
    return (here / _MARK).exists()


def mark(here: Path) -> None:
    """It is on the disk, unless it is gone. The mark may come there later."""
    with suppress(FileNotFoundError):
        (here / _MARK).touch()


def sync_trees(trees: Iterable[Path], root: Path, file_count: int) -> None:
    """These, with so many files in all, are on the disk below `root` when this returns."""
    if file_count > _SYNC_EACH:
        sync_file_system(root)
        return
    for tree in trees:
        _sync_all(tree)
    sync_directory(root)


def _sync_all(tree: Path) -> None:
    for directory, _, names in os.walk(tree):
        for name in names:
            path = Path(directory, name)
            if not path.is_symlink():
                with path.open("rb") as file:
                    os.fsync(file.fileno())
        sync_directory(Path(directory))
