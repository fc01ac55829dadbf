"""What an event source mapping says about reading in order: a stream, or a topic. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core import kafka_settings, stream_shards
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
        of_kafka = record["service"] == kafka_settings.SERVICE
        gather_s = record["MaximumBatchingWindowInSeconds"]
        on_failure = record.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        retries = record.get("MaximumRetryAttempts", -1)
        age_s = record.get("MaximumRecordAgeInSeconds", -1)
        if of_kafka and on_failure and retries < 0:
            retries = kafka_settings.RETRIES_WITH_DESTINATION
        rules = Rules(
            batch=record["BatchSize"],
            gather_s=gather_s or (kafka_settings.GATHER_S if of_kafka else 0),
            lanes=record.get("ParallelizationFactor", 1),
            retries=None if retries < 0 else retries,
            max_age_s=None if age_s < 0 else age_s,
            bisect=record.get("BisectBatchOnFunctionError", False),
            window_s=record.get("TumblingWindowInSeconds", 0),
        )
        start = stream_shards.start(
            record["StartingPosition"],
            record.get("StartingPositionTimestamp"),
            record.get("since") or record["modified"],
        )
        return cls(rules, start, on_failure or "")
