"""AWS's own runtime clients, built from the registries and run unchanged on an OS-only runtime.

Each function answers {"count": .., "text": ..}, fails, crashes or sleeps as its event says. The
Node.js client is the one that AWS gives to container images; it also carries the C++ one.
"""

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.running import StokerProcess, deploy

pytestmark = [pytest.mark.slow, pytest.mark.root]

SOURCES = Path(__file__).with_name("clients")
GO_CLIENT = "github.com/aws/aws-lambda-go@v1.49.0"
NODE_CLIENT = "aws-lambda-ric@4.0.2"  # 4.0 asks for Node 22, and runs on 20
BUILD_S = 1500
MIB = 1 << 20

Files = dict[str, bytes]


@dataclass(frozen=True)
class Client:
    build: Callable[[Path], Files]  # in an empty folder; the files of the package
    tools: tuple[str, ...]
    failure: Mapping[str, str]  # what the caller gets of a handled error, less its trace


def tool(name: str) -> str | None:
    """Where a toolchain's program is: on PATH, or where its installer puts it."""
    places = ["/usr/local/go/bin", str(Path.home() / ".cargo" / "bin")]
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), *places]))


def run(folder: Path, *command: str, **environ: str) -> None:
    """Run a build tool; a failure shows what it printed."""
    program = tool(command[0])
    assert program, command[0]
    path = f"{Path(program).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [program, *command[1:]],
        cwd=folder,
        env={**os.environ, "PATH": path, **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=BUILD_S,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-4000:]


def build_go(folder: Path) -> Files:
    shutil.copy(SOURCES / "handler.go", folder)
    run(folder, "go", "mod", "init", "function")
    run(folder, "go", "get", GO_CLIENT)
    run(folder, "go", "build", "-tags", "lambda.norpc", "-o", "bootstrap", ".", CGO_ENABLED="0")
    return {"bootstrap": (folder / "bootstrap").read_bytes()}


def build_rust(folder: Path) -> Files:
    for name in ("handler.rs", "Cargo.toml"):
        shutil.copy(SOURCES / name, folder)
    run(folder, "cargo", "build", "--release")
    return {"bootstrap": (folder / "target" / "release" / "bootstrap").read_bytes()}


def build_node(folder: Path) -> Files:
    run(folder, "npm", "install", NODE_CLIENT, "--no-audit", "--no-fund", "--foreground-scripts")
    client = folder / "node_modules" / "aws-lambda-ric"
    node = Path(str(shutil.which("node"))).resolve()
    start = f"#!/bin/sh\nexec {node} $LAMBDA_TASK_ROOT/client/index.mjs\n"
    return {
        "bootstrap": start.encode(),
        "client/index.mjs": (client / "index.mjs").read_bytes(),
        "client/rapid-client.node": (client / "rapid-client.node").read_bytes(),
        "handler.mjs": (SOURCES / "handler.mjs").read_bytes(),
    }


def build_cpp(folder: Path) -> Files:
    """Its source is in the package of the Node.js client, with a script that builds it."""
    run(folder, "npm", "pack", NODE_CLIENT)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    run(folder / "package", "bash", "scripts/preinstall.sh")
    built = folder / "package" / "deps" / "artifacts"
    run(
        folder, "g++", "-std=c++17", "-O2", str(SOURCES / "handler.cpp"), "-o", "bootstrap",
        f"-I{built}/include", *(f"-L{path}" for path in built.glob("lib*")),
        "-laws-lambda-runtime", "-lcurl", "-lpthread", "-static-libstdc++", "-static-libgcc",
    )  # fmt: skip
    return {"bootstrap": (folder / "bootstrap").read_bytes()}


CLIENTS = {
    "go": Client(
        build_go, ("go",), {"errorMessage": "handled", "errorType": "errorString"}
    ),
    "rust": Client(
        build_rust, ("cargo",),
        {"errorType": "&alloc::boxed::Box<dyn core::error::Error + core::marker::Send + "
                      "core::marker::Sync>", "errorMessage": "handled"},
    ),
    "node": Client(
        build_node, ("npm", "node", "g++", "cmake", "make"),
        {"errorType": "Error", "errorMessage": "handled"},
    ),
    "cpp": Client(
        build_cpp, ("npm", "bash", "g++", "cmake", "make"),
        {"errorMessage": "handled", "errorType": "Handled"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=list(CLIENTS))
def client(request: pytest.FixtureRequest) -> Client:
    chosen = CLIENTS[request.param]
    missing = [name for name in chosen.tools if tool(name) is None]
    if missing:
        pytest.skip(f"this machine has no {', '.join(missing)}")
    return chosen


@pytest.fixture(scope="module")
def package(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Files:
    return client.build(tmp_path_factory.mktemp("build"))


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


def test_an_environment_is_used_again_also_after_a_handled_error(
    client: Client, functions: Any, name: str
) -> None:
    assert call(functions, name, text="a") == ({"count": 1, "text": "a"}, None)
    assert call(functions, name, text="ä") == ({"count": 2, "text": "ä"}, None)
    error, kind = call(functions, name, mode="fail")
    assert kind == "Unhandled"
    assert {key: error[key] for key in client.failure} == client.failure
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
    functions.update_function_configuration(FunctionName=name, Timeout=1)
    functions.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 1})
    error, _ = call(functions, name, mode="sleep")
    assert error["errorType"] == "Sandbox.Timedout"
    assert error["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert call(functions, name)[0]["count"] == 1
