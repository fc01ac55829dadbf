"""`stoker serve` on a free port and an empty data folder, for one run of tests."""

import itertools
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

START_S = 60.0
STOP_S = 60.0
SHOWN_BYTES = 8000  # of the log, in the report of a failure


class CannotStart(Exception):
    """The server ended, or said nothing in time, before it answered requests."""


class Server:
    """A server of its own for one run of tests.

    Attributes:
        url: where it answers; AWS_ENDPOINT_URL.
        log: the file that it logs to, in JSON lines.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        """options: of `stoker serve`, as in docs/guide/configuration.md."""
        self._folder = Path(tempfile.mkdtemp(prefix="stoker-testing-"))
        self.log = self._folder / "server.log"
        self._accounts = itertools.count(100_000_000_001)
        serve = [sys.executable, "-m", "stoker", "serve", "--port", "0"]
        serve += ["--data-dir", str(self._folder / "data"), *options]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "stoker.testing.keeper", *serve],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C ends the tests; they end the server
            )
        try:
            self.url = self._greeting()
        except BaseException:
            self.stop()
            raise

    def _greeting(self) -> str:
        """The first line comes when requests are answered; its last word is the URL."""
        assert self._process.stdout
        ready, _, _ = select.select([self._process.stdout], [], [], START_S)
        first = self._process.stdout.readline().decode() if ready else ""
        if "http" not in first:
            said = self.logged(0) or "nothing was said in time"
            raise CannotStart(f"cannot start `stoker serve` (try `stoker doctor`): {said}")
        return first.split()[-1]

    def new_account(self) -> str:
        """An account that nobody has used: AWS's keys of 12 digits are one here."""
        return str(next(self._accounts))

    def logged(self, since_bytes: int) -> str:
        """The end of what the server has logged since its log had that size."""
        with self.log.open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(since_bytes, size - SHOWN_BYTES))
            return log.read(SHOWN_BYTES).decode(errors="replace")

    def stop(self) -> None:
        """End the server and remove its folder."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)
