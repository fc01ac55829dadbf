"""Target groups of Elastic Load Balancing whose target is a function: where they answer, and what
is known of one. Pure.

    http://NAME-ACCOUNT.REGION.elb.localhost:PORT/…    by name (small letters only),
    /_alb/ACCOUNT/REGION/NAME/…                        by path, at the server's address
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core.names import FunctionRef

PATH = "/_alb/"
NAME = ".elb.localhost"
_HOST = re.compile(
    r"([a-z0-9-]{1,32})-([0-9]{12})\.([a-z0-9-]{1,32})\.elb\.localhost(?::[0-9]+)?", re.ASCII
)
_PATH = re.compile(
    r"/_alb/([0-9]{12})/([a-z0-9-]{1,32})/([A-Za-z0-9-]{1,32})(/[^?]*)?(\?.*)?",
    re.ASCII | re.DOTALL,
)
MULTI_VALUE = "lambda.multi_value_headers.enabled"


@dataclass(frozen=True, slots=True)
class GroupAddress:
    """What a request says of the target group that it is for."""

    account: str
    region: str
    name: str
    target: str  # as the function is to see it: path and query, percent-encoded


@dataclass(frozen=True, slots=True)
class TargetGroup:
    account: str
    arn: str
    kind: str  # "lambda"
    target: str  # the function's ARN; "": none is registered
    multi_value: bool  # its events and answers have several values of a header


def group_asked(host: str, target: str) -> GroupAddress | None:
    """None: not for a target group."""
    if NAME in (name := host.lower()):
        found = _HOST.fullmatch(name)
        return found and GroupAddress(found[2], found[3], found[1], target)
    if target.startswith(PATH):
        found = _PATH.fullmatch(target)
        whole = (found[4] or "/") + (found[5] or "") if found else ""
        return found and GroupAddress(found[1], found[2], found[3], whole)
    return None


def described(
    account: str,
    group: Mapping[str, Any],
    health: Iterable[Mapping[str, Any]],
    attributes: Iterable[Mapping[str, Any]],
) -> TargetGroup:
    """By what DescribeTargetGroups, -TargetHealth and -TargetGroupAttributes say."""
    said = {one["Key"]: one["Value"] for one in attributes}
    targets = [str(one["Target"]["Id"]) for one in health]
    return TargetGroup(
        account=account,
        arn=group["TargetGroupArn"],
        kind=group["TargetType"],
        target=targets[0] if targets else "",
        multi_value=said.get(MULTI_VALUE) == "true",
    )


def may_be_target(ref: FunctionRef | None, account: str, region: str) -> bool:
    """AWS: function and target group are of one account and region."""
    return ref is not None and (ref.account, ref.region) == (account, region)
