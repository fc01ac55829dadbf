"""Looking for what belongs to others. `hide` is what the victim does, all else the attacker."""

import ctypes
import errno
import os
import socket
from pathlib import Path

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.shmat.restype = ctypes.c_void_p
KEY, SIZE, IPC_CREAT = 4711, 4096, 0o1000
HELD: list[object] = []  # sockets that shall stay open
ABSTRACT = "\0the-victims-socket"
FORBIDDEN = (
    "/etc/shadow", "/etc/gshadow", "/etc/sudoers", "/etc/ssh", "/etc/ssl/private", "/root",
    "/home", "/var/lib", "/var/log", "/run", "/boot", "/mnt", "/srv", "/sys", "/sys/fs/cgroup",
    "/sys/kernel", "/dev/mem", "/dev/kmem", "/dev/kmsg", "/dev/vda", "/dev/sda", "/dev/loop0",
    "/dev/loop-control", "/dev/ptmx", "/dev/shm", "/dev/net/tun", "/dev/vsock", "/dev/fuse",
    "/dev/kvm", "/dev/mapper", "/.stoker", "/.old", "/lost+found", "/tmp/lost+found",
    "/proc/kcore", "/proc/kmsg", "/proc/kallsyms", "/proc/keys", "/proc/key-users",
    "/proc/vmallocinfo", "/proc/slabinfo", "/proc/kpageflags", "/proc/timer_list",
    "/proc/sched_debug", "/proc/modules", "/proc/partitions", "/proc/diskstats", "/proc/locks",
    "/proc/1/environ", "/proc/1/root", "/proc/1/cwd", "/proc/1/exe", "/proc/1/mem",
    "/proc/1/maps", "/proc/1/auxv", "/proc/1/stack", "/proc/1/syscall", "/proc/1/fd",
    "/proc/1/map_files", "/proc/1/ns/mnt", "/proc/1/ns/user", "/proc/1/io", "/proc/1/personality",
)  # fmt: skip


def hide(secret: str) -> str:
    """Leave a secret wherever a process can leave one, and listen; our address comes back."""
    Path("/tmp/secret").write_text(secret)
    if not HELD:
        abstract = socket.socket(socket.AF_UNIX)
        abstract.bind(ABSTRACT)
        abstract.listen()
        HELD.extend((abstract, socket.create_server(("0.0.0.0", 7777))))
    segment = LIBC.shmget(KEY, SIZE, IPC_CREAT | 0o666)
    ctypes.memmove(LIBC.shmat(segment, None, 0), secret.encode(), len(secret))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        return str(probe.getsockname()[0])


def forbidden() -> dict[str, str]:
    """What can be seen of each: nothing, as an error's name or as no bytes, or a part of it."""
    return {path: look(path) for path in FORBIDDEN}


def look(path: str) -> str:
    try:
        if Path(path).is_dir():
            return f"a folder with {os.listdir(path)[:3]}"  # noqa: PTH208
        if os.readlink(path) if Path(path).is_symlink() else None:  # noqa: PTH115
            return "a link that can be read"
        with Path(path).open("rb", buffering=0) as file:
            data = file.read(16)
            return f"bytes: {data.hex()}" if data.strip(b"\0\n") else "nothing"
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def search(secret: str) -> dict[str, object]:
    """Every file that is not the system's, every process, and what System V and abstract names
    lead to. (The secret is spelt backwards, or we would find our own event.)"""
    wanted = secret[::-1].encode()
    return {
        "files": [str(path) for path in _files() if wanted in _bytes(path)],
        "processes": [pid.name for pid in _processes() if wanted in _bytes(pid / "environ")],
        "segment": LIBC.shmget(KEY, SIZE, 0) >= 0,
        "segments": len(Path("/proc/sysvipc/shm").read_text().splitlines()) - 1,
        "abstract": _connects(ABSTRACT),
        "names": "victim" in Path("/proc/net/unix").read_text(),
        "pids": len(_processes()),
    }


def processes() -> list[str]:
    """The command lines of everything alive that can be seen."""
    commands = [_bytes(pid / "cmdline").decode().replace("\0", " ") for pid in _processes()]
    return [command for command in commands if command]


def _files() -> list[Path]:
    found = []
    for folder, folders, names in os.walk("/"):
        folders[:] = [n for n in folders if f"{folder}/{n}" not in ("//proc", "//usr", "/var/lang")]
        found += [Path(folder, name) for name in names]
    return [path for path in found if path.is_file()]


def _processes() -> list[Path]:
    return [entry for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _connects(name: str) -> bool:
    with socket.socket(socket.AF_UNIX) as sock:
        try:
            sock.connect(name)
        except OSError:
            return False
        return True
