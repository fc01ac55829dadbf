"""A function takes all it can get: processes, memory, disk, files, processor time."""

import pytest

from tests.isolation.conftest import Attack, Host
from tests.running import wait_for

pytestmark = pytest.mark.root
KILLED = "RequestId: <id> Error: Runtime exited with error: signal: killed"
TIMED_OUT = "RequestId: <id> Error: Task timed out after 3.00 seconds"


def test_more_memory_than_configured_is_out_of_memory(attack: Attack) -> None:
    answer = attack("starve.memory", by="small")
    assert answer.fault() == ("Runtime.OutOfMemory", KILLED)
    assert answer.report("Status") == "error"
    assert answer.report("Error Type") == "Runtime.OutOfMemory"
    assert answer.report("Memory Size") == "128 MB"
    assert 120 <= int(answer.report("Max Memory Used").split()[0]) <= 128


def test_a_child_that_eats_too_much_dies_alone(attack: Attack) -> None:
    assert attack("starve.memory_of_a_child", by="small").value == -9


def test_files_in_tmp_do_not_count_as_memory_and_have_an_end(attack: Attack) -> None:
    answer = attack("starve.disk", by="filler")
    assert answer.value["why"] == "ENOSPC"
    assert 500 <= answer.value["size_mb"] <= 530
    assert int(answer.report("Max Memory Used").split()[0]) < 64  # by some 70 MB of written files
    assert attack("starve.disk_again", by="filler").value == 1 << 20


def test_there_is_an_end_to_processes(attack: Attack) -> None:
    found = attack("starve.processes").value
    assert found["why"] == "EAGAIN"
    assert 900 < found["count"] <= 1024


def test_there_is_an_end_to_threads(attack: Attack) -> None:
    found = attack("starve.threads").value
    assert found["why"] == "can't start new thread"
    assert 900 < found["count"] <= 1024


def test_there_is_an_end_to_open_files(attack: Attack) -> None:
    found = attack("starve.files").value
    assert found["why"] == "EMFILE"
    assert 1000 < found["count"] <= 1024


def test_a_fork_bomb_ends_with_its_time(attack: Attack, host: Host) -> None:
    kind, message = attack("starve.bomb", by="short").fault()
    assert (kind, message) in (
        ("Sandbox.Timedout", TIMED_OUT),
        ("Runtime.OutOfMemory", KILLED),
    )
    assert attack("starve.files", by="short").value["why"] == "EMFILE"  # and it works again
    # All of them are gone, be it by the reset or with the environment.
    wait_for(lambda: f"few: {all(len(e['pids']) <= 3 for e in host.environments('short'))}", "True")


def test_a_small_function_gets_a_small_share_of_a_core(attack: Attack) -> None:
    attack("starve.files", by="small")  # init is over: that has no limit
    share = attack("starve.cpu", by="small", wall_s=2).value["share"]
    assert share < 0.15  # 128/1769 = 0.072


def test_shared_memory_that_nobody_removed_costs_its_owner_alone(attack: Attack) -> None:
    """It outlives the reset; the environment must come back to work, or be replaced."""
    attack("starve.files", by="small")
    answer = attack("starve.keep_shared_memory", by="small", mb=120)
    assert answer.fault()[0] in ("Runtime.ExitError", "Runtime.OutOfMemory")
    assert attack("starve.files", by="small").value["why"] == "EMFILE"
