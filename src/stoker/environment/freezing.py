"""When an idle environment is frozen, and that it is thawed again."""

import time
from collections.abc import Callable

from stoker.environment.telemetry import Telemetry
from stoker.environment.timers import Timers
from stoker.environment.view import FROZEN, History
from stoker.sandbox.base import Sandbox

SETTLE_S = 0.01  # after a thaw, until all threads are where they were


class Freezing:
    """The timer is armed once and looked at late: an environment in use costs no timers."""

    def __init__(
        self,
        sandbox: Sandbox,
        telemetry: Telemetry,
        timers: Timers,
        history: History,
        after_s: float,
        is_idle: Callable[[], bool],
    ) -> None:
        self.frozen = False
        self._sandbox = sandbox
        self._telemetry = telemetry
        self._timers = timers
        self._history = history
        self._after_s = after_s
        self._is_idle = is_idle
        self._idle_since = 0.0
        self._due = False
        self._thawed_at = float("-inf")

    def idle(self, now: float) -> None:
        """From now on; freeze it if it stays so."""
        if not self.frozen:
            self._idle_since = now
            if not self._due:
                self._due = True
                self._timers.start("freeze", self._after_s, self._freeze)

    def thaw(self) -> None:
        if self.frozen:
            self._sandbox.thaw()
            self.frozen = False
            self._thawed_at = time.monotonic()
            self._telemetry.thaw()

    def settled(self, then: Callable[[], None]) -> None:
        """Call this when who was thawed just now is awake. A signal that comes before may be taken
        by any thread, and there are programs (Python's) that act on it only in their first, which
        goes on waiting then."""
        left_s = self._thawed_at + SETTLE_S - time.monotonic()
        if left_s > 0:
            self._timers.start("settle", left_s, then)
        else:
            then()

    def _freeze(self) -> None:
        self._due = False
        if not self._is_idle():
            return  # in use; it will be idle again
        left_s = self._idle_since + self._after_s - time.monotonic()
        if left_s > 0:
            self._due = True
            self._timers.start("freeze", left_s, self._freeze)
        else:
            self._telemetry.freeze()
            self._sandbox.freeze()
            self.frozen = True
            self._history.enter(FROZEN, time.monotonic())
