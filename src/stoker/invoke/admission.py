"""How many invocations each account runs at a time.

One unit is taken for each invocation before it gets an environment, and given back when that
environment is free again (not when the caller has its answer): exactly once.
"""

from stoker.core.errors import TooManyRequestsException
from stoker.core.invocation import Target


class Admission:
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._running: dict[str, int] = {}

    def admit(self, target: Target) -> None:
        """Take a unit, or refuse."""
        running = self._running.get(target.account, 0)
        if running >= self._limit:
            raise throttled()
        self._running[target.account] = running + 1

    def release(self, target: Target) -> None:
        running = self._running[target.account] - 1
        if running:
            self._running[target.account] = running
        else:
            del self._running[target.account]

    def running(self, account: str) -> int:
        return self._running.get(account, 0)


def throttled() -> TooManyRequestsException:
    return TooManyRequestsException(
        "Rate Exceeded.", Reason="ConcurrentInvocationLimitExceeded", Type="User"
    )
