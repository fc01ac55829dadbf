"""The segments that Lambda itself contributes to the trace of a sampled invocation. Pure.

    AWS::Lambda               the service's; its parent is the caller's span
     └─ AWS::Lambda::Function     the function's; SDKs inside hang theirs under it
         ├─ Initialization            of a new environment's first invocation; Restore, where a
         │                            snapshot was restored
         ├─ Invocation                from the event to the answer
         └─ Overhead                  from the answer to the runtime's next call

Developer guide, "Visualize Lambda function invocations using AWS X-Ray".
"""

from dataclasses import dataclass

import orjson

from stoker.core.error_cause import error_cause
from stoker.core.invocation import Invocation
from stoker.core.tracing import Segment, fields_of

Span = tuple[float, float]  # epoch seconds
IDS = 4  # that segments() wants


@dataclass(frozen=True, slots=True)
class Course:
    """How an invocation went. Times are epoch seconds."""

    began: float
    ended: float
    handed: float  # the runtime got the event
    answered: float | None  # None: it never did answer
    init: Span | None = None
    restored: bool = False  # from a snapshot; `init` is that
    failed: bool = False
    cause: str = ""  # as the runtime said it


def segments(invocation: Invocation, course: Course, ids: list[str]) -> list[Segment]:
    """None if it is not sampled. `ids` are new ones, 16 hexadecimal digits each."""
    fields = fields_of(invocation.trace_id)
    root, own = fields.get("Root"), fields.get("Parent")
    if root is None or own is None or fields.get("Sampled") != "1":
        return []
    target = invocation.target
    service_id, *part_ids = ids
    common = {"trace_id": root, "name": target.name, "resource_arn": invocation.invoked_arn}
    times = {"start_time": course.began, "end_time": course.ended}
    service: dict[str, object] = {
        "id": service_id,
        **common,
        **times,
        "origin": "AWS::Lambda",
        "http": {"response": {"status": 200}},
        "aws": {"request_id": invocation.request_id},
    }
    if invocation.trace_parent:
        service["parent_id"] = invocation.trace_parent
    function: dict[str, object] = {
        "id": own,
        "parent_id": service_id,
        **common,
        **times,
        "origin": "AWS::Lambda::Function",
        "aws": {"account_id": target.account, "function_arn": invocation.invoked_arn},
        "subsegments": [
            {"id": part_id, "name": name, "start_time": start, "end_time": end}
            for part_id, (name, (start, end)) in zip(part_ids, _parts(course).items(), strict=False)
        ],
    }
    if course.failed:
        function["fault"] = True
        cause = error_cause(course.cause)
        if cause is not None:
            function["cause"] = cause
    return [Segment(root, orjson.dumps(document)) for document in (service, function)]


def _parts(course: Course) -> dict[str, Span]:
    start = "Restore" if course.restored else "Initialization"
    parts = {} if course.init is None else {start: course.init}
    if course.answered is None:
        return parts | {"Invocation": (course.handed, course.ended)}
    return parts | {
        "Invocation": (course.handed, course.answered),
        "Overhead": (course.answered, course.ended),
    }
