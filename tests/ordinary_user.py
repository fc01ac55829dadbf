"""A command that runs another one as an ordinary user, who may use what root's folders hide."""

import os
import shutil
import sys
from pathlib import Path

from stoker.sandbox.namespaces.privileges import hidden_by
from stoker.sandbox.namespaces.rootless import TUNNEL

UID, NAME = 65534, "nobody"
IDS = 65_536  # subordinate ids
FIRST_ID = 400_000_000 + os.getpid() % 10_000 * IDS  # another run on this machine has others


def own_folder(parent: Path) -> Path:
    """A folder of the user's, below one that everybody may enter."""
    folder = parent / "ordinary"
    folder.mkdir()
    shutil.chown(folder, UID, UID)
    return folder


def as_ordinary_user(
    folder: Path, *, ids: int = IDS, before: str = "", seen: tuple[Path, ...] = ()
) -> tuple[str, ...]:
    """In front of a command. folder: own_folder(). ids: how many subordinate ids the user has.
    before: shell commands, run as root in the same mount namespace. seen: what the user may
    enter, though it may be in a folder of root's; Python and its packages are anyway."""
    table = folder / "subid"
    table.write_text(f"{NAME}:{FIRST_ID}:{ids}\n" if ids else "")
    lines = [f"mount --bind {table} /etc/{name}" for name in _tables()]
    lines += ["mount -t tmpfs -o mode=755 devices /dev/net"]  # as udev has it, or would
    lines += [f"mknod -m 666 {TUNNEL} c 10 200"]
    for number, (closed, wanted) in enumerate(hidden_by([*_seen(), *seen]).items()):
        for each, path in enumerate(wanted):
            lines += [f"mkdir {folder}/{number}-{each}"]
            lines += [f"mount --bind {path} {folder}/{number}-{each}"]
        lines += [f"mount -t tmpfs -o mode=755 hidden {closed}"]
        for each, path in enumerate(wanted):
            lines += [f"mkdir -p {path}", f"mount --bind {folder}/{number}-{each} {path}"]
    user = f'exec setpriv --reuid={UID} --regid={UID} --clear-groups -- "$0" "$@"'
    return ("unshare", "-m", "sh", "-ec", "\n".join([*lines, before, user]))


def _seen() -> list[Path]:
    return [
        Path(sys.prefix),
        Path(sys.base_prefix),
        *(Path(entry).absolute() for entry in sys.path),
    ]


def _tables() -> list[str]:
    return ["subuid", "subgid"]
