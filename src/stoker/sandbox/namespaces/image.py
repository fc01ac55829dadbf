"""A snapshot as CRIU writes it: files in memory, on a file system that is mounted nowhere.

No path leads to it; whoever has the descriptor reads it, and the kernel forgets it with the last
one. So there is nothing at rest that would have to be encrypted, and nothing is left when the
launcher dies.
"""

import contextlib
import os
import struct
from typing import NamedTuple

from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.idmap import LOOKS_LIKE_ROOT
from stoker.sandbox.namespaces.inspection import OUTPUTS, Unfit
from stoker.sandbox.namespaces.protobuf import Malformed, message_in, number_in, with_number

LOG = "criu.log"
MOST_LOG = 1 << 20  # bytes of it that are looked at
_EXTRA_BYTES = 64 << 20  # for what an image has beside the process's memory
_ROOT_IDS, _USER_NAMESPACE = 3, 10  # CRIU's inventory.proto and core.proto
# What it says wherever it has no device, or no more rights than it needs.
_HARMLESS = ("tun:", "rlimit:", "net: Unexpected error", "suspending seccomp", "failed to suspend",
             "cg: cgroupd")  # fmt: skip
_GENERAL = ("FAILED", "failed with -1", "Unable to open fd")


class Image(NamedTuple):
    files: int  # the root of its file system
    runtime: int  # the pid of what was dumped, as that sees itself
    outputs: tuple[str, ...]  # what /proc called its OUTPUTS: one to be put in place of each

    def close(self) -> None:
        os.close(self.files)


def image_of(runtime: int, memory_mb: int) -> Image:
    """A place for the image of a process. Raise Unfit."""
    with open(f"/proc/{runtime}/status") as status:
        (line,) = (line for line in status if line.startswith("NSpid:"))
    outputs = []
    for number in OUTPUTS:
        target = ""
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(f"/proc/{runtime}/fd/{number}")
        if not target.startswith("pipe:"):
            raise Unfit("the runtime closed its standard streams")
        outputs.append(target)
    size = (memory_mb << 20) + _EXTRA_BYTES
    files = small_files(size)
    return Image(files, int(line.split()[-1]), tuple(outputs))


def small_files(size_bytes: int) -> int:
    """A new file system in memory, of whoever looks like root in a sandbox."""
    owner = {"uid": f"{LOOKS_LIKE_ROOT}", "gid": f"{LOOKS_LIKE_ROOT}"}
    attributes = sys_.MOUNT_ATTR_NOSUID | sys_.MOUNT_ATTR_NODEV
    options: dict[str, str | None] = {"size": f"{size_bytes}", "mode": "0700", **owner}
    return sys_.new_filesystem("tmpfs", options, attributes)


def seal(image: Image) -> None:
    """Make it one that is restored in the user namespace of who restores it, and that nobody
    changes. Raise OSError, or Malformed."""
    inventory = _read(image, "inventory.img")
    root = message_in(_first(inventory, 4), _ROOT_IDS)
    namespace = None if root is None else number_in(root, _USER_NAMESPACE)
    if namespace is None:
        raise Malformed("CRIU's inventory names no user namespace")
    name = f"ids-{image.runtime}.img"
    ids = _read(image, name)
    moved = with_number(_first(ids, 8), _USER_NAMESPACE, namespace)
    _write(image, name, ids[:8] + struct.pack("<I", len(moved)) + moved)
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=image.files)
    try:
        for name in os.listdir(folder):
            os.chown(name, LOOKS_LIKE_ROOT, LOOKS_LIKE_ROOT, dir_fd=folder)
    finally:
        os.close(folder)
    sys_.mount_setattr(image.files, sys_.MOUNT_ATTR_RDONLY)


def why(files: int) -> str:
    """What CRIU's log has for a reason. For people."""
    try:
        log = os.open(LOG, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=files)
    except OSError:
        return "CRIU left no log"
    with open(log, errors="replace") as file:
        return reason(file.read(MOST_LOG))


def reason(log: str) -> str:
    """The first complaint that says something. Pure."""
    said = [line.partition("): ")[2].strip() for line in log.splitlines() if "Error (" in line]
    told = [text for text in said if text and not text.startswith(_HARMLESS)]
    exact = [text for text in told if not any(general in text for general in _GENERAL)]
    return (exact or told or ["it gives no reason"])[0][:300]


def _first(content: bytes, at: int) -> bytes:
    """The message whose length is at a place of an image."""
    (size,) = struct.unpack_from("<I", content, at)
    return content[at + 4 : at + 4 + size]


def _read(image: Image, name: str) -> bytes:
    with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=image.files), "rb") as file:
        return file.read()


def _write(image: Image, name: str, content: bytes) -> None:
    fd = os.open(name, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW, dir_fd=image.files)
    with open(fd, "wb") as file:
        file.write(content)
