"""What a function may ask for in its role's name, beyond what every function may.

    an operation that is not `inside` ─► does IAM know the role? ─► what it needs ─► its policies
    a request that changes IAM ──────────┘                          (core/permissions.py)

Whatever is not said, not known or not understood is refused: a function is a stranger.
"""

import asyncio
import time
from collections.abc import Iterable
from datetime import UTC, datetime

from stoker.api.control import Caller, Control
from stoker.api.identities import Identity
from stoker.core import iam_requests
from stoker.core.errors import (
    AccessDeniedException,
    RequestEntityTooLargeException,
    UnknownOperationException,
)
from stoker.core.iam_requests import Request
from stoker.core.identity_policies import Wish, check, may_everything, refusal
from stoker.core.invocation import Target
from stoker.core.names import function_arn
from stoker.core.permissions import DEPUTY, Asked, needs
from stoker.core.policy_conditions import Fact
from stoker.http.base import Exchange
from stoker.neighbours.calls import Refused, call, model_of
from stoker.neighbours.neighbours import Unreachable

MOST_BYTES = 1024 * 1024  # of a request for IAM: AWS's largest document is 10,240 characters
# What no request of a function has on AWS, so that a policy may say so.
_ABSENT = (
    "aws:username", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip", "aws:sourcearn",
    "aws:sourceaccount", "aws:principalorgid", "aws:principalorgpaths", "aws:calledvia",
    "aws:calledviafirst", "aws:calledvialast", "aws:federatedprovider", "aws:sourceidentity",
    "aws:principalservicename", "aws:principalservicenameslist",
)  # fmt: skip


async def identity_of(control: Control, caller: Caller) -> Identity | None:
    """None: it may nothing that has to be allowed."""
    return await control.identities.of(control, caller.role, caller.account, caller.region)


def denied(inside: Target, service: str, operation: str, name: str | None) -> AccessDeniedException:
    """What a function is told whose role IAM does not know. `name`: of the function it names."""
    who = Caller(inside.account, inside.region, "", inside).arn
    what = "*"
    if name is not None:
        known = name.startswith("arn:")
        what = name if known else function_arn(inside.region, inside.account, name)
    return refusal(who, Wish(f"{service}:{operation}", what))


def check_operation(caller: Caller, identity: Identity, asked: Asked) -> None:
    """Raise AccessDeniedException, or ValidationException for a name that is none."""
    needed = needs(asked)
    if needed is None:
        raise refusal(caller.arn, Wish(f"{asked.service}:{asked.operation}", "*"))
    _check_all(caller, identity, needed.wishes)
    if needed.deputy and not may_everything(identity.rights):
        raise refusal(caller.arn, needed.wishes[0], DEPUTY)


async def check_wish(control: Control, caller: Caller, wish: Wish) -> None:
    """Raise AccessDeniedException."""
    identity = await identity_of(control, caller)
    if identity is None:
        raise refusal(caller.arn, wish)
    _check_all(caller, identity, (wish,))


async def check_iam(control: Control, exchange: Exchange, caller: Caller) -> None:
    """Judge what a function asks IAM for, and leave of the request only what was judged."""
    if exchange.truncated or exchange.oversized:
        raise RequestEntityTooLargeException(f"Request must be smaller than {MOST_BYTES} bytes")
    query, kind = exchange.target.partition("?")[2], exchange.headers.get("content-type", "")
    request = iam_requests.read(query, kind, exchange.body)
    await asyncio.to_thread(_check_known, request)  # its model is slow to load, once
    if not request.only_reads:
        identity = await identity_of(control, caller)
        found = None if identity is None else await _subject(control, caller, request)
        asked = iam_requests.wishes(request, caller.account, found)
        if identity is None:
            raise refusal(caller.arn, asked[0])
        _check_all(caller, identity, asked)
    if control.neighbours is not None and control.neighbours.is_embedded(iam_requests.SERVICE):
        _write_anew(exchange, request)  # else its own signature would fit no more


def _write_anew(exchange: Exchange, request: Request) -> None:
    exchange.method, exchange.target, exchange.body = "POST", "/", request.form()
    kept = ("host", "authorization", "user-agent")
    exchange.headers = {name: v for name, v in exchange.headers.items() if name in kept}
    exchange.headers["content-type"] = iam_requests.FORM


def _check_known(request: Request) -> None:
    model = model_of(iam_requests.SERVICE)
    if request.operation not in model.operation_names:
        raise UnknownOperationException(f"IAM has no operation {request.operation!r}")
    shape = model.operation_model(request.operation).input_shape
    members = frozenset(shape.members) if shape is not None else frozenset()
    if strange := sorted(request.members - members):
        raise UnknownOperationException(f"{request.operation} has no parameter {strange[0]!r}")


async def _subject(control: Control, caller: Caller, request: Request) -> str | None:
    """The ARN, with its path, of the role, user or group that is meant; None: there is none."""
    meant = iam_requests.subject(request)
    if meant is None or control.neighbours is None:
        return None
    try:
        answer = await call(
            control.neighbours, "iam", meant.operation, {meant.member: meant.name},
            account=caller.account, region=caller.region,
        )  # fmt: skip
    except (Refused, Unreachable):
        return None
    arn: str = answer[meant.result]["Arn"]
    return arn


def _check_all(caller: Caller, identity: Identity, wishes: Iterable[Wish]) -> None:
    facts = _facts(caller, identity)
    for wish in wishes:
        check(
            identity.rights, Wish(wish.action, wish.resource, {**facts, **wish.facts}), caller.arn
        )


def _facts(caller: Caller, identity: Identity) -> dict[str, Fact]:
    now = time.time()
    facts: dict[str, Fact] = {
        "aws:principalaccount": caller.account,
        "aws:principalarn": caller.role,
        "aws:principaltype": "AssumedRole",
        "aws:userid": f"{identity.id}:{caller.arn.rpartition('/')[2]}",
        "aws:requestedregion": caller.region,
        "aws:currenttime": datetime.fromtimestamp(now, UTC).isoformat(),
        "aws:epochtime": str(int(now)),
        "aws:securetransport": "false",
        "aws:principalisawsservice": "false",
        "aws:viaawsservice": "false",
        **dict.fromkeys(_ABSENT),
        **identity.tags,
    }
    if caller.environment is not None:
        at = caller.environment
        facts["lambda:sourcefunctionarn"] = function_arn(at.region, at.account, at.name)
    return facts
