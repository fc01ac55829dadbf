"""What is told about an event that has come to its end: to destinations, and to a dead-letter
queue. Pure; shapes as the developer guide's "Capturing records of Lambda asynchronous
invocations" shows them.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import orjson

from stoker.core.async_events import Condition

MESSAGE_BYTES = 1024  # of the error, in a dead letter's attribute
REASON_BYTES = 300  # of it where somebody looks
_READ_BYTES = 64 * 1024  # of an answer; a longer one is not read for a reason
_ZERO = "Function not invoked. Function isconfigured with zero reserved concurrent executions"


@dataclass(frozen=True, slots=True)
class Response:
    """What the last attempt came to; there was none if it never got that far."""

    status: int  # 200 if the function ran, be it to an error
    payload: bytes | None = None
    version: str | None = None
    error: str | None = None  # "Unhandled"; the code of a refusal


@dataclass(frozen=True, slots=True)
class Ending:
    """An event at its end."""

    request_id: str
    function_arn: str  # qualified
    condition: Condition
    attempts: int
    event: bytes
    response: Response | None
    now: float


def record(ending: Ending) -> bytes:
    """JSON for a destination."""
    moment = datetime.fromtimestamp(ending.now, UTC)
    told: dict[str, object] = {
        "version": "1.0",
        "timestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z",
        "requestContext": {
            "requestId": ending.request_id,
            "functionArn": ending.function_arn,
            "condition": ending.condition,
            "approximateInvokeCount": ending.attempts,
        },
        "requestPayload": _embedded(ending.event),
    }
    response = ending.response
    if response is not None:
        context: dict[str, object] = {"statusCode": response.status}
        if response.version is not None:
            context["executedVersion"] = response.version
        if response.error is not None:
            context["functionError"] = response.error
        told["responseContext"] = context
        if response.payload is not None:
            told["responsePayload"] = _embedded(response.payload)
    return orjson.dumps(told)


@dataclass(frozen=True, slots=True)
class Attribute:
    kind: str  # String | Number
    value: str


def dead_letter(ending: Ending) -> dict[str, Attribute]:
    """The message attributes of a dead letter; its body is the event itself."""
    attributes = {"RequestID": Attribute("String", ending.request_id)}
    response = ending.response
    if response is not None:
        attributes["ErrorCode"] = Attribute("Number", str(response.status))
    message = _message(ending)
    if message:
        attributes["ErrorMessage"] = Attribute("String", message)
    return attributes


def reason(response: Response | None) -> str:
    """Why an attempt came to nothing, in a line for people."""
    if response is None:
        return ""
    payload = response.payload
    if payload is None or response.error is None:
        return response.error or ""
    text = payload[:REASON_BYTES].decode("utf-8", "replace")
    if len(payload) <= _READ_BYTES:
        with suppress(orjson.JSONDecodeError):
            told = orjson.loads(payload)
            if isinstance(told, dict):
                kind, message = told.get("errorType", ""), told.get("errorMessage", "")
                text = ": ".join(str(one) for one in (kind, message) if one)
    return (text or response.error)[:REASON_BYTES]


def _message(ending: Ending) -> str:
    if ending.condition is Condition.ZERO_RESERVED_CONCURRENCY:
        return _ZERO
    response = ending.response
    if response is None:
        return str(ending.condition)
    if response.payload is None:
        return "Rate Exceeded." if response.status == 429 else response.error or ""
    try:
        told = orjson.loads(response.payload)
    except orjson.JSONDecodeError:
        told = None
    message = told.get("errorMessage") if isinstance(told, dict) else None
    text = message if isinstance(message, str) else response.payload.decode("utf-8", "replace")
    return text.encode("utf-8", "replace")[:MESSAGE_BYTES].decode("utf-8", "ignore")


def _embedded(text: bytes) -> object:
    """JSON as it is; what is not JSON (a runtime may answer anything) as a string."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.decode("utf-8", "replace")
    return orjson.Fragment(text)
