"""What a Lambda authorizer answered: may this request pass, and what the function is told.

    {"isAuthorized": true, "context": {…}}                                      simple, format 2.0
    {"principalId": …, "policyDocument": {"Statement": […]}, "context": {…}}    both formats

An answer may be kept for later requests: a policy is asked anew for each, by its resource.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from stoker.core.access import Verdict
from stoker.core.policy_conditions import matches

ACTION = "execute-api:Invoke"
ANSWER_BYTES = 64 * 1024  # ours
STATEMENTS = 1000  # ours
UNAUTHORIZED = "Unauthorized"  # an authorizer that fails with this word wants a 401


class BadAuthorizer(Exception):
    """It failed, or its answer is none; the text says why."""


@dataclass(frozen=True, slots=True)
class Authorization:
    context: Mapping[str, Any]
    principal: str = ""
    simple: bool | None = None  # None: the policy decides
    statements: tuple[Mapping[str, Any], ...] = ()

    def allows(self, arn: str) -> bool:
        if self.simple is not None:
            return self.simple
        found = Verdict.SILENT
        for one in self.statements:
            if not _speaks_of(one, arn):
                continue
            if one.get("Effect") == "Deny":
                return False
            found = Verdict.ALLOWED
        return found is Verdict.ALLOWED


def read(payload: bytes, *, simple: bool) -> Authorization:
    """`simple`: the authorizer has EnableSimpleResponses."""
    if len(payload) > ANSWER_BYTES:
        raise BadAuthorizer(f"its answer is longer than {ANSWER_BYTES} bytes")
    try:
        answer = orjson.loads(payload)
    except orjson.JSONDecodeError:
        answer = None
    if not isinstance(answer, dict):
        raise BadAuthorizer("its answer is not a JSON object")
    context = answer.get("context")
    if not isinstance(context, dict | None):
        raise BadAuthorizer("context is not an object")
    if simple:
        allowed = answer.get("isAuthorized")
        if not isinstance(allowed, bool):
            raise BadAuthorizer("isAuthorized is neither true nor false")
        return Authorization(context or {}, simple=allowed)
    policy = answer.get("policyDocument")
    statements = policy.get("Statement") if isinstance(policy, dict) else None
    listed = [statements] if isinstance(statements, dict) else statements
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise BadAuthorizer("it has no policyDocument with a Statement")
    if len(listed) > STATEMENTS:
        raise BadAuthorizer(f"its policy has more than {STATEMENTS} statements")
    principal = answer.get("principalId")
    if not isinstance(principal, str):
        raise BadAuthorizer("it has no principalId")
    return Authorization(context or {}, principal, statements=tuple(listed))


def refused(payload: bytes) -> bool:
    """Whether it failed in order to have the caller told 401."""
    try:
        error = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return False
    return isinstance(error, dict) and error.get("errorMessage") == UNAUTHORIZED


def _speaks_of(statement: Mapping[str, Any], arn: str) -> bool:
    """What is not understood errs to the safe side, as in core/access.py."""
    unsure = statement.get("Effect") == "Deny"
    if statement.get("Effect") not in ("Allow", "Deny"):
        return False
    if not statement.keys().isdisjoint({"NotAction", "NotResource"}) or statement.get("Condition"):
        return unsure
    actions, resources = _listed(statement.get("Action")), _listed(statement.get("Resource"))
    return any(matches(one.lower(), ACTION.lower()) for one in actions) and any(
        matches(one, arn) for one in resources
    )


def _listed(given: Any) -> Iterable[str]:
    listed = given if isinstance(given, list) else [given]
    return [one for one in listed if isinstance(one, str)]
