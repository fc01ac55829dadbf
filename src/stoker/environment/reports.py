"""What the platform says about one environment: its lines, and the measures in them."""

import time

from stoker.core import telemetry
from stoker.core.faults import Fault
from stoker.core.invocation import RequestId, Target
from stoker.core.lifecycle_words import Status
from stoker.environment.hand import Hand
from stoker.environment.log import EnvironmentLog
from stoker.environment.peak import Peak


class Reports:
    """Told about the same as the log's reader is, in the same order. `now` is monotonic."""

    def __init__(self, target: Target, log: EnvironmentLog, peak: Peak) -> None:
        self._target = target
        self._log = log
        self._peak = peak
        self._init_began = 0.0
        self._init_ms: float | None = None  # still to be reported

    def init_began(self, phase: str, now: float) -> None:
        self._init_began = now
        self._init_ms = None
        if phase == "init":
            target = self._target
            self._log.platform(telemetry.init_start(target.runtime, target.region))

    def init_ended(self, phase: str, status: Status, fault: Fault | None, now: float) -> float:
        """Returns how long it took, in ms."""
        init_ms = (now - self._init_began) * 1000
        if status is Status.SUCCESS:
            self._init_ms = init_ms if phase == "init" else None
        else:
            self._log.platform(telemetry.init_report(init_ms, phase, status, fault))
        return init_ms

    def invoke_began(self, request_id: RequestId) -> None:
        self._log.platform(telemetry.start(request_id, self._target.version))

    def invoke_ended(self, hand: Hand, status: Status, fault: Fault | None, now: float) -> None:
        request_id = hand.invocation.request_id
        target = self._target
        duration_ms = (now - hand.began) * 1000
        if fault is not None:
            if status is Status.TIMEOUT:
                duration_ms = target.timeout_s * 1000.0
            explanation = telemetry.explanation(request_id, fault, time.time_ns() // 1_000_000)
            if explanation is not None:
                self._log.platform(explanation)
        report = telemetry.Report(
            request_id,
            duration_ms,
            target.memory_mb,
            self._peak.after(duration_ms, now),
            self._init_ms,
            status,
            fault,
        )
        self._init_ms = None
        self._log.platform(telemetry.end(request_id), telemetry.report(report))
