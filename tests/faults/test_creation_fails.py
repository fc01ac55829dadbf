"""What a new environment needs cannot be had: its caller is told, nobody else notices."""

import os
import resource
import signal
import socket
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import ECHO, answer, environment, environments, until
from tests.instances import Instance, is_alive
from tests.running import StokerProcess, deploy

pytestmark = pytest.mark.root

FILES = 1060  # at least what each function is allowed


@dataclass
class Own:
    """A server of one test, whose stock nobody else adds to or takes from."""

    server: StokerProcess
    instance: Instance
    functions: Any

    def create(self) -> str:
        return deploy(self.functions, ECHO, FunctionName=f"f-{uuid.uuid4().hex[:12]}")

    def invoke(self, name: str, payload: str) -> Any:
        return answer(self.functions.invoke(FunctionName=name, Payload=payload))

    def at_rest(self) -> int:
        """Wait for the stock; the launcher's open files then."""

        def ready() -> int:
            return len(self.instance.sandboxes()) - len(environments(self.server))

        until(ready, lambda count: count == 4)
        return open_files(self.instance.launcher)

    def use_up_stock(self) -> tuple[list[Any], list[BaseException]]:
        """Six environments where four were ready: (answers, refusals)."""
        answers, refusals = [], []
        for n in range(6):
            name = self.create()
            try:
                answers.append(self.invoke(name, str(n)))
            except self.functions.exceptions.ServiceException as refusal:
                refusals.append(refusal)
        return answers, refusals

    def stock(self) -> list[list[int]]:
        """The processes of each sandbox in stock, PID 1 first, once it is full and all are born."""

        def look() -> list[list[int]]:
            taken = {pid for each in environments(self.server) for pid in each["pids"]}
            found = []
            for name in self.instance.sandboxes():
                procs = next(path for path in self.instance.cgroups() if path.name == name)
                with suppress(OSError):
                    pids = (procs / "cgroup.procs").read_text().split()
                    found.append(sorted(map(int, pids)))
            return [pids for pids in found if not taken & set(pids)]

        return until(look, lambda seen: len(seen) == 4 and all(len(pids) == 2 for pids in seen))


@contextmanager
def a_server_of_its_own(data: Path, **how: Any) -> Iterator[Own]:
    with StokerProcess(data, **how) as server, closing(server.client("lambda")) as functions:
        yield Own(server, Instance.of(server.pid, server.data_dir), functions)
        assert server.stop() == 0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    with a_server_of_its_own(tmp_path / "data") as own:
        yield own


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


@contextmanager
def no_more_cgroups(instance: Instance) -> Iterator[None]:
    """The kernel refuses to make another one below the instance's."""
    root = next(path for path in instance.cgroups() if (path / "cgroup.max.descendants").exists())
    top = next(path for path in (root, *root.parents) if path.name == instance.name)
    bound = top / "cgroup.max.descendants"
    bound.write_text(f"{sum(path.is_dir() for path in top.iterdir())}\n")
    try:
        yield
    finally:
        bound.write_text("max\n")


@contextmanager
def no_more_files(pid: int, beyond: int) -> Iterator[None]:
    before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    highest = max(int(fd.name) for fd in Path(f"/proc/{pid}/fd").iterdir())
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + beyond, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, before)


def disjoint(one: list[list[int]], other: list[list[int]]) -> bool:
    return not {pid for pids in one for pid in pids} & {pid for pids in other for pid in pids}


@pytest.mark.parametrize("which", [0, 1], ids=["PID 1", "the parked runtime"])
def test_killed_stock_is_made_again_and_no_caller_notices(which: int, own: Own) -> None:
    name = own.create()
    stocked = own.stock()
    for sandbox in stocked:
        os.kill(sandbox[which], signal.SIGKILL)
    until(lambda: [pids for pids in stocked if is_alive(pids[which])], lambda alive: not alive)
    assert own.invoke(name, "7") == 7
    until(own.stock, lambda fresh: fresh and disjoint(stocked, fresh))


def test_without_another_cgroup_only_those_who_need_one_are_refused(own: Own) -> None:
    warm, instance = own.create(), own.instance
    own.invoke(warm, "0")
    environment(own.server, warm, "Idle")
    files = own.at_rest()
    with no_more_cgroups(instance):
        answers, refusals = own.use_up_stock()
        assert len(answers) == 4
        assert all("No execution environment could be made" in str(each) for each in refusals)
        assert own.invoke(warm, "1") == 1
    answers, refusals = own.use_up_stock()
    assert (len(answers), refusals) == (6, [])
    own.at_rest()
    groups = instance.cgroups()
    hierarchies = {path.parent for path in groups if path.name == instance.name}
    assert len(groups) == len(hierarchies) * (1 + len(instance.sandboxes())), "none half made"
    few = (len(environments(own.server)) - 1) * 6  # files per environment
    assert open_files(instance.launcher) - files <= few


def test_a_launcher_out_of_files_refuses_and_recovers(own: Own) -> None:
    warm = own.create()
    own.invoke(warm, "0")
    own.at_rest()
    for beyond in (1, 3, 6, 10, 15, 21):  # it runs out at another place each time
        with no_more_files(own.instance.launcher, beyond):
            _, refusals = own.use_up_stock()
            assert all("No execution environment could be made" in str(r) for r in refusals)
            assert own.invoke(warm, "1") == 1
        answers, refusals = own.use_up_stock()
        assert (len(answers), refusals) == (6, []), beyond
    own.at_rest()


def test_a_server_out_of_files_refuses_and_recovers(tmp_path: Path) -> None:
    few = ("sh", "-c", f'ulimit -n {FILES}; exec "$0" "$@"')
    with a_server_of_its_own(tmp_path / "data", through=few) as own:
        server, functions = own.server, own.functions
        deploy(functions, ECHO, FunctionName="warm")
        assert answer(functions.invoke(FunctionName="warm", Payload="1")) == 1
        own.at_rest()
        environments_before = len(environments(server))
        for left in (1, 6, 12, 20):
            with crowd(server, left):
                assert answer(functions.invoke(FunctionName="warm", Payload="2")) == 2
                with suppress(ClientError):  # it may just be possible
                    deploy(functions, ECHO, FunctionName="cold")
                    functions.invoke(FunctionName="cold")
            with suppress(ClientError):
                deploy(functions, ECHO, FunctionName="cold")
            assert answer(functions.invoke(FunctionName="cold", Payload="3")) == 3, left
            functions.delete_function(FunctionName="cold")
        until(lambda: len(environments(server)), lambda count: count == environments_before)
        own.at_rest()


@contextmanager
def crowd(server: StokerProcess, left: int) -> Iterator[None]:
    """Clients who say nothing, so many that the server has about `left` descriptors more."""
    with ExitStack() as stack:

        def left_after(newcomers: int) -> int:
            for _ in range(newcomers):
                address = ("127.0.0.1", server.port)
                stack.enter_context(socket.create_connection(address, timeout=10))
            return FILES - open_files(server.pid)

        left_after(FILES - open_files(server.pid) - 2 * left - 20)
        until(lambda: left_after(1), lambda now: now <= left)
        yield
