"""A machine of another kind: Debian 12's own kernel in QEMU, where all cgroup controllers are v2.

There is no KVM in most places where this runs, so the guest's processor is emulated: about ten
times slower than the machine, and none of its tests may depend on speed. Nothing of the guest is
on a network. What runs inside is this checkout (its last commit), installed as a user would.
"""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = {"qemu-system-x86_64": "qemu-system-x86", "mmdebstrap": "mmdebstrap"}
PACKAGES = (
    "linux-image-amd64,initramfs-tools,kmod,python3,python3-venv,make,nftables,iproute2,"
    "e2fsprogs,tcc,curl,ca-certificates,procps,git"
)
INSIDE = "/srv/stoker"
EXIT = "guest: exit "
INIT = f"""#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8
mount -t proc proc /proc
for kind in sysfs:/sys devtmpfs:/dev; do mount -t ${{kind%:*}} none ${{kind#*:}} 2>/dev/null; done
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts; mount -t tmpfs shm /dev/shm; mount -t tmpfs run /run
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
# A way out that leads nowhere: what functions may not reach must be refused, not unreachable.
ip link add out0 type dummy
ip address add 10.99.0.2/24 dev out0
ip link set out0 up
ip route add default via 10.99.0.1
modprobe loop  # elsewhere /dev/loop-control, made by udev, does it when opened
cd {INSIDE}
bash /job
echo "{EXIT}$?"
sync
echo o >/proc/sysrq-trigger
sleep 60
"""


class NoGuest(Exception):
    """This machine cannot have one, and why."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A root file system to boot copies of."""

    folder: Path

    def run(self, job: str, *, limit_s: float, say: Callable[[str], None]) -> int:
        """Boot, run `job` (bash, in the checkout, as root), and give back its exit status.

        What the console prints is said line by line. Raises TimeoutError.
        """
        (self.folder / "root/job").write_text(job)
        disk = self.folder / "disk.img"
        disk.unlink(missing_ok=True)
        _run("mkfs.ext4", "-q", "-d", self.folder / "root", disk, "6G")
        try:
            return self._boot(disk, limit_s, say)
        finally:
            disk.unlink()

    def _boot(self, disk: Path, limit_s: float, say: Callable[[str], None]) -> int:
        boot = self.folder / "root/boot"
        command = [
            *("qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"),
            *("-m", "4096", "-nographic", "-no-reboot", "-net", "none"),
            *("-kernel", str(next(boot.glob("vmlinuz-*")))),
            *("-initrd", str(next(boot.glob("initrd.img-*")))),
            *("-append", "console=ttyS0 root=/dev/vda rw init=/init-guest quiet"),
            *("-drive", f"file={disk},format=raw,if=virtio"),
        ]
        status: int | None = None
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace",
        ) as machine:  # fmt: skip
            late = threading.Timer(limit_s, machine.kill)
            late.start()
            try:
                assert machine.stdout is not None
                for line in machine.stdout:
                    say(line.rstrip())
                    if line.startswith(EXIT):
                        status = int(line.removeprefix(EXIT))
            finally:
                late.cancel()
                machine.kill()
        if status is None:
            raise TimeoutError(f"the guest said nothing of its job's end within {limit_s} s")
        return status


def build(folder: Path) -> Guest:
    """Make the root file system anew; takes two or three minutes. Raises NoGuest."""
    _programs()
    root = folder / "root"
    _run("mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", root)
    (root / INSIDE.lstrip("/")).mkdir(parents=True)
    archive = subprocess.run(
        ["git", "archive", "HEAD"], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    subprocess.run(["tar", "-x", "-C", root / INSIDE.lstrip("/")], input=archive.stdout, check=True)
    # How this machine reaches its package index.
    for name in ("etc/resolv.conf", "etc/pip.conf", "etc/ssl/certs/ca-certificates.crt"):
        if (Path("/") / name).exists():
            shutil.copyfile(Path("/") / name, root / name)
    with _mounted(root):
        _run("chroot", root, "make", "-C", INSIDE, "install")
    (root / "init-guest").write_text(INIT)
    (root / "init-guest").chmod(0o755)
    return Guest(folder)


def _programs() -> None:
    if os.geteuid() != 0:
        raise NoGuest("making its file system needs root")
    missing = [package for name, package in PROGRAMS.items() if not shutil.which(name)]
    if missing and shutil.which("apt-get"):
        _run("apt-get", "install", "-qq", "-y", "--no-install-recommends", *missing)
    for name, package in PROGRAMS.items():
        if not shutil.which(name):
            raise NoGuest(f"{name} is not here (Debian's package {package})")


@contextmanager
def _mounted(root: Path) -> Iterator[None]:
    """What an installation needs of the running system."""
    _run("mount", "-t", "proc", "proc", root / "proc")
    try:
        yield
    finally:
        _run("umount", "-l", root / "proc")


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoGuest(f"{command[0]}: {(done.stderr or done.stdout)[-2000:]}")
