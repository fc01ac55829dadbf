"""Who passes at a REST API, and with what: Lambda authorizers, API keys, validators."""

import json
from pathlib import Path
from typing import Any

import pytest

from stoker.core.invocation import InvocationResult
from tests.front_door import REGION, Done, Door
from tests.http_apis import OK, URI, answering, at_the_door, forbid
from tests.rest_apis import PROXY, X, ask, definition, deploy, fetch, make, told

UNAUTHORIZED = (401, {"message": "Unauthorized"})
FORBIDDEN = (403, {"message": "Forbidden"})
CANNOT_ASK = (500, {"message": None})


def policy(effect: str, resource: str = "*", **more: Any) -> InvocationResult:
    statement = {"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}
    answer = {"principalId": "me", "policyDocument": {"Statement": [statement]}, **more}
    return InvocationResult(json.dumps(answer).encode())


def thrown(message: str) -> InvocationResult:
    return InvocationResult(json.dumps({"errorMessage": message}).encode(), "Unhandled")


async def guarded(door: Door, kind: str, **given: Any) -> str:
    asks = {"type": kind, "authorizerUri": URI, "authorizerResultTtlInSeconds": 300, **given}
    scheme = {"type": "apiKey", "name": "Authorization", "in": "header", f"{X}-authorizer": asks}
    method = {**PROXY, "security": [{"asks": []}]}
    paths = {"/{id}": {"get": method}, "/open": {"get": PROXY}}
    return await make(door, paths, securityDefinitions={"asks": scheme})


def test_a_token_is_shown_and_what_was_answered_is_kept_for_a_while(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await guarded(door, "token", identityValidationExpression="[a-z]+( .*)?")
        assert told(await fetch(door, api, "/1")) == UNAUTHORIZED
        assert told(await fetch(door, api, "/1", authorization="1!")) == UNAUTHORIZED
        assert not door.echo.invocations
        answering(door, policy("Allow", context={"n": 1}), OK)
        assert (await fetch(door, api, "/1", authorization="abc")).body == b"fine"
        asked, event = (json.loads(one.event) for one in door.echo.invocations)
        assert asked == {
            "type": "TOKEN", "authorizationToken": "abc",
            "methodArn": f"arn:aws:execute-api:{REGION}:123456789012:{api}/dev/GET/1",
        }  # fmt: skip
        found = event["requestContext"]["authorizer"]
        assert {**found, "integrationLatency": 0} == {
            "principalId": "me", "n": "1", "integrationLatency": 0,
        }  # fmt: skip
        await fetch(door, api, "/2", authorization="abc")
        assert len(door.echo.invocations) == 3  # the policy is for both
        answering(door, policy("Allow"), OK)
        await fetch(door, api, "/1", authorization="other")
        assert len(door.echo.invocations) == 5
        door.clock.now += 301
        answering(door, policy("Deny"))
        assert (await fetch(door, api, "/1", authorization="abc")).status == 403
        assert (await fetch(door, api, "/1", authorization="abc")).status == 403
        assert len(door.echo.invocations) == 6
        await ask(door, "flush_stage_authorizers_cache", restApiId=api, stageName="dev")
        answering(door, policy("Allow"), OK)
        assert (await fetch(door, api, "/1", authorization="abc")).status == 200
        assert (await fetch(door, api, "/open")).status == 200

    at_the_door(tmp_path, story)


def test_no_answer_of_an_authorizer_lets_nobody_pass(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await guarded(door, "token", authorizerResultTtlInSeconds=0)
        for answer, status in (
            (policy("Allow", "arn:*/POST/*"), 403), (policy("Deny"), 403),
            (thrown("Unauthorized"), 401), (thrown("unauthorized"), 500),
            (InvocationResult(b"{}"), 500), (policy("Allow", context={"a": []}), 500),
        ):  # fmt: skip
            answering(door, answer)
            found = await fetch(door, api, "/1", authorization="abc")
            assert found.status == status
            assert (status == 500) is (told(found) == CANNOT_ASK)
        message = "User is not authorized to access this resource"
        answering(door, policy("Allow", "nothing"))
        found = await fetch(door, api, "/1", authorization="abc")
        assert told(found) == (403, {"Message": message})
        await forbid(door)
        assert told(await fetch(door, api, "/1", authorization="abc")) == CANNOT_ASK

    at_the_door(tmp_path, story)


def test_an_authorizer_that_never_answers_lets_nobody_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stoker.api.rest.authorizers.TIMEOUT_S", 0.01)
    held: list[Done] = []

    async def story(door: Door) -> None:
        api = await guarded(door, "token")
        door.echo.answer = lambda _, done: held.append(done)
        for _ in range(2):  # nothing of it is kept
            assert told(await fetch(door, api, "/1", authorization="abc")) == CANNOT_ASK
        assert len(held) == 2
        held[0](policy("Allow"))  # too late, and harmless

    at_the_door(tmp_path, story)


def test_an_authorizer_sees_the_request_by_whose_parts_it_is_kept(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        sources = "method.request.header.X-Who, method.request.querystring.q, context.stage"
        api = await guarded(door, "request", identitySource=sources)
        assert told(await fetch(door, api, "/1", x_who="me")) == UNAUTHORIZED
        answering(door, policy("Allow"), OK)
        assert (await fetch(door, api, "/1?q=a", x_who="me")).status == 200
        asked = json.loads(door.echo.invocations[0].event)
        assert (asked["type"], asked["path"], asked["httpMethod"]) == ("REQUEST", "/1", "GET")
        assert asked["queryStringParameters"] == {"q": "a"}
        assert asked["headers"]["X-Who"] == "me"
        assert "body" not in asked
        assert (await fetch(door, api, "/1?q=a", x_who="me")).status == 200
        assert len(door.echo.invocations) == 3
        answering(door, policy("Deny"))
        assert (await fetch(door, api, "/1?q=b", x_who="me")).status == 403

    at_the_door(tmp_path, story)


def test_a_key_opens_the_stages_of_its_plans(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        method = {**PROXY, "security": [{"key": []}]}
        scheme = {"type": "apiKey", "name": "x-api-key", "in": "header"}
        api = await make(door, {"/": {"get": method}}, securityDefinitions={"key": scheme})
        key = await ask(door, "create_api_key", name="k", enabled=True)
        plan = (await ask(door, "create_usage_plan", name="p"))["id"]
        value = key["value"]
        assert told(await fetch(door, api, x_api_key=value)) == FORBIDDEN
        stage = [{"op": "add", "path": "/apiStages", "value": f"{api}:dev"}]
        await ask(door, "update_usage_plan", usagePlanId=plan, patchOperations=stage)
        await ask(
            door, "create_usage_plan_key", usagePlanId=plan, keyId=key["id"], keyType="API_KEY"
        )
        assert told(await fetch(door, api)) == FORBIDDEN
        assert told(await fetch(door, api, x_api_key="x" * 40)) == FORBIDDEN
        assert (await fetch(door, api, x_api_key=value)).body == b"fine"
        identity = json.loads(door.echo.invocations[-1].event)["requestContext"]["identity"]
        assert (identity["apiKey"], identity["apiKeyId"]) == (value, key["id"])
        off = [{"op": "replace", "path": "/enabled", "value": "false"}]
        await ask(door, "update_api_key", apiKey=key["id"], patchOperations=off)
        assert told(await fetch(door, api, x_api_key=value)) == FORBIDDEN
        listed = (await ask(door, "get_api_keys"))["items"]
        assert [(one["id"], "value" in one) for one in listed] == [(key["id"], False)]

    at_the_door(tmp_path, story)


def test_a_validator_looks_before_anything_is_called(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        method = {
            **PROXY,
            "parameters": [
                {"in": "query", "name": "q", "required": True},
                {"in": "header", "name": "X-H", "required": True},
                {"in": "body", "name": "b", "schema": {"$ref": "#/definitions/Pet"}},
            ],
            f"{X}-request-validator": "all",
        }
        pet = {"type": "object", "required": ["name"]}
        validators = {"all": {"validateRequestBody": True, "validateRequestParameters": True}}
        api = await make(
            door, {"/": {"post": method}}, definitions={"Pet": pet},
            **{f"{X}-request-validators": validators},
        )  # fmt: skip
        missing = "Missing required request parameters: [q, X-H]"
        assert told(await fetch(door, api, "/", "POST")) == (400, {"message": missing})
        bad = (400, {"message": "Invalid request body"})
        for body in (b"", b"{", b"{}", b"[]"):
            assert told(await fetch(door, api, "/?q=1", "POST", body, x_h="1")) == bad
        assert not door.echo.invocations
        good = b'{"name": "x"}'
        assert (await fetch(door, api, "/?q=1", "POST", good, x_h="1")).status == 200
        answer = await fetch(door, api, "/?q=1", "POST", b"{", x_h="1", content_type="text/x")
        assert answer.status == 200  # no model is for that

    at_the_door(tmp_path, story)


def test_put_rest_api_takes_the_place_of_what_was(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await guarded(door, "token")
        body = definition({"/new": {"get": PROXY}})
        await ask(door, "put_rest_api", restApiId=api, mode="overwrite", body=body)
        assert (await ask(door, "get_authorizers", restApiId=api))["items"] == []
        found = (await ask(door, "get_resources", restApiId=api))["items"]
        assert sorted(one["path"] for one in found) == ["/", "/new"]
        assert (await fetch(door, api, "/open")).status == 200
        await deploy(door, api)
        assert (await fetch(door, api, "/open")).status == 403
        assert (await fetch(door, api, "/new")).body == b"fine"

    at_the_door(tmp_path, story)
