"""The copy of a snapshot is as shut in as any other environment, and shares nothing with others."""

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from stoker.sandbox.namespaces.tmp_copy import MOST_DEEP, copy
from tests.isolation.conftest import Host
from tests.running import deploy, wait_for
from tests.snapshots import (
    ON_PUBLISHED,
    PYTHON_WITH_SNAP_START,
    call,
    needs_a_python,
    publish,
    settled,
)

pytestmark = [pytest.mark.root, needs_a_python]

# What it can do was tried after a restore; ctypes is imported by init, as a hostile one would.
CODE = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def refused(call):
    ctypes.set_errno(0)
    return call() < 0 and ctypes.get_errno()
def status():
    with open("/proc/self/status") as lines:
        return dict(line.split(":\\t", 1) for line in lines.read().splitlines())
def written(path):
    try:
        with open(path, "w"):
            return True
    except OSError as error:
        return error.errno
def handler(event, context):
    facts = status()
    return {
        "capabilities": sorted({facts[name] for name in facts if name.startswith("Cap")}),
        "no new privileges": facts["NoNewPrivs"], "filters": facts["Seccomp"],
        "unshare": refused(lambda: libc.unshare(0x10000000)),
        "mount": refused(lambda: libc.mount(b"a", b"/tmp", b"tmpfs", 0, None)),
        "ptrace": refused(lambda: libc.ptrace(0, 0, 0, 0)),
        "uid": [os.getuid(), os.geteuid(), os.getgid()], "groups": os.getgroups(),
        "processes": sorted(int(name) for name in os.listdir("/proc") if name.isdigit()),
        "descriptors": sorted(
            os.readlink(f"/proc/self/fd/{fd}").partition(":")[0]
            for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")
        ),
        "masked": os.path.exists("/proc/kcore") and os.stat("/proc/kcore").st_rdev,
        "null": os.stat("/dev/null").st_rdev,
        "code": written("/var/task/new"), "root": written("/new"),
        "host": os.uname().nodename, "pid": os.getpid(),
        "oom": open("/proc/self/oom_score_adj").read(),
    }
"""


@pytest.fixture(scope="session")
def restorable(functions: Any) -> str:
    """One function for all tests here; it lives as long as the server."""
    if not PYTHON_WITH_SNAP_START:
        return ""
    name = deploy(
        functions, CODE, Runtime=PYTHON_WITH_SNAP_START, SnapStart=ON_PUBLISHED, MemorySize=512
    )
    publish(functions, name)
    return name


def test_a_copy_has_lost_every_privilege_and_is_alone(
    functions: Any, restorable: str, host: Host
) -> None:
    answer = functions.invoke(FunctionName=restorable, Qualifier="1")
    found = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    assert found["capabilities"] == ["0000000000000000"]
    assert (found["no new privileges"], found["filters"]) == ("1", "2")
    assert [found[call] for call in ("unshare", "mount", "ptrace")] == [1, 1, 1]
    assert (found["uid"], found["groups"]) == ([993, 993, 990], [])
    assert found["processes"] == [1, found["pid"]]
    assert set(found["descriptors"]) <= {"/dev/null", "/dev/urandom", "pipe", "socket"}
    assert found["descriptors"].count("pipe") == 3
    assert found["masked"] in (False, found["null"])
    assert found["code"] == found["root"] == 30  # EROFS
    assert found["host"] == "sandbox"
    assert found["oom"].strip() == "1000"
    assert host.environments(restorable)


# The signal comes when the hook has ended, somewhere around the moment of the stop.
FORKING_LATE = """
import os, signal, time
from snapshot_restore_py import register_before_snapshot
def fork(number, frame):
    signal.setitimer(signal.ITIMER_REAL, 0)
    if not os.fork():
        while True:
            time.sleep(1000)
@register_before_snapshot
def hook():
    signal.signal(signal.SIGALRM, fork)
    signal.setitimer(signal.ITIMER_REAL, float(os.environ["LATER"]))
def handler(event, context):
    return sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
"""
UNFIT = (
    "2 processes run in it",
    "the runtime has a timer",
    "cannot stop the runtime for its snapshot",  # it is at something else all the time
)


@pytest.mark.parametrize("later", ["0.0005", "0.002", "0.0025", "0.003", "0.004", "0.012"])
def test_nobody_is_forked_beside_a_snapshot(functions: Any, later: str, host: Host) -> None:
    name = deploy(
        functions, FORKING_LATE, Runtime=PYTHON_WITH_SNAP_START, SnapStart=ON_PUBLISHED,
        MemorySize=512, Environment={"Variables": {"LATER": later}},
    )  # fmt: skip
    version = settled(functions, name)
    if version["State"] == "Failed":
        assert any(reason in version["StateReason"] for reason in UNFIT), version["StateReason"]
    else:  # it came between the stop and the look at the timers, and nobody heard it
        assert len(call(functions, name, version["Version"])) == 2
        wait_for(lambda: str({len(one["pids"]) for one in host.environments(name)}), "{2}")


def test_a_runtime_with_an_interval_timer_is_no_snapshot(functions: Any) -> None:
    name = deploy(
        functions,
        "import signal\nsignal.signal(signal.SIGALRM, lambda number, frame: None)\n"
        "signal.setitimer(signal.ITIMER_REAL, .5, .05)\ndef handler(event, context): pass",
        Runtime=PYTHON_WITH_SNAP_START, SnapStart=ON_PUBLISHED, MemorySize=512,
    )  # fmt: skip
    version = settled(functions, name)
    assert (version["State"], version["StateReasonCode"]) == ("Failed", "FunctionError")
    assert "the runtime has a timer" in version["StateReason"]


def copied(source: Path, target: Path) -> None:
    folders = [os.open(path, os.O_RDONLY | os.O_DIRECTORY) for path in (source, target)]
    try:
        copy(*folders)
    finally:
        for folder in folders:
            os.close(folder)


def test_a_copy_of_tmp_is_like_it_in_everything_that_its_user_can_make(tmp_path: Path) -> None:
    source, target, secret = (tmp_path / name for name in ("source", "target", "secret"))
    for folder in (source, target, source / "folder"):
        folder.mkdir()
    secret.write_text("of the host")
    (source / "to the host").symlink_to(secret)
    (source / "folder" / "file").write_text("text")
    os.link(source / "folder" / "file", source / "same")
    os.mkfifo(source / "fifo")
    with (source / "holes").open("wb") as file:
        file.seek(1 << 30)
        file.write(b"end")
        file.truncate(1 << 31)
    (source / "closed").write_text("")
    (source / "closed").chmod(0)
    os.setxattr(source / "same", "user.mark", b"1")
    for path in ("folder/file", "closed", "to the host", "folder"):
        os.chown(source / path, 1234, 1234, follow_symlinks=False)
        os.utime(source / path, (1000, 2000), follow_symlinks=False)
    copied(source, target)
    for path in ("folder", "folder/file", "same", "fifo", "holes", "closed", "to the host"):
        was, now = (os.lstat(folder / path) for folder in (source, target))
        assert (now.st_mode, now.st_uid, now.st_gid) == (was.st_mode, was.st_uid, was.st_gid), path
        assert (now.st_mtime, now.st_nlink) == (was.st_mtime, was.st_nlink), path
    assert (target / "to the host").readlink() == secret
    assert (target / "folder" / "file").read_text() == "text"
    assert os.getxattr(target / "folder" / "file", "user.mark") == b"1"
    assert (target / "holes").stat().st_size == 1 << 31
    assert (target / "holes").stat().st_blocks < 1000


def test_a_copy_of_tmp_never_leaves_it_while_directories_become_links(tmp_path: Path) -> None:
    outside, source = tmp_path / "outside", tmp_path / "source"
    for folder in (outside, source, source / "a", source / "b"):
        folder.mkdir()
    (outside / "secret").write_text("of the host")
    (source / "a" / "secret").write_text("mine")
    (source / "b" / "link").symlink_to(outside)
    over = threading.Event()

    def swap() -> None:
        while not over.is_set():
            (source / "a").rename(source / "aside")
            (source / "b" / "link").rename(source / "a")
            (source / "a").rename(source / "b" / "link")
            (source / "aside").rename(source / "a")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        for number in range(200):
            target = tmp_path / f"target{number}"
            target.mkdir()
            try:
                copied(source, target)
            except OSError:
                continue  # something vanished under its hands
    finally:
        over.set()
        swapping.join()
    for path in tmp_path.glob("target*/**/secret"):
        assert stat.S_ISLNK(path.parent.lstat().st_mode) or path.read_text() == "mine"


def test_directories_that_are_too_deep_fail_the_copy(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    target.mkdir()
    source.joinpath(*["d"] * MOST_DEEP).mkdir(parents=True)
    with pytest.raises(OSError, match="too deep"):
        copied(source, target)
