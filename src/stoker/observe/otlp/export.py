"""Hands what is seen of functions to a process that exports it (observe/otlp/child.py).

    Tracing, LogStore, Exporting ── put ──► frames (QUEUE_BYTES) ──pipe──► child ──OTLP/HTTP──►

Nothing here waits for a receiver: what the child does not take in time is dropped and counted,
and so is what it had in hand when it died. It is started again, at growing intervals.
"""

import asyncio
import contextlib
import logging
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import Counter, deque
from collections.abc import Sequence
from typing import Any, Final

import orjson

from stoker.core.invocation import Invocation
from stoker.core.otlp import LOGS, METRICS, TRACES, Destination
from stoker.observe.log_writes import Batch
from stoker.observe.otlp import frames

log = logging.getLogger(__name__)

QUEUE_BYTES: Final = 8 * 1024 * 1024
BEGUN: Final = 20_000  # invocations whose lines may still come
FLUSH_S: Final = 3.0  # at the end, for what is still to be sent
END_S: Final = 2.0  # more than that, for the child itself
FIRST_PAUSE_S, LAST_PAUSE_S = 1.0, 60.0  # before it is started again


class Export:
    """`start()`, then `close()`; the child is started when there is something for it."""

    def __init__(self, destination: Destination) -> None:
        self.destination = destination
        self.sent: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()
        self._handed: Counter[str] = Counter()  # to the child in hand,
        self._settled: Counter[str] = Counter()  # and what became of it is known
        self._frames: deque[tuple[str, int, bytes]] = deque()
        self._size_bytes = 0
        self._begun: deque[tuple[str, str]] = deque(maxlen=BEGUN)
        self._news = asyncio.Event()
        self._child: Process | None = None
        self._task: asyncio.Task[None] | None = None
        self._ending = asyncio.Event()
        self._closed = False
        self._failing = False

    def wants(self, signal: str) -> bool:
        return signal in self.destination.signals

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._task = self._loop.create_task(self._run(), name="telemetry export")

    async def close(self) -> None:
        """Send what is there, for FLUSH_S at most; then nothing of it is left."""
        self._ending.set()
        self._news.set()
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=FLUSH_S + END_S)
            self._task.cancel()
            await asyncio.wait({self._task})
        self._closed = True
        while self._frames:
            self._drop_oldest()
        if lost := {name: count for name, count in self.dropped.items() if count}:
            log.warning("telemetry was not exported", extra={"lost": lost})

    # -- What is seen ----------------------------------------------------------------------

    def began(self, invocation: Invocation) -> None:
        """The lines to come under this id belong to its trace."""
        self._begun.append((invocation.request_id, invocation.trace_id))

    def spans(self, parts: list[frames.SpanPart]) -> None:
        """Segments of traces."""
        if self.wants(TRACES):
            for these in frames.portions(len(text) for *_, text in parts):
                self.put(TRACES, len(parts[these]), parts[these])

    def lines(self, batches: Sequence[Batch]) -> None:
        """Events of logs, in the thread that has written them."""
        ready = []
        for batch in batches:
            where = batch.where
            for these in frames.portions(map(len, batch.messages)):
                times, messages = list(batch.times[these]), list(batch.messages[these])
                part = (where.account, where.region, where.group, where.stream, times, messages)
                ready.append((len(times), frames.packed(LOGS, len(times), part)))
        if ready:
            self._loop.call_soon_threadsafe(self._queue_lines, ready)

    def readings(self, part: frames.MetricPart) -> None:
        """Values of metrics, as they are now."""
        self.put(METRICS, len(part[1]) + len(part[2]), part)

    def put(self, signal: str, items: int, what: Any) -> None:
        """To be called in the event loop's thread."""
        self._queue(signal, items, frames.packed(signal, items, what))

    def _queue_lines(self, ready: list[tuple[int, bytes]]) -> None:
        if self._begun:
            begun = list(self._begun)
            self._begun.clear()
            self.put(frames.CONTEXT, 0, begun)
        for items, frame in ready:
            self._queue(LOGS, items, frame)

    def _queue(self, signal: str, items: int, frame: bytes) -> None:
        if self._closed or len(frame) > frames.FRAME_BYTES:
            self._lose(signal, items)
            return
        self._frames.append((signal, items, frame))
        self._size_bytes += len(frame)
        while self._size_bytes > QUEUE_BYTES:
            self._drop_oldest()
        self._news.set()

    def _drop_oldest(self) -> None:
        signal, items, frame = self._frames.popleft()
        self._size_bytes -= len(frame)
        self._lose(signal, items)

    def _lose(self, signal: str, items: int) -> None:
        if items:
            self.dropped[signal] += items

    # -- The child -------------------------------------------------------------------------

    async def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        await self._news.wait()
        while self._frames or not self._ending.is_set():
            began = self._loop.time()
            try:
                await self._live()
            except OSError as error:
                log.warning("telemetry export cannot go on", extra={"reason": str(error)})
            finally:
                self._lose_in_hand()
            if self._ending.is_set():
                return
            if self._loop.time() - began > LAST_PAUSE_S:
                pause_s = FIRST_PAUSE_S
            log.warning("telemetry export is started again", extra={"in_s": pause_s})
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._ending.wait()
            pause_s = min(2 * pause_s, LAST_PAUSE_S)

    async def _live(self) -> None:
        """As long as the child does. Raise OSError."""
        self._child = child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "stoker.observe.otlp.child", str(FLUSH_S),
            stdin=PIPE, stdout=PIPE, stderr=DEVNULL,
        )  # fmt: skip
        telling = asyncio.create_task(self._tell(child))
        try:
            await self._hear(child)
        finally:
            telling.cancel()
            await asyncio.wait({telling})
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()

    async def _tell(self, child: Process) -> None:
        pipe = child.stdin
        assert pipe is not None
        with contextlib.suppress(ConnectionError):
            pipe.write(frames.of_destination(self.destination))
            while True:
                while self._frames:
                    signal, items, frame = self._frames.popleft()
                    self._size_bytes -= len(frame)
                    self._handed[signal] += items
                    pipe.write(frame)
                    await pipe.drain()
                if self._ending.is_set():
                    pipe.close()  # it sends what it has, and ends
                    return
                self._news.clear()
                await self._news.wait()

    async def _hear(self, child: Process) -> None:
        assert child.stdout is not None
        while line := await child.stdout.readline():
            told = orjson.loads(line)
            signal = told["signal"]
            self.sent[signal] += told["sent"]
            self.dropped[signal] += told["dropped"]
            self._settled[signal] += told["sent"] + told["dropped"]
            self._judge(signal, told["reason"])

    def _judge(self, signal: str, reason: str) -> None:
        """Say it once that the receiver takes nothing, and once that it does again."""
        if bool(reason) == self._failing:
            return
        self._failing = bool(reason)
        if reason:
            facts = {"signal": signal, "reason": reason, "endpoint": self.destination.endpoint}
            log.warning("telemetry is not taken", extra=facts)
        else:
            log.warning("telemetry is taken again")

    def _lose_in_hand(self) -> None:
        for signal, items in (self._handed - self._settled).items():
            self._lose(signal, items)
        self._handed.clear()
        self._settled.clear()
