"""CRIU at work, in children of the launcher: a runtime becomes an image, and an image a runtime.

It dumps as root, in the namespaces of the sandbox that the runtime is in. It restores without any
right on the machine: as what looks like root in the sandbox that the copy is to live in, which has
a user namespace first here, and a pid namespace that belongs to it (ADR 13).

    cradle ── fork ──► second: user namespace ── fork ──► PID 1 (init.c)
       ├── fork ──► in its pid namespace, as the host's root: its /proc
       └── fork ──► CRIU, in both namespaces ──► the runtime, stopped, which PID 1 inherits
"""

import os
import resource
import signal
import socket
import struct
from collections.abc import Callable
from typing import NamedTuple, NoReturn

from stoker.sandbox.namespaces import image as images
from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.cgroups import Group
from stoker.sandbox.namespaces.idmap import LOOKS_LIKE_ROOT
from stoker.sandbox.namespaces.image import Image
from stoker.sandbox.namespaces.plan import LAMBDA_GID, LAMBDA_UID
from stoker.sandbox.namespaces.zygote import MASKED

PID = struct.Struct("=i")  # of the new PID 1: what comes first in a report
LIMIT_S = 60  # for CRIU, which is killed then
FIRST_PID = 30_000  # of helpers: above all that are restored, and below the least pid_max
_WORK_BYTES = 4 << 20
_ENVIRON = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
_NAMESPACES = (
    ("net", sys_.CLONE_NEWNET), ("ipc", sys_.CLONE_NEWIPC), ("uts", sys_.CLONE_NEWUTS),
    ("cgroup", sys_.CLONE_NEWCGROUP), ("pid", sys_.CLONE_NEWPID), ("mnt", sys_.CLONE_NEWNS),
)  # fmt: skip
# For a dump: chown, dac_override, dac_read_search, fowner, kill, setgid, setuid, net_admin,
# sys_chroot, sys_ptrace, sys_admin, sys_resource, checkpoint_restore.
_TO_DUMP = frozenset((0, 1, 2, 3, 5, 6, 7, 12, 18, 19, 21, 24, 40))


class Tool(NamedTuple):
    """CRIU, as it is found through a descriptor of its folder: from inside no path leads there."""

    folder: int
    linker: str  # relative to the folder
    libraries: str
    program: str

    def command(self, *arguments: str) -> list[str]:
        base = f"/proc/self/fd/{self.folder}"
        path = f"{base}/{self.libraries}"
        program = f"{base}/{self.program}"
        # Plugins of the machine's own CRIU are not for this one, and it has none.
        plugins = ["--libdir", os.path.dirname(program)]
        return [f"{base}/{self.linker}", "--library-path", path, program, *arguments, *plugins]


class Order(NamedTuple):
    """A copy that is to be made."""

    tool: Tool
    image: Image
    original: int  # PID 1 of the sandbox whose files it gets
    group: Group
    network: int  # its network namespace
    tmp: int  # its /tmp, detached
    writers: tuple[int, ...]  # in place of the image's outputs
    ctl: int
    init: int  # the program
    uid: int  # outside, of the user
    files: int  # RLIMIT_NOFILE
    seccomp: bytes


def dump_and_exit(tool: Tool, image: Image, init: int) -> NoReturn:
    """In a child of the launcher: write the image of the runtime beside the PID 1 `init`."""
    _begin()
    entrances = [(os.open(f"/proc/{init}/ns/{name}", os.O_RDONLY), kind)
                 for name, kind in _NAMESPACES]  # fmt: skip
    for fd, kind in entrances:
        sys_.setns(fd, kind)
    pid = os.fork()
    if pid == 0:
        for capability in set(range(sys_.LAST_CAPABILITY + 1)) - _TO_DUMP:
            sys_.prctl(sys_.PR_CAPBSET_DROP, capability)
        _criu(tool, image.files, image.files, "dump", "--tree", f"{image.runtime}",
              "--network-lock", "skip")  # fmt: skip
    os._exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) and 1)


def restore_and_exit(order: Order, report: int) -> NoReturn:
    """In a child of the launcher: make a sandbox and restore the runtime in it, stopped. On
    `report` is PID 1, as PID; and if the exit status is not 0, why."""
    try:
        _begin()
        _restore(order, report)
    except OSError as error:
        os.write(report, str(error).encode())
        os._exit(1)
    os._exit(0)


def _begin() -> None:
    sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def _restore(order: Order, report: int) -> None:
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    order.group.add(os.getpid())
    _write(proc, "self/oom_score_adj", "1000")  # as birth.c: functions go before everybody else
    _move_in(order)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    second = os.fork()
    if second == 0:
        ours.close()
        _second(order, theirs)
    theirs.close()
    _heard(ours)
    for name, inside in (("uid_map", LAMBDA_UID), ("gid_map", LAMBDA_GID)):
        _write(proc, f"{second}/{name}", f"0 {LOOKS_LIKE_ROOT} 1\n{inside} {order.uid} 1\n")
    ours.send(b"mapped")
    (init,) = PID.unpack(_heard(ours))
    os.write(report, PID.pack(init))
    user = os.open(f"{init}/ns/user", os.O_RDONLY, dir_fd=proc)
    sys_.setns(os.open(f"{init}/ns/pid", os.O_RDONLY, dir_fd=proc), sys_.CLONE_NEWPID)
    if _in_child(_mount_proc):
        raise OSError("cannot mount the /proc of a copy")
    ours.send(b"go")
    work = images.small_files(_WORK_BYTES)
    if _in_child(lambda: _call_criu(order, user, work)):
        raise OSError(f"CRIU cannot restore the snapshot: {images.why(work)}")


def _move_in(order: Order) -> None:
    """Into namespaces of the copy, with the files of the original and a /tmp of its own."""
    mounts = os.open(f"/proc/{order.original}/ns/mnt", os.O_RDONLY)
    sys_.setns(order.network, sys_.CLONE_NEWNET)
    sys_.setns(mounts, sys_.CLONE_NEWNS)
    sys_.unshare(sys_.CLONE_NEWNS | sys_.CLONE_NEWIPC | sys_.CLONE_NEWUTS | sys_.CLONE_NEWCGROUP)
    sys_.sethostname("sandbox")
    sys_.umount("/tmp")
    sys_.move_mount(order.tmp, "/tmp")
    os.umask(0o022)


def _heard(sock: socket.socket) -> bytes:
    data = sock.recv(16)
    if not data:
        raise OSError("cannot make the namespaces of a copy")
    return data


def _second(order: Order, sock: socket.socket) -> NoReturn:
    """Its pid namespace belongs to its user namespace: so CRIU may say which pids there are."""
    try:
        sys_.unshare(sys_.CLONE_NEWUSER)
        sock.send(b"user")
        if sock.recv(16) == b"mapped":
            _look_like_root()
            sys_.unshare(sys_.CLONE_NEWPID)
            init = os.fork()
            if init == 0:
                _become_init(order, sock)
            sock.send(PID.pack(init))
    finally:
        os._exit(0)


def _become_init(order: Order, sock: socket.socket) -> NoReturn:
    try:
        if sock.recv(16) == b"go":
            _give_up_rights(order)
            program = [f"{order.ctl}", f"{order.image.runtime}"]
            os.execve(order.init, ["init", *program], {})
    finally:
        os._exit(1)


def _give_up_rights(order: Order) -> None:
    """All but its one door."""
    os.setsid()
    _no_output()
    resource.setrlimit(resource.RLIMIT_NOFILE, (order.files, order.files))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.set_inheritable(order.ctl, True)
    for capability in range(sys_.LAST_CAPABILITY + 1):
        sys_.prctl(sys_.PR_CAPBSET_DROP, capability)
    os.setresgid(LAMBDA_GID, LAMBDA_GID, LAMBDA_GID)
    os.setresuid(LAMBDA_UID, LAMBDA_UID, LAMBDA_UID)
    sys_.drop_capabilities()
    sys_.prctl(sys_.PR_SET_NO_NEW_PRIVS, 1)
    sys_.set_seccomp(order.seccomp)


def _mount_proc() -> None:
    """As the host's root: who is root inside has no say over mounts."""
    sys_.umount("/proc")
    sys_.mount("proc", "/proc", "proc", sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC)
    for name in MASKED:
        if os.path.exists(f"/proc/{name}"):
            sys_.mount("/dev/null", f"/proc/{name}", "", sys_.MS_BIND)
    with open("/proc/sys/kernel/ns_last_pid", "w") as file:
        file.write(f"{FIRST_PID}")


def _call_criu(order: Order, user: int, work: int) -> None:
    sys_.setns(user, sys_.CLONE_NEWUSER)
    _look_like_root()
    outputs = []
    for writer, key in zip(order.writers, order.image.outputs, strict=True):
        os.set_inheritable(writer, True)
        outputs += ["--inherit-fd", f"fd[{writer}]:{key}"]
    _criu(order.tool, order.image.files, work, "restore", "--unprivileged", "--restore-detached",
          "--leave-stopped", *outputs)  # fmt: skip


def _criu(tool: Tool, files: int, work: int, *arguments: str) -> NoReturn:
    for fd in {tool.folder, files, work}:
        os.set_inheritable(fd, True)
    sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
    os.setsid()
    _no_output()
    signal.alarm(LIMIT_S)  # which outlasts exec, and no fork
    command = tool.command(
        *arguments, "--images-dir", f"/proc/self/fd/{files}", "--work-dir",
        f"/proc/self/fd/{work}", "--log-file", images.LOG, "-v1", "--tcp-close",
        "--manage-cgroups=ignore", "--no-default-config",
    )  # fmt: skip
    os.execve(command[0], command, _ENVIRON)


def _in_child(action: Callable[[], None]) -> int:
    """Do it in a process of its own; 0 if that worked."""
    pid = os.fork()
    if pid == 0:
        try:
            action()
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(pid, 0)[1]


def _look_like_root() -> None:
    os.setgroups([])
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _no_output() -> None:
    null = os.open("/dev/null", os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)


def _write(proc: int, path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY, dir_fd=proc)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
