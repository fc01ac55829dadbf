"""The operations on layers, and what a function may have of them, over a real store."""

import base64
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stoker.api import account, layer_policies, layers
from stoker.api.control import Caller, Settings
from stoker.api.shapes import lambda_ as shapes
from stoker.core import limits
from stoker.core.errors import (
    AccessDeniedException,
    CodeStorageExceededException,
    InvalidParameterValueException,
    NotImplementedException,
    PolicyLengthExceededException,
    PreconditionFailedException,
    RequestEntityTooLargeException,
    ResourceConflictException,
    ResourceNotFoundException,
    ServiceError,
    ValidationException,
)
from stoker.core.quotas import Quotas
from tests.component.one_account import ME, ZIP, Account, refused, tell, zipped

ARN = "arn:aws:lambda:us-east-1:000000000000:layer:l"
OTHER = Caller("111111111111", "us-east-1", "test")


def publish(my: Account, name: str = "l", content: bytes = ZIP, **more: Any) -> Awaitable[Any]:
    more.setdefault("content", shapes.LayerVersionContentInput(zip_file=content))
    asked = shapes.PublishLayerVersionInput(layer_name=name, **more)
    return my.ask(layers.publish_layer_version, asked)


def version(my: Account, number: int = 1, name: str = "l") -> Awaitable[Any]:
    asked = shapes.GetLayerVersionInput(layer_name=name, version_number=number)
    return my.ask(layers.get_layer_version, asked)


def by_arn(my: Account, arn: str) -> Awaitable[Any]:
    asked = shapes.GetLayerVersionByArnInput(arn=arn)
    return my.ask(layers.get_layer_version_by_arn, asked)


def versions(my: Account, name: str = "l", **more: Any) -> Awaitable[Any]:
    asked = shapes.ListLayerVersionsInput(layer_name=name, **more)
    return my.ask(layers.list_layer_versions, asked)


def every(my: Account, **more: Any) -> Awaitable[Any]:
    return my.ask(layers.list_layers, shapes.ListLayersInput(**more))


def delete(my: Account, number: int = 1, name: str = "l") -> Awaitable[Any]:
    asked = shapes.DeleteLayerVersionInput(layer_name=name, version_number=number)
    return my.ask(layers.delete_layer_version, asked)


def permit(my: Account, number: int = 1, **more: Any) -> Awaitable[Any]:
    given = {"statement_id": "s", "action": "lambda:GetLayerVersion", "principal": "*", **more}
    asked = shapes.AddLayerVersionPermissionInput(layer_name="l", version_number=number, **given)
    return my.ask(layer_policies.add_layer_version_permission, asked)


def policy(my: Account, number: int = 1, name: str = "l") -> Awaitable[Any]:
    asked = shapes.GetLayerVersionPolicyInput(layer_name=name, version_number=number)
    return my.ask(layer_policies.get_layer_version_policy, asked)


def forbid(my: Account, sid: str = "s", revision: str | None = None) -> Awaitable[Any]:
    asked = shapes.RemoveLayerVersionPermissionInput(
        layer_name="l", version_number=1, statement_id=sid, revision_id=revision
    )
    return my.ask(layer_policies.remove_layer_version_permission, asked)


def test_a_published_version_is_shown_as_aws_shows_it(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        made = await publish(
            my,
            description="d",
            compatible_runtimes=("python3.13", "nodejs8.10"),
            compatible_architectures=("x86_64", "arm64"),
            license_info="MIT",
        )
        assert re.fullmatch(r"\d{4}(-\d\d){2}T\d\d:\d\d:\d\d\.\d{3}\+0000", made.created_date)
        found = await version(my)
        for shown in (made, found, await version(my, name=ARN), await by_arn(my, f"{ARN}:1")):
            where = shown.content.location
            assert "/_stoker/code/" in where
            assert shown == type(shown)(
                content=shapes.LayerVersionContentOutput(
                    location=where,
                    code_sha256=base64.b64encode(hashlib.sha256(ZIP).digest()).decode(),
                    code_size=len(ZIP),
                ),
                layer_arn=ARN,
                layer_version_arn=f"{ARN}:1",
                description="d",
                created_date=made.created_date,
                version=1,
                compatible_runtimes=("python3.13", "nodejs8.10"),
                compatible_architectures=("x86_64", "arm64"),
                license_info="MIT",
            )

    tell(tmp_path, story)


def test_a_number_is_never_given_again(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        assert [(await publish(my)).version for _ in range(3)] == [1, 2, 3]
        for number in (3, 1, 2, 2, 77):  # also what is not there
            await delete(my, number)
        assert (await every(my)).layers == ()
        assert (await versions(my)).layer_versions == ()
        assert (await publish(my)).version == 4
        assert (await publish(my, "other")).version == 1
        assert "does not exist" in await refused(ResourceNotFoundException, version(my, 3))

    tell(tmp_path, story)


def test_lists_go_on_where_they_ended(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        for name in ("b", "a", "c"):
            for _ in range(3):
                await publish(my, name)
        pages, marker = [], None
        while True:
            page = await versions(my, "a", max_items=2, marker=marker)
            pages.append([one.version for one in page.layer_versions])
            if (marker := page.next_marker) is None:
                break
        assert pages == [[3, 2], [1]]
        first = await every(my, max_items=2)
        rest = await every(my, max_items=2, marker=first.next_marker)
        assert [one.layer_name for one in (*first.layers, *rest.layers)] == ["a", "b", "c"]
        assert rest.next_marker is None
        for marker in ("?", "YQ==", base64.b64encode(b"9" * 30).decode()):
            assert marker in await refused(
                InvalidParameterValueException, versions(my, "a", marker=marker)
            )

    tell(tmp_path, story)


def test_lists_show_the_newest_version_that_suits(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await publish(my, compatible_runtimes=("python3.12",), compatible_architectures=("arm64",))
        await publish(my, compatible_runtimes=("python3.12", "python3.13"))
        await publish(my, compatible_runtimes=("ruby3.3",))
        await publish(my, "plain")

        async def latest(**suits: str) -> list[tuple[str, int]]:
            found = (await every(my, **suits)).layers
            return [(one.layer_name, one.latest_matching_version.version) for one in found]

        assert await latest() == [("l", 3), ("plain", 1)]
        assert await latest(compatible_runtime="python3.12") == [("l", 2)]
        assert await latest(compatible_architecture="arm64") == [("l", 1)]
        assert await latest(compatible_runtime="java21") == []
        found = await versions(my, compatible_runtime="python3.12")
        assert [one.version for one in found.layer_versions] == [2, 1]

    tell(tmp_path, story)


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ({}, InvalidParameterValueException, "Please provide a source for layer code."),
        ({"zip_file": b""}, InvalidParameterValueException, "must be a non-empty zip"),
        ({"zip_file": b"no zip"}, InvalidParameterValueException, "Could not unzip uploaded file."),
        ({"zip_file": b"\0" * (limits.ZIP_BYTES + 1)}, RequestEntityTooLargeException, "69905067"),
        ({"s3_bucket": "b", "s3_key": "k"}, NotImplementedException, "S3Bucket of Publish"),
    ],
)
def test_bad_content_is_refused_and_takes_no_number(
    tmp_path: Path, content: dict[str, Any], kind: type[ServiceError], message: str
) -> None:
    async def story(my: Account) -> None:
        given = shapes.LayerVersionContentInput(**content)
        assert message in await refused(kind, publish(my, content=given))
        assert (await publish(my)).version == 1

    def publish(my: Account, **more: Any) -> Awaitable[Any]:
        more.setdefault("content", shapes.LayerVersionContentInput(zip_file=ZIP))
        asked = shapes.PublishLayerVersionInput(layer_name="l", **more)
        return my.ask(layers.publish_layer_version, asked)

    tell(tmp_path, story)


def test_runtimes_that_nobody_knows_are_refused(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        said = await refused(
            ValidationException, publish(my, compatible_runtimes=("python3.12", "cobol"))
        )
        assert said.startswith(
            "1 validation error detected: Value '[python3.12, cobol]' at 'compatibleRuntimes' "
            "failed to satisfy constraint: Member must satisfy enum value set: [python3.8"
        )
        for asked in (every(my, compatible_runtime="x"), versions(my, compatible_runtime="x")):
            said = await refused(ValidationException, asked)
            assert "Value 'x' at 'compatibleRuntime' failed" in said

    tell(tmp_path, story)


def test_what_is_not_there_is_refused_in_awss_words(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await publish(my)
        gone = "The resource you requested does not exist."
        for asked in (version(my, 2), version(my, 1, "no"), by_arn(my, f"{ARN}:2")):
            assert await refused(ResourceNotFoundException, asked) == gone
        amazon = "arn:aws:lambda:::awslayer:AmazonLinux1803"
        assert await refused(ResourceNotFoundException, by_arn(my, amazon)) == gone
        for asked in (version(my, 0), delete(my, -1), policy(my, 0)):
            said = await refused(InvalidParameterValueException, asked)
            assert said == "Layer Version Cannot be less than 1."
        far = ARN.replace("us-east-1", "eu-west-1")
        said = await refused(ResourceNotFoundException, version(my, 1, far))
        assert said == "Layers from 'eu-west-1' are not reachable in this region ('us-east-1')"

    tell(tmp_path, story)


def test_a_policy_grows_and_shrinks_by_statements(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await publish(my)
        nothing = "No policy is associated with the given resource."
        assert await refused(ResourceNotFoundException, policy(my)) == nothing
        assert await refused(ResourceNotFoundException, forbid(my)) == nothing
        first = await permit(my, principal="111111111111")
        statement = {
            "Sid": "s",
            "Effect": "Allow",
            "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
            "Action": "lambda:GetLayerVersion",
            "Resource": f"{ARN}:1",
        }
        assert json.loads(first.statement) == statement
        said = await refused(ResourceConflictException, permit(my))
        assert said.startswith("The statement id (s) provided already exists.")
        second = await permit(my, statement_id="t", organization_id="o-abcdefghij")
        shown = await policy(my)
        assert shown.revision_id == second.revision_id != first.revision_id
        assert json.loads(shown.policy) == {
            "Version": "2012-10-17",
            "Id": "default",
            "Statement": [
                statement,
                {
                    **statement,
                    "Sid": "t",
                    "Principal": "*",
                    "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}},
                },
            ],
        }
        stale = permit(my, statement_id="u", revision_id=first.revision_id)
        assert "does not match" in await refused(PreconditionFailedException, stale)
        stale = forbid(my, revision=first.revision_id)
        assert "does not match" in await refused(PreconditionFailedException, stale)
        await forbid(my, revision=second.revision_id)
        said = await refused(ResourceNotFoundException, forbid(my))
        assert said == "Statement s is not found in resource policy."
        await forbid(my, "t")
        assert await refused(ResourceNotFoundException, policy(my)) == nothing
        said = await refused(ResourceNotFoundException, permit(my, 9))
        assert said == f"Layer version {ARN}:9 does not exist."

    tell(tmp_path, story)


def test_a_policy_has_a_greatest_size(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await publish(my)
        sids = (f"{number:0100}" for number in range(200))
        said = ""
        while not said:
            try:
                await permit(my, statement_id=next(sids), principal="111111111111")
            except PolicyLengthExceededException as refusal:
                said = refusal.message
        assert said.endswith("is bigger than the limit (20480).")
        assert 19_000 < len((await policy(my)).policy) <= limits.POLICY_BYTES

    tell(tmp_path, story)


def test_other_accounts_need_the_policys_word(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await publish(my)
        other = replace(my, caller=OTHER)
        said = await refused(AccessDeniedException, version(other, name=ARN))
        assert said == (
            "User: arn:aws:iam::111111111111:root is not authorized to perform: "
            f"lambda:GetLayerVersion on resource: {ARN}:1 because no resource-based policy "
            "allows the lambda:GetLayerVersion action"
        )
        # What is not there, and what is there, look the same from outside.
        assert await refused(AccessDeniedException, version(other, 2, ARN)) == said.replace(
            f"{ARN}:1", f"{ARN}:2"
        )
        await refused(AccessDeniedException, other.create(layers=(f"{ARN}:1",)))
        await permit(my, principal="*", organization_id="o-abcdefghij")  # whose members are none
        await refused(AccessDeniedException, version(other, name=ARN))
        await permit(my, statement_id="t", principal="arn:aws:iam::111111111111:root")
        assert (await version(other, name=ARN)).version == 1
        assert (await by_arn(other, f"{ARN}:1")).version == 1
        assert (await other.create(layers=(f"{ARN}:1",))).layers[0].arn == f"{ARN}:1"
        for asked in (
            versions(other, ARN),
            delete(other, 1, ARN),
            policy(other, 1, ARN),
            publish(other, ARN),
        ):
            await refused(AccessDeniedException, asked)
        stranger = replace(my, caller=Caller("222222222222", "us-east-1", "test"))
        await refused(AccessDeniedException, version(stranger, name=ARN))
        await permit(my, statement_id="u")
        assert (await version(stranger, name=ARN)).version == 1

    tell(tmp_path, story)


def test_a_function_shows_its_layers_and_keeps_them(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await publish(my, content=zipped(b"l"))
        await publish(my, "m", content=zipped(b"more"))
        arns = (f"{ARN}:1", f"{ARN[:-1]}m:1")
        made = await my.active(layers=arns)
        assert [one.arn for one in made.layers] == list(arns)
        assert made.layers[0].code_size == len(zipped(b"l"))
        await delete(my)
        # A deleted version stays with who has it, and goes to nobody else.
        changed = await my.update(description="another")
        assert [one.arn for one in changed.layers] == list(arns)
        await my.settle()
        said = await refused(InvalidParameterValueException, my.create("g", layers=arns[:1]))
        assert said == f"Layer version {ARN}:1 does not exist."
        assert (await my.update(layers=arns[1:])).layers[0].arn == arns[1]
        await my.settle()
        assert (await my.update(layers=())).layers is None

    tell(tmp_path, story)


def test_lists_of_layers_that_aws_refuses(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        for name in "lmnopq":
            await publish(my, name)
        await publish(my)
        arns = [f"{ARN[:-1]}{name}:1" for name in "lmnopq"]
        refusals = {
            tuple(arns): "Cannot reference more than 5 layers.",
            (arns[0], f"{ARN}:2"): "Two different versions of the same layer are not allowed to "
            f"be referenced in the same function. {ARN}:1 and {ARN}:2.",
            (arns[0], arns[0]): "Two different versions of the same layer are not allowed to be "
            f"referenced in the same function. {ARN}:1 and {ARN}:1.",
            (f"{ARN}:3",): f"Layer version {ARN}:3 does not exist.",
            (arns[0].replace("us-east-1", "eu-west-1"),): "Layers are not in the same region as "
            "the function. Layers are expected to be in region us-east-1.",
        }
        await my.active("g")
        for given, message in refusals.items():
            for asked in (my.create(layers=given), my.update("g", layers=given)):
                assert await refused(InvalidParameterValueException, asked) == message
        assert len((await my.create(layers=tuple(arns[:5]))).layers) == 5

    tell(tmp_path, story)


def holding(size_bytes: int) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("f", "w") as f:
        for _ in range(size_bytes // 2**20):
            f.write(bytes(2**20))
        f.write(bytes(size_bytes % 2**20))
    return data.getvalue()


def test_function_and_layers_have_one_greatest_size(tmp_path: Path) -> None:
    half = holding(limits.UNZIPPED_BYTES // 2)

    async def story(my: Account) -> None:
        await publish(my, content=half)
        await publish(my, "m", content=half)
        arns = (f"{ARN}:1", f"{ARN[:-1]}m:1")
        said = await refused(InvalidParameterValueException, my.create(layers=arns))
        size = limits.UNZIPPED_BYTES + len(b"def handler(event, context): ...")
        assert said == (
            "Function code combined with layers exceeds the maximum allowed size of 262144000 "
            f"bytes. The actual size is {size} bytes."
        )
        await my.active(layers=arns[:1])
        more = holding(limits.UNZIPPED_BYTES // 2 + 1)
        said = await refused(InvalidParameterValueException, my.update_code(zip_file=more))
        assert said.endswith("The actual size is 262144001 bytes.")
        await my.update_code(zip_file=half)  # exactly full

    tell(tmp_path, story)


def test_layers_count_as_stored_code(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await publish(my)
        settings = await my.ask(account.get_account_settings, shapes.GetAccountSettingsInput())
        assert settings.account_usage.total_code_size == len(ZIP)
        await refused(CodeStorageExceededException, publish(my))
        assert [one.version for one in (await versions(my)).layer_versions] == [1]

    tell(tmp_path, story, Settings(quotas=Quotas(code_storage_bytes=len(ZIP) + 1)))


def test_layers_of_accounts_and_regions_never_meet(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await publish(my)
        for caller in (OTHER, replace(ME, region="eu-west-1")):
            there = replace(my, caller=caller)
            assert (await every(there)).layers == ()
            assert (await publish(there)).version == 1

    tell(tmp_path, story)
