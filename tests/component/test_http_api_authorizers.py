"""Who may pass at a route with an authorizer: by a token, or because a function says so."""

import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from stoker.core.invocation import InvocationResult
from tests.front_door import ACCOUNT, REGION, Answer, Done, Door
from tests.http_apis import (
    ARN,
    OK,
    answering,
    ask,
    at_the_door,
    fetch,
    forbid,
    integrate,
    make,
    permit,
)
from tests.tokens import jwk, open_issuer, private_key, token

UNAUTHORIZED = (401, {"message": "Unauthorized"})
FORBIDDEN = (403, {"message": "Forbidden"})
FAILED = (500, {"message": "Internal Server Error"})
YES = InvocationResult(b'{"isAuthorized": true, "context": {"who": "me"}}')
NO = InvocationResult(b'{"isAuthorized": false}')


def told(answer: Answer) -> tuple[int, Any]:
    return answer.status, answer.json


async def guard(door: Door, api: str, key: str, authorizer: str, kind: str, **given: Any) -> None:
    """A route that asks this authorizer."""
    target = await integrate(door, api, PayloadFormatVersion=given.pop("Format", "2.0"))
    await ask(
        door, "create_route", ApiId=api, RouteKey=key, Target=target, AuthorizationType=kind,
        AuthorizerId=authorizer, **given,
    )  # fmt: skip


async def jwt(door: Door, api: str, issuer: str) -> str:
    made = await ask(
        door, "create_authorizer", ApiId=api, Name="jwt", AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer, "Audience": ["me"]},
    )  # fmt: skip
    return str(made["AuthorizerId"])


async def function(door: Door, api: str, *sources: str, **given: Any) -> str:
    asked = {
        "AuthorizerUri": ARN, "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True, **given,
    }  # fmt: skip
    made = await ask(
        door, "create_authorizer", ApiId=api, Name="function", AuthorizerType="REQUEST",
        IdentitySource=sources, **asked,
    )  # fmt: skip
    return str(made["AuthorizerId"])


def test_a_token_of_the_issuer_passes_and_the_function_hears_its_claims(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async with open_issuer() as issuer:
            api = await make(door)
            authorizer = await jwt(door, api, issuer.url)
            await guard(door, api, "GET /any", authorizer, "JWT")
            await guard(
                door, api, "GET /few", authorizer, "JWT", AuthorizationScopes=["admin", "read"]
            )
            claims = {"iss": issuer.url, "aud": "me", "exp": int(time.time()) + 600, "n": 7}
            good = f"Bearer {token({**claims, 'scope': 'read all'})}"
            assert (await fetch(door, api, "/few", authorization=good)).status == 200
            event = json.loads(door.echo.invocations[-1].event)
            found = event["requestContext"]["authorizer"]["jwt"]
            assert (found["claims"]["n"], found["scopes"]) == ("7", ["read", "all"])
            plain = token(claims)
            assert (await fetch(door, api, "/any", authorization=plain)).status == 200
            refused = await fetch(door, api, "/few", authorization=plain)
            assert told(refused) == FORBIDDEN
            assert 'error="insufficient_scope"' in refused["WWW-Authenticate"]
            assert told(await fetch(door, api, "/any")) == UNAUTHORIZED
            late = await fetch(door, api, "/any", authorization=token({**claims, "exp": 1}))
            assert told(late) == UNAUTHORIZED
            assert late["WWW-Authenticate"] == (
                'Bearer scope="" error="invalid_token" error_description="the token has expired"'
            )
            for forged in (token(claims, number=1), token(claims, kid="other"), "x.y.z"):
                assert told(await fetch(door, api, "/any", authorization=forged)) == UNAUTHORIZED
            # The keys are read once, whatever strangers ask for.
            assert issuer.asked == ["/.well-known/openid-configuration", "/keys"]
            assert len(door.echo.invocations) == 2

    at_the_door(tmp_path, story)


def test_an_issuer_that_is_not_there_lets_nobody_in(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async with open_issuer() as issuer:
            url = issuer.url
        api = await make(door)
        await guard(door, api, "$default", await jwt(door, api, url), "JWT")
        claims = {"iss": url, "aud": "me", "exp": int(time.time()) + 600}
        assert told(await fetch(door, api, authorization=token(claims))) == UNAUTHORIZED
        assert door.echo.invocations == []

    at_the_door(tmp_path, story)


def test_no_issuer_sends_the_server_to_its_own_api(tmp_path: Path) -> None:
    """Who may make an authorizer could write a signature of anybody's there."""

    async def story(door: Door) -> None:
        def signed(query: str) -> str:
            scope = f"{'2' * 12}/20260101/{REGION}/sqs/aws4_request"
            said = {
                "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": scope,
                "X-Amz-Date": "20260101T000000Z", "X-Amz-Expires": "604800",
                "X-Amz-SignedHeaders": "host", "X-Amz-Signature": "0",
            }  # fmt: skip
            return f"/?{query}&Version=2012-11-05&{urlencode(said)}"

        async with open_issuer() as issuer:
            issuer.keys_at = door.url + signed("Action=CreateQueue&QueueName=theirs")
            api = await make(door)
            await guard(door, api, "$default", await jwt(door, api, issuer.url), "JWT")
            text = token({"iss": issuer.url, "aud": "me", "exp": int(time.time()) + 600})
            assert (await fetch(door, api, authorization=text)).status == 401
            assert issuer.asked == ["/.well-known/openid-configuration"]
        mine = await door.send("GET", signed("Action=CreateQueue&QueueName=mine"))
        assert mine.status == 200, "so can such a request be"
        queues = (await door.send("GET", signed("Action=ListQueues"))).body
        assert b"/mine" in queues
        assert b"/theirs" not in queues

    at_the_door(tmp_path, story)


def test_a_new_key_is_found_once_the_old_answer_is_old(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async with open_issuer() as issuer:
            issuer.keys = []
            api = await make(door)
            await guard(door, api, "$default", await jwt(door, api, issuer.url), "JWT")
            text = token({"iss": issuer.url, "aud": "me", "exp": int(time.time()) + 600})
            assert (await fetch(door, api, authorization=text)).status == 401
            issuer.keys = [jwk(private_key())]
            door.clock.now += 3600
            assert (await fetch(door, api, authorization=text)).status == 200

    at_the_door(tmp_path, story)


def test_a_function_lets_pass_and_its_answer_is_kept_by_identity(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        sources = ("$request.header.Authorization", "$request.querystring.who")
        authorizer = await function(door, api, *sources)
        await guard(door, api, "GET /{x}", authorizer, "CUSTOM")
        assert told(await fetch(door, api, "/a", authorization="k")) == UNAUTHORIZED
        assert door.echo.invocations == []
        answering(door, YES, OK)
        assert (await fetch(door, api, "/a?who=me", authorization="k")).status == 200
        asked, event = (json.loads(one.event) for one in door.echo.invocations)
        assert (asked["type"], asked["identitySource"]) == ("REQUEST", ["k", "me"])
        assert asked["routeArn"] == (f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/$default/GET/a")
        assert event["requestContext"]["authorizer"] == {"lambda": {"who": "me"}}
        assert (await fetch(door, api, "/b?who=me", authorization="k")).status == 200
        assert len(door.echo.invocations) == 3  # the authorizer was asked once
        answering(door, NO)
        assert told(await fetch(door, api, "/a?who=you", authorization="k")) == FORBIDDEN
        door.clock.now += 299
        answering(door, OK)
        assert (await fetch(door, api, "/a?who=me", authorization="k")).status == 200
        answering(door, NO)
        door.clock.now += 1
        assert told(await fetch(door, api, "/a?who=me", authorization="k")) == FORBIDDEN
        answering(door, YES, OK)
        assert (await fetch(door, api, "/a?who=they", authorization="k")).status == 200
        answering(door, NO)
        await ask(door, "reset_authorizers_cache", ApiId=api, StageName="$default")
        assert told(await fetch(door, api, "/a?who=they", authorization="k")) == FORBIDDEN

    at_the_door(tmp_path, story)


def test_a_policy_in_format_1_0_is_asked_for_every_path(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        authorizer = await function(
            door, api, "$request.header.Authorization",
            AuthorizerPayloadFormatVersion="1.0", EnableSimpleResponses=False,
        )  # fmt: skip
        await guard(door, api, "GET /{x}", authorizer, "CUSTOM", Format="1.0")
        resource = f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api}/$default/GET/a"
        statement = {"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resource}
        policy = {
            "principalId": "p", "policyDocument": {"Statement": [statement]}, "context": {"c": "d"},
        }  # fmt: skip
        answering(door, InvocationResult(json.dumps(policy).encode()), OK)
        assert (await fetch(door, api, "/a", authorization="k")).status == 200
        asked, event = (json.loads(one.event) for one in door.echo.invocations)
        assert (asked["methodArn"], asked["authorizationToken"]) == (resource, "k")
        assert event["requestContext"]["authorizer"] == {"c": "d", "principalId": "p"}
        assert told(await fetch(door, api, "/b", authorization="k")) == FORBIDDEN
        assert len(door.echo.invocations) == 2

    at_the_door(tmp_path, story)


def test_an_authorizer_that_never_answers_is_a_500(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("stoker.api.http_authorizers.TIMEOUT_S", 0.01)
    held: list[Done] = []

    async def story(door: Door) -> None:
        api = await make(door)
        authorizer = await function(door, api, "$request.header.Authorization")
        await guard(door, api, "$default", authorizer, "CUSTOM")
        door.echo.answer = lambda _, done: held.append(done)
        assert told(await fetch(door, api, authorization="k")) == FAILED
        held[0](YES)  # too late, and harmless

    at_the_door(tmp_path, story)


def test_an_authorizer_that_fails_is_a_500_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        api = await make(door)
        authorizer = await function(door, api, "$request.header.Authorization")
        await guard(door, api, "$default", authorizer, "CUSTOM")
        for answer, expected in (
            (InvocationResult(b"{}", function_error="Unhandled"), FAILED),
            (InvocationResult(b"[]"), FAILED),
            (InvocationResult(b'{"isAuthorized": true, "x": "%b"}' % (b"x" * 70_000)), FAILED),
            (
                InvocationResult(b'{"errorMessage": "Unauthorized"}', function_error="Unhandled"),
                UNAUTHORIZED,
            ),
        ):
            answering(door, answer)
            assert told(await fetch(door, api, authorization="k")) == expected
        assert len(door.echo.invocations) == 4
        answering(door, YES)
        await forbid(door)
        assert told(await fetch(door, api, authorization="k")) == FAILED
        await permit(door, f"{api}/authorizers/{authorizer}")
        assert told(await fetch(door, api, authorization="k")) == FAILED  # not the integration
        assert len(door.echo.invocations) == 5

    at_the_door(tmp_path, story)
