"""What is exported by OpenTelemetry's protocol, as its messages."""

import math
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from stoker.core.invocation import Invocation, RequestId
from stoker.core.otlp import BadDestination, Destination, read_destination
from stoker.core.segments import Course, segments
from stoker.core.statistics import Statistic
from stoker.core.tracing import Segment
from stoker.observe.otlp import points, spans
from stoker.observe.otlp.records import Records, Said, said_by
from tests.core.test_environ import TARGET
from tests.otlp_receiver import said

ID = "8476a536-e9f4-11e8-9739-2dfe598c3fcd"
ROOT = "1-5759e988-bd862e3fe1be46a994272793"
TRACE = bytes.fromhex("5759e988bd862e3fe1be46a994272793")
IDS = [f"{number:016x}" for number in range(1, 5)]


# --- where to -----------------------------------------------------------------------------------


def test_a_destination_is_an_endpoint_with_headers_and_signals() -> None:
    assert read_destination("", ["a=b"], ["logs"]) is None
    found = read_destination("http://h:4318/x/", ["api-key = a%20b=", "A=1"], ["logs"])
    assert found == Destination(
        "http://h:4318/x", (("api-key", "a b="), ("A", "1")), frozenset({"logs"})
    )
    assert found.url("logs") == "http://h:4318/x/v1/logs"


@pytest.mark.parametrize(
    ("endpoint", "header", "signal"),
    [
        ("localhost:4318", "a=b", "logs"),
        ("ftp://h", "a=b", "logs"),
        ("http://", "a=b", "logs"),
        ("http://h:99999", "a=b", "logs"),
        ("http://h?x=1", "a=b", "logs"),
        ("http://h", "secret", "logs"),
        ("http://h", "a b=secret", "logs"),
        ("http://h", "a=secret%0d%0aHost: x", "logs"),
        ("http://h", "a=b", "profiles"),
    ],
)
def test_what_names_no_destination_is_refused_without_its_secrets(
    endpoint: str, header: str, signal: str
) -> None:
    with pytest.raises(BadDestination) as refusal:
        read_destination(endpoint, [header], [signal])
    assert "secret" not in str(refusal.value)


# --- traces -------------------------------------------------------------------------------------


def exported(*found: Segment) -> list[tuple[dict[str, Any], Any]]:
    request = spans.request([("1", "eu", "f", one.text) for one in found])
    return [
        (said(each.resource.attributes), span)
        for each in request.resource_spans
        for scope in each.scope_spans
        for span in scope.spans
    ]


def of_course(**more: Any) -> list[Segment]:
    header = f"Root={ROOT};Parent=00000000000000aa;Sampled=1"
    invocation = Invocation(RequestId(ID), TARGET, b"{}", TARGET.arn, trace_id=header)
    course = Course(1000.0, 1002.5, 1000.25, 1002.0, **more)
    return segments(invocation, course, IDS)


def test_an_invocation_is_a_server_span_with_its_parts_below() -> None:
    found = exported(*of_course(init=(999.0, 1000.0)))
    service, function, init, invocation, overhead = (span for _, span in found)
    resource = found[0][0]
    assert resource["faas.name"] == resource["service.name"] == "f"
    assert (resource["cloud.account.id"], resource["cloud.region"]) == ("1", "eu")
    assert {span.trace_id for _, span in found} == {TRACE}

    assert (service.kind, service.name) == (Span.SPAN_KIND_SERVER, TARGET.name)
    assert service.span_id == bytes.fromhex(IDS[0])
    assert not service.parent_span_id
    assert said(service.attributes)["faas.invocation_id"] == ID

    assert function.parent_span_id == service.span_id
    assert function.span_id == bytes.fromhex("00000000000000aa")
    told = said(function.attributes)
    assert told["faas.coldstart"] is True
    assert told["faas.invocation_id"] == ID
    assert told["cloud.resource_id"].startswith("arn:aws:lambda:")

    assert [part.name for part in (init, invocation, overhead)] == [
        "Initialization", "Invocation", "Overhead",
    ]  # fmt: skip
    assert {part.parent_span_id for part in (init, invocation, overhead)} == {function.span_id}
    assert init.start_time_unix_nano == 999 * 10**9
    assert invocation.end_time_unix_nano == overhead.start_time_unix_nano == 1002 * 10**9
    assert overhead.end_time_unix_nano == 1_002_500_000_000


def test_a_warm_one_that_failed_says_why() -> None:
    cause = orjson.dumps(
        {"exceptions": [{"type": "KeyError", "message": "'x'", "stack": []}], "paths": []}
    ).decode()
    _, (_, function), *_ = exported(*of_course(failed=True, cause=cause))
    assert said(function.attributes)["faas.coldstart"] is False
    assert function.status.code == Status.STATUS_CODE_ERROR
    (event,) = function.events
    assert said(event.attributes)["exception.type"] == "KeyError"


def test_calls_of_sdks_are_client_spans_and_annotations_are_attributes() -> None:
    call = {
        "trace_id": ROOT, "id": IDS[0], "parent_id": IDS[1], "name": "S3", "namespace": "aws",
        "start_time": 1.0, "end_time": 2.0, "type": "subsegment",
        "aws": {"operation": "GetObject", "region": "eu", "request_id": "r"},
        "http": {"request": {"method": "GET", "url": "http://b/k"}, "response": {"status": 404}},
        "annotations": {"tenant": "t", "odd": {"a": 1}, "n": 2}, "error": True,
        "subsegments": [{"id": IDS[2], "name": "send", "start_time": 1.5, "end_time": 1.75}],
    }  # fmt: skip
    (_, span), (_, below) = exported(Segment(ROOT, orjson.dumps(call)))
    assert span.kind == Span.SPAN_KIND_CLIENT
    assert below.parent_span_id == span.span_id
    told = said(span.attributes)
    assert (told["rpc.method"], told["http.response.status_code"]) == ("GetObject", 404)
    assert (told["tenant"], told["n"]) == ("t", 2)
    assert "odd" not in told
    assert span.status.code == Status.STATUS_CODE_ERROR


def test_a_program_outside_of_functions_is_called_as_its_segment_is() -> None:
    segment = {"trace_id": ROOT, "id": IDS[0], "name": "shop", "start_time": 1, "end_time": 2}
    request = spans.request([("1", "eu", "", orjson.dumps(segment))])
    told = said(request.resource_spans[0].resource.attributes)
    assert told["service.name"] == "shop"
    assert "faas.name" not in told


def test_what_goes_on_is_left_for_the_document_to_come() -> None:
    begun = {"trace_id": ROOT, "id": IDS[0], "name": "x", "start_time": 1.0, "in_progress": True}
    assert exported(Segment(ROOT, orjson.dumps(begun))) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["id", "name", "start_time", "subsegments", "aws", "http", "cause", "exceptions",
                 "annotations", "request", "response", "origin", "namespace", "request_id"]
            ),
            inner, max_size=5,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(
    ["start_time", "end_time", "parent_id", "subsegments", "aws", "http", "cause", "annotations",
     "origin", "namespace", "name", "resource_arn", "fault"]), JSON))  # fmt: skip
def test_no_document_breaks_the_export(odd: dict[str, Any]) -> None:
    whole = {"trace_id": ROOT, "id": IDS[0], "name": "x", "start_time": 1.0, "end_time": 2.0, **odd}
    lambda_ = {**whole, "origin": "AWS::Lambda::Function"}
    for document in (whole, lambda_):
        request = spans.request([("1", "eu", "f", orjson.dumps(document))])
        assert len(request.SerializeToString()) < 100_000


def test_a_document_is_so_many_spans_at_most() -> None:
    part = {"id": IDS[2], "name": "s", "start_time": 1, "end_time": 2}
    many = {"trace_id": ROOT, **part, "subsegments": [part] * 2 * spans.MOST_SPANS}
    deep = dict(part)
    for _ in range(2 * spans.DEEPEST):
        deep = {**part, "subsegments": [deep]}
    assert len(exported(Segment(ROOT, orjson.dumps(many)))) == spans.MOST_SPANS
    deep_text = orjson.dumps({"trace_id": ROOT, **deep})
    assert len(exported(Segment(ROOT, deep_text))) == spans.DEEPEST + 1


# --- metrics ------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1e6) | st.just(0.0), min_size=1, max_size=30))
def test_a_histogram_has_every_value_in_a_bucket_that_holds_it(values: list[float]) -> None:
    one = Statistic()
    for value in values:
        one.add(value)
    numbers = (one.count, one.total, one.least, one.most, one.sizes)
    part: Any = (("1", "eu", "f"), [("Duration", "Milliseconds", numbers)], [], 1, 2)
    metric = points.request([part]).resource_metrics[0].scope_metrics[0].metrics[0]
    (point,) = metric.exponential_histogram.data_points
    assert metric.name == "aws.lambda.duration"
    assert point.count == len(values) == point.zero_count + sum(point.positive.bucket_counts)
    base = 2 ** (2**-point.scale)
    left = sorted(value for value in values if value >= point.zero_threshold)
    assert len(left) == sum(point.positive.bucket_counts)
    for index, count in enumerate(point.positive.bucket_counts, point.positive.offset):
        mine, left = left[:count], left[count:]
        low, high = base**index, base ** (index + 1)
        assert all(low * (1 - 1e-9) <= value <= high * (1 + 1e-9) for value in mine)


def test_counts_are_sums_since_the_start_and_concurrency_is_a_gauge() -> None:
    part: Any = (
        ("1", "eu", "f"),
        [("AsyncEventsReceived", "Count", (3.0, 7.0, 1.0, 5.0, None))],
        [("ConcurrentExecutions", (("a", "b"),), 4.0)],
        1,
        2,
    )
    received, running = points.request([part]).resource_metrics[0].scope_metrics[0].metrics
    assert received.name == "aws.lambda.async_events_received"
    assert received.sum.is_monotonic
    assert received.sum.data_points[0].as_int == 7
    assert running.name == "aws.lambda.concurrent_executions"
    assert running.gauge.data_points[0].as_double == 4
    assert said(running.gauge.data_points[0].attributes) == {"a": "b"}
    assert not math.isnan(running.gauge.data_points[0].as_double)


# --- logs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        (f"START RequestId: {ID} Version: $LATEST\n", Said("INFO", ID, begins=True)),
        (f"END RequestId: {ID}\n", Said("INFO", ID)),
        (f"REPORT RequestId: {ID}\tDuration: 1.00 ms\t", Said("INFO", ID, ends=True)),
        (f"[WARNING]\t2026-11-22T10:00:00.000Z\t{ID}\tmind\n", Said("WARNING", ID)),
        (f"2026-11-22T10:00:00.000Z\t{ID}\tERROR\tboom", Said("ERROR", ID)),
        ("2026-11-22 10:00:00 DEBUG com.example - x", Said("DEBUG")),
        ("a line that says ERRORS happen", Said()),
        (f'{{"level":"warn","requestId":"{ID}","message":"m"}}', Said("WARN", ID)),
        ('{"level":"loud","requestId":7}', Said()),
        (f'{{"type":"platform.start","record":{{"requestId":"{ID}"}}}}',
         Said("INFO", ID, begins=True)),
        ('{"type":"platform.start","record":{"requestId":{}}}', Said("INFO", begins=True)),
        ('{"level":', Said()),
    ],
)  # fmt: skip
def test_a_line_tells_its_level_and_its_request(line: str, wanted: Said) -> None:
    assert said_by(line.encode()) == wanted


def test_lines_belong_to_what_runs_in_their_stream_and_to_its_trace() -> None:
    records = Records()
    records.began([(ID, f"Root={ROOT};Parent=00000000000000aa;Sampled=1"), ("other", "")])
    lines = [b"early\n", f"START RequestId: {ID} V".encode(), b"mine\xff\n",
             f"REPORT RequestId: {ID}\tD".encode(), b"late\n"]  # fmt: skip
    mine: Any = ("1", "eu", "/aws/lambda/f", "2026/11/22/[1]a", [1, 2, 3, 4, 5], lines)
    other: Any = ("1", "eu", "/shared", "2026/11/22/g[1]b", [1], [b"x\n"])
    first, second = records.request([mine, other]).resource_logs
    found = first.scope_logs[0].log_records
    assert [one.trace_id for one in found] == [b"", TRACE, TRACE, TRACE, b""]
    assert found[2].body.string_value == "mine\N{REPLACEMENT CHARACTER}"
    assert said(found[2].attributes) == {"faas.invocation_id": ID}
    resource = said(second.resource.attributes)
    assert resource["faas.name"] == "g"
    assert resource["aws.log.group.names"].values[0].string_value == "/shared"
