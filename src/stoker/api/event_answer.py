"""InvokeWithResponseStream's answer: the function's own answer as it comes, as an event stream.

    200, PayloadChunk …, InvokeComplete {}                                     it went well
    200, PayloadChunk …, InvokeComplete {"ErrorCode": …, "ErrorDetails": …}    the function failed
    4xx, 5xx                                                                   it was never run

A function that does not stream is answered for with one PayloadChunk. What went wrong is told in
InvokeComplete only: nothing of it is in a chunk. ErrorCode is "Unhandled", as X-Amz-Function-Error
is, if the function had not begun to answer; else what ended the stream (the runtime's trailer,
`Sandbox.Timedout`, `Runtime.ExitError` …). ErrorDetails is what a caller of Invoke would read.
"""

import binascii
from collections.abc import Callable

import orjson

from stoker.core import event_stream
from stoker.core.errors import ServiceError
from stoker.core.invocation import Flow, InvocationResult
from stoker.http.base import Exchange, Headers


class EventAnswer:
    """core.invocation.Recipient, and what is called with the result."""

    __slots__ = ("_began", "_exchange", "_flow", "_headers", "_refuse")

    def __init__(
        self, exchange: Exchange, headers: Headers, refuse: Callable[[ServiceError], None]
    ) -> None:
        """`refuse` answers in place of a stream."""
        self._exchange = exchange
        self._headers = [("Content-Type", event_stream.CONTENT_TYPE), *headers]
        self._refuse = refuse
        self._flow: Flow | None = None
        self._began = False

    def began(self, flow: Flow, content_type: str) -> None:
        self._flow = flow
        self._began = True
        self._exchange.start(200, self._headers)

    def write(self, data: bytes) -> None:
        flow = self._flow
        if not self._exchange.write(_chunk(data)) and flow is not None:
            flow.pause()
            self._exchange.when_drained(flow.resume)

    def done(self, result: InvocationResult | ServiceError) -> None:
        """The end. If the caller is gone by now, the exchange drops it."""
        if isinstance(result, ServiceError):
            if not self._began:
                self._refuse(result)
                return
            complete = {"ErrorCode": result.code, "ErrorDetails": result.message}
        else:
            complete = _complete(result)
            if not self._began:
                self._exchange.start(200, self._headers)
                if result.payload and not result.function_error:
                    self._exchange.write(_chunk(result.payload))
        self._exchange.write(event_stream.message(_COMPLETE_HEADERS, orjson.dumps(complete)))
        self._exchange.finish()


def _complete(result: InvocationResult) -> dict[str, str]:
    complete = {}
    if result.function_error:
        complete["ErrorCode"] = result.function_error
        complete["ErrorDetails"] = result.payload.decode("utf-8", "replace")
    if result.log_tail is not None:
        complete["LogResult"] = binascii.b2a_base64(result.log_tail, newline=False).decode()
    return complete


def _chunk(payload: bytes) -> bytes:
    return event_stream.message(_CHUNK_HEADERS, payload)


_CHUNK_HEADERS = event_stream.event_headers("PayloadChunk", "application/octet-stream")
_COMPLETE_HEADERS = event_stream.event_headers("InvokeComplete", "application/json")
