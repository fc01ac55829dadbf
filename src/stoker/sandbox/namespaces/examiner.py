"""The doctor, asked by the launcher: what this machine has, seen with the launcher's rights."""

import os
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stoker.sandbox.namespaces.launcher import Launcher


class Examiner:
    """One examination at a time; who asks meanwhile waits for the same."""

    def __init__(self, launcher: "Launcher", command: list[str], runtimes_dir: str) -> None:
        self.launcher = launcher
        self.command, self.runtimes_dir = command, runtimes_dir
        self.process: subprocess.Popen[bytes] | None = None
        self.curious: list[int] = []  # requests that wait for it

    def examine(self, number: int) -> None:
        """In a process of its own."""
        self.curious.append(number)
        if self.process is not None:
            return
        more = {"STOKER_RUNTIMES_DIR": self.runtimes_dir} if self.runtimes_dir else {}
        try:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                env={**os.environ, **more},
            )  # fmt: skip
        except OSError as error:
            self.curious.remove(number)
            self.launcher.refuse(number, f"cannot examine this machine: {error}")
            return
        self.launcher.children[self.process.pid] = lambda _: self._examined()

    def _examined(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        self.process.returncode = 0  # it has been reaped
        with self.process.stdout as pipe:  # it has ended: what it said fits the pipe
            said = pipe.read(1 << 15).decode("utf-8", "replace")
        self.process = None
        for number in self.curious:
            self.launcher.reply(number, {"said": said})
        self.curious.clear()

    def close(self) -> None:
        if self.process is not None:
            self.process.kill()  # nobody waits for it any more
