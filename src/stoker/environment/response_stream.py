"""A streamed answer on its way from the runtime to a caller who takes it as it comes.

    runtime ── chunks ──► Exchange ── take() ──► ResponseStream ── write() ──► Recipient
                             ▲                      │      ▲                       │
                             └── pause, resume ─────┘      └──── pause, resume ────┘

Nothing is kept here. While the caller takes nothing, or the pace is too fast, nothing is read
from the runtime, whose writes then block: that is all the flow control there is.
"""

import asyncio

from stoker.core.invocation import Recipient
from stoker.core.pace import Pace, StreamLimits
from stoker.http.base import Exchange


class ResponseStream:
    """core.invocation.Flow, as its recipient sees it."""

    def __init__(self, exchange: Exchange, recipient: Recipient, limits: StreamLimits) -> None:
        self._loop = asyncio.get_running_loop()
        self._exchange = exchange
        self._recipient: Recipient | None = recipient
        self._pace = Pace(limits, self._loop.time())
        self._unpaced: asyncio.TimerHandle | None = None  # too fast: goes on then
        self._full = False  # the caller takes nothing
        self.passed_bytes = 0
        exchange.on_data = self._take
        kind = exchange.headers.get("content-type", "application/octet-stream")
        recipient.began(self, kind)

    def pause(self) -> None:
        self._full = True
        self._exchange.pause()

    def resume(self) -> None:
        self._full = False
        self._go_on()

    def close(self) -> None:
        """The caller gets no more of it; what still comes from the runtime is dropped."""
        self._recipient = None
        if self._unpaced is not None:
            self._unpaced.cancel()
            self._unpaced = None
        self._full = False
        self._go_on()

    def _take(self, data: bytes) -> None:
        if self._recipient is None:
            return
        self.passed_bytes += len(data)
        self._recipient.write(data)
        wait_s = self._pace.took(len(data), self._loop.time())
        if wait_s > 0 and self._unpaced is None:
            self._exchange.pause()
            self._unpaced = self._loop.call_later(wait_s, self._in_time)

    def _in_time(self) -> None:
        self._unpaced = None
        self._go_on()

    def _go_on(self) -> None:
        if not self._full and self._unpaced is None:
            self._exchange.resume()
