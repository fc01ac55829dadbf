"""Requests for AWS's other services, on their way to whoever answers for them here, and back.

    caller ── body as it comes ──► Upload ──► Neighbours.ask ──► neighbour
           ◄── answer as it comes, with back-pressure ──────────────┘

Nothing is kept beyond a window: the slower side sets the pace.
"""

import asyncio
import logging
from collections.abc import AsyncIterator

from stoker.api.control import Caller, Control
from stoker.core import neighbours, web_pages
from stoker.core.errors import RequestEntityTooLargeException, ServiceException
from stoker.core.invocation import RequestId
from stoker.http.base import Exchange
from stoker.neighbours.neighbours import Answer, Unreachable, header, whole

log = logging.getLogger(__name__)

WINDOW_BYTES = 256 * 1024  # of a body, between its two sides
WHOLE_BYTES = 1024 * 1024  # answers up to here are sent in one piece
BODY_BYTES = 5 * 1024**3  # AWS: the largest object of one PutObject
BODILESS = ("GET", "HEAD")
OPAQUE = "s3"  # its bodies' Content-Encoding is the object's, not the request's


class NotServed(Exception):
    """The embedded neighbours do not have this: what they say."""


class Upload:
    """A request's body, from begin() to complete()."""

    def __init__(self, exchange: Exchange, service: str) -> None:
        self._exchange = exchange
        self._pieces = bytearray()
        self._news = asyncio.Event()
        self._ended = False
        self.broken = False  # the caller will not send the rest
        exchange.keep_encoding = service == OPAQUE
        exchange.on_data = self._take

    def end(self) -> None:
        """No more comes."""
        self._ended = True
        self.broken = self._exchange.truncated or self._exchange.oversized
        self._news.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        """As they come. Raises ConnectionResetError when it breaks off."""
        while True:
            await self._news.wait()
            if self.broken:
                raise ConnectionResetError("the caller did not send the whole body")
            if self._pieces:
                piece = bytes(self._pieces)
                self._pieces.clear()
                self._exchange.resume()
                yield piece
            elif self._ended:
                return
            else:
                self._news.clear()

    def _take(self, data: bytes) -> None:
        self._pieces += data
        self._news.set()
        if len(self._pieces) > WINDOW_BYTES:
            self._exchange.pause()


async def forward(
    control: Control, exchange: Exchange, caller: Caller, service: str, request_id: RequestId,
    upload: Upload | None = None, judged: bool = False,
) -> None:  # fmt: skip
    """Have `service` answer. `upload`: the body, if the exchange does not have it whole. `judged`:
    the caller is a function that may ask this service for this. Raise NotServed, or what the
    caller is to be told when the service cannot answer."""
    others = control.neighbours
    assert others is not None, "asked without served()"
    headers = (
        neighbours.passed_on_within(
            exchange.headers,
            account=caller.account,
            region=caller.region,
            service=service,
            inside=None if caller.environment is None else service if judged else "",
        )
        if others.is_embedded(service)
        else neighbours.passed_on(exchange.headers)
    )
    body: bytes | AsyncIterator[bytes] = exchange.body
    if not exchange.keep_encoding:
        headers = [(name, value) for name, value in headers if name != "content-encoding"]
    if upload is not None and exchange.content_length != 0 and exchange.method not in BODILESS:
        body = upload.pieces()
        zipped = "content-encoding" in exchange.headers and not exchange.keep_encoding
        if exchange.content_length is not None and not zipped:
            headers.append(("content-length", str(exchange.content_length)))
    try:
        with control.identities.asked(service):
            async with others.ask(
                service, exchange.method, exchange.target, headers, body,
                neighbours.silence_s(exchange.headers),
            ) as answer:  # fmt: skip
                _check_served(answer, service, request_id)
                await _answered(exchange, answer)
    except Unreachable as error:
        if upload is not None and upload.broken:
            if exchange.oversized:
                raise RequestEntityTooLargeException(
                    f"Request must be smaller than {BODY_BYTES} bytes"
                ) from None
            exchange.abort()
            return
        log.error("neighbour unreachable", extra={"service": service, "reason": str(error)})
        raise ServiceException(f"Nobody answers for {service}: {error}") from error


def served(control: Control, service: str) -> bool:
    """Is there anybody who answers for this service, beside us?"""
    return control.neighbours is not None and control.neighbours.serves(service)


async def _answered(exchange: Exchange, answer: Answer) -> None:
    headers = neighbours.passed_back(answer.headers)
    if "text/html" in exchange.headers.get("accept", ""):  # a browser, perhaps of a user's object
        headers.append(web_pages.SANDBOXED)
    known = answer.length is not None and answer.length <= WHOLE_BYTES
    if known or exchange.method == "HEAD":
        body = b"" if exchange.method == "HEAD" else await whole(answer.body, WHOLE_BYTES)
        exchange.respond(answer.status, headers, body)
        return
    exchange.start(answer.status, headers, answer.length)
    try:
        async for piece in answer.body:
            if not exchange.write(piece):
                await exchange.drained()
    except (Unreachable, ConnectionResetError):
        exchange.abort()  # so that the caller sees that it is not whole
        return
    exchange.finish()


def _check_served(answer: Answer, service: str, request_id: RequestId) -> None:
    missing = header(answer.headers, neighbours.NOT_SERVED)
    if missing is not None:
        raise NotServed(missing)
    failure = header(answer.headers, neighbours.FAILED)
    if failure is not None:
        log.error(
            "neighbour failed",
            extra={"service": service, "reason": failure, "request_id": request_id},
        )
        raise ServiceException(f"The embedded {service} failed: {failure}")
