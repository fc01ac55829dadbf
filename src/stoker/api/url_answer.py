"""A function's answer on its way to who called its URL: whole, or streamed behind its prelude.

began ─► write … ─► the prelude is complete: head, then the body as it comes ─► done
done, nothing streamed: the whole answer is read, as JSON in payload format 2.0
"""

import asyncio
import logging
from functools import partial

from stoker.api import refusals, services
from stoker.api.refusals import Dialect
from stoker.api.url_metrics import UrlRequest
from stoker.core import url_answers, url_cors
from stoker.core.errors import ServiceError, TooManyRequestsException
from stoker.core.function_urls import FunctionUrl
from stoker.core.invocation import Flow, InvocationResult, RequestId
from stoker.core.url_answers import BadAnswer, Head, Prelude
from stoker.http.base import Exchange, Headers

log = logging.getLogger(__name__)

LARGE_BYTES = 64 * 1024  # a longer answer is read in a thread
FAILED = b"Internal Server Error"  # AWS's body of a 502


class UrlAnswer:
    """core.invocation.Recipient, and what is called with the result."""

    __slots__ = (
        "_began",
        "_exchange",
        "_flow",
        "_prelude",
        "_request_id",
        "_status",
        "_url",
        "counted",
        "more",
    )

    def __init__(
        self,
        exchange: Exchange,
        url: FunctionUrl,
        request_id: RequestId,
        more: Headers,
        counted: UrlRequest,
    ) -> None:
        """`more`: headers of every answer."""
        self._exchange = exchange
        self._url = url
        self._request_id = request_id
        self.more = more
        self.counted = counted
        self._status = 200  # of a head that is out
        self._flow: Flow | None = None
        self._prelude: Prelude | None = None
        self._began = False  # the head is out, or the refusal

    # ---- while it comes ----

    def began(self, flow: Flow, content_type: str) -> None:
        self._flow = flow
        if url_answers.is_prelude(content_type):
            self._prelude = Prelude()
        else:
            self._start(Head(200, [("Content-Type", content_type)]))

    def write(self, data: bytes) -> None:
        if self._prelude is not None:
            data = self._head_of(self._prelude, data)
        if not data or not self._began or self._flow is None:
            return
        if not self._exchange.write(data):
            self._flow.pause()
            self._exchange.when_drained(self._flow.resume)

    def _head_of(self, prelude: Prelude, data: bytes) -> bytes:
        """What is of the body, once the head is complete."""
        try:
            found = prelude.feed(data)
        except BadAnswer as reason:
            self._prelude = None
            self._flow = None  # what still comes is nobody's
            self.fail(str(reason))
            return b""
        if found is None:
            return b""
        self._prelude = None
        self._start(found[0])
        return found[1]

    def _start(self, head: Head) -> None:
        self._began = True
        self._status = head.status
        self._exchange.start(head.status, self._headers(head))

    # ---- when it is done ----

    def done(self, result: InvocationResult | ServiceError) -> None:
        """The end. If the caller is gone by now, the exchange drops it."""
        if self._flow is not None and self._began:
            if isinstance(result, ServiceError) or result.function_error:
                self._exchange.abort()  # so that a cut answer cannot pass for a whole one
            else:
                self._exchange.finish()
            self.counted.answered(self._status)
        elif self._began:
            return  # it was refused while it came
        elif isinstance(result, ServiceError):
            self._refuse(result)
        elif result.function_error:
            self.fail(result.function_error)
        elif self._prelude is not None:
            self.fail("the prelude has no end")
        elif self._url.mode == "RESPONSE_STREAM" and not url_answers.is_prelude(
            result.content_type
        ):
            # As on AWS: what does not stream is not read, either.
            self._whole((Head(200, [("Content-Type", result.content_type)]), result.payload))
        elif len(result.payload) < LARGE_BYTES:
            self._read(result)
        else:
            loop = asyncio.get_running_loop()
            reading = loop.run_in_executor(
                None, url_answers.whole, result.payload, result.content_type
            )
            reading.add_done_callback(partial(UrlAnswer._was_read, self))

    def fail(self, reason: str) -> None:
        self._began = True
        log.info(
            "function url failed",
            extra={
                "function": self._url.key.arn,
                "request_id": self._request_id,
                "reason": reason,
            },
        )
        self._exchange.respond(502, self._headers(Head(502, [url_answers.JSON])), FAILED)
        self.counted.answered(502)

    def _read(self, result: InvocationResult) -> None:
        try:
            self._whole(url_answers.whole(result.payload, result.content_type))
        except BadAnswer as reason:
            self.fail(str(reason))

    def _was_read(self, reading: "asyncio.Future[tuple[Head, bytes]]") -> None:
        if reading.cancelled():  # the server is stopping
            self._exchange.abort()
            return
        error = reading.exception()
        if error is None:
            self._whole(reading.result())
        elif isinstance(error, BadAnswer):
            self.fail(str(error))
        else:
            self._exchange.abort()
            raise error

    def _whole(self, found: tuple[Head, bytes]) -> None:
        head, body = found
        self._began = True
        self._exchange.respond(head.status, self._headers(head), body)
        self.counted.answered(head.status)

    def _refuse(self, error: ServiceError) -> None:
        if not isinstance(error, TooManyRequestsException):
            self.fail(f"{error.code}: {error.message}")
            return
        refuse(self._exchange, error, self._request_id, self._headers(Head(429, [])))
        self.counted.answered(429)

    def _headers(self, head: Head) -> Headers:
        answer = [*head.headers, *self.more]
        return url_cors.added(self._url.cors, self._exchange.headers, answer)


def refuse(exchange: Exchange, error: ServiceError, request_id: RequestId, more: Headers) -> None:
    """In the form of Lambda's API."""
    model = services.model("lambda")
    rendered = refusals.render(error, Dialect("rest-json", model=model), request_id)
    known = {name.lower() for name, _ in rendered.headers}
    headers = [*rendered.headers, *(one for one in more if one[0].lower() not in known)]
    exchange.respond(rendered.status, headers, rendered.body)
