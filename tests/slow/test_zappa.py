"""Zappa, unmodified: a Flask application behind a REST API, which a stack makes."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.test_rest_apis import fetch
from tests.running import PYTHON, StokerProcess, wait_for
from tests.slow.deploying import Shell, project, python_tool, replace_in

pytestmark = [pytest.mark.slow, pytest.mark.root]
ZAPPA = ("zappa==0.63.0", "flask==3.1.3", "setuptools==84.2.1")


def test_a_project_is_deployed_used_updated_and_removed(
    server: StokerProcess, tmp_path: Path
) -> None:
    folder = project("zappa", tmp_path)
    replace_in(folder / "zappa_settings.json", "python3.11", PYTHON)
    commands = python_tool(*ZAPPA)
    # It packs the virtual environment that is active.
    shell = Shell(server, folder, commands, environ={"VIRTUAL_ENV": str(commands.parent)})
    host = address(shell.run("zappa", "deploy", "dev"))
    assert fetch(server, host, "/dev")[:2] == (200, {"hello": "world"})
    before = stack(server)
    assert address(shell.run("zappa", "update", "dev")) == host
    assert stack(server) == before  # and only the package was brought again
    assert "a day" in shell.run("zappa", "invoke", "dev", "pages.daily")
    # It asks for what was logged before the second that it asks in.
    said = wait_for(lambda: shell.run("zappa", "tail", "dev", "--disable-keep-open"), "a day")
    assert "asked" in said
    replace_in(folder / "pages.py", "world", "again")
    assert address(shell.run("zappa", "update", "dev")) == host
    assert fetch(server, host, "/dev")[:2] == (200, {"hello": "again"})
    shell.run("zappa", "undeploy", "dev", "--yes", "--remove-logs")
    with closing(server.client("lambda")) as functions:
        names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    assert "shop-dev" not in names
    assert stack(server) == []


def address(said: str) -> str:
    found = re.search(r"live!?: https://([\w.-]+)/dev|complete!: https://([\w.-]+)/dev", said)
    assert found is not None, said
    return found[1] or found[2]


def stack(server: StokerProcess) -> list[tuple[str, str]]:
    """What the project's stack has made."""
    with closing(server.client("cloudformation")) as cloudformation:
        names = [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]]
        if "shop-dev" not in names:
            return []
        found = cloudformation.list_stack_resources(StackName="shop-dev")
        made = found["StackResourceSummaries"]
        return [(one["LogicalResourceId"], one["PhysicalResourceId"]) for one in made]
