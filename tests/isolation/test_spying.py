"""A function looks for what belongs to the host, to the server, and to other functions."""

import pytest

from tests.isolation.attacks import spy
from tests.isolation.conftest import ATTACKERS, Alone, Attack
from tests.running import StokerProcess

pytestmark = pytest.mark.root
SECRET = ATTACKERS["victim"]["Environment"]["Variables"]["SECRET"]
UNSEEN = {"ENOENT", "EACCES", "EPERM", "ENXIO", "nothing"}


def test_files_of_the_host_the_kernel_and_pid_1_cannot_be_seen(attack: Attack) -> None:
    seen = attack("spy.forbidden").value
    assert seen.keys() == set(spy.FORBIDDEN)
    assert {path: said for path, said in seen.items() if said not in UNSEEN} == {}


def test_files_of_the_server_are_not_there(attack: Attack, server: StokerProcess) -> None:
    kept = [path for path in server.data_dir.rglob("*") if path.is_file()]
    assert len(kept) > 5
    for path in (server.data_dir, server.log, *kept[:20]):
        assert attack("spy.look", path=str(path)).value == "ENOENT"


def test_processes_of_the_host_are_not_there(alone: Alone) -> None:
    seen = alone("spy.processes").value
    assert len(seen) == len(alone.frozen()["pids"]) == 2  # PID 1 and the runtime
    assert not [command for command in seen if "stoker serve" in command]


@pytest.fixture
def hidden(attack: Attack) -> str:
    """The address of a victim that has a secret everywhere."""
    address: str = attack("spy.hide", by="victim", secret=SECRET).value
    return address


def test_nothing_of_another_function_is_found(attack: Attack, hidden: str) -> None:
    found = attack("spy.search", secret=SECRET[::-1]).value
    assert found.pop("pids") <= 3  # PID 1, the runtime, and perhaps a child of an earlier attack
    assert found == {
        "files": [],
        "processes": [],
        "segment": False,
        "segments": 0,
        "abstract": False,
        "names": False,
    }


def test_the_victim_itself_finds_its_secret(attack: Attack, hidden: str) -> None:
    """The search above can find what is there."""
    found = attack("spy.search", by="victim", secret=SECRET[::-1]).value
    assert found["files"] == ["/tmp/secret"]
    assert (found["segment"], found["abstract"], found["names"]) == (True, True, True)
