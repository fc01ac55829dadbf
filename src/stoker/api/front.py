"""The front door: from an HTTP request to the operation it asks for, and back.

    begin ─► host and origin? ─► how long may the body be?
    complete ─► Invoke, seen before or usual ────────────────────► invocations.begin
             └► reserved path │ Asked: service, operation, caller ─► parse ─► handler ─► answer

Which service: the SigV4 credential scope, then X-Amz-Target, then the path. Everything but a
usual Invoke runs in a task of its own. `inside` is set for the listener within an execution
environment: whoever calls there is that environment, whatever its signature says.
"""

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from stoker.api import (
    alb_front,
    authorization,
    callers,
    codec,
    gateway_front,
    invocations,
    neighbours,
    prometheus,
    query,
    refusals,
    rpc_cbor,
    services,
    url_front,
    web_addresses,
)
from stoker.api.asking import Asked, asked_of, guess, scope_of
from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import new_request_id
from stoker.api.operations import OPERATIONS, REQUEST_BYTES, RESERVED, Operation, Reserved
from stoker.api.refusals import Dialect
from stoker.api.streamed import Streamed, stream
from stoker.api.web_addresses import WebAddress
from stoker.core import iam_requests, sessions, web_pages
from stoker.core.errors import (
    AccessDeniedException,
    InvalidRequestContentException,
    MissingAuthenticationTokenException,
    NotImplementedException,
    RequestEntityTooLargeException,
    RequestTooLargeException,
    ServiceError,
    ServiceException,
    UnknownOperationException,
)
from stoker.core.gateway_addresses import GatewayAddress
from stoker.core.invocation import RequestId, Target
from stoker.core.permissions import Asked as Wanted
from stoker.core.quotas import Quotas
from stoker.core.sigv4 import Scope, scope_of_header
from stoker.core.target_groups import GroupAddress
from stoker.http.base import Exchange

log = logging.getLogger(__name__)
K = TypeVar("K")
V = TypeVar("V")

TABLE = {(row.service, row.name): row for row in OPERATIONS}
INVOKE = TABLE["lambda", "Invoke"]
REMEMBERED = 4096  # addresses of Invoke, and Host headers
MEMORABLE_BYTES = 1024  # who sends longer ones shall not make us keep them
LARGE_BYTES = 1024 * 1024  # requests from here on are read in a thread
NOBODY = Scope("", "", "", "")
PAGES = "/_stoker/"  # the console's
Pages = Callable[[Control, Exchange], Awaitable[None]]
_PLAIN_INVOKE = re.compile(r"/2015-03-31/functions/([a-zA-Z0-9_-]{1,64})/invocations", re.ASCII)
_OTHER_PROTOCOLS = frozenset({"smithy-protocol", "x-amz-target"})


_PARSERS: dict[str, Callable[..., Any]] = {
    "json": codec.parse,
    "rest-json": codec.parse,
    "smithy-rpc-v2-cbor": rpc_cbor.parse,
}
_WRITERS: dict[str, Callable[..., codec.Response]] = {
    "json": codec.serialise,
    "rest-json": codec.serialise,
    "smithy-rpc-v2-cbor": rpc_cbor.serialise,
}


class Front:
    """Answers AWS's API. One for the server's port, and one per environment (`inside`)."""

    def __init__(
        self, control: Control, *, inside: Target | None = None, pages: Pages | None = None
    ) -> None:
        """`pages` answers what else is below /_stoker/, and judges itself whose page asks."""
        self._control = control
        self._inside = inside
        self._reserved = RESERVED if pages is None else (*RESERVED, Reserved(PAGES, pages))
        self._hosts: dict[str, tuple[bool, bool]] = {}  # is it ours, and may it be a web address's
        self._addresses: dict[tuple[str, str], invocations.Address] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._uploads: dict[Exchange, neighbours.Upload] = {}  # bodies that are passed on
        self._forwards: dict[Exchange, asyncio.Task[None]] = {}  # who need not be answered
        # At once, so that the first request need not wait for the models.
        self._ours = frozenset(
            one.signing_name
            for one in services.built()
            if control.neighbours is None or control.neighbours.is_embedded(one.signing_name)
        )

    async def close(self) -> None:
        """Let the operations that are under way come to their end. Call after the HTTP server
        has closed; a mutation that has begun is never cut in half."""
        if self._tasks:
            await asyncio.wait(self._tasks)

    # ---- what the HTTP server calls ----

    def begin(self, exchange: Exchange) -> int:
        headers = exchange.headers
        host = headers.get("host", "")
        known = self._hosts.get(host)
        if known is None:
            ours = web_pages.is_ours(host, self._control.settings.hosts)
            known = (ours, web_addresses.is_name(host))
            if len(host) <= MEMORABLE_BYTES:
                _remember(self._hosts, host, known)
        allowed, named = known
        web = None
        if named or exchange.target.startswith(web_addresses.PATHS):
            exchange.purpose = web = web_addresses.asked(host, exchange.target)
        if web is not None:
            exchange.keep_encoding = True  # the function's affair, and so is the page
            if not allowed:
                self._check_page(exchange, host, allowed)
            return web_addresses.most_bytes(web)
        if not allowed or "origin" in headers or "sec-fetch-site" in headers or "via" in headers:
            self._check_page(exchange, host, allowed)
        elif not exchange.target.startswith(("/20", "/_")):  # Lambda's, and ours
            service = self._neighbour(exchange)
            if service == iam_requests.SERVICE and self._inside is not None:
                return authorization.MOST_BYTES  # judged before it is passed on
            if service is not None:
                upload = self._uploads[exchange] = neighbours.Upload(exchange, service)
                self._spawn(self._forward(exchange, service, upload))
                return neighbours.BODY_BYTES
        return _body_bytes(exchange, self._control.settings.quotas, inside=self._inside is not None)

    def complete(self, exchange: Exchange) -> None:
        if self._uploads and exchange in self._uploads:
            self._uploads[exchange].end()
            return
        if exchange.purpose is not None:
            self._spawn(self._answer_web(exchange, exchange.purpose))
            return
        # Of nearly every invocation only this much is looked at.
        credential = exchange.headers.get("authorization", "").partition(",")[0]
        whole = not (exchange.oversized or exchange.truncated)
        if whole and exchange.method == "POST":
            address = self._addresses.get((exchange.target, credential))
            address = address or self._usual(exchange, credential)
            if address is not None:
                invocations.begin(self._control, exchange, address)
                return
        reserved = self._reserved_for(exchange.target)
        if reserved is not None:
            self._spawn(self._answer_reserved(exchange, reserved))
            return
        self._spawn(self._answer(exchange))

    def _usual(self, exchange: Exchange, credential: str) -> invocations.Address | None:
        """The address of a first Invoke as nearly all are spelled, without a look at the model:
        that would be a tenth of a cold start."""
        named = _PLAIN_INVOKE.fullmatch(exchange.target)
        if named is None or not exchange.headers.keys().isdisjoint(_OTHER_PROTOCOLS):
            return None
        try:
            scope = scope_of_header(credential)
            caller = self._caller(scope, exchange)
        except ServiceError:
            return None  # refused by _answer
        if scope.service != "lambda":
            return None
        address = invocations.address(caller, named[1], None)
        if len(credential) <= MEMORABLE_BYTES and self._is_lasting(scope):
            _remember(self._addresses, (exchange.target, credential), address)
        return address

    def lost(self, exchange: Exchange) -> None:
        """What runs goes on; the exchange drops its answer. Neighbours need not answer it, and
        messages are for somebody else."""
        task = self._forwards.get(exchange)
        if task is not None:
            task.cancel()

    def has(self, service: str, target: str) -> bool:
        """Whether that is a path of the service's, as this server itself may ask for: whoever
        chooses it must not come to pages of ours."""
        if target.startswith("/_"):
            return False
        return service not in self._ours or self._reserved_for(target) is None

    # ---- who may call at all ----

    def _reserved_for(self, target: str) -> Reserved | None:
        if not target.startswith(("/_", prometheus.PATH)):
            return None
        path = PAGES if target == PAGES[:-1] else target  # as it is often typed
        return next((one for one in self._reserved if path.startswith(one.prefix)), None)

    def _check_page(self, exchange: Exchange, host: str, host_allowed: bool) -> None:
        origins = self._control.settings.origins
        reserved, reason = self._reserved_for(exchange.target), None
        if reserved is None or reserved.prefix != PAGES:
            reason = web_pages.stranger(exchange.method, exchange.target, exchange.headers, origins)
        reason = reason or web_pages.passed_on(exchange.headers)
        if not host_allowed:
            reason = (
                f"This server does not answer to the name {host!r}. If it should, add the name"
                " to allowed_hosts (STOKER_ALLOWED_HOSTS)."
            )
        if reason is None:
            return
        self._refuse(exchange, AccessDeniedException(reason), guess(exchange), new_request_id())

    # ---- everything but a usual Invoke ----

    def _spawn(self, answer: Awaitable[None]) -> None:
        task = asyncio.ensure_future(answer)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer_reserved(self, exchange: Exchange, reserved: Reserved) -> None:
        request_id = new_request_id()
        try:
            if self._inside is not None and not reserved.inside:
                raise AccessDeniedException("Execution environments have no access to this path.")
            await reserved.answer(self._control, exchange)
        except ServiceError as refusal:
            self._refuse(exchange, refusal, guess(exchange), request_id)
        except ConnectionResetError:
            pass  # the peer had enough
        except Exception:
            log.exception("request failed", extra={"request_id": request_id})
            exchange.abort()  # it may have begun its answer

    async def _answer_web(self, exchange: Exchange, web: WebAddress) -> None:
        """What is no API of AWS's, but a function's URL or an API of the user's."""
        scope, caller = None, None
        with suppress(ServiceError):  # who signs badly has not signed
            scope = scope_of(exchange)
        if scope is not None or self._inside is not None:
            with suppress(ServiceError):  # nor has who signs too late
                caller = self._caller(scope or NOBODY, exchange)
        try:
            if isinstance(web, GroupAddress):
                await alb_front.answer(self._control, exchange, web)
            elif isinstance(web, GatewayAddress):
                await gateway_front.answer(self._control, exchange, web, scope, caller)
            else:
                await url_front.answer(self._control, exchange, web, scope, caller)
        except Exception:
            log.exception("request failed", extra={"target": exchange.target[:MEMORABLE_BYTES]})
            exchange.abort()  # it may have begun its answer

    def _neighbour(self, exchange: Exchange) -> str | None:
        """The service that it is signed for, if that is somebody else's affair."""
        try:
            scope = scope_of(exchange)
        except ServiceError:
            return None
        if scope is None or scope.service in self._ours:
            return None
        return scope.service if neighbours.served(self._control, scope.service) else None

    async def _forward(
        self, exchange: Exchange, service: str, upload: neighbours.Upload | None
    ) -> None:
        request_id = new_request_id()
        task = asyncio.current_task()
        assert task is not None
        self._forwards[exchange] = task
        try:
            scope = scope_of(exchange)
            assert scope is not None, "it is signed for that service"
            caller = self._caller(scope, exchange)
            judged = self._inside is not None and service == iam_requests.SERVICE
            if judged:
                await authorization.check_iam(self._control, exchange, caller)
            await neighbours.forward(
                self._control, exchange, caller, service, request_id, upload, judged=judged
            )
        except (neighbours.NotServed, ServiceError) as refusal:
            asked = await asked_of(exchange)
            told = refusal if isinstance(refusal, ServiceError) else _not_served(asked, refusal)
            self._refuse(exchange, told, asked.dialect, request_id)
        except Exception:
            log.exception("request failed", extra={"request_id": request_id})
            exchange.abort()  # it may have begun its answer
        finally:
            self._uploads.pop(exchange, None)
            del self._forwards[exchange]

    async def _answer(self, exchange: Exchange) -> None:
        service = self._neighbour(exchange)
        if service is not None:
            await self._forward(exchange, service, None)
            return
        request_id = new_request_id()
        dialect = guess(exchange)
        try:
            asked = await asked_of(exchange)
            dialect = asked.dialect
            if self._is_shared(asked):
                await self._forward_whole(exchange, asked)
                return
            await self._carry_out(exchange, asked, request_id)
        except ServiceError as refusal:
            self._refuse(exchange, refusal, dialect, request_id)
        except Exception:
            log.exception("request failed", extra={"request_id": request_id})
            failure = ServiceException(
                f"Stoker failed; its log says why, under request id {request_id}."
            )
            self._refuse(exchange, failure, dialect, request_id)

    def _is_shared(self, asked: Asked) -> bool:
        """Is it an operation that others answer, of a service of which we answer some?"""
        if asked.service not in services.SHARED or asked.found is None or asked.scope is None:
            return False
        name = asked.found.operation
        ours = (asked.service, name) in TABLE or name in services.UNSHARED
        return not ours and neighbours.served(self._control, asked.scope.service)

    async def _forward_whole(self, exchange: Exchange, asked: Asked) -> None:
        if exchange.truncated or exchange.oversized:
            raise RequestEntityTooLargeException(f"It must be smaller than {REQUEST_BYTES} bytes")
        assert asked.scope is not None, "it is shared"
        await self._forward(exchange, asked.scope.service, None)

    async def _carry_out(self, exchange: Exchange, asked: Asked, request_id: RequestId) -> None:
        row = self._row(exchange, asked)
        assert asked.found is not None
        assert asked.scope is not None
        inside = self._inside is not None
        _check_body(exchange, row, self._control.settings.quotas, inside=inside)
        caller = self._caller(asked.scope, exchange)
        identity = None
        if self._inside is not None and not row.inside:
            identity = await authorization.identity_of(self._control, caller)
            if identity is None:
                name = asked.found.labels.get("FunctionName")
                raise authorization.denied(self._inside, row.service, row.name, name)
        path, _, search = exchange.target.partition("?")
        request = codec.Request(asked.found.labels, search, exchange.headers, exchange.body)
        if row.handler is None:
            address = _invoke_address(row, caller, request)
            credential = exchange.headers.get("authorization", "").partition(",")[0]
            small = len(exchange.target) + len(credential) <= MEMORABLE_BYTES
            lasting = small and self._is_lasting(asked.scope)
            if credential and lasting and row is INVOKE:
                _remember(self._addresses, (exchange.target, credential), address)
            invocations.begin(self._control, exchange, address, streamed=row is not INVOKE)
            return
        operation = services.model(row.service).operation_model(row.name)
        protocol = asked.dialect.protocol
        parse = _PARSERS.get(protocol, partial(query.parse, path=path))
        if len(request.body) < LARGE_BYTES:
            parsed = parse(operation, request)
        else:
            parsed = await asyncio.to_thread(parse, operation, request)
        if identity is not None:
            where = row.path.partition("?")[0].format(**asked.found.labels)
            of = (row.service, row.name, parsed, caller.account, caller.region, row.method, where)
            authorization.check_operation(caller, identity, Wanted(*of))
        base_url = f"http://{exchange.headers.get('host', '')}"
        trace = exchange.headers.get("x-amzn-trace-id", "")
        call = Call(parsed, caller, request_id, base_url, trace, exchange.peer)
        if row.waits:
            output = await self._waited_for(exchange, row.handler(self._control, call))
        else:
            output = await row.handler(self._control, call)
        if isinstance(output, Streamed):
            await self._waited_for(exchange, stream(exchange, output, request_id))
            return
        if protocol == "query":
            answer = query.serialise(operation, output, request_id)
        else:
            answer = _WRITERS[protocol](operation, output)
        headers = [*answer.headers, ("x-amzn-RequestId", request_id)]
        exchange.respond(answer.status, headers, answer.body)
        log.debug("operation answered", extra={"request_id": request_id, "operation": row.name})

    async def _waited_for(self, exchange: Exchange, answer: Awaitable[object]) -> object:
        """It is cut off when the caller is gone."""
        task = asyncio.current_task()
        assert task is not None
        self._forwards[exchange] = task
        try:
            return await answer
        finally:
            del self._forwards[exchange]

    def _row(self, exchange: Exchange, asked: Asked) -> Operation:
        """The row of the table, or why this caller does not get there."""
        if asked.refusal is not None:
            raise asked.refusal
        path = exchange.target.partition("?")[0]
        if asked.scope is None and not path.startswith("/_"):
            raise MissingAuthenticationTokenException("Missing Authentication Token")
        presigned = "authorization" not in exchange.headers
        if asked.found is None and presigned and asked.dialect.protocol in ("json", "query"):
            # The operation's name may be in a header, which is not in the address.
            raise NotImplementedException(
                f"This address is signed for {asked.service} and names no operation that Stoker"
                " implements. See docs/COMPATIBILITY.md."
            )
        if asked.found is None:
            raise UnknownOperationException(
                f"No operation of AWS's API is where this request went: {exchange.method} {path}"
            )
        row = TABLE.get((asked.service, asked.found.operation))
        if row is None:
            raise NotImplementedException(
                f"Stoker does not implement {asked.service}:{asked.found.operation} yet."
                " See docs/COMPATIBILITY.md."
            )
        return row

    def _caller(self, scope: Scope, exchange: Exchange) -> Caller:
        return callers.caller(self._control, self._inside, scope, exchange)

    def _is_lasting(self, scope: Scope) -> bool:
        """Whether who signs so now is the same later."""
        return self._inside is not None or not sessions.is_temporary(scope.access_key)

    def _refuse(
        self, exchange: Exchange, refusal: ServiceError, dialect: Dialect, request_id: RequestId
    ) -> None:
        answer = refusals.render(refusal, dialect, request_id)
        exchange.respond(answer.status, answer.headers, answer.body)


def _not_served(asked: Asked, reason: neighbours.NotServed) -> ServiceError:
    operation = f":{asked.found.operation}" if asked.found else ""
    return NotImplementedException(
        f"The neighbours that Stoker brings do not serve {asked.service}{operation}: {reason}."
        " Another endpoint can be configured for the service (neighbour_endpoints)."
    )


def _body_bytes(exchange: Exchange, quotas: Quotas, *, inside: bool) -> int:
    target = exchange.target
    if exchange.method == "POST" and (
        target.endswith("/invocations") or target.partition("?")[0].endswith("/invocations")
    ):
        return INVOKE.body_bytes
    if "x-amz-target" in exchange.headers or not target.startswith("/20"):
        return REQUEST_BYTES
    if not exchange.content_length and "transfer-encoding" not in exchange.headers:
        return REQUEST_BYTES  # there is none
    found = services.find(
        services.built()[0], exchange.method, target, exchange.headers, exchange.body
    )
    row = TABLE.get(("lambda", found.operation)) if found else None
    return _most_bytes(row, quotas, inside=inside) if row else REQUEST_BYTES


def _most_bytes(row: Operation, quotas: Quotas, *, inside: bool) -> int:
    """What most functions are refused need not be kept first: a large package comes by S3."""
    return row.most_bytes(quotas) if row.inside or not inside else REQUEST_BYTES


def _check_body(exchange: Exchange, row: Operation, quotas: Quotas, *, inside: bool) -> None:
    if exchange.truncated:
        raise InvalidRequestContentException("The request ended before its body was complete.")
    if exchange.oversized:
        kind = RequestTooLargeException if row.handler is None else RequestEntityTooLargeException
        name = "InvokeFunction" if row is INVOKE else row.name  # AWS's word
        most = _most_bytes(row, quotas, inside=inside)
        raise kind(f"Request must be smaller than {most} bytes for the {name} operation")


def _invoke_address(row: Operation, caller: Caller, request: codec.Request) -> invocations.Address:
    operation = services.model("lambda").operation_model(row.name)
    value = codec.parse(operation, request)
    return invocations.address(caller, value.function_name, value.qualifier)


def _remember(memory: dict[K, V], key: K, value: V) -> V:
    """Keep what was worked out, within a bound."""
    if len(memory) >= REMEMBERED:
        memory.clear()
    memory[key] = value
    return value
