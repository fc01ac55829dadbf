"""PID 1 of a sandbox: starts its processes, reaps what dies, reports to the server outside.

Born of the zygote by fork, so it can fork the managed runtime again after a reset. It speaks over
one socket (`ctl`) that no process of the user ever holds; it is not dumpable, so they cannot look
into it, and as PID 1 it cannot be killed from inside.

Commands and reports are JSON, one per packet:
    {"start": name, "argv": [...] | null, "env": {...}, "cwd": "/var/task"} + 2 or 3 descriptors
    {"signal": name, "number": 15}      {"kill_all": true}
    {"exit": name, "code": 1}      {"exit": name, "signal": 9}
    {"exit": name, "error": "fork/exec ..: permission denied", "errno": 13}

Standard library only, syntax of Python 3.8: it runs under the function's interpreter.
"""

from __future__ import annotations

import array
import contextlib
import errno
import json
import os
import select
import signal
import socket
from typing import Any, Callable, NoReturn  # noqa: UP035 (Python 3.8)

from stoker.sandbox.namespaces import syscalls as sys_

FRAMES_FD = 62  # spec 6.6: the framed log descriptor's number inside
PACKET = 65536
OOM_SCORE = b"1000"  # rather the user's processes than PID 1
PARKED = "parked"  # the name of a runtime process forked ahead

Main = Callable[[Any], NoReturn]


def serve(ctl: socket.socket, main: Main | None, parked: tuple[int, socket.socket] | None) -> None:
    """Serve ctl until the server hangs up; then end, and with us the whole pid namespace.

    main runs the managed runtime in a forked child; None for OS-only runtimes. parked: (pid,
    socket) of a runtime process that was forked ahead; closing the socket un-parks it.
    """
    Init(ctl, main, parked).run()


class Init:
    def __init__(
        self, ctl: socket.socket, main: Main | None, parked: tuple[int, socket.socket] | None
    ) -> None:
        self.ctl = ctl
        self.main = main
        self.names: dict[int, str] = {}
        if parked:
            self.names[parked[0]] = PARKED
            parked[1].close()
        self.wake_r, self.wake_w = os.pipe()
        os.set_blocking(self.wake_r, False)
        os.set_blocking(self.wake_w, False)
        signal.set_wakeup_fd(self.wake_w, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        poll = select.poll()
        poll.register(self.ctl, select.POLLIN)
        poll.register(self.wake_r, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == self.wake_r:
                    os.read(self.wake_r, 4096)
                    self.reap()
                elif not self.obey():
                    return

    def obey(self) -> bool:
        data, fds = receive(self.ctl)
        if not data:
            return False
        command = json.loads(data)
        if "start" in command:
            self.start(command, fds)
        elif "signal" in command:
            for pid, name in self.names.items():
                if name == command["signal"]:
                    _kill(-pid, command["number"])
        elif "kill_all" in command:
            _kill(-1, signal.SIGKILL)  # everyone in this pid namespace but us, in one go
        return True

    def start(self, command: dict[str, Any], fds: list[int]) -> None:
        failure_r, failure_w = os.pipe()  # closed by a successful exec
        pid = os.fork()
        if pid == 0:
            try:
                os.close(failure_r)
                self.ctl.close()
                self.become(command, fds, failure_w)
            except OSError as error:
                os.write(failure_w, b"%d" % (error.errno or errno.EIO))
            finally:
                os._exit(127)
        os.close(failure_w)
        for fd in fds:
            os.close(fd)
        failure = os.read(failure_r, 16)
        os.close(failure_r)
        if failure:
            os.waitpid(pid, 0)
            number = int(failure)
            text = f"fork/exec {(command['argv'] or ['runtime'])[0]}: {_go_error(number)}"
            self.report({"exit": command["start"], "error": text, "errno": number})
        else:
            self.names[pid] = command["start"]

    def become(self, command: dict[str, Any], fds: list[int], failure: int) -> None:
        """In the child: take its descriptors, directory and program; does not return."""
        alone()
        settle(fds, keep=failure)
        os.chdir(command["cwd"])
        if command["argv"] is None:
            assert self.main is not None
            os.close(failure)
            self.main(command["env"])
        restore_signals()
        os.execve(command["argv"][0], command["argv"], command["env"])

    def reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self.names.pop(pid, None)
            if name is None:
                continue  # an orphan of the user's
            if os.WIFSIGNALED(status):
                self.report({"exit": name, "signal": os.WTERMSIG(status)})
            else:
                self.report({"exit": name, "code": os.WEXITSTATUS(status)})

    def report(self, message: dict[str, Any]) -> None:
        try:
            self.ctl.send(json.dumps(message).encode())
        except OSError:
            os._exit(0)  # the server is gone


def park(go: socket.socket, main: Main, rehearse: Callable[[], None]) -> NoReturn:
    """In the runtime process forked ahead: get warm, say so, wait to be given a function."""
    alone()
    rehearse()
    go.send(b"ready")
    data, fds = receive(go)
    if not data:
        os._exit(0)
    go.close()
    command = json.loads(data)
    settle(fds, keep=-1)
    os.chdir(command["cwd"])
    main(command["env"])


def settle(fds: list[int], keep: int) -> None:
    """Make fds standard output, standard error and the frames; close all else but `keep`."""
    os.dup2(fds[0], 1)
    os.dup2(fds[1], 2)
    if len(fds) > 2:
        os.dup2(fds[2], FRAMES_FD)  # inheritable: a wrapper or interpreter gets it by exec
    wanted = sorted({FRAMES_FD if len(fds) > 2 else 2, keep, 2})
    last = 2
    for fd in wanted:
        if fd > last:
            os.closerange(last + 1, fd)
            last = fd
    os.closerange(last + 1, max(last + 1, 1024))


def alone() -> None:
    """In every child of PID 1: its own process group, and first in line when memory runs out."""
    os.setpgid(0, 0)
    sys_.prctl(sys_.PR_SET_DUMPABLE, 1)  # its own /proc/self belongs to it, unlike PID 1's
    fd = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
    os.write(fd, OOM_SCORE)
    os.close(fd)


def restore_signals() -> None:
    for name in ("SIGPIPE", "SIGXFSZ", "SIGINT", "SIGCHLD"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)


def receive(sock: socket.socket) -> tuple[bytes, list[int]]:
    fds = array.array("i")
    data, ancillary, _, _ = sock.recvmsg(PACKET, socket.CMSG_SPACE(16 * fds.itemsize))
    for level, kind, payload in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds.frombytes(payload[: len(payload) - len(payload) % fds.itemsize])
    return data, list(fds)


def _kill(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _go_error(number: int) -> str:
    """errno as Go prints it: what AWS's messages show."""
    text = os.strerror(number)
    return text[:1].lower() + text[1:]
