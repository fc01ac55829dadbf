"""Whether a server with nothing to do should stay awake for what comes next. Pure.

Who sleeps is woken by an interrupt between processors, which a virtual machine pays dearly, on both
sides. So while one thing follows the other at once, it is cheaper to look again and again; where
it does not, or where others want the processor, it is a waste.
"""

from dataclasses import dataclass
from typing import Final

PATIENCE_S: Final = 0.0002  # the longest that one look-out may last
ENOUGH: Final = 6  # things in a row, each soon after the one before, until it pays
MOST: Final = 12  # so much is remembered
LOST: Final = 3  # each that was late takes back the worth of so many
SAMPLE: Final = 64  # so often is it looked whether others wanted the processor
PREEMPTED: Final = 16  # of these, so many times: they do
PAUSE_S: Final = 0.005  # they have it for so long at first: perhaps the kernel has yet to spread us
LONGEST_S: Final = 0.64  # and twice as long each time, up to this


@dataclass(slots=True)
class BusyPolling:
    """Told whenever something has come and was dealt with; times in seconds of one clock."""

    _worth: int = 0
    _last: float = float("-inf")
    _paused_until: float = float("-inf")
    _heard: int = 0  # since the last sample
    _preempted: int = 0  # in all, at the last sample
    _pause_s: float = PAUSE_S  # the next

    def heard(self, now: float) -> bool:
        """Is it worth looking out for the next, until PATIENCE_S from now?"""
        if now - self._last <= PATIENCE_S:
            if self._worth < MOST:
                self._worth += 1
        else:
            self._worth = max(0, self._worth - LOST)
        self._last = now
        if self._worth < ENOUGH or now < self._paused_until:
            return False
        self._heard += 1
        return True

    @property
    def wants_sample(self) -> bool:
        """preempted() is due."""
        return self._heard >= SAMPLE

    def preempted(self, count: int, now: float) -> None:
        """So often has the thread had to leave its processor to others, since it began."""
        if count - self._preempted >= PREEMPTED:
            self._paused_until = now + self._pause_s
            self._pause_s = min(LONGEST_S, 2 * self._pause_s)
        else:
            self._pause_s = PAUSE_S
        self._heard, self._preempted = 0, count
