"""What the platform says about one environment: its events, and the measures in them."""

import math
import time
from typing import Final

from stoker.core import platform_events as events
from stoker.core import telemetry
from stoker.core.faults import Fault
from stoker.core.invocation import Initialization, Target
from stoker.core.invocation_events import End, Reported, RuntimeDone, Start
from stoker.core.invocation_price import of_target, provisioned_init, snapshots_cost, streamed
from stoker.core.lifecycle_words import ExtensionSeen, InitEnded, Status, extension_name
from stoker.core.platform_events import PlatformEvent
from stoker.core.price_list import Item
from stoker.core.telemetry import Restored
from stoker.environment.ground import Ground
from stoker.environment.hand import Hand
from stoker.environment.insights import LambdaInsights
from stoker.environment.log import EnvironmentLog
from stoker.environment.peak import Peak
from stoker.environment.telemetry import Telemetry
from stoker.observe.recent import name_of

_SUCCESS: Final = Status.SUCCESS  # Python 3.11 is slow to find an enum's member


class Reports:
    """Told about the same as the log's reader is, in the same order. `now` is monotonic."""

    def __init__(
        self,
        log: EnvironmentLog,
        telemetry: Telemetry,
        peak: Peak,
        log_stream: str,
        target: Target,
        ground: Ground,
    ) -> None:
        self._initialization = ground.initialization
        self._provisioned = ground.initialization is Initialization.PROVISIONED
        self._metrics = ground.metrics
        self._recent, self._name = ground.recent, name_of(target)
        self._insights = (
            LambdaInsights(ground.insights, ground.sandbox.pids) if ground.insights else None
        )
        self._target = target
        self._log = log
        self._telemetry = telemetry
        self._peak = peak
        self._log_stream = log_stream
        self._phase = ""  # of the init in hand
        self._init_began = 0.0
        self._init_told = False  # that the runtime is done with the init in hand
        self._init_ms: float | None = None  # still to be reported
        self._restore_began = 0.0
        self._restored: float | None = None  # when its hooks began to run
        self._restore: Restored | None = None  # still to be reported

    def init_began(self, phase: str, now: float) -> None:
        self._phase = phase
        self._init_began = now
        self._init_told = False
        self._init_ms = None
        self._telemetry.init_began()
        self._log.tell(
            events.init_start(self._target, self._initialization, phase, self._log_stream)
        )

    def _init_runtime_done(
        self, status: Status = Status.SUCCESS, fault: Fault | None = None
    ) -> None:
        self._init_told = True
        self._log.tell(events.init_runtime_done(self._initialization, self._phase, status, fault))

    def init_ended(self, ended: InitEnded, now: float) -> float:
        """Returns how long it took, in ms."""
        init_ms = (now - self._init_began) * 1000
        phase = ended.phase
        if ended.status is Status.SUCCESS:
            reported = phase == "init" and self._initialization is Initialization.ON_DEMAND
            self._init_ms = init_ms if reported else None
        if not self._init_told:
            self._init_runtime_done(ended.status, ended.fault)
        self._log.tell(*map(_extension, ended.extensions))
        self._log.tell(
            events.init_report(init_ms, self._initialization, phase, ended.status, ended.fault)
        )
        if ended.status is Status.SUCCESS:
            self._telemetry.init_succeeded()
            if self._provisioned and phase == "init":
                amounts = provisioned_init(self._target, telemetry.billed_ms(init_ms, None))
                self._metrics.bill(self._target, amounts)
        return init_ms

    def restore_began(self, now: float) -> None:
        self._restore_began = now
        self._log.tell(events.restore_start(self._target, self._log_stream))

    def restored(self, now: float) -> None:
        """What follows is the function's own: its hooks."""
        self._restored = now

    def restore_ended(self, status: Status, fault: Fault | None, now: float) -> float:
        """Returns how long it took, in ms."""
        restore_ms = (now - self._restore_began) * 1000
        hooks_ms = 0.0 if self._restored is None else (now - self._restored) * 1000
        if status is Status.SUCCESS:
            self._restore = Restored(restore_ms, math.ceil(hooks_ms))
        self._log.tell(
            events.restore_runtime_done(status, fault),
            events.restore_report(restore_ms, status, fault),
        )
        return restore_ms

    def invoke_began(self, hand: Hand) -> None:
        if self._insights is not None:
            self._insights.began()
        request_id = hand.invocation.request_id
        if self._metrics.began is not None:
            self._metrics.began(hand.invocation)
        if not self._log.is_text:
            self._log.request_id = request_id
            self._log.tell(Start(request_id, self._target, hand.invocation.trace_id))
            return
        now_ms = self._log.lines(telemetry.start(request_id, self._target.version))
        if self._telemetry.listening:
            start = Start(request_id, self._target, hand.invocation.trace_id)
            self._telemetry.told(now_ms, start)

    def runtime_done(self, hand: Hand | None, now: float) -> None:
        """The runtime is done with an invocation (None: with the init); extensions are not."""
        if hand is None:
            self._init_runtime_done()
            return
        hand.runtime_done = now
        if self._telemetry.listening or not self._log.is_text:
            self._log.tell(_runtime_done(hand, _SUCCESS, None, now))

    def invoke_ended(self, hand: Hand, status: Status, fault: Fault | None, now: float) -> None:
        request_id = hand.invocation.request_id
        target = self._target
        duration_ms = (now - hand.began) * 1000
        if fault is not None and status is Status.TIMEOUT:
            duration_ms = target.timeout_s * 1000.0
        report = telemetry.Report(
            request_id,
            duration_ms,
            target.memory_mb,
            self._peak.after(duration_ms, now),
            self._init_ms,
            status,
            fault,
            self._restore,
            hand.invocation.trace_id,
            target.tenant,
        )
        if self._init_ms is not None or self._restore is not None:
            self._metrics.bill(target, _before_handler(target, report))
        self._init_ms = self._restore = None
        failed = fault is not None or bool(hand.error)
        ended = (hand.invocation, report, hand.began, hand.error, self._provisioned)
        self._recent.ended(self._name, *ended)
        self._measure(hand, report, now, failed=failed)
        if self._log.is_text and fault is None:
            now_ms = self._log.lines(telemetry.end(request_id), telemetry.report(report))
            if self._telemetry.listening:
                self._telemetry.told(now_ms, *_end(hand, report, now))
        else:
            self._tell_end(hand, report, now)
        if self._insights is not None:
            self._insights.ended(hand.invocation, report)

    def _measure(self, hand: Hand, report: telemetry.Report, now: float, *, failed: bool) -> None:
        invocation, began = hand.invocation, hand.began
        if self._provisioned:
            billed_ms = telemetry.billed_ms(report.duration_ms, None)
            self._metrics.provisioned(invocation, began, billed_ms)
        used_mb = telemetry.max_memory_mb(report.max_memory_bytes, report.memory_size_mb)
        self._metrics.invoked(invocation, began, report.duration_ms, used_mb, failed=failed)
        if hand.runtime_done is not None and hand.runtime_done < now:
            self._metrics.extended(invocation, began, (now - hand.runtime_done) * 1000)
        if hand.stream is not None and (gb := streamed(hand.produced_bytes or 0)):
            self._metrics.bill(self._target, {Item.STREAMED: gb})

    def _tell_end(self, hand: Hand, report: telemetry.Report, now: float) -> None:
        """Of an invocation that failed, or in a log of objects."""
        told = _end(hand, report, now)
        if report.fault is not None:
            now_ms = time.time_ns() // 1_000_000
            explanation = telemetry.explanation(report.request_id, report.fault, now_ms)
            if explanation is not None:
                told.insert(-2, events.fault(explanation))
        self._log.tell(*told)
        self._log.request_id = None


def _end(hand: Hand, report: telemetry.Report, now: float) -> list[PlatformEvent]:
    """What there is to say of it: at last its end and its report."""
    end = End(report.request_id)
    if (done := hand.runtime_done) is None:
        return [_runtime_done(hand, report.status, report.fault, now), end, Reported(report)]
    return [end, Reported(report, (done * 1000 + _ahead_ms(now), (now - done) * 1000))]


def _runtime_done(hand: Hand, status: Status, fault: Fault | None, now: float) -> RuntimeDone:
    began = hand.began if hand.handed is None else hand.handed
    answer: tuple[float, float] | None = None
    if (last := hand.answered) is not None:
        answer = (last if hand.answering is None else hand.answering), last
    return RuntimeDone(
        hand.invocation.request_id,
        status,
        fault,
        hand.produced_bytes,
        began,
        now,
        _ahead_ms(now),
        answer,
        hand.invocation.trace_id,
        hand.invocation.target.tenant,
    )


def _before_handler(target: Target, report: telemetry.Report) -> dict[Item, float]:
    """What AWS counts of a cold start, beside the invocation's own time."""
    own_ms = telemetry.billed_ms(report.duration_ms, None)
    more_ms = telemetry.billed_ms(report.duration_ms, report.to_bill_ms) - own_ms
    if report.restore is None:
        return of_target(target).time(more_ms, init_ms=more_ms)
    amounts = of_target(target).time(more_ms)
    if snapshots_cost(target.runtime):
        amounts[Item.RESTORED] = of_target(target).memory_gb
    return amounts


def _extension(seen: ExtensionSeen) -> PlatformEvent:
    wanted = () if seen.extension is None else seen.extension.events
    name = extension_name(seen.party)
    return events.extension(name, str(seen.state), wanted, seen.error_type or None)


def _ahead_ms(now: float) -> float:
    """How far the time of day is ahead of the monotonic clock, which showed `now` just now."""
    return time.time_ns() / 1e6 - now * 1000
