"""Isolation without root: an ordinary user's server, what its functions get, and what it leaves."""

import contextlib
import json
import os
import shutil
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from stoker.runtimes.found import find_runtime
from stoker.sandbox.namespaces.cgroups import Layout
from stoker.sandbox.namespaces.rootless import TUNNEL
from tests.faults.scene import nothing, until
from tests.isolation.outside import Outside
from tests.ordinary_user import FIRST_ID, IDS, UID, as_ordinary_user, own_folder
from tests.running import StokerProcess, deploy
from tests.snapshots import ON_PUBLISHED, PYTHON_WITH_SNAP_START

MISSING = [name for name in ("newuidmap", "slirp4netns") if shutil.which(name) is None]
pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(bool(MISSING), reason=f"{MISSING} is not installed (uidmap, slirp4netns)"),
]
LOOKS = """
import errno, os, socket, threading, time

ticks = 0
def tick():
    global ticks
    while True:
        ticks += 1
        time.sleep(0.002)
threading.Thread(target=tick, daemon=True).start()

def tried(action):
    try:
        return action()
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)

def forks(count):
    children = []
    try:
        while len(children) < count:
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            children.append(pid)
    finally:
        for pid in children:
            os.kill(pid, 9)
            os.waitpid(pid, 0)

def handler(event, context):
    match event["do"]:
        case "look":
            lines = [line.partition(":") for line in open("/proc/self/status")]
            status = {name: value for name, _, value in lines}
            size = os.statvfs("/tmp")
            return {
                "uid": os.getuid(), "capabilities": status["CapEff"].strip(),
                "first": open("/proc/1/cmdline").read().split("\\0")[0],
                "code": tried(lambda: open("/var/task/new", "w").close()),
                "system": tried(lambda: open("/usr/new", "w").close()),
                "shadow": tried(lambda: open("/etc/shadow").read()),
                "device": tried(lambda: os.mknod("/tmp/sda", 0o060600, os.makedev(8, 0))),
                "root": sorted(os.listdir("/")),
                "tmp_mb": size.f_blocks * size.f_frsize >> 20,
            }
        case "fork":
            return tried(lambda: forks(1500))
        case "ticks":
            return ticks
        case "connect":
            to = tuple(event["to"])
            return tried(lambda: socket.create_connection(to, 3).close()) or "connected"
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Below one that everybody may enter: pytest's own are closed to all but root."""
    with tempfile.TemporaryDirectory(prefix="rootless-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def interpreters() -> tuple[Path, ...]:
    found = find_runtime(PYTHON_WITH_SNAP_START) if PYTHON_WITH_SNAP_START else None
    return (Path(found.prefix),) if found and found.prefix else ()


def served(folder: Path, **how: Any) -> StokerProcess:
    own = own_folder(folder)
    environ = {"HOME": str(own), "TMPDIR": str(own)}
    options = ("--sandbox", "namespaces")
    return StokerProcess(
        own / "data", *options, environ=environ, through=as_ordinary_user(own, **how)
    )


def of_the_user() -> list[int]:
    """Processes of the user's subordinate ids."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if FIRST_ID <= entry.stat().st_uid < FIRST_ID + IDS:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


class Rootless:
    def __init__(self, server: StokerProcess, functions: Any) -> None:
        self.server, self.functions = server, functions
        self.name = deploy(functions, LOOKS, Timeout=60)

    def do(self, what: str, **more: Any) -> Any:
        event = json.dumps({"do": what, **more})
        answer = self.functions.invoke(FunctionName=self.name, Payload=event)
        value = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, value
        return value


def test_an_ordinary_users_functions_are_isolated(folder: Path) -> None:
    with (
        Outside() as world,
        served(folder, seen=interpreters()) as process,
        closing(process.client("lambda")) as functions,
    ):
        rootless = Rootless(process, functions)
        what_is_not_enforced_is_said(rootless)
        they_see_their_own(rootless)
        between_invocations_every_thread_stands_still(rootless)
        a_fork_bomb_meets_the_limit_of_its_own_environment(rootless)
        they_reach_the_world_and_not_this_machine(rootless, world)
        if PYTHON_WITH_SNAP_START:
            snap_start_is_refused_with_the_reason(rootless)
        assert process.stop() == 0
    until(of_the_user, nothing)


def they_see_their_own(rootless: Rootless) -> None:
    found = rootless.do("look")
    assert found == {
        "uid": 993, "capabilities": "0" * 16, "first": "init", "code": "EROFS", "system": "EROFS",
        "shadow": "ENOENT", "device": "EPERM", "tmp_mb": 512,
        "root": sorted(found["root"]),
    }  # fmt: skip
    assert not {"home", "root", "sys", "run", "mnt"} & set(found["root"])


def what_is_not_enforced_is_said(rootless: Rootless) -> None:
    said = rootless.server.log.read_text()
    for words in ("cannot limit memory", "stopped by signals", "SnapStart is not possible"):
        assert words in said


def between_invocations_every_thread_stands_still(rootless: Rootless) -> None:
    assert rootless.do("ticks") >= 0
    until(with_threads, lambda found: found and set("".join(found)) == {"T"})
    assert rootless.do("ticks") > 0, "and goes on after"


def with_threads() -> list[str]:
    """A letter for each thread's state, of the sandboxes' processes that have more than one:
    functions, not what is kept in stock."""
    found = []
    for pid in of_the_user():
        with contextlib.suppress(OSError):
            stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
            found.append("".join(stat.rpartition(") ")[2][0] for stat in stats))
    return [each for each in found if len(each) > 1]


def a_fork_bomb_meets_the_limit_of_its_own_environment(rootless: Rootless) -> None:
    assert rootless.do("fork") == "EAGAIN"
    assert rootless.do("look")["uid"] == 993


def they_reach_the_world_and_not_this_machine(rootless: Rootless, world: Outside) -> None:
    assert rootless.do("connect", to=[world.address, world.port]) == "connected"
    assert rootless.do("connect", to=["10.0.2.2", rootless.server.port]) != "connected"
    with socket.create_server((world.host_address, 0)) as own:
        assert rootless.do("connect", to=list(own.getsockname())) != "connected"


def snap_start_is_refused_with_the_reason(rootless: Rootless) -> None:
    name = deploy(rootless.functions, LOOKS, Runtime=PYTHON_WITH_SNAP_START, SnapStart=ON_PUBLISHED)
    version = rootless.functions.publish_version(FunctionName=name)["Version"]

    def state() -> dict[str, Any]:
        found: dict[str, Any] = rootless.functions.get_function_configuration(
            FunctionName=name, Qualifier=version
        )
        return found

    found = until(state, lambda now: now["State"] != "Pending")
    assert found["State"] == "Failed"
    assert "without root" in found["StateReason"]


def test_nothing_is_left_when_the_server_is_killed(folder: Path) -> None:
    process = served(folder)
    with closing(process.client("lambda")) as functions:
        Rootless(process, functions).do("look")
    assert of_the_user()
    process.stop(signal.SIGKILL)
    until(of_the_user, nothing)


def test_a_cgroup_that_was_given_to_the_user_is_used_and_is_as_it_was_after(folder: Path) -> None:
    unified = Layout.detect().unified
    if not unified:
        pytest.skip("no cgroup v2 is mounted")
    group = Path(unified, f"of-a-user-{os.getpid()}")  # not a name that other runs take for a leak
    group.mkdir()
    try:
        for path in (group, group / "cgroup.procs", group / "cgroup.subtree_control"):
            shutil.chown(path, UID, UID)
        with served(folder, before=f"echo $$ >{group}/cgroup.procs") as process:
            assert "stopped by signals" not in process.log.read_text()
            with closing(process.client("lambda")) as functions:
                rootless = Rootless(process, functions)
                assert rootless.do("ticks") >= 0
                until(lambda: frozen(group), any)
                assert rootless.do("look")["uid"] == 993
        assert not [entry for entry in group.iterdir() if entry.is_dir()]
    finally:
        group.rmdir()


def frozen(group: Path) -> list[bool]:
    found = []
    for events in group.glob("*/*/cgroup.events"):
        with contextlib.suppress(OSError):
            found.append("frozen 1" in events.read_text())
    return found


def test_without_subordinate_ids_it_is_refused_with_the_remedy(folder: Path) -> None:
    with pytest.raises(AssertionError, match="usermod --add-subuids"):
        served(folder, ids=0)


def test_without_a_way_out_it_is_said_why(folder: Path) -> None:
    with served(folder, before=f"chmod 600 {TUNNEL}") as process:
        said = process.log.read_text()
    assert f"no way out to the network: {TUNNEL} is closed to this user" in said
