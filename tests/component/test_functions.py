"""The operations on functions, over a real store and real blobs."""

import asyncio
import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from stoker.api import account, functions
from stoker.api.control import Settings
from stoker.api.shapes import lambda_ as shapes
from stoker.core.errors import (
    CodeStorageExceededException,
    InvalidParameterValueException,
    NotImplementedException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from stoker.core.quotas import Quotas
from stoker.runtimes.criu import lacking
from tests.component.one_account import (
    ARN,
    ME,
    UUID,
    ZIP,
    Account,
    refused,
    tell,
    zipped,
)


def test_a_new_function_is_shown_as_aws_shows_it(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        made = await my.create()
        assert UUID.fullmatch(made.revision_id or "")
        assert re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made.last_modified or ""
        )
        version = made.runtime_version_config and made.runtime_version_config.runtime_version_arn
        assert re.fullmatch(r"arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}", version or "")
        assert replace(
            made, revision_id=None, last_modified=None, runtime_version_config=None
        ) == shapes.FunctionConfiguration(
            function_name="f",
            function_arn=ARN,
            runtime="python3.11",
            role="arn:aws:iam::000000000000:role/r",
            handler="main.handler",
            code_size=len(ZIP),
            code_sha256=base64.b64encode(hashlib.sha256(ZIP).digest()).decode(),
            description="",
            timeout=3,
            memory_size=128,
            version="$LATEST",
            tracing_config=shapes.TracingConfigResponse(mode="PassThrough"),
            state="Pending",
            state_reason="The function is being created.",
            state_reason_code="Creating",
            package_type="Zip",
            architectures=("x86_64",),
            ephemeral_storage=shapes.EphemeralStorage(size=512),
            snap_start=shapes.SnapStartResponse(apply_on="None", optimization_status="Off"),
            logging_config=shapes.LoggingConfig(log_format="Text", log_group="/aws/lambda/f"),
        )
        assert my.changes == [None]
        await my.settle()
        now = await my.configuration()
        assert (now.state, now.state_reason, now.last_update_status) == (
            "Active",
            None,
            "Successful",
        )
        assert now.revision_id != made.revision_id

    tell(tmp_path, story)


def test_everything_asked_for_is_kept_and_shown(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        asked: dict[str, Any] = {
            "description": "d",
            "timeout": 30,
            "memory_size": 1769,
            "environment": shapes.Environment(variables={"KEY": "v"}),
            "tracing_config": shapes.TracingConfig(mode="Active"),
            "ephemeral_storage": shapes.EphemeralStorage(size=1024),
            "logging_config": shapes.LoggingConfig(log_format="Text", log_group="/mine"),
            "architectures": ("arm64",),
            "tags": {"team": "x"},
            "kms_key_arn": "arn:aws:kms:us-east-1:000000000000:key/k",
            "dead_letter_config": shapes.DeadLetterConfig(target_arn="arn:aws:sqs:::q"),
            "vpc_config": shapes.VpcConfig(subnet_ids=("s-1",), security_group_ids=("g-1",)),
            "file_system_configs": (
                shapes.FileSystemConfig(arn="arn:aws:efs", local_mount_path="/mnt/x"),
            ),
        }
        await my.active(**asked)
        found = await my.get()
        shown = found.configuration
        assert found.tags == {"team": "x"}
        for name in ("description", "timeout", "memory_size", "ephemeral_storage",
                     "architectures", "kms_key_arn", "dead_letter_config",
                     "file_system_configs"):  # fmt: skip
            assert getattr(shown, name) == asked[name], name
        assert shown.environment.variables == {"KEY": "v"}
        assert shown.tracing_config.mode == "Active"
        assert shown.logging_config.log_group == "/mine"
        assert (shown.vpc_config.subnet_ids, shown.vpc_config.security_group_ids) == (
            ("s-1",),
            ("g-1",),
        )
        cleared = await my.update(
            vpc_config=shapes.VpcConfig(subnet_ids=(), security_group_ids=()),
            dead_letter_config=shapes.DeadLetterConfig(target_arn=""),
            kms_key_arn="",
            file_system_configs=(),
            environment=shapes.Environment(variables={}),
        )
        assert (cleared.vpc_config, cleared.dead_letter_config) == (None, None)
        assert (cleared.kms_key_arn, cleared.file_system_configs) == (None, None)
        assert cleared.environment.variables == {}

    tell(tmp_path, story)


def test_settings_of_an_image_are_kept_for_a_function_without_one(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        asked = shapes.ImageConfig(command=("app.handler",), working_directory="/srv")
        made = await my.create(image_config=asked)
        assert made.image_config_response.image_config == asked
        await my.settle()
        other = shapes.ImageConfig(entry_point=("/lambda-entrypoint.sh", "-v"))
        await my.update(image_config=other)
        shown = await my.configuration()
        assert shown.image_config_response == shapes.ImageConfigResponse(image_config=other)
        await my.settle()
        cleared = await my.update(image_config=shapes.ImageConfig())
        assert cleared.image_config_response is None

    tell(tmp_path, story)


def test_only_settings_that_do_nothing_are_said_to_have_no_effect(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(my: Account) -> None:
        await my.create(
            kms_key_arn="arn:aws:kms:us-east-1:000000000000:key/k",
            image_config=shapes.ImageConfig(command=("x",)),
            dead_letter_config=shapes.DeadLetterConfig(target_arn="arn:aws:sqs:::q"),
        )
        await my.create("nothing", image_config=shapes.ImageConfig(), kms_key_arn="")

    tell(tmp_path, story)
    told = [one for one in caplog.records if one.getMessage() == "setting has no effect"]
    assert [vars(one)["setting"] for one in told] == ["KMSKeyArn", "ImageConfig"]


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({"publish_to": "LATEST_PUBLISHED"}, "PublishTo"),
        ({"package_type": "Image"}, "PackageType Image"),
        ({"code": shapes.FunctionCode(image_uri="x")}, "PackageType Image"),
        ({"code": shapes.FunctionCode(s3_bucket="b", s3_key="k")}, "S3Bucket"),
        (
            {"runtime": "dotnet8", "snap_start": shapes.SnapStart(apply_on="PublishedVersions")},
            "SnapStart of dotnet8",
        ),
        ({"durable_config": shapes.DurableConfig(execution_timeout=1)}, "DurableConfig"),
    ],
)
def test_what_is_not_built_is_refused_by_name(
    tmp_path: Path, asked: dict[str, Any], name: str
) -> None:
    async def story(my: Account) -> None:
        message = await refused(NotImplementedException, my.create(**asked))
        assert name in message
        assert "CreateFunction" in message
        await refused(ResourceNotFoundException, my.configuration())
        assert my.changes == []

    tell(tmp_path, story)


def test_snap_start_of_java_takes_criu_and_its_lack_is_told(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        on = {"runtime": "java21", "snap_start": shapes.SnapStart(apply_on="PublishedVersions")}
        message = await refused(NotImplementedException, my.create(**on))
        assert message == f"SnapStart of java21 is not possible here: {lacking()}."
        assert "`stoker runtimes install criu`" in message
        await my.create(runtime="java21")
        change = my.do(functions.update_function_configuration, snap_start=on["snap_start"])
        assert await refused(NotImplementedException, change) == message
        await my.create("python", **{**on, "runtime": "python3.12"})

    tell(tmp_path, story, settings=Settings(lacks_images=lacking))


def test_snap_start_of_java_is_accepted_where_criu_is(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        wanted = shapes.SnapStart(apply_on="PublishedVersions")
        created = await my.create(runtime="java21", snap_start=wanted)
        assert created.snap_start is not None
        assert created.snap_start.apply_on == "PublishedVersions"

    tell(tmp_path, story)


def test_values_that_ask_for_nothing_are_accepted(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.create(
            publish=False, layers=(), snap_start=shapes.SnapStart(apply_on="None"),
            package_type="Zip", vpc_config=shapes.VpcConfig(),
        )  # fmt: skip

    tell(tmp_path, story)


def test_a_name_is_created_once(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.create()
        message = await refused(ResourceConflictException, my.create())
        assert message == "Function already exist: f"
        for caller in (replace(ME, account="1" * 12), replace(ME, region="eu-west-1")):
            await replace(my, caller=caller).create()

    tell(tmp_path, story)


@pytest.mark.parametrize("name", ["a" * 65, "f:1", "000000000000:function:f:1"])
def test_a_name_that_cannot_be_a_new_functions_is_refused(tmp_path: Path, name: str) -> None:
    async def story(my: Account) -> None:
        await refused(ValidationException, my.create(name))

    tell(tmp_path, story)


def test_every_spelling_of_the_name_finds_the_function(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.create()
        for name in ("f", "function:f", "000000000000:function:f", ARN, f"{ARN}:$LATEST"):
            assert (await my.configuration(name)).function_name == "f"
        latest = await my.configuration("f", "$LATEST")
        assert latest.function_arn == f"{ARN}:$LATEST"
        message = await refused(ResourceNotFoundException, my.get("f", "7"))
        assert message == f"Function not found: {ARN}:7"
        message = await refused(ResourceNotFoundException, my.configuration("g"))
        assert message == f"Function not found: {ARN[:-1]}g"

    tell(tmp_path, story)


def test_an_update_names_what_changes_and_bars_others_until_it_is_done(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        before = await my.active(memory_size=256)
        during = await my.update(timeout=60)
        assert (during.timeout, during.memory_size) == (60, 256)
        assert (during.state, during.last_update_status) == ("Active", "InProgress")
        assert during.last_update_status_reason_code == "Creating"
        assert during.revision_id != before.revision_id
        for again in (my.update(timeout=5), my.update_code(zip_file=ZIP)):
            assert await refused(ResourceConflictException, again) == (
                "The operation cannot be performed at this time. An update is in progress for "
                f"resource: {ARN}"
            )
        await my.settle()
        assert (await my.configuration()).last_update_status == "Successful"
        await my.update(timeout=5)

    tell(tmp_path, story)


def test_a_function_that_is_not_active_cannot_be_updated(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.create()
        pending = await refused(ResourceConflictException, my.update(timeout=5))
        assert pending.endswith("The function is currently in the following state: Pending")
        await my.settle(failure="no interpreter")
        failed = await refused(ResourceConflictException, my.update_code(zip_file=ZIP))
        assert failed.endswith("The function is currently in the following state: Failed")
        shown = await my.configuration()
        assert (shown.state, shown.state_reason, shown.state_reason_code) == (
            "Failed",
            "no interpreter",
            "InvalidRuntime",
        )
        await my.delete()

    tell(tmp_path, story)


def test_new_code_is_shown_at_once_and_the_old_serves(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        new = zipped(b"new")
        resolve = my.control.catalog.resolve
        before = resolve(ME.account, ME.region, "f", None).code
        shown = await my.update_code(zip_file=new, architectures=("x86_64",))
        assert shown.code_sha256 == base64.b64encode(hashlib.sha256(new).digest()).decode()
        assert resolve(ME.account, ME.region, "f", None).code == before
        await my.settle()
        assert resolve(ME.account, ME.region, "f", None).code == hashlib.sha256(new).hexdigest()

    tell(tmp_path, story)


def test_a_dry_run_checks_everything_and_changes_nothing(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        before = await my.active()
        assert await my.update_code(zip_file=zipped(b"new"), dry_run=True) == before
        await refused(InvalidParameterValueException, my.update_code(zip_file=b"?", dry_run=True))
        wrong = my.update_code(zip_file=ZIP, dry_run=True, revision_id="other")
        await refused(PreconditionFailedException, wrong)
        assert await my.configuration() == before

    tell(tmp_path, story)


def test_of_two_who_update_the_same_revision_one_wins(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        revision = (await my.active()).revision_id
        outcomes = await asyncio.gather(
            *(my.update(timeout=n, revision_id=revision) for n in range(1, 9)),
            my.update_code(zip_file=ZIP, revision_id=revision),
            return_exceptions=True,
        )
        won = [o for o in outcomes if not isinstance(o, BaseException)]
        lost = [o for o in outcomes if isinstance(o, PreconditionFailedException)]
        assert (len(won), len(lost)) == (1, 8)
        assert lost[0].message == (
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetFunction/GetAlias API to retrieve the latest Revision Id"
        )

    tell(tmp_path, story)


def test_delete_is_for_good(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active()
        assert await refused(InvalidParameterValueException, my.delete("f", "$LATEST")) == (
            "$LATEST version cannot be deleted without deleting the function."
        )
        assert (await my.delete()).status_code == 204
        for gone in (my.get(), my.delete(), my.update(timeout=1), my.update_code(zip_file=ZIP)):
            assert await refused(ResourceNotFoundException, gone) == f"Function not found: {ARN}"
        await my.create()

    tell(tmp_path, story)


def test_lists_come_in_pages(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        names = sorted(f"f{n:02}" for n in range(53))
        for name in names:
            await my.create(name)
        first = await my.list()
        assert [f.function_name for f in first.functions] == names[:50]
        second = await my.list(marker=first.next_marker)
        assert [f.function_name for f in second.functions] == names[50:]
        assert second.next_marker is None
        found, marker = [], None
        for _ in range(27):
            page = await my.list(max_items=2, marker=marker)
            found += [f.function_name for f in page.functions]
            marker = page.next_marker
        assert (found, marker) == (names, None)
        assert first.functions[0].state is None  # as on AWS: GetFunction has it
        edge = await my.list(function_version="ALL", master_region="us-east-1")
        assert edge == shapes.ListFunctionsResponse(functions=()), "none is a replica of another"
        every = await my.list(function_version="ALL", max_items=1)
        assert every.functions[0].function_arn.endswith(":f00:$LATEST")
        for marker in ("?", "ä", "gA=="):
            await refused(InvalidParameterValueException, my.list(marker=marker))

    tell(tmp_path, story)


def test_the_account_knows_its_limits_and_what_it_has(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.create("f")
        await my.create("g")
        await replace(my, caller=replace(ME, region="eu-west-1")).create("h")
        found = await my.ask(account.get_account_settings, shapes.GetAccountSettingsInput())
        assert found.account_usage == shapes.AccountUsage(
            total_code_size=2 * len(ZIP), function_count=2
        )
        assert found.account_limit == shapes.AccountLimit(
            total_code_size=80530636800,
            code_size_unzipped=262144000,
            code_size_zipped=52428800,
            concurrent_executions=1000,
            unreserved_concurrent_executions=1000,
        )

    tell(tmp_path, story)


def test_an_accounts_code_has_a_bound(tmp_path: Path) -> None:
    async def story(my: Account) -> None:
        await my.active("f")
        assert await refused(CodeStorageExceededException, my.create("g")) == (
            "Code storage limit exceeded."
        )
        await refused(ResourceNotFoundException, my.configuration("g"))
        bigger = zipped(b"x" * 2 * len(ZIP))
        await refused(CodeStorageExceededException, my.update_code("f", zip_file=bigger))
        await my.update_code("f", zip_file=ZIP)

    tell(tmp_path, story, Settings(quotas=Quotas(code_storage_bytes=len(ZIP) * 2 - 1)))
