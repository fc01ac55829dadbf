"""Snapshots that are killed, and servers that are: a version is made ready again, or not served."""

import os
import signal
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import all_gone, until
from tests.instances import Instance
from tests.running import StokerProcess, deploy
from tests.snapshots import (
    MARKED,
    ON_PUBLISHED,
    PYTHON_WITH_SNAP_START,
    call,
    needs_a_python,
    publish,
    restored,
    snapshots,
)

pytestmark = [pytest.mark.root, needs_a_python]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of all servers here, one after another: what a runtime needs is built in it once."""
    return tmp_path_factory.mktemp("snapshots") / "data"


def prepared(functions: Any) -> tuple[str, str]:
    """A function with a snapshot of its version, and a copy that has run."""
    name = deploy(
        functions, MARKED, Runtime=PYTHON_WITH_SNAP_START, SnapStart=ON_PUBLISHED, MemorySize=512
    )
    number = publish(functions, name)
    return name, call(functions, name, number)["mark"]


def pids_of_snapshot(server: StokerProcess, name: str) -> tuple[int, int]:
    """(init, runtime), once nothing of a copy is under way there."""

    def look() -> list[int]:
        return [pid for snapshot in snapshots(server, name) for pid in snapshot["pids"]]

    init, runtime = sorted(until(look, lambda pids: len(pids) == 2), key=lambda p: tracer(p) > 0)
    return init, runtime


def ids_of_snapshots(server: StokerProcess, name: str) -> list[str]:
    return [snapshot["id"] for snapshot in snapshots(server, name)]


def tracer(pid: int) -> int:
    """Who holds it by ptrace."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("TracerPid:"):
            return int(line.split()[1])
    raise AssertionError("no TracerPid")


def test_a_snapshot_that_is_killed_is_taken_again_before_anyone_is_served(data_dir: Path) -> None:
    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        name, mark = prepared(functions)
        for who in ("its runtime", "its init", "its keeper"):
            init, runtime = pids_of_snapshot(server, name)
            (before,) = ids_of_snapshots(server, name)
            victim = {"its runtime": runtime, "its init": init, "its keeper": tracer(runtime)}[who]
            os.kill(victim, signal.SIGKILL)
            # Until the server has heard, copies that are there already may still be given.
            until(partial(ids_of_snapshots, server, name), lambda ids, old=before: old not in ids)
            answer = restored(functions, name)
            if answer["mark"] == mark:  # the copy that was there before outlives all but the init
                assert who != "its init"
                call(functions, name, "1", "exit")
                answer = restored(functions, name)
            assert answer["mark"] != mark, "init ran again"
            assert answer["heard"] == ["before", "after"]
            mark = answer["mark"]
        instance = Instance.of(server.pid, data_dir)
        server.stop()
        all_gone(instance)


def test_a_version_is_restorable_after_kill_9(data_dir: Path) -> None:
    with StokerProcess(data_dir) as server:
        with closing(server.client("lambda")) as functions:
            name, mark = prepared(functions)
        instance = Instance.of(server.pid, data_dir)
        server.stop(signal.SIGKILL)
        all_gone(instance)
    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        answer = restored(functions, name)
        assert answer["mark"] != mark
        assert answer["heard"] == ["before", "after"]
        version = functions.get_function_configuration(FunctionName=name, Qualifier="1")
        assert version["SnapStart"]["OptimizationStatus"] == "On"
