"""The invocation that an environment has in hand: whose it is, and until when."""

from collections.abc import Callable
from dataclasses import dataclass

from stoker.core import faults
from stoker.core.delivery import next_response
from stoker.core.errors import ServiceError
from stoker.core.faults import Fault
from stoker.core.invocation import Invocation, InvocationResult
from stoker.environment.response_stream import ResponseStream
from stoker.environment.runtime_api import Posted

UNHANDLED = "Unhandled"
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
    error: str = ""  # of what kind its answer is, if it is an error
    cause: str = ""  # of that, as the runtime says it for X-Ray
    stream: ResponseStream | None = None  # its answer has begun
    result: InvocationResult | None = None  # kept for a caller who wants the tail

    def deliver(self, now: float) -> bytes:
        """What the runtime gets that asks for its next event."""
        response = self.delivery
        if response is None:
            response = next_response(self.invocation, self.deadline_ms)
            if self.delivered:  # who asks many times at once shall not cost memory each time
                self.delivery = response
            self.delivered, self.handed = True, now
        return response

    def answer(self, posted: Posted, now: float) -> InvocationResult:
        """What the caller gets of what the runtime posted."""
        self.answered, self.produced_bytes = now, len(posted.body)
        version = self.invocation.target.version
        if not posted.is_error:
            return InvocationResult(posted.body, None, version, None, posted.content_type)
        self.error, self.cause = posted.error_type or UNHANDLED, posted.cause
        return InvocationResult(posted.body, UNHANDLED, version, None, posted.content_type)

    def fail(self, fault: Fault) -> InvocationResult:
        """What the caller gets instead of an answer."""
        self.error = fault.type
        payload = faults.payload(fault, self.invocation.request_id)
        return InvocationResult(payload, UNHANDLED, self.invocation.target.version)

    def end_stream(self, result: InvocationResult) -> None:
        """The answer had begun: the error is told by its kind, behind what came."""
        assert self.stream is not None
        self.stream.close()
        self.produced_bytes = self.stream.passed_bytes
        result.function_error = self.error or None
