"""Stays awake between two pieces of work that follow each other at once (core/busy_polling.py)."""

import asyncio
import os
import resource
import time
from collections.abc import Callable

from stoker.core.busy_polling import PATIENCE_S, BusyPolling


class BusyPoll:
    """One for all connections of an event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._worth = BusyPolling()
        self._until = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None  # while it is kept awake

    @property
    def awake(self) -> bool:
        """It looks out for what comes next."""
        return self._loop is not None

    def heard(self, loop: asyncio.AbstractEventLoop) -> None:
        """Something has come, and was dealt with."""
        now = self._clock()
        if not self._worth.heard(now):
            return
        self._until = now + PATIENCE_S
        if self._loop is None:
            self._loop = loop
            loop.call_soon(self._look)
        if self._worth.wants_sample:
            self._worth.preempted(resource.getrusage(_THREAD).ru_nivcsw, now)

    def _look(self) -> None:
        """What is to be done makes the loop look for what has come, and not sleep."""
        assert self._loop is not None
        if self._clock() < self._until:
            self._loop.call_soon(self._look)
        else:
            self._loop = None


def busy_poll(wanted: str) -> BusyPoll | None:
    """As the configuration wants it; None where there is no second processor for who works."""
    return BusyPoll() if wanted == "auto" and (os.cpu_count() or 1) > 1 else None


_THREAD = getattr(resource, "RUSAGE_THREAD", resource.RUSAGE_SELF)  # macOS has none
