"""Who may pass at a route with an authorizer: a token is genuine, or a function says so.

identity sources there? ─► JWT: the issuer's key, the claims, the scopes      401, 403
       401              └► Lambda: an answer that is kept, or the function    401, 403, 500
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from stoker.api import gateway_calls
from stoker.api.control import Control
from stoker.api.gateway_calls import CannotCall, Throttled, TookTooLong
from stoker.core import authorizer_answers, http_answers, json_web_tokens
from stoker.core.authorizer_answers import Authorization, BadAuthorizer
from stoker.core.function_uris import function_of
from stoker.core.http_events import authorizer_event, facts, identity
from stoker.core.http_requests import ApiRequest
from stoker.core.json_web_tokens import BadToken
from stoker.core.served_apis import Authorizer
from stoker.neighbours.issuers import Issuers, NoKeys
from stoker.neighbours.outside import Outside

log = logging.getLogger(__name__)

TIMEOUT_S = 10.0  # of a Lambda authorizer (AWS)
KEPT = 1000  # answers of Lambda authorizers (ours)
BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class _Kept:
    authorization: Authorization
    until: float


class Authorizers:
    def __init__(self, outside: Outside, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.issuers = Issuers(outside, clock)
        self._kept: dict[tuple[str, ...], _Kept] = {}

    async def authorized(self, control: Control, asked: ApiRequest) -> ApiRequest:
        """With what was found out for the function. Raises http_answers.Refused."""
        authorizer = asked.guarded.authorizer
        assert authorizer is not None, "routes are checked when they are made"
        told = identity(
            authorizer.sources,
            asked.request,
            asked.place,
            facts(asked.request, asked.place, asked.id),
        )
        if told is None:
            raise http_answers.unauthorized("an identity source is missing")
        if asked.guarded.authorization == "JWT":
            return await self._by_token(control, asked, authorizer, told[0])
        return await self._by_function(control, asked, authorizer, told)

    def forget(self, api_id: str, stage: str) -> None:
        for key in [key for key in self._kept if key[:2] == (api_id, stage)]:
            del self._kept[key]

    async def close(self) -> None:
        await self.issuers.close()

    # ---- JSON Web Tokens ----

    async def _by_token(
        self, control: Control, asked: ApiRequest, authorizer: Authorizer, text: str
    ) -> ApiRequest:
        if text[: len(BEARER)].lower() == BEARER:
            text = text[len(BEARER) :].strip()
        try:
            token = json_web_tokens.read(text)
            key = await self.issuers.key(
                control.neighbours, asked.api.account, authorizer.issuer, token.key_id
            )
            if key is None:
                raise BadToken("the issuer has no such key")
            json_web_tokens.verify(token, key)
            json_web_tokens.check(
                token,
                issuer=authorizer.issuer,
                audiences=authorizer.audiences,
                now=time.time(),
            )
        except (BadToken, NoKeys) as reason:
            said = str(reason) if isinstance(reason, BadToken) else "the keys cannot be read"
            raise http_answers.unauthorized(
                str(reason), _challenge("invalid_token", said)
            ) from reason
        has, wanted = json_web_tokens.scopes(token), asked.guarded.scopes
        if wanted and not set(wanted) & set(has):
            refusal = http_answers.forbidden("none of the route's scopes is granted")
            refusal.headers = _challenge("insufficient_scope", "", " ".join(wanted))
            raise refusal
        claims = json_web_tokens.shown(token.claims)
        return asked.authorized({"jwt": {"claims": claims, "scopes": has if wanted else None}})

    # ---- Lambda authorizers ----

    async def _by_function(
        self, control: Control, asked: ApiRequest, authorizer: Authorizer, told: list[str]
    ) -> ApiRequest:
        # A new deployment may have another authorizer under the same ID.
        key = (asked.api.id, asked.stage.name, asked.stage.deployment, authorizer.id, *told)
        kept = self._kept.get(key) if authorizer.ttl_s else None
        if kept is not None and self._clock() < kept.until:
            found = kept.authorization
        else:
            found = await _answered(control, asked, authorizer, told)
            if authorizer.ttl_s:
                if len(self._kept) >= KEPT:
                    self._kept.clear()
                self._kept[key] = _Kept(found, self._clock() + authorizer.ttl_s)
        if not found.allows(asked.arn):
            raise http_answers.forbidden("the authorizer does not let it pass")
        return asked.authorized({"lambda": found.context or None}, found.principal)


async def _answered(
    control: Control, asked: ApiRequest, authorizer: Authorizer, told: list[str]
) -> Authorization:
    try:
        to = gateway_calls.callee(
            control,
            function_of(authorizer.uri, asked.stage.variables),
            account=asked.api.account,
            role=authorizer.credentials,
            sources=[asked.api.arn(f"authorizers/{authorizer.id}")],
            trace=asked.request.headers.get("x-amzn-trace-id"),
        )
        event = authorizer_event(
            authorizer.format, asked.traced(to.root), asked.place, told, asked.arn,
            request_id=asked.id, now=time.time(),
        )  # fmt: skip
        result = await gateway_calls.call(control, to, orjson.dumps(event), TIMEOUT_S)
        if not result.function_error:
            return authorizer_answers.read(result.payload, simple=authorizer.simple)
        if authorizer_answers.refused(result.payload):
            raise http_answers.unauthorized("the authorizer refused")
        raise BadAuthorizer(f"it failed: {result.function_error}")
    except (BadAuthorizer, CannotCall, TookTooLong, Throttled) as reason:
        raise http_answers.failed(f"authorizer: {reason}") from reason


def _challenge(error: str, description: str, scope: str = "") -> list[tuple[str, str]]:
    text = f'Bearer scope="{scope}" error="{error}"'
    if description:
        text += f' error_description="{description}"'
    return [("WWW-Authenticate", text)]
