"""A trace at a glance: what GetTraceSummaries answers and filter expressions look at. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from stoker.core.xray.assembly import Span, Trace, mapping, spans
from stoker.core.xray.works import Service, Work, doer_of, works

Value = str | float | bool
ANNOTATIONS = 50  # X-Ray: that are indexed of a trace


@dataclass(frozen=True, slots=True)
class Summary:
    trace: Trace
    works: tuple[Work, ...]
    response_s: float  # of the root
    annotations: tuple[tuple[str, Value, Service], ...]
    users: tuple[tuple[str, Service], ...]
    arns: tuple[str, ...]  # of resources
    url: str = ""
    method: str = ""
    agent: str = ""
    address: str = ""  # of the client
    status: int | None = None

    @property
    def services(self) -> list[Service]:
        return list(dict.fromkeys(work.service for work in self.works))

    @property
    def entry(self) -> Service:
        return doer_of(self.trace.root)

    @property
    def error(self) -> bool:
        return any(work.error for work in self.works)

    @property
    def fault(self) -> bool:
        return any(work.fault for work in self.works)

    @property
    def throttle(self) -> bool:
        return any(work.throttle for work in self.works)


def summary(trace: Trace) -> Summary:
    root = trace.root
    http = mapping(root.get("http"))
    request, status = mapping(http.get("request")), mapping(http.get("response")).get("status")
    done = works(trace)
    return Summary(
        trace,
        tuple(done),
        next((work.response_s for work in done if work.root), 0.0),
        tuple(_annotations(trace))[:ANNOTATIONS],
        tuple(dict.fromkeys(_texts(trace, "user")))[:ANNOTATIONS],
        tuple(dict.fromkeys(arn for arn, _ in _texts(trace, "resource_arn")))[:ANNOTATIONS],
        _text(request.get("url")),
        _text(request.get("method")),
        _text(request.get("user_agent")),
        _text(request.get("client_ip")),
        status if isinstance(status, int) and abs(status) < 2**31 else None,
    )


def _annotations(trace: Trace) -> Iterator[tuple[str, Value, Service]]:
    for segment, span in _each(trace):
        for key, value in mapping(span.get("annotations")).items():
            if isinstance(value, str | bool):
                yield key, value, doer_of(segment)
            elif isinstance(value, int | float):
                yield key, float(value), doer_of(segment)


def _texts(trace: Trace, member: str) -> Iterator[tuple[str, Service]]:
    for segment in trace.segments:
        value = segment.get(member)
        if isinstance(value, str) and value:
            yield value, doer_of(segment)


def _each(trace: Trace) -> Iterator[tuple[Span, Span]]:
    return ((segment, span) for segment in trace.segments for span in spans(segment))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
