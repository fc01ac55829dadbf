"""Kinesis streams and DynamoDB's streams as their pollers read them: shards, iterators, records.

The two services ask the same questions under different names; that is all the difference there is.
Calls are made as the role of the function.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stoker.core.stream_shards import Shard, Start
from stoker.neighbours.acting import Actor, call_as
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Neighbours

READ_BYTES = 24 * 1024**2  # GetRecords: 10 MB, in base64, and what is said about each record
READ_RECORDS = 1000  # at a time: the most of DynamoDB; Kinesis has 10,000
SHARDS = 10_000  # of one stream; more are not listed


class Expired(Exception):
    """The iterator: another one is needed."""


class Unknown(Exception):
    """The stream does not have this sequence number (any more)."""


class Busy(Exception):
    """Too many calls: later."""


_MEANING: dict[str, type[Exception]] = {
    "ExpiredIteratorException": Expired,
    "TrimmedDataAccessException": Unknown,
    "ProvisionedThroughputExceededException": Busy,
    "LimitExceededException": Busy,
    "ThrottlingException": Busy,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What GetRecords answers."""

    records: list[dict[str, Any]]
    next: str | None  # None: the shard is at its end
    is_latest: bool  # there was nothing more


class StreamSource:
    """Raises neighbours.calls.Refused, neighbours.neighbours.Unreachable, and what is above."""

    def __init__(
        self, neighbours: Neighbours, actor: Callable[[], Actor], region: str, arn: str
    ) -> None:
        """`actor`: who reads, as it is at the time. `region`: its function's."""
        self.service = arn.split(":")[2]  # "kinesis" | "dynamodb"
        self.arn = arn
        self._neighbours = neighbours
        self._actor = actor
        self._region = region
        self._of_kinesis = self.service == "kinesis"
        # Records of a consumer (enhanced fan-out) are read as everybody's.
        self._named = (
            {"StreamARN": arn.partition("/consumer/")[0]}
            if self._of_kinesis
            else {"StreamArn": arn}
        )

    @property
    def is_embedded(self) -> bool:
        """It tells of records when they come."""
        return self._neighbours.is_embedded(self.service)

    async def identity(self) -> str:
        """When it was made. Another one may come to have the same name."""
        if not self._of_kinesis:
            said = await self._ask("DescribeStream", Limit=1)
            return str(said["StreamDescription"].get("CreationRequestDateTime", ""))
        if "/consumer/" in self.arn:
            await self._call("DescribeStreamConsumer", {"ConsumerARN": self.arn})
        said = await self._ask("DescribeStreamSummary")
        return str(said["StreamDescriptionSummary"]["StreamCreationTimestamp"])

    async def shards(self) -> list[Shard]:
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            if self._of_kinesis:
                said = await (self._call("ListShards", more) if more else self._ask("ListShards"))
                found += said["Shards"]
                more = {"NextToken": said["NextToken"]} if said.get("NextToken") else {}
            else:
                said = (await self._ask("DescribeStream", **more))["StreamDescription"]
                found += said.get("Shards", ())
                last = said.get("LastEvaluatedShardId")
                more = {"ExclusiveStartShardId": last} if last else {}
            if not more or len(found) >= SHARDS:
                break
        return [
            Shard(one["ShardId"], tuple(filter(None, map(one.get, _PARENTS))))
            for one in found[:SHARDS]
        ]

    async def iterator(self, shard: str, start: Start, after: str | None) -> str:
        """Behind the record `after`, else where `start` is; there may be older ones."""
        asked: dict[str, Any] = {"ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
        if after is not None:
            name = "StartingSequenceNumber" if self._of_kinesis else "SequenceNumber"
            asked |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", name: after}
        elif start.since is not None and self._of_kinesis:
            moment = datetime.fromtimestamp(int(start.since), UTC)
            asked |= {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": moment}
        try:
            return str((await self._ask("GetShardIterator", **asked))["ShardIterator"])
        except Refused as refusal:
            if after is not None and refusal.code == "InvalidArgumentException":
                raise Unknown from refusal
            raise

    async def read(self, iterator: str, most: int) -> Found:
        asked = {"ShardIterator": iterator, "Limit": min(most, READ_RECORDS)}
        if self._of_kinesis:
            asked |= self._named
        said = await self._call("GetRecords", asked)
        records, behind = said["Records"], said.get("MillisBehindLatest", 0)
        return Found(records, said.get("NextShardIterator"), not records and not behind)

    async def _ask(self, operation: str, **asked: Any) -> dict[str, Any]:
        return await self._call(operation, {**self._named, **asked})

    async def _call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        name = "kinesis" if self._of_kinesis else "dynamodbstreams"
        try:
            return await call_as(
                self._neighbours, self._actor(), name, operation, asked,
                region=self._region, most=READ_BYTES,
            )  # fmt: skip
        except Refused as refusal:
            if refusal.code in _MEANING:
                raise _MEANING[refusal.code](refusal.message) from refusal
            raise


_PARENTS = ("ParentShardId", "AdjacentParentShardId")
