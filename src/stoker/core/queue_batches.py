"""Batches of a queue's messages for a function: how many at a time, and what came of one. Pure.

    messages ──► filters ──► cut (BatchSize, 6 MB) ──► event ──► function ──► kept | deleted

A message that is not deleted stays hidden until its visibility timeout is over; then it is
received again, or goes to the dead-letter queue. That is all the retrying there is.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import orjson

from stoker.core.limits import SYNC_PAYLOAD_BYTES

BATCHES_AT_FIRST = 5  # AWS: at a time
BATCHES_AT_A_TIME = 100  # ours; AWS: 1,250
STEP_S = 0.2  # AWS: up to 300 more per minute
RETRY_FIRST_S, RETRY_MOST_S = 0.5, 30.0  # ours: between attempts of a batch that was throttled
HEAD = b'{"Records":['
TAIL = b"]}"


@dataclass(slots=True)
class Width:
    """How many batches of one mapping may be at the function at a time.

    It begins with five. One more is added every fifth of a second in which messages waited and
    none of the batches ended; each batch that fails takes one away, and an empty queue brings it
    back to where it began. So a fast function keeps few environments, however long its queue.
    """

    most: int = BATCHES_AT_A_TIME
    now: int = BATCHES_AT_FIRST

    def __post_init__(self) -> None:
        self.most = min(self.most, BATCHES_AT_A_TIME)
        self.rest()

    def rest(self) -> None:
        """There are no messages."""
        self.now = min(BATCHES_AT_FIRST, self.most)

    def grow(self) -> None:
        self.now = min(self.now + 1, self.most)

    def recover(self) -> None:
        """A batch was done."""
        self.now = max(self.now, min(self.now + 1, BATCHES_AT_FIRST, self.most))

    def shrink(self) -> None:
        self.now = max(self.now - 1, 1)


@dataclass(slots=True)
class Batch:
    """The records of one event, as long as they fit."""

    most: int
    size: int = 0  # of the records, each with its comma
    records: list[bytes] = field(default_factory=list)

    def fits(self, record: bytes) -> bool:
        size = len(HEAD) + self.size + len(record) + len(TAIL)
        return not self.records or size <= SYNC_PAYLOAD_BYTES

    def add(self, record: bytes) -> None:
        self.records.append(record)
        self.size += len(record) + 1

    @property
    def left(self) -> int:
        """How many more there may be."""
        return self.most - len(self.records)

    @property
    def event(self) -> bytes:
        return HEAD + b",".join(self.records) + TAIL


def failed(answer: bytes, ids: Collection[str]) -> frozenset[str]:
    """Which of a batch the function says it could not do (ReportBatchItemFailures).

    None if the answer is null, an object without batchItemFailures, or that is null or empty; all
    of them if it is anything else that does not name messages of this batch. After the developer
    guide's "Success and failure conditions"; that an unknown identifier fails all is ours.
    """
    everything = frozenset(ids)
    try:
        said = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return everything
    if said is None:
        return frozenset()
    if not isinstance(said, dict):
        return everything
    items = said.get("batchItemFailures")
    if items is None:
        return frozenset()
    if not isinstance(items, list):
        return everything
    named = [one.get("itemIdentifier") if isinstance(one, dict) else None for one in items]
    known = [one for one in named if isinstance(one, str) and one in everything]
    return frozenset(known) if len(known) == len(named) else everything


def retry_s(attempts: int) -> float:
    """How long a batch that was throttled so often waits."""
    doublings = min(attempts - 1, 10)
    return float(min(RETRY_FIRST_S * 2**doublings, RETRY_MOST_S))
