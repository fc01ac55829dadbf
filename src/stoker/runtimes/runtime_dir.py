"""What a managed runtime finds at /var/runtime: the runtime client, and for Python the AWS SDK.

Built once per content into a cache, with compiled modules, since functions see it read-only:

    <cache>/python3.11-1f0c2a9b7d3e4c55/
      bootstrap  bootstrap.py  _stoker_*.py  __pycache__/
      boto3/ botocore/ s3transfer/ jmespath/ dateutil/ urllib3/ six.py  *.dist-info/

The Python SDK is the one of the server's own installation, if it supports the function's Python.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from stoker.core.limits import RUNTIMES, Family
from stoker.runtimes.found import FoundRuntime, RuntimeUnavailable
from stoker.runtimes.javas import CLIENT_JAR, archive_classes

SDK = "boto3"
INSIDE = "/var/runtime"
LAYOUT = 2  # count up when what is built changes without a change in any file
_CLIENT_FILES = {
    Family.PYTHON: (
        "bootstrap",
        "bootstrap.py",
        "_stoker_runtime.py",
        "_stoker_ahead.py",
        "_stoker_loading.py",
        "_stoker_wire.py",
        "_stoker_contract.py",
        "_stoker_debugging.py",
        "_stoker_snapshot.py",
        "snapshot_restore_py.py",
    ),
    Family.NODE: (
        "bootstrap",
        "bootstrap.cjs",
        "_stoker_runtime.cjs",
        "_stoker_parked.cjs",
        "_stoker_loading.cjs",
        "_stoker_errors.cjs",
        "_stoker_log.cjs",
        "_stoker_stream.cjs",
        "_stoker_wire.cjs",
    ),
    Family.RUBY: (
        "bootstrap",
        "bootstrap.rb",
        "_stoker_runtime.rb",
        "_stoker_parked.rb",
        "_stoker_contract.rb",
        "_stoker_log.rb",
        "_stoker_log_lines.rb",
        "_stoker_wire.rb",
    ),
    Family.JAVA: ("bootstrap", CLIENT_JAR),
}
AWS_CLIENT = "awslambdaric"
# As `python -m awslambdaric HANDLER`, but found beside this file whatever PYTHONPATH says.
_START_AWS_CLIENT = f"""import os, runpy, sys
sys.path.insert(0, os.getcwd())
sys.argv = ["{AWS_CLIENT}", os.environ["_HANDLER"]]
runpy.run_module("{AWS_CLIENT}", run_name="__main__", alter_sys=True)
"""
_READABLE = 0o444
_BUILDING = ".building-"


def build_runtime_dir(found: FoundRuntime, cache_root: Path, client: Path | None = None) -> Path:
    """The directory to show at /var/runtime; made (in seconds) if this one never was.

    found: a managed runtime. client: a folder with AWS's own runtime client for Python,
    awslambdaric, which /var/runtime/bootstrap then starts in place of ours. Safe to call from
    several processes at once.
    """
    if _family(found) is not Family.PYTHON:
        client = None
    if client is not None and not (client / AWS_CLIENT).is_dir():
        raise RuntimeUnavailable(
            f"{client} has no {AWS_CLIENT}. Install it there: pip install --target {client} "
            f"{AWS_CLIENT}"
        )
    packages = sdk_packages(found)
    target = cache_root / f"{found.runtime}-{_digest(found, packages, client)}"
    if target.is_dir():
        return target
    cache_root.mkdir(parents=True, exist_ok=True)
    with (cache_root / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_dir():
            return target
        for left in cache_root.glob(_BUILDING + "*"):  # of a builder that was killed
            shutil.rmtree(left)
        building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=cache_root))
        try:
            _fill(building, found, packages)
            if _family(found) is Family.NODE:
                (building / "node_modules").mkdir(mode=0o755)  # the AWS SDK is mounted there
            if client is not None:
                _add_client(building, client)
            if _family(found) is Family.PYTHON:
                _compile(found, building)
            elif _family(found) is Family.JAVA:
                archive_classes(found.executable, found.version, building)
            building.chmod(0o755)
            building.rename(target)
        except BaseException:
            shutil.rmtree(building, ignore_errors=True)
            raise
    return target


def sdk_version(found: FoundRuntime) -> str | None:
    """The version of boto3 that functions on this runtime find, or None if they find none."""
    return next((p.version for p in sdk_packages(found) if _name(p) == SDK), None)


def sdk_packages(found: FoundRuntime) -> tuple[Distribution, ...]:
    """boto3 and all it needs, as installed beside Stoker; () unless a Python was found that every
    one of them supports."""
    if _family(found) is not Family.PYTHON:
        return ()
    version = tuple(int(number) for number in found.version.split("."))
    packages: dict[str, Distribution] = {}
    wanted = [SDK]
    while wanted:
        name = wanted.pop()
        if name in packages:
            continue
        try:
            package = packages[name] = distribution(name)
        except PackageNotFoundError:
            return ()
        if package.files is None or not allows(package.metadata["Requires-Python"], version):
            return ()
        for requirement in package.requires or ():
            if ";" not in requirement:  # extras, and what only another Python needs
                wanted.append(re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower())
    return tuple(packages[name] for name in sorted(packages))


def allows(requires_python: str | None, version: tuple[int, ...]) -> bool:
    """Whether a Requires-Python such as ">=3.9, !=3.10.*" allows a version such as (3, 11, 7).

    What it does not understand, it does not allow.
    """
    clauses = [clause for clause in re.split(r"[,\s]+(?=[<>=!~])", requires_python or "") if clause]
    return bool(version) and all(_clause_allows(clause.strip(), version) for clause in clauses)


def _clause_allows(clause: str, version: tuple[int, ...]) -> bool:
    match = re.fullmatch(r"(>=|<=|==|!=|~=|>|<)\s*(\d+(?:\.\d+)*)(\.\*)?", clause)
    if match is None:
        return False
    operator, text, any_release = match.groups()
    bound = tuple(int(number) for number in text.split("."))
    if any_release:
        return (version[: len(bound)] == bound) is (operator == "==")
    size = max(len(bound), len(version))
    left, right = (numbers + (0,) * (size - len(numbers)) for numbers in (version, bound))
    match operator:
        case ">=":
            return left >= right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case "<":
            return left < right
        case "~=":
            return left >= right and version[: len(bound) - 1] == bound[:-1]
        case _:
            return (left == right) is (operator == "==")


def _name(package: Distribution) -> str:
    return str(package.metadata["Name"]).lower()


def _digest(found: FoundRuntime, packages: tuple[Distribution, ...], client: Path | None) -> str:
    content = hashlib.sha256(f"{LAYOUT} {found.version}".encode())
    for package in packages:
        content.update(f" {_name(package)}=={package.version}".encode())
    for file in _client_files(found).values():
        content.update(file.read_bytes())
    for file in _files_of(client) if client is not None else ():
        facts = file.stat()
        content.update(f" {file} {facts.st_size} {facts.st_mtime_ns}".encode())
    return content.hexdigest()[:16]


def _family(found: FoundRuntime) -> Family:
    return RUNTIMES[found.runtime].family


def _client_files(found: FoundRuntime) -> dict[str, Path]:
    """By path below /var/runtime."""
    family = _family(found)
    folder = Path(__file__).with_name(family.value)
    return {name: folder / name for name in _CLIENT_FILES[family]}


def _fill(folder: Path, found: FoundRuntime, packages: tuple[Distribution, ...]) -> None:
    for name, source in _client_files(found).items():
        target = folder / name
        target.parent.mkdir(mode=0o755, exist_ok=True)
        shutil.copyfile(source, target)
        target.chmod(0o755 if name == "bootstrap" else 0o644)
    for package in packages:
        for file in package.files or ():
            if ".." not in file.parts and file.suffix != ".pyc":  # ".." leads to scripts
                _bring(Path(str(package.locate_file(file))), folder / file)


def _files_of(client: Path) -> list[Path]:
    return sorted(p for p in client.rglob("*") if p.is_file() and p.suffix != ".pyc")


def _add_client(folder: Path, client: Path) -> None:
    for file in _files_of(client):
        target = folder / file.relative_to(client)
        target.unlink(missing_ok=True)  # what it brings is what it gets
        _bring(file, target)
    (folder / "aws_client.py").write_text(_START_AWS_CLIENT)


def _bring(source: Path, target: Path) -> None:
    """A hard link where that can be and everybody may read it, else a copy."""
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if source.stat().st_mode & _READABLE == _READABLE:
        try:
            os.link(source, target)
        except OSError:  # another file system, or another user's file
            pass
        else:
            return
    shutil.copyfile(source, target)
    target.chmod(0o644)


def _compile(found: FoundRuntime, folder: Path) -> None:
    """Compile for the interpreter, with the names that the files have inside.

    Unchecked: nothing changes there, and a file's time may differ after linking.
    """
    assert found.executable is not None
    subprocess.run(
        [found.executable, "-I", "-S", "-m", "compileall", "-q", "-d", INSIDE,
         "--invalidation-mode", "unchecked-hash", folder],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=True,
    )  # fmt: skip
