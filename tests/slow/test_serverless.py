"""The Serverless Framework 3 and osls, its continuation, as they come from their registry."""

import json
import re
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.test_rest_apis import fetch
from tests.running import PYTHON, REGION, StokerProcess, log_of, wait_for
from tests.slow.deploying import Shell, node_tool, project, replace_in
from tests.slow.from_registries import needs_npm

pytestmark = [pytest.mark.slow, pytest.mark.root, needs_npm]
OSLS = ("osls@4.3.1",)
SERVERLESS = ("serverless@3.40.0", "serverless-localstack@1.4.0")
QUIET = {"SLS_TELEMETRY_DISABLED": "1", "SLS_NOTIFICATIONS_MODE": "off", "NODE_NO_WARNINGS": "1"}
UNCHANGED = "No changes to deploy. Deployment skipped."


def copied(at: Path) -> Path:
    folder = project("serverless", at)
    replace_in(folder / "serverless.yml", "python3.11", PYTHON)
    return folder


def use_and_remove(shell: Shell, folder: Path, server: StokerProcess, command: str) -> None:
    """A project that is deployed: everything that one does with it until it is gone."""
    assert UNCHANGED in shell.run(command, "deploy")
    assert '"hello"' in shell.run(command, "invoke", "-f", "hello")
    assert "event" in shell.run(command, "logs", "-f", "hello")
    said = shell.run(command, "info")
    (http,) = re.findall(r"GET - https://(\w+)\.execute-api[^/]*/hello", said)
    at = f"{http}.execute-api.{REGION}.amazonaws.com"
    assert fetch(server, at, "/hello")[:2] == (200, b"hello")
    with closing(server.client("s3")) as files, closing(server.client("logs")) as logs:
        files.put_object(Bucket="files-of-serverless", Key="a.txt", Body=b"x")
        wait_for(lambda: log_of(logs, "shop-dev-hello"), "'a.txt'")
        files.delete_object(Bucket="files-of-serverless", Key="a.txt")

    replace_in(folder / "src" / "app.py", "hello", "swapped")
    assert "Function code deployed" in shell.run(command, "deploy", "function", "-f", "hello")
    assert '"swapped"' in shell.run(command, "invoke", "-f", "hello")
    replace_in(folder / "src" / "app.py", "swapped", "again")
    replace_in(folder / "serverless.yml", "batchSize: 5", "batchSize: 7")
    assert "Service deployed" in shell.run(command, "deploy")
    assert '"again"' in shell.run(command, "invoke", "-f", "hello")
    assert "successfully removed" in shell.run(command, "remove")
    with closing(server.client("lambda")) as functions:
        names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
        assert not [name for name in names if name.startswith("shop-")]


def test_osls_deploys_uses_updates_and_removes_a_project(
    server: StokerProcess, tmp_path: Path
) -> None:
    folder = copied(tmp_path)
    shell = Shell(server, folder, node_tool(*OSLS), environ=QUIET)
    assert "Service deployed" in shell.run("osls", "deploy")
    use_and_remove(shell, folder, server, "osls")


def test_serverless_does_with_the_plugin_that_tells_it_of_localstack(
    server: StokerProcess, tmp_path: Path
) -> None:
    folder = copied(tmp_path)
    commands = node_tool(*SERVERLESS)
    (folder / "node_modules").symlink_to(commands.parent)
    settings = {"host": "http://127.0.0.1", "edgePort": server.port, "stages": ["dev"]}
    with (folder / "serverless.yml").open("a") as file:
        plugin = {"localstack": {**settings, "autostart": False}}
        file.write(f"plugins: [serverless-localstack]\ncustom: {json.dumps(plugin)}\n")
    shell = Shell(server, folder, commands, environ=QUIET, endpoint=False)
    assert "Service deployed" in shell.run("serverless", "deploy")
    use_and_remove(shell, folder, server, "serverless")
