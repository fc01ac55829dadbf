"""STS: temporary credentials of roles, and who it is that asks.

Keys are made from a secret of the server's (core/sessions.py), so none is kept. The trust policy
of a role that IAM beside us knows is asked; a role that it does not know may be any, as for
functions. A function's own policies are asked, too (api/authorization.py); those of others, and
those that a session brings, are not judged.
"""

import os
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from stoker.api.authorization import check_wish
from stoker.api.control import Call, Caller, Control
from stoker.api.roles import found_role, trust_policy
from stoker.api.shapes.sts import (
    AssumedRoleUser,
    AssumeRoleInput,
    AssumeRoleResponse,
    Credentials,
    FederatedUser,
    GetCallerIdentityInput,
    GetCallerIdentityResponse,
    GetFederationTokenInput,
    GetFederationTokenResponse,
    GetSessionTokenInput,
    GetSessionTokenResponse,
)
from stoker.core import sessions
from stoker.core.access import Access, Verdict, verdict
from stoker.core.errors import AccessDeniedException
from stoker.core.identity_policies import Wish
from stoker.core.sessions import Session
from stoker.core.sts_errors import AccessDenied, ValidationError
from stoker.neighbours.calls import Refused
from stoker.neighbours.calls import call as call_neighbour
from stoker.neighbours.neighbours import Unreachable

ASSUME = "sts:AssumeRole"
ROLE_S, CHAINED_S = 3600, 3600  # AWS: unless said otherwise; the most for who has a session already
_NO_ACCOUNT = "-"  # what no policy names
TOKEN_S = 12 * 3600  # AWS: of GetSessionToken and GetFederationToken


@dataclass(frozen=True, slots=True)
class _Identity:
    user_id: str
    arn: str


async def get_caller_identity(
    control: Control, call: Call[GetCallerIdentityInput]
) -> GetCallerIdentityResponse:
    """The role's session for temporary credentials and in functions, the user whose key it is, if
    IAM knows one, and else the account's root."""
    found = await _identity(control, call.caller)
    return GetCallerIdentityResponse(
        user_id=found.user_id, account=call.caller.account, arn=found.arn
    )


async def assume_role(control: Control, call: Call[AssumeRoleInput]) -> AssumeRoleResponse:
    """The credentials are valid until they expire, also when the role is gone by then."""
    asked, caller = call.input, call.caller
    role, name = asked.role_arn, asked.role_session_name
    account = sessions.role_account(role)
    if account is None:
        raise ValidationError(f"{role} is invalid")
    valid_s = asked.duration_seconds or ROLE_S
    if caller.role and valid_s > CHAINED_S:
        raise ValidationError(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by "
            "role chaining"
        )
    known = await found_role(control, role, caller.region)
    if known is None:
        may = caller.environment is None or account == caller.account
    else:
        most_s = known.get("MaxSessionDuration", ROLE_S)
        if valid_s > most_s:
            raise ValidationError(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            )
        may = await _is_trusted(control, caller, trust_policy(known), asked.external_id)
        may = may and await _is_allowed(control, caller, trust_policy(known), role)
    if not may:
        raise AccessDenied(
            f"User: {(await _identity(control, caller)).arn} is not authorized to perform: "
            f"{ASSUME} on resource: {role}"
        )
    session = Session(account, role, name, int(time.time()) + valid_s)
    role_id = known["RoleId"] if known else sessions.role_id(role)
    return AssumeRoleResponse(
        credentials=_issued(control, session),
        assumed_role_user=AssumedRoleUser(assumed_role_id=f"{role_id}:{name}", arn=session.arn),
        source_identity=asked.source_identity,
    )


async def get_session_token(
    control: Control, call: Call[GetSessionTokenInput]
) -> GetSessionTokenResponse:
    _check_lasting(call.caller, "GetSessionToken")
    expires = int(time.time()) + (call.input.duration_seconds or TOKEN_S)
    session = Session(call.caller.account, "", "", expires)
    return GetSessionTokenResponse(credentials=_issued(control, session))


async def get_federation_token(
    control: Control, call: Call[GetFederationTokenInput]
) -> GetFederationTokenResponse:
    _check_lasting(call.caller, "GetFederationToken")
    asked, account = call.input, call.caller.account
    expires = int(time.time()) + (asked.duration_seconds or TOKEN_S)
    session = Session(account, "", f"federated-user/{asked.name}", expires)
    return GetFederationTokenResponse(
        credentials=_issued(control, session),
        federated_user=FederatedUser(federated_user_id=f"{account}:{asked.name}", arn=session.arn),
    )


def _issued(control: Control, session: Session) -> Credentials:
    made = sessions.issue(control.secret, session, os.urandom(sessions.NONCE_BYTES))
    expires = datetime.fromtimestamp(session.expires, UTC)
    return Credentials(
        access_key_id=made.access_key_id,
        secret_access_key=made.secret_access_key,
        session_token=made.session_token,
        expiration=expires,
    )


def _check_lasting(caller: Caller, operation: str) -> None:
    if caller.environment is not None or caller.session is not None:
        raise AccessDenied(f"Cannot call {operation} with session credentials")


async def _is_trusted(
    control: Control, caller: Caller, policy: str, external_id: str | None
) -> bool:
    """A role trusts an account, or one of its users or sessions by name."""
    arns = caller.arns | {(await _identity(control, caller)).arn}
    facts = {"aws:principalaccount": caller.account}
    if external_id is not None:
        facts["sts:externalid"] = external_id
    return verdict(policy, Access(ASSUME, caller.account, arns, facts=facts)) is Verdict.ALLOWED


async def _is_allowed(control: Control, caller: Caller, policy: str, role: str) -> bool:
    """A function needs a policy of its own role, too, unless the other role names it itself."""
    if caller.environment is None:
        return True
    named = Access(ASSUME, _NO_ACCOUNT, caller.arns)
    if verdict(policy, named) is Verdict.ALLOWED:
        return True
    try:
        await check_wish(control, caller, Wish(ASSUME, role))
    except AccessDeniedException:
        return False
    return True


async def _identity(control: Control, caller: Caller) -> _Identity:
    if caller.role:
        known = await found_role(control, caller.role, caller.region)
        role_id = known["RoleId"] if known else sessions.role_id(caller.role)
        return _Identity(f"{role_id}:{caller.arn.rpartition('/')[2]}", caller.arn)
    if caller.session is not None and caller.session.name:
        name = caller.session.name.partition("/")[2]
        return _Identity(f"{caller.account}:{name}", caller.arn)
    user = await _user(control, caller) if caller.access_key.startswith("AKIA") else None
    if user is not None:
        return _Identity(user["UserId"], user["Arn"])
    return _Identity(caller.account, caller.arn)


async def _user(control: Control, caller: Caller) -> dict[str, Any] | None:
    """Whose access key it is, if IAM has made it."""
    neighbours = control.neighbours
    if neighbours is None or not neighbours.has_begun("iam"):
        return None
    ask = partial(call_neighbour, neighbours, "iam", account=caller.account, region=caller.region)
    try:
        used = await ask("GetAccessKeyLastUsed", {"AccessKeyId": caller.access_key})
        found: dict[str, Any] = (await ask("GetUser", {"UserName": used["UserName"]}))["User"]
    except (Refused, Unreachable, KeyError):
        return None
    return found
