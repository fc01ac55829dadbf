"""The few timers of one environment, by name, so that all can be ended at once."""

import asyncio
from collections.abc import Callable


class Timers:
    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._running: dict[str, asyncio.TimerHandle] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._running

    def start(self, name: str, after_s: float, call: Callable[[], None]) -> None:
        """Call once, `after_s` from now; in place of what this name was to call before."""
        self.cancel(name)
        self._running[name] = self._loop.call_later(after_s, self._fire, name, call)

    def cancel(self, name: str) -> None:
        timer = self._running.pop(name, None)
        if timer is not None:
            timer.cancel()

    def cancel_all(self) -> None:
        for timer in self._running.values():
            timer.cancel()
        self._running.clear()

    def _fire(self, name: str, call: Callable[[], None]) -> None:
        del self._running[name]
        call()
