"""What X-Ray's API shows of traces and graphs, in the shapes of AWS's model."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime

import orjson

from stoker.api.shapes import xray as shapes
from stoker.core.xray.assembly import Trace
from stoker.core.xray.graphs import Node, Tally
from stoker.core.xray.summaries import Summary, Value
from stoker.core.xray.works import Service


def summary(one: Summary, revision: int, account: str) -> shapes.TraceSummary:
    trace = one.trace
    return shapes.TraceSummary(
        id=trace.id,
        start_time=_moment(trace.began),
        duration=round(trace.duration_s, 6),
        response_time=round(one.response_s, 6),
        has_fault=one.fault,
        has_error=one.error,
        has_throttle=one.throttle,
        is_partial=trace.partial,
        http=shapes.Http(
            http_url=one.url or None,
            http_status=one.status,
            http_method=one.method or None,
            user_agent=one.agent or None,
            client_ip=one.address or None,
        ),
        annotations=_annotations(one, account),
        users=tuple(
            shapes.TraceUser(user_name=user, service_ids=(_doer(of, account),))
            for user, of in one.users
        ),
        service_ids=tuple(_doer(service, account) for service in one.services),
        resource_arns=tuple(shapes.ResourceARNDetail(arn=arn) for arn in one.arns),
        instance_ids=(),
        availability_zones=(),
        entry_point=_doer(one.entry, account),
        revision=revision,
        matched_event_time=_moment(trace.ended),
    )


def trace(one: Trace, *, cut: bool) -> shapes.Trace:
    return shapes.Trace(
        id=one.id,
        duration=round(one.duration_s, 6),
        limit_exceeded=cut,
        segments=tuple(
            shapes.Segment(id=str(segment.get("id")), document=orjson.dumps(segment).decode())
            for segment in one.segments
        ),
    )


def node(one: Node, account: str) -> shapes.Service:
    tally = one.tally
    return shapes.Service(
        reference_id=one.number,
        name=one.service.name,
        names=(one.service.name,),
        root=one.root or None,
        account_id=account,
        type=one.service.type or None,
        state="active",
        start_time=_moment(tally.began),
        end_time=_moment(tally.ended),
        edges=tuple(_edge(number, edge) for number, edge in one.edges.items()),
        summary_statistics=(
            shapes.ServiceStatistics(
                ok_count=tally.ok,
                error_statistics=_errors(tally),
                fault_statistics=_faults(tally),
                total_count=tally.total,
                total_response_time=round(tally.response_s, 6),
            )
            if tally.total
            else None
        ),
        duration_histogram=_histogram(tally.times),
        response_time_histogram=_histogram(tally.times),
    )


def _edge(number: int, tally: Tally) -> shapes.Edge:
    return shapes.Edge(
        reference_id=number,
        start_time=_moment(tally.began),
        end_time=_moment(tally.ended),
        summary_statistics=shapes.EdgeStatistics(
            ok_count=tally.ok,
            error_statistics=_errors(tally),
            fault_statistics=_faults(tally),
            total_count=tally.total,
            total_response_time=round(tally.response_s, 6),
        ),
        response_time_histogram=_histogram(tally.times),
        aliases=(),
    )


def _errors(tally: Tally) -> shapes.ErrorStatistics:
    return shapes.ErrorStatistics(
        throttle_count=tally.throttles, other_count=tally.other_errors, total_count=tally.errors
    )


def _faults(tally: Tally) -> shapes.FaultStatistics:
    return shapes.FaultStatistics(other_count=tally.faults, total_count=tally.faults)


def _histogram(times: Counter[float]) -> tuple[shapes.HistogramEntry, ...]:
    return tuple(shapes.HistogramEntry(value=at, count=times[at]) for at in sorted(times))


def _annotations(
    one: Summary, account: str
) -> Mapping[str, tuple[shapes.ValueWithServiceIds, ...]]:
    found: dict[str, dict[tuple[type, Value], list[Service]]] = {}
    for key, value, service in one.annotations:
        found.setdefault(key, {}).setdefault((type(value), value), []).append(service)
    return {
        key: tuple(
            shapes.ValueWithServiceIds(
                annotation_value=_value(value),
                service_ids=tuple(_doer(of, account) for of in dict.fromkeys(services)),
            )
            for (_, value), services in values.items()
        )
        for key, values in found.items()
    }


def _value(value: Value) -> shapes.AnnotationValue:
    if isinstance(value, bool):
        return shapes.AnnotationValue(boolean_value=value)
    if isinstance(value, str):
        return shapes.AnnotationValue(string_value=value)
    return shapes.AnnotationValue(number_value=value)


def _doer(one: Service, account: str) -> shapes.ServiceId:
    return shapes.ServiceId(
        name=one.name, names=(one.name,), account_id=account, type=one.type or None
    )


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
