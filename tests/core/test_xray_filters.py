"""Filter expressions of GetTraceSummaries."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stoker.core.errors import NotImplementedException
from stoker.core.xray import filters
from stoker.core.xray.errors import InvalidRequestException
from stoker.core.xray.summaries import summary
from tests.core.test_xray_traces import orders

TOLD = summary(orders())
FAULTY = summary(orders(fault=True))


@pytest.mark.parametrize(
    "expression",
    [
        "duration >= 5 AND responsetime < 5.1",
        "fault OR throttle",
        "fault = false",
        "!ok",
        "NOT ok AND !(fault)",
        "http.status = 200 AND http.method = \"GET\"",
        'http.url CONTAINS "/b" AND http.url BEGINSWITH "http://a"',
        'http.url ENDSWITH "b" AND http.url != "c"',
        'user = "me"',
        'annotation.tier = "gold"',
        'annotation[tier] BEGINSWITH "go" AND annotation["size"] > 2 AND annotation.new = true',
        "annotation.tier",
        'service("orders")',
        'service("carts") { inferred AND ok }',
        "service() { throttle = true }",
        'service("prices") { responsetime >= 1 AND error }',
        'edge("orders", "prices") { throttle }',
        'edge("orders")',
        'name = "carts" AND type = "AWS::Lambda"',
        'resource.arn = "arn:1"',
        "( ( partial = false ) )",
        "service(\"orders\") {} and Duration>1",
    ],
)  # fmt: skip
def test_what_is_true_of_a_trace_passes(expression: str) -> None:
    assert filters.read(expression)(TOLD)
    assert not filters.read(f"!({expression})")(TOLD)


@pytest.mark.parametrize(
    "expression",
    [
        "fault", "ok", "duration > 5", 'user = "you"', 'annotation.tier = "Gold"',
        "annotation.size = true", 'annotation.none != "x"', 'service("carts") { fault }',
        'edge("prices", "orders")', "http.status >= 400", 'service("gone")', "remote",
    ],
)  # fmt: skip
def test_what_is_not_true_does_not(expression: str) -> None:
    assert not filters.read(expression)(TOLD)


def test_a_fault_anywhere_is_a_fault_of_the_trace() -> None:
    assert filters.read("fault")(FAULTY)
    assert filters.read('service("orders") { fault AND type = "AWS::Lambda::Function" }')(FAULTY)


@pytest.mark.parametrize(
    "expression",
    [
        "nonsense", "duration >", "duration > \"5\"", "duration = true", "fault = 1", "fault fault",
        "user > \"me\"", "(ok", "ok)", "service(orders", "service(\"a\", \"b\")", "edge()", "\x00",
        "duration CONTAINS 5", "annotation", "annotation[", "ok AND", "{", "user = me",
        "fault < true", 'user = "', "(" * 60 + "ok" + ")" * 60, "!" * 60 + "ok", "ok " * 1000,
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused(expression: str) -> None:
    with pytest.raises(InvalidRequestException):
        filters.read(expression)


@pytest.mark.parametrize(
    "expression",
    ["rootcause.fault.service { name = \"a\" }", 'group.name = "g"', 'message = "m"', "first",
     'service(id(name: "a", type: "b"))', 'service("a") { annotation.b = 1 }'],
)  # fmt: skip
def test_what_is_not_built_is_named(expression: str) -> None:
    with pytest.raises(NotImplementedException, match="has not built"):
        filters.read(expression)


words = ["ok", "duration", "annotation.a", "service", "edge", "(", ")", "{", "}", "AND", "OR", "!"]
words += ["=", "<", "CONTAINS", '"a"', "1", "true", "[", "]", ",", "user"]


@settings(max_examples=60)
@given(st.lists(st.sampled_from(words), max_size=12).map(" ".join) | st.text(max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        test = filters.read(text)
    except (InvalidRequestException, NotImplementedException):
        return
    assert test(TOLD) in (True, False)
