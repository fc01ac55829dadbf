"""X-Ray's segment documents as OpenTelemetry's spans. Pure.

    AWS::Lambda                 SERVER, with the semantic conventions of faas.*
     └─ AWS::Lambda::Function       INTERNAL: faas.coldstart, cloud.resource_id
         ├─ Initialization, Invocation, Overhead     and what SDKs hang below
         └─ subsegments of calls        CLIENT

Ids are the same: a trace's 16 bytes are those of X-Ray without its "1-" and dashes, a span's 8 are
X-Ray's own. Documents come from inside environments too: what is not as X-Ray wants it is left
out.
https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from stoker.core.xray.documents import NAME_CHARACTERS, TRACE_ID, time_of
from stoker.observe.otlp.attributes import SCOPE, attributes, resource
from stoker.observe.otlp.frames import SpanPart

MOST_SPANS: Final = 1000  # of one document
DEEPEST: Final = 50
MOST_EVENTS: Final = 20  # exceptions of one span
_ID: Final = re.compile(r"[0-9a-f]{16}")
_COLD: Final = ("Initialization", "Restore")
_FUNCTION: Final = "AWS::Lambda::Function"
_SERVICE: Final = "AWS::Lambda"


def request(parts: Iterable[SpanPart]) -> ExportTraceServiceRequest:
    """One request for all of them."""
    known: list[tuple[tuple[str, str, str], dict[str, Any]]] = []
    for account, region, function, text in parts:
        try:
            document = orjson.loads(text)
        except orjson.JSONDecodeError:
            continue
        if isinstance(document, dict):
            known.append(((account, region, function), document))
    invocations = dict(_invocations(document for _, document in known))
    by_resource: dict[tuple[str, str, str, str], list[Span]] = {}
    for whose, document in known:
        name = document.get("name")
        outside = name if not whose[2] and isinstance(name, str) else ""
        by_resource.setdefault((*whose, outside), []).extend(spans(document, invocations))
    return ExportTraceServiceRequest(
        resource_spans=[
            ResourceSpans(
                resource=resource(*whose, **({"service.name": outside} if outside else {})),
                scope_spans=[ScopeSpans(scope=SCOPE, spans=found)],
            )
            for (*whose, outside), found in by_resource.items()
        ]
    )


def trace_bytes(trace_id: object) -> bytes | None:
    """X-Ray's 1-5759e988-bd862e3fe1be46a994272793 is 5759e988bd862e3fe1be46a994272793."""
    if not isinstance(trace_id, str) or not TRACE_ID.fullmatch(trace_id):
        return None
    return bytes.fromhex(trace_id[2:].replace("-", ""))


def spans(document: dict[str, Any], invocations: Mapping[str, str]) -> Iterator[Span]:
    """The document's, with those of its subsegments. `invocations`: request ids, by the id of the
    service's segment."""
    trace = trace_bytes(document.get("trace_id"))
    if trace is None:
        return
    waiting: list[tuple[dict[str, Any], object, int]] = [(document, document.get("parent_id"), 0)]
    count = 0
    while waiting and count < MOST_SPANS:
        one, parent, depth = waiting.pop()
        span = _span(one, trace, parent)
        if span is None:
            continue
        count += 1
        span.attributes.extend(attributes(_facts(one, invocations)))
        yield span
        children = one.get("subsegments")
        if isinstance(children, list) and depth < DEEPEST:
            below = [(child, one["id"], depth + 1) for child in children if isinstance(child, dict)]
            waiting += reversed(below)


def _invocations(documents: Iterable[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    for document in documents:
        if document.get("origin") == _SERVICE:
            told, id_ = _part(document, "aws").get("request_id"), document.get("id")
            if isinstance(told, str) and isinstance(id_, str):
                yield id_, told


def _span(one: dict[str, Any], trace: bytes, parent: object) -> Span | None:
    id_, name = one.get("id"), one.get("name")
    began, ended = time_of(one, "start_time"), time_of(one, "end_time")
    if not isinstance(id_, str) or not _ID.fullmatch(id_) or not isinstance(name, str):
        return None
    if began is None or ended is None:
        return None  # it goes on; another document will come
    span = Span(
        trace_id=trace,
        span_id=bytes.fromhex(id_),
        name=name[:NAME_CHARACTERS],
        kind=_kind(one),
        start_time_unix_nano=_nanoseconds(began),
        end_time_unix_nano=_nanoseconds(max(began, ended)),
    )
    if isinstance(parent, str) and _ID.fullmatch(parent):
        span.parent_span_id = bytes.fromhex(parent)
    exceptions = list(_exceptions(one))
    for facts in exceptions:
        event = Span.Event(name="exception", time_unix_nano=span.end_time_unix_nano)
        event.attributes.extend(attributes(facts))
        span.events.append(event)
    if one.get("fault") is True or one.get("error") is True:
        said = exceptions[0].get("exception.message", "") if exceptions else ""
        text = said[:NAME_CHARACTERS] if isinstance(said, str) else ""
        span.status.CopyFrom(Status(code=Status.STATUS_CODE_ERROR, message=text))
    return span


def _kind(one: dict[str, Any]) -> "Span.SpanKind.ValueType":
    if one.get("origin") == _SERVICE:
        return Span.SPAN_KIND_SERVER
    if one.get("namespace") in ("aws", "remote"):
        return Span.SPAN_KIND_CLIENT
    return Span.SPAN_KIND_INTERNAL


def _nanoseconds(seconds: float) -> int:
    """A double knows no more than a quarter of a microsecond today."""
    return round(seconds * 1e6) * 1000


def _facts(one: dict[str, Any], invocations: Mapping[str, str]) -> dict[str, object]:
    facts: dict[str, object] = {}
    annotations = _part(one, "annotations")
    for name, value in annotations.items():
        if isinstance(value, str | bool | int | float):
            facts[name] = value
    aws, http = _part(one, "aws"), _part(one, "http")
    asked, answered = _part(http, "request"), _part(http, "response")
    facts |= {
        "http.request.method": asked.get("method"),
        "url.full": asked.get("url"),
        "http.response.status_code": answered.get("status"),
    }
    origin = one.get("origin")
    if origin == _SERVICE:
        facts |= {"faas.trigger": "other", "faas.invocation_id": aws.get("request_id")}
        facts["cloud.resource_id"] = one.get("resource_arn")
    elif origin == _FUNCTION:
        below = one.get("subsegments")
        parts = below if isinstance(below, list) else []
        facts |= {
            "faas.coldstart": any(
                isinstance(part, dict) and part.get("name") in _COLD for part in parts
            ),
            "faas.invocation_id": invocations.get(str(one.get("parent_id"))),
            "cloud.resource_id": one.get("resource_arn"),
        }
    elif one.get("namespace") == "aws":
        facts |= {
            "rpc.system": "aws-api",
            "rpc.service": one.get("name"),
            "rpc.method": aws.get("operation"),
            "aws.request_id": aws.get("request_id"),
            "cloud.region": aws.get("region"),
        }
    return facts


def _exceptions(one: dict[str, Any]) -> Iterator[dict[str, object]]:
    found = _part(one, "cause").get("exceptions")
    for each in found[:MOST_EVENTS] if isinstance(found, list) else ():
        if isinstance(each, dict):
            yield {"exception.type": each.get("type"), "exception.message": each.get("message")}


def _part(of: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = of.get(name)
    return found if isinstance(found, dict) else {}
