"""REST APIs at the front door: what reaches the function, and what its answers become."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from stoker.core.errors import TooManyRequestsException
from stoker.core.invocation import Invocation, InvocationResult
from tests.front_door import ACCOUNT, REGION, Done, Door, open_door, refused, signed, target_of
from tests.http_apis import OK, URI, answering, at_the_door, forbid, host_of, permit
from tests.rest_apis import PROXY, X, ask, definition, deploy, fetch, make, mapped, told

MISSING = (403, {"message": "Missing Authentication Token"})
FORBIDDEN = (403, {"message": "Forbidden"})
BROKEN = (500, {"message": "Internal server error"})


def error(message: str) -> InvocationResult:
    payload = json.dumps({"errorMessage": message, "errorType": "E"}).encode()
    return InvocationResult(payload, function_error="Unhandled")


def test_a_deployment_is_a_copy(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door, {"/a": {"get": PROXY}})
        assert (await fetch(door, api, "/a")).body == b"fine"
        assert told(await fetch(door, api, "/a", "POST")) == MISSING
        more = definition({"/a": {"post": PROXY}})
        await ask(door, "put_rest_api", restApiId=api, mode="merge", body=more)
        assert told(await fetch(door, api, "/a", "POST")) == MISSING
        first = (await ask(door, "get_deployments", restApiId=api))["items"][0]["id"]
        second = await deploy(door, api)
        assert (await fetch(door, api, "/a", "POST")).body == b"fine"
        assert (await fetch(door, api, "/a")).body == b"fine"
        back = [{"op": "replace", "path": "/deploymentId", "value": first}]
        await ask(door, "update_stage", restApiId=api, stageName="dev", patchOperations=back)
        assert told(await fetch(door, api, "/a", "POST")) == MISSING
        with pytest.raises(door.client("apigateway").exceptions.BadRequestException):
            await ask(door, "delete_deployment", restApiId=api, deploymentId=first)
        await ask(door, "delete_deployment", restApiId=api, deploymentId=second)
        await ask(door, "delete_stage", restApiId=api, stageName="dev")
        assert told(await fetch(door, api, "/a")) == FORBIDDEN

    at_the_door(tmp_path, story)


def test_an_api_is_served_again_after_a_restart(tmp_path: Path) -> None:
    apis: list[str] = []

    async def before(door: Door) -> None:
        apis.append(await make(door, {"/a": {"get": PROXY}}))

    async def after() -> None:
        async with open_door(tmp_path) as door:
            answering(door, OK)
            assert (await fetch(door, apis[0], "/a")).body == b"fine"
        async with open_door(tmp_path, inside=target_of()) as door:
            answering(door, OK)
            path = f"/restapis/{apis[0]}/dev/_user_request_/a"
            assert (await door.send("GET", path)).body == b"fine"
            call = door.call("apigateway", "get_rest_apis")
            assert (await refused(call))[:2] == (403, "AccessDeniedException")

    at_the_door(tmp_path, before)
    asyncio.run(after())


def test_a_function_must_let_the_method_in(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door, {"/pets/{id}": {"get": PROXY}})
        for source, status in (
            (f"{api}/*/*/*", 200), (f"{api}/dev/GET/pets/*", 200),
            (f"{api}/*/GET/pets/{{id}}", 200), (f"{api}/dev/POST/pets/*", 500),
            (f"{api}/prod/*/*", 500), ("other/*", 500),
        ):  # fmt: skip
            await forbid(door)
            await permit(door, source)
            assert (await fetch(door, api, "/pets/7")).status == status, source
        await forbid(door)
        role = f"arn:aws:iam::{ACCOUNT}:role/caller"
        with_role = {f"{X}-integration": {**PROXY[f"{X}-integration"], "credentials": role}}
        api = await make(door, {"/": {"get": with_role}})
        assert (await fetch(door, api)).status == 200

    at_the_door(tmp_path, story)


def test_a_slow_function_is_not_waited_for(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        slow = {**PROXY[f"{X}-integration"], "timeoutInMillis": 50}
        api = await make(door, {"/": {"get": {f"{X}-integration": slow}}})
        kept: list[Done] = []
        door.echo.answer = lambda _, done: kept.append(done)
        late = (504, {"message": "Endpoint request timed out"})
        assert told(await fetch(door, api)) == late
        kept[0](OK)  # nobody waits any more
        answering(door, TooManyRequestsException("Rate Exceeded."))
        assert told(await fetch(door, api)) == BROKEN

    at_the_door(tmp_path, story)


def test_patterns_choose_the_response_and_templates_make_it(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        responses = {
            "default": {"statusCode": "200", "responseTemplates": {
                "application/json": '{"in": $input.json("$")}', "text/plain": "plain",
            }},
            "Bad.*": {"statusCode": "400", "responseParameters": {
                "method.response.header.X-Said": "integration.response.body.errorMessage",
                "method.response.header.X-Who": "context.apiId",
            }},
            "Lost": {"statusCode": "404"},
            "Tea.*": {"statusCode": "409", "responseTemplates": {
                "text/html": "#set($context.responseOverride.status = 418)"
                "#set($context.responseOverride.header.X-Tea = 'pot')short",
            }},
        }  # fmt: skip
        api = await make(door, {"/": {"post": mapped(responses=responses)}})
        answering(door, InvocationResult(b"[1]"))
        answer = await fetch(door, api, "/", "POST", b'{"a": 1}')
        assert told(answer) == (200, {"in": [1]})
        assert door.echo.invocations[-1].event == b'{"a": 1}'
        answer = await fetch(door, api, "/", "POST", accept="text/plain")
        assert (answer.body, answer["Content-Type"]) == (b"plain", "text/plain")
        assert door.echo.invocations[-1].event == b"{}"
        answering(door, error("Bad thing"))
        answer = await fetch(door, api, "/", "POST")
        assert told(answer) == (400, {"errorMessage": "Bad thing", "errorType": "E"})
        assert (answer["X-Said"], answer["X-Who"]) == ("Bad thing", api)
        answering(door, error("not Bad"))
        assert (await fetch(door, api, "/", "POST")).status == 200
        answering(door, error("Lost"))  # 404 is none of the method's
        assert told(await fetch(door, api, "/", "POST")) == BROKEN
        answering(door, error("Tea time"))
        answer = await fetch(door, api, "/", "POST")
        assert (answer.status, answer["X-Tea"], answer.body) == (418, "pot", b"short")
        count = len(door.echo.invocations)
        assert (await fetch(door, api, "/", "POST", b"{no json")).status == 200
        assert len(door.echo.invocations) == count

    at_the_door(tmp_path, story)


def test_what_has_no_template_is_handed_on_or_not(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        behaviors = ("when_no_match", "when_no_templates", "never")
        templates = {"application/json": '{"t": 1}'}
        api = await make(door, {
            f"/{one}": {"post": mapped(passthroughBehavior=one, requestTemplates=templates)}
            for one in behaviors
        })  # fmt: skip
        for one in behaviors:
            kind = "application/json; charset=utf-8"
            answer = await fetch(door, api, f"/{one}", "POST", b'{"b": 2}', content_type=kind)
            assert (answer.status, event_of(door)) == (200, {"t": 1})
            answer = await fetch(door, api, f"/{one}", "POST", b'{"b": 2}', content_type="text/x")
            if one == "when_no_match":
                assert (answer.status, event_of(door)) == (200, {"b": 2})
            else:
                assert told(answer) == (415, {"message": "Unsupported Media Type"})

    at_the_door(tmp_path, story)


def test_an_integration_may_have_its_function_run_later(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        header = {"integration.request.header.X-Amz-Invocation-Type": "'Event'"}
        api = await make(door, {"/": {"post": mapped(requestParameters=header)}})
        ran: asyncio.Queue[Invocation] = asyncio.Queue()

        def answer(invocation: Invocation, done: Done) -> None:
            ran.put_nowait(invocation)
            done(OK)

        door.echo.answer = answer
        answered = await fetch(door, api, "/", "POST", b'{"later": 1}')
        assert (answered.status, answered.body) == (200, b"")
        async with asyncio.timeout(60):
            assert (await ran.get()).event == b'{"later": 1}'

    at_the_door(tmp_path, story)


def test_a_template_that_fails_is_the_apis_fault_and_one_that_is_none_is_refused(
    tmp_path: Path,
) -> None:
    async def story(door: Door) -> None:
        for_ever = "#foreach($i in [1..99999999])$i#end"
        method = mapped(requestTemplates={"application/json": for_ever})
        api = await make(door, {"/": {"post": method}})
        assert told(await fetch(door, api, "/", "POST")) == BROKEN
        assert not door.echo.invocations
        for more in (
            {"requestTemplates": {"application/json": "#if("}},
            {"responses": {"(": {"statusCode": "200"}}},
            {"responses": {"default": {"statusCode": "200", "responseTemplates": {"a": "#end"}}}},
            {"responses": {"default": {"statusCode": "99"}}},
        ):
            body = definition({"/": {"post": mapped(**more)}})
            status, code, _ = await refused(door.call("apigateway", "import_rest_api", body=body))
            assert (status, code) == (400, "BadRequestException")

    at_the_door(tmp_path, story)


def test_a_body_may_have_ten_megabytes_and_an_event_six(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door, {"/": {"post": PROXY, "put": mapped()}})
        for method in ("POST", "PUT"):
            answer = await fetch(door, api, "/", method, b'"%b"' % (b"x" * 6_300_000))
            assert told(answer) == (413, {"message": "Request Too Long"})
        answer = await fetch(door, api, "/", "POST", b"x" * 10_485_761)
        message = "HTTP content length exceeded 10485760 bytes."
        assert told(answer) == (413, {"message": message})

    at_the_door(tmp_path, story)


def test_gateway_responses_say_it_as_the_api_wants(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        own = {
            "MISSING_AUTHENTICATION_TOKEN": {
                "statusCode": 404,
                "responseTemplates": {"application/json": '{"no": $context.error.messageString}'},
            },
            "DEFAULT_5XX": {"responseParameters": {
                "gatewayresponse.header.Access-Control-Allow-Origin": "'*'",
                "gatewayresponse.header.X-Asked": "method.request.header.X-Mine",
                "gatewayresponse.header.X-Id": "context.requestId",
            }},
        }  # fmt: skip
        api = await make(door, {"/a": {"get": PROXY}}, **{f"{X}-gateway-responses": own})
        answer = await fetch(door, api, "/b")
        assert told(answer) == (404, {"no": "Missing Authentication Token"})
        await forbid(door)
        answer = await fetch(door, api, "/a", x_mine="mine")
        assert told(answer) == BROKEN
        assert (answer["Access-Control-Allow-Origin"], answer["X-Asked"]) == ("*", "mine")
        assert answer["X-Id"] == answer["x-amzn-RequestId"]

    at_the_door(tmp_path, story)


def test_lists_go_on_where_they_ended(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door, {f"/r{number}": {"get": PROXY} for number in range(6)})
        seen: list[str] = []
        position: dict[str, str] = {}
        while True:
            found = await ask(door, "get_resources", restApiId=api, limit=3, **position)
            seen += [one["path"] for one in found["items"]]
            if "position" not in found:
                break
            position = {"position": found["position"]}
        assert sorted(seen) == ["/", *(f"/r{number}" for number in range(6))]
        whole = await ask(door, "get_resources", restApiId=api, embed=["methods"])
        one = next(one for one in whole["items"] if one["path"] == "/r1")
        assert one["resourceMethods"]["GET"]["methodIntegration"]["type"] == "AWS_PROXY"
        for wrong in ({"limit": 0}, {"position": "?"}):
            call = door.call("apigateway", "get_resources", restApiId=api, **wrong)
            assert (await refused(call))[1] == "BadRequestException"

    at_the_door(tmp_path, story)


def test_tags_belong_to_apis_stages_keys_and_plans(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door, {"/": {"get": PROXY}})
        key = (await ask(door, "create_api_key"))["id"]
        plan = (await ask(door, "create_usage_plan", name="p"))["id"]
        for name in (f"restapis/{api}", f"restapis/{api}/stages/dev", f"apikeys/{key}",
                     f"usageplans/{plan}"):  # fmt: skip
            arn = f"arn:aws:apigateway:{REGION}::/{name}"
            await ask(door, "tag_resource", resourceArn=arn, tags={"a": "1", "b": "2"})
            await ask(door, "untag_resource", resourceArn=arn, tagKeys=["a", "none"])
            assert (await ask(door, "get_tags", resourceArn=arn))["tags"] == {"b": "2"}
        wrong = door.call("apigateway", "get_tags", resourceArn="arn:aws:apigateway:x::/a/b")
        assert (await refused(wrong))[0] == 400
        stage = await ask(door, "get_stage", restApiId=api, stageName="dev")
        assert stage["tags"] == {"b": "2"}

    at_the_door(tmp_path, story)


def test_binary_bodies_come_and_go_through_templates(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        binary = {"default": {"statusCode": "200", "contentHandling": "CONVERT_TO_BINARY"}}
        template = {"image/png": '{"text": "$input.body"}'}
        method = mapped(
            requestTemplates=template, contentHandling="CONVERT_TO_TEXT", responses=binary
        )
        more = {f"{X}-binary-media-types": ["image/*"]}
        api = await make(door, {"/": {"post": method}}, **more)
        answering(door, InvocationResult(b'"AAH/"'))
        answer = await fetch(door, api, "/", "POST", b"\0\1", content_type="image/png")
        assert (answer.status, answer.body) == (200, b"\0\1\xff")
        assert event_of(door) == {"text": "AAE="}
        answering(door, InvocationResult(b'"A"'))
        answer = await fetch(door, api, "/", "POST", b"\0", content_type="image/png")
        assert told(answer) == BROKEN

    at_the_door(tmp_path, story)


def test_bytes_that_are_no_text_reach_the_function_as_text(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        asks = {"type": "request", "authorizerUri": URI, "authorizerResultTtlInSeconds": 0}
        scheme = {"type": "apiKey", "name": "X", "in": "header", f"{X}-authorizer": asks}
        method = {**PROXY, "security": [{"asks": []}]}
        paths = {"/a/{all+}": {"get": PROXY}, "/b/{all+}": {"get": method}}
        api = await make(door, paths, securityDefinitions={"asks": scheme})
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        granted = {"principalId": "p", "policyDocument": {"Statement": allow}}
        for path in (b"a", b"b"):
            answering(door, *[InvocationResult(json.dumps(granted).encode())] * (path == b"b"), OK)
            head = b"GET /dev/%b/%%ff%%ed%%a0%%80?%%fe=%%fe HTTP/1.1\r\nHost: %b\r\n" % (
                path, host_of(api).encode(),
            )  # fmt: skip
            odd = b"X-Odd: \xff\xed\xa0\x80\r\nUser-Agent: \xff\r\n\r\n"
            answer = await door.send_raw(head + odd)
            assert answer.status == 200

    at_the_door(tmp_path, story)


def test_a_signature_is_asked_for_and_its_account(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door, {"/": {"get": {**PROXY, f"{X}-auth": {"type": "AWS_IAM"}}}})
        host = host_of(api)
        assert told(await fetch(door, api)) == MISSING
        ours = signed(host, "GET", "/dev/", name="execute-api")
        assert (await door.send_raw(ours)).body == b"fine"
        identity = event_of(door)["requestContext"]["identity"]
        assert (identity["accountId"], identity["userArn"]) == (
            ACCOUNT,
            f"arn:aws:iam::{ACCOUNT}:root",
        )
        for wrong in ({"name": "lambda"}, {"name": "execute-api", "key": "222222222222"}):
            assert (await door.send_raw(signed(host, "GET", "/dev/", **wrong))).status == 403
        page = signed(host, "GET", "/dev/", name="execute-api", origin="http://evil.example")
        assert (await door.send_raw(page)).status == 403

    at_the_door(tmp_path, story)


def event_of(door: Door) -> Any:
    return json.loads(door.echo.invocations[-1].event)
