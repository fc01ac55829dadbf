"""X-Ray's traces: put together from what came, seen as works, summaries and graphs."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.xray.assembly import DEPTH, Trace, assembled, spans
from stoker.core.xray.documents import glance, made_s, said_id
from stoker.core.xray.errors import RejectedSegment
from stoker.core.xray.graphs import BUCKETS, Tally, graph
from stoker.core.xray.summaries import ANNOTATIONS, summary
from stoker.core.xray.works import Service, works

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
LAMBDA, FUNCTION = "AWS::Lambda", "AWS::Lambda::Function"


def span(number: int, name: str, times: tuple[float, float], **more: Any) -> dict[str, Any]:
    """`parent` in `more` is a number, too."""
    found = {"id": f"{number:016x}", "name": name, "start_time": times[0], "end_time": times[1]}
    if "parent" in more:
        found["parent_id"] = f"{more.pop('parent'):016x}"
    return {**found, "trace_id": ROOT, **more}


def trace_of(*documents: dict[str, Any]) -> Trace:
    found = assembled(ROOT, [json.dumps(one).encode() for one in documents])
    assert found is not None
    return found


def orders(fault: bool = False) -> Trace:
    """A function that was invoked, reads a table, and calls another that is traced itself."""
    return trace_of(
        span(20, "prices", (3.0, 4.0), parent=12, origin=LAMBDA, throttle=True, error=True),
        span(
            10,
            "work",
            (1.5, 4.5),
            parent=2,
            type="subsegment",
            annotations={"tier": "gold", "size": 3, "new": True, "odd": []},
            subsegments=[
                span(11, "DynamoDB", (2.0, 2.5), namespace="aws", aws={"table_name": "carts"}),
                span(12, "Lambda", (2.9, 4.1), namespace="aws"),
            ],
        ),
        span(2, "orders", (1.0, 5.0), parent=1, origin=FUNCTION, fault=fault),
        span(
            1,
            "orders",
            (0.5, 5.5),
            origin=LAMBDA,
            user="me",
            resource_arn="arn:1",
            http={"request": {"url": "http://a/b", "method": "GET"}, "response": {"status": 200}},
        ),
    )


def test_subsegments_come_to_where_they_belong_in_whatever_order_they_came() -> None:
    trace = orders()
    assert [one["name"] for one in trace.segments] == ["orders", "orders", "prices"]
    function = trace.segments[1]
    [work] = function["subsegments"]
    assert [one["name"] for one in work["subsegments"]] == ["DynamoDB", "Lambda"]
    assert (trace.began, trace.ended, trace.partial) == (0.5, 5.5, False)
    assert trace.root is trace.segments[0]
    again = assembled(ROOT, [json.dumps(one).encode() for one in reversed(trace.segments)])
    assert again == trace


def test_what_goes_on_makes_a_trace_partial_and_what_has_no_parent_here_stands_alone() -> None:
    lost = span(5, "late", (1.0, 2.0), parent=99, type="subsegment")
    trace = trace_of({**span(1, "a", (0.0, 0.0)), "in_progress": True}, lost)
    assert trace.partial
    assert [one["name"] for one in trace.segments] == ["a", "late"]
    assert trace_of(lost).root["name"] == "late"


def test_rings_and_what_is_too_deep_is_left_out() -> None:
    ring = [
        span(1, "a", (0.0, 1.0), parent=2, type="subsegment"),
        span(2, "b", (0.0, 1.0), parent=1, type="subsegment"),
        span(3, "self", (0.0, 1.0), parent=3, type="subsegment"),
    ]
    whole = trace_of(*ring, span(4, "whole", (0.0, 1.0)))
    assert [one["name"] for one in whole.segments] == ["whole"]
    assert assembled(ROOT, [json.dumps(one).encode() for one in ring]) is None
    chain = [
        span(n, "deeper", (0.0, 1.0), parent=n - 1, type="subsegment") for n in range(2, 3 * DEPTH)
    ]
    deep = trace_of(span(1, "top", (0.0, 1.0)), *chain)
    assert len(list(spans(deep.segments[0]))) == DEPTH


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["aws", "x", f"{1:016x}"]),
    lambda one: (
        st.lists(one, max_size=3)
        | st.dictionaries(
            st.sampled_from(["subsegments", "http", "aws", "annotations", "id", "namespace"]),
            one,
            max_size=4,
        )
    ),
    max_leaves=20,
)
members = st.dictionaries(
    st.sampled_from(
        ["subsegments", "http", "aws", "annotations", "user", "origin", "parent_id", "type",
         "fault", "error", "resource_arn", "in_progress", "namespace"]
    ),
    anything | st.sampled_from(["subsegment", f"{1:016x}", f"{2:016x}"]),
)  # fmt: skip


@given(st.lists(members, min_size=1, max_size=4))
def test_no_document_that_was_taken_does_harm(documents: list[dict[str, Any]]) -> None:
    texts = [
        json.dumps({**one, **span(number, "n", (1.0, 2.0))}).encode()
        for number, one in enumerate(documents, 1)
    ]
    for text in texts:
        glance(text)
    trace = assembled(ROOT, texts)
    if trace is not None:
        told = summary(trace)
        nodes = graph(told.works)
        assert {number for one in nodes for number in one.edges} <= set(range(len(nodes)))
        json.dumps(trace.segments)


# --- what X-Ray takes ---------------------------------------------------------------------------

GOOD = span(1, "n", (1.0, 2.0))


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (b"no", "ParseError"),
        (b"[]", "ParseError"),
        (b'{"metadata":' + b"[" * 200 + b"]" * 200 + b"}", "ParseError"),
        ({**GOOD, "id": None}, "MissingId"),
        ({**GOOD, "id": "x"}, "InvalidId"),
        ({**GOOD, "trace_id": "1-5"}, "InvalidTraceId"),
        ({**GOOD, "trace_id": None}, "MissingTraceId"),
        ({**GOOD, "name": ""}, "InvalidName"),
        ({**GOOD, "name": None}, "MissingName"),
        ({**GOOD, "start_time": "1"}, "InvalidStartTime"),
        ({**GOOD, "start_time": None}, "MissingStartTime"),
        ({**GOOD, "start_time": 1e300}, "InvalidStartTime"),
        ({**GOOD, "end_time": True}, "InvalidEndTime"),
        ({**GOOD, "end_time": 0.5}, "InvalidEndTime"),
        ({**GOOD, "end_time": None}, "MissingEndTime"),
        ({**GOOD, "metadata": "x" * 65_536}, "SegmentTooLarge"),
    ],
)
def test_what_is_no_segment_is_rejected_by_name(document: Any, code: str) -> None:
    text = document if isinstance(document, bytes) else json.dumps(document).encode()
    with pytest.raises(RejectedSegment) as rejected:
        glance(text)
    assert rejected.value.code == code


def test_a_glance_says_what_the_store_needs() -> None:
    seen = glance(json.dumps(GOOD).encode())
    assert (seen.trace_id, seen.id, seen.began, seen.ended, seen.done) == (
        ROOT, f"{1:016x}", 1.0, 2.0, True,
    )  # fmt: skip
    going = {**GOOD, "end_time": None, "in_progress": True}
    assert glance(json.dumps(going).encode()).done is False
    assert made_s(ROOT) == 0x5759E988
    assert said_id(b'{"id": "%016x"}' % 7) == f"{7:016x}"
    assert said_id(b'{"id": 7}') is said_id(b"no") is said_id(b"[]") is None


# --- works, summaries, graphs -------------------------------------------------------------------


def test_works_are_done_for_whom_the_spans_say_and_inferred_where_nobody_answers() -> None:
    found = [(one.service, one.asker, one.inferred) for one in works(orders())]
    entry, function = Service("orders", LAMBDA), Service("orders", FUNCTION)
    assert found == [
        (entry, None, False),
        (function, entry, False),
        (Service("carts", "AWS::DynamoDB::Table"), function, True),
        (Service("prices", LAMBDA), function, False),
    ]


def test_a_summary_has_what_can_be_searched() -> None:
    told = summary(orders(fault=True))
    assert (told.fault, told.error, told.throttle) == (True, True, True)
    assert (told.response_s, told.trace.duration_s) == (5.0, 5.0)
    assert (told.url, told.method, told.status) == ("http://a/b", "GET", 200)
    assert [(key, value) for key, value, _ in told.annotations] == [
        ("tier", "gold"), ("size", 3.0), ("new", True),
    ]  # fmt: skip
    assert [user for user, _ in told.users] == ["me"]
    assert told.entry == Service("orders", LAMBDA)
    many = {f"k{n}": n for n in range(2 * ANNOTATIONS)}
    assert len(summary(trace_of(span(1, "n", (0, 1), annotations=many))).annotations) == ANNOTATIONS


def test_a_graph_counts_what_came_of_each_call() -> None:
    nodes = graph([*works(orders()), *works(orders(fault=True))])
    by = {(one.service.name, one.service.type): one for one in nodes}
    assert [one.number for one in nodes] == list(range(len(nodes)))
    client, entry = by["orders", "client"], by["orders", LAMBDA]
    function, prices = by["orders", FUNCTION], by["prices", LAMBDA]
    assert list(client.edges) == [entry.number]
    assert (entry.root, function.root, client.root) == (True, False, False)
    assert set(function.edges) == {by["carts", "AWS::DynamoDB::Table"].number, prices.number}
    to_function = entry.edges[function.number]
    assert (to_function.total, to_function.ok, to_function.faults) == (2, 1, 1)
    assert to_function.response_s == 8.0
    to_prices = function.edges[prices.number]
    assert (to_prices.throttles, to_prices.other_errors, to_prices.errors) == (2, 0, 2)
    assert client.tally.total == 0


def test_a_histogram_is_bounded() -> None:
    tally = Tally()
    for n in range(3 * BUCKETS):
        for work in works(trace_of(span(1, "n", (0.0, 1.05**n)))):
            tally.add(work)
    assert len(tally.times) == BUCKETS
    assert tally.total == 3 * BUCKETS
