"""What an event source mapping says about reading a stream. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core import stream_shards
from stoker.core.stream_batches import Rules
from stoker.core.stream_shards import Start

SERVICES = frozenset({"kinesis", "dynamodb"})


@dataclass(frozen=True, slots=True)
class StreamSettings:
    rules: Rules
    start: Start
    on_failure: str = ""  # ARN of who is told of discarded records

    @classmethod
    def load(cls, record: Mapping[str, Any]) -> "StreamSettings":
        """-1 stands for no limit."""
        retries, age_s = record["MaximumRetryAttempts"], record["MaximumRecordAgeInSeconds"]
        rules = Rules(
            batch=record["BatchSize"],
            gather_s=record["MaximumBatchingWindowInSeconds"],
            lanes=record["ParallelizationFactor"],
            retries=None if retries < 0 else retries,
            max_age_s=None if age_s < 0 else age_s,
            bisect=record["BisectBatchOnFunctionError"],
            window_s=record["TumblingWindowInSeconds"],
        )
        start = stream_shards.start(
            record["StartingPosition"],
            record.get("StartingPositionTimestamp"),
            record.get("since") or record["modified"],
        )
        destination = record.get("DestinationConfig", {}).get("OnFailure", {})
        return cls(rules, start, destination.get("Destination") or "")
