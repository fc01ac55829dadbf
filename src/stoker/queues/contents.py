"""What messages say: of those that were sent lately in memory, of all on the disk.

A message that is received soon after it was sent, as most are, is not read again.
"""

from collections.abc import Sequence

from stoker.core.limits import FRESH_BYTES
from stoker.store.message_store import MessageContent, MessageStore

_MESSAGE_BYTES = 1000  # what a kept one costs beside its size


class Contents:
    def __init__(self, store: MessageStore) -> None:
        self._store = store
        self._fresh: dict[int, tuple[MessageContent, int]] = {}  # with what each costs
        self._left = FRESH_BYTES

    def keep(self, id: int, content: MessageContent, size: int) -> None:
        """It is on the disk; have it at hand as well if there is room."""
        cost = size + _MESSAGE_BYTES
        if self._left >= cost:
            self._left -= cost
            self._fresh[id] = content, cost

    def forget(self, id: int) -> None:
        """It is gone, or not what it was."""
        _, cost = self._fresh.pop(id, (None, 0))
        self._left += cost

    async def of(self, ids: Sequence[int]) -> dict[int, MessageContent]:
        """As far as they are there. Raise StoreUnavailable."""
        fresh = {id: self._fresh[id][0] for id in ids if id in self._fresh}
        if len(fresh) == len(ids):
            return fresh
        return fresh | await self._store.contents([id for id in ids if id not in fresh])
