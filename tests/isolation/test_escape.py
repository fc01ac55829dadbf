"""A function tries to leave: system calls, files that lead out, sockets, signals, descriptors."""

from pathlib import Path

import pytest

from tests.isolation.attacks import escape
from tests.isolation.conftest import Attack, Host

pytestmark = pytest.mark.root


def test_privileged_calls_are_refused(attack: Attack) -> None:
    assert attack("escape.calls").value == dict.fromkeys(escape.CALLS, "EPERM")


def test_calls_that_a_filter_cannot_look_into_are_not_there(attack: Attack) -> None:
    assert attack("escape.absent").value == dict.fromkeys(escape.ABSENT, "ENOSYS")


def test_only_ordinary_sockets_can_be_made(attack: Attack) -> None:
    assert attack("escape.sockets").value == {
        what: ["EPERM"] * 2 if what.startswith("raw ") else ["EAFNOSUPPORT"] * 2
        for what in escape.SOCKETS
    }


def test_nothing_but_tmp_can_be_written(attack: Attack) -> None:
    outcomes = attack("escape.writes").value
    assert outcomes.keys() == set(escape.WRITES)
    refusals = {"EROFS", "EACCES", "EPERM", "ENOENT", "a mask"}
    assert {path: said for path, said in outcomes.items() if said not in refusals} == {}


def test_a_process_has_no_privilege_and_cannot_gain_any(attack: Attack) -> None:
    nothing = "0000000000000000"
    assert attack("escape.status").value == {
        **dict.fromkeys(("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), nothing),
        "NoNewPrivs": "1",
        "Seccomp": "2",
        "SigIgn": "0000000001001000",  # SIGPIPE and SIGXFSZ, as in any Python
        "Uid": "993",
    }


def test_set_uid_programs_are_ordinary_ones(attack: Attack) -> None:
    assert attack("escape.set_uid_program").value == "993 []"


def test_limits_cannot_be_raised(attack: Attack) -> None:
    assert attack("escape.limits").value == {"raised": [], "files": [1024, 1024], "oom": []}


def test_pid_1_takes_no_signals(attack: Attack) -> None:
    assert attack("escape.signals_to_init").value is True


def test_a_function_is_born_with_its_pipes_and_one_connection(attack: Attack) -> None:
    found = attack("escape.descriptors", by="newborn").value
    assert found.pop("0") == "/dev/null"
    assert {found[name] for name in ("1", "2", "62")} == {"pipe"}
    others = {kind for name, kind in found.items() if name not in ("1", "2", "62")}
    assert others <= {"socket"}  # the runtime's, to its API


def test_pid_1_holds_nothing_but_its_own_socket(attack: Attack, host: Host) -> None:
    """Seen from the host: whoever took PID 1 over would find no door in its hands."""
    attack("escape.status")
    environment = host.environments("attacker")[0]
    init = next(pid for pid in environment["pids"] if _first_of_its_namespace(pid))
    kinds = [str(fd.readlink()) for fd in Path(f"/proc/{init}/fd").iterdir() if int(fd.name) > 2]
    assert sorted(kind.partition("[")[0] for kind in kinds) == ["anon_inode:", "socket:"]


def _first_of_its_namespace(pid: int) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(line for line in status.splitlines() if "NSpid" in line).split()[-1] == "1"
