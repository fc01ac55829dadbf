"""Layers that others made, unmodified: AWS's own CLI, and Powertools for Python."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.running import PYTHON, make_zip
from tests.slow.from_registries import (
    files_of,
    needs_npm,
    node_package,
    publish,
    python_packages,
)

pytestmark = pytest.mark.slow

CLI = "@aws-cdk/asset-awscli-v1@2.2.296"
POWERTOOLS = "aws-lambda-powertools==3.37.0"


def answer(functions: Any, name: str, event: object = None) -> Any:
    got = functions.invoke(FunctionName=name, Payload=json.dumps(event))
    value = json.loads(got["Payload"].read())
    assert "FunctionError" not in got, value
    return value


@needs_npm
def test_awss_cli_layer_runs(
    lambda_client: Any, create: Callable[..., str], tmp_path: Path
) -> None:
    """Some 4,000 files, programs with #! lines, and a handler that calls them by their path."""
    layer = node_package(tmp_path, CLI) / "lib" / "layer.zip"
    arn = publish(lambda_client, "awscli", layer.read_bytes())
    name = create(
        """
import subprocess, sys
def handler(event, context):
    ran = subprocess.run([sys.executable, "/opt/awscli/aws", *event], capture_output=True)
    return [ran.returncode, (ran.stdout + ran.stderr).decode()]
""",
        Layers=[arn],
        MemorySize=1769,
        Timeout=60,
    )
    status, said = answer(lambda_client, name, ["--version"])
    assert (status, said.split("/")[0]) == (0, "aws-cli")
    # It talks to this server, with what the environment's variables tell it.
    status, said = answer(lambda_client, name, ["logs", "describe-log-groups"])
    assert status == 0, said
    assert f"/aws/lambda/{name}" in said


def test_powertools_runs(lambda_client: Any, create: Callable[..., str], tmp_path: Path) -> None:
    site = f"python/lib/{PYTHON}/site-packages"  # where its published layers have it
    files = files_of(python_packages(tmp_path, POWERTOOLS), site)
    name = create(
        """
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver

logger = Logger(service="shop")
app = LambdaFunctionUrlResolver()

@app.get("/orders/<number>")
def order(number):
    logger.info("asked", number=number)
    return {"order": number}

@logger.inject_lambda_context
def handler(event, context):
    return app.resolve(event, context)
""",
        Layers=[publish(lambda_client, "powertools", make_zip(files))],
    )
    event = {
        "version": "2.0",
        "rawPath": "/orders/7",
        "requestContext": {"http": {"method": "GET", "path": "/orders/7"}, "stage": "$default"},
        "headers": {},
    }
    got = answer(lambda_client, name, event)
    assert (got["statusCode"], json.loads(got["body"])) == (200, {"order": "7"})
