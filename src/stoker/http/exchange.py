"""One request and its answer, as applications see them (`base.Exchange`).

It holds on to its connection until it is answered or lost. Answering later than that is harmless
when the peer is gone, and our bug when it is the second answer.
"""

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from stoker.http.answer import has_no_body, response_head
from stoker.http.base import Headers
from stoker.http.head import HEAD_END, Head

if TYPE_CHECKING:
    from stoker.http.connection import Connection


class Phase(enum.Enum):
    OPEN = enum.auto()
    STREAMING = enum.auto()  # start() was called
    ANSWERED = enum.auto()
    LOST = enum.auto()


# For the warm path: Python 3.11 is slow to find an enum's member.
OPEN: Final = Phase.OPEN
_ANSWERED: Final = Phase.ANSWERED


class HttpExchange:
    """Implements `base.Exchange`."""

    __slots__ = (
        "_chunks",
        "_connection",
        "_head",
        "_sized",
        "body",
        "content_length",
        "headers",
        "keep_encoding",
        "method",
        "on_data",
        "oversized",
        "phase",
        "purpose",
        "target",
        "trailers",
        "truncated",
    )

    def __init__(self, connection: "Connection", head: Head) -> None:
        self.method = head.method
        self.target = head.target
        self.headers = head.headers
        self.content_length = head.content_length
        self.body = b""
        self.trailers: dict[str, str] = _NO_TRAILERS
        self.truncated = False
        self.oversized = False
        self.on_data: Callable[[bytes], None] | None = None
        self.keep_encoding = False
        self.purpose: Any = None
        self.phase: Phase = OPEN
        self._connection: Connection | None = connection
        self._head = head
        self._chunks = self._sized = False

    @property
    def peer(self) -> str:
        return "" if self._connection is None else self._connection.out.peer

    def respond(self, status: int, headers: Headers, body: bytes = b"") -> None:
        connection = self._answering(Phase.OPEN)
        if connection is None:
            return
        is_head = self.method == "HEAD"
        delimiter = b"Content-Length: %d\r\n" % len(body)
        if has_no_body(status):
            delimiter = body = b""
        elif is_head:
            body = b""
        head = response_head(
            status, headers, delimiter, self._connection_line(connection), is_head=is_head
        )
        self._end(connection)
        if len(body) <= _WORTH_COPYING:
            connection.send_last(head + body)
        else:
            connection.send_last(head, body)

    def respond_raw(self, response: bytes, *, hold: bool = False) -> None:
        connection = self._connection if self.phase is OPEN else self._answering(OPEN)
        if connection is None:
            return
        if self.method == "HEAD":
            response = response[: response.index(HEAD_END) + len(HEAD_END)]
        if self._head.http_1_0:
            connection.keep = False  # it would need a header to know better
        self._end(connection)
        connection.send_last(response, hold=hold)

    def start(self, status: int, headers: Headers, length: int | None = None) -> None:
        connection = self._answering(Phase.OPEN)
        if connection is None:
            return
        # HTTP/1.0 knows no chunks: there the end of the connection is the end of the body.
        self._chunks = not (self._head.http_1_0 or has_no_body(status) or length is not None)
        self._sized = length is not None and not has_no_body(status)
        if self._head.http_1_0:
            connection.keep = False
        delimiter = b"Transfer-Encoding: chunked\r\n" if self._chunks else b""
        if self._sized:
            delimiter = b"Content-Length: %d\r\n" % (length or 0)
        head = response_head(status, headers, delimiter, self._connection_line(connection))
        self.phase = Phase.STREAMING
        connection.out.send(head)

    def write(self, data: bytes) -> bool:
        connection = self._answering(Phase.STREAMING)
        if connection is None or not data or self.method == "HEAD":
            return True
        if self._chunks:
            connection.out.send(b"%x\r\n" % len(data), data, b"\r\n")
        elif self._head.http_1_0 or self._sized:
            connection.out.send(data)
        return not connection.out.blocked

    def when_drained(self, call: Callable[[], None]) -> None:
        if self._connection is None:
            call()
        else:
            self._connection.out.when_drained(call)

    async def drained(self) -> None:
        if self._connection is not None:
            await self._connection.out.drained()
        elif self.phase is Phase.LOST:
            raise ConnectionResetError("the peer is gone")

    def finish(self) -> None:
        connection = self._answering(Phase.STREAMING)
        if connection is None:
            return
        last = b"0\r\n\r\n" if self._chunks and self.method != "HEAD" else b""
        self._end(connection)
        connection.send_last(last)

    def pause(self) -> None:
        if self._connection is not None:
            self._connection.pause_body()

    def resume(self) -> None:
        if self._connection is not None:
            self._connection.resume_body()

    def abort(self) -> None:
        connection = self._connection
        if connection is not None:
            self.lose()
            connection.abort()

    def lose(self) -> None:
        """The connection is gone or given up; answers go nowhere from now on."""
        self.phase = Phase.LOST
        self._connection = None
        self.on_data = None

    def _answering(self, phase: Phase) -> "Connection | None":
        assert self.phase is phase or self.phase is Phase.LOST, (
            f"cannot answer {self.method} {self.target}: it is {self.phase.name}"
        )
        return self._connection

    def _end(self, connection: "Connection") -> None:
        self.phase = _ANSWERED
        self._connection = None
        self.on_data = None

    def _connection_line(self, connection: "Connection") -> bytes:
        if connection.expecting or not connection.keep:
            return b"Connection: close\r\n"
        return b"Connection: keep-alive\r\n" if self._head.http_1_0 else b""


_NO_TRAILERS: dict[str, str] = {}
_WORTH_COPYING = 16 * 1024  # one small buffer beats a gathering write
