"""What is special about invocations that are answered before they run (InvocationType Event)."""

from stoker.api.control import Control
from stoker.api.identifiers import new_request_id
from stoker.api.sampling import begun
from stoker.core import lineage, tenancy
from stoker.core.errors import (
    InvalidRequestContentException,
    RecursiveInvocationException,
    RequestTooLargeException,
)
from stoker.core.invocation import Target
from stoker.core.limits import ASYNC_PAYLOAD_BYTES
from stoker.core.model import FunctionKey
from stoker.core.names import parse_function_ref
from stoker.store.event_queue import Content


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


async def keep_for(
    control: Control, arn: str, target: Target, event: bytes, trace: str | None = None
) -> None:
    """Return when what another service has for the function of this ARN is on the disk. `trace`:
    the header that came with it."""
    tenancy.check(target)
    key = FunctionKey(target.account, target.region, target.name)
    active = target.tracing == "Active"
    function = (key.account, key.region, key.name)
    header, _, ancestor = begun(control.sampling, function, trace, active=active)
    header, turns = lineage.advanced(header, lineage.mark(key.arn))
    if turns:
        check_loop(control, key, turns)
    content = Content(new_request_id(), arn, "application/json", header, ancestor, event)
    await control.events.keep(key, parse_function_ref(arn).qualifier, content)
