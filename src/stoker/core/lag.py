"""How far whoever polls a stream or a topic is behind it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lag:
    """Of a shard, a partition, or of all together."""

    records: int  # known of, and not done
    oldest: float | None  # when the oldest of them arrived, in seconds of the epoch
    more: bool  # there may be others that were not read yet
    places: int = 1  # shards or partitions that are read


def together(lags: Iterable[Lag]) -> Lag:
    found = list(lags)
    arrivals = [one.oldest for one in found if one.oldest is not None]
    return Lag(
        records=sum(one.records for one in found),
        oldest=min(arrivals, default=None),
        more=any(one.more for one in found),
        places=sum(one.places for one in found),
    )
