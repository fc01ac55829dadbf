"""Invoke: headers and body of one request become an Invocation, its result becomes the answer.
So does InvokeWithResponseStream, but for its answer (api/event_answer.py).

The warm path. No task is made and nothing is awaited: `begin` hands the invocation to the
invoker with what is to be done with its result. What does not change between requests (caller,
function, qualifier) is an `Address`, worked out once and remembered by the front door.
"""

import asyncio
import binascii
from dataclasses import dataclass
from functools import partial

import orjson

from stoker.api import constraints, event_invocations, services
from stoker.api.control import Caller, Control
from stoker.api.event_answer import EventAnswer
from stoker.api.identifiers import new_request_id
from stoker.api.json_check import LARGE_BYTES, complaint, complaint_about_large
from stoker.api.refusals import Dialect, render
from stoker.api.sampling import begun
from stoker.core import access, lineage
from stoker.core.errors import (
    InvalidRequestContentException,
    NotImplementedException,
    ServiceError,
)
from stoker.core.invocation import Invocation, InvocationResult, RequestId, Target, Way
from stoker.core.model import FunctionKey
from stoker.core.names import function_arn, locate
from stoker.core.tenancy import HEADER as TENANT
from stoker.core.tenancy import of_tenant
from stoker.http.answer import date_line
from stoker.http.base import Exchange, Headers
from stoker.store.event_queue import Content

CLIENT_CONTEXT_BYTES = 3583  # AWS: of base64
JOINED_BYTES = 64 * 1024  # a larger payload is not copied behind its head


@dataclass(frozen=True, slots=True)
class Address:
    """Who invokes what: the part of a request that its successors share."""

    caller: Caller
    account: str  # the function's; the caller's may be another
    name: str
    qualifier: str | None
    arn: str  # qualified if and only if the caller qualified it
    mark: str  # the function's, in the lineage of a trace header

    @property
    def key(self) -> FunctionKey:
        return FunctionKey(self.account, self.caller.region, self.name)


def address(caller: Caller, function_name: str, qualifier: str | None) -> Address:
    """Which function the path and the query mean; they are legal by AWS's model."""
    ref = locate(
        function_name,
        qualifier,
        account=caller.account,
        region=caller.region,
        action="InvokeFunction",
        foreign=True,
    )
    account = ref.account or caller.account
    arn = function_arn(caller.region, account, ref.name, ref.qualifier)
    mark = lineage.mark(function_arn(caller.region, account, ref.name))
    return Address(caller, account, ref.name, ref.qualifier, arn, mark)


def resolved(control: Control, where: Address) -> Target:
    """What would be run, if the caller may have it run; else the refusal."""
    region, catalog = where.caller.region, control.catalog
    policy = catalog.policy(where.account, region, where.name, where.qualifier)
    if policy or where.account != where.caller.account:
        _check_permission(policy, where)
    return catalog.resolve(where.account, region, where.name, where.qualifier)


def begin(control: Control, exchange: Exchange, where: Address, *, streamed: bool = False) -> None:
    """Start one invocation; the answer goes out when it is done, or as it comes if `streamed`."""
    _Invoke(control, exchange, where, new_request_id(), streamed).begin()


def refuse(exchange: Exchange, request_id: RequestId, error: ServiceError) -> None:
    answer = render(error, Dialect("rest-json", model=services.model("lambda")), request_id)
    exchange.respond(answer.status, answer.headers, answer.body)


class _Invoke:
    """One request under way."""

    __slots__ = ("control", "echo", "exchange", "request_id", "streamed", "target", "where")

    def __init__(
        self,
        control: Control,
        exchange: Exchange,
        where: Address,
        request_id: RequestId,
        streamed: bool,
    ) -> None:
        self.control = control
        self.exchange = exchange
        self.where = where
        self.request_id = request_id
        self.streamed = streamed

    def begin(self) -> None:
        exchange, where = self.exchange, self.where
        event = exchange.body or b"{}"  # AWS hands an absent payload on as an empty object
        try:
            _check_options(exchange.headers, self.streamed)
            self.target = of_tenant(resolved(self.control, where), exchange.headers.get(TENANT, ""))
            if len(event) < LARGE_BYTES:
                self.submit(event, complaint(event))
                return
        except ServiceError as refusal:
            refuse(exchange, self.request_id, refusal)
            return
        looked = asyncio.get_running_loop().run_in_executor(None, complaint_about_large, event)
        looked.add_done_callback(partial(self.looked_at, event))

    def looked_at(self, event: bytes, looked: "asyncio.Future[str | None]") -> None:
        """A large event has been checked, in a thread."""
        if looked.cancelled():  # the server is stopping
            self.exchange.abort()
            return
        try:
            self.submit(event, looked.result())
        except ServiceError as refusal:
            refuse(self.exchange, self.request_id, refusal)
        except BaseException:
            self.exchange.abort()
            raise

    def submit(self, event: bytes, fault: str | None) -> None:
        if fault is not None:
            raise event_invocations.not_json(fault)
        headers = self.exchange.headers
        kind = headers.get("x-amz-invocation-type")
        if kind == "DryRun":
            self.exchange.respond(204, [("x-amzn-RequestId", self.request_id)])
            return
        context = headers.get("x-amz-client-context")
        target = self.target
        trace, self.echo, ancestor = begun(
            self.control.sampling,
            (target.account, target.region, target.name),
            headers.get("x-amzn-trace-id"),
            active=target.tracing == "Active",
        )
        trace, turns = lineage.advanced(trace, self.where.mark)
        if kind == "Event":
            self.queue(event, trace, ancestor)
            return
        if turns:
            event_invocations.check_loop(self.control, self.where.key, turns)
        invocation = Invocation(
            self.request_id,
            target,
            event,
            self.where.arn,
            headers.get("content-type", "application/json"),
            _client_context(context) if context else "",
            "",
            trace,
            headers.get("x-amz-log-type") == "Tail",
            None,
            ancestor,
        )
        if self.streamed:
            answer = EventAnswer(self.exchange, self.facts(self.target.version), self.refuse)
            invocation.recipient, invocation.way = answer, Way.STREAM
            self.control.invoker.submit(invocation, answer.done)
            return
        self.control.invoker.submit(invocation, self.done)

    def queue(self, event: bytes, trace: str, ancestor: str) -> None:
        """Have it run later; the answer goes out once it is on the disk."""
        event_invocations.check_size(event)
        where = self.where
        content = Content(
            self.request_id,
            where.arn,
            self.exchange.headers.get("content-type", "application/json"),
            trace,
            ancestor,
            event,
            self.target.tenant,
        )
        self.control.events.accept(where.key, where.qualifier, content, self.queued)

    def queued(self, refusal: ServiceError | None) -> None:
        if refusal is not None:
            self.refuse(refusal)
            return
        facts = (date_line(), self.request_id.encode(), self.echo.encode("latin-1", "replace"))
        self.exchange.respond_raw(_QUEUED_HEAD % facts)

    def done(self, result: InvocationResult | ServiceError) -> None:
        """Answer. If the caller is gone by now, the exchange drops it."""
        if isinstance(result, ServiceError):
            self.refuse(result)
            return
        payload = result.payload
        if len(payload) > JOINED_BYTES or result.function_error or result.log_tail is not None:
            self.exchange.respond(200, self.headers(result), payload)
            return
        head = _HEAD % (
            date_line(),
            result.content_type.encode("latin-1", "replace"),
            len(payload),
            self.request_id.encode(),
            result.executed_version.encode(),
            self.echo.encode("latin-1", "replace"),
        )
        self.exchange.respond_raw(head + payload)

    def headers(self, result: InvocationResult) -> Headers:
        headers = [("Content-Type", result.content_type), *self.facts(result.executed_version)]
        if result.function_error:
            headers.append(("X-Amz-Function-Error", result.function_error))
        if result.log_tail is not None:
            tail = binascii.b2a_base64(result.log_tail, newline=False).decode()
            headers.append(("X-Amz-Log-Result", tail))
        return headers

    def facts(self, executed_version: str) -> Headers:
        return [
            ("x-amzn-RequestId", self.request_id),
            ("X-Amz-Executed-Version", executed_version),
            ("X-Amzn-Trace-Id", self.echo),
        ]

    def refuse(self, refusal: ServiceError) -> None:
        refuse(self.exchange, self.request_id, refusal)


_HEAD = (
    b"HTTP/1.1 200 OK\r\n%bContent-Type: %b\r\nContent-Length: %d\r\nx-amzn-RequestId: %b\r\n"
    b"X-Amz-Executed-Version: %b\r\nX-Amzn-Trace-Id: %b\r\n\r\n"
)
_QUEUED_HEAD = (
    b"HTTP/1.1 202 Accepted\r\n%bContent-Length: 0\r\nx-amzn-RequestId: %b\r\n"
    b"X-Amzn-Trace-Id: %b\r\n\r\n"
)
_KINDS = frozenset({"RequestResponse", "Event", "DryRun"})
_STREAMED_KINDS = frozenset({"RequestResponse", "DryRun"})
_LOG_TYPES = frozenset({"None", "Tail"})
_UNBUILT = "x-amz-durable-execution-name"
_OPTIONS = frozenset({"x-amz-invocation-type", "x-amz-log-type", TENANT, _UNBUILT})


def _check_options(headers: dict[str, str], streamed: bool) -> None:
    """Refuse what AWS's model does not allow, and what is not built."""
    if headers.keys().isdisjoint(_OPTIONS):
        return
    kind = headers.get("x-amz-invocation-type", "RequestResponse")
    log_type = headers.get("x-amz-log-type", "None")
    kinds = _STREAMED_KINDS if streamed else _KINDS
    tenant = headers.get(TENANT)
    legal = kind in kinds and log_type in _LOG_TYPES
    if legal and _UNBUILT not in headers and tenant is None:
        return  # as most requests; the model's words are for the others
    values = {
        "FunctionName": "checked", "InvocationType": kind, "LogType": log_type, "TenantId": tenant
    }  # fmt: skip
    operation = "InvokeWithResponseStream" if streamed else "Invoke"
    constraints.check(services.model("lambda").operation_model(operation), values)
    if _UNBUILT in headers:
        raise NotImplementedException(
            "Stoker does not implement durable executions yet. See docs/COMPATIBILITY.md."
        )


def _check_permission(policy: str, where: Address) -> None:
    caller = where.caller
    access.check(
        policy,
        access.invoker(caller.account, caller.arns),
        owner=where.account,
        who=caller.arn,
        resource=where.arn,
    )


def _client_context(encoded: str) -> str:
    """The decoded JSON text, fit for one header line."""
    try:
        if len(encoded) > CLIENT_CONTEXT_BYTES:
            raise ValueError("too long")
        text = binascii.a2b_base64(encoded, strict_mode=True)
        value = orjson.loads(text)
        if not isinstance(value, dict):
            raise ValueError("not an object")
    except ValueError:  # also of binascii and orjson
        raise InvalidRequestContentException(
            "Client context must be a valid Base64-encoded JSON object."
        ) from None
    # JSON text may be spread over lines; only then is it written anew.
    return (orjson.dumps(value) if b"\n" in text or b"\r" in text else text).decode()
