"""AWS's own runtime client for Node.js, built from npm and run unchanged on an OS-only runtime.

It is the one that AWS gives to container images. The other languages' clients are in clients/.
"""

import json
import shutil
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.running import StokerProcess, deploy

pytestmark = [pytest.mark.slow, pytest.mark.root]

HANDLER = Path(__file__).parent / "clients/node/handler.mjs"
NODE_CLIENT = "aws-lambda-ric@4.0.2"  # 4.0 asks for Node 22, and runs on 20
TOOLS = ("npm", "node", "g++", "cmake", "make")
BUILD_S = 1500
MIB = 1 << 20

Files = dict[str, bytes]


def run(folder: Path, *command: str) -> None:
    """Run a build tool; a failure shows what it printed."""
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=BUILD_S,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-4000:]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Files:
    missing = [name for name in TOOLS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"this machine has no {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("build")
    run(folder, "npm", "install", NODE_CLIENT, "--no-audit", "--no-fund", "--foreground-scripts")
    client = folder / "node_modules" / "aws-lambda-ric"
    node = Path(str(shutil.which("node"))).resolve()
    start = f"#!/bin/sh\nexec {node} $LAMBDA_TASK_ROOT/client/index.mjs\n"
    return {
        "bootstrap": start.encode(),
        "client/index.mjs": (client / "index.mjs").read_bytes(),
        "client/rapid-client.node": (client / "rapid-client.node").read_bytes(),
        "handler.mjs": HANDLER.read_bytes(),
    }


@pytest.fixture
def functions(server: StokerProcess) -> Any:
    with closing(server.client("lambda")) as made:
        yield made


@pytest.fixture
def name(functions: Any, package: Files) -> Any:
    made = deploy(
        functions, package, ("bootstrap",), Runtime="provided.al2023",
        Handler="handler.handler", MemorySize=1769,
    )  # fmt: skip
    yield made
    functions.delete_function(FunctionName=made)


def call(functions: Any, name: str, **event: Any) -> tuple[Any, str | None]:
    answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_an_environment_is_used_again_also_after_a_handled_error(functions: Any, name: str) -> None:
    assert call(functions, name, text="a") == ({"count": 1, "text": "a"}, None)
    assert call(functions, name, text="ä") == ({"count": 2, "text": "ä"}, None)
    error, kind = call(functions, name, mode="fail")
    assert kind == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("Error", "handled")
    assert call(functions, name, text="b") == ({"count": 4, "text": "b"}, None)


def test_six_megabytes_come_in_and_go_out(functions: Any, name: str) -> None:
    text = "x" * (6 * MIB - 100)
    assert call(functions, name, text=text) == ({"count": 1, "text": text}, None)


def test_a_crash_is_told_and_the_next_event_finds_it_new(functions: Any, name: str) -> None:
    assert call(functions, name)[0]["count"] == 1
    error, kind = call(functions, name, mode="crash")
    assert (error["errorType"], kind) == ("Runtime.ExitError", "Unhandled")
    assert error["errorMessage"].endswith("Runtime exited with error: exit status 3")
    assert call(functions, name)[0]["count"] == 1


def test_a_timeout_is_told_and_the_next_event_finds_it_new(functions: Any, name: str) -> None:
    functions.update_function_configuration(FunctionName=name, Timeout=5)
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    error, _ = call(functions, name, mode="sleep")
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 5.00 seconds")
    assert call(functions, name)[0]["count"] == 1
