"""AWS's SAM CLI, as it comes from its registry, with nothing but the server's address."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.running import PYTHON, REGION, StokerProcess

pytestmark = [pytest.mark.slow, pytest.mark.root]
VERSION = "1.170.0"
UV = Path(sys.executable).with_name("uv")
TEMPLATE = f"""\
AWSTemplateFormatVersion: '2010-09-09'
Transform: AWS::Serverless-2016-10-31
Resources:
  Work: {{Type: AWS::SQS::Queue, Properties: {{VisibilityTimeout: 60}}}}
  Hello:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: src/
      Handler: app.handler
      Runtime: {PYTHON}
      Timeout: 10
      Tracing: Active
      AutoPublishAlias: live
      FunctionUrlConfig: {{AuthType: NONE}}
      Events:
        Jobs: {{Type: SQS, Properties: {{Queue: !GetAtt Work.Arn, BatchSize: 5}}}}
        Daily: {{Type: Schedule, Properties: {{Schedule: rate(1 day)}}}}
        Http: {{Type: HttpApi, Properties: {{Path: /hello, Method: get}}}}
        Rest: {{Type: Api, Properties: {{Path: /hello, Method: get}}}}
Outputs:
  Url: {{Value: !GetAtt HelloUrl.FunctionUrl}}
"""


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sam")
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    package = f"aws-sam-cli=={VERSION}"
    to = ["--python", folder / "bin" / "python"]
    subprocess.run([UV, "pip", "install", "--quiet", *to, package], check=True, timeout=600)
    return folder / "bin" / "sam"


def test_a_project_is_deployed_used_and_removed(
    sam: Path, server: StokerProcess, tmp_path: Path
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("def handler(event, context): return 'hi'")
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    environ = {
        **os.environ, "AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION, "SAM_CLI_TELEMETRY": "0",
    }  # fmt: skip
    environ.pop("PYTHONPATH", None)

    def run(*words: str) -> Any:
        done = subprocess.run(
            [sam, *words], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=600
        )
        return done.returncode, done.stdout + done.stderr

    deploy = ("deploy", "--resolve-s3", "--stack-name", "app", "--no-confirm-changeset")
    deploy += ("--capabilities", "CAPABILITY_IAM", "--region", REGION)
    status, said = run(*deploy)
    assert status == 0, said
    assert "Successfully created/updated stack - app" in said
    status, said = run(*deploy)
    assert "No changes to deploy. Stack app is up to date" in said
    status, said = run("remote", "invoke", "Hello", "--stack-name", "app")
    assert status == 0 and '"hi"' in said
    status, said = run("traces")
    assert status == 0 and "New XRay Service Graph" in said and "XRay Event" in said
    assert "AWS::Lambda::Function" in said and "Invocation" in said
    status, said = run("logs", "--name", "Hello", "--stack-name", "app")
    assert status == 0 and "REPORT RequestId" in said
    for what in ("resources", "stack-outputs"):
        status, said = run("list", what, "--stack-name", "app")
        assert status == 0, said
    status, said = run("delete", "--stack-name", "app", "--no-prompts", "--region", REGION)
    assert status == 0, said
    assert "Deleted successfully" in said
    with closing(server.client("lambda")) as functions:
        names = [one["FunctionName"] for one in functions.list_functions()["Functions"]]
    assert not [name for name in names if name.startswith("app-")]
