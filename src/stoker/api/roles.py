"""Execution roles, as far as IAM beside us knows them."""

import logging
from urllib.parse import unquote

from stoker.api.control import Control
from stoker.core.roles import check_trust
from stoker.neighbours.calls import Refused, call
from stoker.neighbours.neighbours import Unreachable

log = logging.getLogger(__name__)


async def check_role(control: Control, role: str, region: str) -> None:
    """Refuse a role that exists in IAM and does not trust Lambda. One that IAM does not know is
    accepted, since whoever has no use for IAM names any. An IAM that nobody has used yet is not
    started for the question."""
    neighbours = control.neighbours
    if neighbours is None or not neighbours.is_running("iam"):
        return
    account, name = role.split(":")[4], role.rpartition("/")[2]
    try:
        found = await call(
            neighbours, "iam", "GetRole", {"RoleName": name}, account=account, region=region
        )
    except Refused:
        return
    except Unreachable as error:
        log.warning("role not checked", extra={"role": role, "reason": str(error)})
        return
    if found["Role"]["Arn"] == role:
        check_trust(unquote(found["Role"]["AssumeRolePolicyDocument"]))
