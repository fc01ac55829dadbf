"""Provisioned concurrency as a user meets it: boto3 in front, real environments behind."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from stoker.core.price_list import Item
from tests.billed import billed_amount
from tests.faults.scene import environments, until
from tests.running import StokerProcess, make_zip, wait_until

Create = Callable[..., str]
TYPE = """
import os
def handler(event, context):
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
"""
PROVISIONED = "provisioned-concurrency"


def publish(functions: Any, name: str, code: str | None = None) -> str:
    if code is not None:
        functions.update_function_code(FunctionName=name, ZipFile=make_zip({"main.py": code}))
        wait_until(functions, "function_updated_v2", name)
    version: str = functions.publish_version(FunctionName=name)["Version"]
    wait_until(functions, "published_version_active", name, Qualifier=version)
    return version


def put(functions: Any, name: str, qualifier: str, amount: int = 1) -> Any:
    return functions.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=amount
    )


def get(functions: Any, name: str, qualifier: str) -> Any:
    found = functions.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)
    del found["ResponseMetadata"]
    return found


def settled(functions: Any, name: str, qualifier: str, status: str = "READY") -> Any:
    return until(lambda: get(functions, name, qualifier), lambda found: found["Status"] == status)


def call(functions: Any, name: str, qualifier: str) -> list[str]:
    response = functions.invoke(FunctionName=name, Qualifier=qualifier)
    answer: list[str] = json.loads(response["Payload"].read())
    return answer


def refused(kind: str, ask: Callable[[], object]) -> str:
    with pytest.raises(ClientError) as refusal:
        ask()
    error = refusal.value.response["Error"]
    assert error["Code"] == kind
    message: str = error["Message"]
    return message


def test_a_version_has_environments_ahead_until_they_are_given_back(
    lambda_client: Any, create: Create, server: StokerProcess
) -> None:
    name = create(TYPE)
    version = publish(lambda_client, name)
    began = put(lambda_client, name, version, 2)
    assert began.pop("ResponseMetadata")["HTTPStatusCode"] == 202
    modified = began.pop("LastModified")
    assert modified.endswith("+0000")
    assert began == {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 0,
        "AllocatedProvisionedConcurrentExecutions": 0,
        "Status": "IN_PROGRESS",
    }
    ready = settled(lambda_client, name, version)
    assert ready == {
        "RequestedProvisionedConcurrentExecutions": 2,
        "AvailableProvisionedConcurrentExecutions": 2,
        "AllocatedProvisionedConcurrentExecutions": 2,
        "Status": "READY",
        "LastModified": modified,
    }
    (listed,) = lambda_client.list_provisioned_concurrency_configs(FunctionName=name)[
        "ProvisionedConcurrencyConfigs"
    ]
    assert listed.pop("FunctionArn").endswith(f":function:{name}:{version}")
    assert listed == ready
    mine = [one for one in environments(server) if one["function"] == name]
    assert [one["initialization"] for one in mine] == [PROVISIONED] * 2
    assert call(lambda_client, name, version) == [PROVISIONED, version]
    assert call(lambda_client, name, "$LATEST")[0] == "on-demand"
    for item in (Item.PROVISIONED, Item.PROVISIONED_DURATION, Item.DURATION):
        assert billed_amount(server, name, item) > 0
    lambda_client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier=version)
    until(
        lambda: [one for one in environments(server) if one["function"] == name],
        lambda mine: PROVISIONED not in [one["initialization"] for one in mine],
    )
    missing = "No Provisioned Concurrency Config found for this function"
    ask = lambda: get(lambda_client, name, version)  # noqa: E731
    assert refused("ProvisionedConcurrencyConfigNotFoundException", ask) == missing


def test_environments_follow_an_alias_that_is_moved(lambda_client: Any, create: Create) -> None:
    name = create(TYPE)
    first = publish(lambda_client, name)
    second = publish(lambda_client, name, TYPE + "# changed")
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion=first)
    put(lambda_client, name, "live")
    settled(lambda_client, name, "live")
    assert call(lambda_client, name, "live") == [PROVISIONED, first]
    lambda_client.update_alias(FunctionName=name, Name="live", FunctionVersion=second)
    settled(lambda_client, name, "live")
    until(lambda: call(lambda_client, name, "live"), lambda told: told == [PROVISIONED, second])
    until(lambda: call(lambda_client, name, first), lambda told: told == ["on-demand", first])
    put(lambda_client, name, first)
    pages = lambda_client.get_paginator("list_provisioned_concurrency_configs").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 1}
    )
    found = [page["ProvisionedConcurrencyConfigs"] for page in pages]
    assert [one["FunctionArn"].rpartition(":")[2] for (one,) in found] == [first, "live"]


def test_what_an_alias_shares_is_provisioned_for_both(lambda_client: Any, create: Create) -> None:
    name = create(TYPE)
    first = publish(lambda_client, name)
    second = publish(lambda_client, name, TYPE + "# changed")
    third = publish(lambda_client, name, TYPE + "# once more")
    weights = {"AdditionalVersionWeights": {second: 0.5}}
    lambda_client.create_alias(
        FunctionName=name, Name="live", FunctionVersion=first, RoutingConfig=weights
    )
    put(lambda_client, name, "live", 2)
    settled(lambda_client, name, "live")
    for version in (first, second):
        assert call(lambda_client, name, version) == [PROVISIONED, version]
    crowded = "Invalid alias configuration for Provisioned Concurrency"
    move = lambda_client.update_alias
    ask = lambda: move(FunctionName=name, Name="live", FunctionVersion=third)  # noqa: E731
    assert refused("InvalidParameterValueException", ask) == crowded


def test_what_cannot_be_provisioned_is_refused_in_the_words_of_aws(
    lambda_client: Any, create: Create
) -> None:
    name = create(TYPE)
    first = publish(lambda_client, name)
    lambda_client.create_alias(FunctionName=name, Name="live", FunctionVersion=first)
    lambda_client.create_alias(FunctionName=name, Name="latest", FunctionVersion="$LATEST")
    unpublished = (
        "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )
    for qualifier in ("$LATEST", "latest"):
        ask = lambda: put(lambda_client, name, qualifier)  # noqa: B023, E731
        assert refused("InvalidParameterValueException", ask) == unpublished
    wrong = "The function resource provided must be an alias or a published version."
    ask = lambda: get(lambda_client, name, "$LATEST")  # noqa: E731
    assert refused("InvalidParameterValueException", ask) == wrong
    refused("ResourceNotFoundException", lambda: put(lambda_client, name, "7"))
    put(lambda_client, name, "live")
    taken = "Version is pointed by a Provisioned Concurrency alias"
    assert refused("ResourceConflictException", lambda: put(lambda_client, name, first)) == taken
    settled(lambda_client, name, "live")
    lambda_client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="live")
    put(lambda_client, name, first)
    taken = (
        "Alias can't be used for Provisioned Concurrency configuration on an already "
        "Provisioned version"
    )
    assert refused("ResourceConflictException", lambda: put(lambda_client, name, "live")) == taken


def test_a_reservation_and_what_is_provisioned_know_of_each_other(
    lambda_client: Any, create: Create
) -> None:
    def unreserved() -> int:
        limit: dict[str, int] = lambda_client.get_account_settings()["AccountLimit"]
        return limit["UnreservedConcurrentExecutions"]

    name = create(TYPE)
    version = publish(lambda_client, name)
    before = unreserved()
    put(lambda_client, name, version, 1)
    assert unreserved() == before - 1
    settled(lambda_client, name, version)
    ask = lambda: lambda_client.put_function_concurrency(  # noqa: E731
        FunctionName=name, ReservedConcurrentExecutions=0
    )
    assert "provisioned concurrency [1]" in refused("InvalidParameterValueException", ask)
    lambda_client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    assert unreserved() == before - 1
    more = lambda: put(lambda_client, name, version, 2)  # noqa: E731
    assert "reservedConcurrentExecution" in refused("InvalidParameterValueException", more)
    with pytest.raises(lambda_client.exceptions.TooManyRequestsException) as throttled:
        lambda_client.invoke(FunctionName=name)
    reason = throttled.value.response["Reason"]
    assert reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert call(lambda_client, name, version) == [PROVISIONED, version]


def test_a_function_that_cannot_start_fails_and_says_why(
    lambda_client: Any, create: Create
) -> None:
    name = create("raise RuntimeError('no')")
    version = publish(lambda_client, name)
    put(lambda_client, name, version)
    found = settled(lambda_client, name, version, "FAILED")
    assert found["StatusReason"] == "FUNCTION_ERROR_INIT_FAILURE"
    assert found["AllocatedProvisionedConcurrentExecutions"] == 0
    put(lambda_client, name, version)  # and may be asked for again
