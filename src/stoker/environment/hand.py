"""The invocation that an environment has in hand: whose it is, and until when."""

from collections.abc import Callable
from dataclasses import dataclass

from stoker.core.errors import ServiceError
from stoker.core.invocation import Invocation, InvocationResult
from stoker.environment.response_stream import ResponseStream

Done = Callable[[InvocationResult | ServiceError], None]


@dataclass(slots=True)
class Hand:
    invocation: Invocation
    done: Done
    began: float
    deadline: float
    deadline_ms: int  # epoch
    delivered: bool = False
    handed: float | None = None  # when the runtime got it
    answering: float | None = None  # when the first byte of its answer was there
    answered: float | None = None  # when its answer was complete
    produced_bytes: int | None = None  # of the answer
    runtime_done: float | None = None  # when the runtime was done, if that has been told
    delivery: bytes | None = None  # kept from the second delivery on
    stream: ResponseStream | None = None  # its answer has begun
    result: InvocationResult | None = None  # kept for a caller who wants the tail
