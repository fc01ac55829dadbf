"""Each project of examples/ is deployed by `stoker deploy`, does its work, and is removed."""

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from stoker.cli.main import app
from tests.running import PYTHON, REGION, StokerProcess, wait_for
from tests.user import call

EXAMPLES = Path(__file__).parents[2] / "examples"
Deploy = Callable[..., dict[str, str]]


def stoker(server: StokerProcess, *words: str) -> str:
    where = ["--endpoint-url", server.url, "--region", REGION]
    done = CliRunner().invoke(app, [*words, *where])
    assert done.exit_code == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def deploy(server: StokerProcess) -> Iterator[Deploy]:
    """deploy("web") answers the stack's outputs. The stack is destroyed after the test."""
    with ExitStack() as at_end, closing(server.client("cloudformation")) as formation:

        def deploy(example: str, *parameters: str) -> dict[str, str]:
            name = f"{example}-{uuid.uuid4().hex[:6]}"
            words = [word for one in parameters for word in ("--parameter", one)]
            at_end.callback(stoker, server, "destroy", name)
            stoker(server, "deploy", str(EXAMPLES / example), "--name", name, *words)
            (stack,) = formation.describe_stacks(StackName=name)["Stacks"]
            return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

        yield deploy


@pytest.fixture
def s3(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("s3")) as client:
        yield client


def keys(s3: Any, bucket: str) -> str:
    return " ".join(it["Key"] for it in s3.list_objects_v2(Bucket=bucket).get("Contents", ()))


def logged(server: StokerProcess, function: str) -> Callable[[], str]:
    return lambda: stoker(server, "logs", function)


def test_files_become_summaries(deploy: Deploy, s3: Any) -> None:
    made = deploy("files", f"Runtime={PYTHON}")
    s3.put_object(Bucket=made["Uploads"], Key="my file.csv", Body="day,count\nmo,1\ntu,4\n")
    key = "my file.csv.json"
    wait_for(lambda: keys(s3, made["Results"]), key)
    summary = json.load(s3.get_object(Bucket=made["Results"], Key=key)["Body"])
    count = {"least": 1, "greatest": 4, "mean": 2.5}
    assert summary == {"rows": 2, "columns": {"count": count}}
    s3.delete_object(Bucket=made["Results"], Key=key)
    s3.delete_object(Bucket=made["Uploads"], Key="my file.csv")


def test_a_stream_is_watched_and_alarms_are_told(server: StokerProcess, deploy: Deploy) -> None:
    made = deploy("streams", f"Runtime={PYTHON}")
    measured = [b'{"sensor": "a", "value": 12}', b"nonsense", b'{"sensor": "b", "value": 31.5}']
    with closing(server.client("kinesis")) as kinesis:
        kinesis.put_records(
            StreamName=made["Measurements"],
            Records=[{"Data": data, "PartitionKey": "one"} for data in measured],
        )
    seen = wait_for(logged(server, made["Notify"]), "ALARM b: 31.5")
    assert "ALARM a" not in seen


def test_notes_are_kept_behind_an_api(server: StokerProcess, deploy: Deploy) -> None:
    made = deploy("web", f"Runtime={PYTHON}")

    def ask(method: str, path: str, content: str | None = None) -> tuple[int, Any]:
        url = f"{server.url}/_aws/execute-api/{made['Api']}/$default{path}"
        data = content.encode() if content is not None else None
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data, method=method)) as answer:
                return answer.status, json.loads(answer.read() or "null")
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, json.loads(refusal.read())

    status, note = ask("POST", "/notes", '{"text": "buy milk"}')
    assert (status, note["text"]) == (201, "buy milk")
    assert ask("GET", "/notes") == (200, [note])
    one = f"/notes/{note['id']}"
    assert ask("GET", one) == (200, note)
    assert ask("POST", "/notes", "milk") == (400, {"message": 'a note is {"text": "..."}'})
    assert ask("DELETE", one) == (204, None)
    assert ask("GET", one) == (404, {"message": f"no note {note['id']}"})


def test_a_job_cleans_up_when_it_is_called(
    server: StokerProcess, deploy: Deploy, s3: Any, lambda_client: Any
) -> None:
    """That schedules call at their times is tested with schedules; this one's is far away."""
    when = "cron(0 3 1 1 ? 2099)"
    made = deploy("scheduled", f"Runtime={PYTHON}", f"When={when}", "KeepDays=-1")
    with closing(server.client("scheduler")) as scheduler:
        found = [
            scheduler.get_schedule(Name=it["Name"])
            for it in scheduler.list_schedules()["Schedules"]
        ]
    (schedule,) = (it for it in found if it["Target"]["Arn"].endswith(f":{made['Cleaner']}"))
    assert schedule["ScheduleExpression"] == when
    s3.put_object(Bucket=made["Store"], Key="old", Body="")
    assert call(lambda_client, made["Cleaner"])[0] == {"removed": 1}
    assert keys(s3, made["Store"]) == ""


@pytest.mark.slow
def test_a_runtime_in_bash_answers_and_tells_errors(deploy: Deploy, lambda_client: Any) -> None:
    function = deploy("shell")["Shell"]
    answer, _ = call(lambda_client, function, {"name": "Ada"})
    assert answer["greeting"].startswith("Hello, Ada, from bash ")
    error, response = call(lambda_client, function)
    assert response["FunctionError"] == "Unhandled"
    assert error == {"errorType": "Function.Failed", "errorMessage": "greet ended with status 3"}


@pytest.mark.slow
def test_an_extension_tells_of_slow_invocations(
    server: StokerProcess, deploy: Deploy, lambda_client: Any
) -> None:
    function = deploy("telemetry", f"Runtime={PYTHON}")["Work"]
    _, response = call(lambda_client, function, {"seconds": 0.3})
    id = response["ResponseMetadata"]["RequestId"]
    wait_for(logged(server, function), f"SLOW {id}: ")
