"""CRIU, which takes snapshots of runtimes that have threads and restores them: SnapStart of Java.

    <place>/criu/bin/criu      `stoker runtimes install criu`, out of Debian's packages
    <place>/criu/VERSION

It is started by the dynamic loader that it brought, with its own libraries, since it runs where it
sees the files of a sandbox only. Nothing here starts it but the installation: whether there is one
is asked by a server that starts no processes.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from stoker.runtimes.debian import NotInDebian, build, linker_of, program_of
from stoker.runtimes.installed import places

NAME = "criu"  # for `stoker runtimes install`
# 3.17 fails on kernels of today ("Unexpected rt vDSO area bounds"), 4.1 from Linux 6.16 on for
# whoever has a socket ("Can't get 1:16 opt").
OLDEST = (4, 2)
_SUITES = ("testing", "unstable")  # of Debian's, that have it
_VERSION = "VERSION"
_ANSWER_S = 20.0


@dataclass(frozen=True, slots=True)
class Criu:
    version: str
    prefix: Path
    linker: Path
    program: Path


def find_criu(runtimes_dir: Path | None = None) -> Criu | None:
    """The first that is new enough."""
    found = (criu_at(place / NAME) for place in places(runtimes_dir))
    return next((criu for criu in found if criu is not None), None)


def criu_at(prefix: Path) -> Criu | None:
    """The one that `install_criu` put there, if it is new enough."""
    linker, program = linker_of(prefix), program_of(NAME, prefix)
    try:
        version = (prefix / _VERSION).read_text().strip()
    except OSError:
        return None
    if linker is None or not program.is_file() or not is_enough(version):
        return None
    return Criu(version, prefix, linker, program)


def is_enough(version: str) -> bool:
    """Pure."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2]) >= OLDEST


def lacking() -> str:
    """What to say where there is none."""
    return (
        f"CRIU {'.'.join(map(str, OLDEST))} or later is not on this machine: "
        f"`stoker runtimes install {NAME}` brings it"
    )


def install_criu(target: Path) -> None:
    """Make `target` a prefix with CRIU. Raise NotInDebian."""
    build(NAME, target, suites=_SUITES, source="sbin")
    try:
        said = subprocess.run(
            [target / "bin" / NAME, "--version"], capture_output=True, text=True, check=True,
            timeout=_ANSWER_S, stdin=subprocess.DEVNULL,
        ).stdout  # fmt: skip
    except (OSError, subprocess.SubprocessError) as error:
        raise NotInDebian(f"Debian's {NAME} does not run here: {error}") from error
    found = re.search(r"^Version: (\S+)", said, re.MULTILINE)
    if found is None or not is_enough(found[1]):
        raise NotInDebian(f"Debian has {NAME} {found[1] if found else '?'} only")
    (target / _VERSION).write_text(f"{found[1]}\n")
