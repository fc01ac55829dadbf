"""The restore of a copy of a snapshot: its limit, its measures, and what comes of a failed one."""

import time
from collections.abc import Callable

from stoker.core import faults
from stoker.core import lifecycle_words as words
from stoker.core.errors import ServiceError, SnapStartException, SnapStartTimeoutException
from stoker.core.invocation import InvocationResult, Target
from stoker.core.invoke_limits import RESTORE_S
from stoker.core.lifecycle_words import RUNTIME, Status
from stoker.environment.ground import Ground
from stoker.environment.hand import UNHANDLED
from stoker.environment.reports import Reports
from stoker.environment.runtime_api import Posted, RuntimeApi
from stoker.environment.timers import Timers
from stoker.environment.view import History
from stoker.environment.xray import Xray

Outcome = InvocationResult | ServiceError


class Restore:
    def __init__(
        self,
        target: Target,
        ground: Ground,
        api: RuntimeApi,
        reports: Reports,
        xray: Xray,
        timers: Timers,
        history: History,
        tell: Callable[[words.Event], None],
        limit_s: float = RESTORE_S,
    ) -> None:
        self._target = target
        self._ground = ground
        self._xray = xray
        self._api = api
        self._reports = reports
        self._timers = timers
        self._history = history
        self._tell = tell
        self._limit_s = limit_s
        self._hooks = False  # those of the runtime run, or have run
        self._failed: tuple[Status, faults.Fault | None, Posted | None] | None = None

    def began(self, now: float) -> None:
        self._reports.restore_began(now)
        self._timers.start("restore", self._limit_s, self._limit)

    def answer(self) -> None:
        """The runtime goes on, with its hooks."""
        now = time.monotonic()
        self._reports.restored(now)
        self._history.starts(RUNTIME, now)
        self._hooks = True
        self._api.release_restore()

    def ended(self, effect: words.RestoreEnded, posted: Posted | None, now: float) -> None:
        self._timers.cancel("restore")
        if effect.status is not Status.SUCCESS:
            own_words = effect.fault is not None and effect.fault.posted
            self._failed = effect.status, effect.fault, posted if own_words else None
        restore_ms = self._reports.restore_ended(effect.status, effect.fault, now)
        self._ground.steps.add("restore", restore_ms)
        if effect.status is Status.SUCCESS:
            if self._hooks:
                self._history.done(RUNTIME, now)
            self._ground.sandbox.throttle_cpu(True)
            self._xray.init_ended(restore_ms, now, restored=True)

    def outcome(self, request_id: str) -> Outcome | None:
        """What whoever waits for the environment gets; None if it was restored."""
        if self._failed is None:
            return None
        status, fault, posted = self._failed
        if status is Status.TIMEOUT:
            return SnapStartTimeoutException(
                "Lambda couldn't restore the snapshot within the timeout limit."
            )
        if posted is not None:
            version = self._target.version
            return InvocationResult(posted.body, UNHANDLED, version, None, posted.content_type)
        if fault is None:
            return SnapStartException("The snapshot could not be restored.")
        return InvocationResult(faults.payload(fault, request_id), UNHANDLED, self._target.version)

    def _limit(self) -> None:
        self._tell(words.RestoreLimitPassed())
