"""What Lambda Insights says of each invocation of one environment, where that is wanted."""

import os
import time
from collections.abc import Callable
from pathlib import Path

from stoker.core.invocation import Invocation
from stoker.core.lambda_insights import Cpu, Traffic, performance
from stoker.core.telemetry import Report
from stoker.observe.base import LogSink

MOST = 64  # processes that are looked at; of more nothing is said
_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


class LambdaInsights:
    """Told of an invocation's beginning and end."""

    def __init__(self, sink: LogSink, pids: Callable[[], list[int]]) -> None:
        self._sink = sink
        self._pids = pids
        self._cpu: Cpu | None = None
        self._traffic: Traffic | None = None

    def began(self) -> None:
        pids = self._pids()
        self._cpu, self._traffic = used(pids), sent_and_received(pids)

    def ended(self, invocation: Invocation, report: Report) -> None:
        pids = self._pids()
        spent, moved = used(pids), sent_and_received(pids)
        cpu = spent.since(self._cpu) if spent is not None and self._cpu is not None else None
        traffic = moved.since(self._traffic) if moved and self._traffic else None
        now_ms = time.time_ns() // 1_000_000
        self._sink.append(now_ms, performance(invocation, report, cpu, now_ms, traffic) + b"\n")


def used(pids: list[int], proc: Path = Path("/proc")) -> Cpu | None:
    """By these, and by their children that have ended; None if there are none, or too many."""
    if not 0 < len(pids) <= MOST:
        return None
    user = system = threads = 0
    for pid in pids:
        try:
            text = (proc / str(pid) / "stat").read_bytes()
        except OSError:
            continue  # it has ended: its parent has what it used
        fields = text.rpartition(b")")[2].split()
        user += int(fields[11]) + int(fields[13])
        system += int(fields[12]) + int(fields[14])
        threads += int(fields[17])
    return Cpu(user * _TICK_MS, system * _TICK_MS, threads)


def sent_and_received(pids: list[int], proc: Path = Path("/proc")) -> Traffic | None:
    """Over the network that they have together; None if that is the server's, too."""
    received = sent = 0
    for pid in pids[:1]:
        counters = proc / str(pid) / "net" / "dev"
        try:
            # The file is another one in each network namespace.
            if counters.stat().st_ino == (proc / "self" / "net" / "dev").stat().st_ino:
                return None
            _, _, *lines = counters.read_text().splitlines()
        except (OSError, ValueError):
            return None
        for line in lines:
            name, _, numbers = line.partition(":")
            if name.strip() != "lo":
                fields = numbers.split()
                received, sent = received + int(fields[0]), sent + int(fields[8])
    return Traffic(received, sent) if pids else None
