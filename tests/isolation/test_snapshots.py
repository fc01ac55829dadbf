"""The copy of a snapshot is as shut in as any other environment, and shares nothing with others."""

import json
from typing import Any

import pytest

from tests.isolation.conftest import Host
from tests.running import deploy
from tests.snapshots import ON_PUBLISHED, PYTHON_WITH_SNAP_START, needs_a_python, publish

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
