"""What answers for target groups of a load balancer: an HTTP request becomes ALB's event, the
function's answer HTTP.

    address ─► known group? ─► a function in it? ─► may the load balancer? ─► event ─► invoke

What goes wrong is answered as a load balancer does, with a page of its own: 413 too long, 503
nothing registered, and 502 for all that the function or its answer has of faults, whose reason is
in the log.
"""

import asyncio
import logging

from stoker.api.control import Control
from stoker.api.gateway_calls import CannotCall, Throttled, TookTooLong, call, callee
from stoker.core import alb_events, web_pages
from stoker.core.function_uris import function_of
from stoker.core.proxy_events import Request
from stoker.core.target_groups import PATH, GroupAddress, TargetGroup, may_be_target
from stoker.core.url_answers import BadAnswer, Head
from stoker.http.base import Exchange
from stoker.neighbours.neighbours import Unreachable

log = logging.getLogger(__name__)

PRINCIPAL = "elasticloadbalancing.amazonaws.com"
SERVER = ("Server", "awselb/2.0")
PATIENCE_S = 960.0  # longer than any function may run
LARGE_BYTES = 64 * 1024  # longer bodies are read and written in a thread
_TITLES = {
    400: "400 Bad Request",
    404: "404 Not Found",
    413: "413 Request Entity Too Large",
    501: "501 Not Implemented",
    502: "502 Bad Gateway",
    503: "503 Service Temporarily Unavailable",
}


async def answer(control: Control, exchange: Exchange, asked: GroupAddress) -> None:
    """Anybody may ask, as of a load balancer; the function's policy must let that in."""
    if exchange.truncated or exchange.oversized:
        _refuse(exchange, 400 if exchange.truncated else 413)
        return
    try:
        group = await control.target_groups.find(control.neighbours, asked)
    except Unreachable as error:
        _refuse(exchange, 503, str(error))
        return
    if group is None:
        _refuse(exchange, 404, f"{asked.account} has no target group {asked.name}")
    elif group.kind != "lambda":
        _refuse(exchange, 501, f"{group.arn} has targets of the type {group.kind}, not lambda")
    elif not group.target:
        _refuse(exchange, 503, f"{group.arn} has no target")
    else:
        await _invoke(control, exchange, asked, group)


async def _invoke(
    control: Control, exchange: Exchange, asked: GroupAddress, group: TargetGroup
) -> None:
    ref = function_of(group.target, {})
    try:
        if not may_be_target(ref, asked.account, asked.region):
            raise CannotCall(f"{group.target} is no function of its account and region")
        to = callee(
            control,
            ref,
            account=group.account,
            role=None,
            sources=[group.arn],
            trace=exchange.headers.get("x-amzn-trace-id"),
            principal=PRINCIPAL,
        )
        request = Request(
            exchange.method,
            asked.target,
            {**exchange.headers, "x-amzn-trace-id": to.root},
            exchange.body,
            exchange.peer or "127.0.0.1",
            None,
        )
        if len(exchange.body) < LARGE_BYTES:
            event = alb_events.event(request, group)
        else:
            event = await asyncio.to_thread(alb_events.event, request, group)
        result = await call(control, to, event, PATIENCE_S)
        if result.function_error:
            raise BadAnswer(result.function_error)
        head, body = await _read(result.payload, group)
    except (CannotCall, Throttled, TookTooLong, BadAnswer) as error:
        _refuse(exchange, 502, f"{group.target}: {error}")
        return
    _respond(exchange, head, body)


async def _read(payload: bytes, group: TargetGroup) -> tuple[Head, bytes]:
    if len(payload) < LARGE_BYTES:
        return alb_events.read(payload, multi_value=group.multi_value)
    return await asyncio.to_thread(alb_events.read, payload, multi_value=group.multi_value)


def _refuse(exchange: Exchange, status: int, reason: str = "") -> None:
    if reason:
        log.info("load balancer refused", extra={"status": status, "reason": reason})
    _respond(
        exchange, Head(status, [("Content-Type", "text/html")]), alb_events.page(_TITLES[status])
    )


def _respond(exchange: Exchange, head: Head, body: bytes) -> None:
    by_path = [web_pages.SANDBOXED] if exchange.target.startswith(PATH) else []
    exchange.respond(head.status, [*head.headers, SERVER, *by_path], body)
