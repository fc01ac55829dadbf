"""Java functions for tests: sources compiled against our own interfaces, where there is a javac."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes.found import FoundRuntime, RuntimeUnavailable, find_runtime

FOLDER = Path(__file__).parents[1] / "src" / "stoker" / "runtimes" / "java"
JAR = FOLDER / "lib" / "stoker-runtime.jar"


def javas() -> list[FoundRuntime]:
    """One of each version that this machine has."""
    found: dict[str, FoundRuntime] = {}
    for name, runtime in RUNTIMES.items():
        if runtime.family is Family.JAVA:
            try:
                it = find_runtime(name)
            except RuntimeUnavailable:
                continue
            found.setdefault(it.version, it)
    return list(found.values())


def lacking() -> str:
    """Why Java functions cannot be tested here; "" if they can."""
    if not javas():
        return "there is no Java on this machine"
    return "" if shutil.which("javac") else "there is no javac on this machine"


def compiled(
    folder: Path,
    sources: Mapping[str, str],
    release: str = "11",
    classpath: Sequence[Path] = (JAR,),
) -> dict[str, bytes]:
    """Class files by path, of sources by file name. It takes a second."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in sources.items():
        (folder / name).write_text(text)
    classes, files = folder / "classes", [folder / name for name in sources]
    subprocess.run(
        ["javac", "-source", release, "-target", release, "-proc:none", "-Xlint:-options", "-g",
         "-classpath", ":".join(map(str, classpath)), "-d", classes, *files],
        stdin=subprocess.DEVNULL,
        check=True,
    )  # fmt: skip
    made = sorted(classes.rglob("*.class"))
    return {str(file.relative_to(classes)): file.read_bytes() for file in made}
