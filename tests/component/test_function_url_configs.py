"""Configurations of function URLs, through boto3."""

import re
from pathlib import Path

from tests.front_door import REGION, Door, create_function, refused, signed
from tests.urls import ARN, ask, at_the_door, fetch, make


def test_a_url_is_made_shown_changed_listed_and_deleted(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        cors = {"AllowOrigins": ["https://a"], "MaxAge": 5}
        made = await ask(door, "create_function_url_config", AuthType="NONE", Cors=cors)
        port = door.host.rpartition(":")[2]
        assert re.fullmatch(
            rf"http://[a-z0-9]{{32}}\.lambda-url\.{REGION}\.localhost:{port}/", made["FunctionUrl"]
        )
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:]{8}\.\d{9}Z", made["CreationTime"])
        assert "LastModifiedTime" not in made
        shown = await ask(door, "get_function_url_config")
        assert shown == {
            **made,
            "FunctionArn": ARN,
            "AuthType": "NONE",
            "InvokeMode": "BUFFERED",
            "Cors": cors,
            "LastModifiedTime": made["CreationTime"],
        }
        changed = await ask(
            door, "update_function_url_config", AuthType="AWS_IAM", InvokeMode="RESPONSE_STREAM"
        )
        assert changed["Cors"] == cors
        assert (changed["AuthType"], changed["InvokeMode"]) == ("AWS_IAM", "RESPONSE_STREAM")
        assert changed["LastModifiedTime"] > changed["CreationTime"] == made["CreationTime"]
        assert "Cors" not in await ask(door, "update_function_url_config", Cors={})
        listed = await ask(door, "list_function_url_configs")
        assert [one["FunctionUrl"] for one in listed["FunctionUrlConfigs"]] == [made["FunctionUrl"]]
        await ask(door, "delete_function_url_config")
        assert (await ask(door, "list_function_url_configs"))["FunctionUrlConfigs"] == []
        again = await ask(door, "create_function_url_config", AuthType="NONE")
        assert again["FunctionUrl"] == made["FunctionUrl"]

    at_the_door(tmp_path, story)


def test_refusals_are_aws_s(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        none = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
        for operation in ("get", "update", "delete"):
            assert await refused(ask(door, f"{operation}_function_url_config")) == none
        gone = (404, "ResourceNotFoundException", "Function does not exist")
        create = "create_function_url_config"
        assert await refused(ask(door, create, FunctionName="g", AuthType="NONE")) == gone
        assert await refused(ask(door, create, Qualifier="live", AuthType="NONE")) == gone
        assert await refused(ask(door, "list_function_url_configs", FunctionName="g")) == gone
        await ask(door, create, AuthType="NONE")
        assert await refused(ask(door, create, AuthType="AWS_IAM")) == (
            409,
            "ResourceConflictException",
            f"Failed to create function url config for [functionArn = {ARN}]. Error message:  "
            "FunctionUrlConfig exists for this Lambda function",
        )
        status, code, message = await refused(ask(door, create, Qualifier="1", AuthType="NONE"))
        assert (status, code) == (400, "ValidationException")
        assert "'qualifier' failed to satisfy constraint" in message
        assert (await refused(ask(door, create, AuthType="OPEN")))[1] == "ValidationException"

    at_the_door(tmp_path, story)


def test_an_alias_has_a_url_of_its_own_that_goes_with_it(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await ask(door, "publish_version")
        await ask(door, "create_alias", Name="live", FunctionVersion="1")
        await ask(door, "create_function_url_config", AuthType="NONE")
        made = await ask(door, "create_function_url_config", AuthType="AWS_IAM", Qualifier="live")
        assert made["FunctionArn"] == f"{ARN}:live"
        page = await ask(door, "list_function_url_configs", MaxItems=1)
        assert [one["FunctionArn"] for one in page["FunctionUrlConfigs"]] == [ARN]
        rest = await ask(door, "list_function_url_configs", Marker=page["NextMarker"])
        assert [one["FunctionArn"] for one in rest["FunctionUrlConfigs"]] == [f"{ARN}:live"]
        host = made["FunctionUrl"].split("/")[2]
        answer = await door.send_raw(signed(host, "GET", "/"))
        assert (answer.status, answer.body) == (200, b"fine")
        (invocation,) = door.echo.invocations
        assert (invocation.target.version, invocation.invoked_arn) == ("1", f"{ARN}:live")
        await ask(door, "delete_alias", Name="live")
        assert (await door.send_raw(signed(host, "GET", "/"))).status == 403
        listed = await ask(door, "list_function_url_configs")
        assert len(listed["FunctionUrlConfigs"]) == 1

    at_the_door(tmp_path, story)


def test_a_url_goes_with_its_function(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        host = await make(door)
        assert (await fetch(door, host)).status == 200
        await ask(door, "delete_function")
        assert (await fetch(door, host)).status == 403
        await create_function(door)
        assert (await fetch(door, host)).status == 403
        none = await refused(ask(door, "get_function_url_config"))
        assert none[1] == "ResourceNotFoundException"

    at_the_door(tmp_path, story)
