"""How an environment looks to those who look inside: what it is, does and waits for."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from stoker.core.invocation import Initialization, RequestId, Target

FROZEN = "Frozen"
_WITH_PARTS = ("Init", "Reinit", "Invoke")


@dataclass(frozen=True, slots=True)
class PartSpan:
    """What one party had to do in a phase."""

    party: str
    began_ms: float  # epoch
    duration_ms: float


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """One phase of its life."""

    phase: str
    began_ms: float  # epoch
    duration_ms: float
    parts: tuple[PartSpan, ...] = ()  # of phases in which parties work


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
    initialization: Initialization = Initialization.ON_DEMAND


class History:
    """The latest phases of one environment; cheap to enter, read seldom. Where only the runtime
    takes part, its part is the whole phase, and nobody need say so."""

    __slots__ = ("_began", "_entries", "_epoch_ms", "_parts", "_phase")

    def __init__(self, kept: int, now: float, epoch_ms: float) -> None:
        self._entries: deque[tuple[str, float]] = deque(maxlen=kept)
        self._epoch_ms = epoch_ms - now * 1000  # wall clock at monotonic zero
        self._phase = ""
        self._began: dict[str, float] = {}  # parties that began later than their phase
        self._parts: deque[tuple[str, float, float]] = deque(maxlen=_PARTS_PER_PHASE * kept)

    def enter(self, phase: str, now: float) -> None:
        if phase is not self._phase:
            self._phase = phase
            self._entries.append((phase, now))

    def starts(self, party: str, now: float) -> None:
        """Its process is started in the present phase."""
        self._began[party] = now

    def done(self, party: str, now: float) -> None:
        """It has done its part of the present phase."""
        self._parts.append((party, self._began.pop(party, self._entries[-1][1]), now))

    def spans(self, now: float, busy: Iterable[str] = ()) -> tuple[PhaseSpan, ...]:
        """busy: parties that are at work now."""
        entries = list(self._entries)
        ends = [began for _, began in entries[1:]] + [now]
        under_way = [(party, self._began.get(party, entries[-1][1]), now) for party in busy]
        parts = [*self._parts, *under_way]
        spans = []
        for (phase, began), end in zip(entries, ends, strict=True):
            within = [part for part in parts if began <= part[1] < end] if parts else []
            within.sort(key=lambda part: part[1:])
            if not within and phase in _WITH_PARTS:
                within = [("runtime", began, end)]
            spans.append(PhaseSpan(*self._span(str(phase), began, end), self._shown(within)))
        return tuple(spans)

    def _span(self, name: str, began: float, end: float) -> tuple[str, float, float]:
        return name, self._epoch_ms + began * 1000, (end - began) * 1000

    def _shown(self, parts: list[tuple[str, float, float]]) -> tuple[PartSpan, ...]:
        return tuple(PartSpan(*self._span(*part)) for part in parts)


_PARTS_PER_PHASE = 4  # of them are kept; who has more extensions sees fewer phases with parts
