"""What a new environment needs cannot be had: its caller is told, nobody else notices."""

import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import ECHO, answer, environment, environments, until
from tests.instances import Instance
from tests.running import StokerProcess, deploy

pytestmark = pytest.mark.root

Create = Callable[..., str]
FILES = 1060  # at least what each function is allowed


@pytest.fixture
def instance(server: StokerProcess) -> Instance:
    return Instance.of(server.pid, server.data_dir)


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


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def at_rest(server: StokerProcess, instance: Instance) -> int:
    """Wait for the stock; the launcher's open files then."""
    until(lambda: len(instance.sandboxes()) - len(environments(server)), lambda ready: ready == 4)
    return open_files(instance.launcher)


def use_up_stock(lambda_client: Any, create: Create) -> tuple[list[Any], list[BaseException]]:
    """Six environments where four were ready: (answers, refusals)."""
    answers, refusals = [], []
    for n in range(6):
        name = create(ECHO)
        try:
            answers.append(answer(lambda_client.invoke(FunctionName=name, Payload=str(n))))
        except lambda_client.exceptions.ServiceException as refusal:
            refusals.append(refusal)
    return answers, refusals


@pytest.mark.slow  # it counts the shared server's stock
def test_without_another_cgroup_only_those_who_need_one_are_refused(
    server: StokerProcess, instance: Instance, lambda_client: Any, create: Create
) -> None:
    warm = create(ECHO)
    lambda_client.invoke(FunctionName=warm)
    environment(server, warm, "Idle")
    files = at_rest(server, instance)
    with no_more_cgroups(instance):
        answers, refusals = use_up_stock(lambda_client, create)
        assert len(answers) == 4
        assert all("No execution environment could be made" in str(each) for each in refusals)
        assert answer(lambda_client.invoke(FunctionName=warm, Payload="1")) == 1
    answers, refusals = use_up_stock(lambda_client, create)
    assert (len(answers), refusals) == (6, [])
    at_rest(server, instance)
    groups = instance.cgroups()
    hierarchies = {path.parent for path in groups if path.name == instance.name}
    assert len(groups) == len(hierarchies) * (1 + len(instance.sandboxes())), "none half made"
    assert abs(open_files(instance.launcher) - files) <= 6 * 2, "a few per environment"


@pytest.mark.slow  # it counts the shared server's stock
def test_a_launcher_out_of_files_refuses_and_recovers(
    server: StokerProcess, instance: Instance, lambda_client: Any, create: Create
) -> None:
    warm = create(ECHO)
    lambda_client.invoke(FunctionName=warm)
    at_rest(server, instance)
    for beyond in (1, 3, 6, 10, 15, 21):  # it runs out at another place each time
        with no_more_files(instance.launcher, beyond):
            answers, refusals = use_up_stock(lambda_client, create)
            assert all("No execution environment could be made" in str(r) for r in refusals)
            assert answer(lambda_client.invoke(FunctionName=warm, Payload="1")) == 1
        answers, refusals = use_up_stock(lambda_client, create)
        assert (len(answers), refusals) == (6, []), beyond
    at_rest(server, instance)


def test_a_server_out_of_files_refuses_and_recovers(tmp_path: Path) -> None:
    few = ("sh", "-c", f'ulimit -n {FILES}; exec "$0" "$@"')
    with (
        StokerProcess(tmp_path / "data", through=few) as server,
        closing(server.client("lambda")) as functions,
    ):
        instance = Instance.of(server.pid, server.data_dir)
        deploy(functions, ECHO, FunctionName="warm")
        assert answer(functions.invoke(FunctionName="warm", Payload="1")) == 1
        at_rest(server, instance)
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
        at_rest(server, instance)
        assert server.stop() == 0


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
