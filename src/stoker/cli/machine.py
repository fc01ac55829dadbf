"""What isolation this machine has, found by trying each thing in a child process.

Nothing is believed that can be tried: containers and hardened kernels have files and flags for
what they then refuse.
"""

import os
import platform
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from stoker.core.architectures import BOTH
from stoker.sandbox.architecture import this_machine
from stoker.sandbox.namespaces import compile, rootless, syscalls
from stoker.sandbox.namespaces.cgroups import Layout

_CAPABILITIES = {
    "CAP_CHOWN": 0, "CAP_DAC_OVERRIDE": 1, "CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7,
    "CAP_NET_ADMIN": 12, "CAP_SYS_CHROOT": 18, "CAP_SYS_ADMIN": 21,
}  # fmt: skip
_NAMESPACES = {
    "mount": syscalls.CLONE_NEWNS, "pid": syscalls.CLONE_NEWPID, "net": syscalls.CLONE_NEWNET,
    "ipc": syscalls.CLONE_NEWIPC, "uts": syscalls.CLONE_NEWUTS,
    "cgroup": syscalls.CLONE_NEWCGROUP, "user": syscalls.CLONE_NEWUSER,
}  # fmt: skip
_CGROUPS = Path("/sys/fs/cgroup")
_CONTAINER = "in a container, give it the right (--privileged), or use the host"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that isolation uses."""

    name: str
    ok: bool
    needed: bool  # without it `stoker serve` cannot isolate
    found: str
    remedy: str = ""  # what to do when not ok


def survey() -> list[Finding]:
    """Everything `stoker serve --sandbox namespaces` uses, best known cause first."""
    if platform.system() != "Linux":
        found = platform.system()
        return [Finding("Linux", False, True, found, "only `--sandbox process` works here")]
    if os.geteuid() != 0:
        return [replace(one, remedy="") if one.ok else one for one in _as_ordinary_user()]
    findings = [
        _root(),
        _capabilities(),
        _kernel(),
        *(_controller(name) for name in ("memory", "cpu", "pids")),
        _freezer(),
        _cgroup_kill(),
        *(_namespace(name, flag) for name, flag in _NAMESPACES.items()),
        _mount_calls(),
        _loop_devices(),
        _compiler(),
        _seccomp(),
        _nftables(),
        _emulation(),
    ]
    return [replace(finding, remedy="") if finding.ok else finding for finding in findings]


def _as_ordinary_user() -> list[Finding]:
    """Another list: nearly all that root is asked for is had in a user namespace, or not at all."""
    why_not, layout = rootless.why_not(), Layout.delegated()
    no_way = rootless.no_uplink() or (
        "" if _program("nft") else "nft is missing: apt install nftables"
    )
    return [
        Finding("isolation without root", not why_not, True, "no" if why_not else "works", why_not),
        _kernel(),
        _compiler(),
        _seccomp(),
        Finding("network namespaces' way out", not no_way, False, "no" if no_way else "works",
                f"{no_way}; without it only `--egress none` is possible"),
        delegation(layout),
        _emulation(),
        Finding("root", False, False, f"uid {os.geteuid()}",
                "as root there are limits, SnapStart, and a /tmp on disk"),
    ]  # fmt: skip


def delegation(layout: Layout) -> Finding:
    """A group of our own may still be without controllers: those that its parents keep."""
    lacking = [name for name in layout.missing() if name != "freezer"]
    found = ", ".join(sorted(layout.unified_controllers)) or "no controllers"
    if not layout.unified:
        remedy = (
            "`systemd-run --user --scope -p Delegate=yes stoker serve` limits memory and cpu, "
            "and freezes; in a unit file, Delegate=yes"
        )
        return Finding("delegated cgroup", False, False, "none", remedy)
    remedy = (
        f"without {', '.join(lacking)}: as root, write `[Service]` and `Delegate=cpu memory pids` "
        "to /etc/systemd/system/user@.service.d/delegate.conf, `systemctl daemon-reload`, and log "
        "in anew; in a unit file, Delegate=yes"
    )
    return Finding("delegated cgroup", not lacking, False, found, remedy)


# --- rights and kernel --------------------------------------------------------------------------


def _root() -> Finding:
    uid = os.geteuid()
    return Finding("root", uid == 0, True, f"uid {uid}", "run `stoker serve` as root (sudo)")


def _capabilities() -> Finding:
    status = Path("/proc/self/status").read_text()
    mask = next(int(line.split()[1], 16) for line in status.splitlines() if "CapEff" in line)
    lacking = [name for name, bit in _CAPABILITIES.items() if not mask >> bit & 1]
    found = "lacking " + ", ".join(lacking) if lacking else "all that are used"
    return Finding("capabilities", not lacking, True, found, f"run as root; {_CONTAINER}")


def _kernel() -> Finding:
    release = platform.release()
    version = tuple(int(part) for part in release.split("-")[0].split(".")[:2])
    remedy = "Linux 5.12 or newer is needed (mount_setattr)"
    return Finding("kernel", version >= (5, 12), True, release, remedy)


# --- cgroups ------------------------------------------------------------------------------------


def _unified() -> Path | None:
    """Where cgroup v2 is mounted: alone, or beside v1."""
    candidates = (_CGROUPS, _CGROUPS / "unified")
    return next((path for path in candidates if (path / "cgroup.procs").exists()
                 and (path / "cgroup.controllers").exists()), None)  # fmt: skip


def _controller(name: str) -> Finding:
    """`stoker serve` does without one, and says so."""
    remedy = (
        f"enable it: boot with cgroup_enable={name}, and mount cgroups writable"
        if name == "memory"
        else f"mount cgroups with the {name} controller, writable"
    ) + f"; without it {name} is not limited"
    unified = _unified()
    if unified and name in (unified / "cgroup.controllers").read_text().split():
        tried = _writable(f"cgroup {name}", unified, "v2", remedy)
    elif (_CGROUPS / name / "cgroup.procs").exists():
        tried = _writable(f"cgroup {name}", _CGROUPS / name, "v1", remedy)
    else:
        tried = Finding(f"cgroup {name}", False, False, "not there", remedy)
    return replace(tried, needed=False)


def _freezer() -> Finding:
    remedy = "mount cgroup v2 (any controllers), or v1's freezer"
    unified = _unified()
    if unified:
        return _writable("freezer", unified, "v2, cgroup.freeze", remedy, "cgroup.freeze")
    if (_CGROUPS / "freezer" / "cgroup.procs").exists():
        return _writable("freezer", _CGROUPS / "freezer", "v1 (slower)", remedy, "freezer.state")
    return Finding("freezer", False, True, "not there", remedy)


def _cgroup_kill() -> Finding:
    remedy = "Linux 5.14 with cgroup v2 kills an environment in one step; without it, in several"
    unified = _unified()
    if unified is None:
        return Finding("cgroup.kill", False, False, "no cgroup v2", remedy)
    tried = _writable("cgroup.kill", unified, "v2", remedy, "cgroup.kill")
    return replace(tried, needed=False)


def _writable(name: str, parent: Path, kind: str, remedy: str, file: str = "") -> Finding:
    """Make a group and remove it again."""
    group = parent / f"stoker-doctor-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as err:
        return Finding(name, False, True, f"{kind}, but {err.strerror}", remedy)
    try:
        ok = not file or (group / file).exists()
    finally:
        group.rmdir()
    return Finding(name, ok, True, kind if ok else f"{kind}, but no {file}", remedy)


# --- what the kernel lets us do -----------------------------------------------------------------


def _tried(action: Callable[[], object]) -> str:
    """Do it in a child of its own; "" if it worked, else why not."""
    receiving, sending = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except OSError as err:
            os.write(sending, (err.strerror or str(err)).encode()[:1000])
        finally:
            os._exit(0)
    os.close(sending)
    said = os.read(receiving, 1000).decode()
    os.close(receiving)
    os.waitpid(pid, 0)
    return said


def _attempt(name: str, action: Callable[[], object], remedy: str, *, needed: bool) -> Finding:
    refusal = _tried(action)
    return Finding(name, not refusal, needed, refusal or "works", remedy)


def _namespace(name: str, flag: int) -> Finding:
    remedy = (
        "set sysctl user.max_user_namespaces above 0"
        if name == "user"
        else f"run as root; {_CONTAINER}"
    )
    return _attempt(f"{name} namespace", lambda: syscalls.unshare(flag), remedy, needed=True)


def _own_mounts() -> None:
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("", "/", "", syscalls.MS_REC | syscalls.MS_PRIVATE)


def _mount_calls() -> Finding:
    def action() -> None:
        _own_mounts()
        tree = syscalls.open_tree("/usr")
        syscalls.mount_setattr(tree, syscalls.MOUNT_ATTR_RDONLY)
        syscalls.new_filesystem("tmpfs", {"size": "65536"}, syscalls.MOUNT_ATTR_NOSUID)

    remedy = f"Linux 5.12 or newer, as root; {_CONTAINER}"
    return _attempt("open_tree, mount_setattr, fsmount", action, remedy, needed=True)


def _loop_devices() -> Finding:
    remedy = "modprobe loop ext4; apt install e2fsprogs"
    lacking = []
    if "\text4\n" not in Path("/proc/filesystems").read_text():
        lacking.append("no ext4")
    if not os.access("/dev/loop-control", os.R_OK | os.W_OK):
        lacking.append("no /dev/loop-control")
    if not _program("mkfs.ext4"):
        lacking.append("no mkfs.ext4")
    found = ", ".join(lacking) or "work"
    return Finding("loop devices, ext4 (for /tmp)", not lacking, True, found, remedy)


def _compiler() -> Finding:
    found = compile.compiler()
    remedy = "apt install tcc (or any C compiler); PID 1 of a sandbox is built with it"
    return Finding("C compiler", found is not None, True, found or "none", remedy)


def _seccomp() -> Finding:
    try:
        known = Path("/proc/sys/kernel/seccomp/actions_avail").read_text().split()
    except OSError:
        known = []
    ok = "errno" in known
    remedy = "the kernel needs CONFIG_SECCOMP_FILTER"
    return Finding("seccomp", ok, True, "filters" if ok else "not there", remedy)


def _nftables() -> Finding:
    nft = _program("nft")
    if nft is None:
        remedy = "apt install nftables; without it only `--egress none` is possible"
        return Finding("nftables", False, False, "no nft program", remedy)

    def action() -> None:
        null = os.open(os.devnull, os.O_RDWR)
        for fd in (1, 2):
            os.dup2(null, fd)
        syscalls.unshare(syscalls.CLONE_NEWNET)
        if os.spawnv(os.P_WAIT, nft, [nft, "add", "table", "inet", "stoker_doctor"]) != 0:
            raise OSError(0, "nft cannot add a table")

    remedy = "modprobe nf_tables, as root; without it only `--egress none` is possible"
    return _attempt("nftables", action, remedy, needed=False)


def _emulation() -> Finding:
    machine = this_machine()
    (other,) = (name for name in BOTH if name != machine.architecture)
    ok = other in machine.emulates
    found = "emulated, of provided.* runtimes" if ok else "no emulator"
    remedy = "apt install qemu-user-static (and mount binfmt_misc), then start the server anew"
    return Finding(f"{other} functions", ok, False, found, remedy)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
