"""HTTP APIs through API Gateway's own API: what is made, shown, changed, refused, and kept."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests import front_door
from tests.front_door import ACCOUNT, REGION, Door, open_door, refused, target_of
from tests.http_apis import ARN, OK, URI, answering, ask, at_the_door, fetch, integrate, make, quick

FUNCTION = {"IntegrationType": "AWS_PROXY", "IntegrationUri": URI}
PROXY = {
    "IntegrationType": "HTTP_PROXY", "IntegrationMethod": "ANY",
    "IntegrationUri": "https://a.example/{proxy}",
}  # fmt: skip
BAD_ADDRESSES = (
    "file:///etc/passwd", "http://", "//a.example", "http://a:b@a.example", "http://a.example:x",
    "http://a.example/ b", "http://a.example/#x", "http://a.example/{",
)  # fmt: skip
YAML = f"""
openapi: 3.0.1
info: {{title: yaml, version: 1.0}}
paths:
  /yaml/{{id}}:
    get:
      x-amazon-apigateway-integration:
        type: aws_proxy
        uri: {URI}
        payloadFormatVersion: "2.0"
        timeoutInMillis: 1000
"""
LAMBDA_AUTHORIZER = {
    "Name": "a", "AuthorizerType": "REQUEST", "IdentitySource": ["$request.header.x"],
    "AuthorizerUri": ARN, "AuthorizerPayloadFormatVersion": "2.0",
}  # fmt: skip


def without_functions(folder: Path, story: front_door.Story) -> None:
    front_door.at_the_door(folder, story)


async def code(door: Door, operation: str, **given: Any) -> tuple[int, str, str]:
    return await refused(ask(door, operation, **given))


def test_an_api_made_at_once_has_all_its_parts(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        made = await ask(
            door, "create_api", Name="quick", ProtocolType="HTTP", Target=ARN, RouteKey="GET /a",
            Description="d", Version="1", Tags={"k": "v"},
        )  # fmt: skip
        api = made["ApiId"]
        port = door.host.rpartition(":")[2]
        assert made["ApiEndpoint"] == f"http://{api}.execute-api.{REGION}.localhost:{port}"
        assert made["RouteSelectionExpression"] == "$request.method $request.path"
        assert await ask(door, "get_api", ApiId=api) == made
        assert (await ask(door, "get_apis"))["Items"] == [made]
        (route,) = (await ask(door, "get_routes", ApiId=api))["Items"]
        (behind,) = (await ask(door, "get_integrations", ApiId=api))["Items"]
        (stage,) = (await ask(door, "get_stages", ApiId=api))["Items"]
        (deployment,) = (await ask(door, "get_deployments", ApiId=api))["Items"]
        assert (route["RouteKey"], route["ApiGatewayManaged"]) == ("GET /a", True)
        assert route["Target"] == f"integrations/{behind['IntegrationId']}"
        assert (behind["PayloadFormatVersion"], behind["TimeoutInMillis"]) == ("2.0", 30000)
        assert (stage["StageName"], stage["AutoDeploy"]) == ("$default", True)
        assert stage["DeploymentId"] == deployment["DeploymentId"]
        assert (deployment["DeploymentStatus"], deployment["AutoDeployed"]) == ("DEPLOYED", True)
        await ask(door, "update_api", ApiId=api, RouteKey="GET /b", Name="other", Version="")
        (route,) = (await ask(door, "get_routes", ApiId=api))["Items"]
        shown = await ask(door, "get_api", ApiId=api)
        assert (route["RouteKey"], shown["Name"], "Version" in shown) == ("GET /b", "other", False)
        await ask(door, "delete_api", ApiId=api)
        assert await code(door, "get_api", ApiId=api) == (
            404, "NotFoundException", f"Invalid API identifier specified {ACCOUNT}:{api}",
        )  # fmt: skip

    without_functions(tmp_path, story)


def test_every_change_is_deployed_where_a_stage_wants_it(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        empty = await ask(door, "get_stage", ApiId=api, StageName="$default")
        assert "DeploymentId" not in empty
        assert "At least one route" in empty["LastDeploymentStatusMessage"]
        answer = await code(door, "create_deployment", ApiId=api)
        assert answer[1:] == (
            "BadRequestException", "At least one route is required before deploying the Api."
        )  # fmt: skip
        target = await integrate(door, api)
        route = await ask(door, "create_route", ApiId=api, RouteKey="GET /", Target=target)
        first = await ask(door, "get_stage", ApiId=api, StageName="$default")
        kept = await ask(door, "create_deployment", ApiId=api, Description="by hand")
        await ask(
            door, "create_stage", ApiId=api, StageName="v1", DeploymentId=kept["DeploymentId"]
        )
        await ask(door, "update_api", ApiId=api, Description="nothing that is served")
        same = await ask(door, "get_stage", ApiId=api, StageName="$default")
        assert same["DeploymentId"] == first["DeploymentId"]
        await ask(door, "delete_route", ApiId=api, RouteId=route["RouteId"])
        await ask(door, "create_route", ApiId=api, RouteKey="$default", Target=target)
        later = await ask(door, "get_stage", ApiId=api, StageName="$default")
        assert later["DeploymentId"] != first["DeploymentId"]
        deployments = (await ask(door, "get_deployments", ApiId=api))["Items"]
        assert {one["DeploymentId"] for one in deployments} == {
            kept["DeploymentId"], later["DeploymentId"],
        }  # fmt: skip
        used = await code(door, "delete_deployment", ApiId=api, DeploymentId=kept["DeploymentId"])
        assert (used[0], used[1]) == (409, "ConflictException")
        await ask(door, "delete_stage", ApiId=api, StageName="v1")
        await ask(door, "delete_deployment", ApiId=api, DeploymentId=kept["DeploymentId"])

    without_functions(tmp_path, story)


def test_stages_keep_what_has_no_effect_and_merge_what_has_keys(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await quick(door)
        named = {"ApiId": api, "StageName": "$default"}
        logs = {"DestinationArn": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:g", "Format": "$x"}
        stage = await ask(
            door, "update_stage", **named, AccessLogSettings=logs,
            StageVariables={"a": "1", "b": "2"},
            DefaultRouteSettings={"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 2.5},
            RouteSettings={"$default": {"ThrottlingBurstLimit": 7}},
        )  # fmt: skip
        assert stage["AccessLogSettings"] == logs
        assert stage["DefaultRouteSettings"]["ThrottlingRateLimit"] == 2.5
        stage = await ask(door, "update_stage", **named, StageVariables={"a": "", "c": "3"})
        assert stage["StageVariables"] == {"b": "2", "c": "3"}
        assert stage["RouteSettings"] == {"$default": {"ThrottlingBurstLimit": 7}}
        await ask(door, "delete_route_settings", **named, RouteKey="$default")
        await ask(door, "delete_access_log_settings", **named)
        stage = await ask(door, "get_stage", **named)
        assert (stage["RouteSettings"], "AccessLogSettings" in stage) == ({}, False)

    without_functions(tmp_path, story)


def test_parts_that_are_needed_cannot_be_deleted(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        target = await integrate(door, api)
        authorizer = await ask(door, "create_authorizer", ApiId=api, **LAMBDA_AUTHORIZER)
        assert authorizer["AuthorizerResultTtlInSeconds"] == 300
        id = authorizer["AuthorizerId"]
        route = await ask(
            door, "create_route", ApiId=api, RouteKey="GET /", Target=target,
            AuthorizationType="CUSTOM", AuthorizerId=id,
        )  # fmt: skip
        for operation, member in (
            ("delete_integration", {"IntegrationId": target.partition("/")[2]}),
            ("delete_authorizer", {"AuthorizerId": id}),
        ):
            status, kind, _ = await code(door, operation, ApiId=api, **member)
            assert (status, kind) == (409, "ConflictException")
        twice = await code(door, "create_route", ApiId=api, RouteKey="GET /")
        assert twice[1:] == (
            "ConflictException", "Route with key GET / already exists for this API",
        )  # fmt: skip
        await ask(
            door, "update_route", ApiId=api, RouteId=route["RouteId"], AuthorizationType="NONE",
            AuthorizerId="", Target="",
        )  # fmt: skip
        await ask(door, "delete_authorizer", ApiId=api, AuthorizerId=id)
        await ask(door, "delete_integration", ApiId=api, IntegrationId=target.partition("/")[2])

    without_functions(tmp_path, story)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        jwt = {
            "Name": "a", "AuthorizerType": "JWT", "IdentitySource": ["$request.header.x"],
            "JwtConfiguration": {"Issuer": "https://i.example", "Audience": ["a"]},
        }  # fmt: skip
        for operation, given in (
            ("create_route", {"RouteKey": "fetch"}),
            ("create_route", {"RouteKey": "GET /", "Target": "integrations/none"}),
            ("create_route", {"RouteKey": "GET /", "AuthorizationType": "JWT"}),
            ("create_route", {"RouteKey": "GET /", "AuthorizationScopes": ["a"]}),
            ("create_route", {"RouteKey": "GET /", "AuthorizationType": "MAGIC"}),
            ("create_integration", {**FUNCTION, "IntegrationUri": "arn:aws:lambda:x"}),
            ("create_integration", {**FUNCTION, "PayloadFormatVersion": "3.0"}),
            ("create_integration", {**FUNCTION, "TimeoutInMillis": 30001}),
            ("create_integration", {"IntegrationType": "MOCK"}),
            ("create_integration", {**PROXY, "IntegrationMethod": "FETCH"}),
            ("create_integration", {**PROXY, "PayloadFormatVersion": "2.0"}),
            *(("create_integration", {**PROXY, "IntegrationUri": uri}) for uri in BAD_ADDRESSES),
            ("create_authorizer", {**jwt, "IdentitySource": ["$context.path"]}),
            ("create_authorizer", {**jwt, "JwtConfiguration": {"Issuer": "file:///etc/passwd"}}),
            ("create_authorizer", {**LAMBDA_AUTHORIZER, "AuthorizerPayloadFormatVersion": "3"}),
            ("create_authorizer", {**LAMBDA_AUTHORIZER, "IdentitySource": ["method.x"]}),
            ("create_stage", {"StageName": "a b"}),
            ("create_stage", {"StageName": "a", "DeploymentId": "none"}),
            ("update_api", {"Name": "n" * 129}),
            ("update_api", {"Name": ""}),
            ("create_authorizer", {**LAMBDA_AUTHORIZER, "Name": ""}),
            ("get_routes", {"MaxResults": "none"}),
        ):
            status, kind, _ = await code(door, operation, ApiId=api, **given)
            assert (status, kind) == (400, "BadRequestException"), (operation, given)

    without_functions(tmp_path, story)


def test_what_is_not_built_is_named(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        mapped = {**FUNCTION, "RequestParameters": {"overwrite:path": "/x"}}
        for operation, given, name in (
            ("create_integration", {**FUNCTION, "IntegrationSubtype": "SQS-SendMessage"}, "SQS-"),
            ("create_integration", {**FUNCTION, "ConnectionType": "VPC_LINK"}, "VPC links"),
            ("create_integration", mapped, "requestParameters"),
        ):
            status, _, message = await code(door, operation, ApiId=api, **given)
            assert status == 501, operation
            assert name in message
        sockets = {"Name": "s", "ProtocolType": "WEBSOCKET", "RouteSelectionExpression": "$x"}
        assert "WebSocket" in (await code(door, "create_api", **sockets))[2]

    without_functions(tmp_path, story)


def test_an_api_is_imported_and_imported_again(tmp_path: Path) -> None:
    def document(path: str, **more: Any) -> str:
        behind = {"type": "aws_proxy", "uri": URI, "payloadFormatVersion": "2.0", **more}
        operation = {"x-amazon-apigateway-integration": behind}
        paths = {path: {"get": operation, "put": {}}}
        return json.dumps({"openapi": "3.0.1", "info": {"title": path}, "paths": paths})

    async def story(door: Door) -> None:
        made = await ask(door, "import_api", Body=document("/a"))
        assert (made["Name"], made["Warnings"]) == (
            "/a", ["PUT /a has no x-amazon-apigateway-integration"]
        )  # fmt: skip
        api = made["ApiId"]
        await ask(door, "create_stage", ApiId=api, StageName="$default", AutoDeploy=True)
        assert (await fetch(door, api, "/a")).body == b"fine"
        again = await ask(door, "reimport_api", ApiId=api, Body=document("/b"))
        assert (again["ApiId"], again["Name"]) == (api, "/b")
        assert (await fetch(door, api, "/a")).status == 404
        assert (await fetch(door, api, "/b")).body == b"fine"
        await ask(door, "reimport_api", ApiId=api, Body=YAML)
        assert (await fetch(door, api, "/yaml/1")).body == b"fine"
        bad = ("", "{", "[]", "{}", "x", "a: &a [1]\nb: *a", "a: [" * 100)
        for body in (*bad, document("/c", timeoutInMillis=1), document("/c", uri=7)):
            for operation, given in (("import_api", {}), ("reimport_api", {"ApiId": api})):
                status, kind, _ = await code(door, operation, Body=body, **given)
                assert (status, kind) == (400, "BadRequestException"), body
        strict = await code(door, "import_api", Body=document("/a"), FailOnWarnings=True)
        assert strict[0] == 400
        assert [one["ApiId"] for one in (await ask(door, "get_apis"))["Items"]] == [api]

    at_the_door(tmp_path, story)


def test_lists_come_in_pages_and_tags_by_arn(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        for number in range(5):
            await ask(door, "create_route", ApiId=api, RouteKey=f"GET /{number}")
        seen, more = [], {}
        while True:
            page = await ask(door, "get_routes", ApiId=api, MaxResults="2", **more)
            seen += [one["RouteKey"] for one in page["Items"]]
            if "NextToken" not in page:
                break
            more = {"NextToken": page["NextToken"]}
        assert sorted(seen) == [f"GET /{number}" for number in range(5)]
        for arn in (
            f"arn:aws:apigateway:{REGION}::/apis/{api}{at}" for at in ("", "/stages/$default")
        ):
            await ask(door, "tag_resource", ResourceArn=arn, Tags={"a": "1", "b": "2"})
            await ask(door, "untag_resource", ResourceArn=arn, TagKeys=["a", "none"])
            assert (await ask(door, "get_tags", ResourceArn=arn))["Tags"] == {"b": "2"}
        assert (await ask(door, "get_api", ApiId=api))["Tags"] == {"b": "2"}
        many = {f"t{number}": "" for number in range(51)}
        assert (await code(door, "tag_resource", ResourceArn=arn, Tags=many))[0] == 400

    without_functions(tmp_path, story)


def test_an_api_is_served_again_after_a_restart(tmp_path: Path) -> None:
    apis: list[str] = []

    async def before(door: Door) -> None:
        apis.append(await quick(door))

    async def after() -> None:
        async with open_door(tmp_path) as door:
            answering(door, OK)
            assert (await fetch(door, apis[0])).body == b"fine"
            assert (await ask(door, "get_apis"))["Items"][0]["ApiId"] == apis[0]

    at_the_door(tmp_path, before)
    asyncio.run(after())


def test_an_environment_may_call_apis_and_not_make_them(tmp_path: Path) -> None:
    apis: list[str] = []

    async def before(door: Door) -> None:
        apis.append(await quick(door))

    async def inside() -> None:
        async with open_door(tmp_path, inside=target_of()) as door:
            answering(door, OK)
            assert (await door.send("GET", f"/_aws/execute-api/{apis[0]}/")).body == b"fine"
            made = await code(door, "create_api", Name="mine", ProtocolType="HTTP")
            assert (made[0], made[1]) == (403, "AccessDeniedException")

    at_the_door(tmp_path, before)
    asyncio.run(inside())
