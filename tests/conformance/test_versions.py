"""Versions and aliases as a user meets them: boto3 in front, real environments behind."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.running import make_zip, wait_until

Create = Callable[..., str]

TELLS = """
import os
def handler(event, context):
    return {{
        "code": "{code}",
        "version": os.environ["AWS_LAMBDA_FUNCTION_VERSION"],
        "of_context": context.function_version,
        "stream": context.log_stream_name,
        "arn": context.invoked_function_arn,
    }}
"""


def call(functions: Any, name: str, qualifier: str | None = None) -> tuple[str, dict[str, str]]:
    more = {"Qualifier": qualifier} if qualifier else {}
    response = functions.invoke(FunctionName=name, **more)
    assert "FunctionError" not in response, response["Payload"].read()
    return response["ExecutedVersion"], json.loads(response["Payload"].read())


def test_each_version_runs_its_own_code_in_environments_of_its_own(
    lambda_client: Any, create: Create
) -> None:
    name = create(TELLS.format(code="one"))
    first = lambda_client.publish_version(FunctionName=name, Description="the first")
    wait_until(lambda_client, "published_version_active", name, Qualifier="1")
    package = make_zip({"main.py": TELLS.format(code="two")})
    second = lambda_client.update_function_code(FunctionName=name, ZipFile=package, Publish=True)
    assert (first["Version"], second["Version"]) == ("1", "2")
    wait_until(lambda_client, "published_version_active", name, Qualifier="2")
    wait_until(lambda_client, "function_updated_v2", name)

    answers = {}
    for qualifier, version, code in (
        (None, "$LATEST", "two"),
        ("1", "1", "one"),
        ("2", "2", "two"),
    ):
        executed, answer = call(lambda_client, name, qualifier)
        arn = first["FunctionArn"].removesuffix(":1")
        assert executed == answer["version"] == answer["of_context"] == version
        assert answer["code"] == code
        assert f"[{version}]" in answer["stream"]
        assert answer["arn"] == (f"{arn}:{qualifier}" if qualifier else arn)
        answers[version] = answer
    assert len({answer["stream"] for answer in answers.values()}) == 3
    listed = lambda_client.list_versions_by_function(FunctionName=name)["Versions"]
    assert [one["Version"] for one in listed] == ["$LATEST", "1", "2"]

    lambda_client.delete_function(FunctionName=name, Qualifier="1")
    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException, match=f"{name}:1"):
        call(lambda_client, name, "1")
    assert call(lambda_client, name, "2")[1]["stream"] == answers["2"]["stream"]


def test_an_alias_shares_invocations_between_two_versions(
    lambda_client: Any, create: Create
) -> None:
    name = create(TELLS.format(code="one"), Publish=True)
    package = make_zip({"main.py": TELLS.format(code="two")})
    lambda_client.update_function_code(FunctionName=name, ZipFile=package, Publish=True)
    wait_until(lambda_client, "published_version_active", name, Qualifier="2")
    alias = lambda_client.create_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    assert alias["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.5}}
    seen = [call(lambda_client, name, "live") for _ in range(40)]
    assert {version for version, _ in seen} == {"1", "2"}  # else once in 10^11 runs
    assert {answer["arn"] for _, answer in seen} == {alias["AliasArn"]}
    assert all((version == "1") == (answer["code"] == "one") for version, answer in seen)

    lambda_client.update_alias(
        FunctionName=name,
        Name="live",
        FunctionVersion="2",
        RoutingConfig={"AdditionalVersionWeights": {}},
    )
    assert {call(lambda_client, f"{name}:live")[0] for _ in range(10)} == {"2"}
    shown = lambda_client.get_alias(FunctionName=name, Name="live")
    assert (shown["FunctionVersion"], "RoutingConfig" in shown) == ("2", False)
    with pytest.raises(lambda_client.exceptions.ResourceConflictException, match=r"it: \[live\]"):
        lambda_client.delete_function(FunctionName=name, Qualifier="2")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"Name": "7"}, "'name' failed to satisfy constraint"),
        ({"FunctionVersion": "other-alias"}, "'functionVersion' failed to satisfy constraint"),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"1": 2.0}}},
            "Map value must satisfy constraint: [Member must have value less than or equal to 1",
        ),
        (
            {"RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}}},
            "Map keys must satisfy constraint",
        ),
    ],
)
def test_what_the_model_forbids_is_refused(
    lambda_client: Any, create: Create, given: dict[str, Any], words: str
) -> None:
    name = create(TELLS.format(code="one"))
    asked = {"FunctionName": name, "Name": "live", "FunctionVersion": "$LATEST", **given}
    with pytest.raises(ClientError) as refusal:
        lambda_client.create_alias(**asked)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    assert words in refusal.value.response["Error"]["Message"]
