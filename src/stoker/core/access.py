"""What a resource-based policy says to one request: yes, no, or nothing.

    a Deny that fits ─────────► DENIED, whatever else it says
    else an Allow that fits ──► ALLOWED
    else ─────────────────────► SILENT: only the account itself may

A statement fits if its principal, its action and all its conditions (core/policy_conditions.py)
do. Where a statement speaks of what is not understood here (an operator, a NotPrincipal), it errs
to the safe side: such an Allow admits nobody, such a Deny keeps everybody out.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache
from typing import Any

from stoker.core.errors import AccessDeniedException
from stoker.core.policy_conditions import listed, matches, met

INVOKE = "lambda:InvokeFunction"
INVOKE_URL = "lambda:InvokeFunctionUrl"


class Verdict(Enum):
    ALLOWED = auto()
    DENIED = auto()
    SILENT = auto()


@dataclass(frozen=True, slots=True)
class Access:
    """Who wants to do what. Nobody in particular: no account and no service."""

    action: str  # "lambda:InvokeFunction"
    account: str = ""  # of an AWS principal, 12 digits
    arns: frozenset[str] = frozenset()  # by which that principal is known, besides its account's
    service: str = ""  # "s3.amazonaws.com"
    facts: Mapping[str, str] = field(default_factory=dict)  # condition keys, lower case


def verdict(policy: str, access: Access) -> Verdict:
    """`policy`: JSON text as core/policies.py keeps it; "" if there is none."""
    found = Verdict.SILENT
    for statement in _statements(policy):
        if not _fits(statement, access):
            continue
        if statement.get("Effect") == "Deny":
            return Verdict.DENIED
        found = Verdict.ALLOWED
    return found


def can_deny(policy: str) -> bool:
    """Whether it has anything to say to the account itself."""
    return any(one.get("Effect") == "Deny" for one in _statements(policy))


def invoker(account: str, arns: frozenset[str] = frozenset()) -> Access:
    """A principal of this account that invokes a function through Lambda's API."""
    return Access(INVOKE, account, arns, facts={"aws:principalaccount": account})


def admits(policy: str, service: str, *, source_arn: str, source_account: str = "") -> bool:
    """Whether an AWS service may invoke a function on behalf of what `source_arn` names, e.g.
    s3.amazonaws.com for a bucket. A service has no account, so a policy must say yes."""
    facts = {"aws:sourcearn": source_arn}
    if source_account:
        facts["aws:sourceaccount"] = source_account
    return verdict(policy, Access(INVOKE, service=service, facts=facts)) is Verdict.ALLOWED


def check(policy: str, access: Access, *, owner: str, who: str, resource: str) -> None:
    """Refuse in AWS's words. Within the owner's account no policy need say yes, since identity
    policies are not judged here; elsewhere one must."""
    if access.account == owner and not can_deny(policy):
        return
    said = verdict(policy, access)
    if said is Verdict.ALLOWED or (said is Verdict.SILENT and access.account == owner):
        return
    because = (
        "with an explicit deny in a resource-based policy"
        if said is Verdict.DENIED
        else f"because no resource-based policy allows the {access.action} action"
    )
    raise AccessDeniedException(
        f"User: {who} is not authorized to perform: {access.action} on resource: {resource} "
        f"{because}"
    )


@lru_cache(maxsize=1024)
def _statements(policy: str) -> tuple[Mapping[str, Any], ...]:
    return tuple(json.loads(policy)["Statement"]) if policy else ()


def _fits(statement: Mapping[str, Any], access: Access) -> bool:
    unsure = statement.get("Effect") == "Deny"
    if not statement.keys().isdisjoint({"NotPrincipal", "NotAction", "NotResource"}):
        return unsure
    if not any(matches(one.lower(), access.action.lower()) for one in listed(statement["Action"])):
        return False
    if not _is_principal(statement["Principal"], access):
        return False
    conditions = statement.get("Condition") or {}
    if not isinstance(conditions, dict):
        return unsure
    judged = [met(operator, pairs, access.facts) for operator, pairs in conditions.items()]
    if False in judged:
        return False
    return unsure or None not in judged


def _is_principal(given: Any, access: Access) -> bool:
    if given == "*":
        return True
    if not isinstance(given, dict):
        return False
    if access.service and access.service in listed(given.get("Service", ())):
        return True
    for one in listed(given.get("AWS", ())):
        if one == "*" or (access.account and one in access.arns):
            return True
        if access.account and one in (access.account, f"arn:aws:iam::{access.account}:root"):
            return True
    return False
