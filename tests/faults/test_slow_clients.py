"""Clients who do not read, do not write, or only come and stay."""

import socket
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import ECHO, PATIENCE_S, answer, environment
from tests.running import StokerProcess, deploy

pytestmark = pytest.mark.root

Create = Callable[..., str]
BIG = "def handler(event, context): return 'x' * 5_000_000"
CLIENTS = 200


def connect(server: StokerProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)


def invoke(name: str) -> bytes:
    path = f"/2015-03-31/functions/{name}/invocations"
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n"
        "X-Amz-Date: 20261122T000000Z\r\nAuthorization: AWS4-HMAC-SHA256 "
        "Credential=test/20261122/eu-central-1/lambda/aws4_request, SignedHeaders=host, "
        "Signature=0\r\n\r\n{}"
    ).encode()


def test_who_never_reads_the_answer_keeps_nobody_waiting(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    big, echo = create(BIG), create(ECHO)
    with connect(server) as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(invoke(big))
        # The environment is free, whether or not its answer was taken.
        stuck = environment(server, big, "Idle")
        for n in range(20):
            assert answer(lambda_client.invoke(FunctionName=echo, Payload=str(n))) == n
        assert len(answer(lambda_client.invoke(FunctionName=big))) == 5_000_000
        assert environment(server, big, "Idle")["id"] == stuck["id"]


def test_two_hundred_idle_clients_disturb_nobody(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    echo = create(ECHO)
    with ExitStack() as stack:
        for n in range(CLIENTS):
            client = stack.enter_context(connect(server))
            if n % 2:
                client.sendall(invoke(echo)[: n % 100])  # gets no further than that
        for n in range(20):
            assert answer(lambda_client.invoke(FunctionName=echo, Payload=str(n))) == n


def test_clients_who_stay_do_not_keep_the_server_from_stopping(tmp_path: Path) -> None:
    with (
        StokerProcess(tmp_path / "data", "--drain-s", "0.5") as server,
        closing(server.client("lambda")) as functions,
        ExitStack() as stack,
    ):
        deploy(functions, BIG, FunctionName="big")
        for n in range(CLIENTS):
            client = stack.enter_context(connect(server))
            if n % 2:
                client.sendall(b"POST /2015-03-31/functions HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        deaf = stack.enter_context(connect(server))
        deaf.sendall(invoke("big"))
        environment(server, "big", "Idle")
        assert server.stop() == 0
