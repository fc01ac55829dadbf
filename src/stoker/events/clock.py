"""The time of day, and being woken at one. Tests bring a clock that they move themselves."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Alarm(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    def now(self) -> float:
        """Seconds of the epoch."""
        ...

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Alarm: ...


class LoopClock:
    """The machine's clock, and the event loop's timers."""

    def now(self) -> float:
        return time.time()

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Alarm:
        return asyncio.get_running_loop().call_later(delay_s, callback)
