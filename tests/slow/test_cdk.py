"""AWS's CDK, as it comes from its registries, with nothing but the server's address."""

import json
import re
import sys
from contextlib import closing
from pathlib import Path

import pytest

import stoker
from tests.running import PYTHON, StokerProcess, log_of, wait_for
from tests.slow.deploying import (
    CDK,
    CDK_BOOTSTRAP,
    CDK_DEPLOY,
    CDK_PYTHON,
    Shell,
    cdk_project,
    node_tool,
    python_tool,
    replace_in,
)
from tests.slow.from_registries import needs_npm

pytestmark = [pytest.mark.slow, pytest.mark.root, needs_npm]


@pytest.mark.parametrize("app", ["node app.mjs", "python app.py"])
def test_a_project_is_deployed_used_updated_and_removed(
    server: StokerProcess, tmp_path: Path, app: str
) -> None:
    folder = cdk_project(tmp_path)
    (folder / "cdk.json").write_text(json.dumps({"app": app}))
    commands = (node_tool(CDK), python_tool(CDK_PYTHON))
    shell = Shell(server, folder, *commands, environ={"RUNTIME": PYTHON})
    shell.run(*CDK_BOOTSTRAP)
    assert "no changes" in shell.run(*CDK_BOOTSTRAP)
    shell.run(*CDK_DEPLOY, "--outputs-file", "made.json")
    assert "no changes" in shell.run(*CDK_DEPLOY)
    made = json.loads((folder / "made.json").read_text())["CdkApp"]
    use(server, made["Function"], made["Bucket"], "hello")
    assert schedules(server) == [(made["Function"], "rate(1 hour)")]

    replace_in(folder / "src" / "app.py", "hello", "swapped")
    assert "hotswapped" in shell.run(*CDK_DEPLOY, "--hotswap")
    use(server, made["Function"], made["Bucket"], "swapped")
    replace_in(folder / "src" / "app.py", "swapped", "again")
    replace_in(folder / app.split()[1], "seconds(60)", "seconds(90)")
    replace_in(folder / app.split()[1], "hours(1)", "hours(2)")
    shell.run(*CDK_DEPLOY)
    use(server, made["Function"], made["Bucket"], "again")
    assert schedules(server) == [(made["Function"], "rate(2 hours)")]
    with closing(server.client("s3")) as files:
        files.delete_object(Bucket=made["Bucket"], Key="again.txt")
        files.delete_object(Bucket=made["Bucket"], Key="swapped.txt")
        files.delete_object(Bucket=made["Bucket"], Key="hello.txt")
    shell.run("cdk", "destroy", "--no-notices", "--force")
    with closing(server.client("cloudformation")) as cloudformation:
        there = [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]]
        assert "CdkApp" not in there
    with closing(server.client("lambda")) as functions:
        names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    assert not [name for name in names if name.startswith("CdkApp-")]
    assert schedules(server) == []


def test_stoker_deploys_an_app_without_the_cli_and_its_bootstrap(
    server: StokerProcess, tmp_path: Path
) -> None:
    folder = cdk_project(tmp_path)
    source = str(Path(stoker.__file__).parents[1])
    shell = Shell(server, folder, environ={"RUNTIME": PYTHON, "PYTHONPATH": source})
    command = (sys.executable, "-m", "stoker")
    said = shell.run(*command, "deploy", ".")
    (function, bucket) = (
        re.findall(rf"^  {name}: (\S+)$", said, re.MULTILINE)[0] for name in ("Function", "Bucket")
    )
    use(server, function, bucket, "hello")
    assert "nothing to change in CdkApp" in shell.run(*command, "deploy", "app.mjs")
    assert "nothing to change in CdkApp" in shell.run(*command, "deploy", "cdk.out")
    with closing(server.client("s3")) as files:
        files.delete_object(Bucket=bucket, Key="hello.txt")
    shell.run(*command, "destroy", "CdkApp")


def schedules(server: StokerProcess) -> list[tuple[str, str]]:
    """Of EventBridge Scheduler: the functions that they invoke, and when."""
    with closing(server.client("scheduler")) as scheduler:
        there = [one["Name"] for one in scheduler.list_schedules()["Schedules"]]
        found = [scheduler.get_schedule(Name=name) for name in there]
    return [(one["Target"]["Arn"].rpartition(":")[2], one["ScheduleExpression"]) for one in found]


def use(server: StokerProcess, function: str, bucket: str, answer: str) -> None:
    """It is invoked, and by an object of the bucket."""
    with closing(server.client("lambda")) as functions:
        assert json.load(functions.invoke(FunctionName=function)["Payload"]) == answer
    with closing(server.client("s3")) as files:
        files.put_object(Bucket=bucket, Key=f"{answer}.txt", Body=b"x")
    with closing(server.client("logs")) as logs:
        wait_for(lambda: log_of(logs, function), f"'{answer}.txt'")
