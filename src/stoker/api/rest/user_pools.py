"""Cognito's authorizers of REST APIs, asked: a token of one of their pools lets pass."""

import time
from dataclasses import replace
from typing import Any

from stoker.api.control import Control
from stoker.api.rest.working import MATCHING, worked
from stoker.core import json_web_tokens
from stoker.core.json_web_tokens import BadToken
from stoker.core.rest import authorizers, requests, user_pools
from stoker.core.rest.gateway_responses import Refused, unauthorized
from stoker.core.rest.requests import Asked
from stoker.neighbours.issuers import NoKeys

HEADER = "method.request.header.Authorization"  # where the token is, unless said otherwise
EXPIRED = "The incoming token has expired"


async def authorized(control: Control, asked: Asked, authorizer: dict[str, Any]) -> Asked:
    """The request with the token's claims. Raise Refused."""
    source = {**authorizer, "identitySource": authorizer.get("identitySource") or HEADER}
    header = "".join(authorizers.identity(source, asked, requests.context(asked))[:1])
    scopes = asked.route.method.get("authorizationScopes") or ()
    expression, now = authorizer.get("identityValidationExpression"), time.time()
    try:
        token = json_web_tokens.read(user_pools.text_of(header))
        issuer = str(token.claims.get("iss"))
        account = user_pools.issuers(authorizer.get("providerARNs") or ()).get(issuer)
        if account is None:
            raise BadToken("it is of none of the authorizer's pools")
        issuers = control.gateways.authorizers.issuers
        key = await issuers.key(control.neighbours, account, issuer, token.key_id)
        if key is None:
            raise BadToken("the pool has no such key")
        json_web_tokens.verify(token, key)
        await worked(
            lambda: user_pools.check(token, scopes, expression, now), len(header) * MATCHING
        )
    except json_web_tokens.Expired as reason:
        raise Refused("UNAUTHORIZED", EXPIRED, "UnauthorizedException") from reason
    except BadToken as reason:
        raise unauthorized() from reason
    except NoKeys as reason:
        raise Refused("AUTHORIZER_FAILURE", None, "AuthorizerConfigurationException") from reason
    return replace(asked, authorizer={"claims": user_pools.shown(token.claims)})
