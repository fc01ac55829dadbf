"""Lambda Insights of a function that has them: its events, and the metrics that come of them."""

import json
import os
import re
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.conftest import WITH_INSIGHTS
from tests.faults.scene import until
from tests.running import StokerProcess

Create = Callable[..., str]
GROUP = "/aws/lambda-insights"
CODE = """
import os, sys, time
def handler(event, context):
    end = time.process_time() + 0.06
    while time.process_time() < end:
        pass
    if event == "die":
        os._exit(1)
    print('{"_aws":{"CloudWatchMetrics":[]}} hardly')
"""


def test_each_invocation_has_its_event_and_metrics(
    server: StokerProcess, lambda_client: Any, create: Create
) -> None:
    name = create(CODE, FunctionName=WITH_INSIGHTS, MemorySize=1769)
    other = create(CODE)
    lambda_client.publish_version(FunctionName=name)
    for function, event in ((name, "{}"), (name, '"die"'), (f"{name}:1", "{}"), (other, "{}")):
        lambda_client.invoke(FunctionName=function, Payload=event)

    def events() -> list[dict[str, Any]]:
        with closing(server.client("logs")) as logs:
            try:
                pages = logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP)
                return [json.loads(one["message"]) for page in pages for one in page["events"]]
            except logs.exceptions.ResourceNotFoundException:
                return []

    found = until(events, lambda found: len(found) >= 3)
    assert {one["function_name"] for one in found} == {name}, "nobody else has them"
    assert sorted(one["version"] for one in found) == ["$LATEST", "$LATEST", "1"]
    first = next(one for one in found if one["version"] == "1")
    assert first["cold_start"]
    assert first["init_duration"] >= 0
    assert 30 <= first["cpu_total_time"] <= 10_000
    assert first["threads_max"] >= 1
    if os.geteuid() == 0:  # else it may have no network of its own
        assert first["total_network"] == first["rx_bytes"] + first["tx_bytes"]
    assert first["memory_utilization"] == round(100 * first["used_memory_max"] / 1769)
    assert re.fullmatch(r"[0-9a-f-]{36}", first["request_id"])
    (died,) = [one for one in found if one.get("shutdown_reason") == "Failure"]
    assert died["cpu_total_time"] >= 30, "who reaped it knows"

    with closing(server.client("cloudwatch")) as cloudwatch:
        asked = {
            "Namespace": "LambdaInsights",
            "MetricName": "cpu_total_time",
            "Dimensions": [{"Name": "function_name", "Value": name}],
            "StartTime": datetime.now(UTC) - timedelta(minutes=10),
            "EndTime": datetime.now(UTC) + timedelta(minutes=2),
            "Period": 3600,
            "Statistics": ["SampleCount", "Maximum"],
        }

        def points() -> list[Any]:
            told: list[Any] = cloudwatch.get_metric_statistics(**asked)["Datapoints"]
            return told

        told = until(points, lambda told: sum(one["SampleCount"] for one in told) == 3)
        assert max(one["Maximum"] for one in told) >= 30
        listed = cloudwatch.list_metrics(Namespace="LambdaInsights")["Metrics"]
        names = {one["MetricName"] for one in listed}
        assert names >= {"memory_utilization", "total_memory", "used_memory_max", "init_duration"}
        assert {len(one["Dimensions"]) for one in listed} == {1, 2}
