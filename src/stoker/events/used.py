"""What each account has in the queue of asynchronous events."""

from stoker.core.limits import QUEUED_BYTES, QUEUED_EVENTS


class Used:
    def __init__(self) -> None:
        self._of: dict[str, tuple[int, int]] = {}  # events and bytes, by account

    def of(self, account: str) -> tuple[int, int]:
        """Events, and bytes."""
        return self._of.get(account, (0, 0))

    def full(self, account: str) -> bool:
        """It has as much as it may have."""
        events, size_bytes = self.of(account)
        return events >= QUEUED_EVENTS or size_bytes >= QUEUED_BYTES

    def count(self, account: str, events: int, size_bytes: int) -> None:
        """So much more, or less."""
        before, before_bytes = self.of(account)
        if before + events:
            self._of[account] = (before + events, before_bytes + size_bytes)
        else:
            self._of.pop(account, None)
