"""What roles may, as far as IAM beside us knows them: their policies, read and kept for a moment.

A role that IAM does not know, or a change that came past us (to a configured IAM), is seen when
the moment is over; what goes to IAM through the front door is seen at once.
"""

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from stoker.api.roles import found_role
from stoker.core.identity_policies import Rights
from stoker.core.policy_conditions import Fact
from stoker.neighbours.calls import Refused, call
from stoker.neighbours.neighbours import Unreachable

if TYPE_CHECKING:
    from stoker.api.control import Control

log = logging.getLogger(__name__)

KEPT_S = 2.0
MOST = 1024  # roles that are kept
POLICIES = 100  # of one role, of each kind: AWS's quota of attached ones is 20
UNREADABLE = ""  # stands for a policy that is not to be had, and denies everything


@dataclass(frozen=True, slots=True)
class Identity:
    """A role that IAM knows."""

    id: str  # "AROA…"
    rights: Rights
    tags: Mapping[str, Fact]  # as condition keys


class Identities:
    def __init__(self) -> None:
        self._kept: dict[str, tuple[float, Identity | None]] = {}
        self._changes = 0
        self._under_way = 0

    @contextmanager
    def asked(self, service: str) -> Iterator[None]:
        """Around each request that is passed on: while IAM hears one, nothing is kept, and what was
        kept before is forgotten. (A service may be spelled in more than one way.)"""
        if not service.lower().startswith("iam"):
            yield
            return
        self._under_way += 1
        try:
            yield
        finally:
            self._under_way -= 1
            self._changes += 1
            self._kept.clear()

    async def of(self, control: "Control", role: str, account: str, region: str) -> Identity | None:
        """The role with this ARN; None: it is not this account's, or IAM does not know it."""
        until, known = self._kept.get(role, (0.0, None))
        if time.monotonic() < until and not self._under_way:
            return known
        changes = self._changes
        try:
            found = await _read(control, role, account, region)
        except (Refused, Unreachable) as error:
            log.warning("role not read", extra={"role": role, "reason": str(error)})
            return None
        if changes == self._changes and not self._under_way:  # else it may be that of before
            if len(self._kept) >= MOST:
                self._kept.clear()
            self._kept[role] = time.monotonic() + KEPT_S, found
        return found


async def _read(control: "Control", role: str, account: str, region: str) -> Identity | None:
    """Raise Refused, Unreachable."""
    if role.split(":")[4:5] != [account]:
        return None
    known = await found_role(control, role, region)
    if known is None:
        return None
    assert control.neighbours is not None, "it knows the role"
    ask = partial(call, control.neighbours, "iam", account=account, region=region)
    name = {"RoleName": known["RoleName"]}
    policies: list[str] = []
    inline = await ask("ListRolePolicies", {**name, "MaxItems": POLICIES})
    for policy in inline["PolicyNames"][:POLICIES]:
        found = await ask("GetRolePolicy", {**name, "PolicyName": policy})
        policies.append(_text(found["PolicyDocument"]))
    attached = await ask("ListAttachedRolePolicies", {**name, "MaxItems": POLICIES})
    for one in attached["AttachedPolicies"][:POLICIES]:
        policies.append(await _managed(ask, one["PolicyArn"]))
    whole = not (inline.get("IsTruncated") or attached.get("IsTruncated"))
    if not whole or max(len(inline["PolicyNames"]), len(attached["AttachedPolicies"])) > POLICIES:
        policies.append(UNREADABLE)
    boundary = known.get("PermissionsBoundary")
    bounded = None if boundary is None else await _managed(ask, boundary["PermissionsBoundaryArn"])
    tags = {f"aws:principaltag/{one['Key']}".lower(): one["Value"] for one in known.get("Tags", [])}
    return Identity(known["RoleId"], Rights(tuple(policies), bounded), tags)


async def _managed(ask: Any, arn: str) -> str:
    """The version in force of a managed policy, AWS's or the account's own."""
    try:
        policy = (await ask("GetPolicy", {"PolicyArn": arn}))["Policy"]
        version = {"PolicyArn": arn, "VersionId": policy["DefaultVersionId"]}
        return _text((await ask("GetPolicyVersion", version))["PolicyVersion"]["Document"])
    except (Refused, KeyError):
        return UNREADABLE


def _text(document: str) -> str:
    """AWS encodes it for URLs; what is beside us does not."""
    return document if document.lstrip().startswith("{") else unquote(document)
