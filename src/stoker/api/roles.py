"""Execution roles, as far as IAM beside us knows them."""

import json
import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from stoker.core.roles import check_trust
from stoker.neighbours.calls import Refused, call
from stoker.neighbours.neighbours import Unreachable

if TYPE_CHECKING:
    from stoker.api.control import Control  # which holds what reads roles

log = logging.getLogger(__name__)


async def check_role(control: "Control", role: str, region: str) -> None:
    """Refuse a role that exists in IAM and does not trust Lambda."""
    found = await found_role(control, role, region)
    if found is not None:
        check_trust(trust_policy(found))


async def found_role(control: "Control", role: str, region: str) -> dict[str, Any] | None:
    """What IAM says of the role with this ARN. One that IAM does not know may be any, since
    whoever has no use for IAM names any. An IAM that nobody has used yet is not started for the
    question."""
    neighbours = control.neighbours
    if neighbours is None or not neighbours.has_begun("iam"):
        return None
    account, name = role.split(":")[4], role.rpartition("/")[2]
    try:
        answer = await call(
            neighbours, "iam", "GetRole", {"RoleName": name}, account=account, region=region
        )
    except Refused:
        return None
    except Unreachable as error:
        log.warning("role not checked", extra={"role": role, "reason": str(error)})
        return None
    found: dict[str, Any] = answer["Role"]
    return found if found["Arn"] == role else None


def trust_policy(role: dict[str, Any]) -> str:
    """Its JSON, with what is no statement left out; one may stand alone in what was put."""
    try:
        document = json.loads(unquote(role["AssumeRolePolicyDocument"]))
    except ValueError:
        document = None
    given = document.get("Statement") if isinstance(document, dict) else None
    listed = given if isinstance(given, list) else [given]
    whole = [one for one in listed if isinstance(one, dict) and {"Action", "Principal"} <= {*one}]
    return json.dumps({"Version": "2012-10-17", "Statement": whole})
