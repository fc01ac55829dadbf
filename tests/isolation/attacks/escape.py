"""Ways out: system calls that change what a process may see or do."""

import ctypes
import errno
import os
import platform
import resource
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
NAMESPACES = {
    "time": 0x80, "mount": 0x20000, "cgroup": 0x2000000, "uts": 0x4000000, "ipc": 0x8000000,
    "user": 0x10000000, "pid": 0x20000000, "net": 0x40000000,
}  # fmt: skip
# What glibc has no function for: (x86_64, aarch64)
NUMBERS = {
    "clone": (56, 220), "pivot_root": (155, 41), "kexec_load": (246, 104), "add_key": (248, 217),
    "keyctl": (250, 219), "perf_event_open": (298, 241), "kcmp": (312, 272), "bpf": (321, 280),
    "finit_module": (313, 273), "userfaultfd": (323, 282), "io_uring_setup": (425, 425),
    "open_tree": (428, 428), "move_mount": (429, 429), "fsopen": (430, 430), "clone3": (435, 435),
    "pidfd_getfd": (438, 438), "mount_setattr": (442, 442), "capset": (126, 91),
}  # fmt: skip
SIGCHLD = 17


def _number(name: str, *arguments: Any) -> int:
    column = ["x86_64", "aarch64"].index(platform.machine())
    converted = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return int(LIBC.syscall(ctypes.c_long(NUMBERS[name][column]), *converted))


def _open(path: str) -> int:
    return os.open(path, os.O_RDONLY)


CALLS: dict[str, Callable[[], int]] = {
    "mount a tmpfs": lambda: LIBC.mount(b"x", b"/tmp", b"tmpfs", 0, None),
    "mount proc": lambda: LIBC.mount(b"x", b"/tmp", b"proc", 0, None),
    "bind a directory": lambda: LIBC.mount(b"/usr", b"/tmp", None, 0x1000, None),
    "remount /usr writable": lambda: LIBC.mount(b"none", b"/usr", None, 0x1020, None),
    "unmount a mask of /proc": lambda: LIBC.umount2(b"/proc/keys", 2),
    "unmount /tmp": lambda: LIBC.umount2(b"/tmp", 2),
    "fsopen": lambda: _number("fsopen", b"tmpfs", 0),
    "open_tree": lambda: _number("open_tree", -100, b"/", 1),
    "move_mount": lambda: _number("move_mount", -1, b"", -100, b"/tmp", 4),
    "mount_setattr": lambda: _number("mount_setattr", -100, b"/usr", 0, bytes(32), 32),
    "chroot": lambda: LIBC.chroot(b"/tmp"),
    "pivot_root": lambda: _number("pivot_root", b"/tmp", b"/tmp"),
    "setns": lambda: LIBC.setns(_open("/proc/self/ns/mnt"), 0),
    "ptrace PID 1": lambda: LIBC.ptrace(16, 1, None, None),
    "ptrace itself": lambda: LIBC.ptrace(0, 0, None, None),
    "process_vm_readv PID 1": lambda: LIBC.process_vm_readv(1, None, 0, None, 0, 0),
    "process_vm_writev PID 1": lambda: LIBC.process_vm_writev(1, None, 0, None, 0, 0),
    "take PID 1's socket": lambda: _number("pidfd_getfd", os.pidfd_open(1), 6, 0),
    "compare kernel pointers": lambda: _number("kcmp", 1, os.getpid(), 0, 0, 0),
    "setuid 0": lambda: LIBC.setuid(0),
    "setgid 0": lambda: LIBC.setgid(0),
    "setresuid 0": lambda: LIBC.setresuid(0, 0, 0),
    "setgroups": lambda: LIBC.setgroups(0, None),
    "capset": lambda: _number("capset", b"\x22\x05\x08\x20" + bytes(4), b"\xff" * 8 + bytes(16)),
    "sethostname": lambda: LIBC.sethostname(b"x", 1),
    "setdomainname": lambda: LIBC.setdomainname(b"x", 1),
    "clock_settime": lambda: LIBC.clock_settime(0, bytes(16)),
    "settimeofday": lambda: LIBC.settimeofday(bytes(16), None),
    "adjtimex": lambda: LIBC.adjtimex(ctypes.create_string_buffer(256)),
    "read the kernel's log": lambda: LIBC.klogctl(3, ctypes.create_string_buffer(64), 64),
    "reboot": lambda: LIBC.reboot(0),
    "swapon": lambda: LIBC.swapon(b"/tmp/x", 0),
    "acct": lambda: LIBC.acct(b"/tmp/x"),
    "kexec_load": lambda: _number("kexec_load", 0, 0, 0, 0),
    "finit_module": lambda: _number("finit_module", 0, b"", 0),
    "bpf": lambda: _number("bpf", 0, bytes(64), 64),
    "perf_event_open": lambda: _number("perf_event_open", bytes(128), 0, -1, -1, 0),
    "userfaultfd": lambda: _number("userfaultfd", 0),
    "keyctl": lambda: _number("keyctl", 0, -3, 1),
    "add_key": lambda: _number("add_key", b"user", b"a", b"b", 1, -3),
    "open_by_handle_at": lambda: LIBC.open_by_handle_at(-100, bytes(64), 0),
    "name_to_handle_at": lambda: LIBC.name_to_handle_at(-100, b"/", bytes(64), bytes(8), 0),
    "fanotify_init": lambda: LIBC.fanotify_init(0, 0),
    "personality": lambda: LIBC.personality(0x0040000),
    "mknod a disk": lambda: LIBC.mknod(b"/tmp/disk", 0o60666, os.makedev(254, 0)),
    "mknod /dev/mem": lambda: LIBC.mknod(b"/tmp/mem", 0o20666, os.makedev(1, 1)),
    **{
        f"unshare {name}": (lambda flag=flag: LIBC.unshare(flag))
        for name, flag in NAMESPACES.items()
    },
    **{
        f"clone with a new {name} namespace": (
            lambda flag=flag: _number("clone", flag | SIGCHLD, 0, 0, 0, 0)
        )
        for name, flag in NAMESPACES.items()
    },
}
ABSENT: dict[str, Callable[[], int]] = {
    "clone3": lambda: _number("clone3", bytes(88), 88),
    "io_uring_setup": lambda: _number("io_uring_setup", 8, bytes(256)),
}


def calls() -> dict[str, str]:
    """For each the error's name, or what succeeded."""
    return {what: _outcome(attempt) for what, attempt in CALLS.items()}


def absent() -> dict[str, str]:
    return {what: _outcome(attempt) for what, attempt in ABSENT.items()}


def _outcome(attempt: Callable[[], int]) -> str:
    try:
        result = attempt()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    return errno.errorcode[ctypes.get_errno()] if result < 0 else f"it worked: {result}"


SOCKETS = {
    "raw ICMP": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "raw ICMPv6": (socket.AF_INET6, socket.SOCK_RAW, 58),
    "raw IP": (socket.AF_INET, socket.SOCK_RAW, 255),
    "packet": (17, socket.SOCK_RAW, 0x300),
    "vsock": (40, socket.SOCK_STREAM, 0),
    "kernel crypto": (38, socket.SOCK_SEQPACKET, 0),
    "bluetooth": (31, socket.SOCK_RAW, 1),
    "CAN": (29, socket.SOCK_RAW, 1),
    "TIPC": (30, socket.SOCK_STREAM, 0),
    "RDS": (21, socket.SOCK_SEQPACKET, 0),
    "XDP": (44, socket.SOCK_RAW, 0),
    "IPsec keys": (15, socket.SOCK_RAW, 2),
}


def sockets() -> dict[str, list[str]]:
    """What comes of a socket, and of a pair of them."""
    pair = (ctypes.c_int * 2)()
    return {
        what: [
            _outcome(lambda of=of: LIBC.socket(*of)),
            _outcome(lambda of=of: LIBC.socketpair(*of, pair)),
        ]
        for what, of in SOCKETS.items()
    }


WRITES = (
    "/bin/x", "/dev/x", "/etc/passwd", "/opt/x", "/usr/bin/x", "/usr/bin/bash", "/var/lang/x",
    "/var/runtime/bootstrap", "/var/task/main.py", "/var/task/x", "/var/tmp/x", "/x",
    "/proc/1/comm", "/proc/1/mem", "/proc/1/oom_score_adj", "/proc/1/clear_refs", "/proc/mtrr",
    "/proc/self/uid_map", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/hostname",
    "/proc/sys/kernel/ns_last_pid", "/proc/sys/kernel/modprobe", "/proc/sys/kernel/shmmax",
    "/proc/sys/fs/binfmt_misc/register", "/proc/sys/net/ipv4/ip_forward",
    "/proc/sys/net/ipv4/ping_group_range", "/proc/sys/user/max_user_namespaces",
    "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger", "/sys/kernel/uevent_helper",
    "/sys/fs/cgroup/cgroup.procs",
)  # fmt: skip


def writes() -> dict[str, str]:
    return {path: _write(Path(path)) for path in WRITES}


def _write(path: Path) -> str:
    try:
        if path.is_char_device():
            return "a mask"  # /dev/null over a file of /proc: takes no notice
        with path.open("r+b" if path.exists() else "wb", buffering=0) as file:
            return f"it worked: {file.write(b'1')}"
    except OSError as error:
        return errno.errorcode[error.errno or 0]


def limits() -> dict[str, Any]:
    """What can be raised, and how far memory's first victim can be put off."""
    raised = []
    for name in ("NOFILE", "CORE", "NICE", "RTPRIO", "MEMLOCK"):
        kind = getattr(resource, f"RLIMIT_{name}")
        _, hard = resource.getrlimit(kind)
        try:
            resource.setrlimit(kind, (hard + 1, hard + 1))
            raised.append(name)
        except (OSError, ValueError):
            pass
    scores = []
    for score in ("-1000", "-500", "-1"):
        try:
            Path("/proc/self/oom_score_adj").write_text(score)
            scores.append(score)
        except OSError:
            pass
    return {"raised": raised, "files": resource.getrlimit(resource.RLIMIT_NOFILE), "oom": scores}


def status() -> dict[str, str]:
    """What the kernel says of us."""
    lines = Path("/proc/self/status").read_text().splitlines()
    said = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    wanted = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "SigIgn")
    return {name: said[name] for name in wanted} | {"Uid": said["Uid"].split()[0]}


def set_uid_program() -> str:
    """A program with the set-uid bit that we made ourselves, and those of the system."""
    copy = Path("/tmp/id")
    copy.write_bytes(Path("/usr/bin/id").read_bytes())
    copy.chmod(0o6755)
    programs = [str(copy), "/usr/bin/su", "/usr/bin/passwd", "/usr/bin/mount"]
    found = [path for path in programs if Path(path).exists()]
    mine = os.popen(f"{copy} -u").read().strip()
    trusted = [path for path in found if not os.statvfs(path).f_flag & os.ST_NOSUID]
    return f"{mine} {trusted}"


def signals_to_init() -> bool:
    """Every signal to PID 1, which takes none of them from us."""
    for number in sorted(signal.valid_signals()):
        os.kill(1, number)
    return Path("/proc/1/stat").read_text().rpartition(")")[2].split()[0] != "T"


def descriptors() -> dict[str, str]:
    """What we were born with."""
    found = {}
    for entry in Path("/proc/self/fd").iterdir():
        if entry.is_symlink():  # the one that lists is gone by now
            found[entry.name] = str(entry.readlink()).partition(":")[0]
    return found
