"""The seam between the one HTTP server and what answers (front door, Runtime APIs)."""

from collections.abc import Callable
from typing import Any, Protocol

Headers = list[tuple[str, str]]


class Exchange(Protocol):
    """One request and its answer. Valid until answered or lost."""

    method: str  # "GET"
    target: str  # raw request target: path[?query], percent-encoded as it came
    headers: dict[str, str]  # names lower-case; repeated headers joined with ", "; read only
    body: bytes  # complete when Application.complete is called (gzip already decoded)
    trailers: dict[str, str]  # lower-case; only those the request declared
    content_length: int | None  # as declared; None for chunked or no body
    truncated: bool  # the peer closed before the declared or chunked body was complete
    oversized: bool  # the body passed the bound given by begin(); `body` holds nothing

    # begin() may set these:
    on_data: Callable[[bytes], None] | None  # gets the body as it comes; `body` stays empty
    keep_encoding: bool  # hand the body over as it came, Content-Encoding: gzip included
    purpose: Any  # what begin() found out and complete() wants to know; None until then

    @property
    def peer(self) -> str:
        """The IP address of who asks; "" over a Unix socket, or when the peer is gone."""
        ...

    def respond(self, status: int, headers: Headers, body: bytes = b"") -> None:
        """Answer whole. Content-Length and exactly one Date are added; one write to the socket."""
        ...

    def respond_raw(self, response: bytes, *, hold: bool = False) -> None:
        """Answer with the exact bytes of a full HTTP/1.1 response (the warm path builds them).
        hold: they may wait for the answer to a request that is already pipelined behind this
        one on the connection; without such a request they go out at once."""
        ...

    def start(self, status: int, headers: Headers, length: int | None = None) -> None:
        """Begin an answer; then write() any times and finish(). It is chunked, unless `length`
        says how many bytes will be written."""
        ...

    def write(self, data: bytes) -> bool:
        """False: the peer has not taken all that was written, see when_drained()."""
        ...

    def when_drained(self, call: Callable[[], None]) -> None:
        """Call once when the peer has taken everything that was written, or is gone. A later
        call of this replaces an earlier one."""
        ...

    async def drained(self) -> None:
        """Wait until the peer has taken most of what was written (back-pressure). Raises
        ConnectionResetError when it is gone."""
        ...

    def finish(self) -> None: ...

    def pause(self) -> None:
        """Read no more of this request's body until resume()."""
        ...

    def resume(self) -> None: ...

    def abort(self) -> None:
        """Close the connection without a (complete) answer."""
        ...


class Application(Protocol):
    """What answers requests. All three are called from the event loop and must not block;
    an exception in them answers 500 and is logged."""

    def begin(self, exchange: Exchange) -> int:
        """The head is in. Return how many body bytes to accept (more sets `oversized`). May
        already respond (the rest of the body is then read and discarded)."""
        ...

    def complete(self, exchange: Exchange) -> None:
        """The body is in (or truncated, or oversized). Respond now or later. Called once for
        every begin() that has not been answered before."""
        ...

    def lost(self, exchange: Exchange) -> None:
        """The peer vanished between complete() and the end of the answer."""
        ...
