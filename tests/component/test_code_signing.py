"""Code signing: configurations, which function has which, and what becomes of a deployment."""

import logging
import re
from pathlib import Path
from typing import Any

import pytest

from tests.front_door import ACCOUNT, REGION, Door, ask, at_the_door, create_function, refused
from tests.running import make_zip

PROFILE = f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/test"
PUBLISHERS = {"SigningProfileVersionArns": [PROFILE]}
NONE = f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:csc-{'0' * 17}"
CODE = make_zip({"main.py": "def handler(event, context): 'new'"}, ())


async def make(door: Door, policy: str | None = None, **given: Any) -> Any:
    if policy is not None:
        given["CodeSigningPolicies"] = {"UntrustedArtifactOnDeployment": policy}
    made = await ask(door, "create_code_signing_config", AllowedPublishers=PUBLISHERS, **given)
    return made["CodeSigningConfig"]


def test_a_configuration_s_life(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        made = await make(door)
        arn, name = made["CodeSigningConfigArn"], made["CodeSigningConfigId"]
        assert re.fullmatch(r"csc-[a-z0-9]{17}", name)
        assert arn == f"arn:aws:lambda:{REGION}:{ACCOUNT}:code-signing-config:{name}"
        assert {k: v for k, v in made.items() if not k.startswith("CodeSigningConfig")} == {
            "Description": "",
            "AllowedPublishers": PUBLISHERS,
            "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"},
            "LastModified": made["LastModified"],
        }
        changed = await ask(
            door, "update_code_signing_config", CodeSigningConfigArn=arn, Description="d",
            CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Enforce"},
        )  # fmt: skip
        shown = await ask(door, "get_code_signing_config", CodeSigningConfigArn=arn)
        assert shown == changed
        assert shown["CodeSigningConfig"]["Description"] == "d"
        assert shown["CodeSigningConfig"]["AllowedPublishers"] == PUBLISHERS
        listed = await ask(door, "list_code_signing_configs")
        assert listed["CodeSigningConfigs"] == [shown["CodeSigningConfig"]]
        await ask(door, "delete_code_signing_config", CodeSigningConfigArn=arn)
        assert (await ask(door, "list_code_signing_configs"))["CodeSigningConfigs"] == []

    at_the_door(tmp_path, story)


def test_what_is_not_there_is_said_in_aws_s_words(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        words = f"The Lambda code signing configuration {NONE} can not be found."
        for operation in (
            "get_code_signing_config",
            "update_code_signing_config",
            "delete_code_signing_config",
            "list_functions_by_code_signing_config",
        ):
            found = await refused(ask(door, operation, CodeSigningConfigArn=NONE))
            assert found == (404, "ResourceNotFoundException", words), operation
        put = "put_function_code_signing_config"
        for name in ("f", "none"):
            found = await refused(ask(door, put, FunctionName=name, CodeSigningConfigArn=NONE))
            assert found == (
                404,
                "CodeSigningConfigNotFoundException",
                "The code signing configuration cannot be found. Check that the provided "
                f"configuration is not deleted: {NONE}.",
            )
        arn = (await make(door))["CodeSigningConfigArn"]
        missing = f"Function not found: arn:aws:lambda:{REGION}:{ACCOUNT}:function:none"
        found = await refused(ask(door, put, FunctionName="none", CodeSigningConfigArn=arn))
        assert found == (404, "ResourceNotFoundException", missing)
        for verb in ("get", "delete"):
            call = ask(door, f"{verb}_function_code_signing_config", FunctionName="none")
            assert (await refused(call))[2] == missing
        assert await ask(door, "get_function_code_signing_config", FunctionName="f") == {}
        await ask(door, "delete_function_code_signing_config", FunctionName="f")

    at_the_door(tmp_path, story)


def test_functions_have_configurations_that_stay_while_they_do(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        arn = (await make(door))["CodeSigningConfigArn"]
        put = "put_function_code_signing_config"
        for name in ("b", "a"):
            await create_function(door, name)
            answer = await ask(door, put, FunctionName=name, CodeSigningConfigArn=arn)
            assert answer == {"CodeSigningConfigArn": arn, "FunctionName": name}
        shown = await ask(door, "get_function_code_signing_config", FunctionName="a")
        assert shown == {"CodeSigningConfigArn": arn, "FunctionName": "a"}
        listing = "list_functions_by_code_signing_config"
        first = await ask(door, listing, CodeSigningConfigArn=arn, MaxItems=1)
        rest = await ask(door, listing, CodeSigningConfigArn=arn, Marker=first["NextMarker"])
        arns = first["FunctionArns"] + rest["FunctionArns"]
        assert [one.rpartition(":")[2] for one in arns] == ["a", "b"]
        await ask(door, "delete_function_code_signing_config", FunctionName="a")
        delete = "delete_code_signing_config"
        assert (await refused(ask(door, delete, CodeSigningConfigArn=arn)))[0] == 409
        await ask(door, "delete_function", FunctionName="b")
        await ask(door, delete, CodeSigningConfigArn=arn)

    at_the_door(tmp_path, story)


def test_under_enforce_no_code_gets_in_and_what_runs_goes_on(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        arn = (await make(door, "Enforce"))["CodeSigningConfigArn"]
        words = (
            "Lambda cannot deploy the function. The function or layer might be signed using a "
            "signature that the client is not configured to accept. Check the provided signature "
            "for {}."
        )
        found = await refused(create_function(door, "new", CodeSigningConfigArn=arn))
        assert found == (400, "CodeVerificationFailedException", words.format("new"))
        assert (await refused(ask(door, "get_function", FunctionName="new")))[0] == 404
        before = await create_function(door)
        await ask(
            door, "put_function_code_signing_config", FunctionName="f", CodeSigningConfigArn=arn
        )
        update = ask(door, "update_function_code", FunctionName="f", ZipFile=CODE)
        assert (await refused(update))[1] == "CodeVerificationFailedException"
        layer = await ask(door, "publish_layer_version", LayerName="l", Content={"ZipFile": CODE})
        configure = "update_function_configuration"
        layers = {"FunctionName": "f", "Layers": [layer["LayerVersionArn"]]}
        found = await refused(ask(door, configure, **layers))
        assert found[2] == words.format("f")
        await ask(door, configure, FunctionName="f", Description="no code")
        shown = await ask(door, "get_function_configuration", FunctionName="f")
        assert (shown["CodeSha256"], shown["Description"]) == (before["CodeSha256"], "no code")
        assert "Layers" not in shown

    at_the_door(tmp_path, story)


def test_under_warn_code_gets_in_and_the_log_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(door: Door) -> None:
        arn = (await make(door, "Warn"))["CodeSigningConfigArn"]
        await create_function(door, CodeSigningConfigArn=arn)
        shown = await ask(door, "get_function_code_signing_config", FunctionName="f")
        assert shown["CodeSigningConfigArn"] == arn
        await ask(door, "update_function_code", FunctionName="f", ZipFile=CODE)

    with caplog.at_level(logging.WARNING):
        at_the_door(tmp_path, story)
    said = [one for one in caplog.records if "signature" in one.message]
    assert [vars(one)["function"].rpartition(":")[2] for one in said] == ["f", "f"]
