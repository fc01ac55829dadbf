"""The doctor, asked by the launcher: what this machine has, seen with the launcher's rights."""

import contextlib
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stoker.sandbox.namespaces.launcher import Launcher


class Examiner:
    """One examination at a time; who asks meanwhile waits for the same.

    What it says goes to a file in memory, which is what those who asked get: however long, and
    whoever else still holds it open, nobody here waits for it.
    """

    def __init__(
        self, launcher: "Launcher", command: list[str], runtimes_dir: str, limit_s: float
    ) -> None:
        self.launcher = launcher
        self.command, self.runtimes_dir, self.limit_s = command, runtimes_dir, limit_s
        self.process: subprocess.Popen[bytes] | None = None
        self.said = -1  # the file
        self.curious: list[int] = []  # requests that wait for it
        self.due_at = 0.0  # the launcher calls expire() then

    def examine(self, number: int) -> None:
        """In a process of its own."""
        self.curious.append(number)
        if self.process is not None:
            return
        more = {"STOKER_RUNTIMES_DIR": self.runtimes_dir} if self.runtimes_dir else {}
        try:
            self.said = os.memfd_create("doctor", os.MFD_CLOEXEC)
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=self.said,
                env={**os.environ, **more}, start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self._refuse(str(error))
            return
        self.due_at = time.monotonic() + self.limit_s
        self.launcher.children[self.process.pid] = lambda _: self._examined()

    def expire(self) -> None:
        """If it has taken too long, it ends: with all that it has started."""
        if self.process is not None and time.monotonic() >= self.due_at:
            self.launcher.children[self.process.pid] = lambda _: None
            self._kill()
            self._refuse(f"the doctor took longer than {self.limit_s:g} s; run it in a terminal")

    def _examined(self) -> None:
        for number in self.curious:
            self.launcher.reply(number, {}, (self.said,))
        self._forget()

    def _refuse(self, why: str) -> None:
        for number in self.curious:
            self.launcher.refuse(number, f"cannot examine this machine: {why}")
        self._forget()

    def _forget(self) -> None:
        if self.process is not None:
            self.process.returncode = 0  # the launcher reaps it
        if self.said >= 0:
            os.close(self.said)
        self.process, self.said, self.due_at = None, -1, 0.0
        self.curious.clear()

    def _kill(self) -> None:
        assert self.process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def close(self) -> None:
        if self.process is not None:
            self._kill()  # nobody waits for it any more
