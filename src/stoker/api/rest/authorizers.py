"""Lambda authorizers of REST APIs, asked; what they answered is kept for a while."""

from dataclasses import replace
from typing import Any

from stoker.api import gateway_calls
from stoker.api.control import Control
from stoker.api.gateway_calls import CannotCall, Throttled, TookTooLong
from stoker.api.rest.working import MATCHING, worked
from stoker.core.function_uris import function_of
from stoker.core.rest import authorizers, requests
from stoker.core.rest.authorizers import Granted
from stoker.core.rest.gateway_responses import Refused
from stoker.core.rest.parts import DEFAULT_TTL_S
from stoker.core.rest.requests import Asked

TIMEOUT_S = 10.0  # AWS's, of an authorizer


async def authorized(
    control: Control, asked: Asked, authorizer: dict[str, Any]
) -> tuple[Asked, Granted]:
    """The request with what the authorizer found. Raise Refused."""
    stage, apis = asked.stage, control.gateways.rest
    size = sum(map(len, asked.incoming.headers.values())) + len(asked.incoming.query)
    identity = await worked(
        lambda: authorizers.identity(authorizer, asked, requests.context(asked)), size * MATCHING
    )
    ttl_s = authorizer.get("authorizerResultTtlInSeconds", DEFAULT_TTL_S)
    # The deployment is part of it: another one may ask another function.
    key = (stage.api_id, stage.name, f"{authorizer['id']} {stage.deployment_id}", identity)
    start = apis.clock()
    granted = apis.grants.get(key, start) if ttl_s and identity else None
    if granted is None:
        granted = await _asked_for(control, asked, authorizer, identity)
        if ttl_s and identity:
            apis.grants.put(key, granted, apis.clock() + ttl_s)
    authorizers.check(granted, asked.method_arn)
    latency = int((apis.clock() - start) * 1000)
    return replace(asked, authorizer={**granted.shown, "integrationLatency": latency}), granted


async def _asked_for(
    control: Control, asked: Asked, authorizer: dict[str, Any], identity: tuple[str, ...]
) -> Granted:
    stage = asked.stage
    source = (
        f"arn:aws:execute-api:{stage.region}:{stage.account}:{stage.api_id}/authorizers/"
        f"{authorizer['id']}"
    )
    try:
        to = gateway_calls.callee(
            control,
            function_of(authorizer["authorizerUri"], stage.variables),
            account=stage.account,
            role=authorizer.get("authorizerCredentials"),
            sources=(source,),
            trace=asked.incoming.trace or None,
        )
        event = authorizers.event(authorizer, traced(asked, to.root), identity)
        result = await gateway_calls.call(control, to, event, TIMEOUT_S)
    except (CannotCall, Throttled, TookTooLong) as reason:
        raise Refused("AUTHORIZER_FAILURE", None, "AuthorizerConfigurationException") from reason
    if result.function_error:
        raise authorizers.failed(result.payload)
    return authorizers.read(result.payload)


def traced(asked: Asked, root: str) -> Asked:
    return replace(asked, incoming=replace(asked.incoming, trace=root))
