"""What the code in a folder needs beside itself, installed when its manifest says something new.

Of requirements.txt into a folder of our own, which the function imports from as if it were in
the code; of package.json by npm, where npm always puts it. Where nothing changed since the last
time, nothing is done.
"""

import asyncio
import hashlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from stoker.core.limits import RUNTIMES, Family

MANIFESTS = {Family.PYTHON: "requirements.txt", Family.NODE: "package.json"}
_DONE = "installed"  # beside what was: the digest of what was asked for


class Packages:
    """Of one folder, for one runtime."""

    def __init__(self, folder: Path, runtime: str, *, debugged: bool) -> None:
        """debugged: Python needs debugpy then, its own or one that we bring."""
        self._folder = folder
        self._family = RUNTIMES[runtime].family
        self._runtime = runtime
        own = folder / "debugpy"
        self._brought = debugged and self._family is Family.PYTHON and not own.is_dir()
        name = hashlib.sha256(f"{folder.resolve()}\0{runtime}".encode()).hexdigest()[:16]
        self._place = cache() / f"{folder.resolve().name}-{name}"
        self._asked = ""  # by what was installed, or tried, last
        self._shown: Path | None = None  # the function may be using it

    @property
    def beside(self) -> Path | None:
        """The folder that the function is to see beside the code; None: it needs none."""
        if self._family is Family.PYTHON:
            self._shown = self._installed(self._digest()) or self._shown
        return self._shown

    def stale(self) -> bool:
        """Is there something to install that was not tried yet?"""
        digest = self._digest()
        if digest in ("", self._asked):
            return False
        if self._family is Family.PYTHON:
            return self._installed(digest) is None
        return self._recorded() != digest or not (self._folder / "node_modules").is_dir()

    async def install(self, say: Callable[[str], None]) -> None:
        """Run the installer; what it prints is shown. Raise ValueError if it fails."""
        digest = self._asked = self._digest()
        self._place.mkdir(parents=True, exist_ok=True)
        if self._family is Family.NODE:
            npm = shutil.which("npm")
            if npm is None:
                raise ValueError("package.json names packages, and there is no npm")
            await _run([npm, "install", "--no-audit", "--no-fund"], self._folder, say)
            (self._place / _DONE).write_text(digest)
            return
        for old in self._place.glob("python-*"):
            if old != self._shown:
                shutil.rmtree(old, ignore_errors=True)
        half = Path(tempfile.mkdtemp(dir=self._place))
        try:
            await _run(self._installer(half), self._folder, say)
            self._put_in_place(half, digest)
        finally:
            shutil.rmtree(half, ignore_errors=True)

    def _put_in_place(self, half: Path, digest: str) -> None:
        half.chmod(0o755)
        half.rename(self._place / f"python-{digest[:16]}")

    def _installer(self, target: Path) -> list[str]:
        version = self._runtime.removeprefix("python")
        words = ["--target", str(target)]
        if self._brought:
            words.append("debugpy")
        if (self._folder / "requirements.txt").is_file():
            words += ["-r", "requirements.txt"]
        if version != f"{sys.version_info.major}.{sys.version_info.minor}":
            words += ["--python-version", version, "--only-binary=:all:"]
        return [*_pip(), "install", *words]

    def _digest(self) -> str:
        """Of what is to be installed; "" for nothing."""
        manifest = MANIFESTS.get(self._family)
        if manifest is None:
            return ""
        try:
            text = (self._folder / manifest).read_bytes()
        except OSError:
            text = b""
        if self._brought:
            text += b"\0debugpy"
        return hashlib.sha256(text).hexdigest() if text.strip() else ""

    def _installed(self, digest: str) -> Path | None:
        place = self._place / f"python-{digest[:16]}"
        return place if digest and place.is_dir() else None

    def _recorded(self) -> str:
        try:
            return (self._place / _DONE).read_text()
        except OSError:
            return ""


def cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "stoker" / "dev"


def _pip() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    for name, words in (("uv", ["pip"]), ("pip3", []), ("pip", [])):
        found = shutil.which(name)
        if found:
            return [found, *words]
    raise ValueError("requirements.txt names packages, and there is no pip")


async def _run(command: list[str], folder: Path, say: Callable[[str], None]) -> None:
    """Functions are somebody else: what is installed is readable by all."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        umask=0o022,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        async for line in process.stdout:
            say(line.decode(errors="replace").rstrip())
        if await process.wait():
            raise ValueError(f"{' '.join(command[:4])} … failed")
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # installers have helpers
            await process.wait()
