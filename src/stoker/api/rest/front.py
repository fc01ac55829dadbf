"""What answers for REST APIs: an HTTP request becomes an event, the function's answer HTTP.

    stage ─► resource and method ─► who may? ─► API key ─► as it should be? ─► integration
     403           403               401, 403     403              400             500, 502, 504

Every refusal is a gateway response, which the API may have changed; the reason is in the log.
"""

import base64
import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from stoker.api.control import Caller, Control
from stoker.api.identifiers import new_request_id, random_digits
from stoker.api.rest import authorizers, integrations, user_pools
from stoker.api.rest.working import MATCHING, worked
from stoker.core import web_pages
from stoker.core.gateway_addresses import GatewayAddress, domain
from stoker.core.limits import MIB
from stoker.core.proxy_events import Signer, clean
from stoker.core.rest import gateway_responses, requests, validation
from stoker.core.rest.gateway_responses import Refused
from stoker.core.rest.requests import Asked, Incoming
from stoker.core.rest.serving import ServedStage
from stoker.core.sigv4 import Scope
from stoker.http.base import Exchange, Headers

log = logging.getLogger(__name__)

BODY_BYTES = 10 * MIB


async def answer(
    control: Control,
    exchange: Exchange,
    address: GatewayAddress,
    scope: Scope | None,
    caller: Caller | None,
) -> None:
    """`caller`: who signed, or which environment this comes from; None: nobody."""
    path, _, query = address.target.partition("?")
    name, _, below = path[1:].partition("/")
    served = control.gateways.rest.stage(address.api_id, name)
    incoming = _incoming(exchange, address, f"/{below}", path, query, served)
    more: Headers = [
        ("x-amzn-RequestId", incoming.request_id),
        ("x-amz-apigw-id", incoming.extended_id),
    ]
    if not address.domain:
        more.append(web_pages.SANDBOXED)
    asked: Asked | None = None
    try:
        if served is None or (served.disabled and address.domain):
            raise gateway_responses.forbidden()
        if exchange.oversized or exchange.truncated:
            raise Refused(
                "REQUEST_TOO_LARGE",
                f"HTTP content length exceeded {BODY_BYTES} bytes.",
                "RequestTooLargeException",
            )
        route = served.router.match(incoming.method, incoming.path)
        if route is None or "methodIntegration" not in route.method:
            raise gateway_responses.missing_token()
        asked = requests.asked(served.stage, incoming, route)
        asked = await _authorized(control, exchange, served, asked, scope, caller)
        size = len(exchange.body) * MATCHING  # models have patterns
        it = asked
        await worked(
            lambda: validation.check(it, served.content["requestValidators"], served.schemas),
            size,
        )
        head, body = await integrations.answer(control, served, asked)
        status, headers = head.status, head.headers
    except Refused as refused:
        _tell(address, incoming, refused)
        shown = gateway_responses.shown(
            refused,
            served.content["gatewayResponses"] if served is not None else {},
            _values(served, asked, incoming),
            {"header": dict(incoming.headers), **({} if asked is None else _parameters(asked))},
        )
        status, headers, body = shown.status, shown.headers, shown.body
    exchange.respond(status, headers + more, b"" if incoming.method == "HEAD" else body)


def _tell(address: GatewayAddress, incoming: Incoming, refused: Refused) -> None:
    facts = {
        "api": address.api_id,
        "request_id": incoming.request_id,
        "status": refused.status,
        "reason": str(refused.__cause__ or refused),
    }
    log.info("rest api refused", extra=facts)


def _incoming(
    exchange: Exchange, address: GatewayAddress, below: str, path: str, query: str,
    served: ServedStage | None,
) -> Incoming:  # fmt: skip
    region = served.stage.region if served is not None else "us-east-1"
    return Incoming(
        method=exchange.method,
        path=clean(below),
        shown_path=clean(path),
        query=query,
        headers=exchange.headers,
        body=exchange.body,
        peer=exchange.peer or "127.0.0.1",
        domain=address.domain or domain(address.api_id, region),
        request_id=new_request_id(),
        extended_id=base64.b64encode(bytes.fromhex(random_digits()[:22])).decode(),
        now=time.time(),
        trace=clean(exchange.headers.get("x-amzn-trace-id", "")),
    )


async def _authorized(
    control: Control,
    exchange: Exchange,
    served: ServedStage,
    asked: Asked,
    scope: Scope | None,
    caller: Caller | None,
) -> Asked:
    """What its method asks for has been shown."""
    method, usage_key = asked.route.method, None
    match method.get("authorizationType", "NONE"):
        case "NONE":
            pass
        case "AWS_IAM":
            signer = _signer(control, exchange, served, scope, caller)
            asked = replace(asked, incoming=replace(asked.incoming, signer=signer))
        case "CUSTOM":
            authorizer = _authorizer(served, method)
            asked, granted = await authorizers.authorized(control, asked, authorizer)
            usage_key = granted.usage_key
        case "COGNITO_USER_POOLS":
            authorizer = _authorizer(served, method)
            asked = await user_pools.authorized(control, asked, authorizer)
        case other:
            raise AssertionError(f"methods are checked when they are made: {other}")
    if method.get("apiKeyRequired"):
        from_authorizer = served.content["api"].get("apiKeySource") == "AUTHORIZER"
        header = asked.incoming.headers.get("x-api-key", "")
        value = (usage_key or "") if from_authorizer else header
        key_id = control.gateways.rest.key_id(served, value) if value else None
        if key_id is None:
            raise gateway_responses.forbidden()
        asked = replace(asked, api_key=(value, key_id))
    return asked


def _authorizer(served: ServedStage, method: Mapping[str, Any]) -> dict[str, Any]:
    found = served.content["authorizers"].get(method.get("authorizerId"))
    if found is None:
        raise gateway_responses.failed()
    return dict(found)


def _signer(
    control: Control,
    exchange: Exchange,
    served: ServedStage,
    scope: Scope | None,
    caller: Caller | None,
) -> Signer:
    """Who signed for execute-api in the API's region, if that is one of its account."""
    stage = served.stage
    origins = control.settings.origins
    if caller is None:
        raise gateway_responses.missing_token()
    foreign = (
        caller.environment is None
        and scope is not None
        and (scope.service, scope.region or stage.region) != ("execute-api", stage.region)
    )
    # Credentials that a page writes count for nothing: signatures are not verified here.
    page = not web_pages.may_call_url(None, exchange.target, exchange.headers, origins)
    if foreign or page or caller.account != stage.account:
        raise Refused(
            "ACCESS_DENIED",
            f"User: {caller.arn} is not authorized to perform: execute-api:Invoke",
            "AccessDeniedException",
        )
    return Signer(caller.access_key, caller.account, caller.arn)


def _parameters(asked: Asked) -> dict[str, dict[str, str]]:
    return {name: asked.parameters[name] for name in ("querystring", "path")}


def _values(
    served: ServedStage | None, asked: Asked | None, incoming: Incoming
) -> dict[str, dict[str, object]]:
    """What gateway responses can name."""
    if asked is not None and served is not None:
        return {
            "context": requests.context(asked),
            "stageVariables": dict(served.stage.variables),
        }
    context: dict[str, object] = {
        "requestId": incoming.request_id,
        "extendedRequestId": incoming.extended_id,
        "httpMethod": incoming.method,
        "path": incoming.shown_path,
        "identity": {"sourceIp": incoming.peer},
    }
    return {"context": context, "stageVariables": {}}
