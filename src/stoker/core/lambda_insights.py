"""Lambda Insights: the log event that AWS's extension of this name writes of each invocation. Pure.

It is of the embedded metric format, so that the metrics of the namespace LambdaInsights come of
it. What is not known is left out: /tmp and open files always.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Lambda-Insights-example-event.html
"""

from dataclasses import dataclass
from typing import Final

import orjson

from stoker.core import telemetry
from stoker.core.invocation import Invocation
from stoker.core.lifecycle_words import Status
from stoker.core.telemetry import Report
from stoker.core.tracing import sampled_span

GROUP: Final = "/aws/lambda-insights"
NAMESPACE: Final = "LambdaInsights"
EVERY: Final = "*"  # function, where some are named
_UNITS: Final = {
    "memory_utilization": "Percent",
    "total_memory": "Megabytes",
    "used_memory_max": "Megabytes",
    "cpu_total_time": "Milliseconds",
    "tx_bytes": "Bytes",
    "rx_bytes": "Bytes",
    "total_network": "Bytes",
    "init_duration": "Milliseconds",
}


@dataclass(frozen=True, slots=True)
class Cpu:
    """That processes have used so far, in milliseconds."""

    user_ms: float
    system_ms: float
    threads: int = 0  # that they have now

    def since(self, before: "Cpu") -> "Cpu | None":
        """None: some of them are gone, and what they used with them."""
        user, system = self.user_ms - before.user_ms, self.system_ms - before.system_ms
        return None if user < 0 or system < 0 else Cpu(user, system, self.threads)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes over an environment's network so far; what stays within it does not count."""

    received: int
    sent: int

    def since(self, before: "Traffic") -> "Traffic | None":
        """None: its network is another."""
        received, sent = self.received - before.received, self.sent - before.sent
        return None if received < 0 or sent < 0 else Traffic(received, sent)


def performance(
    invocation: Invocation,
    report: Report,
    cpu: Cpu | None,
    now_ms: int,
    traffic: Traffic | None = None,
) -> bytes:
    """The event of one invocation, as JSON."""
    used_mb = telemetry.max_memory_mb(report.max_memory_bytes, report.memory_size_mb)
    billed_ms = telemetry.billed_ms(report.duration_ms, report.to_bill_ms)
    facts: dict[str, object] = {
        "event_type": "performance",
        "function_name": invocation.target.name,
        "version": _asked_for(invocation),
        "request_id": report.request_id,
    }
    span = sampled_span(report.trace)
    if span is not None:
        facts["trace_id"] = span[0]
    facts |= {
        "duration": round(report.duration_ms),
        "billed_duration": billed_ms,
        "billed_mb_ms": billed_ms * report.memory_size_mb,
        "cold_start": report.init_ms is not None or report.restore is not None,
        "used_memory_max": used_mb,
        "total_memory": report.memory_size_mb,
        "memory_utilization": round(100 * used_mb / report.memory_size_mb),
    }
    if report.init_ms is not None:
        facts["init_duration"] = round(report.init_ms)
    if cpu is not None:
        facts["cpu_user_time"] = round(cpu.user_ms)
        facts["cpu_system_time"] = round(cpu.system_ms)
        facts["cpu_total_time"] = round(cpu.user_ms + cpu.system_ms)
        facts["threads_max"] = cpu.threads
    if traffic is not None:
        facts["rx_bytes"], facts["tx_bytes"] = traffic.received, traffic.sent
        facts["total_network"] = traffic.received + traffic.sent
    if report.status is Status.TIMEOUT:
        facts |= {"timeout": True, "shutdown_reason": "Timeout"}
    elif report.fault is not None:
        facts["shutdown_reason"] = "Failure"
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["function_name"], ["function_name", "version"]],
        "Metrics": [{"Name": name, "Unit": unit} for name, unit in _UNITS.items() if name in facts],
    }
    head = {"_aws": {"Timestamp": now_ms, "CloudWatchMetrics": [directive]}}
    return orjson.dumps(head | facts)


def _asked_for(invocation: Invocation) -> str:
    """The alias or version by which it was asked for, as the extension is told it."""
    parts = invocation.invoked_arn.split(":")
    return parts[7] if len(parts) > 7 else invocation.target.version
