"""What becomes of an event that was accepted for later: run, wait, or end. Pure.

    accepted ──► due ──► running ──succeeded──────────────────────► Ended(Success)
                  ▲         ├──function error, and retries left──┐
                  │         ├──throttled, or the system failed──┐│
                  └─────────┴── Again(due) ◄────────────────────┴┘
                            └──no retry left, or too old ──► Ended(RetriesExhausted │ …)

After AWS's "How Lambda handles errors and retries with asynchronous invocation": a function error
is tried again after one minute, then after two; throttles and failures of the system are not
counted and are tried again after 1, 2, 4 … 300 seconds, until the event is too old. A function
without any concurrency (reserved: 0) has its events ended at once (since August 2021), and one
that its own chain of events has come back to too often as well.
"""

from dataclasses import dataclass
from enum import StrEnum

from stoker.core.limits import EVENT_AGE_S, EVENT_RETRIES

RETRY_S = 60.0  # after the first function error; twice as long after the second
BACKOFF_FIRST_S, BACKOFF_MOST_S = 1.0, 300.0
_DOUBLINGS = 9  # from then on it is BACKOFF_MOST_S anyway


class Condition(StrEnum):
    """Why an event is at its end; AWS's words in the records for destinations."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"
    RECURSIVE_INVOCATION = "RecursiveInvocation"


class Outcome(StrEnum):
    """What came of one attempt."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # the function's error
    REFUSED = "refused"  # it did not run, or not to an end that it is to blame for


@dataclass(frozen=True, slots=True)
class Progress:
    """What an event has behind it."""

    accepted: float  # seconds of the epoch
    attempts: int = 0  # the function ran
    refusals: int = 0  # it could not, since it last ran


@dataclass(frozen=True, slots=True)
class Rules:
    """What the function's owner wants. `scale`: how much faster than AWS's the clock goes."""

    retries: int = EVENT_RETRIES
    max_age_s: float = EVENT_AGE_S
    scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Again:
    progress: Progress
    due: float


@dataclass(frozen=True, slots=True)
class Ended:
    condition: Condition
    progress: Progress


def deadline(progress: Progress, rules: Rules) -> float:
    """From then on the event is not given to the function any more."""
    return progress.accepted + rules.max_age_s / rules.scale


def hindrance(
    progress: Progress, rules: Rules, now: float, *, reserved: int | None, looping: bool
) -> Condition | None:
    """Why an event that is due must not be run at all; None: it may be."""
    if reserved == 0:
        return Condition.ZERO_RESERVED_CONCURRENCY
    if looping:
        return Condition.RECURSIVE_INVOCATION
    if now >= deadline(progress, rules):
        return Condition.EVENT_AGE_EXCEEDED
    return None


def after(progress: Progress, rules: Rules, outcome: Outcome, now: float) -> Again | Ended:
    """What to do with an event once an attempt is over."""
    if outcome is Outcome.REFUSED:
        waited = Progress(progress.accepted, progress.attempts, progress.refusals + 1)
        doublings = min(waited.refusals - 1, _DOUBLINGS)
        delay_s = min(BACKOFF_FIRST_S * 2**doublings, BACKOFF_MOST_S) / rules.scale
        # It may still be run at its deadline's eve, and is ended at the deadline.
        return Again(waited, max(now, min(now + delay_s, deadline(progress, rules))))
    ran = Progress(progress.accepted, progress.attempts + 1)
    if outcome is Outcome.SUCCEEDED:
        return Ended(Condition.SUCCESS, ran)
    if ran.attempts > rules.retries:
        return Ended(Condition.RETRIES_EXHAUSTED, ran)
    due = now + RETRY_S * ran.attempts / rules.scale
    if due >= deadline(ran, rules):
        return Ended(Condition.EVENT_AGE_EXCEEDED, ran)  # it would be too old by then
    return Again(ran, due)
