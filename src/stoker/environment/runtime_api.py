"""The Runtime API of one environment: what runs inside talks to us here, and to nobody else.

Everything that comes is hostile until core/runtime_states.py has looked at it. This file knows
HTTP; what a call does to the environment it asks of its `Inside`.

    GET  …/runtime/invocation/next              parked until there is an event
    POST …/runtime/invocation/{id}/response     202
    POST …/runtime/invocation/{id}/error        202
    POST …/runtime/init/error                   202
    GET  …/ping                                 pong

    With SnapStart, and else not there (404):
    GET  …/runtime/restore/next                 parked until a copy of the snapshot is restored
    POST …/runtime/restore/error                202
    GET  /2021-04-23/credentials                of the function's role

Calls of extensions are passed on to extensions_api.py, subscriptions to telemetry_api.py.
"""

import base64
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

from stoker.core import faults
from stoker.core.faults import Fault
from stoker.core.invoke_limits import RESPONSE_BYTES, RUNTIME_API_BODIES, SMALL_BODY_BYTES
from stoker.core.lifecycle import Lifecycle
from stoker.core.runtime_states import (
    ACCEPTED,
    INVALID_RESPONSE_MODE,
    METHOD_NOT_ALLOWED,
    PAGE_NOT_FOUND,
    PONG,
    TOO_LARGE,
    TOO_MANY_BODIES,
    TRUNCATED_REQUEST,
    Answer,
    Call,
    RuntimeState,
    refusal,
)
from stoker.environment import extensions_api, telemetry_api
from stoker.environment.credentials_api import CREDENTIALS, CredentialsApi
from stoker.environment.extensions_api import ExtensionsApi
from stoker.environment.telemetry_api import TelemetryApi
from stoker.http.base import Exchange

BASE = "/2018-06-01"
NEXT = f"{BASE}/runtime/invocation/next"
INIT_ERROR = f"{BASE}/runtime/init/error"
INVOCATION = f"{BASE}/runtime/invocation/"
RESTORE_NEXT = f"{BASE}/runtime/restore/next"
RESTORE_ERROR = f"{BASE}/runtime/restore/error"
PINGS = (f"{BASE}/ping", f"{BASE}/runtime/ping")
# For the warm path: Python 3.11 is slow to find an enum's member.
_NEXT_CALL: Final = Call.NEXT
_RESPONSE: Final = Call.RESPONSE
_ERROR: Final = Call.ERROR
_RUNNING: Final = RuntimeState.RUNNING
_RESPONDING: Final = RuntimeState.RESPONDING
_RESPONSE_SENT: Final = RuntimeState.RESPONSE_SENT
_RESTORE_ERROR: Final = Call.RESTORE_ERROR
_SNAP_START: Final = (RESTORE_NEXT, CREDENTIALS)
_TOKEN: Final = "authorization"
_MODE: Final = "lambda-runtime-function-response-mode"
_STREAMING: Final = "streaming"
_LOADING: Final = "stoker-function-init-ms"  # our own runtimes say so; nobody need
_CAUSE: Final = "lambda-runtime-function-xray-error-cause"
CAUSE_TYPE = "application/vnd.aws.lambda.error.cause+json"


@dataclass(slots=True)
class Posted:
    """A body that the runtime posted for its caller."""

    body: bytes
    content_type: str
    is_error: bool = False
    error_type: str = ""  # as the trailer behind a response that broke off says
    cause: str = ""  # of an error, for X-Ray


class Inside(Protocol):
    """The environment, as its Runtime API needs it."""

    def asked_next(self) -> None: ...

    def function_loaded(self, took_s: float) -> None:
        """By its own word: so much of its init the runtime spent on the function's code."""
        ...

    def response_began(self, request_id: str, exchange: Exchange) -> int | None:
        """The runtime is about to stream its answer. If its caller takes it as it comes, the
        body is taken over: returns how many bytes it may have. answered() follows."""
        ...

    def answered(self, request_id: str, posted: Posted | None, fault: Fault | None) -> None:
        """The answer is complete; either it is there or it cannot be used."""
        ...

    def init_error(self, posted: Posted, error_type: str) -> None: ...

    def asked_restore(self) -> None: ...

    def restore_error(self, posted: Posted, error_type: str) -> None: ...


class RuntimeApi:
    """stoker.http.base.Application."""

    def __init__(
        self,
        inside: Inside,
        life: Lifecycle,
        extensions: ExtensionsApi | None = None,
        subscriptions: TelemetryApi | None = None,
        credentials: CredentialsApi | None = None,
    ) -> None:
        """`life` is only looked at; what comes is told to `inside`. `extensions`,
        `subscriptions`: None where extensions are switched off. `credentials`: with SnapStart."""
        self._inside = inside
        self._life = life
        self._extensions = extensions
        self._subscriptions = subscriptions
        self._credentials = credentials
        self._restoring: Exchange | None = None  # parked in restore/next
        self._parked: OrderedDict[Exchange, None] = OrderedDict()  # in next, first come first
        # Under way: the call, the id, the response mode.
        self._bodies: dict[Exchange, tuple[Call, str, str | None]] = {}
        self._streaming: Exchange | None = None  # the body that goes to the caller as it comes

    def release(self) -> Exchange | None:
        """One `next` that waits, to be answered now. The others wait for later invocations."""
        if not self._parked:
            return None
        return self._parked.popitem(last=False)[0]

    def release_restore(self) -> None:
        """Answer who waits for its restore."""
        exchange, self._restoring = self._restoring, None
        if exchange is not None:
            exchange.respond(200, [], b"")

    # --- http.base.Application ---

    def begin(self, exchange: Exchange) -> int:
        exchange.keep_encoding = True  # payloads are opaque
        if exchange.method != "POST":
            return SMALL_BODY_BYTES
        call, request_id = _route(exchange.target)
        if call is None or (call is _RESTORE_ERROR and self._credentials is None):
            return SMALL_BODY_BYTES
        refused = self._refusal(call, request_id)
        if refused is None and len(self._bodies) >= RUNTIME_API_BODIES:
            refused = TOO_MANY_BODIES
        if refused is not None:
            _answer(exchange, refused)
            return 0
        mode = exchange.headers.get(_MODE)
        self._bodies[exchange] = call, request_id, mode
        # AWS streams to who wants it so, whatever the function says of its mode: Go's client says
        # nothing, and sends chunks. What has a length is whole already.
        wished = _STREAMING if mode is None and exchange.content_length is None else mode
        if wished == _STREAMING and call is _RESPONSE:
            most_bytes = self._inside.response_began(request_id, exchange)
            if most_bytes is not None:
                self._streaming = exchange
                return most_bytes
        return RESPONSE_BYTES

    def complete(self, exchange: Exchange) -> None:
        body = self._bodies.pop(exchange, None)
        if body is None:
            self._bodiless(exchange)
            return
        call, request_id, mode = body
        refused = self._refusal(call, request_id)  # much may have happened since begin()
        if exchange is self._streaming:
            self._streaming = None
            if self._life.runtime_state is _RESPONDING and self._life.handed(request_id):
                refused = None  # it is the one that responds
        if refused is not None:
            _answer(exchange, refused)
        elif request_id:
            self._result(exchange, request_id, mode, is_error=call is _ERROR)
        else:
            self._start_error(exchange, call)

    def lost(self, exchange: Exchange) -> None:
        self._bodies.pop(exchange, None)
        self._parked.pop(exchange, None)
        if exchange is self._restoring:
            self._restoring = None
        if self._extensions is not None:
            self._extensions.lost(exchange)

    # --- the calls ---

    def _refusal(self, call: Call, request_id: str) -> Answer | None:
        matches = bool(request_id) and self._life.handed(request_id)
        return refusal(self._life.runtime_state, call, id_matches=matches)

    def _bodiless(self, exchange: Exchange) -> None:
        target = exchange.target
        if exchange.method == "GET" and target.partition("?")[0] == NEXT:
            self._next(exchange)
        elif self._credentials is not None and exchange.method == "GET" and target in _SNAP_START:
            if target == CREDENTIALS:
                _answer(exchange, self._credentials.answer(exchange.headers.get(_TOKEN, "")))
            else:
                self._restore_next(exchange)
        elif self._extensions is not None and target.startswith(extensions_api.BASE):
            self._extensions.answer(exchange)
        elif self._subscriptions is not None and (api := telemetry_api.asked(target)) is not None:
            self._subscriptions.complete(exchange, api)
        else:
            _answer(exchange, _other(exchange.method, target, self._credentials is not None))

    def _next(self, exchange: Exchange) -> None:
        state = self._life.runtime_state
        refused = refusal(state, _NEXT_CALL)
        if refused is not None:
            _answer(exchange, refused)
            return
        self._parked[exchange] = None
        if state is not _RESPONSE_SENT:
            self._unusual_next(exchange, state)
        self._inside.asked_next()

    def _unusual_next(self, exchange: Exchange, state: RuntimeState) -> None:
        if state is _RUNNING:  # it will get the same event again, before others
            self._parked.move_to_end(exchange, last=False)
        elif state is RuntimeState.STARTED:
            with suppress(ValueError):
                self._inside.function_loaded(float(exchange.headers.get(_LOADING, "none")) / 1000)

    def _restore_next(self, exchange: Exchange) -> None:
        refused = refusal(self._life.runtime_state, Call.RESTORE_NEXT)
        if refused is not None:
            _answer(exchange, refused)
            return
        self._restoring = exchange
        self._inside.asked_restore()

    def _result(
        self, exchange: Exchange, request_id: str, mode: str | None, *, is_error: bool
    ) -> None:
        if exchange.truncated:
            self._unusable(exchange, request_id, faults.TRUNCATED, TRUNCATED_REQUEST)
            return
        if exchange.oversized:
            self._unusable(exchange, request_id, faults.OVERSIZED, TOO_LARGE)
            return
        if mode is not None and mode != _STREAMING and not is_error:
            fault = faults.BAD_RESPONSE_MODE
            self._unusable(exchange, request_id, fault, INVALID_RESPONSE_MODE)
            return
        content_type = exchange.headers.get("content-type", "application/octet-stream")
        cause = exchange.headers.get(_CAUSE, "") if is_error else ""
        posted = Posted(exchange.body, content_type, is_error, "", cause)
        if is_error and posted.content_type.startswith(CAUSE_TYPE):
            body, kind, cause = faults.without_cause(posted.body)
            posted = Posted(body, kind, is_error=True, cause=cause)
        if exchange.trailers:
            posted = _with_trailers(posted, exchange.trailers)
        # The caller first. The receipt may wait for the next event, if the runtime already asks.
        self._inside.answered(request_id, posted, None)
        exchange.respond_raw(RECEIPT, hold=True)

    def _unusable(self, exchange: Exchange, request_id: str, fault: Fault, answer: Answer) -> None:
        self._inside.answered(request_id, None, fault)
        _answer(exchange, answer)

    def _start_error(self, exchange: Exchange, call: Call) -> None:
        """Of an init, or of a restore."""
        if exchange.truncated or exchange.oversized:
            # Nothing was told; what comes of the init is seen when the process exits.
            _answer(exchange, TRUNCATED_REQUEST if exchange.truncated else TOO_LARGE)
            return
        content_type = exchange.headers.get("content-type", "application/json")
        posted = Posted(exchange.body, content_type, is_error=True)
        if content_type.startswith(CAUSE_TYPE):
            posted = Posted(*faults.without_cause(posted.body)[:2], is_error=True)
        kind = exchange.headers.get("lambda-runtime-function-error-type", "")
        exchange.respond_raw(RECEIPT)  # before everything inside is killed
        if call is _RESTORE_ERROR:
            self._inside.restore_error(posted, faults.posted_type(kind))
        else:
            self._inside.init_error(posted, faults.posted_type(kind))


def _route(target: str) -> tuple[Call | None, str]:
    """Which of the calls that carry a body, and the id in its path."""
    path = target.partition("?")[0] if "?" in target else target
    if path.startswith(INVOCATION):
        request_id, _, verb = path[len(INVOCATION) :].rpartition("/")
        if "/" not in request_id:
            if verb == "response":
                return _RESPONSE, request_id
            if verb == "error":
                return _ERROR, request_id
    if path == RESTORE_ERROR:
        return _RESTORE_ERROR, ""
    return (Call.INIT_ERROR, "") if path == INIT_ERROR else (None, "")


def _other(method: str, target: str, snap_start: bool) -> Answer:
    """What is not a call of the runtime that is carried out."""
    path = target.partition("?")[0]
    if path in (*_SNAP_START, RESTORE_ERROR):
        return METHOD_NOT_ALLOWED if snap_start else PAGE_NOT_FOUND
    if path in PINGS and method == "GET":
        return PONG
    if _route(path)[0] is not None or path in PINGS or path == NEXT:
        return METHOD_NOT_ALLOWED
    return PAGE_NOT_FOUND


def _with_trailers(posted: Posted, trailers: dict[str, str]) -> Posted:
    """A response that broke off says so behind its last chunk."""
    kind = trailers.get("lambda-runtime-function-error-type")
    if kind is None:
        return posted
    try:
        body = base64.b64decode(trailers.get("lambda-runtime-function-error-body", ""))
    except ValueError:
        body = b""
    return Posted(body, "application/json", is_error=True, error_type=kind)


def _answer(exchange: Exchange, answer: Answer) -> None:
    headers = [("Content-Type", answer.content_type)] if answer.content_type else []
    exchange.respond(answer.status, headers, answer.body)


RECEIPT = b"HTTP/1.1 202 Accepted\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n%b" % (
    ACCEPTED.content_type.encode(),
    len(ACCEPTED.body),
    ACCEPTED.body,
)
