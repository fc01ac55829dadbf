"""A program out of Debian's packages, as a prefix that runs wherever it is put: interpreters, CRIU.

    build("ruby3.3", target)      target/bin/ruby3.3, target/lib/…

apt chooses the packages, downloads them and checks their signatures; nothing of them is installed.
A package is looked for in the archives that this machine is configured for, then in the later
suites of Debian's own, if that is among them. Since such a package may need a later C library than
the machine's, all that it needs comes along, and a small script starts it with that.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

DOWNLOAD_S = 600.0
_OWN = ""  # of what this machine is configured for
SUITES = ("stable", "testing", "unstable")  # Debian's, whatever their names are this year
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
# What they have in 2026. Others are looked for all the same: the archives that a machine is
# configured for may be another distribution's.
HAVE = frozenset({"python3.11", "python3.13", "python3.14", "ruby3.3"})
_TOOLS = ("apt-get", "dpkg-deb")
_KEPT = ("bin", "lib")  # of /usr; no documentation, nothing for administrators
_PROGRAMS = "lib/stoker"  # below the prefix: what the scripts in bin start
_LINKS = {"ruby": ("ruby",), "python": ("python3", "python")}  # further names of the program
# $0 may be a link that somebody made elsewhere.
_START = """\
#!/bin/sh
# {package} of Debian's, with the C library that it was built for, wherever this folder is.
self=$0
[ -L "$self" ] && self=$(readlink -f "$self")
prefix=${{self%/bin/*}}
libraries=$prefix/{libraries}
{variables}exec "$libraries/{linker}" \\
  --library-path "$libraries${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}" \\
  --argv0 "$prefix/bin/{name}" "$prefix/{program}" "$@"
"""


class NotInDebian(Exception):
    """Why there is no such package here."""


def build(
    package: str, target: Path, *, suites: Sequence[str] = (_OWN, *SUITES), source: str = "bin"
) -> None:
    """Make `target` a prefix with the package's program, which has its name. NotInDebian.

    suites: where to look, in this order, the machine's own first. source: the folder of /usr
    where the program is.
    """
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        raise NotInDebian(f"{missing[0]}, which would bring Debian's package, is not here")
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        unpacked = folder / "unpacked"
        for archive in _download(package, folder, suites):
            _run(["dpkg-deb", "--extract", archive, unpacked])
        _lay_out(unpacked, target, dict.fromkeys((*_KEPT, source)))
    _relocate(package, target, source)


# --- apt ----------------------------------------------------------------------------------------


def _download(package: str, folder: Path, suites: Sequence[str]) -> list[Path]:
    """The package and all that it needs, as files."""
    (folder / "status").touch()  # nothing is installed: so nothing is left out
    said = []
    for number, sources in enumerate(_sources(folder, suites)):
        cache = folder / f"cache{number}"
        (cache / "archives" / "partial").mkdir(parents=True)
        options = [
            *sources,
            *_option("Dir::State::status", folder / "status"),
            *_option("Dir::Cache", cache),
            *_option("Debug::NoLocking", "1"),
            *_option("APT::Sandbox::User", "root"),
        ]
        try:
            if sources:
                _run(["apt-get", *options, "update", "-qq"])
            _run(
                ["apt-get", *options, "install", "-qq", "--yes", "--no-install-recommends",
                 "--download-only", package]
            )  # fmt: skip
        except NotInDebian as error:
            said.append(str(error))
            continue
        return sorted((cache / "archives").glob("*.deb"))
    raise NotInDebian(said[-1] if said else "this machine has none of Debian's archives")


def _sources(folder: Path, suites: Sequence[str]) -> Iterator[list[str]]:
    """apt's options for each place to look."""
    if _OWN in suites:
        yield []
    archives = _archives_of_debian()
    for suite in (each for each in suites if each != _OWN):
        lines = []
        for uri, is_security in sorted(archives):
            if not is_security:
                lines.append(f"deb {_signed()}{uri} {suite} main")
            elif suite == "stable":
                lines.append(f"deb {_signed()}{uri} {suite}-security main")
        if lines:
            place = folder / suite
            (place / "lists" / "partial").mkdir(parents=True)
            (place / "sources.list").write_text("\n".join(lines) + "\n")
            yield [
                *_option("Dir::Etc::sourcelist", place / "sources.list"),
                *_option("Dir::Etc::sourceparts", "-"),
                *_option("Dir::State::lists", place / "lists"),
            ]


def _archives_of_debian() -> set[tuple[str, bool]]:
    """(URI, whether it is the one of security updates) of those this machine is configured for."""
    form = "$(ORIGIN) $(REPO_URI) $(RELEASE)"
    said = _run(["apt-get", "indextargets", "--format", form, "Identifier: Packages"])
    rows = [line.split(" ") for line in said.splitlines()]
    ours = [row for row in rows if len(row) == 3 and row[0] == "Debian"]
    return {(uri, release.endswith("-security")) for _, uri, release in ours}


def _signed() -> str:
    return f"[signed-by={KEYRING}] " if KEYRING.exists() else ""


def _option(name: str, value: object) -> tuple[str, str]:
    return "-o", f"{name}={value}"


def _run(command: Sequence[str | Path]) -> str:
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=DOWNLOAD_S,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.CalledProcessError as error:
        lines = error.stderr.decode(errors="replace").strip().splitlines()
        raise NotInDebian(f"{command[0]}: {lines[-1] if lines else 'failed'}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInDebian(f"{command[0]}: {error}") from error
    return done.stdout.decode(errors="replace")


# --- the prefix ---------------------------------------------------------------------------------


def _lay_out(unpacked: Path, target: Path, kept: Iterable[str]) -> None:
    """/usr as the prefix; older suites have some libraries in /lib."""
    target.mkdir()
    for name in kept:
        for source in (unpacked / "usr" / name, unpacked / name):
            if source.is_dir() and not source.is_symlink():
                shutil.copytree(source, target / name, symlinks=True, dirs_exist_ok=True)


def linker_of(prefix: Path) -> Path | None:
    """The dynamic loader that a prefix brought along, among its libraries."""
    return next(iter(sorted(prefix.glob("lib/*-linux-gnu*/ld-linux*.so.*"))), None)


def program_of(package: str, prefix: Path) -> Path:
    """What the script starts."""
    return prefix / _PROGRAMS / package


def _relocate(package: str, target: Path, source: str) -> None:
    """Put a script that starts the program in its place."""
    linker = linker_of(target)
    program = target / source / package
    if linker is None or not program.is_file():
        raise NotInDebian(f"Debian's {package} has not the files that it used to have")
    kept = program_of(package, target)
    kept.parent.mkdir()
    program.rename(kept)
    libraries = linker.parent.relative_to(target)
    script = target / "bin" / package
    script.parent.mkdir(exist_ok=True)
    script.write_text(
        _START.format(
            package=package,
            libraries=libraries,
            linker=linker.name,
            variables=_variables(package, libraries),
            name=package,
            program=kept.relative_to(target),
        )
    )
    script.chmod(0o755)
    for name in _LINKS.get(package.rstrip("0123456789."), ()):
        (target / "bin" / name).unlink(missing_ok=True)
        (target / "bin" / name).symlink_to(package)
    _free_rubygems(target)


def _variables(package: str, libraries: Path) -> str:
    """What the interpreter must be told to find its own library in another place.

    Python looks beside itself; Ruby where it was configured to be, which is /usr.
    """
    if not package.startswith("ruby"):
        return ""
    api = package.removeprefix("ruby") + ".0"
    places = ("lib/ruby/vendor_ruby", f"lib/ruby/{api}", f"{libraries}/ruby/{api}")
    path = ":".join(f"$prefix/{place}" for place in places)
    return f'export RUBYLIB="${{RUBYLIB:+$RUBYLIB:}}{path}"\n'


def _free_rubygems(target: Path) -> None:
    """Without Debian's own settings RubyGems, too, looks beside the interpreter."""
    for settings in target.glob("lib/ruby/vendor_ruby/rubygems/defaults/*.rb"):
        settings.unlink()
