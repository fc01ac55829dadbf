"""A disk for /tmp is used again only if its sandbox never touched it."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stoker.sandbox.namespaces.disks import READY, Disks
from stoker.sandbox.namespaces.scratch import Disk, Scratch

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="mounts file systems")
SIZE_MB = 16
USER = 358_400


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[Disks]:
    found = Disks(Scratch(str(tmp_path)), SIZE_MB)
    found.start()
    found.sock.setblocking(True)  # so that heard() awaits the keeper
    yield found
    found.close()
    os.waitpid(found.pid, 0)


def as_a_user(act: Callable[[], object]) -> bool:
    """Do it in a process without privileges; False if that was refused."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(USER, USER, USER)
            os.setresuid(USER, USER, USER)
            act()
            status = 0
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] == 0


def create_and_remove(disk: Disk) -> None:
    os.close(os.open("secret", os.O_CREAT | os.O_WRONLY, dir_fd=disk.mount))
    os.unlink("secret", dir_fd=disk.mount)


def set_times(disk: Disk) -> None:
    os.utime(".", ns=(0, disk.pristine[0]), dir_fd=disk.mount)


def set_times_to_now(disk: Disk) -> None:
    os.utime(".", dir_fd=disk.mount)


def test_an_untouched_disk_is_used_again(disks: Disks) -> None:
    disk = disks.take()
    kept = [disks.take() for _ in range(READY) if disks.heard()]
    disks.give_back(disk)
    assert disks.take() == disk
    for each in (disk, *kept):
        disks.give_back(each)


@pytest.mark.parametrize("touch", [create_and_remove, set_times_to_now])
def test_a_touched_disk_is_never_used_again(disks: Disks, touch: Callable[[Disk], None]) -> None:
    disk = disks.take()
    assert as_a_user(lambda: touch(disk))
    disks.give_back(disk)
    assert disks.heard()
    taken = [disks.take() for _ in range(READY)]
    assert disk.pristine not in {each.pristine for each in taken}  # times of birth, too
    for each in taken:
        disks.give_back(each)


def test_no_user_can_hide_that_he_touched_it(disks: Disks) -> None:
    disk = disks.take()
    assert not as_a_user(lambda: set_times(disk))
    assert not as_a_user(lambda: os.chmod(".", 0o777, dir_fd=disk.mount))
    assert not as_a_user(lambda: os.setxattr(f"/proc/self/fd/{disk.mount}", "user.secret", b"x"))
    disks.give_back(disk)


def test_without_the_keeper_disks_are_made_and_unmade_all_the_same(disks: Disks) -> None:
    os.kill(disks.pid, 9)
    while disks.heard():
        pass
    taken = [disks.take() for _ in range(2 * READY)]
    assert len({disk.device for disk in taken}) == 2 * READY
    for disk in taken:
        create_and_remove(disk)
        disks.give_back(disk)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(disk.mount)
