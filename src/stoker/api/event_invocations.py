"""What is special about invocations that are answered before they run (InvocationType Event)."""

from stoker.api.control import Control
from stoker.core import lineage
from stoker.core.errors import (
    InvalidRequestContentException,
    RecursiveInvocationException,
    RequestTooLargeException,
)
from stoker.core.limits import ASYNC_PAYLOAD_BYTES
from stoker.core.model import FunctionKey


def not_json(fault: str) -> InvalidRequestContentException:
    return InvalidRequestContentException(
        "Could not parse request body into json: Could not parse payload into json: " + fault
    )


def check_size(event: bytes) -> None:
    """AWS's limit of what may be queued: it is smaller than for an answer that is waited for."""
    if len(event) > ASYNC_PAYLOAD_BYTES:
        raise RequestTooLargeException(
            f"Request must be smaller than {ASYNC_PAYLOAD_BYTES} bytes for the InvokeFunction"
            " operation"
        )


def check_loop(control: Control, key: FunctionKey, turns: int) -> None:
    """Refuse what comes back too often."""
    if turns >= lineage.TURNS and not control.events.settings.may_loop(key):
        control.events.counts.add(key, "RecursiveInvocationsDropped")
        raise RecursiveInvocationException(
            "Lambda has detected a recursive loop: this chain of events has come to function "
            f"{key.name} {turns} times. PutFunctionRecursionConfig can allow it."
        )
