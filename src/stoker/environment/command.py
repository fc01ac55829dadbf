"""What is started in an environment: its runtime, and the extensions that its layers bring.

What the layers bring is looked up outside, in the folder that the sandbox shows as /opt.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from stoker.core.environ import Credentials, Roots, runtime_environ
from stoker.core.faults import NO_BOOTSTRAP, Fault
from stoker.core.invocation import Initialization, Target
from stoker.core.lifecycle_words import Party, extension_name
from stoker.core.limits import RUNTIMES, Family
from stoker.sandbox.base import RUNTIME, Command, Place, Sandbox

RUNTIME_BOOTSTRAP = "/var/runtime/bootstrap"
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
EXTENSIONS = "extensions"
NO_EXTENSIONS = "disable-extensions-jwigqn8j"  # AWS's: where this file is in /opt, none is started
# What a program and its libraries read once, as they start: too late for one that runs already.
_READ_AT_START = ("LC_", "LD_", "LANG", "SSL_", "OPENSSL_", "MALLOC_", "GLIBC_")
_READ_BY = {Family.NODE: ("NODE_", "UV_", "ICU_"), Family.RUBY: ("RUBY", "GEM_")}
MOST_PARKED_MB = 4096  # node's own limit of its heap; a larger function's must be said at start


def make_environ(
    target: Target,
    place: Place,
    log_stream: str,
    initialization: Initialization,
    credentials: Credentials,
    token: str = "",
) -> Mapping[str, str]:
    """The variables of the runtime; those of extensions are made of them."""
    return runtime_environ(
        target,
        runtime_api=place.runtime_api,
        endpoint_url=None if place.endpoint is None else f"http://{place.endpoint}",
        log_stream=log_stream,
        initialization=initialization,
        token=token,
        credentials=credentials,
        roots=Roots(place.task_root, layers=place.layer_root, packages=place.packages_root),
        xray=place.xray,
    )


def runtime_command(
    target: Target,
    place: Place,
    environ: Mapping[str, str],
    code: Path,
    opt: Path | None,
    *,
    from_zygote: bool = True,
) -> Command | Fault:
    """The command, or why there is none. `code` and `opt` are the host's folders.
    `from_zygote`: a managed runtime may begin as a copy of a running interpreter."""
    argv: tuple[str, ...] | None = None
    if target.runtime.startswith("provided"):
        bootstrap = _bootstrap(place, code, opt)
        if bootstrap is None:
            return NO_BOOTSTRAP
        argv = (bootstrap,)
    elif environ.get(WRAPPER) or not from_zygote or _must_be_new(target):
        # The zygote is an interpreter already: a wrapper must be there before it.
        argv = (RUNTIME_BOOTSTRAP,)
    return Command(RUNTIME, argv, environ, cwd=place.task_root)


def has_extensions_disabled(opt: Path | None) -> bool:
    return opt is not None and bool(_kind(opt / NO_EXTENSIONS))


def external_extensions(opt: Path | None) -> tuple[str, ...]:
    """The files directly in /opt/extensions, by name. It must be a directory, no link to one."""
    if opt is None or (folder := opt / EXTENSIONS).is_symlink() or not folder.is_dir():
        return ()
    with os.scandir(folder) as entries:
        return tuple(sorted(e.name for e in entries if not e.is_dir(follow_symlinks=False)))


def extension_command(party: Party, sandbox: Sandbox, environ: Mapping[str, str]) -> Command:
    path = f"{sandbox.layer_root}/{EXTENSIONS}/{extension_name(party)}"
    return Command(party, (path,), environ, cwd="/")


def _must_be_new(target: Target) -> bool:
    """Whether a program that was started before its function was known would be another one."""
    family = RUNTIMES[target.runtime].family
    if family is Family.JAVA:
        return True  # how large its heap may be is said at its start, and for good
    if family not in _READ_BY:
        return False
    if family is Family.NODE and target.memory_mb > MOST_PARKED_MB:
        return True
    late = (*_READ_AT_START, *_READ_BY[family])
    return any(name.startswith(late) for name, _ in target.environment)


def _bootstrap(place: Place, code: Path, opt: Path | None) -> str | None:
    """The first executable one; else the first at all, whose exec will say what is wrong."""
    found = [(_kind(code / "bootstrap"), f"{place.task_root}/bootstrap")]
    if opt is not None:
        found.append((_kind(opt / "bootstrap"), f"{place.layer_root}/bootstrap"))
    for wanted in ("executable", "file"):
        for kind, path in found:
            if kind == wanted:
                return path
    return None


def _kind(path: Path) -> str:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return ""
    if stat.S_ISLNK(mode):
        return "executable"  # where it leads, only the inside of the sandbox knows
    if not stat.S_ISREG(mode):
        return ""
    return "executable" if mode & 0o111 else "file"
