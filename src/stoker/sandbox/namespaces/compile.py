"""Build our C files once per machine and version, with whatever C compiler is there."""

import hashlib
import os
import shutil
import subprocess

COMPILERS = ("cc", "gcc", "clang", "tcc")
_SOURCES = {"init": ("init",), "birth": ("birth", "original"), "snapshot": ("snapshot",)}
_FLAGS = {
    "init": ("-static", "-nostdlib"),
    "birth": ("-shared", "-nostdlib"),
    "snapshot": ("-shared", "-nostdlib"),
}
_MORE = {
    "init": ("-O2", "-ffreestanding", "-fno-builtin", "-fno-stack-protector"),
    "birth": ("-O2", "-fPIC", "-fno-stack-protector"),
    "snapshot": ("-O2", "-fPIC", "-fno-stack-protector"),
}  # tcc knows none of these, and needs none


class CannotCompile(Exception):
    """There is no C compiler, or it failed: what it said, and the remedy."""


def compiler() -> str | None:
    """The C compiler's path, if this machine has one."""
    return next((path for name in COMPILERS if (path := shutil.which(name))), None)


def built(name: str, cache: str) -> str:
    """Path of `name`.c, compiled, in `cache`; built if it is not there yet."""
    here = os.path.dirname(__file__)
    sources = [os.path.join(here, f"{source}.c") for source in _SOURCES[name]]
    digest = hashlib.sha256()
    for source in sources:
        with open(source, "rb") as file:
            digest.update(file.read())
    path = os.path.join(cache, f"{name}-{os.uname().machine}-{digest.hexdigest()[:16]}")
    if os.path.exists(path):
        return path
    found = compiler()
    if found is None:
        raise CannotCompile(f"cannot build {name}.c: install a C compiler (tcc does)")
    more = () if os.path.basename(found) == "tcc" else _MORE[name]
    partial = f"{path}.{os.getpid()}"
    command = [found, *_FLAGS[name], *more, "-o", partial, *sources]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise CannotCompile(f"cannot build {name}.c: {' '.join(command)}: {done.stderr}")
    os.chmod(partial, 0o755)
    os.replace(partial, path)
    return path
