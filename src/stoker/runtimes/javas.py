"""Java on this machine: where to look, what one says about itself, and how it starts fast."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from stoker.runtimes.interpreters import Interpreter, home, newest_first
from stoker.runtimes.probes import Probes, ask

CLIENT_JAR = "lib/stoker-runtime.jar"  # below /var/runtime
ARCHIVE = "lib/stoker-runtime.jsa"
FIRST_MOVABLE = 19  # from here on an archive of classes fits a jar that has moved (JDK-8279366)
_PROPERTY = re.compile(r"^ *java\.(home|version) = (.*)$", re.MULTILINE)
_VERSION = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?")
# A JVM takes options from these.
_VARIABLES = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")


def major_of(runtime: str) -> int:
    """17 of "java17" and of "java17.al2023"."""
    return int(runtime.removeprefix("java").partition(".")[0])


def _ask(path: Path) -> Interpreter | None:
    said = ask([path, "-XshowSettings:properties", "-version"], _VARIABLES)
    facts = {} if said is None else dict(_PROPERTY.findall(said.stderr.decode(errors="replace")))
    version = _VERSION.match(facts.get("version", ""))
    prefix = Path(facts.get("home", "/")).resolve()
    executable = prefix / "bin" / "java"
    # Functions will see all of it: it must be an installation, and no folder with a bin in it.
    if version is None or not (prefix / "release").is_file() or not executable.is_file():
        return None
    major, minor, patch = (int(number or 0) for number in version.groups())
    return Interpreter((major, minor, patch), prefix, executable, ())


# What a path is, or None if it is no Java that works. Runs it when it is new or changed.
probe_java = Probes(_ask)


def java_candidates(runtime: str, places: Sequence[Path]) -> Iterator[Path]:
    """Where a Java of this version may be, best first. Most of these do not exist.

    places: folders with a prefix per runtime. What says of itself, in its file `release`, that it
    is another version need not be asked.
    """
    major = major_of(runtime)
    for path in _everywhere(runtime, major, places):
        if _release(path.parent.parent) in (None, major):
            yield path


def _everywhere(runtime: str, major: int, places: Sequence[Path]) -> Iterator[Path]:
    for name in dict.fromkeys((runtime, f"java{major}")):
        yield from (place / name / "bin" / "java" for place in places)
    if named := os.environ.get("JAVA_HOME"):
        yield Path(named) / "bin" / "java"
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(":") if folder]
    yield from ((folder / "java").resolve() for folder in folders)  # links into its installation
    yield from newest_first(Path("/usr/lib/jvm"), "*", "java")
    yield from newest_first(Path("/opt"), "*j[dr][ke]*", "java")
    yield from newest_first(Path("/opt/java"), "*", "java")
    sdkman = home("SDKMAN_DIR", ".sdkman") / "candidates" / "java"
    yield from newest_first(sdkman, f"{major}.*", "java")
    yield from newest_first(Path.home() / ".jdks", "*", "java")


def _release(prefix: Path) -> int | None:
    """The major version, if the installation says it."""
    try:
        text = (prefix / "release").read_text()
    except (OSError, ValueError):
        return None
    found = re.search(r'^JAVA_VERSION="(\d+)', text, re.MULTILINE)
    return int(found[1]) if found else None


def share_classes(prefix: Path) -> None:
    """Make the archive of Java's own classes that most installations come with. It saves a fifth
    of a start, and is done without if it cannot be made."""
    if not any((prefix / "lib" / "server").glob("classes*.jsa")):
        ask([prefix / "bin" / "java", "-XX:+UseSerialGC", "-Xshare:dump"], _VARIABLES)


def archive_classes(java: Path | None, version: str, folder: Path) -> None:
    """Let a JVM rehearse an event with the client in `folder`, and keep what it loaded there.

    It saves a tenth of a start's processor time, and is done without if it cannot be made.
    """
    assert java is not None, "Java is managed"
    if int(version.partition(".")[0]) < FIRST_MOVABLE:
        return
    made = folder / ARCHIVE
    said = ask(
        [java, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData",
         f"-XX:ArchiveClassesAtExit={made}", "-classpath", folder / CLIENT_JAR,
         "stoker.Rehearsal"],
        _VARIABLES,
    )  # fmt: skip
    if said is None:
        made.unlink(missing_ok=True)
    elif made.exists():
        made.chmod(0o644)
