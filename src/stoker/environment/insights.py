"""What Lambda Insights says of each invocation of one environment, where that is wanted."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from stoker.core.invocation import Invocation
from stoker.core.lambda_insights import Cpu, performance
from stoker.core.telemetry import Report
from stoker.observe.base import LogSink

MOST = 64  # processes that are looked at; of more nothing is said
_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class LambdaInsights:
    """Told of an invocation's beginning and end."""

    def __init__(self, sink: LogSink, pids: Callable[[], list[int]]) -> None:
        self._sink = sink
        self._pids = pids
        self._before: Cpu | None = None

    def began(self) -> None:
        self._before = used(self._pids())

    def ended(self, invocation: Invocation, report: Report) -> None:
        before, after = self._before, used(self._pids())
        cpu = after.since(before) if after is not None and before is not None else None
        now_ms = time.time_ns() // 1_000_000
        self._sink.append(now_ms, performance(invocation, report, cpu, now_ms) + b"\n")


def used(pids: list[int], proc: Path = Path("/proc")) -> Cpu | None:
    """By these, and by their children that have ended; None if there are none, or too many."""
    if not 0 < len(pids) <= MOST:
        return None
    user = system = 0
    for pid in pids:
        try:
            text = (proc / str(pid) / "stat").read_bytes()
        except OSError:
            continue  # it has ended: its parent has what it used
        fields = text.rpartition(b")")[2].split()
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
    return Cpu(user * _TICK_MS, system * _TICK_MS)
