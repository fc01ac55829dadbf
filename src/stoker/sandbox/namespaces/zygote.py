"""A zygote: an initialised interpreter inside a template's root, which forks sandboxes.

The launcher sends one packet per sandbox; two forks later there is a new PID 1 in namespaces and
cgroups of its own, without privileges, which is `init.c`, and (managed Python) a parked and
rehearsed runtime process beside it. Trusted code only runs here: the user's begins after
everything has been dropped.

Standard library only, syntax of Python 3.8: it runs under the function's interpreter.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import socket
import sys
from typing import Any, Callable, NoReturn  # noqa: UP035 (Python 3.8)

from stoker.sandbox.namespaces import parked
from stoker.sandbox.namespaces import syscalls as sys_

SETTINGS_VARIABLE = "STOKER_ZYGOTE"
_NAMESPACES = sys_.CLONE_NEWNS | sys_.CLONE_NEWPID | sys_.CLONE_NEWIPC | sys_.CLONE_NEWUTS
_PROC_FLAGS = sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC
_MASKED = (
    "kcore", "keys", "key-users", "sysrq-trigger", "timer_list", "sched_debug", "kmsg", "kallsyms",
    "modules", "swaps", "interrupts", "diskstats", "partitions", "locks",
)  # fmt: skip


class Settings:
    """What every sandbox of this zygote has in common."""

    def __init__(self, uid: int, gid: int, root: int, seccomp: bytes, files: int) -> None:
        self.uid = uid  # inside
        self.gid = gid
        self.root = root  # outside, of what looks like root's inside (idmap.py)
        self.seccomp = seccomp
        self.files = files  # RLIMIT_NOFILE


class Runtime:
    """The managed runtime's entry points; None where the runtime is the user's own program."""

    def __init__(self, main: Callable[[Any], NoReturn], rehearse: Callable[[], None]) -> None:
        self.main = main
        self.rehearse = rehearse


def serve(sock: socket.socket, proc: int, settings: Settings, runtime: Runtime | None) -> None:
    """Fork sandboxes on request until the launcher hangs up.

    proc: descriptor of the host's /proc directory (the template has none).
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _seal()
    gc.collect()
    gc.freeze()
    sock.send(json.dumps({"ready": os.getpid()}).encode())
    while True:
        data, fds = parked.receive(sock)
        if not data:
            return
        request = json.loads(data)
        pid = os.fork()
        if pid == 0:
            try:
                _Birth(sock, proc, settings, runtime, request, fds).first()
            except BaseException as error:  # noqa: BLE001 (the forked child's last words)
                text = f"{type(error).__name__}: {error}"
                sock.send(json.dumps({"slot": request["slot"], "error": text}).encode())
            finally:
                os._exit(0)
        for fd in fds:
            os.close(fd)
        os.waitpid(pid, 0)


def _seal() -> None:
    """Our own source leaves the template, and its root becomes read-only."""
    sys_.umount("/.stoker")
    os.rmdir("/.stoker")
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    sys_.mount_setattr(root, sys_.MOUNT_ATTR_RDONLY)
    os.close(root)


class _Birth:
    """One sandbox's way from the zygote's fork to a serving PID 1."""

    def __init__(
        self,
        sock: socket.socket,
        proc: int,
        settings: Settings,
        runtime: Runtime | None,
        request: dict[str, Any],
        fds: list[int],
    ) -> None:
        self.sock, self.proc, self.settings = sock, proc, settings
        self.runtime, self.request = runtime, request
        self.net, self.tmp, self.init, ctl, go, *self.entrances = fds
        self.ctl, self.go = socket.socket(fileno=ctl), socket.socket(fileno=go)

    def first(self) -> None:
        """The intermediate process: root, in the template. Its child is the new PID 1."""
        for entrance in self.entrances:
            os.write(entrance, b"0")
        sys_.setns(self.net, sys_.CLONE_NEWNET)
        sys_.unshare(_NAMESPACES)
        sys_.sethostname("sandbox")
        if self.tmp >= 0:
            sys_.move_mount(self.tmp, "/tmp")
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            here.close()
            try:
                self.second(there)
            except BaseException as error:  # noqa: BLE001 (the forked child's last words)
                there.send(f"{type(error).__name__}: {error}".encode())
            finally:
                os._exit(1)
        there.close()
        self._expect(here, b"user")  # it is in its user namespace now
        self._map(pid, "uid_map", self.settings.uid)
        self._map(pid, "gid_map", self.settings.gid)
        here.send(b"mapped")
        self._expect(here, b"up")
        self.sock.send(json.dumps({"slot": self.request["slot"], "pid": pid}).encode())

    def _expect(self, sock: socket.socket, word: bytes) -> None:
        said = sock.recv(4096)
        if said != word:
            raise OSError("the new init failed: " + said.decode("utf-8", "replace"))

    def _map(self, pid: int, name: str, inside: int) -> None:
        fd = os.open(f"{pid}/{name}", os.O_WRONLY, dir_fd=self.proc)
        root = self.settings.root
        os.write(fd, f"0 {root} 1\n{inside} {self.request['uid']} 1\n".encode())
        os.close(fd)

    def second(self, parent: socket.socket) -> None:
        """PID 1: still root; mounts /proc, then gives everything up for good."""
        self.sock.close()
        for fd in (self.proc, self.net, self.tmp, *self.entrances):
            if fd >= 0:
                os.close(fd)
        sys_.mount("proc", "/proc", "proc", _PROC_FLAGS)
        for name in _MASKED:
            if os.path.exists(f"/proc/{name}"):
                sys_.mount("/dev/null", f"/proc/{name}", "", 0x1000)
        os.setgroups([])
        files = self.settings.files
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.umask(0o022)
        os.setsid()
        sys_.unshare(sys_.CLONE_NEWUSER)
        parent.send(b"user")
        self._expect(parent, b"mapped")
        os.setresgid(self.settings.gid, self.settings.gid, self.settings.gid)
        os.setresuid(self.settings.uid, self.settings.uid, self.settings.uid)
        for capability in range(sys_.LAST_CAPABILITY + 1):
            sys_.prctl(sys_.PR_CAPBSET_DROP, capability)
        sys_.drop_capabilities()
        sys_.prctl(sys_.PR_SET_NO_NEW_PRIVS, 1)
        sys_.prctl(sys_.PR_SET_DUMPABLE, 0)
        sys_.set_seccomp(self.settings.seccomp)
        parent.send(b"up")
        parent.close()
        pid = self._park()
        os.set_inheritable(self.ctl.fileno(), True)
        os.set_inheritable(self.init, False)  # a copy without the flag would stay open
        os.execve(self.init, ["init", str(self.ctl.fileno()), str(pid)], {})

    def _park(self) -> int:
        """Fork the managed runtime ahead; its pid, 0 if there is none."""
        if self.runtime is None:
            self.go.send(b"ready")
            return 0
        pid = os.fork()
        if pid == 0:
            self.ctl.close()
            os.close(self.init)
            try:
                parked.park(self.go, self.runtime.main, self.runtime.rehearse)
            finally:
                os._exit(1)
        return pid


def main() -> None:
    """Of a managed language's zygote: executed inside the template by template.py."""
    sock = socket.socket(fileno=int(sys.argv[1]))
    proc = int(sys.argv[2])
    settings, data = read_settings(os.environ.pop(SETTINGS_VARIABLE))
    sys.path.append("/var/runtime")
    import bootstrap  # type: ignore[import-not-found]

    for name in data["preload"]:
        __import__(name)
    sys.path.remove("/var/runtime")
    for _ in range(20):  # the interpreter specialises its code: here once, not in every fork
        bootstrap.rehearse()
    serve(sock, proc, settings, Runtime(bootstrap.main, bootstrap.rehearse))


def read_settings(text: str) -> tuple[Settings, dict[str, Any]]:
    data = json.loads(text)
    seccomp = bytes.fromhex(data["seccomp"])
    return Settings(data["uid"], data["gid"], data["root"], seccomp, data["files"]), data
