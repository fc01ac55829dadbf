"""Whoever wants to see what becomes of a stack is answered when that is known.

Tools ask again and again, with long pauses: 5 seconds (CDK), 15 (SAM, for its bucket), 30 (AWS's
CLI and all waiters of botocore). A stack here is mostly made within one or two; so it is waited
for, within bounds, and the first answer is the one that they wait for.
"""

import asyncio

from stoker.stacks.book import Live

PATIENCE_S = 20.0  # as long as SQS lets a receiver wait, so that clients are used to it


class Watching:
    """`pause()` lets go of all who wait."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[None]] = set()
        self._paused = False

    async def rest(self, live: Live, patience_s: float = PATIENCE_S) -> None:
        """Return when nothing is under way with it, or after that time."""
        if self._paused or not live.stack.status.is_under_way:
            return
        ended = asyncio.ensure_future(live.ended())
        self._waiting.add(ended)
        try:
            await asyncio.wait({ended}, timeout=patience_s)
        finally:
            self._waiting.discard(ended)
            ended.cancel()

    def pause(self) -> None:
        self._paused = True
        for ended in self._waiting:
            ended.cancel()
