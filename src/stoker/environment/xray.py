"""What stands in for X-Ray's daemon in one environment: takes datagrams, keeps their segments."""

import asyncio
import time
from typing import Final

from stoker.core.invocation import Target
from stoker.core.tracing import DOCUMENT_BYTES, segment_of
from stoker.observe.traces import Owner, Traces
from stoker.sandbox.base import Listener

PER_TURN: Final = 64  # datagrams read before others get their turn
PER_S: Final = 1000  # read of one environment; what is more, the kernel drops
_LONGEST: Final = DOCUMENT_BYTES + 1024


class XrayDaemon:
    def __init__(self, listener: Listener, target: Target, traces: Traces) -> None:
        """The socket is the sandbox's; close() comes before the sandbox is destroyed."""
        self._sock = listener.sock
        self._owner = Owner(target.account, target.region, target.name)
        self._traces = traces
        self._loop = asyncio.get_running_loop()
        self._reading = False
        self._left = PER_S
        self._refill: asyncio.TimerHandle | None = None

    def start(self) -> None:
        self._reading = True
        self._loop.add_reader(self._sock, self._readable)

    def close(self) -> None:
        """Idempotent. What has come by now is still taken."""
        if self._refill is not None:
            self._refill.cancel()
            self._refill = None
        if self._reading:
            self._readable()
            self._pause()

    def _readable(self) -> None:
        for _ in range(PER_TURN):
            try:
                datagram = self._sock.recv(_LONGEST)
            except OSError:  # also BlockingIOError: there is no more
                return
            self._take(datagram)
            self._left -= 1
            if self._left == PER_S - 1:
                self._refill = self._loop.call_later(1.0, self._filled)
            elif self._left <= 0:
                self._pause()
                return

    def _take(self, datagram: bytes) -> None:
        segment = segment_of(datagram)
        if segment is not None:
            self._traces.put(self._owner, segment, time.time_ns() // 1_000_000)

    def _filled(self) -> None:
        self._refill = None
        self._left = PER_S
        if not self._reading:
            self.start()

    def _pause(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._sock)
