"""A function for arm64 on a machine of another kind, whose kernel emulates it: with Go's compiler,
and with Debian's qemu-user-static (or any other emulator of binfmt_misc that has flag F)."""

import base64
import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stoker.core.architectures import ARM64
from stoker.sandbox.architecture import this_machine
from tests.running import deploy, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.root, pytest.mark.timeout(900)]
SOURCE = Path(__file__).parent / "arm64" / "main.go"


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if ARM64 not in this_machine().emulates:
        pytest.skip("this kernel emulates no arm64 (apt install qemu-user-static)")
    go = shutil.which("go") or shutil.which("/usr/local/go/bin/go")
    if go is None:
        pytest.skip("there is no Go here")
    program = tmp_path_factory.mktemp("arm64") / "bootstrap"
    subprocess.run(
        [go, "build", "-p", "1", "-ldflags", "-s -w", "-o", program, SOURCE],
        check=True,
        env={**os.environ, "CGO_ENABLED": "0", "GOOS": "linux", "GOARCH": "arm64"},
    )
    return program.read_bytes()


@dataclass(frozen=True, slots=True)
class Emulated:
    """A function whose program is not this machine's."""

    name: str
    functions: Any

    def ask(self, **event: int) -> tuple[Any, str]:
        """What it answers, and the tail of its log."""
        answer = self.functions.invoke(
            FunctionName=self.name, Payload=json.dumps(event), LogType="Tail"
        )
        log = base64.b64decode(answer["LogResult"]).decode()
        return json.loads(answer["Payload"].read()), log


@pytest.fixture
def emulated(lambda_client: Any, bootstrap: bytes) -> Emulated:
    name = deploy(
        lambda_client,
        {"bootstrap": bootstrap},
        ("bootstrap",),
        Runtime="provided.al2023",
        Architectures=["arm64"],
        MemorySize=512,
        Timeout=60,
    )
    return Emulated(name, lambda_client)


def test_it_runs_on_many_threads_as_arm64(emulated: Emulated) -> None:
    first, log = emulated.ask(threads=100)
    assert first == {"arch": "arm64", "machine": "aarch64", "sum": sum(range(100))}
    assert "Init Duration" in log
    again, log = emulated.ask(threads=3)
    assert again["sum"] == 3
    assert "Init Duration" not in log  # it was frozen meanwhile


def test_it_is_in_the_usual_sandbox(emulated: Emulated) -> None:
    """The filter is of the machine's own calls: those that the emulator makes of a program's."""
    found, _ = emulated.ask(refusals=1)
    for tried in ("mount", "unshare"):
        assert found[tried] == "operation not permitted"
    assert found["ptrace"] != "errno 0"
    assert found["bpf"] != "errno 0"
    assert "read-only" in found["writing"]


def test_its_limits_hold(emulated: Emulated, lambda_client: Any) -> None:
    failed, log = emulated.ask(megabytes=600)
    assert failed["errorType"] == "Runtime.OutOfMemory"
    assert "Max Memory Used: 512 MB" in log
    lambda_client.update_function_configuration(FunctionName=emulated.name, Timeout=5)
    wait_until(lambda_client, "function_updated_v2", emulated.name)
    emulated.ask(threads=1)  # its init is over
    failed, _ = emulated.ask(seconds=40)
    assert failed["errorType"] == "Sandbox.Timedout"


def test_a_managed_runtime_is_refused_by_name(lambda_client: Any, bootstrap: bytes) -> None:
    name = deploy(lambda_client, "def handler(event, context): ...", Architectures=["arm64"])
    with pytest.raises(ClientError, match=r"without an arm64 interpreter for python3"):
        lambda_client.invoke(FunctionName=name)
