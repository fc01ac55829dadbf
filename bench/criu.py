"""CRIU's restore of a plain process: what SnapStart of Python is measured beside.

The process is as easy for CRIU as one can be: no namespaces, no sandbox, its image in memory. It
has imported the function, and answers at a port.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from bench.processes import CannotStart
from stoker.runtimes.criu import Criu, find_criu, lacking

PATIENCE_S = 60.0
_MEMORY = Path("/dev/shm")
_SERVE = """
import json, socket, sys
sys.path[:0] = sys.argv[2:]
import main
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        if connection.recv(65536):
            connection.sendall(json.dumps(main.handler({}, None)).encode())
"""


class Dumped:
    """A function that CRIU has written. Use as a context manager."""

    def __init__(self, interpreter: Path, paths: list[Path]) -> None:
        """paths: where the interpreter finds `main` and what that imports. Raise CannotStart."""
        found = find_criu()
        if found is None:
            raise CannotStart(lacking())
        self._criu: Criu = found
        self._port = _free_port()
        self._images = Path(tempfile.mkdtemp(dir=_MEMORY if _MEMORY.is_dir() else None))
        command = [interpreter, "-c", _SERVE, f"{self._port}", *paths]
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.pid = process.pid
        try:
            self._ask(b"")
            self._run("dump", "--tree", f"{self.pid}")
        except BaseException:
            shutil.rmtree(self._images)
            raise
        finally:
            process.kill()
            process.wait()

    def __enter__(self) -> "Dumped":
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._images)

    def restored(self) -> tuple[float, bytes]:
        """Microseconds from CRIU's start to the first answer, and that."""
        began = time.perf_counter()
        self._run("restore", "--restore-detached")
        try:
            answer = self._ask(b"{}")
            return (time.perf_counter() - began) * 1e6, answer
        finally:
            self._end()

    def _run(self, *arguments: str) -> None:
        # By its own loader: the script in bin is a process more.
        command = [
            self._criu.linker, "--library-path", self._criu.linker.parent, self._criu.program,
            *arguments, "--images-dir", self._images, "--log-file", "log", "-v1", "--tcp-close",
        ]  # fmt: skip
        try:
            subprocess.run(
                [str(word) for word in command], stdin=subprocess.DEVNULL, check=True,
                timeout=PATIENCE_S, stdout=sys.stderr,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            log = self._images / "log"
            said = log.read_text().strip() if log.exists() else ""
            raise CannotStart(f"CRIU: {error}: {said[-300:]}") from error

    def _ask(self, request: bytes) -> bytes:
        """The answer; with nothing to ask, wait until somebody listens."""
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self._port), PATIENCE_S) as connection:
                    connection.sendall(request)
                    return connection.recv(65536) if request else b""
            except ConnectionRefusedError as error:
                if time.monotonic() > end:
                    raise CannotStart("what CRIU is to dump did not start") from error
                time.sleep(0.001)

    def _end(self) -> None:
        """Its process has the same number each time, so it must be gone."""
        with suppress(ProcessLookupError):
            pidfd = os.pidfd_open(self.pid)
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)
        end = time.monotonic() + PATIENCE_S
        while Path(f"/proc/{self.pid}").exists():
            if time.monotonic() > end:
                raise CannotStart("a process that CRIU restored does not end")
            with suppress(ChildProcessError):
                os.waitpid(self.pid, os.WNOHANG)  # if this process inherits orphans
            time.sleep(0.001)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
