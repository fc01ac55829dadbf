"""Resource-based policies, tags and reservations of functions, over a real store."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from stoker.api import account, aliases, concurrency, policies, tags, versions
from stoker.api.control import Settings
from stoker.core.account_limits import AccountLimits, Limits
from stoker.core.errors import (
    InvalidParameterValueException,
    NotImplementedException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from tests.component.one_account import ARN, Account, refused, tell


async def allow(my: Account, sid: str = "s3", **more: Any) -> Any:
    given = {"action": "lambda:InvokeFunction", "principal": "s3.amazonaws.com", **more}
    answer = await my.do(policies.add_permission, statement_id=sid, **given)
    return json.loads(answer.statement)


async def sids(my: Account, qualifier: str | None = None) -> list[str]:
    found = await my.do(policies.get_policy, qualifier=qualifier)
    return [one["Sid"] for one in json.loads(found.policy)["Statement"]]


async def with_a_version_and_an_alias(my: Account) -> None:
    await my.active()
    await my.do(versions.publish_version)
    await my.do(aliases.create_alias, name="live", function_version="1")


def test_function_version_and_alias_have_a_policy_each(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await with_a_version_and_an_alias(my)
        for qualifier, resource in ((None, ARN), ("1", f"{ARN}:1"), ("live", f"{ARN}:live")):
            shown = await allow(my, f"of-{qualifier}", qualifier=qualifier)
            assert shown["Resource"] == resource
        for qualifier in (None, "1", "live"):
            assert await sids(my, qualifier) == [f"of-{qualifier}"]
        await my.do(policies.remove_permission, statement_id="of-1", qualifier="1")
        message = await refused(ResourceNotFoundException, sids(my, "1"))
        assert message == "The resource you requested does not exist."
        assert await sids(my, "live") == ["of-live"]

    tell(tmp_path, story)


@pytest.mark.parametrize("qualifier", [None, "1", "live"])
def test_a_policy_s_revision_is_that_of_what_it_belongs_to(
    tmp_path: Path, qualifier: str | None
) -> None:
    async def story(my: Account) -> None:
        async def revision() -> str:
            if qualifier == "live":
                alias = await my.do(aliases.get_alias, name="live")
                return str(alias.revision_id)
            return str((await my.configuration("f", qualifier)).revision_id)

        await with_a_version_and_an_alias(my)
        before = await revision()
        message = await refused(
            PreconditionFailedException, allow(my, qualifier=qualifier, revision_id="wrong")
        )
        assert message.endswith("Call the GetPolicy API to retrieve the latest Revision Id")
        await allow(my, qualifier=qualifier, revision_id=before)
        shown = await my.do(policies.get_policy, qualifier=qualifier)
        assert shown.revision_id == await revision() != before
        remove = {"statement_id": "s3", "qualifier": qualifier}
        await refused(
            PreconditionFailedException,
            my.do(policies.remove_permission, **remove, revision_id=before),
        )
        await my.do(policies.remove_permission, **remove, revision_id=shown.revision_id)
        assert await revision() != shown.revision_id

    tell(tmp_path, story)


def test_what_aws_refuses_of_statements_is_refused(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await with_a_version_and_an_alias(my)
        await allow(my)
        await refused(ResourceConflictException, allow(my))
        for name in ({"qualifier": "$LATEST"}, {"function_name": f"{ARN}:$LATEST"}):
            assert await refused(InvalidParameterValueException, allow(my, "x", **name)) == (
                "We currently do not support adding policies for $LATEST."
            )
        for qualifier in ("7", "none"):
            message = await refused(ResourceNotFoundException, allow(my, "x", qualifier=qualifier))
            assert message == f"Function not found: {ARN}:{qualifier}"
        message = await refused(
            ResourceNotFoundException, my.do(policies.remove_permission, statement_id="none")
        )
        assert message == "Statement none is not found in resource policy."
        assert await sids(my) == ["s3"]

    tell(tmp_path, story)


def test_a_policy_can_be_replaced_as_a_whole(tmp_path: Path) -> None:
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "all", "Effect": "Deny", "Principal": "*", "Action": "*", "Resource": ARN}
        ],
    }

    async def story(my: Account) -> None:
        await with_a_version_and_an_alias(my)
        await allow(my)
        put = await my.do(
            policies.put_resource_policy, resource_arn=ARN, policy=json.dumps(document)
        )
        assert json.loads(put.policy) == document
        got = await my.do(policies.get_resource_policy, resource_arn=ARN)
        assert (got.policy, got.revision_id) == (put.policy, put.revision_id)
        await allow(my, "more")
        assert await sids(my) == ["all", "more"]
        arn = {"resource_arn": ARN}
        stale = my.do(policies.delete_resource_policy, **arn, revision_id=put.revision_id)
        await refused(PreconditionFailedException, stale)
        await my.do(policies.delete_resource_policy, **arn)
        for operation in (policies.get_resource_policy, policies.delete_resource_policy):
            await refused(ResourceNotFoundException, my.do(operation, **arn))
        runtime = "arn:aws:lambda:us-east-1:000000000000:runtime/mine"
        await refused(
            NotImplementedException, my.do(policies.get_resource_policy, resource_arn=runtime)
        )

    tell(tmp_path, story)


def test_what_is_kept_beside_the_configuration_outlives_updates(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active(tags={"a": "1"})
        await allow(my)
        await my.do(concurrency.put_function_concurrency, reserved_concurrent_executions=7)
        await my.update(timeout=9)
        await my.settle()
        assert await sids(my) == ["s3"]
        found = await my.get()
        assert found.tags == {"a": "1"}
        assert found.concurrency.reserved_concurrent_executions == 7
        # None of it is part of a version, nor a change that makes another one.
        first = await my.do(versions.publish_version)
        await my.do(tags.tag_resource, resource=ARN, tags={"b": "2"})
        await allow(my, "more")
        assert await my.do(versions.publish_version) == first

    tell(tmp_path, story)


def test_tags_are_added_replaced_removed_and_listed(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        async def listed() -> Any:
            return (await my.do(tags.list_tags, resource=ARN)).tags

        await my.active()
        assert await listed() == {}
        await my.do(tags.tag_resource, resource=ARN, tags={"a": "1", "b": "2"})
        await my.do(tags.tag_resource, resource=ARN, tags={"b": "3", "c": ""})
        assert await listed() == {"a": "1", "b": "3", "c": ""}
        await my.do(tags.untag_resource, resource=ARN, tag_keys=("a", "none"))
        assert await listed() == (await my.get()).tags == {"b": "3", "c": ""}
        many = {str(number): "" for number in range(49)}
        over = my.do(tags.tag_resource, resource=ARN, tags=many)
        message = await refused(InvalidParameterValueException, over)
        assert message == "Number of tags exceeds resource tag limit."
        await refused(
            InvalidParameterValueException, my.create("g", tags={**many, "x": "", "y": ""})
        )
        assert await listed() == {"b": "3", "c": ""}

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        (tags.tag_resource, {"tags": {"a": "1"}}),
        (tags.untag_resource, {"tag_keys": ("a",)}),
        (tags.list_tags, {}),
    ],
)
def test_only_functions_and_resources_have_tags(
    tmp_path: Path, operation: Callable[..., Any], more: dict[str, Any]
) -> None:
    async def story(my: Account) -> None:
        await my.active()
        await my.do(versions.publish_version)
        for qualifier in ("1", "$LATEST", "none"):
            asked = my.do(operation, resource=f"{ARN}:{qualifier}", **more)
            message = await refused(InvalidParameterValueException, asked)
            assert message.startswith("Tags on function aliases and versions are not supported.")
        await refused(ResourceNotFoundException, my.do(operation, resource=f"{ARN}x", **more))
        connector = ARN.replace("function:f", "network-connector:x")
        asked = my.do(operation, resource=connector, **more)
        message = await refused(NotImplementedException, asked)
        assert "network-connector" in message

    tell(tmp_path, story)


def test_concurrency_is_set_aside_within_what_the_account_has(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        async def reserve(amount: int, name: str = "f") -> Any:
            return await my.do(
                concurrency.put_function_concurrency,
                function_name=name,
                reserved_concurrent_executions=amount,
            )

        async def left() -> Any:
            limits = (await my.do(account.get_account_settings)).account_limit
            return limits.unreserved_concurrent_executions

        await my.active()
        await my.active("g")
        assert (await my.do(concurrency.get_function_concurrency)) == (
            type(await my.do(concurrency.get_function_concurrency))()
        )
        assert (await reserve(6)).reserved_concurrent_executions == 6
        message = await refused(InvalidParameterValueException, reserve(3, "g"))
        assert message.endswith("UnreservedConcurrentExecution below its minimum value of [2].")
        await reserve(2, "g")
        assert await left() == 2
        await reserve(0)
        assert await left() == 8
        got = await my.do(concurrency.get_function_concurrency)
        assert got.reserved_concurrent_executions == 0
        await my.do(concurrency.delete_function_concurrency)
        assert (await my.get()).concurrency is None
        await my.delete("g")
        assert await left() == 10
        missing = await refused(ResourceNotFoundException, reserve(5000, "none"))
        assert missing == f"Function not found: {ARN[:-1]}none:$LATEST"
        qualified = await refused(InvalidParameterValueException, reserve(1, f"{ARN}:1"))
        assert qualified.startswith("This operation is permitted on Lambda functions only.")

    tell(tmp_path, story, Settings(limits=AccountLimits(own={ARN.split(":")[4]: Limits(10, 2)})))
