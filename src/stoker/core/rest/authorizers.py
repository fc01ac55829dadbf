"""Lambda authorizers of REST APIs: who is asked with what, and what the answer allows.

https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from stoker.core.policy_conditions import matches
from stoker.core.rest import regex
from stoker.core.rest.gateway_responses import Refused, unauthorized
from stoker.core.rest.requests import Asked, described

MOST_BYTES = 64 * 1024  # ours, of an answer (AWS: 8 KB, of its policy)
UNAUTHORIZED = "Unauthorized"  # thrown, it becomes a 401
ACTION = "execute-api:Invoke"


@dataclass(frozen=True, slots=True)
class Granted:
    """What an authorizer answered; it may be kept."""

    principal: str
    policy: tuple[Mapping[str, Any], ...]
    context: Mapping[str, str]
    usage_key: str | None = None

    @property
    def shown(self) -> dict[str, Any]:
        return {"principalId": self.principal, **self.context}


def misconfigured() -> Refused:
    """It cannot be asked, or its answer is none."""
    return Refused("AUTHORIZER_CONFIGURATION_ERROR", None, "AuthorizerConfigurationException")


def identity(
    authorizer: Mapping[str, Any], asked: Asked, context: Mapping[str, Any]
) -> tuple[str, ...]:
    """The values of its identity sources; without one of them nobody is asked: 401."""
    sources = [one.strip() for one in (authorizer.get("identitySource") or "").split(",")]
    found = []
    for source in filter(None, sources):
        value = _valued(source, asked, context)
        if not value:
            raise unauthorized()
        found.append(value)
    expression = authorizer.get("identityValidationExpression")
    if authorizer["type"] == "TOKEN" and expression and found:
        try:
            if not regex.read(expression).matches(found[0]):
                raise unauthorized()
        except (regex.BadRegex, regex.TooHard):
            raise unauthorized() from None
    return tuple(found)


def _valued(source: str, asked: Asked, context: Mapping[str, Any]) -> str:
    if source.startswith("method.request.header."):
        name = source.removeprefix("method.request.header.").lower()
        return asked.incoming.headers.get(name, "")
    if source.startswith("method.request.querystring."):
        return asked.parameters["querystring"].get(
            source.removeprefix("method.request.querystring."), ""
        )
    if source.startswith("stageVariables."):
        return asked.stage.variables.get(source.removeprefix("stageVariables."), "")
    place: Any = context
    for name in source.split(".")[1:]:
        place = place.get(name) if isinstance(place, Mapping) else None
    return "" if place is None else str(place)


def event(authorizer: Mapping[str, Any], asked: Asked, found: tuple[str, ...]) -> bytes:
    if authorizer["type"] == "TOKEN":
        return orjson.dumps(
            {
                "type": "TOKEN",
                "authorizationToken": found[0].encode("utf-8", "replace").decode(),
                "methodArn": asked.method_arn,
            }
        )
    return orjson.dumps({"type": "REQUEST", "methodArn": asked.method_arn, **described(asked)})


def read(payload: bytes) -> Granted:
    """Raise Refused for what is no answer of an authorizer."""
    try:
        answer = orjson.loads(payload) if len(payload) <= MOST_BYTES else None
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict) or not isinstance(answer.get("principalId"), str):
        raise misconfigured()
    policy = answer.get("policyDocument")
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not all(isinstance(one, dict) for one in statements):
        raise misconfigured()
    context = answer.get("context")
    if not isinstance(context, dict | None):
        raise misconfigured()
    key = answer.get("usageIdentifierKey")
    return Granted(
        answer["principalId"],
        tuple(statements),
        {name: _scalar(value) for name, value in (context or {}).items() if value is not None},
        key if isinstance(key, str) else None,
    )


def _scalar(value: Any) -> str:
    """Functions get every value of the context as text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise misconfigured()


def failed(payload: bytes) -> Refused:
    """It threw an error: which one it was says whether that is a no."""
    try:
        thrown = orjson.loads(payload) if len(payload) <= MOST_BYTES else None
    except orjson.JSONDecodeError:
        thrown = None
    if isinstance(thrown, dict) and thrown.get("errorMessage") == UNAUTHORIZED:
        return unauthorized()
    return Refused("AUTHORIZER_FAILURE", None, "AuthorizerConfigurationException")


def check(granted: Granted, arn: str) -> None:
    """Raise what the policy refuses. A statement with a Condition is not understood here: such
    an Allow admits nobody, such a Deny keeps everybody out."""
    allowed = False
    for statement in granted.policy:
        if not (_named(statement, "Action", ACTION) and _named(statement, "Resource", arn)):
            continue
        if statement.get("Effect") == "Deny":
            raise _denied(" with an explicit deny in an identity-based policy")
        if statement.get("Effect") == "Allow" and not statement.get("Condition"):
            allowed = True
    if not allowed:
        raise _denied("")


def _denied(how: str) -> Refused:
    message = f"User is not authorized to access this resource{how}"
    return Refused("ACCESS_DENIED", message, "AccessDeniedException")


def _named(statement: Mapping[str, Any], member: str, value: str) -> bool:
    patterns = statement.get(member)
    if patterns is None:  # NotAction, NotResource
        return statement.get("Effect") == "Deny"
    for one in patterns if isinstance(patterns, list) else [patterns]:
        if isinstance(one, str) and matches(one.lower(), value.lower()):
            return True
    return False
