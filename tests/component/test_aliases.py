"""Aliases over a real store: what they lead to, and what AWS refuses."""

from pathlib import Path
from typing import Any

import pytest

from stoker.api import aliases, versions
from stoker.api.shapes import lambda_ as shapes
from stoker.core.errors import (
    InvalidParameterValueException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
    ServiceError,
)
from tests.component.one_account import ARN, ME, UUID, Account, refused, tell


async def two_versions(my: Account) -> None:
    await my.active(timeout=1)
    await my.do(versions.publish_version)
    await my.update(timeout=2)
    await my.settle()
    await my.do(versions.publish_version)


def weights(**shares: float) -> shapes.AliasRoutingConfiguration:
    given = {name.removeprefix("v"): share for name, share in shares.items()}
    return shapes.AliasRoutingConfiguration(additional_version_weights=given)


async def create(my: Account, name: str = "live", version: str = "1", **more: Any) -> Any:
    return await my.do(aliases.create_alias, name=name, function_version=version, **more)


async def get(my: Account, name: str = "live") -> Any:
    return await my.do(aliases.get_alias, name=name)


async def update(my: Account, name: str = "live", **given: Any) -> Any:
    return await my.do(aliases.update_alias, name=name, **given)


async def names(my: Account, **given: Any) -> list[str]:
    return [one.name for one in (await my.do(aliases.list_aliases, **given)).aliases]


def test_an_alias_is_shown_as_aws_shows_it(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await two_versions(my)
        made = await create(my, description="d", routing_config=weights(v2=0.2))
        assert UUID.fullmatch(made.revision_id)
        assert made == shapes.AliasConfiguration(
            alias_arn=f"{ARN}:live",
            name="live",
            function_version="1",
            description="d",
            routing_config=weights(v2=0.2),
            revision_id=made.revision_id,
        )
        assert await get(my) == made
        plain = await create(my, "plain", "$LATEST", routing_config=weights())
        assert (plain.description, plain.routing_config) == ("", None)

    tell(tmp_path, story)


def test_an_alias_leads_to_its_version_everywhere(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await two_versions(my)
        await create(my, "one", "1")
        await create(my, "latest", "$LATEST")
        shown = await my.configuration("f", "one")
        assert (shown.function_arn, shown.version, shown.timeout) == (f"{ARN}:one", "1", 1)
        assert (await my.get("f:one")).configuration == shown
        latest = await my.configuration(f"{ARN}:latest")
        assert (latest.function_arn, latest.version) == (f"{ARN}:latest", "$LATEST")
        resolve = my.control.catalog.resolve
        assert resolve(ME.account, ME.region, "f", "one").version == "1"
        assert resolve(ME.account, ME.region, "f", "latest").version == "$LATEST"

    tell(tmp_path, story)


def test_a_moved_alias_leads_elsewhere_at_once(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await two_versions(my)
        made = await create(my, routing_config=weights(v2=0.5))
        moved = await update(my, function_version="2", routing_config=weights())
        assert (moved.function_version, moved.routing_config) == ("2", None)
        assert moved.revision_id != made.revision_id
        target = my.control.catalog.resolve(ME.account, ME.region, "f", "live")
        assert (target.version, target.timeout_s) == ("2", 2)
        described = await update(my, description="d")
        assert (described.function_version, described.description) == ("2", "d")
        await my.do(aliases.delete_alias, name="live")
        with pytest.raises(ResourceNotFoundException):
            my.control.catalog.resolve(ME.account, ME.region, "f", "live")
        await my.do(aliases.delete_alias, name="live")  # as on AWS, there need not be one

    tell(tmp_path, story)


def test_an_update_needs_the_latest_revision_if_it_names_one(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await two_versions(my)
        made = await create(my)
        await refused(PreconditionFailedException, update(my, revision_id="wrong"))
        await update(my, revision_id=made.revision_id)
        await refused(PreconditionFailedException, update(my, revision_id=made.revision_id))

    tell(tmp_path, story)


def test_making_an_alias_changes_no_revision_of_what_it_leads_to(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await two_versions(my)
        before = [(await my.configuration("f", q)).revision_id for q in (None, "1")]
        await create(my)
        assert [(await my.configuration("f", q)).revision_id for q in (None, "1")] == before

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        ({"version": "10"}, ResourceNotFoundException, f"Function not found: {ARN}:10"),
        (
            {"routing_config": weights(v10=0.5)},
            ResourceNotFoundException,
            f"Function not found: {ARN}:10",
        ),
        (
            {"function_name": "g"},
            ResourceNotFoundException,
            f"Function not found: {ARN[:-1]}g:1",
        ),
        (
            {"version": "$LATEST", "routing_config": weights(v1=0.5)},
            InvalidParameterValueException,
            "$LATEST is not supported for an alias pointing to more than 1 version",
        ),
        (
            {"name": "taken"},
            ResourceConflictException,
            f"Alias already exists: {ARN}:taken",
        ),
        (
            {"function_name": f"{ARN}:taken"},
            InvalidParameterValueException,
            "This operation is permitted on Lambda functions only. Aliases and versions do not "
            "support this operation. Please specify either a function name or an unqualified "
            "function ARN.",
        ),
    ],
)
def test_what_aws_refuses_is_refused_in_its_words(
    tmp_path: Path, given: dict[str, Any], kind: type[ServiceError], message: str
) -> None:
    async def story(my: Account) -> None:
        await two_versions(my)
        await create(my, "taken")
        assert await refused(kind, create(my, **given)) == message
        assert await names(my) == ["taken"]

    tell(tmp_path, story)


def test_an_alias_of_an_alias_is_no_version(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await two_versions(my)
        await create(my)
        # The model's pattern lets numbers and $LATEST through alone; by itself this would be:
        message = await refused(ResourceNotFoundException, create(my, "other", "$LATEST.PUBLISHED"))
        assert message == f"Function not found: {ARN}:$LATEST.PUBLISHED"

    tell(tmp_path, story)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await two_versions(my)
        for asked in (get(my), update(my, description="x")):
            assert await refused(ResourceNotFoundException, asked) == (
                f"Cannot find alias arn: {ARN}:live"
            )
        for operation, given in (
            (aliases.list_aliases, {}),
            (aliases.delete_alias, {"name": "live"}),
        ):
            message = await refused(
                ResourceNotFoundException, my.do(operation, function_name="g", **given)
            )
            assert message == f"Function not found: {ARN[:-1]}g"

    tell(tmp_path, story)


def test_aliases_are_listed_by_name_page_by_page_and_by_version(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await two_versions(my)
        for name, version in (("c", "1"), ("a", "1"), ("b", "2")):
            await create(my, name, version)
        await create(my, "d", "1", routing_config=weights(v2=0.5))
        assert await names(my) == ["a", "b", "c", "d"]
        assert await names(my, function_version="2") == ["b", "d"]
        first = await my.do(aliases.list_aliases, max_items=3)
        second = await my.do(aliases.list_aliases, max_items=3, marker=first.next_marker)
        assert [one.name for one in second.aliases] == ["d"]
        assert second.next_marker is None

    tell(tmp_path, story)
