"""What is kept of traces: the latest of every function, within bounds."""

from stoker.core.tracing import Segment
from stoker.observe.traces import FUNCTION_BYTES, FUNCTION_SEGMENTS, Owner, Traces

F, G = Owner("1", "r", "f"), Owner("1", "r", "g")


def texts(traces: Traces, function: str | None = None, trace_id: str | None = None) -> list[bytes]:
    return [one.segment.text for one in traces.find(function=function, trace_id=trace_id)]


def test_segments_are_found_by_function_and_trace_in_the_order_in_which_they_came() -> None:
    traces = Traces()
    traces.put(F, Segment("t1", b"1"), 1)
    traces.put(G, Segment("t1", b"2"), 2)
    traces.put(F, Segment("t2", b"3"), 3)
    assert texts(traces) == [b"1", b"2", b"3"]
    assert texts(traces, function="f") == [b"1", b"3"]
    assert texts(traces, trace_id="t1") == [b"1", b"2"]
    assert texts(traces, function="f", trace_id="t1") == [b"1"]


def test_a_function_keeps_its_latest_and_no_more_than_its_share() -> None:
    traces = Traces()
    for n in range(FUNCTION_SEGMENTS + 5):
        traces.put(F, Segment("t", b"%d" % n), n)
    assert texts(traces)[0] == b"5"
    assert len(texts(traces)) == FUNCTION_SEGMENTS
    big = b"x" * (FUNCTION_BYTES // 4)
    for n in range(10):
        traces.put(G, Segment("t", big), n)
    assert len(texts(traces, function="g")) == 3
    assert len(texts(traces, function="f")) == FUNCTION_SEGMENTS


def test_who_keeps_most_makes_room_for_the_others() -> None:
    traces = Traces(most_bytes=10_000)
    traces.put(G, Segment("t", b"small"), 0)
    for n in range(20):
        traces.put(F, Segment("t", b"%01000d" % n), n)
    assert texts(traces, function="g") == [b"small"]
    assert texts(traces, function="f")[-1] == b"%01000d" % 19
    assert len(texts(traces)) < 10
