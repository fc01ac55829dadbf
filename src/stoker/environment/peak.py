"""The most memory an environment has used, for its REPORT lines."""

from collections.abc import Callable

_SHORT_MS = 1.0  # time for a few megabytes at most
_EVERY_S = 0.01


class Peak:
    """Short invocations are not each worth a look at the kernel's counter: what one of them may
    have added is seen a moment later."""

    def __init__(self, measure: Callable[[], int]) -> None:
        self._measure = measure
        self._bytes = 0
        self._due = 0.0

    def after(self, duration_ms: float, now: float) -> int:
        """In bytes, at the end of an invocation that took so long."""
        if duration_ms >= _SHORT_MS or now >= self._due:
            self._due = now + _EVERY_S
            self._bytes = self._measure()
        return self._bytes
