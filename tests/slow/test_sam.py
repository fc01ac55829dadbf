"""AWS's SAM CLI, as it comes from its registry, with nothing but the server's address."""

import json
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.running import PYTHON, REGION, StokerProcess
from tests.slow.deploying import (
    SAM,
    SAM_DEPLOY,
    SAM_QUIET,
    Shell,
    project,
    python_tool,
    replace_in,
)

pytestmark = [pytest.mark.slow, pytest.mark.root]
OF_IT = ("--stack-name", "app")
UNCHANGED = "No changes to deploy. Stack app is up to date"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    there = project("sam", tmp_path)
    replace_in(there / "template.yaml", "python3.11", PYTHON)
    return there


@pytest.fixture
def shell(server: StokerProcess, folder: Path) -> Shell:
    commands = (python_tool(SAM), Path(sys.executable).parent)  # its build wants the python
    return Shell(server, folder, *commands, environ=SAM_QUIET)


def listed(shell: Shell, what: str) -> list[dict[str, object]]:
    said = shell.run("sam", "list", what, *OF_IT, "--output", "json")
    found: list[dict[str, object]]
    found, _ = json.JSONDecoder().raw_decode(said[said.index("[") :])
    return found


def test_a_project_is_deployed_used_updated_and_removed(
    shell: Shell, server: StokerProcess, folder: Path
) -> None:
    shell.run("sam", "build")
    said = shell.run(*SAM_DEPLOY)
    assert "Successfully created/updated stack - app" in said
    assert UNCHANGED in shell.run(*SAM_DEPLOY, "--no-fail-on-empty-changeset")
    assert '"hello"' in shell.run("sam", "remote", "invoke", "Hello", *OF_IT)
    said = shell.run("sam", "traces")
    assert "New XRay Service Graph" in said and "XRay Event" in said
    assert "AWS::Lambda::Function" in said and "Invocation" in said
    assert "REPORT RequestId" in shell.run("sam", "logs", "--name", "Hello", *OF_IT)
    shell.follow("sam", "logs", "--name", "Hello", *OF_IT, "-t", until="REPORT RequestId")
    kinds = {one["LogicalResourceId"] for one in listed(shell, "resources")}
    assert {"Hello", "HelloUrl", "HelloJobs", "Work"} <= kinds
    (output,) = listed(shell, "stack-outputs")
    found = {one["LogicalResourceId"]: one["CloudEndpoint"] for one in listed(shell, "endpoints")}
    assert found["Page"] == output["OutputValue"]
    assert "execute-api" in str(found["ServerlessRestApi"])

    replace_in(folder / "src" / "app.py", "hello", "again")
    said = shell.run("sam", "sync", "--code", *OF_IT, "--no-dependency-layer", answer="y\n")
    assert "Finished syncing Lambda Function Page" in said
    assert '"again"' in shell.run("sam", "remote", "invoke", "Hello", *OF_IT)
    # As on AWS, code of which there is a version by now would make no other one.
    replace_in(folder / "src" / "app.py", "again", "anew")
    shell.run("sam", "build")
    assert "UPDATE_COMPLETE" in shell.run(*SAM_DEPLOY)
    queue = ("--event", '{"job": 1}')
    assert "MessageId" in shell.run("sam", "remote", "invoke", "Work", *queue, *OF_IT)
    shell.run("sam", "delete", *OF_IT, "--no-prompts", "--region", REGION)
    with closing(server.client("lambda")) as functions:
        names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    assert not [name for name in names if name.startswith("app-")]
