"""Who passes at a method of a REST API that a user pool of Cognito guards."""

import asyncio
import json
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stoker.core.neighbours import Endpoints
from stoker.neighbours.embedded import Embedded
from stoker.neighbours.neighbours import Neighbours
from tests.front_door import ACCOUNT, REGION, Door, create_function, open_door
from tests.http_apis import OK, answering, permit
from tests.rest_apis import PROXY, X, fetch, make, told
from tests.tokens import Issuer, open_issuer, token

POOL = f"{REGION}_abc"
ISSUER = f"https://cognito-idp.{REGION}.amazonaws.com/{POOL}"
ARN = f"arn:aws:cognito-idp:{REGION}:{ACCOUNT}:userpool/{POOL}"
UNAUTHORIZED = (401, {"message": "Unauthorized"})
Story = Callable[[Door, Issuer], Awaitable[None]]


async def nobody(listener: socket.socket) -> None:
    """Is embedded here."""


def with_a_pool(folder: Path, story: Story) -> None:
    """At a door where function `f` answers "fine", and Cognito is somebody else's."""

    async def main() -> None:
        async with open_issuer() as issuer:
            endpoints = Endpoints({"cognito-idp": issuer.url}, embedded=False)
            neighbours = Neighbours(endpoints, Embedded(folder / "neighbours", nobody, 1.0, 0))
            try:
                async with open_door(folder, neighbours=neighbours) as door:
                    await create_function(door)
                    await permit(door)
                    answering(door, OK)
                    await story(door, issuer)
            finally:
                await neighbours.close()

    asyncio.run(main())


async def guarded(door: Door, arn: str = ARN, **given: Any) -> str:
    """/ wants an identity token, /scoped an access token that may read."""
    asks = {"type": "cognito_user_pools", "providerARNs": [arn], **given}
    scheme = {"type": "apiKey", "name": "Authorization", "in": "header", f"{X}-authorizer": asks}
    paths = {
        "/": {"get": {**PROXY, "security": [{"pool": []}]}},
        "/scoped": {"get": {**PROXY, "security": [{"pool": ["books/read"]}]}},
    }
    return await make(door, paths, securityDefinitions={"pool": scheme})


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    base = {"iss": ISSUER, "sub": "ann", "aud": "site", "token_use": "id", "auth_time": 7}
    return {**base, "iat": now, "exp": now + 3600, **more}


ACCESS = {"token_use": "access", "aud": None, "client_id": "site"}


def test_an_identity_token_of_the_pool_passes_and_its_claims_are_told(tmp_path: Path) -> None:
    async def story(door: Door, issuer: Issuer) -> None:
        api = await guarded(door)
        given = claims(exp=4_102_444_800, email_verified=True, **{"cognito:groups": ["a", "b"]})
        for text in (token(given), f"Bearer {token(given)}"):
            assert (await fetch(door, api, "/", authorization=text)).body == b"fine"
        assert issuer.asked == [f"/{POOL}/.well-known/jwks.json"], "its keys are kept"
        event = json.loads(door.echo.invocations[-1].event)
        found = event["requestContext"]["authorizer"]
        assert list(found) == ["claims"]
        assert found["claims"]["exp"] == "Fri Jan 01 00:00:00 UTC 2100"
        assert {**found["claims"], "iat": ""} == {
            "iss": ISSUER, "sub": "ann", "aud": "site", "token_use": "id", "auth_time": "7",
            "email_verified": "true", "cognito:groups": "a,b", "iat": "",
            "exp": "Fri Jan 01 00:00:00 UTC 2100",
        }  # fmt: skip

    with_a_pool(tmp_path, story)


def test_what_is_no_such_token_is_unauthorized(tmp_path: Path) -> None:
    async def story(door: Door, _issuer: Issuer) -> None:
        api = await guarded(door)
        assert told(await fetch(door, api, "/")) == UNAUTHORIZED
        for text in (
            "a.b.c",
            token(claims(), number=1),  # another key
            token(claims(), kid="two"),
            token(claims(iss=f"{ISSUER}x")),
            token(claims(token_use="access")),
            token(claims(aud=["site"])),
            token(claims(exp="soon")),
            token(claims(nbf=time.time() + 3600)),
        ):
            assert told(await fetch(door, api, "/", authorization=text)) == UNAUTHORIZED
        late = token(claims(exp=1))
        expired = (401, {"message": "The incoming token has expired"})
        assert told(await fetch(door, api, "/", authorization=late)) == expired
        assert not door.echo.invocations

    with_a_pool(tmp_path, story)


def test_a_method_with_scopes_wants_an_access_token_that_has_one(tmp_path: Path) -> None:
    async def story(door: Door, _issuer: Issuer) -> None:
        api = await guarded(door)
        for given, status in (
            (claims(**ACCESS, scope="openid books/read"), 200),
            (claims(**ACCESS, scope="books/write"), 401),
            (claims(**ACCESS), 401),
            (claims(scope="books/read"), 401),
        ):
            found = await fetch(door, api, "/scoped", authorization=token(given))
            assert found.status == status

    with_a_pool(tmp_path, story)


def test_the_audience_may_have_to_match(tmp_path: Path) -> None:
    async def story(door: Door, _issuer: Issuer) -> None:
        api = await guarded(door, identityValidationExpression="si[a-z]+")
        for audience, status in (("site", 200), ("other", 401), ("site2", 401)):
            text = token(claims(aud=audience))
            assert (await fetch(door, api, "/", authorization=text)).status == status

    with_a_pool(tmp_path, story)


@pytest.mark.parametrize("arn", [ARN, "arn:aws:cognito-idp:::userpool/x"])
def test_a_pool_that_says_nothing_lets_nobody_pass(tmp_path: Path, arn: str) -> None:
    async def story(door: Door, issuer: Issuer) -> None:
        issuer.keys = "none"  # type: ignore[assignment]
        api = await guarded(door, arn)
        found = await fetch(door, api, "/", authorization=token(claims()))
        assert found.status == 401 and not door.echo.invocations

    with_a_pool(tmp_path, story)
