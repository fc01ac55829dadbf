"""Lambda Insights: the event of an invocation, and the metrics that come of it."""

import json
from typing import Any

import pytest

from stoker.core.embedded_metrics import embedded
from stoker.core.faults import Fault
from stoker.core.invocation import Invocation, LogSettings, RequestId, Target
from stoker.core.lambda_insights import Cpu, Traffic, performance
from stoker.core.lifecycle_words import Status
from stoker.core.telemetry import Report, Restored

ID = "8286a188-ba32-4475-8077-530cd35c09a9"
MB = 1024 * 1024
NOW_MS = 1_795_341_600_000
ROOT = "1-5e34a614-0123456789abcdef01234567"


def invocation(qualifier: str = "") -> Invocation:
    target = Target(
        "000000000000", "eu-central-1", "orders", "3", "python3.13", "main.handler", "role",
        "0" * 64, (), 256, 3, 512, (), LogSettings("/aws/lambda/orders"),
    )  # fmt: skip
    return Invocation(RequestId(ID), target, b"{}", target.arn + qualifier)


def event(
    report: Report, cpu: Cpu | None = None, qualifier: str = "", traffic: Traffic | None = None
) -> dict[str, Any]:
    text = performance(invocation(qualifier), report, cpu, NOW_MS, traffic)
    found: dict[str, Any] = json.loads(text)
    return found


def test_an_invocation_has_an_event_as_aws_documents_it() -> None:
    trace = f"Root={ROOT};Parent=0123456789abcdef;Sampled=1"
    report = Report(ID, 45191.2, 256, 63 * MB, init_ms=130.2, trace=trace)
    found = event(report, Cpu(6640, 50, 4), ":Blue", Traffic(200, 100))
    del found["_aws"]
    assert found == {
        "event_type": "performance", "function_name": "orders", "version": "Blue",
        "request_id": ID, "trace_id": ROOT, "duration": 45191, "billed_duration": 45322,
        "billed_mb_ms": 45322 * 256, "cold_start": True, "init_duration": 130,
        "used_memory_max": 63, "total_memory": 256, "memory_utilization": 25,
        "cpu_user_time": 6640, "cpu_system_time": 50, "cpu_total_time": 6690, "threads_max": 4,
        "rx_bytes": 200, "tx_bytes": 100, "total_network": 300,
    }  # fmt: skip


def test_what_is_not_known_is_left_out() -> None:
    found = event(Report(ID, 2.0, 256, 63 * MB))
    assert (found["cold_start"], found["version"]) == (False, "3")
    assert not {"init_duration", "cpu_total_time", "trace_id", "tx_bytes", "timeout"} & set(found)
    (directive,) = found["_aws"]["CloudWatchMetrics"]
    assert [one["Name"] for one in directive["Metrics"]] == [
        "memory_utilization", "total_memory", "used_memory_max",
    ]  # fmt: skip
    assert event(Report(ID, 2.0, 256, MB, restore=Restored(7.5, 3)))["cold_start"]


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (Report(ID, 3000, 256, MB, status=Status.TIMEOUT), ("Timeout", True)),
        (Report(ID, 1, 256, MB, status=Status.ERROR, fault=Fault("Runtime.ExitError", "")),
         ("Failure", None)),
    ],
)  # fmt: skip
def test_why_an_environment_ended_is_said(report: Report, said: tuple[str, object]) -> None:
    found = event(report)
    assert (found["shutdown_reason"], found.get("timeout")) == said


def test_the_metrics_come_of_the_event_with_both_dimensions() -> None:
    text = performance(invocation(":Blue"), Report(ID, 2.0, 256, 63 * MB), Cpu(10, 0), NOW_MS)
    found = [
        (one.namespace, one.dimensions, one.name.name) for one in embedded(text, NOW_MS / 1000)
    ]
    own, versioned = (
        (("function_name", "orders"),),
        (("function_name", "orders"), ("version", "Blue")),
    )
    for dimensions in (own, versioned):
        assert ("LambdaInsights", dimensions, "cpu_total_time") in found
        assert ("LambdaInsights", dimensions, "memory_utilization") in found


def test_processes_that_are_gone_took_what_they_used_with_them() -> None:
    assert Cpu(30, 20).since(Cpu(10, 20)) == Cpu(20, 0)
    assert Cpu(5, 20).since(Cpu(10, 20)) is None
    assert Traffic(30, 20).since(Traffic(10, 20)) == Traffic(20, 0)
    assert Traffic(5, 20).since(Traffic(10, 20)) is None, "another network"
