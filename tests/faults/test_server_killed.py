"""kill -9 of the server, of its launcher, of everything: what is left, and who goes on."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from tests.faults.scene import (
    BUSY,
    ECHO,
    GONE_S,
    SLOW_INIT,
    all_gone,
    answer,
    environment,
    full_stock,
    nothing,
    until,
)
from tests.instances import Instance, is_alive
from tests.running import StokerProcess, deploy, wait_for

pytestmark = pytest.mark.root

PRINTS = "def handler(event, context): print('the last words'); return event"


def killed(*pids: int) -> None:
    """All at once: none of them sees another one die."""
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def log_text(server: StokerProcess, function: str) -> str:
    with closing(server.client("logs")) as logs:
        try:
            found = logs.filter_log_events(logGroupName=f"/aws/lambda/{function}")
        except logs.exceptions.ResourceNotFoundException:
            return ""
        return "".join(event["message"] for event in found["events"])


def _waits_for(lock: Path) -> bool:
    """Is somebody waiting for this file's lock?"""
    inode = str(lock.stat().st_ino)
    lines = Path("/proc/locks").read_text().splitlines()
    return any("->" in line and f":{inode} " in line for line in lines)


class Scene:
    """A server with an idle (frozen), a busy and an initialising environment, and a stock."""

    def __init__(self, stack: ExitStack, data_dir: Path) -> None:
        self.server = stack.enter_context(StokerProcess(data_dir))
        self.instance = Instance.of(self.server.pid, data_dir)
        self.functions = stack.enter_context(closing(self.server.client("lambda")))
        self.pool = stack.enter_context(ThreadPoolExecutor(2))
        for name, code in (("idle", PRINTS), ("busy", BUSY), ("starting", SLOW_INIT)):
            deploy(self.functions, code, FunctionName=name, Timeout=600)
        self.callers = [
            self.pool.submit(self.functions.invoke, FunctionName=name)
            for name in ("busy", "starting")
        ]
        self.frozen = self.idle()
        environment(self.server, "starting", "Init")
        wait_for(lambda: log_text(self.server, "busy"), "begun")
        full_stock(self.instance, others=3)

    def idle(self) -> dict[str, Any]:
        assert answer(self.functions.invoke(FunctionName="idle", Payload="1")) == 1
        return environment(self.server, "idle", "Idle")


def assert_goes_on(data_dir: Path) -> None:
    """A new server on the folder has the functions and the logs, and invokes at once."""
    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        assert answer(functions.invoke(FunctionName="idle", Payload="2")) == 2
        assert log_text(server, "idle").count("the last words\n") >= 1
        assert server.stop() == 0


def test_after_kill_9_of_the_server_nothing_is_left_and_the_next_one_goes_on(
    tmp_path: Path,
) -> None:
    with ExitStack() as stack:
        scene = Scene(stack, tmp_path / "data")
        wait_for(lambda: log_text(scene.server, "idle"), "REPORT")
        killed(scene.server.pid)
        all_gone(scene.instance)
        for caller in scene.callers:
            assert isinstance(caller.exception(GONE_S), BotoCoreError), "the connection is cut"
    assert_goes_on(tmp_path / "data")


def test_who_starts_right_after_kill_9_waits_until_the_dead_one_is_cleared_up(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "data"
    with ExitStack() as stack:
        scene = Scene(stack, data_dir)
        dead = scene.instance
        os.kill(dead.launcher, signal.SIGSTOP)  # it has not noticed
        killed(scene.server.pid)
        starting = stack.enter_context(ThreadPoolExecutor(1)).submit(StokerProcess, data_dir)
        until(lambda: starting.done() or _waits_for(data_dir / "launcher.lock"), bool)
        os.kill(dead.launcher, signal.SIGCONT)
        with starting.result(GONE_S) as server, closing(server.client("lambda")) as functions:
            until(
                lambda: [pid for pid in (dead.launcher, dead.undertaker) if is_alive(pid)], nothing
            )
            for number in range(6):  # more than are in stock
                functions.update_function_configuration(FunctionName="idle", Timeout=10 + number)
                functions.get_waiter("function_updated_v2").wait(FunctionName="idle")
                assert answer(functions.invoke(FunctionName="idle", Payload="2")) == 2
            assert server.stop() == 0


def test_kill_9_of_server_and_launcher_at_once_leaves_nothing_either(tmp_path: Path) -> None:
    with ExitStack() as stack:
        scene = Scene(stack, tmp_path / "data")
        killed(scene.server.pid, scene.instance.launcher)
        all_gone(scene.instance)


def test_after_kill_9_of_everything_of_ours_the_next_start_clears_up_before_it_is_ready(
    tmp_path: Path,
) -> None:
    data_dir = tmp_path / "data"
    with ExitStack() as stack:
        scene = Scene(stack, data_dir)
        dead = scene.instance
        frozen = scene.frozen["pids"]
        killed(scene.server.pid, dead.launcher, dead.undertaker)
        assert scene.server.wait() == -signal.SIGKILL
    assert all(map(is_alive, frozen)), "who is frozen does not notice"
    sandboxes = {path: path.stat().st_ino for path in dead.cgroups()}
    assert sandboxes

    with StokerProcess(data_dir) as server:
        assert not any(map(is_alive, frozen))
        again = [p for p, inode in sandboxes.items() if p.exists() and p.stat().st_ino == inode]
        assert [path.name for path in again if path.name != dead.name] == []
        with closing(server.client("lambda")) as functions:
            assert answer(functions.invoke(FunctionName="idle", Payload="2")) == 2
        instance = Instance.of(server.pid, data_dir)
        assert server.stop() == 0
    all_gone(instance)
    all_gone(dead)


def test_a_server_without_its_launcher_says_so_and_ends_leaving_nothing(tmp_path: Path) -> None:
    with ExitStack() as stack:
        scene = Scene(stack, tmp_path / "data")
        os.kill(scene.instance.launcher, signal.SIGKILL)
        assert scene.server.wait() == 1
        assert "the launcher died; start the server again" in scene.server.log.read_text()
        all_gone(scene.instance)
        for caller in scene.callers:
            error = caller.exception(GONE_S)
            assert isinstance(error, scene.functions.exceptions.ServiceException), error
            assert "was lost" in str(error)


def test_the_launcher_alone_does_well_without_the_undertaker(tmp_path: Path) -> None:
    data_dir = tmp_path / "data"
    with StokerProcess(data_dir) as server, closing(server.client("lambda")) as functions:
        instance = Instance.of(server.pid, data_dir)
        os.kill(instance.undertaker, signal.SIGKILL)
        deploy(functions, ECHO, FunctionName="echo")
        assert answer(functions.invoke(FunctionName="echo", Payload="3")) == 3
        assert server.stop() == 0
        until(instance.remains, lambda found: not found, GONE_S)
