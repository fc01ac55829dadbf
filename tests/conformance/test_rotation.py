"""Secrets are rotated by functions, in the four steps of AWS's own templates."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.running import REGION, StokerProcess, deploy

Create = Callable[..., str]
ROTATES = """
import boto3, os
secrets = boto3.client('secretsmanager')

def handler(event, context):
    secret, token, step = event['SecretId'], event['ClientRequestToken'], event['Step']
    print('step', step, secret)
    stages = secrets.describe_secret(SecretId=secret)['VersionIdsToStages']
    assert 'AWSPENDING' in stages[token], stages
    broken = secrets.get_secret_value(SecretId=secret)['SecretString'] == 'broken'
    if step == 'createSecret':
        try:
            secrets.get_secret_value(SecretId=secret, VersionId=token, VersionStage='AWSPENDING')
        except secrets.exceptions.ResourceNotFoundException:
            value = 'made by ' + context.aws_request_id
            secrets.put_secret_value(SecretId=secret, ClientRequestToken=token,
                                     SecretString=value, VersionStages=['AWSPENDING'])
    elif step == 'testSecret':
        secrets.get_secret_value(SecretId=secret, VersionId=token, VersionStage='AWSPENDING')
        if broken:
            raise ValueError('it does not work')
    elif step == 'finishSecret':
        (current,) = [id for id, them in stages.items() if 'AWSCURRENT' in them]
        secrets.update_secret_version_stage(SecretId=secret, VersionStage='AWSCURRENT',
                                            MoveToVersionId=token, RemoveFromVersionId=current)
"""
STEPS = ["createSecret", "setSecret", "testSecret", "finishSecret"]


@pytest.fixture
def secrets(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("secretsmanager")) as client:
        yield client


@pytest.fixture(scope="module")
def rotator(server: StokerProcess) -> Iterator[str]:
    """A function that Secrets Manager may invoke; one for all, as it imports boto3."""
    with closing(server.client("lambda")) as functions:
        name = deploy(functions, ROTATES, Timeout=60)
        admit(functions, name)
        yield name
        functions.delete_function(FunctionName=name)


def unique() -> str:
    return f"n-{uuid.uuid4().hex[:12]}"


def arn_of(function: str) -> str:
    return f"arn:aws:lambda:{REGION}:000000000000:function:{function}"


def admit(functions: Any, function: str, **more: str) -> None:
    functions.add_permission(
        FunctionName=function, StatementId="s", Action="lambda:InvokeFunction",
        Principal="secretsmanager.amazonaws.com", **more,
    )  # fmt: skip


def steps(logs: Any, function: str, secret: str, count: int) -> list[str]:
    """Those of the function for this secret, once they are so many."""

    def look() -> list[str]:
        try:
            found = logs.filter_log_events(
                logGroupName=f"/aws/lambda/{function}", filterPattern=f'"step " "{secret}"'
            )["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event["message"].split()[1] for event in found]

    return until(look, lambda seen: len(seen) >= count)


def test_a_function_rotates_a_secret_in_four_steps(
    logs_client: Any, secrets: Any, rotator: str
) -> None:
    function = rotator
    made = secrets.create_secret(Name=unique(), SecretString="first")
    name, first = made["Name"], made["VersionId"]
    begun = secrets.rotate_secret(
        SecretId=name, RotationLambdaARN=arn_of(function),
        RotationRules={"ScheduleExpression": "rate(10 days)", "Duration": "3h"},
    )  # fmt: skip
    assert begun["VersionId"] != first
    told = until(
        lambda: secrets.describe_secret(SecretId=name), lambda seen: "LastRotatedDate" in seen
    )
    assert told["RotationRules"] == {"ScheduleExpression": "rate(10 days)", "Duration": "3h"}
    assert (told["RotationEnabled"], told["RotationLambdaARN"]) == (True, arn_of(function))
    assert told["NextRotationDate"] > told["LastRotatedDate"]
    assert told["VersionIdsToStages"][first] == ["AWSPREVIOUS"]
    value = secrets.get_secret_value(SecretId=name)
    assert value["VersionId"] == begun["VersionId"]
    assert value["SecretString"].startswith("made by ")
    before = secrets.get_secret_value(SecretId=name, VersionStage="AWSPREVIOUS")
    assert before["SecretString"] == "first"
    assert steps(logs_client, function, name, 4) == STEPS
    again = secrets.rotate_secret(SecretId=name)["VersionId"]
    until(
        lambda: secrets.get_secret_value(SecretId=name)["VersionId"],
        lambda version: version == again,
    )
    secrets.cancel_rotate_secret(SecretId=name)
    assert not secrets.describe_secret(SecretId=name)["RotationEnabled"]


def test_a_rotation_that_fails_is_told_of_and_gone_on_with(
    server: StokerProcess, logs_client: Any, secrets: Any, rotator: str
) -> None:
    function = rotator
    name = secrets.create_secret(Name=unique(), SecretString="broken")["Name"]
    begun = secrets.rotate_secret(SecretId=name, RotationLambdaARN=arn_of(function))["VersionId"]

    def failed(count: int) -> None:
        """So many attempts have ended."""
        until(server.log.read_text, lambda log: log.count(f"testSecret of {name}: ") >= count)

    failed(1)
    assert secrets.get_secret_value(SecretId=name)["SecretString"] == "broken"
    assert "LastRotatedDate" not in secrets.describe_secret(SecretId=name)
    with pytest.raises(secrets.exceptions.InvalidRequestException, match="will be reattempted"):
        secrets.rotate_secret(SecretId=name)
    failed(2)
    assert steps(logs_client, function, name, 6) == [*STEPS[:3], *STEPS[:3]]
    secrets.put_secret_value(SecretId=name, SecretString="mended")
    with pytest.raises(secrets.exceptions.InvalidRequestException, match="will be reattempted"):
        secrets.rotate_secret(SecretId=name)
    until(
        lambda: secrets.get_secret_value(SecretId=name)["VersionId"],
        lambda version: version == begun,
    )


def test_a_configuration_is_tested_without_a_rotation(
    logs_client: Any, secrets: Any, rotator: str
) -> None:
    function = rotator
    made = secrets.create_secret(Name=unique(), SecretString="kept")
    secrets.rotate_secret(
        SecretId=made["ARN"], RotationLambdaARN=arn_of(function), RotateImmediately=False,
        RotationRules={"AutomaticallyAfterDays": 1},
    )  # fmt: skip
    assert steps(logs_client, function, made["Name"], 1) == ["testSecret"]
    until(
        lambda: secrets.describe_secret(SecretId=made["ARN"])["VersionIdsToStages"],
        lambda stages: stages == {made["VersionId"]: ["AWSCURRENT"]},
    )
    assert secrets.get_secret_value(SecretId=made["ARN"])["SecretString"] == "kept"


def test_what_cannot_be_rotated_is_refused(
    lambda_client: Any, secrets: Any, create: Create
) -> None:
    function = create(ROTATES)
    made = secrets.create_secret(Name=unique(), SecretString="x")
    name, other = made["Name"], secrets.create_secret(Name=unique(), SecretString="x")["ARN"]
    admit(lambda_client, function, SourceArn=other)
    asked: dict[str, Any] = {"SecretId": name, "RotationLambdaARN": arn_of(function)}
    for change, words in (
        ({}, "cannot invoke the specified Lambda function"),
        ({"RotationLambdaARN": arn_of("gone")}, "cannot invoke the specified Lambda function"),
        ({"RotationLambdaARN": ""}, "No Lambda rotation function ARN"),
        ({"SecretId": unique()}, "can't find the specified secret"),
        ({"RotationRules": {"AutomaticallyAfterDays": 1001}}, "within 1-1000"),
        ({"RotationRules": {"ScheduleExpression": "rate(1 days)"}}, "ScheduleExpression"),
        ({"RotationRules": {"ScheduleExpression": "at(2030-01-01T00:00:00)"}}, "Schedule"),
        (
            {"RotationRules": {"ScheduleExpression": "rate(4 hours)", "Duration": "25h"}},
            "between 1h and 24h",
        ),
    ):
        with pytest.raises(ClientError, match=words):
            secrets.rotate_secret(**{**asked, **change})
    assert "RotationEnabled" not in secrets.describe_secret(SecretId=name)


@pytest.mark.slow
def test_secrets_are_rotated_by_their_schedule_also_after_a_kill(tmp_path: Path) -> None:
    """An hour is a second."""

    def versions(secrets: Any) -> int:
        return len(secrets.describe_secret(SecretId="s")["VersionIdsToStages"])

    data = tmp_path / "data"
    with StokerProcess(data, "--time-scale", "3600") as server, ExitStack() as stack:
        functions = stack.enter_context(closing(server.client("lambda")))
        secrets = stack.enter_context(closing(server.client("secretsmanager")))
        function = deploy(functions, ROTATES, Timeout=60)
        admit(functions, function)
        secrets.create_secret(Name="s", SecretString="x")
        secrets.rotate_secret(
            SecretId="s", RotationLambdaARN=arn_of(function),
            RotationRules={"ScheduleExpression": "rate(4 hours)"},
        )  # fmt: skip
        seen = until(lambda: versions(secrets), lambda count: count >= 4)
        state = data / "state" / "neighbours" / "kept" / "state"
        changed = state.stat().st_mtime_ns
        until(lambda: state.stat().st_mtime_ns, lambda now: now > changed)
        server.process.kill()
        server.wait()
    with (
        StokerProcess(data, "--time-scale", "3600") as server,
        closing(server.client("secretsmanager")) as secrets,
    ):
        until(lambda: versions(secrets), lambda count: count > seen)
        assert server.stop() == 0
