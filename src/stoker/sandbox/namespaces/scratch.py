"""/tmp of a sandbox: an ext4 of exactly the configured size, on disk.

A file without a name on the data folder's disk, behind a loop device that frees itself when the
last mount goes: nothing is left even after kill -9. (A tmpfs would be charged to the function's
memory; a directory has no size.) Made from a template image that is all holes but for a few
blocks, so that a new one costs a few writes.
"""

import errno
import fcntl
import os
import struct
import subprocess
from typing import NamedTuple

from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.idmap import LOOKS_LIKE_ROOT

LOOP_CONTROL = "/dev/loop-control"
_LOOP_CTL_GET_FREE, _LOOP_CTL_REMOVE, _LOOP_CONFIGURE = 0x4C82, 0x4C81, 0x4C0A
_LO_FLAGS_AUTOCLEAR = 4
_OVERHEAD = 16 << 20  # inode tables and bitmaps: the user gets the whole size
_MKFS = ("mkfs.ext4", "-q", "-F", "-O", "^has_journal,^resize_inode,^metadata_csum", "-m", "0",
         "-E", "lazy_itable_init=1,packed_meta_blocks=1,nodiscard")  # fmt: skip
_OPTIONS: dict[str, str | None] = {"noinit_itable": None}
_ATTRIBUTES = sys_.MOUNT_ATTR_NOSUID | sys_.MOUNT_ATTR_NODEV | sys_.MOUNT_ATTR_NOATIME


class Disk(NamedTuple):
    """One empty file system."""

    mount: int  # descriptor of a detached mount, which keeps it alive
    device: str
    pristine: tuple[int, ...]  # how it looked when it was new


class Scratch:
    """Makes /tmp file systems in `directory`. Used by the launcher, as root."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self._templates: dict[int, tuple[int, list[tuple[int, bytes]]]] = {}
        self._first_free = -1

    def create(self, size_mb: int) -> Disk:
        """A disk of size_mb; gone when its descriptor is closed and it is unmounted everywhere."""
        image = self._image(size_mb)
        try:
            loop = self._attach(image)
        finally:
            os.close(image)
        try:
            device = f"/dev/loop{loop[1]}"
            mount = _mount(device)
            os.chmod(".", 0o1777, dir_fd=mount)
            os.chown(".", LOOKS_LIKE_ROOT, LOOKS_LIKE_ROOT, dir_fd=mount)
            os.rmdir("lost+found", dir_fd=mount)
            return Disk(mount, device, _looks(mount))
        finally:
            os.close(loop[0])  # with AUTOCLEAR the mount alone now keeps the device

    def mount(self, disk: Disk) -> int:
        """One more mount of it, detached (a descriptor), to be attached in a sandbox."""
        return _mount(disk.device)

    def is_untouched(self, disk: Disk) -> bool:
        """Whether nothing was ever created in it by name: who does that changes the directory's
        times, which only its owner could set back, and no sandbox has the owner's uid."""
        return _looks(disk.mount) == disk.pristine and not _entries(disk.mount)

    def _image(self, size_mb: int) -> int:
        if size_mb not in self._templates:
            self._templates[size_mb] = self._make_template(size_mb)
        size, extents = self._templates[size_mb]
        fd = os.open(self.directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(fd, size)
            for offset, data in extents:
                os.pwrite(fd, data, offset)
        except OSError:
            os.close(fd)
            raise
        return fd

    def _make_template(self, size_mb: int) -> tuple[int, list[tuple[int, bytes]]]:
        """(size, the written extents) of an empty file system."""
        size = (size_mb << 20) + _OVERHEAD + (size_mb << 20) // 64
        fd = os.open(self.directory, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            os.ftruncate(fd, size)
            command = [*_MKFS, "-N", "32768", f"/proc/self/fd/{fd}"]
            _run(command, fd)
            return size, list(_extents(fd, size))
        finally:
            os.close(fd)

    def _attach(self, image: int) -> tuple[int, int]:
        """(open device, its number) of a loop device over image."""
        while True:
            control = os.open(LOOP_CONTROL, os.O_RDWR | os.O_CLOEXEC)
            try:
                number = fcntl.ioctl(control, _LOOP_CTL_GET_FREE)
            finally:
                os.close(control)
            device = os.open(f"/dev/loop{number}", os.O_RDWR | os.O_CLOEXEC)
            # struct loop_config: fd, block_size, loop_info64 (flags at offset 52 of it), reserved
            info = struct.pack(
                "=QQQQQIIII64s64s32sQQ", *(0,) * 8, _LO_FLAGS_AUTOCLEAR, b"", b"", b"", 0, 0
            )
            config = struct.pack("=II", image, 0) + info + bytes(64)
            try:
                fcntl.ioctl(device, _LOOP_CONFIGURE, config)
            except OSError as error:
                os.close(device)
                if error.errno != errno.EBUSY:
                    raise
                continue  # somebody else took that number
            return device, number


class Memory(Scratch):
    """The same in memory, for who may not mount a disk. Charged to who writes, and to be found
    again by nobody: each is used once."""

    def create(self, size_mb: int) -> Disk:
        owner = f"{LOOKS_LIKE_ROOT}"
        options: dict[str, str | None] = {
            "size": f"{size_mb}m", "mode": "1777", "uid": owner, "gid": owner,
            "nr_inodes": "32768",
        }  # fmt: skip
        return Disk(sys_.new_filesystem("tmpfs", options, _ATTRIBUTES), "", ())

    def mount(self, disk: Disk) -> int:
        return os.dup(disk.mount)

    def is_untouched(self, disk: Disk) -> bool:
        return False


def _mount(device: str) -> int:
    source: dict[str, str | None] = {"source": device}
    return sys_.new_filesystem("ext4", source | _OPTIONS, _ATTRIBUTES)


def _looks(mount: int) -> tuple[int, ...]:
    """The root directory, and how much is free."""
    root, free = os.stat(".", dir_fd=mount), os.fstatvfs(mount)
    times = root.st_mtime_ns, root.st_ctime_ns
    return *times, root.st_mode, root.st_uid, root.st_size, free.f_bfree, free.f_ffree


def _entries(mount: int) -> list[str]:
    fd = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)
    try:
        return os.listdir(fd)
    finally:
        os.close(fd)


def _run(command: list[str], fd: int) -> None:
    """Raise OSError if it is not there, or fails: that costs one sandbox, not the launcher."""
    try:
        done = subprocess.run(
            command, pass_fds=(fd,), stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
    except (FileNotFoundError, PermissionError):
        raise OSError(f"cannot make /tmp: no {command[0]} (apt install e2fsprogs)") from None
    if done.returncode:
        raise OSError(f"cannot make /tmp: {done.stderr.strip() or done.returncode}")


def _extents(fd: int, size: int) -> list[tuple[int, bytes]]:
    found = []
    offset = 0
    while offset < size:
        try:
            start = os.lseek(fd, offset, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:
                break
            raise
        offset = os.lseek(fd, start, os.SEEK_HOLE)
        found.append((start, os.pread(fd, offset - start, start)))
    return found
