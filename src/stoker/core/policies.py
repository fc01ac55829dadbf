"""Who besides the account itself may invoke a function, version or alias: its policy.

A policy is kept as AWS shows it: the JSON text of a document, "" if there is none. AddPermission
and RemovePermission work on its statements, PutResourcePolicy replaces the whole.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core import limits
from stoker.core.errors import (
    InvalidParameterValueException,
    PolicyLengthExceededException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)

_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)
_DOMAIN = re.compile(r"[a-zA-Z0-9-]+(\.[a-zA-Z0-9-]+)+", re.ASCII)
_PARTS = ("Effect", "Principal", "Action", "Resource")


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What AddPermission asks for."""

    sid: str
    action: str
    principal: str
    source_arn: str | None = None
    source_account: str | None = None
    event_source_token: str | None = None
    organization: str | None = None
    url_auth_type: str | None = None
    via_url: bool | None = None


def statement(grant: Grant, resource: str) -> dict[str, object]:
    """As it stands in a policy."""
    if grant.url_auth_type is not None and grant.action != "lambda:InvokeFunctionUrl":
        raise InvalidParameterValueException(
            "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"
        )
    if grant.via_url is not None and grant.action != "lambda:InvokeFunction":
        raise InvalidParameterValueException(
            "InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action"
        )
    shown: dict[str, object] = {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Principal": _principal(grant.principal),
        "Action": grant.action,
        "Resource": resource,
    }
    if condition := _condition(grant):
        shown["Condition"] = condition
    return shown


def added(policy: str, more: Mapping[str, object], most_bytes: int = limits.POLICY_BYTES) -> str:
    """The policy with one more statement."""
    statements = _statements(policy)
    if any(one.get("Sid") == more["Sid"] for one in statements):
        raise ResourceConflictException(
            f"The statement id ({more['Sid']}) provided already exists. Please provide a new "
            "statement id, or remove the existing statement."
        )
    whole = json.loads(policy) if policy else {"Version": "2012-10-17", "Id": "default"}
    return _within(dump({**whole, "Statement": [*statements, more]}), most_bytes)


def removed(policy: str, sid: str) -> str:
    """The policy without that statement."""
    if not policy:
        raise ResourceNotFoundException("No policy is associated with the given resource.")
    statements = _statements(policy)
    rest = [one for one in statements if one.get("Sid") != sid]
    if len(rest) == len(statements):
        raise ResourceNotFoundException(f"Statement {sid} is not found in resource policy.")
    return dump({**json.loads(policy), "Statement": rest}) if rest else ""


def whole(text: str, resource: str, most_bytes: int = limits.POLICY_BYTES) -> str:
    """A document that is to become the policy of this resource."""
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON") from None
    if not isinstance(document, dict):
        raise _malformed("it is not an object")
    if document.get("Version") not in ("2012-10-17", "2008-10-17"):
        raise _malformed("Version must be 2012-10-17 or 2008-10-17")
    given = document.get("Statement")
    statements: list[Any] = given if isinstance(given, list) else [given]
    if not statements or not all(isinstance(one, dict) for one in statements):
        raise _malformed("Statement must be one statement or more")
    sids = [one["Sid"] for one in statements if "Sid" in one]
    if not all(isinstance(sid, str) for sid in sids) or len(set(sids)) != len(sids):
        raise _malformed("each Sid must be a text of its own")
    for one in statements:
        _check_statement(one, resource)
    return _within(dump({**document, "Statement": statements}), most_bytes)


def check_policy_revision(current: str, given: str | None) -> None:
    """`given`: the revision that the caller has seen, if it says one."""
    if given is not None and given != current:
        raise PreconditionFailedException(
            "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy "
            "API to retrieve the latest Revision Id"
        )


def dump(document: Mapping[str, object]) -> str:
    return json.dumps(document, separators=(",", ":"))


def _principal(given: str) -> object:
    if given == "*":
        return "*"
    if given.startswith("arn:"):
        return {"AWS": given}
    if _ACCOUNT.fullmatch(given):
        return {"AWS": f"arn:aws:iam::{given}:root"}
    if _DOMAIN.fullmatch(given):
        return {"Service": given}
    raise InvalidParameterValueException(
        "The provided principal was invalid. Please check the principal and try again."
    )


def _condition(grant: Grant) -> dict[str, dict[str, str]]:
    equals = {
        "AWS:SourceAccount": grant.source_account,
        "lambda:EventSourceToken": grant.event_source_token,
        "aws:PrincipalOrgID": grant.organization,
        "lambda:FunctionUrlAuthType": grant.url_auth_type,
    }
    condition = {
        "StringEquals": {key: value for key, value in equals.items() if value is not None},
        "ArnLike": {} if grant.source_arn is None else {"AWS:SourceArn": grant.source_arn},
        "Bool": (
            {}
            if grant.via_url is None
            else {"lambda:InvokedViaFunctionUrl": str(grant.via_url).lower()}
        ),
    }
    return {operator: pairs for operator, pairs in condition.items() if pairs}


def _check_statement(one: Mapping[str, Any], resource: str) -> None:
    if lacking := [part for part in _PARTS if not one.get(part)]:
        raise _malformed(f"a statement lacks {', '.join(lacking)}")
    if one["Effect"] not in ("Allow", "Deny"):
        raise _malformed("Effect must be Allow or Deny")
    resources = one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]
    if any(each != resource for each in resources):
        raise _malformed(f"Resource must be {resource}")


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is not of JSON")


def _statements(policy: str) -> list[dict[str, Any]]:
    statements: list[dict[str, Any]] = json.loads(policy)["Statement"] if policy else []
    return statements


def _within(policy: str, most_bytes: int) -> str:
    size = len(policy)
    if size > most_bytes:
        raise PolicyLengthExceededException(
            f"The final policy size ({size}) is bigger than the limit ({most_bytes})."
        )
    return policy


def _malformed(why: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(f"The policy document is malformed: {why}.")
