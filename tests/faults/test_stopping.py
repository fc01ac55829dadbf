"""SIGTERM and SIGINT at any time: callers get their answers, and nothing is left."""

import http.client
import os
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from botocore.exceptions import BotoCoreError

from tests.faults.scene import BUSY, GONE_S, all_gone, answer, environment, go, until
from tests.instances import Instance, block_of, descendants
from tests.running import STOKER, StokerProcess, deploy, wait_for

pytestmark = pytest.mark.root

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda n: n.name)


@SIGNALS
def test_running_invocations_are_answered_and_new_ones_are_refused(
    number: signal.Signals, tmp_path: Path
) -> None:
    with (
        StokerProcess(tmp_path / "data", "--drain-s", "60") as server,
        closing(server.client("lambda")) as functions,
        ThreadPoolExecutor(1) as pool,
    ):
        instance = Instance.of(server.pid, server.data_dir)
        deploy(functions, BUSY, FunctionName="busy")
        kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=GONE_S)
        with closing(kept):
            assert ask(kept) == 200
            running = pool.submit(functions.invoke, FunctionName="busy", Payload="1")
            at_work = environment(server, "busy", "Invoke")
            server.process.send_signal(number)
            wait_for(server.log.read_text, "server stopping")
            until(lambda: refuses(kept), bool)  # a connection that was open
            with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)) as new:
                until(lambda: refuses(new), bool)
        assert not running.done()
        go(at_work)
        assert answer(running.result())[1] == 1
        assert server.wait() == 0
        all_gone(instance)


def ask(connection: http.client.HTTPConnection) -> int:
    connection.request("GET", "/_stoker/health")
    response = connection.getresponse()
    response.read()
    return response.status


def refuses(connection: http.client.HTTPConnection) -> bool:
    """Quickly: TimeoutError is not caught."""
    try:
        return ask(connection) >= 500
    except ConnectionError:
        return True


def test_a_second_signal_cuts_off_whoever_is_left(tmp_path: Path) -> None:
    number = signal.SIGINT
    with (
        StokerProcess(tmp_path / "data", "--drain-s", "600") as server,
        closing(server.client("lambda")) as functions,
        ThreadPoolExecutor(1) as pool,
    ):
        instance = Instance.of(server.pid, server.data_dir)
        deploy(functions, BUSY, FunctionName="busy", Timeout=600)
        running = pool.submit(functions.invoke, FunctionName="busy")
        environment(server, "busy", "Invoke")
        server.process.send_signal(number)
        wait_for(server.log.read_text, "server stopping")
        assert server.stop(number) == 0
        all_gone(instance)
        error = running.exception()
        assert isinstance(error, BotoCoreError | functions.exceptions.ServiceException)


def test_who_does_not_finish_in_time_is_cut_off(tmp_path: Path) -> None:
    with (
        StokerProcess(tmp_path / "data", "--drain-s", "0.1") as server,
        closing(server.client("lambda")) as functions,
        ThreadPoolExecutor(1) as pool,
    ):
        deploy(functions, BUSY, FunctionName="busy", Timeout=600)
        running = pool.submit(functions.invoke, FunctionName="busy")
        environment(server, "busy", "Invoke")
        assert server.stop() == 0
        error = running.exception()
        assert isinstance(error, functions.exceptions.ServiceException), "an answer, not a cut"
        assert "the server is stopping" in str(error)


# --- while it starts ----------------------------------------------------------------------------


def has_claimed(server: int, data_dir: Path) -> bool:
    return (data_dir / "lock").exists()


def has_a_launcher(server: int, data_dir: Path) -> bool:
    return any(block_of(pid) is not None for pid in descendants(server))


def has_a_store(server: int, data_dir: Path) -> bool:
    return (data_dir / "state" / "stoker.db").exists()


@SIGNALS
@pytest.mark.parametrize("come_to", [has_claimed, has_a_launcher, has_a_store])
def test_a_signal_during_the_start_ends_it_and_leaves_nothing(
    come_to: Callable[[int, Path], bool], number: signal.Signals, tmp_path: Path
) -> None:
    data_dir = tmp_path / "data"
    with subprocess.Popen(
        [STOKER, "serve", "--port", "0", "--data-dir", data_dir],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        until(lambda: come_to(process.pid, data_dir), bool)
        os.kill(process.pid, number)
        _out, err = process.communicate(timeout=GONE_S)
    assert process.returncode in (0, -number, 128 + number), err
    assert "Traceback" not in err
