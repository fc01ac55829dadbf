"""What the platform says of every invocation: start, runtimeDone, end, report.

Each holds what happened; its forms (PlatformEvent's) are made when somebody asks for one, since a
log of text and a subscriber want different ones. They are filled into templates: made as objects
and encoded, they would cost a subscriber half of what an invocation costs (measured).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from stoker.core import telemetry
from stoker.core.faults import Fault
from stoker.core.invocation import Target
from stoker.core.lifecycle_words import Status
from stoker.core.platform_events import SUCCEEDED, Level, json_bytes, outcome, tracing
from stoker.core.telemetry import Report, stamp

# Python 3.11 is slow to find an enum's member.
_DEBUG: Final = Level.DEBUG
_INFO: Final = Level.INFO
_WARN: Final = Level.WARN
_SUCCESS: Final = Status.SUCCESS
_ERROR: Final = Status.ERROR
_START: Final = b'{"requestId":"%b","functionArn":%b,"version":"%b"%b}'
_RUNTIME_DONE: Final = b'{"requestId":"%b",%b%b,"metrics":{"durationMs":%a,"producedBytes":%d}%b}'
_ANSWER_SPANS: Final = (
    b',"spans":[{"name":"responseLatency","start":"%b","durationMs":%a},'
    b'{"name":"responseDuration","start":"%b","durationMs":%a},'
    b'{"name":"runtimeOverhead","start":"%b","durationMs":%a}]'
)
_OVERHEAD_SPAN: Final = b',"spans":[{"name":"extensionOverhead","start":"%b","durationMs":%a}]'
_REPORTED: Final = (
    b'"requestId":"%b","metrics":{"durationMs":%a,"billedDurationMs":%d,"memorySizeMB":%d,'
    b'"maxMemoryUsedMB":%d%b}'
)
_arn = lru_cache(1024)(json_bytes)


@dataclass(slots=True)
class Start:
    """It was handed to its environment."""

    type: ClassVar[str] = "platform.start"
    level: ClassVar[Level] = _INFO
    reduced_since: ClassVar[str] = ""
    request_id: str
    target: Target
    trace: str = ""  # X-Ray's header

    @property
    def record(self) -> bytes:
        target = self.target
        version, more = target.version.encode(), _of_tenant(target.tenant) + tracing(self.trace)
        return _START % (self.request_id.encode(), _arn(target.arn), version, more)

    @property
    def text(self) -> bytes:
        return telemetry.start(self.request_id, self.target.version)

    @property
    def reduced(self) -> bytes:
        return b'{"requestId":"%b","version":"%b"}' % (
            self.request_id.encode(),
            self.target.version.encode(),
        )


@dataclass(slots=True)
class RuntimeDone:
    """The runtime has asked for the next one, or failed. Moments are in seconds of one clock."""

    type: ClassVar[str] = "platform.runtimeDone"
    text: ClassVar[None] = None
    reduced_since: ClassVar[str] = "2021-03-18"
    request_id: str
    status: Status
    fault: Fault | None
    produced_bytes: int | None  # of its answer; None: there was none
    handed: float  # to the runtime
    done: float
    ahead_ms: float  # of that clock is the time of day
    answer: tuple[float, float] | None = None  # its first and its last byte came
    trace: str = ""
    tenant: str = ""

    @property
    def level(self) -> Level:
        return _DEBUG if self.status is _SUCCESS else _WARN

    @property
    def record(self) -> bytes:
        status = self.status
        return _RUNTIME_DONE % (
            self.request_id.encode(),
            SUCCEEDED if status is _SUCCESS else outcome(status, self.fault),
            b"" if self.answer is None else self._spans(*self.answer),
            round((self.done - self.handed) * 1000, 3),
            self.produced_bytes or 0,
            _of_tenant(self.tenant) + tracing(self.trace),
        )

    @property
    def reduced(self) -> bytes:
        # The Logs API's documentation knows success, failure and timeout.
        word = b"failure" if self.status is _ERROR else self.status.encode()
        return b'{"requestId":"%b","status":"%b"}' % (self.request_id.encode(), word)

    def _spans(self, first: float, last: float) -> bytes:
        handed, ahead_ms = self.handed, self.ahead_ms
        first_at = stamp(round(first * 1000 + ahead_ms))
        return _ANSWER_SPANS % (
            stamp(round(handed * 1000 + ahead_ms)),
            round((first - handed) * 1000, 3),
            first_at,
            round((last - first) * 1000, 3),
            first_at if last is first else stamp(round(last * 1000 + ahead_ms)),
            round((self.done - last) * 1000, 3),
        )


@dataclass(slots=True)
class End:
    """Known to text logs and to the Logs API."""

    type: ClassVar[str] = "platform.end"
    level: ClassVar[Level] = _INFO
    record: ClassVar[None] = None
    reduced_since: ClassVar[str] = ""
    request_id: str

    @property
    def text(self) -> bytes:
        return telemetry.end(self.request_id)

    @property
    def reduced(self) -> bytes:
        return b'{"requestId":"%b"}' % self.request_id.encode()


@dataclass(slots=True)
class Reported:
    """Its measures. `overhead`: when the runtime was done, as the time of day in ms, and for how
    many ms extensions were not."""

    type: ClassVar[str] = "platform.report"
    reduced_since: ClassVar[str] = ""
    facts: Report
    overhead: tuple[float, float] | None = None

    @property
    def level(self) -> Level:
        return _INFO if self.facts.status is _SUCCESS else _WARN

    @property
    def record(self) -> bytes:
        facts = self.facts
        status = facts.status
        return b"{%b,%b%b%b}" % (
            self._measures(),
            SUCCEEDED if status is _SUCCESS else outcome(status, facts.fault),
            b"" if self.overhead is None else _span(*self.overhead),
            _of_tenant(facts.tenant) + tracing(facts.trace),
        )

    @property
    def text(self) -> bytes:
        return telemetry.report(self.facts)

    @property
    def reduced(self) -> bytes:
        return b"{%b}" % self._measures()

    def _measures(self) -> bytes:
        facts = self.facts
        before = b""
        if facts.init_ms is not None:
            before = b',"initDurationMs":%a' % round(facts.init_ms, 3)
        if (restore := facts.restore) is not None:
            before = b',"restoreDurationMs":%a,"billedRestoreDurationMs":%d' % (
                round(restore.duration_ms, 3),
                restore.billed_ms,
            )
        return _REPORTED % (
            facts.request_id.encode(),
            round(facts.duration_ms, 3),
            telemetry.billed_ms(facts.duration_ms, facts.to_bill_ms),
            facts.memory_size_mb,
            telemetry.max_memory_mb(facts.max_memory_bytes, facts.memory_size_mb),
            before,
        )


def _of_tenant(tenant: str) -> bytes:
    """https://docs.aws.amazon.com/lambda/latest/dg/tenant-isolation-monitor.html"""
    return b',"tenantId":' + json_bytes(tenant) if tenant else b""


def _span(start_ms: float, took_ms: float) -> bytes:
    return _OVERHEAD_SPAN % (stamp(round(start_ms)), round(took_ms, 3))
