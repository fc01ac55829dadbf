"""Layers: what is published, who may use it, and which ones a function may have.

A layer is a name and the last number given under it; a layer version is published once and
never changes but for its policy. A number is never given again, not even after a deletion; a
function that has a deleted version keeps it (it holds the code by digest: model.Layer).
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from stoker.core import limits
from stoker.core.errors import (
    AccessDeniedException,
    InvalidParameterValueException,
    PolicyLengthExceededException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
    ValidationException,
)
from stoker.core.model import Code

ACTION = "lambda:GetLayerVersion"  # the only one that a layer's policy can allow

_REGION = r"(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d)"
_LAYER = re.compile(
    rf"arn:(?:aws[a-zA-Z-]*)?:lambda:{_REGION}:(?P<account>\d{{12}})"
    r":layer:(?P<name>[a-zA-Z0-9_-]+)(?::(?P<number>[0-9]{1,18}))?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class LayerKey:
    """What a layer is known by."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account}:layer:{self.name}"

    def version_arn(self, number: int) -> str:
        return f"{self.arn}:{number}"


@dataclass(frozen=True, slots=True)
class Statement:
    """Who may use one layer version."""

    sid: str
    principal: str  # "*" or an account
    organization: str | None = None  # only accounts that belong to it; nobody does here

    def document(self, resource: str) -> dict[str, object]:
        """As it stands in a policy."""
        account = {"AWS": f"arn:aws:iam::{self.principal}:root"}
        shown: dict[str, object] = {
            "Sid": self.sid,
            "Effect": "Allow",
            "Principal": "*" if self.principal == "*" else account,
            "Action": ACTION,
            "Resource": resource,
        }
        if self.organization is not None:
            shown["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": self.organization}}
        return shown

    def admits(self, account: str) -> bool:
        return self.organization is None and self.principal in ("*", account)


@dataclass(frozen=True, slots=True)
class LayerVersion:
    key: LayerKey
    number: int
    code: Code
    created: str
    revision_id: str  # of its policy, the only thing that changes
    description: str = ""
    license: str | None = None
    runtimes: tuple[str, ...] = ()  # said by its author; AWS filters lists by it, no more
    architectures: tuple[str, ...] = ()
    policy: tuple[Statement, ...] = ()

    @property
    def arn(self) -> str:
        return self.key.version_arn(self.number)

    @property
    def document(self) -> str:
        """The policy as AWS shows it."""
        statements = [one.document(self.arn) for one in self.policy]
        whole = {"Version": "2012-10-17", "Id": "default", "Statement": statements}
        return json.dumps(whole, separators=(",", ":"))


def layer_key(text: str, *, account: str, region: str) -> LayerKey:
    """The layer that a caller of this account and region means by a name or an ARN."""
    match = _LAYER.fullmatch(text)
    if match is None:
        return LayerKey(account, region, text)
    if match["region"] != region:
        raise ResourceNotFoundException(
            f"Layers from '{match['region']}' are not reachable in this region ('{region}')"
        )
    return LayerKey(match["account"], match["region"], match["name"])


def version_key(arn: str) -> tuple[LayerKey, int] | None:
    """What a layer version's ARN names; None for one of AWS's own layers."""
    match = _LAYER.fullmatch(arn)
    if match is None or match["number"] is None:
        return None
    return LayerKey(match["account"], match["region"], match["name"]), int(match["number"])


def check_number(number: int) -> None:
    if number < 1:
        raise InvalidParameterValueException("Layer Version Cannot be less than 1.")


def check_owner(key: LayerKey, number: int | None, *, account: str, action: str) -> None:
    """Only the account itself may do anything but use its layers."""
    if key.account != account:
        arn = key.arn if number is None else key.version_arn(number)
        raise denied(account, action, arn)


def check_use(key: LayerKey, number: int, version: LayerVersion | None, *, account: str) -> None:
    """Others may use a version that its policy opens to them. They do not learn which exist."""
    if key.account == account:
        return
    if version is None or not any(one.admits(account) for one in version.policy):
        raise denied(account, "GetLayerVersion", key.version_arn(number))


def denied(account: str, action: str, resource: str) -> AccessDeniedException:
    return AccessDeniedException(
        f"User: arn:aws:iam::{account}:root is not authorized to perform: lambda:{action} on "
        f"resource: {resource} because no resource-based policy allows the lambda:{action} action"
    )


def check_references(
    arns: Sequence[str], *, account: str, region: str, most: int = limits.LAYERS
) -> None:
    """What can be said of a function's list of layers without looking for them."""
    if len(arns) > most:
        raise InvalidParameterValueException(f"Cannot reference more than {most} layers.")
    seen: dict[LayerKey, str] = {}
    for arn in arns:
        named = version_key(arn)
        if named is None:  # AWS's own, which only AWS has
            raise no_such_version(arn)
        key, _ = named
        if key.region != region:
            if key.account != account:
                raise denied(account, "GetLayerVersion", arn)
            raise InvalidParameterValueException(
                "Layers are not in the same region as the function. "
                f"Layers are expected to be in region {region}."
            )
        if key in seen:
            raise InvalidParameterValueException(
                "Two different versions of the same layer are not allowed to be referenced in "
                f"the same function. {seen[key]} and {arn}."
            )
        seen[key] = arn


def no_such_version(arn: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(f"Layer version {arn} does not exist.")


def check_runtimes(names: Iterable[str], member: str) -> None:
    """Runtimes that a layer says it is for; deprecated ones, too."""
    given = list(names)
    if not all(name in limits.RUNTIMES for name in given):
        shown = f"[{', '.join(given)}]" if member.endswith("s") else given[0]
        raise ValidationException(
            f"1 validation error detected: Value '{shown}' at '{member}' failed to satisfy "
            f"constraint: Member must satisfy enum value set: [{', '.join(limits.RUNTIMES)}]"
        )


def permitted(
    version: LayerVersion,
    statement: Statement,
    given: str | None,
    *,
    revision: str,
    most_bytes: int = limits.POLICY_BYTES,
) -> LayerVersion:
    """The version with one more statement. `given`: the revision that the caller has seen."""
    _check_revision(version, given)
    if any(one.sid == statement.sid for one in version.policy):
        raise ResourceConflictException(
            f"The statement id ({statement.sid}) provided already exists. Please provide a new "
            "statement id, or remove the existing statement."
        )
    changed = replace(version, policy=(*version.policy, statement), revision_id=revision)
    if (size := len(changed.document)) > most_bytes:
        raise PolicyLengthExceededException(
            f"The final policy size ({size}) is bigger than the limit ({most_bytes})."
        )
    return changed


def forbidden(version: LayerVersion, sid: str, given: str | None, *, revision: str) -> LayerVersion:
    """The version without that statement."""
    check_policy(version)
    if all(one.sid != sid for one in version.policy):
        raise ResourceNotFoundException(f"Statement {sid} is not found in resource policy.")
    _check_revision(version, given)
    rest = tuple(one for one in version.policy if one.sid != sid)
    return replace(version, policy=rest, revision_id=revision)


def check_policy(version: LayerVersion) -> None:
    if not version.policy:
        raise ResourceNotFoundException("No policy is associated with the given resource.")


def _check_revision(version: LayerVersion, given: str | None) -> None:
    if given is not None and given != version.revision_id:
        raise PreconditionFailedException(
            "The Revision Id provided does not match the latest Revision Id. Call the "
            "GetLayerVersionPolicy API to retrieve the latest Revision Id"
        )
