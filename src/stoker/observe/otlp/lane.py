"""One signal's way to the receiver: what waits, what is sent at a time, and what is given up.

    put ──► waiting (LANE_BYTES; the oldest gives way) ──► a batch ──► POST ──► sent | dropped
                                                              └──◄── again ◄──┘

A receiver may be away, slow, or answer anything: a batch is tried for RETRY_S, nothing it says is
followed or kept, and meanwhile what is too much is dropped and counted.
https://opentelemetry.io/docs/specs/otlp/#otlphttp-response
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from google.protobuf.message import DecodeError, Message

LANE_BYTES: Final = 16 * 1024 * 1024
BATCH_BYTES: Final = 1024 * 1024
DELAY_S: Final = 1.0  # in which many go together
POST_S: Final = 10.0
RETRY_S: Final = 60.0
FIRST_PAUSE_S, LAST_PAUSE_S = 1.0, 30.0
ANSWER_BYTES: Final = 64 * 1024
REASON_CHARACTERS: Final = 200
AGAIN: Final = frozenset({429, 502, 503, 504})

Told = Callable[[int, int, str], None]  # sent, dropped, why (or "")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one attempt."""

    taken: bool = False
    rejected: int = 0  # of what was taken
    again: bool = False
    after_s: float = 0.0
    reason: str = ""


class Lane:
    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        headers: Mapping[str, str],
        encode: Callable[[list[Any]], Message],
        answer: type[Message],
        told: Told,
    ) -> None:
        """`encode` makes a request of what was put, `answer` is what the receiver should say."""
        self._session = session
        self._url = url
        self._headers = {**headers, "Content-Type": "application/x-protobuf"}
        self._encode = encode
        self._answer = answer
        self._told = told
        self._waiting: deque[tuple[int, int, Any]] = deque()
        self._size_bytes = 0
        self._news = asyncio.Event()
        self._ending = asyncio.Event()

    def put(self, items: int, what: Any, size_bytes: int) -> None:
        self._waiting.append((items, size_bytes, what))
        self._size_bytes += size_bytes
        dropped = 0
        while self._size_bytes > LANE_BYTES:
            many, size, _ = self._waiting.popleft()
            self._size_bytes -= size
            dropped += many
        if dropped:
            self._told(0, dropped, "more comes than is taken")
        self._news.set()

    def end(self) -> None:
        """Send what waits, each batch once, and end."""
        self._ending.set()
        self._news.set()

    async def run(self) -> None:
        """Until `end`."""
        while True:
            await self._news.wait()
            if not await self._ends_within(DELAY_S):
                self._news.clear()
            while self._waiting:
                await self._deliver(*self._batch())
            if self._ending.is_set():
                return

    async def _ends_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        except TimeoutError:
            return False
        return True

    def _batch(self) -> tuple[int, list[Any]]:
        items, size, found = 0, 0, []
        while self._waiting and size < BATCH_BYTES:
            many, bytes_, what = self._waiting.popleft()
            self._size_bytes -= bytes_
            items, size = items + many, size + bytes_
            found.append(what)
        return items, found

    async def _deliver(self, items: int, batch: list[Any]) -> None:
        body = self._encode(batch).SerializeToString()
        loop = asyncio.get_running_loop()
        until, pause_s = loop.time() + RETRY_S, FIRST_PAUSE_S
        while True:
            outcome = await self._post(body)
            if outcome.taken:
                lost = min(outcome.rejected, items)
                self._told(items - lost, lost, outcome.reason if lost else "")
                return
            pause_s = min(max(pause_s, outcome.after_s), LAST_PAUSE_S)
            if not outcome.again or loop.time() + pause_s > until or self._ending.is_set():
                self._told(0, items, outcome.reason)
                return
            self._told(0, 0, outcome.reason)
            await self._ends_within(pause_s)
            pause_s *= 2

    async def _post(self, body: bytes) -> Outcome:
        try:
            async with self._session.post(
                self._url, data=body, headers=self._headers, allow_redirects=False
            ) as answer:
                said = await _beginning(answer)
                return self._judged(answer, said)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return Outcome(again=True, reason=_short(f"{type(error).__name__}: {error}"))

    def _judged(self, answer: aiohttp.ClientResponse, said: bytes) -> Outcome:
        status = answer.status
        if 200 <= status < 300:
            rejected, why = self._rejected(said)
            return Outcome(taken=True, rejected=rejected, reason=_short(why))
        return Outcome(
            again=status in AGAIN,
            after_s=_seconds(answer.headers.get("Retry-After", "")),
            reason=_short(f"it answers {status} {answer.reason}"),
        )

    def _rejected(self, said: bytes) -> tuple[int, str]:
        """What it says that it has not taken; what cannot be read says nothing."""
        try:
            partial = getattr(self._answer.FromString(said), "partial_success", None)
        except DecodeError:
            return 0, ""
        if partial is None:
            return 0, ""
        fields = {field.name: value for field, value in partial.ListFields()}
        why = str(fields.pop("error_message", "")) or "it rejects a part"
        return max([0, *(int(value) for value in fields.values())]), why


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """Of its body, what fits."""
    found = bytearray()
    while len(found) < ANSWER_BYTES and (piece := await answer.content.read(ANSWER_BYTES)):
        found += piece
    return bytes(found)


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 6 else 0.0


def _short(text: str) -> str:
    """What a receiver says gets into our log."""
    shown = "".join(one if one.isprintable() else " " for one in text[:REASON_CHARACTERS])
    return shown.strip() or "it says nothing"
