"""Publishing, reading and deleting versions, over a real store."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stoker.api import account, aliases, versions
from stoker.api.control import Settings
from stoker.api.shapes import lambda_ as shapes
from stoker.core.errors import (
    CodeStorageExceededException,
    InvalidParameterValueException,
    NotImplementedException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from stoker.core.quotas import Quotas
from tests.component.one_account import ARN, ME, ZIP, Account, refused, tell, zipped


async def publish(my: Account, **given: Any) -> Any:
    return await my.do(versions.publish_version, **given)


async def numbers(my: Account, name: str = "f") -> list[str]:
    found = await my.do(versions.list_versions_by_function, function_name=name)
    return [version.version for version in found.versions]


async def changed(my: Account, **given: Any) -> None:
    await my.update(**given)
    await my.settle()


def test_a_version_is_what_latest_was(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        before = await my.active(memory_size=256, description="mine")
        made = await publish(my)
        assert (made.version, made.function_arn) == ("1", f"{ARN}:1")
        assert (made.state, made.last_update_status) == ("Active", "Successful")
        same = {"version": None, "function_arn": None, "last_modified": None, "revision_id": None}
        assert replace(made, **same) == replace(before, **same)
        await changed(my, memory_size=512)
        assert await my.configuration("f", "1") == made
        assert await my.configuration(f"{ARN}:1") == made
        assert (await my.configuration()).memory_size == 512

    tell(tmp_path, story)


def test_its_code_stays_the_old_one(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active(tags={"team": "x"})
        await publish(my)
        await my.update_code(zip_file=zipped(b"new"))
        await my.settle()
        old, new = await my.get("f", "1"), await my.get()
        assert old.configuration.code_sha256 != new.configuration.code_sha256
        assert old.code.location.partition("?")[0] != new.code.location.partition("?")[0]
        assert old.tags == {"team": "x"}

    tell(tmp_path, story)


def test_nothing_is_published_when_nothing_has_changed(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        first = await publish(my, description="the first")
        assert first.description == "the first"
        before = await my.configuration()
        # A description for the version alone is no change of $LATEST, nor is the same code again.
        assert await publish(my, description="another") == first
        assert await my.configuration() == before
        await my.update_code(zip_file=ZIP)
        await my.settle()
        assert await publish(my) == first
        await changed(my, description="changed")
        second = await publish(my)
        assert (second.version, second.description) == ("2", "changed")
        assert await numbers(my) == ["$LATEST", "1", "2"]

    tell(tmp_path, story)


def test_publishing_gives_latest_a_revision_and_activation_gives_the_version_none(
    tmp_path: Path,
) -> None:
    async def story(my: Account) -> None:
        await my.active()
        before = (await my.configuration()).revision_id
        made = await publish(my, revision_id=before)
        now = (await my.configuration()).revision_id
        assert len({before, now, made.revision_id}) == 3
        made = await my.update_code(zip_file=zipped(b"new"), publish=True)
        await my.settle()
        assert (await my.configuration("f", made.version)).revision_id == made.revision_id

    tell(tmp_path, story)


def test_only_what_the_caller_has_seen_is_published(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        shown = await my.active()
        assert await refused(PreconditionFailedException, publish(my, revision_id="wrong")) == (
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id"
        )
        other = base64.b64encode(b"0" * 32).decode()
        wrong = await refused(InvalidParameterValueException, publish(my, code_sha256=other))
        assert wrong == (
            f"CodeSHA256 ({other}) is different from current CodeSHA256 in $LATEST "
            f"({shown.code_sha256}). Please try again with the CodeSHA256 in $LATEST."
        )
        assert await numbers(my) == ["$LATEST"]
        await publish(my, code_sha256=shown.code_sha256, revision_id=shown.revision_id)
        assert await numbers(my) == ["$LATEST", "1"]

    tell(tmp_path, story)


def test_what_is_not_ready_is_not_published(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.create()
        assert "state: Pending" in await refused(ResourceConflictException, publish(my))
        await my.settle()
        await my.update(timeout=9)
        assert "update is in progress" in await refused(ResourceConflictException, publish(my))
        await refused(ResourceNotFoundException, publish(my, function_name="g"))
        for name in ("f:1", f"{ARN}:$LATEST"):
            message = await refused(InvalidParameterValueException, publish(my, function_name=name))
            assert message.startswith("This operation is permitted on Lambda functions only.")
        await refused(NotImplementedException, publish(my, publish_to="LATEST_PUBLISHED"))

    tell(tmp_path, story)


def test_a_function_can_be_published_as_it_is_created(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        made = await my.create(publish=True)
        assert (made.version, made.function_arn, made.state) == ("1", ARN, "Pending")
        first = await my.configuration("f", "1")
        assert (first.state, first.state_reason_code) == ("Pending", "Creating")
        assert first.last_update_status is None
        await my.settle()
        assert (await my.configuration("f", "1")).state == "Active"
        assert (await publish(my)).version == "1"

    tell(tmp_path, story)


def test_new_code_can_be_published_as_it_is_uploaded(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        made = await my.update_code(zip_file=zipped(b"new"), publish=True)
        assert (made.version, made.function_arn, made.state) == ("1", f"{ARN}:1", "Pending")
        latest = await my.configuration()
        assert (latest.last_update_status, latest.code_sha256) == ("InProgress", made.code_sha256)
        await my.settle()
        ready = await my.configuration("f", "1")
        assert (ready.state, ready.last_update_status) == ("Active", "Successful")
        again = await my.update_code(zip_file=zipped(b"new"), publish=True)
        assert again == ready

    tell(tmp_path, story)


def test_a_version_that_cannot_be_made_ready_says_why(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.create(publish=True)
        await my.settle(failure="no interpreter")
        shown = await my.configuration("f", "1")
        assert (shown.state, shown.state_reason, shown.state_reason_code) == (
            "Failed",
            "no interpreter",
            "InvalidRuntime",
        )

    tell(tmp_path, story)


def test_a_number_is_never_given_again(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        await publish(my)
        await my.delete("f", "1")
        assert await numbers(my) == ["$LATEST"]
        assert (await publish(my)).version == "2"
        await my.delete()
        await my.active()
        assert await numbers(my) == ["$LATEST"]
        assert (await publish(my)).version == "3"

    tell(tmp_path, story)


def test_deleting_a_version_deletes_that_one_alone(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        await publish(my)
        await changed(my, timeout=9)
        await publish(my)
        my.changes.clear()
        await my.delete("f", "1")
        assert my.changes, "environments of the version have lost their purpose"
        assert await numbers(my) == ["$LATEST", "2"]
        message = await refused(ResourceNotFoundException, my.configuration("f", "1"))
        assert message == f"Function not found: {ARN}:1"
        await my.delete("f", "77")  # as on AWS, there need not be one
        await my.delete("f:2")
        assert await numbers(my) == ["$LATEST"]
        assert await refused(InvalidParameterValueException, my.delete("f", "live")) == (
            "Deletion of aliases is not currently supported."
        )
        await refused(ResourceNotFoundException, my.delete("g", "1"))

    tell(tmp_path, story)


def test_a_version_that_an_alias_leads_to_stays(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        await publish(my)
        await changed(my, timeout=9)
        await publish(my)
        shared = shapes.AliasRoutingConfiguration(additional_version_weights={"2": 0.1})
        for name, routing in (("a", None), ("b", shared)):
            await my.do(
                aliases.create_alias, name=name, function_version="1", routing_config=routing
            )
        for number, names in (("1", "a, b"), ("2", "b")):
            assert await refused(ResourceConflictException, my.delete("f", number)) == (
                f"Unable to delete version because the following aliases reference it: [{names}]"
            )
        assert await numbers(my) == ["$LATEST", "1", "2"]

    tell(tmp_path, story)


def test_deleting_the_function_deletes_its_versions_and_aliases(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        await publish(my)
        await my.do(aliases.create_alias, name="live", function_version="1")
        await my.delete()
        for qualifier in ("1", "live"):
            await refused(ResourceNotFoundException, my.configuration("f", qualifier))
        await my.active()
        for qualifier in ("1", "live"):
            await refused(ResourceNotFoundException, my.configuration("f", qualifier))
        assert my.control.catalog.targets() == {
            my.control.catalog.resolve(ME.account, ME.region, "f", None).key
        }

    tell(tmp_path, story)


def test_versions_are_listed_page_by_page(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        for timeout in (4, 5, 6):
            await changed(my, timeout=timeout)
            await publish(my)
        found, marker = [], None
        while True:
            page = await my.do(versions.list_versions_by_function, max_items=2, marker=marker)
            found.append([one.version for one in page.versions])
            assert all(one.state is None for one in page.versions)
            marker = page.next_marker
            if marker is None:
                break
        assert found == [["$LATEST", "1"], ["2", "3"]]
        await refused(
            InvalidParameterValueException,
            my.do(versions.list_versions_by_function, marker="!"),
        )

    tell(tmp_path, story)


@pytest.mark.parametrize("page", [1, 2, 3, 50])
def test_all_versions_of_all_functions_are_listed_in_order(tmp_path: Path, page: int) -> None:
    async def story(my: Account) -> None:
        for name in ("a", "b", "c"):
            await my.active(name)
        for name in ("a", "c"):
            await publish(my, function_name=name)
        await my.update("c", timeout=9)
        await my.settle("c")
        await publish(my, function_name="c")
        found, marker = [], None
        while True:
            shown = await my.list(function_version="ALL", max_items=page, marker=marker)
            found += [one.function_arn.partition("function:")[2] for one in shown.functions]
            marker = shown.next_marker
            if marker is None:
                break
        assert found == ["a:$LATEST", "a:1", "b:$LATEST", "c:$LATEST", "c:1", "c:2"]
        plain = await my.list()
        assert [one.function_arn.partition("function:")[2] for one in plain.functions] == [
            "a", "b", "c",
        ]  # fmt: skip

    tell(tmp_path, story)


def test_versions_count_into_the_accounts_code(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        await publish(my)
        usage = (await my.do(account.get_account_settings)).account_usage
        assert (usage.total_code_size, usage.function_count) == (2 * len(ZIP), 1)
        await changed(my, timeout=9)
        await refused(CodeStorageExceededException, publish(my))
        assert await numbers(my) == ["$LATEST", "1"]

    tell(tmp_path, story, Settings(quotas=Quotas(code_storage_bytes=2 * len(ZIP))))
