"""How an environment looks to those who look inside: what it is, does and waits for."""

from collections import deque
from dataclasses import dataclass

from stoker.core.invocation import RequestId, Target


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """One phase of its life."""

    phase: str
    began_ms: float  # epoch
    duration_ms: float


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    id: str
    target: Target
    # "Create" until there is a sandbox, then those of core/lifecycle.py, and "Settle" while what
    # was printed is still being read.
    phase: str
    frozen: bool = False
    request_id: RequestId | None = None
    waiting_for: tuple[str, ...] = ()  # parties: the runtime, extensions
    log_stream: str = ""
    steps: tuple[tuple[str, float], ...] = ()  # of the cold start, ms
    history: tuple[PhaseSpan, ...] = ()  # the latest ones, the present one last
    pids: tuple[int, ...] = ()  # on the host


class History:
    """The latest phases of one environment; cheap to enter, read seldom."""

    __slots__ = ("_entries", "_epoch_ms", "_phase")

    def __init__(self, kept: int, now: float, epoch_ms: float) -> None:
        self._entries: deque[tuple[str, float]] = deque(maxlen=kept)
        self._epoch_ms = epoch_ms - now * 1000  # wall clock at monotonic zero
        self._phase = ""

    def enter(self, phase: str, now: float) -> None:
        if phase is not self._phase:
            self._phase = phase
            self._entries.append((phase, now))

    def spans(self, now: float) -> tuple[PhaseSpan, ...]:
        entries = list(self._entries)
        ends = [began for _, began in entries[1:]] + [now]
        return tuple(
            PhaseSpan(str(phase), self._epoch_ms + began * 1000, (end - began) * 1000)
            for (phase, began), end in zip(entries, ends, strict=True)
        )
