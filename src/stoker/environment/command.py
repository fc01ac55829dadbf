"""What is started in an environment: its runtime, and the extensions that its layers bring.

What the layers bring is looked up in their folders outside, merged as the sandbox merges them: a
later layer covers an earlier one, and a directory only what is no directory.
"""

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from stoker.core.faults import NO_BOOTSTRAP, Fault
from stoker.core.invocation import Target
from stoker.core.lifecycle_words import Party, extension_name
from stoker.core.limits import RUNTIMES, Family
from stoker.sandbox.base import RUNTIME, Command, Sandbox

RUNTIME_BOOTSTRAP = "/var/runtime/bootstrap"
WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
EXTENSIONS = "extensions"
NO_EXTENSIONS = "disable-extensions-jwigqn8j"  # AWS's: where this file is in /opt, none is started
# What a program and its libraries read once, as they start: too late for one that runs already.
_READ_AT_START = (
    "NODE_", "LC_", "LD_", "LANG", "UV_", "SSL_", "OPENSSL_", "MALLOC_", "GLIBC_", "ICU_",
)  # fmt: skip
MOST_PARKED_MB = 4096  # node's own limit of its heap; a larger function's must be said at start


def runtime_command(
    target: Target,
    sandbox: Sandbox,
    environ: Mapping[str, str],
    code: Path,
    layers: tuple[Path, ...],
    *,
    from_zygote: bool = True,
) -> Command | Fault:
    """The command, or why there is none. `code` and `layers` are the host's folders.
    `from_zygote`: a managed runtime may begin as a copy of a running interpreter."""
    argv: tuple[str, ...] | None = None
    if target.runtime.startswith("provided"):
        bootstrap = _bootstrap(sandbox, code, layers)
        if bootstrap is None:
            return NO_BOOTSTRAP
        argv = (bootstrap,)
    elif environ.get(WRAPPER) or not from_zygote or _must_be_new(target):
        # The zygote is an interpreter already: a wrapper must be there before it.
        argv = (RUNTIME_BOOTSTRAP,)
    return Command(RUNTIME, argv, environ, cwd=sandbox.task_root)


def has_extensions_disabled(layers: tuple[Path, ...]) -> bool:
    return any(_kind(layer / NO_EXTENSIONS) for layer in layers)


def external_extensions(layers: tuple[Path, ...]) -> tuple[str, ...]:
    """The files directly in /opt/extensions, by name."""
    files: dict[str, bool] = {}
    for layer in layers:
        folder = layer / EXTENSIONS
        if _kind(folder):
            files.clear()  # covered by what is no directory
        elif folder.is_dir():
            with os.scandir(folder) as entries:
                files |= {entry.name: not entry.is_dir(follow_symlinks=False) for entry in entries}
    return tuple(sorted(name for name, is_file in files.items() if is_file))


def extension_command(party: Party, sandbox: Sandbox, environ: Mapping[str, str]) -> Command:
    path = f"{sandbox.layer_root}/{EXTENSIONS}/{extension_name(party)}"
    return Command(party, (path,), environ, cwd="/")


def _must_be_new(target: Target) -> bool:
    """Whether a node that was started before its function was known would be another one."""
    if RUNTIMES[target.runtime].family is not Family.NODE:
        return False
    names = [name for name, _ in target.environment]
    return target.memory_mb > MOST_PARKED_MB or any(n.startswith(_READ_AT_START) for n in names)


def _bootstrap(sandbox: Sandbox, code: Path, layers: tuple[Path, ...]) -> str | None:
    """The first executable one; else the first at all, whose exec will say what is wrong."""
    in_code = code / "bootstrap"
    in_layers = [layer / "bootstrap" for layer in reversed(layers)]  # a later layer covers
    in_layer = next((path for path in in_layers if _kind(path)), None)
    found = [(_kind(in_code), f"{sandbox.task_root}/bootstrap")]
    if in_layer is not None:
        found.append((_kind(in_layer), f"{sandbox.layer_root}/bootstrap"))
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
