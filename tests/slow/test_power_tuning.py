"""AWS Lambda Power Tuning, the public SAM application, as it was published: its functions read,
change, publish, alias and delete another one, each by the policies of its own role.

A package of PyPI brings it whole (version 3.2.4, of 2020). Its functions want version 2 of the SDK,
which knows no AWS_ENDPOINT_URL: the module beside them says where the server is, and nothing else.
They publish a version without waiting for the update before it, which AWS has refused at times
since functions have states (ResourceConflictException), and so does Stoker: then it is run again.
"""

import json
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.faults.scene import until
from tests.nodes import FOUND, needs_node
from tests.running import REGION, StokerProcess
from tests.slow.deploying import ACCOUNT, Shell, python_tool, replace_in
from tests.slow.from_registries import needs_npm, node_packages, python_packages

pytestmark = [pytest.mark.slow, pytest.mark.root, pytest.mark.timeout(600), needs_npm, needs_node]
PUBLISHED = ("--no-deps", "cdk-lambda-powertuner==0.2.0")
SDK = "sdk@npm:aws-sdk@2.1692.0"
SAM = "aws-sam-cli==1.170.0"
DEPLOY = ("sam", "deploy", "--resolve-s3", "--stack-name", "tuning", "--no-confirm-changeset")
ADDRESS = """
const sdk = require("sdk");
sdk.config.update({ endpoint: process.env.AWS_ENDPOINT_URL });
module.exports = sdk;
"""
POWERS = [128, 256]
TUNED = "import time\ndef handler(event, context):\n    time.sleep(0.01)\n    return event"


@pytest.fixture
def application(tmp_path: Path) -> Path:
    """The application's folder, with the SDK that AWS's runtime had when it was made."""
    (packed,) = python_packages(tmp_path / "pypi", *PUBLISHED).glob("*/_jsii/*.tgz")
    with tarfile.open(packed) as content:
        content.extractall(tmp_path / "content", filter="data")
    there = tmp_path / "content" / "package" / "powertuner_clone"
    modules = node_packages(there / "lambda", SDK)
    (modules / "aws-sdk").mkdir()
    (modules / "aws-sdk" / "index.js").write_text(ADDRESS)
    replace_in(there / "template.yml", "nodejs12.x", FOUND[-1])
    return there


def test_it_runs_to_its_end_and_leaves_the_function_at_the_best_power(
    server: StokerProcess, lambda_client: Any, create: Callable[..., str], application: Path
) -> None:
    name = create(TUNED, MemorySize=512)
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"
    shell = Shell(server, application, python_tool(SAM), environ={"SAM_CLI_TELEMETRY": "0"})
    allowed = f"lambdaResource={arn}*"  # that function, and no other
    shell.run(
        *DEPLOY, "--template-file", "template.yml", "--capabilities", "CAPABILITY_IAM",
        "--parameter-overrides", allowed,
    )  # fmt: skip
    given = {"lambdaARN": arn, "num": 5, "powerValues": POWERS, "payload": {"n": 1}}
    given |= {"parallelInvocation": False, "strategy": "speed", "autoOptimize": True}
    ended = until(lambda: executed(server, given), was_not_too_early, 240)
    assert ended["status"] == "SUCCEEDED", ended
    assert "power" in ended["output"], ended
    power = json.loads(ended["output"])["power"]
    assert power in POWERS
    found = lambda_client.get_function_configuration(FunctionName=name)
    assert found["MemorySize"] == power
    assert lambda_client.list_aliases(FunctionName=name)["Aliases"] == []

    other = create(TUNED, MemorySize=512)
    other_arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{other}"
    ended = executed(server, {**given, "lambdaARN": other_arn})
    refused = f"lambda:GetFunctionConfiguration on resource: {other_arn}"
    assert refused in json.dumps(ended), ended
    assert lambda_client.get_function_configuration(FunctionName=other)["MemorySize"] == 512
    shell.run("sam", "delete", "--stack-name", "tuning", "--no-prompts", "--region", REGION)


def was_not_too_early(ended: dict[str, Any]) -> bool:
    return "ResourceConflictException" not in ended["events"]


def executed(server: StokerProcess, given: dict[str, Any]) -> dict[str, Any]:
    """How the state machine ended, and what happened on the way."""
    with (
        closing(server.client("cloudformation")) as cloudformation,
        closing(server.client("stepfunctions")) as machines,
    ):
        (stack,) = cloudformation.describe_stacks(StackName="tuning")["Stacks"]
        (output,) = stack["Outputs"]
        begun = machines.start_execution(
            stateMachineArn=output["OutputValue"], input=json.dumps(given)
        )
        id = {"executionArn": begun["executionArn"]}
        ended: dict[str, Any] = until(
            lambda: machines.describe_execution(**id),
            lambda seen: seen["status"] != "RUNNING",
            240,
        )
        events = machines.get_execution_history(**id)["events"]
    told = ("status", "output", "error", "cause")
    shown = {name: ended[name] for name in told if name in ended}
    return {**shown, "events": json.dumps(events, default=str)}
