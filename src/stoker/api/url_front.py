"""What answers at function URLs: an HTTP request becomes an event, the function's answer HTTP.

    known URL? ─► preflight? ─► may this caller? ─► event ─► invoke ─► answer, whole or streamed

On the way out everything that goes wrong is one of AWS's: 403 who may not, 413 too long, 429 too
many, and 502 "Internal Server Error" for all that the function or its answer has of faults, whose
reason is in the log.
"""

import asyncio
import logging
import time

from stoker.api.control import Caller, Control
from stoker.api.identifiers import new_request_id
from stoker.api.sampling import begun
from stoker.api.url_answer import UrlAnswer, refuse
from stoker.api.url_metrics import UrlRequest
from stoker.core import access, url_cors, url_events, web_pages
from stoker.core.access import Access, Verdict
from stoker.core.errors import (
    AccessDeniedException,
    RequestTooLargeException,
    ServiceError,
)
from stoker.core.function_urls import PATH, FunctionUrl
from stoker.core.invocation import Invocation, RequestId, Way
from stoker.core.limits import SYNC_PAYLOAD_BYTES
from stoker.core.proxy_events import Request, Signer
from stoker.core.sigv4 import Scope
from stoker.http.base import Exchange, Headers

log = logging.getLogger(__name__)

FORBIDDEN = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)
LARGE_BYTES = 64 * 1024  # a longer body becomes an event in a thread


async def answer(
    control: Control,
    exchange: Exchange,
    asked: tuple[str, str],
    scope: Scope | None,
    caller: Caller | None,
) -> None:
    """`asked`: the URL's id and the target as its function sees it. `caller`: who signed, or
    which environment this comes from; None: nobody."""
    request_id = new_request_id()
    url_id, target = asked
    more: Headers = [("x-amzn-RequestId", request_id)]
    if exchange.target.startswith(PATH):
        more.append(web_pages.SANDBOXED)
    url = control.catalog.url(url_id)
    if url is None:
        refuse(exchange, AccessDeniedException("Forbidden"), request_id, more)
        return
    counted = UrlRequest(control.metrics, url)
    if url_cors.is_preflight(url.cors, exchange.method, exchange.headers):
        assert url.cors is not None
        exchange.respond(200, [*more, *url_cors.preflight(url.cors, exchange.headers)])
        counted.answered(200)
        return
    try:
        _check_page(control, exchange, url)
        _check(control, url, scope, caller)
        if exchange.oversized or exchange.truncated:
            raise RequestTooLargeException(
                f"Request must be smaller than {SYNC_PAYLOAD_BYTES} bytes for the InvokeFunction "
                "operation"
            )
        reply = UrlAnswer(exchange, url, request_id, more, counted)
        await _invoke(control, exchange, url, target, request_id, caller, reply)
    except ServiceError as error:
        refuse(exchange, error, request_id, url_cors.added(url.cors, exchange.headers, more))
        counted.answered(error.status)


def _check(control: Control, url: FunctionUrl, scope: Scope | None, caller: Caller | None) -> None:
    """Both permissions, as AWS wants it of URLs made since October 2025. Within the account its
    own principals need none, but a Deny counts."""
    key = url.key.function
    policy = control.catalog.policy(key.account, key.region, key.name, url.key.qualifier)
    account, arns = "", frozenset[str]()
    if url.auth == "AWS_IAM":
        foreign_scope = scope is not None and (scope.service, scope.region or key.region) != (
            "lambda",
            key.region,
        )
        if caller is None or (caller.environment is None and foreign_scope):
            raise _forbidden(url, "no signature for lambda in this region")
        account, arns = caller.account, caller.arns
    own = account == key.account
    for action, fact in (
        (access.INVOKE_URL, ("lambda:functionurlauthtype", url.auth)),
        (access.INVOKE, ("lambda:invokedviafunctionurl", "true")),
    ):
        facts = dict([fact, ("aws:principalaccount", account)] if account else [fact])
        said = access.verdict(policy, Access(action, account, arns, facts=facts))
        if said is Verdict.DENIED or (said is Verdict.SILENT and not own):
            raise _forbidden(url, f"the resource policy does not allow {action}")


def _check_page(control: Control, exchange: Exchange, url: FunctionUrl) -> None:
    """AuthType NONE is for every page; AWS_IAM is not, whatever credentials a page writes."""
    if url.auth == "AWS_IAM" and not web_pages.may_call_url(
        url.cors, exchange.target, exchange.headers, control.settings.origins
    ):
        raise _forbidden(url, "a web page asks that neither Cors nor allowed_origins names")


def _forbidden(url: FunctionUrl, reason: str) -> AccessDeniedException:
    log.info("function url refused", extra={"function": url.key.arn, "reason": reason})
    return AccessDeniedException(FORBIDDEN)


async def _invoke(
    control: Control,
    exchange: Exchange,
    url: FunctionUrl,
    target: str,
    request_id: RequestId,
    caller: Caller | None,
    reply: UrlAnswer,
) -> None:
    key = url.key.function
    try:
        running = control.catalog.resolve(key.account, key.region, key.name, url.key.qualifier)
    except ServiceError as error:
        reply.fail(error.message)
        return
    trace, echo, ancestor = begun(
        control.sampling,
        (key.account, key.region, key.name),
        exchange.headers.get("x-amzn-trace-id"),
        active=running.tracing == "Active",
    )
    reply.counted.version = running.version
    reply.more.append(
        ("X-Amzn-Trace-Id", echo.replace("root=", "Root=").replace("sampled", "Sampled"))
    )
    signer = None
    if url.auth == "AWS_IAM" and caller is not None:
        signer = Signer(caller.access_key, caller.account, caller.arn)
    root = trace.partition(";")[0]
    request = Request(
        exchange.method,
        target,
        {**exchange.headers, "x-amzn-trace-id": root},
        exchange.body,
        exchange.peer or "127.0.0.1",
        signer,
    )
    facts = {"url_id": url.key.id, "domain": url.key.domain, "request_id": request_id}
    if len(exchange.body) < LARGE_BYTES:
        event = url_events.event(request, **facts, now=time.time())
    else:
        event = await asyncio.to_thread(url_events.event, request, **facts, now=time.time())
    invocation = Invocation(
        request_id,
        running,
        event,
        url.key.arn,
        trace_id=trace,
        trace_parent=ancestor,
        recipient=reply if url.mode == "RESPONSE_STREAM" else None,
        way=Way.URL,
    )
    control.invoker.submit(invocation, reply.done)
