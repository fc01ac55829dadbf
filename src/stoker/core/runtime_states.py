"""Which call of the Runtime API is legal when, and the exact answer to one that is not.

The table is the protection of everything behind it: user code can reach this API as well as the
runtime can. First the request id is checked, then the state; a call that is refused changes
nothing.
"""

import json
from dataclasses import dataclass
from enum import StrEnum

from stoker.core.invoke_limits import RESPONSE_BYTES


class RuntimeState(StrEnum):
    """The runtime as the API sees it. The values are the names AWS prints."""

    STARTED = "Started"
    INIT_ERROR = "InitError"
    READY = "Ready"  # blocked in next
    RUNNING = "Running"
    RESPONDING = "InvocationResponse"  # streams its answer
    RESPONSE_SENT = "RuntimeResponseSentState"
    RESTORE_READY = "RestoreReady"  # blocked in restore/next
    RESTORING = "Restoring"
    RESTORE_ERROR = "RuntimeRestoreErrorState"


class Call(StrEnum):
    """A call, by the name of the state it asks for."""

    NEXT = "Ready"
    RESPONSE = "InvocationResponse"
    ERROR = "InvocationErrorResponse"
    INIT_ERROR = "InitError"
    RESTORE_NEXT = "RestoreReady"
    RESTORE_ERROR = "RuntimeRestoreErrorState"


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"


def error_answer(status: int, message: str, kind: str) -> Answer:
    """AWS's shape of every error."""
    body = json.dumps({"errorMessage": message, "errorType": kind}, separators=(",", ":"))
    return Answer(status, body.encode())


ACCEPTED = Answer(202, b'{"status":"OK"}')
PONG = Answer(200, b"pong", "text/plain; charset=utf-8")
PAGE_NOT_FOUND = Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")
METHOD_NOT_ALLOWED = Answer(405, b"", "")
INVALID_REQUEST_ID = error_answer(400, "Invalid request ID", "InvalidRequestID")
INVALID_RESPONSE_MODE = error_answer(
    400, "Invalid function response mode", "InvalidFunctionResponseMode"
)
TRUNCATED_REQUEST = error_answer(400, "HTTP request detected as truncated", "TruncatedHTTPRequest")
TOO_LARGE = error_answer(
    413,
    f"Exceeded maximum allowed payload size ({RESPONSE_BYTES} bytes).",
    "RequestEntityTooLarge",
)
TOO_MANY_BODIES = error_answer(429, "Too many bodies are under way", "TooManyRequests")  # ours


def forbidden(state: RuntimeState, call: Call) -> Answer:
    return error_answer(
        403,
        f"State transition from {state} to {call} failed for runtime."
        " Error: State transition is not allowed",
        "InvalidStateTransition",
    )


_LEGAL = {
    RuntimeState.STARTED: {Call.NEXT, Call.INIT_ERROR, Call.RESTORE_NEXT},
    RuntimeState.INIT_ERROR: set[Call](),
    RuntimeState.READY: {Call.NEXT},
    RuntimeState.RUNNING: {Call.NEXT, Call.RESPONSE, Call.ERROR},
    RuntimeState.RESPONDING: set[Call](),
    RuntimeState.RESPONSE_SENT: {Call.NEXT},
    RuntimeState.RESTORE_READY: set[Call](),
    RuntimeState.RESTORING: {Call.NEXT, Call.INIT_ERROR, Call.RESTORE_ERROR},
    RuntimeState.RESTORE_ERROR: set[Call](),
}
_WITH_ID = {Call.RESPONSE, Call.ERROR}
_ANSWERING = {RuntimeState.RESPONDING, RuntimeState.RESPONSE_SENT}
_REFUSALS = {(state, call): forbidden(state, call) for state in RuntimeState for call in Call}


def refusal(state: RuntimeState, call: Call, *, id_matches: bool = False) -> Answer | None:
    """The answer to an illegal call; None if the call is legal and must be carried out.

    id_matches: the id in the path is that of the invocation the runtime was handed.
    """
    if call in _LEGAL[state]:
        return None if id_matches or call not in _WITH_ID else INVALID_REQUEST_ID
    # Only from the answer on to the next `next` does the table know an id that still matches.
    current = id_matches and state in _ANSWERING
    if call in _WITH_ID and not current:
        return INVALID_REQUEST_ID
    return _REFUSALS[state, call]
