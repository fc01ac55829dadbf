"""What answers for HTTP APIs: an HTTP request becomes an event, the function's answer HTTP; or it
goes on to another server (api/http_proxying.py).

    stage ─► preflight? ─► route ─► may this caller? ─► event ─► invoke ─► answer
              204           404      401, 403                    503        500 for a bad one

Every refusal is {"message": …}, as AWS words it; why a function could not be called, or what its
answer lacks, is in the log.
"""

import asyncio
import base64
import logging
import time
from collections.abc import Callable
from typing import TypeVar

import orjson

from stoker.api import gateway_calls, http_proxying
from stoker.api.control import Caller, Control
from stoker.api.gateway_calls import CannotCall, Throttled, TookTooLong
from stoker.api.identifiers import random_digits
from stoker.core import http_answers, url_cors, web_pages
from stoker.core.function_uris import function_of
from stoker.core.gateway_addresses import GatewayAddress, domain
from stoker.core.http_answers import Refused
from stoker.core.http_events import integration_event
from stoker.core.http_proxies import CannotProxy
from stoker.core.http_requests import ApiRequest, located
from stoker.core.limits import SYNC_PAYLOAD_BYTES
from stoker.core.proxy_events import Request, Signer
from stoker.core.served_apis import Integration, ServedApi, ServedStage
from stoker.core.sigv4 import Scope
from stoker.core.url_answers import BadAnswer, Head
from stoker.http.base import Exchange, Headers
from stoker.neighbours.neighbours import Unreachable

log = logging.getLogger(__name__)
T = TypeVar("T")

LARGE_BYTES = 64 * 1024  # a longer body becomes an event, or an answer, in a thread
JSON = ("Content-Type", "application/json")


async def answer(
    control: Control,
    exchange: Exchange,
    address: GatewayAddress,
    api: ServedApi,
    scope: Scope | None,
    caller: Caller | None,
) -> None:
    """`caller`: who signed, or which environment this comes from; None: nobody."""
    request_id = base64.b64encode(bytes.fromhex(random_digits()[:22])).decode()
    more: Headers = [("Apigw-Requestid", request_id)]
    if not address.domain:
        more.append(web_pages.SANDBOXED)
    found = None if api.disabled else api.stage_of(address.target.partition("?")[0])
    cors = None if found is None else found[0].cors
    if cors is not None and url_cors.is_preflight(cors, exchange.method, exchange.headers):
        exchange.respond(204, [*more, *url_cors.preflight(cors, exchange.headers)])
        return
    try:
        asked = _asked(exchange, address, api, found, request_id)
        if exchange.oversized or exchange.truncated:
            raise http_answers.too_large()
        asked = await _authorized(control, exchange, asked, scope, caller)
        head, body = await _invoked(control, asked)
        status, headers = head.status, head.headers + more
    except Refused as refusal:
        if refusal.reason:
            facts = {"api": api.id, "request_id": request_id, "status": refusal.status}
            log.info("http api refused", extra={**facts, "reason": refusal.reason})
        status, body = refusal.status, refusal.body
        headers = [JSON, *refusal.headers, *more]
    exchange.respond(status, url_cors.added(cors, exchange.headers, headers), body)


def _asked(
    exchange: Exchange,
    address: GatewayAddress,
    api: ServedApi,
    found: tuple[ServedStage, str] | None,
    request_id: str,
) -> ApiRequest:
    if found is None:
        raise http_answers.not_found()
    request = Request(
        exchange.method,
        address.target,
        exchange.headers,
        exchange.body,
        exchange.peer or "127.0.0.1",
        None,
    )
    name = address.domain or domain(api.id, api.region)
    asked = located(api, *found, request, domain=name, id=request_id)
    if asked is None or asked.guarded.integration is None:
        raise http_answers.not_found()
    return asked


async def _authorized(
    control: Control,
    exchange: Exchange,
    asked: ApiRequest,
    scope: Scope | None,
    caller: Caller | None,
) -> ApiRequest:
    """What its route asks for has been shown."""
    match asked.guarded.authorization:
        case "NONE":
            return asked
        case "AWS_IAM":
            _check_page(control, exchange, asked)
            signer = _signer(asked.api, scope, caller)
            return asked.signed(signer)
        case _:
            return await control.gateways.authorizers.authorized(control, asked)


def _check_page(control: Control, exchange: Exchange, asked: ApiRequest) -> None:
    """Credentials that a page writes count for nothing: signatures are not verified here."""
    if not web_pages.may_call_url(
        asked.stage.cors, exchange.target, exchange.headers, control.settings.origins
    ):
        raise http_answers.forbidden("a web page asks that neither CORS nor allowed_origins names")


def _signer(api: ServedApi, scope: Scope | None, caller: Caller | None) -> Signer:
    """Who signed for execute-api in the API's region, if that is one of its account."""
    if caller is None or (
        caller.environment is None
        and scope is not None
        and (scope.service, scope.region or api.region) != ("execute-api", api.region)
    ):
        raise http_answers.forbidden("no signature for execute-api in this region")
    if caller.account != api.account:
        raise http_answers.forbidden(f"account {caller.account} has no access")
    return Signer(caller.access_key, caller.account, caller.arn)


async def _invoked(control: Control, asked: ApiRequest) -> tuple[Head, bytes]:
    integration = asked.guarded.integration
    assert integration is not None, "checked before"
    try:
        if integration.method is not None:
            return await http_proxying.answer_of(control, asked, integration)
        return await _answer_of(control, asked, integration)
    except (CannotCall, BadAnswer, CannotProxy) as reason:
        raise http_answers.failed(str(reason)) from reason
    except (TookTooLong, Throttled, Unreachable) as reason:
        raise http_answers.unavailable(str(reason)) from reason
    except TimeoutError:
        raise http_answers.unavailable(f"{integration.uri} has not answered in time") from None


async def _answer_of(
    control: Control, asked: ApiRequest, integration: Integration
) -> tuple[Head, bytes]:
    to = gateway_calls.callee(
        control,
        function_of(integration.uri, asked.stage.variables),
        account=asked.api.account,
        role=integration.credentials,
        sources=asked.sources,
        trace=asked.request.headers.get("x-amzn-trace-id"),
    )

    def made() -> bytes:
        return orjson.dumps(
            integration_event(
                integration.format,
                asked.traced(to.root),
                asked.place,
                request_id=asked.id,
                now=time.time(),
            )
        )

    event = await _worked(made, len(asked.request.body))
    if len(event) > SYNC_PAYLOAD_BYTES:
        raise http_answers.too_large()
    result = await gateway_calls.call(control, to, event, integration.timeout_s)
    if result.function_error:
        raise BadAnswer(f"the function failed: {result.function_error}")
    payload = result.payload
    return await _worked(lambda: http_answers.read(integration.format, payload), len(payload))


async def _worked(work: Callable[[], T], size_bytes: int) -> T:
    """Here if that is quick, else in a thread."""
    return work() if size_bytes < LARGE_BYTES else await asyncio.to_thread(work)
