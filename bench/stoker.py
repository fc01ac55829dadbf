"""Stoker, in the forms in which it is measured."""

import json
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import names
from bench.client import ALONE, invocation, lambda_path
from bench.install import Peers
from bench.package import HANDLER, definition
from bench.processes import Child
from bench.systems import aws_client, same_python, warm_up

DEPLOY_S = 60.0
POLL_S = 0.02


@dataclass(slots=True)
class Stoker:
    """A server with data folder and port of its own. `options` are those of `stoker serve`."""

    peers: Peers
    folder: Path
    name: str = names.STOKER
    options: tuple[str, ...] = ()
    module: str = "stoker"  # run as python -m
    port: int = 0
    request: bytes = b""
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the function, CreateFunction's
    fill: Callable[[Path], None] | None = None  # makes the data folder beforehand
    ready_s: float = 0.0  # from its start until it answered
    _home: Path | None = None
    _child: Child | None = None
    _client: Any = field(default=None)

    def start(self) -> None:
        self.serve()
        self.deploy("echo", **self.settings)
        self.request = self.invocation("echo")
        warm_up(self)

    def serve(self) -> None:
        """Start with no function, or after a stop with what there was."""
        home = self._home = self._home or self._new_home()
        ready = home / "url"
        command = [
            *(sys.executable, "-m", self.module, "serve", "--port", "0"),
            *("--data-dir", str(home / "data"), "--ready-file", str(ready)),
            *("--log-level", "warning"),
            *self.options,
        ]
        ready.unlink(missing_ok=True)
        log = home / "log"
        begun = time.perf_counter()
        self._child = Child(command, log, environ=same_python(self.peers))
        url = self._child.wait_for_file(ready)
        self.ready_s = time.perf_counter() - begun
        self.port = int(url.rpartition(":")[2])
        self._client = aws_client("lambda", self.port)

    def _new_home(self) -> Path:
        words = "-".join(re.findall("[a-z]+", self.name.lower()))
        home = Path(tempfile.mkdtemp(prefix=f"{words}-", dir=self.folder))
        home.chmod(0o755)  # a server that gave up root reads what is in it
        if self.fill is not None:
            self.fill(home / "data")
        return home

    def stop(self) -> None:
        if self._child:
            self._child.stop()

    def tree(self) -> list[int]:
        assert self._child
        return self._child.tree()

    def invocation(self, function: str, more: Mapping[str, str] = ALONE) -> bytes:
        return invocation(self.port, lambda_path(function), more=more)

    def reserve(self, function: str, concurrency: int) -> None:
        self._client.put_function_concurrency(
            FunctionName=function, ReservedConcurrentExecutions=concurrency
        )

    def publish(self, name: str, content: bytes) -> str:
        """Publish a layer; the ARN of its version."""
        published = self._client.publish_layer_version(LayerName=name, Content={"ZipFile": content})
        arn: str = published["LayerVersionArn"]
        return arn

    def deploy(
        self, *names: str, handler: str = HANDLER, layers: Sequence[str] = (), **settings: Any
    ) -> None:
        """Create functions; return when all are Active. `settings` are CreateFunction's."""
        for name in names:
            self._client.create_function(**{**definition(name, handler, layers), **settings})
        end = time.monotonic() + DEPLOY_S
        for name in names:
            while self._state(name) != "Active":
                if time.monotonic() > end:
                    raise TimeoutError(f"{name} is not Active after {DEPLOY_S} s")
                time.sleep(POLL_S)

    def deploy_snapshot(self, name: str, **settings: Any) -> None:
        """Create a function with SnapStart, and publish version 1; return when that is Active."""
        self.deploy(name, **settings, SnapStart={"ApplyOn": "PublishedVersions"})
        self._client.publish_version(FunctionName=name)
        end = time.monotonic() + DEPLOY_S
        while self._state(f"{name}:1") != "Active":
            if time.monotonic() > end:
                raise TimeoutError(f"{name}:1 is not Active after {DEPLOY_S} s")
            time.sleep(POLL_S)

    def delete(self, *names: str) -> None:
        """Delete functions; return when their environments are gone."""
        for name in names:
            self._client.delete_function(FunctionName=name)
        end = time.monotonic() + DEPLOY_S
        while any(e["function"] in names for e in self.environments()):
            if time.monotonic() > end:
                raise TimeoutError("environments of deleted functions do not end")
            time.sleep(POLL_S)

    def environments(self) -> list[dict[str, Any]]:
        """What the server says of its environments."""
        return self._inside("environments")

    def events(self, function: str) -> dict[str, Any]:
        """What the server says of a function's events; nothing if it never had one."""
        return next((e for e in self._inside("events") if e["function"] == function), {})

    def _inside(self, what: str) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self.port}/_stoker/api/{what}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            listed: list[dict[str, Any]] = json.load(answer)[what]
            return listed

    def _state(self, name: str) -> str:
        state: str = self._client.get_function_configuration(FunctionName=name)["State"]
        if state == "Failed":
            raise RuntimeError(f"{name} cannot be activated")
        return state


def unfrozen(peers: Peers, folder: Path) -> Stoker:
    """The same, isolated just so, but never frozen."""
    return Stoker(peers, folder, names.UNFROZEN, module="bench.never_freeze")


def unmetered(peers: Peers, folder: Path) -> Stoker:
    """The same, but nothing is counted."""
    return Stoker(peers, folder, names.UNMETERED, module="bench.unmetered")


def traced(peers: Peers, folder: Path) -> Stoker:
    """As always, and the function is traced: one invocation of twenty, and one a second."""
    return Stoker(peers, folder, names.TRACED, settings={"TracingConfig": {"Mode": "Active"}})


def unisolated(peers: Peers, folder: Path) -> Stoker:
    return Stoker(peers, folder, names.UNISOLATED, ("--sandbox", "process"))


def with_awslambdaric(peers: Peers, folder: Path) -> Stoker:
    client = ("--python-client", str(peers.awslambdaric))
    return Stoker(peers, folder, names.STOKER_RIC, client)


def unprepared(peers: Peers, folder: Path) -> Stoker:
    """Nothing but the template: every step of a cold start is on the client's path."""
    return Stoker(peers, folder, names.UNPREPARED, ("--stock", "0"))
