"""kill -9 inside the house: zygotes, PID 1s, runtimes, and processes that wait in stock."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest

from tests.faults.scene import (
    BUSY,
    ECHO,
    answer,
    environment,
    environments,
    go,
    pid_1,
    runtime,
    until,
    zygotes,
)
from tests.instances import Instance, is_alive
from tests.running import StokerProcess

pytestmark = pytest.mark.root

Create = Callable[..., str]
EXIT = "Runtime exited with error: signal: killed"


@pytest.fixture
def instance(server: StokerProcess) -> Instance:
    return Instance.of(server.pid, server.data_dir)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):  # a zygote may end by itself just now
        os.kill(pid, signal.SIGKILL)
    until(lambda: is_alive(pid), lambda alive: not alive)


def ended(server: StokerProcess, environment_id: str) -> None:
    """Wait until the server has buried it."""
    until(
        lambda: [each["id"] for each in environments(server)],
        lambda ids: environment_id not in ids,
    )


def test_environments_live_on_without_their_zygote_and_new_ones_have_a_new_one(
    server: StokerProcess, instance: Instance, lambda_client: Any, create: Create,
    pool: ThreadPoolExecutor,
) -> None:  # fmt: skip
    busy, idle = create(BUSY), create(ECHO)
    running = pool.submit(lambda_client.invoke, FunctionName=busy, Payload="1")
    assert answer(lambda_client.invoke(FunctionName=idle, Payload="2")) == 2
    at_work = environment(server, busy, "Invoke")
    frozen = environment(server, idle, "Idle")
    for zygote in zygotes(instance):
        kill(zygote)

    new = create(ECHO)
    assert answer(lambda_client.invoke(FunctionName=new, Payload="3")) == 3
    assert answer(lambda_client.invoke(FunctionName=idle, Payload="4")) == 4
    assert environment(server, idle, "Idle")["id"] == frozen["id"]
    go(at_work)
    assert answer(running.result())[1] == 1


def test_an_idle_environment_whose_pid_1_dies_is_replaced(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(ECHO)
    lambda_client.invoke(FunctionName=name)
    first = environment(server, name, "Idle")
    kill(pid_1(first))
    ended(server, first["id"])
    assert answer(lambda_client.invoke(FunctionName=name, Payload="2")) == 2
    assert environment(server, name, "Idle")["id"] != first["id"]


def test_a_caller_whose_environment_loses_its_pid_1_gets_a_clear_error(
    server: StokerProcess, lambda_client: Any, create: Create, pool: ThreadPoolExecutor
) -> None:
    name = create(BUSY)
    running = pool.submit(lambda_client.invoke, FunctionName=name)
    first = environment(server, name, "Invoke")
    kill(pid_1(first))
    with pytest.raises(lambda_client.exceptions.ServiceException, match="its init died"):
        running.result()
    ended(server, first["id"])
    assert not any(map(is_alive, first["pids"])), "nothing inside outlives PID 1"


def test_a_runtime_that_is_killed_while_it_works_fails_the_invocation_and_starts_again(
    server: StokerProcess, lambda_client: Any, create: Create, pool: ThreadPoolExecutor
) -> None:
    name = create(BUSY)
    running = pool.submit(lambda_client.invoke, FunctionName=name)
    first = environment(server, name, "Invoke")
    kill(runtime(first))
    response = running.result()
    payload = json.loads(response["Payload"].read())
    assert response["FunctionError"] == "Unhandled"
    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith(f"Error: {EXIT}")

    again = pool.submit(lambda_client.invoke, FunctionName=name, Payload="5")
    second = environment(server, name, "Invoke")
    assert second["id"] == first["id"], "the sandbox is reset, not replaced"
    go(second)
    assert answer(again.result())[1] == 5


def test_a_runtime_that_is_killed_while_it_is_frozen_is_the_next_callers_to_hear_of(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(ECHO)
    lambda_client.invoke(FunctionName=name)
    first = environment(server, name, "Idle")
    kill(runtime(first))
    response = lambda_client.invoke(FunctionName=name, Payload="5")
    assert EXIT in json.loads(response["Payload"].read())["errorMessage"]

    assert answer(lambda_client.invoke(FunctionName=name, Payload="6")) == 6
    assert environment(server, name, "Idle")["id"] == first["id"]
