"""How an environment looks to those who look inside: what it is, does and waits for."""

from collections import deque
from dataclasses import dataclass

from stoker.core.invocation import Initialization, RequestId, Target
from stoker.core.lifecycle import Lifecycle
from stoker.core.lifecycle_words import RUNTIME, Party, Phase

CREATE, FROZEN = "Create", "Frozen"
FUNCTION = "function"  # the part of an init in which the function's own code is loaded
_WITH_PARTS = ("Init", "Reinit", "Invoke")
_PARTS_PER_PHASE = 4  # of them are kept; who has more extensions sees fewer phases with parts


@dataclass(frozen=True, slots=True)
class PartSpan:
    """What one party had to do in a phase."""

    party: str  # the runtime, an extension, or FUNCTION
    began_ms: float  # epoch
    duration_ms: float


@dataclass(frozen=True, slots=True)
class PhaseSpan:
    """One phase of its life."""

    phase: str
    began_ms: float  # epoch
    duration_ms: float
    parts: tuple[PartSpan, ...] = ()  # of phases in which parties work, or leave


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    id: str
    target: Target
    # CREATE until there is a sandbox, then those of core/lifecycle.py, and "Settle" while what
    # was printed is still being read.
    phase: str
    frozen: bool = False
    request_id: RequestId | None = None
    waiting_for: tuple[str, ...] = ()  # parties: the runtime, extensions
    doings: tuple[tuple[str, str], ...] = ()  # of each party, in words
    log_stream: str = ""
    steps: tuple[tuple[str, float], ...] = ()  # of the cold start, ms
    history: tuple[PhaseSpan, ...] = ()  # the latest ones, the present one last
    pids: tuple[int, ...] = ()  # on the host
    initialization: Initialization = Initialization.ON_DEMAND
    reason: str = ""  # why it ended, if it did
    peak_bytes: int = 0  # of its memory
    held_bytes: int = 0  # now


class History:
    """The latest phases of one environment; cheap to enter, read seldom. Where only the runtime
    takes part, its part is the whole phase, and nobody need say so."""

    __slots__ = ("_began", "_divided", "_entries", "_epoch_ms", "_life", "_parts", "_phase")

    def __init__(self, life: Lifecycle, kept: int, now: float, epoch_ms: float) -> None:
        self._life = life
        self._entries: deque[tuple[str, float]] = deque(maxlen=kept)
        self._epoch_ms = epoch_ms - now * 1000  # wall clock at monotonic zero
        self._phase = ""
        self._began: dict[str, float] = {}  # parties that began later than their phase
        self._parts: deque[tuple[str, float, float]] = deque(maxlen=_PARTS_PER_PHASE * kept)
        self._divided: tuple[str, float] | None = None  # in which the runtime's part is told

    def enter(self, phase: str, now: float) -> None:
        if phase is not self._phase:
            self._phase = phase
            self._entries.append((phase, now))

    def starts(self, party: str, now: float) -> None:
        """Its part begins now: its process is started, or it is told to leave."""
        self._began[party] = now

    def done(self, party: str, now: float) -> None:
        """It has done its part of the present phase."""
        phase = self._entries[-1]
        if phase is self._divided and party == RUNTIME:
            return
        self._parts.append((party, self._began.pop(party, phase[1]), now))

    def loaded(self, function_s: float, now: float) -> None:
        """The runtime is done; the last so many seconds it spent on its function. That is its
        own word: there may have been less time."""
        phase = self._entries[-1]
        began = self._began.pop(RUNTIME, phase[1])
        if function_s > now - began:  # it was set off before we knew, while it was handed over
            began = phase[1]
        if 0 <= function_s <= now - began:
            self._parts.append((RUNTIME, began, now - function_s))
            self._parts.append((FUNCTION, now - function_s, now))
            self._divided = phase
        else:
            self._began[RUNTIME] = began

    def asked_next(self, party: str, now: float) -> None:
        """So its part is done, unless it is about to hear the same event again."""
        life = self._life
        owes_answer = party == RUNTIME and life.phase is Phase.INVOKE and not life.answered
        if party in life.busy and not owes_answer:
            self.done(party, now)

    def breaks_off(self, now: float) -> None:
        """Nobody will do the rest of what there is to do in this phase."""
        for party in sorted(self._at_work()):
            self.done(party, now)

    def exited(self, party: str, now: float) -> None:
        """Its process has ended: everybody's work is over, or (when all must go) its leaving."""
        if self._life.ending:
            self.done(party, now)
        else:
            self.breaks_off(now)

    def spans(self, now: float, since_ms: float = 0.0) -> tuple[PhaseSpan, ...]:
        """Those that were not over at `since_ms` (epoch)."""
        entries = list(self._entries)
        since = (since_ms - self._epoch_ms) / 1000
        first = len(entries) - 1
        while first > 0 and entries[first][1] > since:
            first -= 1
        del entries[: max(first, 0)]
        ends = [began for _, began in entries[1:]] + [now]
        parts = [*self._parts, *self._under_way(now)]
        spans = []
        for (phase, began), end in zip(entries, ends, strict=True):
            within = [part for part in parts if began <= part[1] < end] if parts else []
            within.sort(key=lambda part: part[1:])
            if not within and phase in _WITH_PARTS:
                within = [(RUNTIME, began, end)]
            spans.append(PhaseSpan(*self._span(str(phase), began, end), self._shown(within)))
        return tuple(spans)

    def _under_way(self, now: float) -> list[tuple[str, float, float]]:
        phase = self._entries[-1]
        at_it = self._life.alive if self._life.ending else self._at_work()
        told = {RUNTIME} if phase is self._divided else set()
        return [(party, self._began.get(party, phase[1]), now) for party in sorted(at_it - told)]

    def _at_work(self) -> set[Party]:
        """The runtime counts from its start on: extensions come first."""
        return {
            party for party in self._life.busy if party != RUNTIME or RUNTIME in self._life.alive
        }

    def _span(self, name: str, began: float, end: float) -> tuple[str, float, float]:
        return name, self._epoch_ms + began * 1000, (end - began) * 1000

    def _shown(self, parts: list[tuple[str, float, float]]) -> tuple[PartSpan, ...]:
        return tuple(PartSpan(*self._span(*part)) for part in parts)
