"""What the policies of a role say to one request: its own, those attached to it, its boundary.

    a Deny that fits, in any of them ──────────────► refused
    else an Allow that fits among the policies,
         and one in the boundary, if there is one ─► allowed
    else ──────────────────────────────────────────► refused

As AWS's evaluation within one account, without organizations and session policies:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
What is not understood (an operator, a key that nobody here knows, a variable without a value, a
document that cannot be read) errs to the safe side: such an Allow allows nothing, such a Deny
denies.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from stoker.core.errors import AccessDeniedException
from stoker.core.policy_conditions import Facts, Judged, filled, fits, listed, matches, met

POLICY_BYTES: Final = 256 * 1024  # of all policies of a role; AWS's quotas come to half of that
RESOURCE_CHARACTERS: Final = 2048
VERSION: Final = "2012-10-17"  # the one with variables
_KNOWN: Final = frozenset(
    {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
)


@dataclass(frozen=True, slots=True)
class Rights:
    """All that says what a role may: documents as JSON."""

    policies: tuple[str, ...]
    boundary: str | None = None  # None: it has none


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to do with one resource."""

    action: str  # "lambda:GetFunction"
    resource: str | None  # ARN, or "*" where the action has none; None: nobody knows which
    facts: Facts = field(default_factory=dict)  # condition keys, lower case


def check(rights: Rights, wish: Wish, who: str) -> None:
    """Refuse in AWS's words. `who`: the ARN of the session."""
    because = _refusal(rights, wish)
    if because is not None:
        raise refusal(who, wish, because)


def refusal(who: str, wish: Wish, because: str = "") -> AccessDeniedException:
    """`because`: without one, that no policy says yes."""
    because = because or f"because no identity-based policy allows the {wish.action} action"
    return AccessDeniedException(
        f"User: {who} is not authorized to perform: {wish.action} on resource: "
        f"{wish.resource or '*'} {because}"
    )


def may_everything(rights: Rights) -> bool:
    """Whether it may do whatever there is: then whoever acts for it with all rights does no
    more than it could itself."""
    documents = [rights.policies, *([(rights.boundary,)] if rights.boundary is not None else [])]
    if _size(rights) > POLICY_BYTES:
        return False
    for group in documents:
        statements = [one for text in group for one in _statements(text)]
        if not all(one.allows for one in statements):
            return False
        if not any(_is_everything(one.said) for one in statements):
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Statement:
    allows: bool
    said: Mapping[str, Any]
    variables: bool


_DENIES_ALL: Final = _Statement(False, {"Action": "*", "Resource": "*"}, False)


def _refusal(rights: Rights, wish: Wish) -> str | None:
    too_long = wish.resource is not None and len(wish.resource) > RESOURCE_CHARACTERS
    if too_long or _size(rights) > POLICY_BYTES:
        return "because the policies, or the resource's name, are too long to be judged"
    allowed, denied = _said(rights.policies, wish)
    bounded, forbidden = (
        (True, False) if rights.boundary is None else _said((rights.boundary,), wish)
    )
    if denied:
        return "with an explicit deny in an identity-based policy"
    if forbidden:
        return "with an explicit deny in a permissions boundary"
    if not allowed:
        return f"because no identity-based policy allows the {wish.action} action"
    return None if bounded else f"because no permissions boundary allows the {wish.action} action"


def _said(policies: tuple[str, ...], wish: Wish) -> tuple[bool, bool]:
    """Whether one of them allows it, whether one denies it."""
    allowed = denied = False
    for text in policies:
        for one in _statements(text):
            fitting = _fits(one, wish)
            if one.allows:
                allowed = allowed or fitting is True
            else:
                denied = denied or fitting is not False
    return allowed, denied


def _size(rights: Rights) -> int:
    return sum(map(len, rights.policies)) + len(rights.boundary or "")


@lru_cache(maxsize=256)
def _statements(text: str) -> tuple[_Statement, ...]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return (_DENIES_ALL,)
    given = document.get("Statement") if isinstance(document, dict) else None
    every: list[Any] = given if isinstance(given, list) else [given]
    if not all(isinstance(one, dict) for one in every):
        return (_DENIES_ALL,)
    variables = isinstance(document, dict) and document.get("Version") == VERSION
    return tuple(_Statement(one.get("Effect") == "Allow", one, variables) for one in every)


def _is_everything(said: Mapping[str, Any]) -> bool:
    return (
        said.keys() <= {"Sid", "Effect", "Action", "Resource"}
        and "*" in listed(said.get("Action"))
        and "*" in listed(said.get("Resource"))
    )


def _fits(one: _Statement, wish: Wish) -> Judged:
    said = one.said
    if not said.keys() <= _KNOWN or ("Action" in said) is ("NotAction" in said):
        return None
    if ("Resource" in said) is ("NotResource" in said):
        return None
    key = "Action" if "Action" in said else "NotAction"
    named = any(matches(each.lower(), wish.action.lower()) for each in listed(said[key]))
    if named is (key == "NotAction"):
        return False
    judged = [_on(one, wish)]
    conditions = said.get("Condition", {})
    if not isinstance(conditions, dict):
        return None
    for operator, pairs in conditions.items():
        judged.append(met(operator, pairs, wish.facts, complete=False, variables=one.variables))
    if False in judged:
        return False
    return None if None in judged else True


def _on(one: _Statement, wish: Wish) -> Judged:
    """Is it about this resource?"""
    key = "Resource" if "Resource" in one.said else "NotResource"
    given = list(listed(one.said[key]))
    if wish.resource is None:
        return True if key == "Resource" and "*" in given else None
    patterns = [filled(each, wish.facts, one.variables) for each in given]
    judged = [None if each is None else fits(each, wish.resource) for each in patterns]
    named: Judged = True if True in judged else None if None in judged else False
    return named if key == "Resource" or named is None else not named
