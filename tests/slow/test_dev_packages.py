"""`stoker dev` installs what a manifest names: from PyPI and from npm's registry."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.developing import Dev, answer, until
from tests.nodes import FOUND, needs_node
from tests.running import StokerProcess

pytestmark = [pytest.mark.slow, pytest.mark.root]

PYTHON = "import {0}\ndef handler(event, context): return {0}.__file__\n"
NODE = "import ms from 'ms';\nexport const handler = async () => ms('2 days');\n"


def test_packages_of_python_are_installed_and_what_fails_changes_nothing(
    server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "needs-packages"
    folder.mkdir()
    (folder / "main.py").write_text(PYTHON.format("six"))
    (folder / "requirements.txt").write_text("six==1.17.0\n")

    def invoked() -> Any:
        return answer(lambda_client, folder.name)

    with Dev(folder, server.url) as dev:
        dev.until("Successfully installed six")
        dev.until("runs /")
        assert invoked() == "/var/packages/six.py"
        (folder / "requirements.txt").write_text("no-such-package-of-stoker==9\n")
        dev.until("goes on with what it had")
        assert invoked() == "/var/packages/six.py"
        (folder / "requirements.txt").write_text("six==1.17.0\nidna\n")
        (folder / "main.py").write_text(PYTHON.format("idna"))
        until(invoked, "/var/packages/idna/__init__.py")
    with Dev(folder, server.url) as dev:
        dev.until("runs /")
        assert invoked() == "/var/packages/idna/__init__.py"
        assert "install" not in dev.said, "it has been, the last time"
    lambda_client.delete_function(FunctionName=folder.name)


@needs_node
def test_packages_of_node_are_installed(
    server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    folder = tmp_path / "needs-modules"
    folder.mkdir()
    (folder / "index.mjs").write_text(NODE)
    (folder / "package.json").write_text(json.dumps({"dependencies": {"ms": "2.1.3"}}))
    options = ["--runtime", FOUND[-1], "--handler", "index.handler"]
    with Dev(folder, server.url, *options) as dev:
        dev.until("runs /")
        assert answer(lambda_client, folder.name) == 172_800_000
    lambda_client.delete_function(FunctionName=folder.name)
