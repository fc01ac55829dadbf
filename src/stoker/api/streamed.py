"""An operation's answer that goes on: an event stream, for as long as its caller listens."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from stoker.core import event_stream
from stoker.core.invocation import RequestId
from stoker.http.base import Exchange


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    kind: str
    payload: bytes  # JSON
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class Streamed:
    events: AsyncIterator[StreamedEvent]
    close: Callable[[], None]  # nobody listens any more


async def stream(exchange: Exchange, answer: Streamed, request_id: RequestId) -> None:
    """Send its events at the pace of the caller, until it is gone."""
    headers = [("Content-Type", event_stream.CONTENT_TYPE), ("x-amzn-RequestId", request_id)]
    finished = False
    try:
        exchange.start(200, headers)
        async for event in answer.events:
            kind = event_stream.error_headers if event.is_error else event_stream.event_headers
            exchange.write(event_stream.message(kind(event.kind, _JSON), event.payload))
            await exchange.drained()
        finished = True
        exchange.finish()
    except ConnectionResetError:
        pass  # it had enough
    finally:
        answer.close()
        if not finished:
            exchange.abort()


_JSON = "application/json"
