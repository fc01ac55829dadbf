"""A machine that lacks something: `serve` does without and says so, or refuses; `doctor` names it.

Each thing is hidden in a mount namespace of the command's own.
"""

import json
import os
import shutil
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stoker.sandbox.namespaces.compile import COMPILERS
from tests.faults.scene import BUSY, ECHO, all_gone, answer, environment, nothing, until
from tests.instances import Instance, is_alive
from tests.running import STOKER, StokerProcess, deploy

pytestmark = pytest.mark.root


def without_program(name: str) -> str:
    """/dev/null over it: nobody may execute that."""
    path = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    return f"mount --bind /dev/null {Path(path).resolve()};" if path else ""


NO_LOOP = """
nodes=$(mktemp -d); mount -t tmpfs dev $nodes
for name in null zero full random urandom tty; do cp -a /dev/$name $nodes; done
mount --move $nodes /dev; rmdir $nodes
"""


def hidden(script: str) -> tuple[str, ...]:
    """A command in front of another one, which then does not see what the script hides."""
    return ("unshare", "-m", "sh", "-ec", f'{script}\nexec "$0" "$@"')


@dataclass(frozen=True)
class Lack:
    script: str
    says: str  # serve
    finding: str  # doctor's
    found: str
    remedy: str


REFUSES = {
    "mkfs.ext4": Lack(
        without_program("mkfs.ext4"),
        "cannot make /tmp: no mkfs.ext4 (apt install e2fsprogs)",
        "loop devices, ext4 (for /tmp)", "no mkfs.ext4", "apt install e2fsprogs",
    ),
    "loop devices": Lack(
        NO_LOOP,
        "No such file or directory: '/dev/loop-control'",
        "loop devices, ext4 (for /tmp)", "no /dev/loop-control", "modprobe loop",
    ),
    "a C compiler": Lack(
        "".join(map(without_program, COMPILERS)),
        "install a C compiler",
        "C compiler", "none", "apt install tcc",
    ),
    "cgroups": Lack(
        "umount -R -l /sys/fs/cgroup",
        "cannot freeze environments: mount cgroup v2",
        "freezer", "not there", "mount cgroup v2",
    ),
    "writable cgroups": Lack(
        "for at in $(findmnt -R -n -o TARGET -l /sys/fs/cgroup); do"
        " mount -o remount,bind,ro $at; done",
        "Read-only file system",
        "cgroup memory", "Read-only file system", "writable",
    ),
}  # fmt: skip
DOES_WITHOUT = {
    "nft": Lack(
        without_program("nft"),
        "functions have no way out to the network: nft is missing: apt-get install nftables",
        "nftables", "no nft program", "apt install nftables",
    ),
    "the memory controller": Lack(
        "umount /sys/fs/cgroup/memory",
        "this machine cannot limit memory",
        "cgroup memory", "not there", "cgroup_enable=memory",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSES)
def test_what_it_cannot_do_without_is_named_at_the_start(what: str, tmp_path: Path) -> None:
    lack = REFUSES[what]
    done = subprocess.run(
        [*hidden(lack.script), STOKER, "serve", "--port", "0", "--data-dir", tmp_path / "data"],
        capture_output=True, text=True, check=False, timeout=60, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = " ".join(done.stderr.split())
    assert done.returncode == 1, said
    assert "Traceback" not in said
    assert lack.says in said
    assert "`stoker doctor` says what this machine lacks" in said
    assert "`stoker serve --sandbox process`" in said
    diagnosis = diagnosed(lack)
    assert diagnosis["isolates"] is False


@pytest.mark.parametrize("what", DOES_WITHOUT)
def test_what_it_does_without_is_said_at_the_start(what: str, tmp_path: Path) -> None:
    if what == "the memory controller" and not Path("/sys/fs/cgroup/memory").exists():
        pytest.skip("cannot be hidden where cgroup v2 is alone")
    lack = DOES_WITHOUT[what]
    with (
        StokerProcess(tmp_path / "data", through=hidden(lack.script)) as server,
        closing(server.client("lambda")) as functions,
    ):
        assert f"not enforced: {lack.says}" in " ".join(server.log.read_text().split())
        deploy(functions, ECHO, FunctionName="echo")
        for n in range(2):
            assert answer(functions.invoke(FunctionName="echo", Payload=str(n))) == n
        assert environment(server, "echo", "Idle")["frozen"]
        assert server.stop() == 0
    assert diagnosed(lack)["isolates"] is True


def diagnosed(lack: Lack) -> dict[str, Any]:
    done = subprocess.run(
        [*hidden(lack.script), STOKER, "doctor", "--json"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    diagnosis: dict[str, Any] = json.loads(done.stdout)
    finding = next(each for each in diagnosis["findings"] if each["name"] == lack.finding)
    assert not finding["ok"]
    assert lack.found in finding["found"]
    assert lack.remedy in finding["remedy"]
    return diagnosis


def test_a_compiler_is_needed_once_only(tmp_path: Path) -> None:
    with StokerProcess(tmp_path / "data") as server:
        assert server.stop() == 0
    script = REFUSES["a C compiler"].script
    with StokerProcess(tmp_path / "data", through=hidden(script)) as server:
        assert server.stop() == 0


@pytest.mark.skipif(not Path("/sys/fs/cgroup/freezer").exists(), reason="has cgroup v2 only")
def test_without_cgroup_2_environments_are_frozen_and_killed_all_the_same(tmp_path: Path) -> None:
    with (
        StokerProcess(tmp_path / "data", through=hidden("umount /sys/fs/cgroup/unified")) as server,
        closing(server.client("lambda")) as functions,
        ThreadPoolExecutor(1) as pool,
    ):
        instance = Instance.of(server.pid, server.data_dir)
        deploy(functions, ECHO, FunctionName="echo")
        deploy(functions, BUSY, FunctionName="busy")
        for n in range(3):
            assert answer(functions.invoke(FunctionName="echo", Payload=str(n))) == n
            frozen = environment(server, "echo", "Idle")
        states = {
            path.joinpath("freezer.state").read_text().strip()
            for path in instance.cgroups()
            if path.joinpath("freezer.state").exists()
            and set(frozen["pids"]) & set(map(int, (path / "cgroup.procs").read_text().split()))
        }
        assert states == {"FROZEN"}
        functions.delete_function(FunctionName="echo")
        until(lambda: [pid for pid in frozen["pids"] if is_alive(pid)], nothing)

        deploy(functions, ECHO, FunctionName="echo")
        assert answer(functions.invoke(FunctionName="echo", Payload="4")) == 4
        environment(server, "echo", "Idle")
        running = pool.submit(functions.invoke, FunctionName="busy")
        environment(server, "busy", "Invoke")
        server.stop(signal.SIGKILL)
        all_gone(instance)
        assert running.exception() is not None


def test_where_few_files_may_be_open_functions_may_open_as_many(tmp_path: Path) -> None:
    with (
        StokerProcess(tmp_path / "data", through=hidden("ulimit -n 900")) as server,
        closing(server.client("lambda")) as functions,
    ):
        limits = (
            "import resource\n\n\n"
            "def handler(event, context):\n"
            "    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        )
        deploy(functions, limits, FunctionName="limits")
        assert answer(functions.invoke(FunctionName="limits")) in (900, 1024)
        assert server.stop() == 0
