"""The launcher without root: it is root of a user namespace that any user may make.

What it can do there is nearly all that root can do for a sandbox: mounts, network and pid
namespaces, seccomp, a uid outside for each environment. Those uids are the user's own in
/etc/subuid, which newuidmap(1) hands out. What is not to be had is said by `limitations`.

    server (the user) ── starts ──► undertaker: user, network and mount namespace
                                       ├── slirp4netns, outside: the way to the machine's network
                                       └── fork ──► launcher: PID 1 of a pid namespace

Who ends the launcher ends all that it made, since that lives in its pid namespace.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
from typing import NamedTuple, NoReturn

from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces.cgroups import PROCESSES, Layout, step_aside, step_back
from stoker.sandbox.namespaces.idmap import LOOKS_LIKE_ROOT
from stoker.sandbox.namespaces.network import BLOCK_SIZE, BLOCKS, FIRST_UID, Block

_FIRST = 2  # of the user's subordinate ids: LOOKS_LIKE_ROOT and the one after it
WANTED = _FIRST + BLOCKS * BLOCK_SIZE  # subordinate ids
_PROGRAMS = {"uid": "newuidmap", "gid": "newgidmap"}
UPLINK = "slirp4netns"
TUNNEL = "/dev/net/tun"
CLOSED = ("127.", "169.254.", "198.18.", "198.19.")  # network.ruleset
_DNS = "10.0.2.3"  # its name server, which asks the machine's
_ROUTES = "/proc/net/fib_trie"


def no_uplink() -> str:
    """Why this user's functions have no way out of their network namespaces, and the remedy; ""
    if they have one."""
    if _found(UPLINK) is None:
        return f"{UPLINK} is missing: apt-get install {UPLINK}"
    if not os.path.exists(TUNNEL):
        return f"{TUNNEL} is missing: as root, `modprobe tun`"
    if not os.access(TUNNEL, os.R_OK | os.W_OK):
        return f"{TUNNEL} is closed to this user: as root, `chmod 666 {TUNNEL}`, as udev does"
    return ""


def why_not() -> str:
    """What keeps an ordinary user from isolating functions here, and the remedy; "" if nothing.
    Tries it in a child."""
    for kind, program in _PROGRAMS.items():
        if _found(program) is None:
            return f"{program} is missing: apt-get install uidmap"
        if _subordinate(kind) is None:
            return (
                f"/etc/sub{kind} has no {WANTED} {kind}s for this user: as root, "
                f"`usermod --add-sub{kind}s 100000-165535 {_user()}`"
            )
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            enter(0, Outside())
            sys_.unshare(sys_.CLONE_NEWNET | sys_.CLONE_NEWNS)
        except OSError as error:
            os.write(sending, str(error).encode())
        finally:
            os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as pipe:
        refusal = pipe.read().decode()
    os.waitpid(pid, 0)
    return refusal and f"{refusal} (sysctl kernel.unprivileged_userns_clone=1, on Ubuntu also " \
        "kernel.apparmor_restrict_unprivileged_userns=0)"  # fmt: skip


def limitations(layout: Layout) -> list[str]:
    """What functions get here that root could do better."""
    lines = [
        "/tmp of functions is this machine's memory, not its disk",
        "files of the machine look like nobody's, not like root's, inside",
        "SnapStart is not possible without root",
    ]
    if not layout.unified:
        lines.append("functions are stopped by signals, not frozen: they can see that they were")
    if layout.missing():
        lines.append("limits take a cgroup that was delegated to you: `stoker doctor` says how")
    return lines


def enter(block: int, outside: "Outside") -> None:
    """Become root of a new user namespace, in which the uids of this block's sandboxes are, too.
    Single-threaded callers only. OSError: not possible, and why."""
    sys_.unshare(sys_.CLONE_NEWUSER)
    outside.map_ids(block)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    os.setgroups([])


class Outside:
    """A child that stays in the machine's own namespaces, and does there what we no longer can."""

    def __init__(self) -> None:
        self._sock, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._pid = os.fork()
        if self._pid == 0:
            self._sock.close()
            _stay_outside(theirs, os.getppid())
        theirs.close()

    def map_ids(self, block: int) -> None:
        """Call in a new user namespace."""
        if refusal := self._asked(f"map {block}"):
            raise OSError(refusal)

    def connect(self) -> str:
        """Join our network namespace to the machine's network; "" or why that is not possible. It
        becomes the program that does so, until close() or our end."""
        said = self._asked("connect")
        return "" if said == "1" else said or f"{UPLINK} failed"

    def close(self) -> None:
        self._sock.close()
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    def _asked(self, what: str) -> str:
        self._sock.send(what.encode())
        return self._sock.recv(1000).decode().strip("\0")


def _stay_outside(sock: socket.socket, inside: int) -> NoReturn:
    """inside: the process that we work for."""
    try:
        sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
        while said := sock.recv(64).decode():
            verb, _, block = said.partition(" ")
            sock.send(
                (_map(inside, int(block)) if verb == "map" else _connect(sock, inside)).encode()
            )
    finally:
        os._exit(0)


def _map(inside: int, block: int) -> str:
    for kind, program in _PROGRAMS.items():
        own = os.getuid() if kind == "uid" else os.getgid()
        first = _subordinate(kind)
        path = _found(program)
        if first is None or path is None:
            return f"no {program}, or no subordinate {kind}s"
        ranges = (
            (0, own, 1),
            (LOOKS_LIKE_ROOT, first, _FIRST),
            (FIRST_UID + block * BLOCK_SIZE, first + _FIRST + block * BLOCK_SIZE, BLOCK_SIZE),
        )
        words = [f"{number}" for one in ranges for number in one]
        done = subprocess.run([path, f"{inside}", *words], capture_output=True, text=True)
        if done.returncode:
            return done.stderr.strip() or f"{program} failed"
    return "\0"


def _connect(sock: socket.socket, inside: int) -> str:
    path = _found(UPLINK)
    if path is None or no_uplink():
        return no_uplink()
    ready, alive = os.dup(sock.fileno()), os.dup(sock.fileno())
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    for fd in (ready, alive):
        os.set_inheritable(fd, True)
    options = ["--configure", "--mtu=65520", "--disable-host-loopback"]
    watched = [f"--ready-fd={ready}", f"--exit-fd={alive}"]
    try:
        os.execv(path, [path, *options, *watched, f"{inside}", "tap0"])
    except OSError as error:
        return f"cannot start {path}: {error.strerror}"


class Ground(NamedTuple):
    """What the launcher stands on."""

    outside: Outside
    layout: Layout
    beside: str  # the cgroup that we moved to, out of the sandboxes' way; "" if that is not needed
    egress: bool
    problem: str  # why there is no way out; "" if there is
    closed: tuple[str, ...]  # addresses of the machine itself, which no function may reach

    @property
    def name_servers(self) -> str | None:
        """/etc/resolv.conf of the sandboxes, if it is not the machine's."""
        return f"nameserver {_DNS}\n" if self.egress and not self.problem else None

    @property
    def process_limit(self) -> int:
        """Where no cgroup counts an environment's processes: 0 if one does."""
        return 0 if self.layout.is_v2("pids") else PROCESSES

    def leave(self) -> None:
        """After the launcher's end."""
        self.outside.close()
        step_back(self.layout, self.beside)


def begin(block: Block, instance: str, egress: bool) -> Ground:
    """Enter the namespaces of the launcher. Call in the process that outlives it; children are in
    a new pid namespace from then on, the first is its PID 1."""
    closed = own_addresses()
    layout = Layout.delegated()
    beside = step_aside(layout, instance)
    outside = Outside()
    enter(block.number, outside)
    sys_.unshare(sys_.CLONE_NEWNET)
    problem = outside.connect() if egress else ""
    sys_.unshare(sys_.CLONE_NEWPID)
    return Ground(outside, layout, beside, egress, problem, closed)


def mount_proc() -> None:
    """Call as PID 1, in a mount namespace of its own."""
    sys_.mount("proc", "/proc", "proc", sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC)


def own_addresses() -> tuple[str, ...]:
    """The IPv4 addresses of this network namespace, but those that are closed anyway."""
    found: dict[str, None] = {}
    address = ""
    with contextlib.suppress(OSError), open(_ROUTES) as table:
        for line in table:
            words = line.split()
            if words[:1] == ["|--"]:
                address = words[1]
            elif words == ["/32", "host", "LOCAL"] and not address.startswith(CLOSED):
                found[address] = None
    return tuple(found)


def _subordinate(kind: str) -> int | None:
    """The first of enough subordinate ids of this user, if there are so many in one range."""
    names = {_user(), f"{os.getuid()}"}
    with contextlib.suppress(OSError), open(f"/etc/sub{kind}") as file:
        for line in file:
            name, first, count = [*line.strip().split(":"), "", ""][:3]
            if name in names and first.isdecimal() and count.isdecimal() and int(count) >= WANTED:
                return int(first)
    return None


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"{os.getuid()}"


def _found(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
