"""What services did in a trace, and for whom: the arrows of a service graph. Pure.

Each segment is the work of one service. A call that a subsegment tells of (its `namespace` is "aws"
or "remote"), and of which the called service has sent nothing, is inferred from that subsegment.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from stoker.core.xray.assembly import Span, Trace, end_of, mapping, spans, start_of

CLIENT = "client"  # the type of who calls from outside


class Service(NamedTuple):
    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Work:
    service: Service
    asker: Service | None  # None: somebody outside
    began: float
    ended: float
    error: bool
    throttle: bool
    fault: bool
    inferred: bool
    root: bool

    @property
    def response_s(self) -> float:
        return self.ended - self.began

    @property
    def ok(self) -> bool:
        return not (self.error or self.throttle or self.fault)


def works(trace: Trace) -> list[Work]:
    """In the order in which they began."""
    owners: dict[str, Service] = {}
    for segment in trace.segments:
        service = doer_of(segment)
        owners.update((str(span.get("id")), service) for span in spans(segment))
    answered = {str(one.get("parent_id")) for one in trace.segments}
    root = trace.root
    found: list[Work] = []
    for segment in trace.segments:
        service = owners[str(segment.get("id"))]
        asker = owners.get(str(segment.get("parent_id")))
        found.append(_work(segment, service, asker, root=segment is root))
        for call in _calls(segment):
            if str(call.get("id")) not in answered:
                found.append(_work(call, _called(call), service, inferred=True))
    return sorted(found, key=lambda one: one.began)


def doer_of(segment: Span) -> Service:
    """A segment's; `origin` is its type where it says one."""
    origin = segment.get("origin")
    return Service(str(segment.get("name", "")), origin if isinstance(origin, str) else "")


def _calls(segment: Span) -> Iterator[Span]:
    for span in spans(segment):
        if span is not segment and span.get("namespace") in ("aws", "remote"):
            yield span


def _called(call: Span) -> Service:
    name = str(call.get("name", ""))
    if call.get("namespace") != "aws":
        return Service(name, "remote")
    table = mapping(call.get("aws")).get("table_name")
    if name == "DynamoDB" and isinstance(table, str):
        return Service(table, "AWS::DynamoDB::Table")
    return Service(name, f"AWS::{name}")


def _work(
    span: Span,
    service: Service,
    asker: Service | None,
    *,
    inferred: bool = False,
    root: bool = False,
) -> Work:
    return Work(
        service,
        asker,
        start_of(span),
        end_of(span),
        span.get("error") is True,
        span.get("throttle") is True,
        span.get("fault") is True,
        inferred,
        root,
    )
