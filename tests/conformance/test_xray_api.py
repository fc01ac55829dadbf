"""X-Ray's API, as boto3 asks it: segments of functions and of others, summaries, traces, graphs."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.running import StokerProcess

Create = Callable[..., str]
FUNCTION = """
import boto3, json, os

def handler(event, context):
    fields = dict(part.split("=", 1) for part in os.environ["_X_AMZN_TRACE_ID"].split(";"))
    document = {"name": "priced", "type": "subsegment", "id": event["id"],
                "trace_id": fields["Root"], "parent_id": fields["Parent"],
                "start_time": event["now"], "end_time": event["now"] + 0.01,
                "annotations": {"tier": event["tier"]}}
    boto3.client("xray").put_trace_segments(TraceSegmentDocuments=[json.dumps(document)])
    if event["tier"] == "lead":
        raise ValueError(fields["Root"])
    return fields["Root"]
"""


@pytest.fixture
def xray(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("xray")) as client:
        yield client


def lately() -> dict[str, datetime]:
    now = datetime.now(UTC)
    return {"StartTime": now - timedelta(minutes=10), "EndTime": now + timedelta(minutes=1)}


def new_id() -> str:
    return uuid.uuid4().hex[:16]


def summaries(xray: Any, expression: str, **more: Any) -> list[dict[str, Any]]:
    pages = xray.get_paginator("get_trace_summaries").paginate(
        **lately(), FilterExpression=expression, **more
    )
    return [one for page in pages for one in page["TraceSummaries"]]


def test_a_traced_invocation_is_found_shown_and_drawn(
    lambda_client: Any, create: Create, xray: Any
) -> None:
    name = create(FUNCTION, TracingConfig={"Mode": "Active"}, Timeout=30, MemorySize=512)
    parent = new_id()
    root = f"1-{int(time.time()):08x}-{uuid.uuid4().hex[:24]}"

    def add_header(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = f"Root={root};Parent={parent};Sampled=1"

    lambda_client.meta.events.register("before-send.lambda.Invoke", add_header)
    try:
        event = {"tier": "lead", "id": new_id(), "now": time.time()}
        answer = lambda_client.invoke(FunctionName=name, Payload=json.dumps(event))
    finally:
        lambda_client.meta.events.unregister("before-send.lambda.Invoke", add_header)
    assert root in json.load(answer["Payload"])["errorMessage"]

    [told] = until(lambda: summaries(xray, f'fault AND service("{name}")'), bool)
    assert told["Id"] == root
    assert (told["HasFault"], told["HasError"], told["IsPartial"]) == (True, False, False)
    assert told["Duration"] >= told["ResponseTime"] > 0
    assert told["EntryPoint"]["Type"] == "AWS::Lambda"
    [value] = told["Annotations"]["tier"]
    assert value["AnnotationValue"] == {"StringValue": "lead"}
    assert [of["Name"] for of in value["ServiceIds"]] == [name]
    found = summaries(xray, f'annotation.tier = "lead" AND service("{name}")')
    assert [one["Id"] for one in found] == [root]
    assert summaries(xray, f'annotation.tier = "gold" AND service("{name}")') == []
    for kind in ("Event", "Service"):
        assert len(summaries(xray, f'service("{name}")', TimeRangeType=kind)) == 1

    whole = xray.batch_get_traces(TraceIds=[root, f"1-00000000-{'0' * 24}"])
    [trace] = whole["Traces"]
    assert len(whole["UnprocessedTraceIds"]) == 1
    documents = {one["Id"]: json.loads(one["Document"]) for one in trace["Segments"]}
    service, function = sorted(documents.values(), key=lambda one: str(one["origin"]))
    assert (service["origin"], function["origin"]) == ("AWS::Lambda", "AWS::Lambda::Function")
    assert (service["parent_id"], function["parent_id"]) == (parent, service["id"])
    parts = [part["name"] for part in function["subsegments"]]
    assert sorted(parts) == ["Initialization", "Invocation", "Overhead", "priced"]
    assert function["cause"]["exceptions"][0]["type"] == "ValueError"

    asked = xray.get_trace_graph(TraceIds=[root])["Services"]
    drawn = xray.get_service_graph(**lately())["Services"]
    for services in (asked, [one for one in drawn if one["Name"] == name]):
        by_type = {one["Type"]: one for one in services}
        assert by_type.keys() == {"client", "AWS::Lambda", "AWS::Lambda::Function"}
        assert by_type["AWS::Lambda"]["Root"] is True
        [edge] = by_type["AWS::Lambda"]["Edges"]
        assert edge["ReferenceId"] == by_type["AWS::Lambda::Function"]["ReferenceId"]
        assert edge["SummaryStatistics"]["FaultStatistics"]["TotalCount"] == 1


def test_segments_of_one_s_own_are_kept_and_bad_ones_are_named(xray: Any) -> None:
    now, name = time.time(), f"web-{uuid.uuid4().hex[:8]}"
    ids = [f"1-{int(now):08x}-{uuid.uuid4().hex[:24]}" for _ in range(3)]
    documents = [
        {"name": name, "id": new_id(), "trace_id": id_, "start_time": now, "end_time": now + n}
        for n, id_ in enumerate(ids)
    ]
    documents[1]["http"] = {"request": {"url": "http://x/cart"}, "response": {"status": 404}}
    documents[2] = {**documents[2], "end_time": None, "in_progress": True}
    bad = {**documents[0], "trace_id": "1-2-3"}
    texts = [json.dumps(one) for one in [*documents, bad]]
    [refused] = xray.put_trace_segments(TraceSegmentDocuments=[*texts])["UnprocessedTraceSegments"]
    assert refused == {
        "Id": bad["id"],
        "ErrorCode": "InvalidTraceId",
        "Message": "Invalid segment. ErrorCode: InvalidTraceId",
    }
    mine = f'service("{name}")'
    assert {one["Id"] for one in summaries(xray, mine)} == set(ids)
    assert [one["Id"] for one in summaries(xray, f"{mine} AND http.status = 404")] == [ids[1]]
    assert [one["Id"] for one in summaries(xray, f"{mine} AND partial")] == [ids[2]]
    xray.put_telemetry_records(TelemetryRecords=[{"Timestamp": datetime.now(UTC)}])


def test_clients_that_sample_get_the_default_rule(xray: Any) -> None:
    [record] = xray.get_sampling_rules()["SamplingRuleRecords"]
    rule = record["SamplingRule"]
    assert (rule["RuleName"], rule["FixedRate"], rule["ReservoirSize"]) == ("Default", 0.05, 1)
    asked = {
        "ClientID": "0" * 24, "Timestamp": datetime.now(UTC), "RequestCount": 1, "SampledCount": 1,
    }  # fmt: skip
    targets = xray.get_sampling_targets(
        SamplingStatisticsDocuments=[{**asked, "RuleName": n} for n in ("Default", "gone")]
    )
    [target] = targets["SamplingTargetDocuments"]
    assert (target["FixedRate"], target["ReservoirQuota"]) == (0.05, 1)
    assert [one["RuleName"] for one in targets["UnprocessedStatistics"]] == ["gone"]


@pytest.mark.parametrize(
    ("operation", "asked", "code"),
    [
        ("batch_get_traces", {"TraceIds": ["1-x"]}, "InvalidRequestException"),
        ("batch_get_traces", {"TraceIds": []}, "InvalidRequestException"),
        ("put_trace_segments", {"TraceSegmentDocuments": []}, "InvalidRequestException"),
        (
            "get_trace_summaries",
            {"StartTime": datetime(2026, 1, 2), "EndTime": datetime(2026, 1, 1)},
            "InvalidRequestException",
        ),
        (
            "get_service_graph",
            {"StartTime": datetime(2026, 1, 2), "EndTime": datetime(2026, 1, 5)},
            "InvalidRequestException",
        ),
        ("get_trace_summaries", {**lately(), "NextToken": "x"}, "InvalidRequestException"),
        ("get_trace_summaries", {**lately(), "FilterExpression": "?"}, "InvalidRequestException"),
        (
            "get_trace_summaries",
            {**lately(), "FilterExpression": 'group.name = "g"'},
            "NotImplementedException",
        ),
        ("get_service_graph", {**lately(), "GroupName": "mine"}, "InvalidRequestException"),
        ("get_groups", {}, "NotImplementedException"),
    ],
)
def test_refusals_have_aws_s_names(
    xray: Any, operation: str, asked: dict[str, Any], code: str
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(xray, operation)(**asked)
    assert refusal.value.response["Error"]["Code"] == code
