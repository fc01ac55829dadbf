"""One connection: bytes in, requests to the application one after another, answers out.

    data_received ─► _input ─► _next_head ─► Application.begin
                                  │
                                  ▼
                                _body ─► Application.complete
                                                  │
    transport ◄── out ◄── HttpExchange.respond ◄──┘

A request behind the one in hand stays what it came as, bytes in `_input`; it is looked at when
the one before is answered. So `_exchange` (what is to be answered) and `_body` (the body still
to come) are all the state there is:

    _body     _exchange
    none      none        between two requests
    a body    the request its body is coming; the application has seen begin()
    none      the request the application owes the answer
    a body    none        answered early; the rest of the body is read and dropped

An answered connection that cannot go on is closed gently: our end first, then what the peer still
sends is dropped for a moment, since closing at once would destroy the answer in flight.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar, cast

from stoker.http.answer import CONTINUE, INTERNAL_ERROR, JSON, refusal
from stoker.http.body import Body
from stoker.http.exchange import OPEN, HttpExchange, Phase
from stoker.http.framing import BadBody
from stoker.http.head import CR, HEAD_END, BadRequest, Head, Heads
from stoker.http.outlet import Outlet

if TYPE_CHECKING:
    from stoker.http.server import HttpServer

log = logging.getLogger(__name__)
T = TypeVar("T")
R = TypeVar("R")


class Connection(asyncio.Protocol):
    """Serves one accepted socket for an `HttpServer`."""

    __slots__ = (
        "_advancing", "_again", "_app_paused", "_application", "_behind", "_body", "_closing",
        "_counted", "_eof", "_exchange", "_heads", "_input", "_limits", "_linger_bytes", "_loop",
        "_reading", "_server", "_transport", "_unread", "deadline", "expecting", "keep", "out",
    )  # fmt: skip

    def __init__(self, server: "HttpServer") -> None:
        self._server = server
        self._application = server.application
        self._limits = server.limits
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self.deadline = 0.0  # the server's clock tick ends what is past it; 0 = never
        self.out = Outlet()
        self.keep = True  # another request may follow the one in hand
        self._input = bytearray()
        self._behind = False  # more has come behind the request in hand than `_input` says
        self._counted = False  # the server counts bytes that we keep
        self._heads = Heads(server.limits.head_bytes, server.limits.header_fields)
        self._exchange: HttpExchange | None = None
        self._body: Body | None = None
        self._unread = False  # the peer may still be sending the body of the latest request
        self.expecting = False  # it waits for 100 Continue before it does
        self._linger_bytes = 0
        self._advancing = False
        self._again = False  # _advance() is due again after the others' turn
        self._app_paused = False
        self._reading = True
        self._eof = False
        self._closing = False

    # ---- what the loop calls ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        sock = transport.get_extra_info("socket")
        self.out.open(self._transport, None if sock is None else sock.fileno())
        if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._set_deadline(self._limits.idle_timeout_s)

    def data_received(self, data: bytes) -> None:
        if self._closing:
            self._linger(len(data))
            return
        if self._input or self._body is not None or self._exchange is not None or self.out.blocked:
            self._input += data
            self._advance()
            return
        try:
            taken = self._take_whole(data)
        except BadRequest as err:
            self._refuse(err)
            return
        finally:
            self._behind = False
        if taken < len(data) and not self._closing:
            self._input += data[taken:]
        if self._input or self._body is not None:
            self._advance()
        if self._server.awake is not None:
            self._server.awake.heard(self._loop)

    def eof_received(self) -> bool:
        """The peer sends no more. Within a body that is a truncated request, to be answered;
        while an answer is owed it counts as gone, since nobody can tell the two apart."""
        self._eof = True
        if self.out.held:
            self.out.send()
        exchange = self._exchange
        if exchange is None or self._body is None:
            return False  # the transport closes; connection_lost() does the rest
        self._truncate(exchange)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._eof = self._closing = True
        self.deadline = 0.0
        self._transport = None
        self._input.clear()
        self.out.lose()
        exchange = self._exchange
        if exchange is not None and self._body is not None:
            self._truncate(exchange)
        self._body = None
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.lose()
            self._call(self._application.lost, exchange, exchange)
        self._server.left(self)

    def pause_writing(self) -> None:
        self.out.blocked = True
        self._set_deadline(self._limits.write_timeout_s)
        self._count()

    def resume_writing(self) -> None:
        self.out.unblock()
        self._rearm()
        self._advance()

    # ---- what the exchange calls ----

    def send_last(self, *parts: bytes, hold: bool = False) -> None:
        """Write the end of the answer and go on to the next request."""
        if hold and (self._behind or self._input) and self.keep and self._body is None:
            self.out.held += parts[0]
        elif parts[0]:
            self.out.send(*parts)
        self._exchange = None
        self._app_paused = False
        if self._counted or self._input or self._body is not None or self.out.blocked:
            self._count()
        if self.expecting or not self.keep:
            # Where a 100 is owed nobody knows whether the body comes now.
            self._shut()
            return
        if self._body is None and not self.out.blocked:
            self._set_deadline(self._limits.idle_timeout_s)
        if not self._advancing and (self._input or not self._reading):
            self._advance()

    def pause_body(self) -> None:
        if self._body is not None:
            self._app_paused = True
            self.deadline = 0.0
            self._regulate()

    def resume_body(self) -> None:
        if self._app_paused:
            self._app_paused = False
            self._rearm()
            self._loop.call_soon(self._advance)

    def abort(self) -> None:
        """Close now, without finishing what is being answered."""
        self._exchange = self._body = None
        self.cut()

    # ---- what the server calls ----

    def retire(self) -> None:
        """End as soon as nothing is owed."""
        self.keep = False
        if self._exchange is None and not self._closing:
            self._shut()

    def expire(self) -> None:
        """The deadline has passed."""
        self.deadline = 0.0
        exchange = self._exchange
        if self._closing or self.out.blocked:
            self.cut()
        elif exchange is not None and self._body is not None:
            self._truncate(exchange)
        elif exchange is None and self._input and self._body is None:
            self._refuse(BadRequest(408, "the request took too long"))
        elif exchange is None:
            self._shut()
        # Otherwise an answer is owed, and that may take as long as it takes.

    def cut(self) -> None:
        """Close now; connection_lost() tells the application what it loses by that."""
        self._closing = True
        self.out.end()
        if self._transport is not None:
            self._transport.abort()

    # ---- requests ----

    def _take_whole(self, data: bytes) -> int:
        """Serve the requests that came whole, as nearly all do. Returns their size in bytes."""
        at = 0
        for _ in range(self._limits.requests_per_turn):
            end = data.find(HEAD_END, at) + len(HEAD_END)
            if end < len(HEAD_END) or end - at > self._limits.head_bytes or data[at] <= CR:
                return at
            head = self._heads.parse(data[at:end])
            self._behind = end < len(data)
            exchange, accepted = self._begin(head)
            length = head.content_length or 0
            at = end + length
            whole = head.plain and exchange.on_data is None and exchange.phase is OPEN
            if not whole or length > accepted or at > len(data):
                if not self._closing:
                    self._input += data[end:]
                self._expect_body(head, exchange, accepted)
                return len(data)
            if length:
                exchange.body = data[end:at]
                self._unread = False
            self._behind = at < len(data)
            self._call(self._application.complete, exchange, exchange)
            if not self._behind or self._exchange is not None or self._closing or self.out.blocked:
                return at
        return at

    def _advance(self) -> None:
        """Get as far as the input allows."""
        if self._advancing or self._transport is None:
            return
        self._advancing = True
        self._again = False
        heads = 0
        try:
            while not self._closing:
                if self._body is not None:
                    if self._app_paused or not self._take_body(self._body):
                        break
                elif self._exchange is not None or self.out.blocked or not self._input:
                    break
                elif heads == self._limits.requests_per_turn:
                    self._again = True
                    self._loop.call_soon(self._advance)
                    break
                elif not self._next_head():
                    break
                else:
                    heads += 1
        finally:
            self._advancing = False
        if self.out.held and (self._exchange is None or self._body is not None):
            self.out.send()
        self._regulate()

    def _next_head(self) -> bool:
        """Start the next request if its head is in."""
        fresh = self._heads.fresh
        try:
            head = self._heads.take(self._input)
        except BadRequest as err:
            self._refuse(err)
            return False
        if head is None:
            if fresh and self._input:
                self._set_deadline(self._limits.head_timeout_s)
            return False
        exchange, accepted = self._begin(head)
        self._expect_body(head, exchange, accepted)
        return True

    def _begin(self, head: Head) -> tuple[HttpExchange, int]:
        exchange = self._exchange = HttpExchange(self, head)
        self.keep = head.keep_alive
        self._unread = head.has_chunks or bool(head.content_length)
        self.expecting = head.expects_continue and self._unread
        return exchange, self._call(self._application.begin, exchange, exchange) or 0

    def _expect_body(self, head: Head, exchange: HttpExchange, accepted: int) -> None:
        """The application has seen the head: go on to the body, if there is one."""
        if self._transport is None or self._closing:
            return
        length = head.content_length or 0
        if length == 0 and not head.has_chunks:
            if self._exchange is exchange:
                self._call(self._application.complete, exchange, exchange)
            return
        limits = self._limits
        coding = head.headers.get("content-encoding", "").lower()
        zipped = coding in ("gzip", "x-gzip") and not exchange.keep_encoding
        body = self._body = Body.announced_by(head, limits, accepted=accepted, zipped=zipped)
        self._set_deadline(limits.body_timeout_s)
        if self._exchange is None:
            return
        if self.expecting and not self._input:
            if body.oversized:
                self._stop_reading(body)  # the final answer comes in place of the 100
                return
            self.out.send(CONTINUE)
        self.expecting = False

    def _take_body(self, body: Body) -> bool:
        """Move what has come of the body; true when that may have ended it."""
        if self._exchange is None:
            body.refuse()  # answered already
        before = len(self._input)
        try:
            piece = body.take(self._input)
        except BadBody as err:
            log.debug("malformed body", extra={"reason": str(err)})
            if self._exchange is None:
                self._shut()
            else:
                self._truncate(self._exchange)
            return False
        if self.deadline:
            self._earn_time(before - len(self._input))
        exchange = self._exchange
        if exchange is not None and piece:
            if exchange.on_data is None:
                body.keep(piece)
            else:
                self._call(exchange.on_data, piece, exchange)
        if self._body is None:
            return True  # the application closed the connection
        if body.hopeless:
            self._stop_reading(body)
            return True
        if not body.done:
            return False
        self._body = None
        self._unread = False
        if self._exchange is not None:
            self._hand_over(self._exchange, body)
        else:
            self._set_deadline(self._limits.idle_timeout_s)
        return True

    def _earn_time(self, count: int) -> None:
        limits = self._limits
        if limits.body_timeout_s is not None and not self.out.blocked:
            self.deadline = min(
                self.deadline + count / limits.body_bytes_per_s,
                self._loop.time() + limits.body_timeout_s,
            )

    def _stop_reading(self, body: Body) -> None:
        """Too much has been dropped (or nothing will come): answer, and close behind it."""
        self._body = None
        self.keep = False
        if self._exchange is None:
            self._shut()
        else:
            body.refuse()
            self._hand_over(self._exchange, body)

    def _truncate(self, exchange: HttpExchange) -> None:
        """The body cannot be completed; the application is told, and answers for the last time."""
        exchange.truncated = True
        self.keep = False
        self._input.clear()
        body, self._body = self._body, None
        if body is not None:
            self._hand_over(exchange, body)

    def _hand_over(self, exchange: HttpExchange, body: Body) -> None:
        exchange.trailers = body.trailers
        exchange.oversized = body.oversized
        exchange.body = body.whole()
        self._app_paused = False
        self._call(self._application.complete, exchange, exchange)

    # ---- the application's and the peer's mistakes ----

    def _call(self, function: Callable[[T], R], argument: T, exchange: HttpExchange) -> R | None:
        """Call the application. When it breaks the peer sees that, and may go on."""
        try:
            return function(argument)
        except Exception:
            log.exception("application failed", extra={"target": exchange.target})
        if exchange.phase is OPEN:
            exchange.respond(500, JSON, INTERNAL_ERROR)
        elif exchange.phase is Phase.STREAMING:
            exchange.abort()
        return None

    def _refuse(self, reason: BadRequest) -> None:
        """Answer what is not even a request, and close."""
        self._input.clear()
        self.out.send(refusal(reason.status, str(reason)))
        self._unread = True
        self._shut()

    # ---- the end, flow and time ----

    def _shut(self) -> None:
        """Close behind what has been written."""
        transport = self._transport
        if transport is None or self._closing:
            return
        self.out.end()
        linger = self._unread or self._behind or bool(self._input)
        self._closing = True
        self._body = None
        self._input.clear()
        if self._eof or self._server.closing or not linger or transport.is_closing():
            transport.close()
            return
        transport.write_eof()
        self._linger_bytes = self._limits.discard_bytes
        if not self._reading:
            self._reading = True
            transport.resume_reading()
        if not self.out.blocked:
            self._rearm()

    def _linger(self, count: int) -> None:
        self._linger_bytes -= count
        if self._linger_bytes < 0 and self._transport is not None:
            self._transport.abort()

    def _count(self) -> None:
        """What all connections make us keep has a bound; who goes beyond it is refused."""
        body, exchange, transport = self._body, self._exchange, self._transport
        size = len(self._input)
        if body is not None:
            size += body.kept_bytes
        elif exchange is not None:
            size += len(exchange.body)
        if self.out.blocked and transport is not None:
            size += transport.get_write_buffer_size()
        self._counted = size > 0
        if self._server.held.count(self, size) or size <= self._limits.pipelined_bytes:
            return
        if self.out.blocked:
            self.cut()
        elif body is not None:
            body.refuse()
        elif exchange is None:
            self._refuse(BadRequest(503, "too much is under way here"))
        else:
            return
        self._counted = False
        self._server.held.count(self, 0)

    def _regulate(self) -> None:
        """Read while there is somebody to take what comes."""
        if self._counted or self._input or self._body is not None or self._exchange is not None:
            self._count()
        transport = self._transport
        if transport is None or self._closing or self._eof:
            return
        waiting = self.out.blocked or self._again
        if self._exchange is not None and self._body is None:
            waiting = True
        full = waiting and len(self._input) > self._limits.pipelined_bytes
        read = not (full or self._app_paused)
        if read is not self._reading and not transport.is_closing():
            self._reading = read
            if read:
                transport.resume_reading()
            else:
                transport.pause_reading()

    def _rearm(self) -> None:
        if self._closing:
            self._set_deadline(_LINGER_S)
        elif self._body is not None:
            self._set_deadline(self._limits.body_timeout_s)
        elif self._exchange is not None:
            self.deadline = 0.0
        else:
            self._set_deadline(self._limits.idle_timeout_s)

    def _set_deadline(self, seconds: float | None) -> None:
        if seconds is None:
            self.deadline = 0.0
        else:
            self.deadline = self._loop.time() + seconds
            self._server.watch()


_LINGER_S: Final = 2.0
