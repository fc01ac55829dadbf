"""Compile the Java runtime client: src/stoker/runtimes/java/source to lib/stoker-runtime.jar.

    python scripts/build_java_runtime.py [JAVAC]

The jar is in the repository, since who runs Java functions may have no compiler (docs/adr/0007).
It names the digest of its sources, and the compiler that made it; the same compiler makes the
same bytes again, which tests/component/test_java_jar.py sees to.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "src" / "stoker" / "runtimes" / "java"
JAR = FOLDER / "lib" / "stoker-runtime.jar"
RELEASE = "11"  # the oldest Java that runs it
_OPTIONS = (
    "--release", RELEASE, "-proc:none", "-Xlint:all", "-Werror", "-g:source,lines",
    "-XDstringConcat=inline",  # of strings as before Java 9: what it is now starts slowly
)  # fmt: skip
_EPOCH = (1980, 1, 1, 0, 0, 0)  # an archive's first time


def main() -> None:
    javac = Path(sys.argv[1] if len(sys.argv) > 1 else shutil.which("javac") or "javac")
    JAR.parent.mkdir(exist_ok=True)
    build(javac, JAR)
    print(f"{JAR.relative_to(Path.cwd())}: {JAR.stat().st_size} bytes, {compiler(javac)}")


def build(javac: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as name:
        classes = Path(name)
        subprocess.run(
            [javac, *_OPTIONS, "-d", classes, *sources()], stdin=subprocess.DEVNULL, check=True
        )
        with zipfile.ZipFile(target, "w") as jar:
            _put(jar, "META-INF/MANIFEST.MF", manifest(javac).encode())
            for file in sorted(classes.rglob("*.class")):
                _put(jar, str(file.relative_to(classes)), file.read_bytes())


def sources() -> list[Path]:
    return sorted((FOLDER / "source").rglob("*.java"))


def digest() -> str:
    """Of all sources, with their names."""
    content = hashlib.sha256()
    for file in sources():
        content.update(f"{file.relative_to(FOLDER)}\0".encode() + file.read_bytes() + b"\0")
    return content.hexdigest()


def compiler(javac: Path) -> str:
    """Its version: the bytes depend on it."""
    said = subprocess.run([javac, "-version"], capture_output=True, text=True, check=True)
    return said.stdout.strip()


def manifest(javac: Path) -> str:
    sha = digest()
    return (
        "Manifest-Version: 1.0\r\n"
        f"Created-By: {compiler(javac)}\r\n"
        f"Sources-1: {sha[:32]}\r\n"  # a line has at most 72 bytes
        f"Sources-2: {sha[32:]}\r\n"
        "\r\n"
    )


def _put(jar: zipfile.ZipFile, name: str, content: bytes) -> None:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_STORED  # read at every cold start; it is small
    entry.external_attr = 0o644 << 16
    jar.writestr(entry, content)


if __name__ == "__main__":
    main()
