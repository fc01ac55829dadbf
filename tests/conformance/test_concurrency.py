"""What is kept beside the configuration, as a user meets it: concurrency, policies, tags."""

import json
import uuid
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.running import StokerProcess, deploy

Create = Callable[..., str]


def test_nothing_reserved_turns_the_function_off(lambda_client: Any, create: Create) -> None:
    name = create("def handler(event, context): return 'on'")
    assert lambda_client.invoke(FunctionName=name)["StatusCode"] == 200
    lambda_client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with pytest.raises(lambda_client.exceptions.TooManyRequestsException) as refusal:
        lambda_client.invoke(FunctionName=name)
    response = refusal.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    shown = lambda_client.get_function(FunctionName=name)["Concurrency"]
    assert shown == {"ReservedConcurrentExecutions": 0}
    lambda_client.delete_function_concurrency(FunctionName=name)
    assert lambda_client.invoke(FunctionName=name)["StatusCode"] == 200


def test_a_reservation_is_known_to_the_next_server_on_the_folder(tmp_path: Path) -> None:
    with StokerProcess(tmp_path / "data") as first, closing(first.client("lambda")) as client:
        name = deploy(client, "def handler(event, context): pass")
        client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    with StokerProcess(tmp_path / "data") as second, closing(second.client("lambda")) as client:
        with pytest.raises(client.exceptions.TooManyRequestsException):
            client.invoke(FunctionName=name)
        limits = client.get_account_settings()["AccountLimit"]
        assert limits["UnreservedConcurrentExecutions"] == 1000


def test_policies_and_tags_over_http(lambda_client: Any, create: Create) -> None:
    name = create("def handler(event, context): pass", Tags={"team": "x"})
    arn = lambda_client.get_function_configuration(FunctionName=name)["FunctionArn"]
    sid = uuid.uuid4().hex
    answer = lambda_client.add_permission(
        FunctionName=name,
        StatementId=sid,
        Action="lambda:InvokeFunction",
        Principal="events.amazonaws.com",
        SourceArn="arn:aws:events:eu-central-1:000000000000:rule/r",
    )
    policy = json.loads(lambda_client.get_policy(FunctionName=name)["Policy"])
    assert policy["Statement"] == [json.loads(answer["Statement"])]
    assert lambda_client.get_resource_policy(ResourceArn=arn)["Policy"] == json.dumps(
        policy, separators=(",", ":")
    )
    lambda_client.remove_permission(FunctionName=name, StatementId=sid)
    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException):
        lambda_client.get_policy(FunctionName=name)
    lambda_client.tag_resource(Resource=arn, Tags={"a b": "c/d"})
    assert lambda_client.list_tags(Resource=arn)["Tags"] == {"team": "x", "a b": "c/d"}
    lambda_client.untag_resource(Resource=arn, TagKeys=["team", "a b"])
    assert lambda_client.list_tags(Resource=arn)["Tags"] == {}


def test_settings_of_asynchronous_invocations_over_http(lambda_client: Any, create: Create) -> None:
    name = create("def handler(event, context): pass")
    made = lambda_client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, MaximumEventAgeInSeconds=60
    )
    del made["ResponseMetadata"]
    assert made["DestinationConfig"] == {"OnSuccess": {}, "OnFailure": {}}
    (listed,) = lambda_client.list_function_event_invoke_configs(FunctionName=name)[
        "FunctionEventInvokeConfigs"
    ]
    assert listed == made
    lambda_client.delete_function_event_invoke_config(FunctionName=name)
    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException):
        lambda_client.get_function_event_invoke_config(FunctionName=name)


def test_no_function_has_to_be_signed(lambda_client: Any, create: Create) -> None:
    name = create("def handler(event, context): pass")
    shown = lambda_client.get_function_code_signing_config(FunctionName=name)
    assert set(shown) == {"ResponseMetadata"}
    with pytest.raises(lambda_client.exceptions.ResourceNotFoundException):
        lambda_client.get_function_code_signing_config(FunctionName=f"{name}x")
