"""The shards of a stream: where to read each from, and which may be read now. Pure.

A shard that is split or merged is closed, and its children hold what comes from then on. So a
child is read when its parents have been read to their end: then each key's records come in order.
"""

import math
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from stoker.core.stream_batches import Checkpoint
from stoker.core.stream_windows import Window


@dataclass(frozen=True, slots=True)
class Shard:
    id: str
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Where a shard begins of which nothing is done yet.

    LATEST is all that comes after the mapping was first enabled, also if its poller only gets to
    work later, or the stream is made anew: so nothing is lost in between.
    """

    since: float | None = None  # seconds of the epoch; None: at the oldest record that there is

    def has(self, arrived: float) -> bool:
        """Whether a record belongs to it. Some sources know full seconds only."""
        if self.since is None:
            return True
        return arrived >= (math.floor(self.since) if arrived == math.floor(arrived) else self.since)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows of one shard."""

    stream: str  # which one: a stream of the same name may have been made anew
    checkpoint: Checkpoint = field(default_factory=Checkpoint)
    ended: bool = False

    def dump(self) -> dict[str, Any]:
        window = self.checkpoint.window
        return {
            "stream": self.stream,
            "sequence": self.checkpoint.sequence,
            "window": None if window is None else window.dump(),
            "ended": self.ended,
        }

    @classmethod
    def load(cls, kept: Mapping[str, Any]) -> "Kept":
        window = None if kept["window"] is None else Window.load(kept["window"])
        return cls(kept["stream"], Checkpoint(kept["sequence"], window), kept["ended"])

    def at_its_end(self) -> "Kept":
        return replace(self, ended=True)


def start(position: str, moment: float | None, enabled: float) -> Start:
    """`moment`: of AT_TIMESTAMP; `enabled`: when the mapping first was."""
    if position == "TRIM_HORIZON":
        return Start()
    since = enabled if position == "LATEST" else moment
    return Start(None if since is None else math.floor(since * 1000) / 1000)  # as records say it


def readable(shards: Iterable[Shard], ended: Collection[str]) -> list[str]:
    """Those that are not at their end, and whose parents are (or are not there any more)."""
    listed = list(shards)
    unread = {shard.id for shard in listed} - set(ended)
    return [shard.id for shard in listed if shard.id in unread and unread.isdisjoint(shard.parents)]
