"""The witness of examples/extensions in each language, as a layer, from INIT to SHUTDOWN."""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.nodes import FOUND, needs_node
from tests.running import log_of, make_zip, wait_for, wait_until

EXAMPLES = Path(__file__).parents[2] / "examples" / "extensions"
Create = Callable[..., str]
PYTHON_CODE = "def handler(event, context):\n    print('one\\ntwo\\nthree')\n    return event"
NODE_CODE = {
    "index.js": "exports.handler = async (e) => { for (const n of 'abc') console.log(n); };"
}


@dataclass(frozen=True)
class Example:
    """What is published, the function that it goes with, and what makes it give up."""

    path: Path
    code: object = PYTHON_CODE
    settings: dict[str, str] = field(default_factory=dict)
    lines: str = "6 lines, "
    wrong: str = "WITNESS_TYPES"


NODE = {"Runtime": FOUND[-1] if FOUND else "", "Handler": "index.handler"}
PYTHON = Example(EXAMPLES / "python/extensions/witness.py")
NODEJS = Example(EXAMPLES / "node/extensions/witness.mjs", NODE_CODE, NODE)
BASH = Example(EXAMPLES / "bash/extensions/witness.sh", lines="", wrong="WITNESS_LIMIT")
GO = Example(EXAMPLES / "go")
ALL = [
    pytest.param(PYTHON, id="python"),
    pytest.param(NODEJS, id="node", marks=needs_node),
    pytest.param(BASH, id="bash"),
    pytest.param(
        GO,
        id="go",
        marks=[
            pytest.mark.slow,
            pytest.mark.skipif(shutil.which("go") is None, reason="needs Go"),
        ],
    ),
]
Function = Callable[..., tuple[str, str]]  # the function's name, and the extension's


@pytest.fixture
def function(lambda_client: Any, create: Create, tmp_path: Path) -> Function:
    """A function with the example as its layer."""

    def make(example: Example, **variables: str) -> tuple[str, str]:
        program = built(tmp_path) if example is GO else example.path
        file = f"extensions/{program.name}"
        published = lambda_client.publish_layer_version(
            LayerName=f"witness-{program.name.replace('.', '-')}",
            Content={"ZipFile": make_zip({file: program.read_bytes()}, (file,))},
        )
        name = create(
            example.code,
            Layers=[published["LayerVersionArn"]],
            Environment={"Variables": variables},
            MemorySize=1769,
            **example.settings,
        )
        return name, program.name

    return make


def built(folder: Path) -> Path:
    command = ["go", "build", "-p", "1", "-o", folder / "witness", "."]
    subprocess.run(command, cwd=GO.path, check=True, env={**os.environ, "CGO_ENABLED": "0"})
    return folder / "witness"


@pytest.mark.parametrize("example", ALL)
def test_it_counts_what_its_environment_did(
    example: Example, function: Function, lambda_client: Any, logs_client: Any
) -> None:
    name, witness = function(example)
    for _ in range(2):
        # With its tail the answer comes when extensions are done, and so to one environment.
        answer = lambda_client.invoke(FunctionName=name, Payload="[1]", LogType="Tail")
        assert "FunctionError" not in answer
    lambda_client.update_function_configuration(FunctionName=name, Timeout=29)
    wait_until(lambda_client, "function_updated_v2", name)
    told = wait_for(lambda: log_of(logs_client, name), "spindown")
    assert f"{witness} of 000000000000: 2 invocations, {example.lines}spindown\n" in told


@pytest.mark.parametrize("example", ALL)
def test_it_says_in_init_what_it_cannot_work_with(
    example: Example, function: Function, lambda_client: Any
) -> None:
    name, _ = function(example, **{example.wrong: "nonsense"})
    answer = lambda_client.invoke(FunctionName=name, Payload="[1]")
    error = answer["Payload"].read().decode()
    assert answer["FunctionError"] == "Unhandled"
    assert '"errorType":"Extension.InitError"' in error
    assert error.endswith('Extension.ConfigInvalid"}')


def test_it_reports_the_error_it_leaves_with(
    function: Function, lambda_client: Any, logs_client: Any
) -> None:
    name, _ = function(BASH, WITNESS_LIMIT="1")
    for _ in range(2):  # the second may be answered before it fails, or because of it
        lambda_client.invoke(FunctionName=name, Payload="[1]", LogType="Tail")
    told = wait_for(lambda: log_of(logs_client, name), "Error Type: Extension.ExitError")
    assert told.count("REPORT RequestId") == 2
