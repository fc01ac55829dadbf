"""How long an init and an invocation may take.

A debugger that is attached stops the clock: who stands on a breakpoint has not run out of time.
"""

import time
from collections.abc import Callable

from stoker.core import lifecycle_words as words
from stoker.core.invocation import Target
from stoker.core.lifecycle import Lifecycle
from stoker.core.lifecycle_words import Phase
from stoker.environment.hand import Hand
from stoker.environment.timers import Timers

DEADLINE, INIT = "deadline", "init"


class Limits:
    def __init__(
        self,
        target: Target,
        life: Lifecycle,
        timers: Timers,
        hand: Callable[[], Hand | None],
        break_off: Callable[[words.Event], None],
    ) -> None:
        """`hand`: the invocation in hand."""
        self._life = life
        self._timers = timers
        self._hand = hand
        self._break_off = break_off
        # For a debugger, at the runtime's start: the clock stands until one has come and gone.
        self._waits = target.developed is not None and target.developed.debug == "wait"
        self._debuggers = 0
        self._stopped_at = 0.0
        self._init_s = 0.0

    @property
    def stopped(self) -> bool:
        return self._debuggers > 0 or self._waits

    def stop(self) -> None:
        """One more debugger is attached."""
        if not self.stopped:
            self._stopped_at = time.monotonic()
        self._waits = False
        self._debuggers += 1

    def go_on(self) -> None:
        """One is gone. When it was the last, an invocation has as long as it had left, and an
        init all of its time again."""
        self._debuggers -= 1
        if self.stopped:
            return
        now, hand = time.monotonic(), self._hand()
        if self._life.phase is Phase.INIT:
            self.init_begins(self._init_s)
        if hand is not None:
            hand.deadline += now - max(self._stopped_at, hand.began)
            self._timers.start(DEADLINE, max(hand.deadline - now, 0.001), self._deadline)

    def assigned(self, timeout_s: float) -> None:
        """Unless a timer runs already, which comes at or before this deadline: it is looked at
        late, so an invocation costs no timer of its own."""
        self._timers.start(DEADLINE, timeout_s, self._deadline)

    def init_begins(self, limit_s: float) -> None:
        self._init_s = limit_s
        self._timers.start(INIT, limit_s, self._init_limit)

    def init_ended(self) -> None:
        self._timers.cancel(INIT)

    def _init_limit(self) -> None:
        if self._life.phase is Phase.INIT and not self.stopped:
            self._break_off(words.InitLimitPassed())

    def _deadline(self) -> None:
        hand = self._hand()
        if hand is None or self.stopped:
            return
        left = hand.deadline - time.monotonic()
        if left > 0:
            self._timers.start(DEADLINE, max(left, 0.001), self._deadline)
        elif self._life.request_id == hand.invocation.request_id:
            self._break_off(words.DeadlinePassed(hand.invocation.request_id))
