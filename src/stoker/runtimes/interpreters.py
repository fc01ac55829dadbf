"""Python interpreters on this machine: where to look, and what one says about itself.

A candidate is any path that might be `python3.X`. Each is asked by running it once, because a
name proves nothing: pyenv's shims are scripts, a venv's python belongs to another prefix, and a
link may point to another version.
"""

import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from stoker.runtimes.probes import Probes, say

SYSTEM = ("/usr", "/lib", "/lib64", "/lib32")  # visible in every sandbox

# Loading what is linked with more than libc shows where the libraries of this interpreter are.
_QUESTION = """
import json, os, sys
for name in ("_ssl", "_hashlib", "_sqlite3", "_ctypes", "_lzma", "_bz2", "zlib", "readline"):
    try:
        __import__(name)
    except ImportError:
        pass
try:
    with open("/proc/self/maps") as maps:
        mapped = {line.split(None, 5)[-1].strip() for line in maps if ".so" in line}
except OSError:
    mapped = set()
print(json.dumps({
    "implementation": sys.implementation.name,
    "version": sys.version_info[:3],
    "prefix": sys.base_prefix,
    "executable": sys.executable,
    "library": os.path.dirname(os.__file__),
    "mapped": sorted(mapped),
}))
"""


@dataclass(frozen=True, slots=True)
class Interpreter:
    """Of any language: an installation that was asked what it is."""

    version: tuple[int, int, int]
    prefix: Path  # where it was installed, not a venv made of it
    executable: Path  # real, below `prefix` if at all possible
    libraries: tuple[Path, ...]  # further directories that it needs, beyond the system's

    @property
    def text(self) -> str:
        return ".".join(map(str, self.version))


def _ask(path: Path) -> Interpreter | None:
    facts = say([path, "-I", "-S", "-c", _QUESTION], without="PYTHON")
    if facts is None:
        return None
    major, minor, micro = facts["version"]
    prefix = Path(facts["prefix"])
    if facts["implementation"] != "cpython" or not Path(facts["library"]).is_relative_to(prefix):
        return None
    executable = prefix / "bin" / f"python{major}.{minor}"
    if not executable.exists():
        executable = Path(facts["executable"])
    directories = {Path(mapped).parent for mapped in facts["mapped"]}
    return Interpreter(
        (major, minor, micro),
        prefix,
        executable.resolve(),
        tuple(sorted(d for d in directories if not _is_found_anyway(d, prefix))),
    )


def _is_found_anyway(directory: Path, prefix: Path) -> bool:
    """In the system, in the interpreter's library, or where LD_LIBRARY_PATH points inside."""
    lib = prefix / "lib"
    return str(directory).startswith(SYSTEM) or directory == lib or directory.name == "lib-dynload"


def candidates(version: str, places: Sequence[Path]) -> Iterator[Path]:
    """Where `python<version>` may be, best first. Most of these paths do not exist.

    places: folders with a prefix per runtime.
    """
    name = f"python{version}"
    yield from (place / name / "bin" / name for place in places)
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder]
    yield from (folder / name for folder in folders)
    # A shim answers for the version that is selected, but its neighbours are there all the same.
    roots = [folder.parent for folder in folders if folder.name == "shims"]
    for root in (*roots, home("PYENV_ROOT", ".pyenv")):
        yield from newest_first(root / "versions", f"{version}.*", name)
    yield Path(sys.executable)
    yield from (Path(f"/usr/bin/{name}"), Path(f"/usr/local/bin/{name}"))
    yield from newest_first(Path("/opt/python"), f"{version}*", name)
    yield from newest_first(Path("/opt"), f"python{version}*", name)
    data = home("XDG_DATA_HOME", ".local/share")
    uv = Path(os.environ.get("UV_PYTHON_INSTALL_DIR") or data / "uv" / "python")
    yield from newest_first(uv, f"cpython-{version}.*", name)


def home(variable: str, default: str) -> Path:
    return Path(os.environ.get(variable) or Path.home() / default)


def newest_first(folder: Path, pattern: str, name: str) -> Iterator[Path]:
    def release(path: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", path.name)]

    try:
        found = sorted(folder.glob(pattern), key=release, reverse=True)
    except OSError:  # another user's
        return
    yield from (path / "bin" / name for path in found)


# What a path is, or None if it is no CPython that works. Runs it when it is new or changed.
probe = Probes(_ask)
