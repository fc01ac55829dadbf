"""The segments that Lambda itself contributes to a trace."""

import json
from typing import Any

from stoker.core.invocation import Invocation, RequestId
from stoker.core.segments import IDS, Course, segments
from stoker.core.tracing import segment_of
from tests.core.test_environ import TARGET

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
ARN = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
IDS_GIVEN = [f"{n:016x}" for n in range(IDS)]
WARM = Course(began=10.0, ended=14.0, handed=11.0, answered=13.0)


def told(course: Course, trace: str = "Sampled=1", parent: str = "") -> list[dict[str, Any]]:
    header = f"Root={ROOT};Parent=53995c3f42cd8ad8;{trace}"
    invocation = Invocation(
        RequestId("id"), TARGET, b"{}", ARN, trace_id=header, trace_parent=parent
    )
    found = segments(invocation, course, IDS_GIVEN)
    for segment in found:
        wire = b'{"format":"json","version":1}\n' + segment.text
        assert segment_of(wire) == segment, "X-Ray would take it"
    return [json.loads(segment.text) for segment in found]


def parts(function: dict[str, Any]) -> list[tuple[str, float, float]]:
    return [(one["name"], one["start_time"], one["end_time"]) for one in function["subsegments"]]


def test_lambda_s_segment_is_the_parent_of_the_function_s() -> None:
    service, function = told(WARM, parent="aaaaaaaaaaaaaaaa")
    assert service == {
        "id": IDS_GIVEN[0],
        "parent_id": "aaaaaaaaaaaaaaaa",
        "trace_id": ROOT,
        "name": "orders",
        "resource_arn": ARN,
        "start_time": 10.0,
        "end_time": 14.0,
        "origin": "AWS::Lambda",
        "http": {"response": {"status": 200}},
        "aws": {"request_id": "id"},
    }
    assert function["id"] == "53995c3f42cd8ad8", "what SDKs inside were told"
    assert function["parent_id"] == service["id"]
    assert function["origin"] == "AWS::Lambda::Function"
    assert parts(function) == [("Invocation", 11.0, 13.0), ("Overhead", 13.0, 14.0)]
    assert "fault" not in function
    assert "parent_id" not in told(WARM)[0]


def test_a_first_invocation_shows_the_init_and_a_dead_one_no_overhead() -> None:
    course = Course(
        began=10.0, ended=14.0, handed=11.0, answered=None, init=(5.0, 9.0), failed=True
    )
    function = told(course)[1]
    assert parts(function) == [("Initialization", 5.0, 9.0), ("Invocation", 11.0, 14.0)]
    assert function["fault"] is True
    assert "cause" not in function
    ids = [one["id"] for one in function["subsegments"]]
    assert len({*ids, function["id"], function["parent_id"]}) == 4


def test_what_the_runtime_says_of_its_error_is_the_cause() -> None:
    course = Course(10.0, 14.0, 11.0, 13.0, failed=True, cause='{"message": "no"}')
    assert told(course)[1]["cause"]["message"] == "no"


def test_what_is_not_sampled_has_no_segments() -> None:
    assert told(WARM, "Sampled=0") == told(WARM, "") == []
