"""The platform's own log lines, byte for byte as AWS writes them, and the numbers in them.

INIT_START · START · END · REPORT · INIT_REPORT · RESTORE_START · RESTORE_REPORT · the lines that
explain a fault
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from stoker.core.faults import Fault
from stoker.core.lifecycle_words import Status
from stoker.core.names import runtime_version_arn
from stoker.core.tracing import sampled_span

_MB = 1024 * 1024
# Faults that AWS explains in a line of their own; of the others only REPORT speaks.
_EXPLAINED = ("Runtime.ExitError", "Runtime.InvalidEntrypoint", "Extension.")


_SUCCESS: Final = Status.SUCCESS
_REPORT: Final = (
    b"REPORT RequestId: %b\tDuration: %.2f ms\tBilled Duration: %d ms\t"
    b"Memory Size: %d MB\tMax Memory Used: %d MB\t"
)


@dataclass(frozen=True, slots=True)
class Restored:
    """How the environment came out of its snapshot."""

    duration_ms: float
    billed_ms: int  # of the part that is the function's own: its hooks


@dataclass(slots=True)
class Report:
    """The measures of one invocation."""

    request_id: str
    duration_ms: float
    memory_size_mb: int
    max_memory_bytes: int
    init_ms: float | None = None  # only of the init that this invocation is the first to follow
    status: Status = Status.SUCCESS
    fault: Fault | None = None
    restore: Restored | None = None  # like init_ms
    trace: str = ""  # X-Ray's header
    tenant: str = ""

    @property
    def to_bill_ms(self) -> float | None:
        """What is billed beside the duration."""
        return self.init_ms if self.restore is None else self.restore.billed_ms


def init_start(runtime: str, region: str) -> bytes:
    return (
        f"INIT_START Runtime Version: {runtime_version(runtime)}\t"
        f"Runtime Version ARN: {runtime_version_arn(region, runtime)}\n"
    ).encode()


def restore_start(runtime: str, region: str) -> bytes:
    return init_start(runtime, region).replace(b"INIT", b"RESTORE", 1)


def restore_report(restore_ms: float, status: Status, fault: Fault | None) -> bytes:
    line = f"RESTORE_REPORT Restore Duration: {restore_ms:.2f} ms".encode()
    return line + (b"\n" if status is _SUCCESS else b"\t" + _status(status, fault) + b"\n")


@lru_cache(256)
def runtime_version(runtime: str) -> str:
    """ "python3.13" -> "python:3.13.v1"; "provided.al2023" -> "provided:al2023.v1"."""
    match = re.fullmatch(r"([a-z]+)\.?(.*?)(?:\.x)?", runtime)
    language, version = match.groups() if match else (runtime, "")
    return f"{language}:{version}.v1" if version else f"{language}.v1"


def start(request_id: str, version: str) -> bytes:
    return b"START RequestId: %b Version: %b\n" % (request_id.encode(), version.encode())


def end(request_id: str) -> bytes:
    return b"END RequestId: %b\n" % request_id.encode()


def report(facts: Report) -> bytes:
    line = _REPORT % (
        facts.request_id.encode(),
        facts.duration_ms,
        billed_ms(facts.duration_ms, facts.to_bill_ms),
        facts.memory_size_mb,
        max_memory_mb(facts.max_memory_bytes, facts.memory_size_mb),
    )
    if facts.init_ms is not None:
        line += b"Init Duration: %.2f ms\t" % facts.init_ms
    if facts.restore is not None:
        line += b"Restore Duration: %.2f ms\tBilled Restore Duration: %d ms\t" % (
            facts.restore.duration_ms,
            facts.restore.billed_ms,
        )
    if facts.status is not _SUCCESS:
        line += _status(facts.status, facts.fault)
    if "Sampled=1" in facts.trace:
        line += _traced(facts.trace)
    return line + b"\n"


def _traced(header: str) -> bytes:
    """REPORT's second line, of a trace that is kept:
    https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html"""
    span = sampled_span(header)
    if span is None:
        return b""
    return b"\nXRAY TraceId: %b\tSegmentId: %b\tSampled: true\t" % (
        span[0].encode(),
        span[1].encode(),
    )


def init_report(init_ms: float, phase: str, status: Status, fault: Fault | None) -> bytes:
    """Of one that went well (and was ahead of its invocations) AWS says no more than how long."""
    head = f"INIT_REPORT Init Duration: {init_ms:.2f} ms"
    if status is _SUCCESS:
        return f"{head}\n".encode()
    return f"{head}\tPhase: {phase}\t".encode() + _status(status, fault) + b"\n"


def explanation(request_id: str, fault: Fault | None, now_ms: int) -> bytes | None:
    """The event that says what went wrong, if AWS writes one (or alarms look for one)."""
    if fault is None or fault.posted:
        return None
    if fault.type == "Sandbox.Timedout":
        return f"{timestamp(now_ms)} {request_id} {fault.text}\n".encode()
    if fault.type.startswith(_EXPLAINED):
        return f"RequestId: {request_id} Error: {fault.text}\n{fault.type}".encode()
    return None


def billed_ms(duration_ms: float, init_ms: float | None) -> int:
    """Duration and Init Duration, as printed, rounded up to a millisecond; at least 1."""
    hundredths = round(duration_ms * 100) + round((init_ms or 0.0) * 100)
    return max(1, -(-hundredths // 100))


def billed_in_all(durations_ms: Sequence[float]) -> int:
    """The sum of billed_ms() of invocations that nothing came before, quickly."""
    return sum([-(-round(ms * 100) // 100) or 1 for ms in durations_ms])


def max_memory_mb(peak_bytes: int, memory_size_mb: int) -> int:
    """Rounded up; the kernel may charge a page beyond the limit before it kills."""
    return min(-(-peak_bytes // _MB), memory_size_mb)


def timestamp(epoch_ms: int) -> str:
    """RFC 3339, UTC, milliseconds."""
    return "%s.%03dZ" % (_second(epoch_ms // 1000), epoch_ms % 1000)  # noqa: UP031 (faster)


@lru_cache(256)
def stamp(epoch_ms: int) -> bytes:
    """A timestamp as it is in events, of which each invocation has several within a millisecond."""
    return timestamp(epoch_ms).encode()


@lru_cache(64)
def _second(epoch_s: int) -> str:
    return f"{datetime.fromtimestamp(epoch_s, UTC):%Y-%m-%dT%H:%M:%S}"


def log_stream(created_ms: int, version: str, environment_id: str, function: str | None) -> str:
    """The name of an environment's stream. function: only if the log group is a custom one."""
    day = datetime.fromtimestamp(created_ms // 1000, UTC)
    return f"{day:%Y/%m/%d}/{function or ''}[{version}]{environment_id}"


def _status(status: Status, fault: Fault | None) -> bytes:
    if status is Status.TIMEOUT or fault is None:
        return f"Status: {status}".encode()
    return f"Status: {status}\tError Type: {fault.type}".encode()
