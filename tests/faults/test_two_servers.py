"""Two servers on one machine: side by side on two folders, never on one."""

import signal
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.faults.scene import ECHO, all_gone, answer, environment
from tests.instances import Instance
from tests.running import StokerProcess, deploy

pytestmark = pytest.mark.root


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL], ids=lambda n: n.name)
def test_the_end_of_one_leaves_the_other_one_whole(number: signal.Signals, tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(StokerProcess(tmp_path / n / "data")) for n in folders(tmp_path)
        ]
        first, second = (Instance.of(server.pid, server.data_dir) for server in servers)
        clients = [stack.enter_context(closing(server.client("lambda"))) for server in servers]
        for n, (server, functions) in enumerate(zip(servers, clients, strict=True)):
            deploy(functions, ECHO, FunctionName="same-name")
            assert answer(functions.invoke(FunctionName="same-name", Payload=str(n))) == n
            environment(server, "same-name", "Idle")
        assert first.block != second.block
        assert uids(first).isdisjoint(uids(second))

        servers[0].stop(number)
        all_gone(first)
        assert second.tables() == [f"table inet stoker_{second.block}"]
        assert Path("/proc/sys/net/ipv4/ip_forward").read_text() == "1\n"
        assert answer(clients[1].invoke(FunctionName="same-name", Payload="5")) == 5
        deploy(clients[1], ECHO, FunctionName="another")
        assert answer(clients[1].invoke(FunctionName="another", Payload="6")) == 6
        assert servers[1].stop() == 0
        all_gone(second)


def folders(tmp_path: Path) -> list[str]:
    names = ["one", "two"]
    for name in names:
        (tmp_path / name).mkdir()
    return names


def uids(instance: Instance) -> set[int]:
    """Of the processes in its sandboxes."""
    found: set[int] = set()
    for path in instance.cgroups():
        for pid in (path / "cgroup.procs").read_text().split():
            found.add(Path(f"/proc/{pid}").stat().st_uid)
    assert found
    return found


def test_a_second_server_on_the_folder_is_refused_by_whatever_name_and_the_first_goes_on(
    tmp_path: Path,
) -> None:
    with StokerProcess(tmp_path / "data") as first, closing(first.client("lambda")) as functions:
        deploy(functions, ECHO, FunctionName="echo")
        instance = Instance.of(first.pid, first.data_dir)
        link = tmp_path / "link"
        link.symlink_to(tmp_path / "data")
        with pytest.raises(AssertionError, match="in use by another server"):
            StokerProcess(link)
        assert instance.processes()
        assert answer(functions.invoke(FunctionName="echo", Payload="7")) == 7
