"""Processes that are measured: started, weighed and ended with all their descendants."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

START_S = 60.0
STOP_S = 20.0


class CannotStart(Exception):
    """A system did not come up: its own last words."""


class Child:
    """A process and all that it starts."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        log: Path,
        *,
        environ: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.log = log
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=dict(environ) if environ is not None else None,
                cwd=cwd,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def tree(self) -> list[int]:
        """It and its descendants, now."""
        return [self.pid, *descendants(self.pid)]

    def wait_for_port(self, port: int, *, pause_s: float = 0.02) -> None:
        """Return when something listens there. Raise CannotStart."""
        end = time.monotonic() + START_S
        while not listens(port):
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise CannotStart(self.last_words())
            time.sleep(pause_s)

    def wait_for_file(self, path: Path) -> str:
        """Its text, as soon as it is there. Raise CannotStart."""
        end = time.monotonic() + START_S
        while not path.exists():
            if self._process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise CannotStart(self.last_words())
            time.sleep(0.02)
        return path.read_text().strip()

    def last_words(self) -> str:
        return self.log.read_text(errors="replace")[-600:].strip() or "it said nothing"

    def stop(self) -> None:
        """SIGTERM, then SIGKILL to whatever of the tree is left. Idempotent."""
        tree = self.tree()
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_S)
        kill(tree)
        self._process.wait()


def kill(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Children first, then theirs."""
    found: list[int] = []
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                found += [int(child) for child in (task / "children").read_text().split()]
    return found + [each for child in found for each in descendants(child)]


def cpu_ns(pids: Iterable[int]) -> int:
    """Time that all threads of these processes have run."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                with contextlib.suppress(OSError):
                    total += int((task / "schedstat").read_text().split()[0])
    return total


def pss_kb(pids: Iterable[int]) -> int:
    """Proportional set size: memory, with what is shared divided among those who share it."""
    total = 0
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.findall(r"^Pss:\s+(\d+)", text, re.MULTILINE)[0])
    return total


def listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
