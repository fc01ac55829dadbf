"""Build init.c once per machine and version of its source, with whatever C compiler is there."""

import hashlib
import os
import shutil
import subprocess

SOURCE = os.path.join(os.path.dirname(__file__), "init.c")
COMPILERS = ("cc", "gcc", "clang", "tcc")
_OPTIONS = ("-O2", "-static", "-nostdlib", "-ffreestanding", "-fno-builtin", "-fno-stack-protector")
_BY_COMPILER = {"tcc": ("-static", "-nostdlib")}


class CannotCompile(Exception):
    """There is no C compiler, or it failed: what it said, and the remedy."""


def compiler() -> str | None:
    """The C compiler's path, if this machine has one."""
    return next((path for name in COMPILERS if (path := shutil.which(name))), None)


def built_init(cache: str) -> str:
    """Path of the compiled init, built below `cache` if it is not there yet."""
    with open(SOURCE, "rb") as file:
        digest = hashlib.sha256(file.read()).hexdigest()[:16]
    path = os.path.join(cache, f"init-{os.uname().machine}-{digest}")
    if os.path.exists(path):
        return path
    found = compiler()
    if found is None:
        raise CannotCompile("cannot build PID 1 of the sandboxes: install a C compiler (tcc does)")
    options = _BY_COMPILER.get(os.path.basename(found), _OPTIONS)
    partial = f"{path}.{os.getpid()}"
    command = [found, *options, "-o", partial, SOURCE]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CannotCompile(
            f"cannot build PID 1 of the sandboxes: {' '.join(command)}: {done.stderr}"
        )
    os.chmod(partial, 0o755)
    os.replace(partial, path)
    return path
