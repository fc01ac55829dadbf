"""Carry out a template's plan, and become its zygote. Runs in a child of the launcher, as root."""

import json
import os
import signal
import socket
from typing import Any, NamedTuple, NoReturn

from stoker.sandbox.namespaces import syscalls as sys_
from stoker.sandbox.namespaces import zygote
from stoker.sandbox.namespaces.idmap import LOOKS_LIKE_ROOT, Owners
from stoker.sandbox.namespaces.plan import Bind, CopyOf, Device, Directory, File, Link, Operation

_OURS = "/.stoker"  # our own source inside the template, until the zygote has read it
_PACKAGES = ("stoker", "stoker/sandbox", "stoker/sandbox/namespaces")
_MODULES = ("syscalls", "original", "parked", "trial", "zygote")
_START = (
    f"import sys; sys.path.insert(0, '{_OURS}'); "
    "from stoker.sandbox.namespaces import zygote; zygote.main()"
)
_ENVIRON = {
    "PATH": "/var/lang/bin:/usr/bin:/bin",
    # The linker reads it once, at exec: what functions get must be what their zygote was given.
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib"
    ":/var/task:/var/task/lib:/opt/lib",
    "LANG": "C.UTF-8",
}


class Recipe(NamedTuple):
    """All that makes a zygote."""

    plan: list[Operation]
    staging: str  # any existing directory to mount on
    birth: str  # path of birth.c, compiled
    executable: str  # inside, of an interpreter that becomes the zygote itself; else ""
    parked: list[str]  # command of a program that is started ahead in each sandbox, if any
    settings: dict[str, Any]  # zygote.read_settings: uid, gid, files, seccomp, preload
    rootless: bool


def become_zygote(recipe: Recipe, sock: socket.socket) -> NoReturn:
    """In a child of the launcher: leave the host's file system and serve as a zygote."""
    sys_.prctl(sys_.PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.set_wakeup_fd(-1)
    os.closerange(3, sock.fileno())  # the launcher's: here they would outlive it
    os.closerange(sock.fileno() + 1, 1 << 20)
    proc = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    sys_.unshare(sys_.CLONE_NEWNS)
    sys_.mount("none", "/", "", sys_.MS_REC | sys_.MS_PRIVATE)
    build(recipe.plan, recipe.staging, recipe.birth, recipe.rootless)
    text = json.dumps(recipe.settings)
    if not recipe.executable:
        runtime = zygote.program(recipe.parked) if recipe.parked else None
        zygote.serve(sock, proc, zygote.BIRTH, zygote.read_settings(text)[0], runtime)
    os.set_inheritable(sock.fileno(), True)
    os.set_inheritable(proc, True)
    arguments = [str(sock.fileno()), str(proc)]
    command = [recipe.executable, "-I", "-S", "-c", _START, *arguments]
    os.execve(recipe.executable, command, {**_ENVIRON, zygote.SETTINGS_VARIABLE: text})


def build(plan: list[Operation], staging: str, birth: str, rootless: bool = False) -> None:
    """Make the template of `plan` our root. staging: any existing directory to mount on.

    birth: birth.c, compiled. The caller is alone in a mount namespace of its own. All sources
    are opened before anything is mounted, since the staging directory may hide some of them.
    rootless: the caller is root of a user namespace, who makes no devices, and mounts a sandbox's
    /proc only where there is one.
    """
    ours = _our_files(birth)
    sources: dict[str, tuple[int, bool]] = {}
    owners = Owners()
    copies: dict[str, bytes] = {}
    for operation in plan:
        if isinstance(operation, Bind):
            try:
                is_directory = os.path.isdir(operation.source)
                sources[operation.path] = (_open_source(operation.source, owners), is_directory)
            except FileNotFoundError:
                if not operation.optional:
                    raise
        elif isinstance(operation, Device) and rootless:
            sources[operation.path] = sys_.open_tree(operation.path), False
        elif isinstance(operation, CopyOf) and os.path.isfile(operation.source):
            with open(operation.source, "rb") as file:
                copies[operation.path] = file.read()
    sys_.mount("stoker", staging, "tmpfs", sys_.MS_NOSUID, "mode=0755,size=16m")
    os.chdir(staging)
    for operation in plan:
        _carry_out(operation, sources, copies)
    for path in (".", *(o.path[1:] for o in plan if o.path not in sources)):
        if os.path.lexists(path):
            os.chown(path, LOOKS_LIKE_ROOT, LOOKS_LIKE_ROOT, follow_symlinks=False)
    if rootless:
        sys_.mount("proc", "proc", "proc", sys_.MS_NOSUID | sys_.MS_NODEV | sys_.MS_NOEXEC)
    _bring(ours)
    os.mkdir(".old")
    sys_.pivot_root(".", ".old")
    os.chdir("/")
    sys_.umount("/.old")
    os.rmdir("/.old")


def _open_source(path: str, owners: Owners) -> int:
    os.stat(path)
    fd = sys_.open_tree(path, recursive=True)
    sys_.mount_setattr(fd, sys_.MOUNT_ATTR_RDONLY | sys_.MOUNT_ATTR_NOSUID, recursive=True)
    owners.show_as_root(fd, 0)
    return fd


def _carry_out(
    operation: Operation, sources: dict[str, tuple[int, bool]], copies: dict[str, bytes]
) -> None:
    path = operation.path.lstrip("/")
    match operation:
        case Directory(_, mode):
            os.makedirs(path, exist_ok=True)
            os.chmod(path, mode)
        case File(_, content, mode):
            _write(path, content.encode(), mode)
        case CopyOf():
            if operation.path in copies:
                _write(path, copies[operation.path], 0o644)
        case Link(_, target):
            os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
            os.symlink(target, path)
        case Device(_, major, minor) if operation.path not in sources:
            os.mknod(path, 0o020666, os.makedev(major, minor))
            os.chmod(path, 0o666)
        case Bind() | Device() if operation.path in sources:
            fd, is_directory = sources[operation.path]
            if is_directory:
                os.makedirs(path, exist_ok=True)
            elif not os.path.exists(path):
                _write(path, b"", 0o644)
            sys_.move_mount(fd, path)
            os.close(fd)


def _write(path: str, content: bytes, mode: int) -> None:
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    os.write(fd, content)
    os.fchmod(fd, mode)
    os.close(fd)


def _our_files(birth: str) -> dict[str, bytes]:
    """What the zygote runs, by its path inside; read before the staging directory hides it."""
    wanted = {zygote.BIRTH: birth}
    for module in _MODULES:
        path = f"{_OURS}/{_PACKAGES[-1]}/{module}.py"
        wanted[path] = f"{os.path.dirname(__file__)}/{module}.py"
    files = {f"{_OURS}/{package}/__init__.py": b"" for package in _PACKAGES}
    for path, source in wanted.items():
        with open(source, "rb") as file:
            files[path] = file.read()
    return files


def _bring(ours: dict[str, bytes]) -> None:
    """Our files on a mount of its own: the zygote takes it away again when it has read them."""
    os.mkdir(_OURS[1:])
    sys_.mount("stoker", _OURS[1:], "tmpfs", sys_.MS_NOSUID, "mode=0700,size=1m")
    for path, content in ours.items():
        _write(path[1:], content, 0o700)
