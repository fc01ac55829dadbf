"""The servers that are compared, each with the same function behind an HTTP port.

system.start(); connection = Connection(system.port); connection.exchange(system.request)
"""

import os
import shutil
import textwrap
import time
from pathlib import Path
from typing import Any, Protocol

import boto3
from botocore.config import Config

from bench import names
from bench.client import (
    PATIENCE_S,
    REGION,
    BadAnswer,
    Connection,
    invocation,
    lambda_path,
    require_good,
)
from bench.install import Peers
from bench.package import FUNCTIONS, HANDLER, MEMORY_MB, TIMEOUT_S, definition
from bench.processes import START_S, CannotStart, Child, free_port

WARM_UP = 50  # invocations


class System(Protocol):
    name: str
    port: int
    request: bytes  # invokes the function once

    def start(self) -> None:
        """Return when the function has answered. Raise CannotStart."""
        ...

    def stop(self) -> None: ...

    def tree(self) -> list[int]:
        """Its processes."""
        ...


def warm_up(system: System) -> None:
    connection = Connection(system.port)
    try:
        for _ in range(WARM_UP):
            require_good(connection.exchange(system.request))
    finally:
        connection.close()


def aws_client(service: str, port: int) -> Any:
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name=REGION,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(
            read_timeout=PATIENCE_S, retries={"total_max_attempts": 1}, max_pool_connections=16
        ),
    )


def same_python(peers: Peers, **more: str) -> dict[str, str]:
    """Variables with which every system finds the same interpreter first."""
    path = f"{peers.python.parent}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    return {**os.environ, "PATH": path, **more}


class Rie:
    """AWS's emulator in its classic form: one function, one environment."""

    def __init__(self, peers: Peers, folder: Path, client: str = "awslambdaric") -> None:
        self.name = names.RIE_RIC if client == "awslambdaric" else names.RIE_RAW
        self._peers, self._folder, self._client = peers, folder, client
        self.port = self._api_port = 0
        self.request = b""
        self._child: Child | None = None

    def start(self) -> None:
        self.launch()
        assert self._child
        self._child.wait_for_port(self.port)
        warm_up(self)

    def launch(self) -> Child:
        """Start without waiting, for a measure of the start."""
        assert self._peers.rie
        self.port, self._api_port = free_port(), free_port()
        self.request = invocation(self.port, lambda_path("function"))
        command: list[str | Path] = [
            self._peers.rie,
            *("--log-level", "error"),
            *("--runtime-interface-emulator-address", f"127.0.0.1:{self.port}"),
            *("--runtime-api-address", f"127.0.0.1:{self._api_port}"),
            *self._bootstrap(),
        ]
        environ = same_python(
            self._peers,
            AWS_LAMBDA_FUNCTION_TIMEOUT=str(TIMEOUT_S),
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE=str(MEMORY_MB),
            PYTHONPATH=str(self._peers.awslambdaric),
        )
        log = self._folder / f"rie-{self.port}.log"
        self._child = Child(command, log, environ=environ, cwd=FUNCTIONS)
        return self._child

    def _bootstrap(self) -> list[str | Path]:
        python = self._peers.python
        if self._client == "awslambdaric":
            return [python, "-m", "awslambdaric", HANDLER]
        return [python, "-I", "-S", FUNCTIONS / "raw_bootstrap.py", FUNCTIONS, HANDLER]

    def stop(self) -> None:
        if self._child:
            self._child.stop()

    def tree(self) -> list[int]:
        assert self._child
        return self._child.tree()


class RieManaged:
    """RIE as on managed instances: several invocations at once, in as many processes.

    In that form it starts /opt/bootstrap only, wants a /var/task, and gives up its rights: it
    gets all three in a mount namespace of its own.
    """

    def __init__(self, peers: Peers, folder: Path, concurrency: int) -> None:
        self.name = names.RIE_MANAGED
        self._peers, self._folder, self._concurrency = peers, folder, concurrency
        self.port = 0
        self.request = b""
        self._child: Child | None = None

    def start(self) -> None:
        if os.geteuid() != 0:
            raise CannotStart("its mount namespace needs root")
        self.port, api_port = free_port(), free_port()
        self.request = invocation(self.port, lambda_path("function"))
        prefix = self._peers.python.parent.parent
        script = f"""
            set -e
            mount -t tmpfs -o mode=755 none /var
            mkdir /var/task
            mkdir -m 1777 /var/tmp
            mount --bind {FUNCTIONS} /var/task
            mount -t tmpfs -o mode=755 none /opt
            mkdir /opt/interpreter /opt/client
            mount --bind {prefix} /opt/interpreter
            mount --bind {self._peers.awslambdaric} /opt/client
            printf '#!/bin/sh\\nexec /opt/interpreter/bin/{self._peers.python.name} \\
                -m awslambdaric {HANDLER}\\n' >/opt/bootstrap
            chmod 755 /opt/bootstrap
            cd /var/task
            exec {self._peers.rie} --log-level error \\
                --runtime-interface-emulator-address 127.0.0.1:{self.port} \\
                --runtime-api-address 127.0.0.1:{api_port}
        """
        environ = same_python(
            self._peers,
            AWS_LAMBDA_MAX_CONCURRENCY=str(self._concurrency),
            AWS_LAMBDA_FUNCTION_TIMEOUT=str(TIMEOUT_S),
            AWS_LAMBDA_FUNCTION_MEMORY_SIZE=str(MEMORY_MB),
            LAMBDA_TASK_ROOT="/var/task",
            PYTHONPATH="/opt/client",
        )
        command = ["unshare", "--mount", "sh", "-c", textwrap.dedent(script)]
        log = self._folder / f"rie-managed-{self._concurrency}.log"
        self._child = Child(command, log, environ=environ)
        self._child.wait_for_port(self.port)
        self._wait_for_processes()

    def _wait_for_processes(self) -> None:
        """Until they are all there, RIE refuses with Runtime.Unavailable."""
        connection = Connection(self.port)
        end = time.monotonic() + START_S
        right = 0
        try:
            while right < WARM_UP:
                try:
                    require_good(connection.exchange(self.request))
                    right += 1
                except BadAnswer as error:
                    if time.monotonic() > end:
                        raise CannotStart(str(error)) from error
                    time.sleep(0.05)
        finally:
            connection.close()

    def stop(self) -> None:
        if self._child:
            self._child.stop()

    def tree(self) -> list[int]:
        assert self._child
        return self._child.tree()


class Ministack:
    """The PyPI package, with its local executor."""

    name = names.MINISTACK

    def __init__(self, peers: Peers, folder: Path) -> None:
        self._peers, self._folder = peers, folder
        self.port = 0
        self.request = b""
        self._child: Child | None = None

    def start(self) -> None:
        self.serve()
        self.deploy("echo")
        warm_up(self)

    def serve(self) -> None:
        """Start with no function."""
        assert self._peers.ministack
        self.port = free_port()
        self.request = invocation(self.port, lambda_path("echo"))
        home = self._folder / "ministack"
        home.mkdir(exist_ok=True)
        environ = same_python(
            self._peers,
            GATEWAY_PORT=str(self.port),
            LAMBDA_EXECUTOR="local",
            LOG_LEVEL="ERROR",
            HOME=str(home),
            AWS_DEFAULT_REGION=REGION,
        )
        log = self._folder / "ministack.log"
        self._child = Child([self._peers.ministack], log, environ=environ, cwd=home)
        self._child.wait_for_port(self.port)

    def deploy(self, name: str, handler: str = HANDLER) -> None:
        aws_client("lambda", self.port).create_function(**definition(name, handler))

    def stop(self) -> None:
        if self._child:
            self._child.stop()

    def tree(self) -> list[int]:
        assert self._child
        return self._child.tree()


class ServerlessOffline:
    name = names.OFFLINE

    def __init__(self, peers: Peers, folder: Path) -> None:
        self._peers, self._folder = peers, folder
        self.port = 0
        self.request = b""
        self._child: Child | None = None

    def start(self) -> None:
        assert self._peers.serverless
        self.port = free_port()
        self.request = invocation(self.port, lambda_path("bench-dev-echo"))
        project = self._folder / "serverless"
        project.mkdir(exist_ok=True)
        for name in ("main.py", "serverless.yml"):
            shutil.copy(FUNCTIONS / name, project)
        modules = project / "node_modules"
        if not modules.is_symlink():
            modules.symlink_to(self._peers.serverless / "node_modules")
        environ = same_python(
            self._peers,
            SLS_TELEMETRY_DISABLED="1",
            SLS_NOTIFICATIONS_MODE="off",
            HOME=str(project),
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
        )
        command: list[str | Path] = [
            modules / ".bin" / "serverless",
            "offline",
            *("--httpPort", str(free_port())),
            *("--lambdaPort", str(self.port)),
            "--noPrependStageInUrl",
        ]
        log = self._folder / "serverless.log"
        self._child = Child(command, log, environ=environ, cwd=project)
        self._child.wait_for_port(self.port)
        warm_up(self)

    def stop(self) -> None:
        if self._child:
            self._child.stop()

    def tree(self) -> list[int]:
        assert self._child
        return self._child.tree()
