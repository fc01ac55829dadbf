"""A function goes on when nobody asked, leaves by every way there is, or will not leave."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.isolation.conftest import Alone, Attack, Host
from tests.isolation.outside import Outside
from tests.running import wait_for

pytestmark = pytest.mark.root
EXITED = "RequestId: <id> Error: Runtime exited with"
IDLE_S = 1.2


def test_threads_and_children_stand_still_between_invocations(alone: Alone, host: Host) -> None:
    alone("life.begin_counting")
    pids = alone.frozen()["pids"]
    assert len(pids) == 3  # PID 1, the runtime with its thread, the child
    ticks = host.cpu_ticks(pids)
    time.sleep(IDLE_S)
    assert host.cpu_ticks(pids) == ticks, "somebody ran"
    assert not alone("life.go_on").error, "they go on when an invocation does"


def test_clocks_jump_and_timers_are_late(alone: Alone) -> None:
    alone("life.watch_clocks", timer_s=IDLE_S / 3)
    alone.frozen()
    time.sleep(IDLE_S)
    thawed = time.time()
    seen = alone("life.ticks").value
    assert seen["gap_s"] > IDLE_S * 0.8
    assert seen["fired"] >= thawed


CONNECTED = """
import os, socket
connection = socket.create_connection((os.environ["FAR"], int(os.environ["PORT"])), 5)
near = connection.getsockname()
def handler(event, context):
    connection.sendall(event["with"]["word"].encode())
    return {"heard": connection.recv(100).decode(), "from": near[1]}
"""


def test_a_connection_made_in_init_survives_freezes(
    create: Callable[..., str], attack: Attack, host: Host
) -> None:
    with Outside() as outside:
        where = {"FAR": outside.address, "PORT": str(outside.port)}
        name = create(CONNECTED, Environment={"Variables": where})
        heard = []
        for word in ("first", "second", "third"):
            heard.append(attack("say", by=name, word=word).value)
            host.frozen(name)
            time.sleep(0.3)
        assert [answer["heard"] for answer in heard] == ["first", "second", "third"]
        assert len({answer["from"] for answer in heard}) == 1


def test_a_daemon_ends_with_its_environment(alone: Alone, functions: Any) -> None:
    alone("life.daemon")
    pids = alone.frozen()["pids"]
    assert len(pids) == 3  # PID 1, the runtime, the daemon
    alone("life.counts")
    assert alone.frozen()["pids"] == pids  # it is there as long as its environment
    functions.delete_function(FunctionName=alone.name)
    wait_for(lambda: f"{[Path(f'/proc/{pid}').exists() for pid in pids]}", "[False, False, False]")


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("exit 0", "RequestId: <id> Error: Runtime exited without providing a reason"),
        ("exit 7", f"{EXITED} error: exit status 7"),
        ("_exit 1", f"{EXITED} error: exit status 1"),
        ("abort", f"{EXITED} error: signal: aborted"),
        ("null pointer", f"{EXITED} error: signal: segmentation fault"),
        ("close everything", f"{EXITED} error: exit status 1"),
    ],
)
def test_a_crash_is_told_in_awss_words(how: str, message: str, attack: Attack) -> None:
    answer = attack("life.crash", how=how)
    assert answer.fault() == ("Runtime.ExitError", message)
    assert answer.report("Error Type") == "Runtime.ExitError"
    assert attack("life.counts").value == [0, 0]  # in a new process


@pytest.mark.parametrize("whom", ["kill_the_group", "kill_everybody"])
def test_killing_all_there_is_ends_the_runtime_alone(whom: str, alone: Alone) -> None:
    alone("life.counts")
    before = alone.frozen()
    message = f"{EXITED} error: signal: killed"
    assert alone(f"life.{whom}").fault() == ("Runtime.ExitError", message)
    assert alone("life.counts").value == [0, 0]
    after = alone.frozen()
    assert after["id"] == before["id"]  # reset in place ...
    assert len({*after["pids"]} & {*before["pids"]}) == 1  # ... around the same PID 1


@pytest.mark.parametrize("how", ["stay_after_sigterm", "stop_yourself"])
def test_who_will_not_leave_is_made_to(how: str, attack: Attack) -> None:
    answer = attack(f"life.{how}", by="short")
    message = "RequestId: <id> Error: Task timed out after 3.00 seconds"
    assert answer.fault() == ("Sandbox.Timedout", message)
    assert answer.report("Duration") == "3000.00 ms"
    assert answer.report("Status") == "timeout"
    assert attack("life.counts", by="short").value == [0, 0]


def test_closed_standard_streams_harm_nobody(attack: Attack) -> None:
    assert attack("life.close_standard_streams", by="newborn").value == "0, and still here"
    assert attack("life.counts", by="newborn").value == [0, 0]


def test_a_childs_signals_are_those_of_any_program(attack: Attack) -> None:
    """What the launcher ignores must not be ignored in functions."""
    assert attack("life.terminate_a_child").value == -15
