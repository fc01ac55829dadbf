"""`stoker deploy`, `destroy`, `invoke`, `logs`, `list`, `describe`: a developer's day."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

import stoker as stoker_package
from stoker.cli.main import app
from stoker.runtimes.found import RuntimeUnavailable, find_runtime
from tests.running import PYTHON, REGION, StokerProcess, wait_for

SOURCE = """
import os
def handler(event, context):
    print("\\x1b[2Jsaid", event)
    if event == "boom":
        raise ValueError("told so")
    return os.environ["GREETING"]
"""


@pytest.fixture
def deployed(server: StokerProcess, lambda_client: Any, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "daily-work"
    folder.mkdir()
    (folder / "main.py").write_text(SOURCE)
    done = stoker(server, "deploy", str(folder), "--env", "GREETING=hello", "--url")
    assert done.exit_code == 0, done.stderr
    assert "created daily-work: python3." in done.stdout
    assert ".lambda-url." in done.stdout
    yield folder
    lambda_client.delete_function(FunctionName="daily-work")


def stoker(server: StokerProcess, *words: str, given: str = "") -> Result:
    where = ["--endpoint-url", server.url, "--region", REGION]
    return CliRunner().invoke(app, [*words, *where], input=given)


def test_a_folder_is_deployed_changed_invoked_and_read(
    server: StokerProcess, deployed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = stoker(server, "invoke", "daily-work", "-e", "-", given='"first"')
    assert (done.exit_code, done.stdout) == (0, '"hello"')
    assert "?[2Jsaid first" in done.stderr, "what a function prints does not move the cursor"
    (deployed / "main.py").write_text(SOURCE.replace('os.environ["GREETING"]', '"changed"'))
    done = stoker(server, "deploy", str(deployed), "--memory", "256")
    assert "updated daily-work" in done.stdout, done.stderr
    before = stoker(server, "describe", "daily-work", "--json").stdout
    done = stoker(server, "deploy", str(deployed), "--memory", "256")
    assert "nothing to change in daily-work" in done.stdout, done.stderr
    after = stoker(server, "describe", "daily-work", "--json").stdout
    revisions = [json.loads(text)["Configuration"]["RevisionId"] for text in (before, after)]
    assert revisions[0] == revisions[1]
    done = stoker(server, "invoke", "daily-work", "--no-log", "-e", '"second"')
    assert (done.stdout, done.stderr) == ('"changed"', "")
    done = stoker(server, "invoke", "daily-work", "-e", '"boom"')
    assert done.exit_code == 1
    assert json.loads(done.stdout)["errorMessage"] == "told so"
    read = wait_for(lambda: stoker(server, "logs", "daily-work").stdout, "told so")
    assert read.index("said first") < read.index("said second") < read.index("told so")
    assert "\x1b" not in read
    only = stoker(server, "logs", "daily-work", "--filter", "second").stdout
    assert "said second" in only
    assert "said first" not in only
    shown = stoker(server, "describe", "daily-work").stdout
    assert "GREETING: hello" in shown, "settings that are not given stay"
    assert "MemorySize: 256" in shown
    assert "  FunctionURLAllowPublicAccess:\n    Effect: Allow\n" in shown
    assert re.search(r"\n  [0-9a-f]{32} of \$LATEST: idle\S*.*, init \d+\.\d ms\n", shown)
    monkeypatch.setenv("COLUMNS", "30")
    table = stoker(server, "list").stdout
    assert re.search(r"^daily-work +python3\.\d+ +256 MB ", table, re.M), "a pipe has no width"
    listed = json.loads(stoker(server, "list", "--json").stdout)
    assert "daily-work" in [one["FunctionName"] for one in listed]


def test_what_is_logged_is_followed_until_ctrl_c(
    server: StokerProcess, lambda_client: Any, deployed: Path
) -> None:
    """Each line once, as it comes; only those that the filter lets through."""
    source = str(Path(stoker_package.__file__).parents[1])
    words = ["logs", "daily-work", "-f", "--filter", "followed"]
    where = ["--endpoint-url", server.url, "--region", REGION]
    process = subprocess.Popen(
        [sys.executable, "-m", "stoker", *words, *where],
        env={**os.environ, "PYTHONPATH": source, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        try:
            for word in ("followed", "followed again"):
                lambda_client.invoke(FunctionName="daily-work", Payload='"left out"')
                lambda_client.invoke(FunctionName="daily-work", Payload=json.dumps(word))
                assert process.stdout.readline().endswith(f" ?[2Jsaid {word}\n")
            process.send_signal(signal.SIGINT)
            assert (process.stdout.read(), process.wait()) == ("", 0)
        finally:
            process.kill()


TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Parameters: {{Greeting: {{Type: String}}}}
Resources:
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: templated
      CodeUri: src
      Handler: main.handler
      Runtime: {PYTHON}
      Environment: {{Variables: {{GREETING: !Ref Greeting}}}}
      FunctionUrlConfig: {{AuthType: NONE}}
      Events:
        Http: {{Type: HttpApi}}
        Rest: {{Type: Api, Properties: {{Path: /, Method: get}}}}
  Fn::Transform: {{Name: AWS::Include, Parameters: {{Location: more.yaml}}}}
Outputs:
  Name: {{Value: !Ref Hello}}
"""


def test_a_template_is_deployed_with_its_code_changed_and_removed(
    server: StokerProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "one-stack"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.py").write_text(SOURCE)
    (folder / "template.yaml").write_text(TEMPLATE)
    (folder / "more.yaml").write_text("More: {Type: AWS::SQS::Queue}")
    deploy = ["deploy", str(folder), "--parameter"]
    done = stoker(server, *deploy, "Greeting=hello")
    assert done.exit_code == 0, done.stderr
    shown = [line.split() for line in done.stdout.splitlines()]
    assert ["CREATE_COMPLETE", "AWS::Lambda::Function", "Hello"] in shown
    assert ["CREATE_COMPLETE", "AWS::SQS::Queue", "More"] in shown
    assert ["Name:", "templated"] in shown
    told = [row[:3] for row in shown]
    assert told.count(["CREATE_IN_PROGRESS", "AWS::Lambda::Function", "Hello"]) == 1
    shown = [row for row in shown if row[1:3] == ["answers", "at"]]
    there = {row[0]: row[3] for row in shown}
    assert there.keys() == {"HelloUrl", "ServerlessHttpApi", "ServerlessRestApi"}
    with urllib.request.urlopen(there["ServerlessHttpApi"]) as answer:
        assert answer.read() == b"hello"
    assert ".lambda-url." in there["HelloUrl"]
    assert any(row[0] == "ServerlessRestApi" and row[3].endswith("/Prod/") for row in shown)
    assert "nothing to change" in stoker(server, *deploy, "Greeting=hello").stdout
    stoker(server, *deploy, "Greeting=changed")
    assert stoker(server, "invoke", "templated", "--no-log").stdout == '"changed"'
    (folder / "template.yaml").write_text(TEMPLATE.replace(PYTHON, "cobol"))
    done = stoker(server, *deploy, "Greeting=again")
    assert done.exit_code == 1
    assert "stoker deploy: one-stack is UPDATE_ROLLBACK_COMPLETE" in done.stderr
    assert stoker(server, "invoke", "templated", "--no-log").stdout == '"changed"'
    done = stoker(server, "destroy", "one-stack")
    assert (done.exit_code, "DELETE_COMPLETE" in done.stdout) == (0, True)
    done = stoker(server, "destroy", "one-stack")
    assert (done.exit_code, "Function not found" in done.stderr) == (1, True)


# Writes what the CDK's library writes.
APP = """
import json, os, pathlib
out = pathlib.Path(os.environ["CDK_OUTDIR"])
(out / "code").mkdir(parents=True, exist_ok=True)
(out / "code" / "main.py").write_text('def handler(event, context): return "by an app"')
account, region = os.environ["CDK_DEFAULT_ACCOUNT"], os.environ["CDK_DEFAULT_REGION"]
place = {"bucketName": "assets-${AWS::AccountId}-${AWS::Region}", "objectKey": "1.zip"}
code = {"source": {"path": "code", "packaging": "zip"}, "destinations": {"here": place}}
there = {"S3Bucket": {"Fn::Sub": place["bucketName"]}, "S3Key": "1.zip"}
function = {"Runtime": "RUNTIME", "Handler": "main.handler", "Code": there,
            "FunctionName": "of-an-app", "Role": "arn:aws:iam::000000000000:role/any"}
version = {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/cdk-bootstrap/x/version"}
files = {
    "assets.json": {"files": {"1": code}},
    "t.json": {"Resources": {"Fn": {"Type": "AWS::Lambda::Function", "Properties": function}},
               "Parameters": {"BootstrapVersion": version}},
    "manifest.json": {"artifacts": {
        "A": {"type": "cdk:asset-manifest", "properties": {"file": "assets.json"}},
        "Site": {"type": "aws:cloudformation:stack", "environment": f"aws://{account}/{region}",
                 "properties": {"templateFile": "t.json"}, "dependencies": ["A"]}}},
}
for name, content in files.items():
    (out / name).write_text(json.dumps(content))
""".replace("RUNTIME", PYTHON)


def test_a_cdk_app_is_deployed_without_its_cli(server: StokerProcess, tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    done = stoker(server, "deploy", str(tmp_path / "app.py"))
    assert done.exit_code == 0, done.stderr
    shown = [line.split() for line in done.stdout.splitlines()]
    assert ["CREATE_COMPLETE", "AWS::Lambda::Function", "Fn"] in shown
    assert stoker(server, "invoke", "of-an-app", "--no-log").stdout == '"by an app"'
    assert "nothing to change in Site" in stoker(server, "deploy", str(tmp_path)).stdout
    done = stoker(server, "deploy", str(tmp_path), "--name", "Other")
    assert (done.exit_code, "has no stack Other, but Site" in done.stderr) == (1, True)
    assert stoker(server, "destroy", "Site").exit_code == 0


def test_what_others_use_stays_and_who_they_are_is_said(
    server: StokerProcess, tmp_path: Path
) -> None:
    queue = "Q: {Type: AWS::SQS::Queue}"
    output = "U: {Value: !Ref Q, Export: {Name: of-developer}}"
    (tmp_path / "one.yaml").write_text(f"Resources: {{{queue}}}\nOutputs: {{{output}}}")
    value = "{Type: String, Value: !ImportValue of-developer}"
    it = f"P: {{Type: AWS::SSM::Parameter, Properties: {value}}}"
    (tmp_path / "two.yaml").write_text(f"Resources: {{{it}}}")
    for name in ("one", "two"):
        done = stoker(server, "deploy", str(tmp_path / f"{name}.yaml"), "--name", name)
        assert done.exit_code == 0, done.stderr
    done = stoker(server, "destroy", "one")
    used = "Export of-developer cannot be deleted as it is in use by two"
    assert (done.exit_code, done.stderr) == (1, f"stoker destroy: one is CREATE_COMPLETE: {used}\n")
    for name in ("two", "one"):
        assert stoker(server, "destroy", name).exit_code == 0


def without() -> str:
    """A runtime that this machine has not."""
    for name in ("ruby4.0", "ruby3.2", "ruby3.4", "nodejs26.x", "python3.15"):
        try:
            find_runtime(name)
        except RuntimeUnavailable:
            return name
    pytest.skip("this machine has every runtime")


def test_what_cannot_be_done_is_said_in_a_line(
    server: StokerProcess, lambda_client: Any, tmp_path: Path
) -> None:
    lacking = "{Name: AWS::Include, Parameters: {Location: none.yaml}}"
    (tmp_path / "lacks.yaml").write_text(f"Resources: {{Fn::Transform: {lacking}}}")
    ruby = tmp_path / "ruby"
    ruby.mkdir()
    (ruby / "main.rb").write_text("def handler(event:, context:) = 1")
    for words, reason in (
        (["invoke", "nobody"], "ResourceNotFoundException: Function not found"),
        (["invoke", "nobody", "-e", str(tmp_path / "none")], "No such file"),
        (["deploy", str(tmp_path)], "no handler that can be recognised"),
        (["logs", "nobody", "--since", "soon"], "--since soon"),
        (["deploy", str(tmp_path / "lacks.yaml")], f"{tmp_path}/none.yaml: No such file"),
        (
            ["deploy", str(ruby), "--runtime", without(), "--handler", "main.handler"],
            "on this machine. Get it (`stoker runtimes install ",
        ),
    ):
        done = stoker(server, *words)
        assert done.exit_code == 1
        assert reason in done.stderr
        assert done.stderr.count("\n") == 1
    lambda_client.delete_function(FunctionName="ruby")
