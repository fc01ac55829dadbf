"""AWS's CDK, as it comes from its registries, with nothing but the server's address."""

import os
import shutil
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.running import REGION, StokerProcess

pytestmark = [pytest.mark.slow, pytest.mark.root]
CLI, LIBRARY = "2.1148.1", "2.275.0"
UV = Path(sys.executable).with_name("uv")
ACCOUNT = "000000000000"
NPM_OPTIONS = ("--no-audit", "--no-fund", "--loglevel=error")
APP = f"""\
import aws_cdk as cdk
from aws_cdk import aws_lambda, aws_lambda_event_sources, aws_sqs

class It(cdk.Stack):
    def __init__(self, scope, id, **settings):
        super().__init__(scope, id, **settings)
        queue = aws_sqs.Queue(self, "Queue", visibility_timeout=cdk.Duration.seconds(60))
        function = aws_lambda.Function(
            self, "Fn", runtime=aws_lambda.Runtime.PYTHON_3_{sys.version_info.minor},
            handler="app.handler", code=aws_lambda.Code.from_asset("src"),
        )
        function.add_event_source(aws_lambda_event_sources.SqsEventSource(queue))
        function.add_function_url(auth_type=aws_lambda.FunctionUrlAuthType.NONE)

app = cdk.App()
It(app, "CdkApp", env=cdk.Environment(account="{ACCOUNT}", region="{REGION}"))
app.synth()
"""


@pytest.mark.skipif(shutil.which("npm") is None, reason="needs npm")
def test_a_project_is_deployed_and_removed(server: StokerProcess, tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "app.py").write_text("def handler(event, context): return 'hi'")
    (tmp_path / "app.py").write_text(APP)
    environ = {
        **os.environ, "AWS_ENDPOINT_URL": server.url, "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": REGION, "CI": "1",
    }  # fmt: skip
    environ.pop("PYTHONPATH", None)

    def run(*words: str | Path) -> str:
        done = subprocess.run(
            words, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=600
        )
        said = done.stdout + done.stderr
        assert done.returncode == 0, said
        return said

    run("npm", "install", *NPM_OPTIONS, f"aws-cdk@{CLI}")
    run(UV, "venv", "--quiet", "--python", sys.executable, "venv")
    python = Path("venv", "bin", "python")
    run(UV, "pip", "install", "--quiet", "--python", python, f"aws-cdk-lib=={LIBRARY}")
    cdk = tmp_path / "node_modules" / ".bin" / "cdk"
    run(cdk, "bootstrap", "--no-notices", f"aws://{ACCOUNT}/{REGION}")
    run(cdk, "synth", "--no-notices", "--quiet", "--app", f"{python} app.py", "--output", "out")
    deploy = (cdk, "deploy", "--no-notices", "--app", "out", "--require-approval", "never")
    assert "CdkApp" in run(*deploy)
    assert "(no changes)" in run(*deploy)
    run(cdk, "destroy", "--no-notices", "--app", "out", "--force")
    with closing(server.client("cloudformation")) as cloudformation:
        there = [one["StackName"] for one in cloudformation.describe_stacks()["Stacks"]]
        assert "CdkApp" not in there
