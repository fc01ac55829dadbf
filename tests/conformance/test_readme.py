"""The tour of README.md, carried out as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.running import PYTHON, REGION, StokerProcess

README = Path(__file__).parents[2] / "README.md"
# What a command of the tour must print, in this order.
PRINTED = (
    r'\{"hello": "world", "at": [\d.]+\}',
    r"REPORT .*Init Duration",
    r'"phase": "Frozen"',
    r"bind ro nosuid +/usr ",  # sandbox explain
    r'\{"bonjour": "world"',
    rf"created hello: {re.escape(PYTHON)}, main.handler",
    r'\{"bonjour": "world"',
    r"deleted hello",
    r'echo: \{"name": "world"\}',
    r'echo: \{"name": "world"\}',
    r"extension greeter waits for the next event",
)

pytestmark = pytest.mark.root  # /opt


def tour() -> str:
    """All commands from the empty folder on. `extensions check` starts a server of its own, and
    has tests of its own."""
    _, _, text = README.read_text().partition("\nGo to an empty folder ")
    blocks = re.findall(r"^```console\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    script = re.sub(r"^\$ ", "", "".join(blocks), flags=re.MULTILINE)
    script, left_out = re.subn(r"^stoker extensions check .*\n", "", script, flags=re.MULTILINE)
    assert left_out == 1
    return "set -eu -o pipefail\n" + script.replace("python3.11", PYTHON)


def test_the_tour_goes_as_it_says(
    server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    missing = lambda_client.exceptions.ResourceNotFoundException
    try:
        done = subprocess.run(
            ["bash", "-c", tour()],
            cwd=tmp_path,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "AWS_ENDPOINT_URL": server.url,
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_REGION": REGION,
                "AWS_DEFAULT_REGION": REGION,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        rest = done.stdout
        for pattern in PRINTED:
            found = re.search(pattern, rest)
            assert found, f"no {pattern} in {rest}"
            rest = rest[found.end() :]
    finally:
        for name in ("hello", "shell"):
            try:
                lambda_client.delete_function(FunctionName=name)
            except missing:
                continue
        lambda_client.delete_layer_version(LayerName="greeter", VersionNumber=1)
