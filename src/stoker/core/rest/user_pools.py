"""Authorizers of REST APIs that are user pools of Cognito: which tokens count, and what of one
functions see. Pure.

    https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-integrate-with-cognito.html

A method without scopes wants an identity token; one with scopes an access token that has one of
them. A token comes from anybody: it is only looked at here once its signature is verified.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from stoker.core import json_web_tokens
from stoker.core.json_web_tokens import BadToken, Token
from stoker.core.rest import regex

BEARER = "bearer "
_POOL = re.compile(r"arn:aws[a-z-]*:cognito-idp:([a-z0-9-]+):([0-9]{12}):userpool/([\w-]+)", re.A)
_MOMENTS = ("exp", "iat")  # told as dates, and only these: auth_time is a number
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def issuers(providers: Iterable[str]) -> dict[str, str]:
    """By what tokens of these pools say of their issuer: the account whose pool it is."""
    found = {}
    for arn in providers:
        if pool := _POOL.fullmatch(arn):
            found[f"https://cognito-idp.{pool[1]}.amazonaws.com/{pool[3]}"] = pool[2]
    return found


def text_of(header: str) -> str:
    """With the word before it, or without."""
    return header[len(BEARER) :].strip() if header[: len(BEARER)].lower() == BEARER else header


def check(token: Token, scopes: Iterable[str], expression: str | None, now: float) -> None:
    """Raise BadToken."""
    json_web_tokens.check_times(token, now)
    wanted, kind = set(scopes), token.claims.get("token_use")
    if wanted:
        if kind != "access":
            raise BadToken("it is no access token, and the method has scopes")
        if not wanted & set(json_web_tokens.scopes(token)):
            raise BadToken("none of the method's scopes is granted")
        return
    if kind != "id":
        raise BadToken("it is no identity token, and the method has no scopes")
    audience = token.claims.get("aud")
    if not isinstance(audience, str):
        raise BadToken("the token has no aud")
    if expression and not _fits(expression, audience):
        raise BadToken("the token's aud does not match the authorizer's expression")


def shown(claims: Mapping[str, Any]) -> dict[str, str]:
    """As events of REST APIs have them: all are text, lists with commas."""
    return {name: _shown(name, value) for name, value in claims.items()}


def _fits(expression: str, audience: str) -> bool:
    try:
        return regex.read(expression).matches(audience)
    except (regex.BadRegex, regex.TooHard):
        return False


def _shown(name: str, value: Any) -> str:
    if name in _MOMENTS and isinstance(value, int | float):
        try:
            moment = datetime.fromtimestamp(value, UTC)
        except (OverflowError, ValueError, OSError):
            return json_web_tokens.shown({name: value})[name]
        day, month = _DAYS[moment.weekday()], _MONTHS[moment.month - 1]
        return f"{day} {month} {moment:%d %H:%M:%S} UTC {moment:%Y}"
    if isinstance(value, list):
        return ",".join(json_web_tokens.shown({name: one})[name] for one in value)
    return json_web_tokens.shown({name: value})[name]
