"""What answers for HTTP APIs: routes and stages, what the function gets, what the caller gets."""

import json
from pathlib import Path
from typing import Any

from stoker.core.errors import ServiceException, TooManyRequestsException
from stoker.core.invocation import Invocation, InvocationResult
from tests.front_door import ACCOUNT, REGION, Done, Door, signed
from tests.http_apis import (
    OK,
    answering,
    ask,
    at_the_door,
    fetch,
    forbid,
    host_of,
    integrate,
    make,
    permit,
    quick,
)


def event(door: Door, number: int = -1) -> Any:
    return json.loads(door.echo.invocations[number].event)


def test_a_quick_api_answers_under_all_its_names(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await quick(door)
        for host in (
            f"{api}.execute-api.localhost:4566",
            f"{api}.execute-api.{REGION}.localhost",
            f"{api}.execute-api.{REGION}.amazonaws.com",
        ):
            answer = await door.send("GET", "/any/path?a=b", {"Host": host})
            assert (answer.status, answer.body) == (200, b"fine")
            assert event(door)["rawPath"] == "/any/path"
            assert event(door)["requestContext"]["domainName"] == host.partition(":")[0]
        for path in (
            f"/_aws/execute-api/{api}/any/path",
            f"/_aws/execute-api/{api}/$default/any/path",
            f"/restapis/{api}/%24default/_user_request_/any/path",
        ):
            answer = await door.send("GET", f"{path}?a=b")
            assert (answer.status, answer.body) == (200, b"fine")
            assert (event(door)["rawPath"], event(door)["rawQueryString"]) == ("/any/path", "a=b")
            assert "sandbox" in answer["Content-Security-Policy"]

    at_the_door(tmp_path, story)


def test_who_has_no_such_api_is_told_so_and_no_more(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        answer = await fetch(door, "nosuchapi1")
        assert (answer.status, answer.json) == (403, {"message": "Forbidden"})
        api = await quick(door)
        await ask(door, "update_api", ApiId=api, DisableExecuteApiEndpoint=True)
        answer = await fetch(door, api)
        assert (answer.status, answer.json) == (404, {"message": "Not Found"})
        await ask(door, "delete_api", ApiId=api)
        assert (await fetch(door, api)).status == 403

    at_the_door(tmp_path, story)


def test_stages_have_names_and_variables_and_serve_what_was_deployed(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        made = await ask(door, "create_api", Name="staged", ProtocolType="HTTP")
        api = made["ApiId"]
        target = await integrate(door, api, PayloadFormatVersion="2.0")
        route = await ask(door, "create_route", ApiId=api, RouteKey="GET /pets/{id}", Target=target)
        await ask(door, "create_deployment", ApiId=api)
        (one,) = (await ask(door, "get_deployments", ApiId=api))["Items"]
        await ask(
            door, "create_stage", ApiId=api, StageName="test",
            DeploymentId=one["DeploymentId"], StageVariables={"colour": "blue"},
        )  # fmt: skip
        assert (await fetch(door, api, "/test/pets/a%20b?c=d&c=e")).status == 200
        found = event(door)
        assert (found["rawPath"], found["routeKey"]) == ("/test/pets/a%20b", "GET /pets/{id}")
        assert found["pathParameters"] == {"id": "a b"}
        assert found["queryStringParameters"] == {"c": "d,e"}
        assert found["stageVariables"] == {"colour": "blue"}
        assert found["requestContext"]["stage"] == "test"
        assert found["requestContext"]["accountId"] == ACCOUNT
        assert (await fetch(door, api, "/pets/1")).json == {"message": "Not Found"}
        # What changes is not served before it is deployed.
        await ask(
            door, "update_route", ApiId=api, RouteId=route["RouteId"], RouteKey="GET /dogs/{id}"
        )
        assert (await fetch(door, api, "/test/pets/1")).status == 200
        assert (await fetch(door, api, "/test/dogs/1")).status == 404
        await ask(door, "create_deployment", ApiId=api, StageName="test")
        assert (await fetch(door, api, "/test/pets/1")).status == 404
        assert (await fetch(door, api, "/test/dogs/1")).status == 200

    at_the_door(tmp_path, story)


def test_format_1_0_has_every_value_and_wants_a_status(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door, "ANY /{proxy+}", format="1.0")
        answering(
            door,
            InvocationResult(
                b'{"statusCode": 201, "headers": {"x-a": "1"}, "body": "aGk=",'
                b' "multiValueHeaders": {"Set-Cookie": ["a=b", "c=d"]}, "isBase64Encoded": true}'
            ),
            InvocationResult(b'{"hello": 1}'),
        )
        answer = await fetch(door, api, "/x/y?a=1&a=2", "POST", b"\xff", cookie="k=v")
        assert (answer.status, answer.body, answer["x-a"]) == (201, b"hi", "1")
        assert [v for k, v in answer.headers if k == "Set-Cookie"] == ["a=b", "c=d"]
        found = event(door)
        assert (found["version"], found["resource"]) == ("1.0", "/{proxy+}")
        assert (found["path"], found["httpMethod"]) == ("/x/y", "POST")
        assert found["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
        assert found["queryStringParameters"] == {"a": "2"}
        assert found["multiValueHeaders"]["cookie"] == ["k=v"]
        assert found["pathParameters"] == {"proxy": "x/y"}
        assert (found["body"], found["isBase64Encoded"]) == ("/w==", True)
        answer = await fetch(door, api, "/x")
        assert (answer.status, answer.json) == (500, {"message": "Internal Server Error"})

    at_the_door(tmp_path, story)


def test_what_goes_wrong_behind_an_api_is_said_in_aws_s_words(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await quick(door)
        for result, status, message in (
            (InvocationResult(b'{"statusCode": "no"}'), 500, "Internal Server Error"),
            (InvocationResult(b"no json"), 500, "Internal Server Error"),
            (InvocationResult(b"{}", function_error="Unhandled"), 500, "Internal Server Error"),
            (ServiceException("broken"), 500, "Internal Server Error"),
            (TooManyRequestsException("Rate Exceeded."), 503, "Service Unavailable"),
        ):
            answering(door, result)
            answer = await fetch(door, api)
            assert (answer.status, answer.json) == (status, {"message": message})
            assert answer["Apigw-Requestid"]

    at_the_door(tmp_path, story)


def test_whoever_takes_too_long_is_not_waited_for(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        target = await integrate(door, api, PayloadFormatVersion="2.0", TimeoutInMillis=50)
        await ask(door, "create_route", ApiId=api, RouteKey="GET /", Target=target)
        held: list[Done] = []

        def keep(_: Invocation, done: Done) -> None:
            held.append(done)

        door.echo.answer = keep
        answer = await fetch(door, api)
        assert (answer.status, answer.json) == (503, {"message": "Service Unavailable"})
        held[0](OK)  # too late, and harmless

    at_the_door(tmp_path, story)


def test_json_without_a_status_is_the_body_of_a_200(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await quick(door)
        answering(door, InvocationResult(b'{"a": 1}'), InvocationResult(b'"text"'), OK)
        answer = await fetch(door, api)
        assert (answer.body, answer["Content-Type"]) == (b'{"a": 1}', "application/json")
        assert (await fetch(door, api)).body == b"text"
        assert (await fetch(door, api))["Content-Type"] == "text/plain;charset=UTF-8"

    at_the_door(tmp_path, story)


def test_bodies_have_ten_megabytes_and_events_six(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await quick(door)
        text = {"content_type": "text/plain"}
        assert (await fetch(door, api, "/", "POST", b"x" * 5_000_000, **text)).status == 200
        for size in (6 * 1024 * 1024, 10 * 1024 * 1024 + 1):
            answer = await fetch(door, api, "/", "POST", b"x" * size, **text)
            assert (answer.status, answer.json) == (413, {"message": "Request Entity Too Large"})

    at_the_door(tmp_path, story)


def test_a_function_lets_an_api_in_by_its_policy(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door, "GET /pets/{id}", "$default")
        for source, pets, rest in (
            (f"{api}/*/*/pets/{{id}}", 200, 500),
            (f"{api}/$default/GET/pets/*", 200, 500),
            (f"{api}/*/$default", 500, 200),
            ("other/*", 500, 500),
        ):
            await forbid(door)
            await permit(door, source)
            assert (await fetch(door, api, "/pets/1")).status == pets, source
            assert (await fetch(door, api, "/else")).status == rest, source

    at_the_door(tmp_path, story)


def test_the_stage_s_variables_choose_the_alias(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        uri = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f:${{stageVariables.alias}}"
        target = await integrate(door, api, IntegrationUri=uri, CredentialsArn=ROLE)
        await ask(door, "create_route", ApiId=api, RouteKey="$default", Target=target)
        assert (await fetch(door, api)).status == 500
        await door.call("lambda", "publish_version", FunctionName="f")
        await door.call(
            "lambda", "create_alias", FunctionName="f", Name="live", FunctionVersion="1"
        )
        await ask(
            door, "update_stage", ApiId=api, StageName="$default", StageVariables={"alias": "live"}
        )
        assert (await fetch(door, api)).status == 200
        assert door.echo.invocations[-1].invoked_arn.endswith(":f:live")

    at_the_door(tmp_path, story)


ROLE = f"arn:aws:iam::{ACCOUNT}:role/gateway"


def test_browsers_hear_what_the_api_s_cors_says(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await quick(
            door,
            CorsConfiguration={
                "AllowOrigins": ["https://*", "http://one.example"], "AllowMethods": ["GET"],
                "AllowHeaders": ["x-a"], "MaxAge": 60,
            },
        )  # fmt: skip
        asked = {"access_control_request_method": "GET"}
        answer = await fetch(door, api, "/x", "OPTIONS", origin="https://any.example", **asked)
        assert (answer.status, answer.body) == (204, b"")
        assert answer["Access-Control-Allow-Origin"] == "https://any.example"
        assert answer["Access-Control-Max-Age"] == "60"
        answer = await fetch(door, api, "/x", "OPTIONS", origin="http://two.example", **asked)
        assert answer.status == 204
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
        assert door.echo.invocations == []
        answering(
            door,
            InvocationResult(
                b'{"statusCode": 200, "headers": {"access-control-allow-origin": "mine"}}'
            ),
        )
        answer = await fetch(door, api, "/x", origin="http://one.example")
        assert answer["Access-Control-Allow-Origin"] == "http://one.example"
        await ask(door, "delete_cors_configuration", ApiId=api)
        assert (await fetch(door, api, origin="http://one.example"))[
            "Access-Control-Allow-Origin"
        ] == "mine"

    at_the_door(tmp_path, story)


def test_with_aws_iam_the_account_s_own_may_if_they_sign_and_no_page(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        target = await integrate(door, api, PayloadFormatVersion="2.0")
        await ask(
            door, "create_route", ApiId=api, RouteKey="$default", Target=target,
            AuthorizationType="AWS_IAM",
        )  # fmt: skip
        assert (await fetch(door, api)).json == {"message": "Forbidden"}
        host = host_of(api)
        for service, account, status in (
            ("execute-api", ACCOUNT, 200), ("lambda", ACCOUNT, 403), ("execute-api", "2" * 12, 403),
        ):  # fmt: skip
            raw = signed(host, "GET", "/", name=service, key=account)
            assert (await door.send_raw(raw)).status == status
        iam = event(door)["requestContext"]["authorizer"]["iam"]
        assert (iam["accountId"], iam["userArn"]) == (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root")
        page = signed(host, "GET", "/", name="execute-api", Origin="https://evil.example")
        assert (await door.send_raw(page)).status == 403
        assert len(door.echo.invocations) == 1

    at_the_door(tmp_path, story)
