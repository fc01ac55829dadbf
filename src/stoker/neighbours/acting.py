"""Our own calls to AWS's other services on behalf of a function: as its role.

    embedded service      its account is told; there are no other credentials
    configured endpoint   sts is configured, too: AssumeRole there, kept until it soon ends
                          else: the server's own credentials (neighbours/calls.py)

As AWS's Lambda does, sessions are named after the function.
"""

import time
from dataclasses import dataclass
from typing import Any

from botocore.credentials import Credentials

from stoker.neighbours.calls import ANSWER_BYTES, call
from stoker.neighbours.neighbours import Neighbours

SPARE_S = 300.0  # credentials that end sooner are not used any more
MOST = 1024  # roles whose credentials are kept
MISSING_CHARACTERS = "lambda-"  # before a name of one letter: AWS's sessions have two


@dataclass(frozen=True, slots=True)
class Actor:
    """On whose behalf a call is made."""

    account: str
    role: str  # ARN; "": the function is gone
    session: str  # the function's name


async def call_as(
    neighbours: Neighbours, actor: Actor, service: str, operation: str, parameters: dict[str, Any],
    *, region: str, most: int = ANSWER_BYTES,
) -> dict[str, Any]:  # fmt: skip
    """As calls.call(). Raise Refused also when the role may not be assumed."""
    credentials = None
    of_service = {"dynamodbstreams": "dynamodb"}.get(service, service)
    if actor.role and not neighbours.is_embedded(of_service):
        credentials = await _assumed(neighbours, actor, region)
    return await call(
        neighbours, service, operation, parameters,
        account=actor.account, region=region, most=most, credentials=credentials,
    )  # fmt: skip


async def _assumed(neighbours: Neighbours, actor: Actor, region: str) -> Credentials | None:
    """None: nobody gives any out."""
    if neighbours.is_embedded("sts"):
        return None
    until, known = neighbours.assumed.get((actor.role, actor.session), (0.0, None))
    if known is not None and time.time() < until - SPARE_S:
        return known
    name = actor.session if len(actor.session) > 1 else MISSING_CHARACTERS + actor.session
    asked = {"RoleArn": actor.role, "RoleSessionName": name}
    told = await call(neighbours, "sts", "AssumeRole", asked, account=actor.account, region=region)
    made = told["Credentials"]
    credentials = Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    if len(neighbours.assumed) >= MOST:
        neighbours.assumed.clear()
    neighbours.assumed[actor.role, actor.session] = made["Expiration"].timestamp(), credentials
    return credentials
