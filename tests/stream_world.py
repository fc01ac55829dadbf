"""A Kinesis of one stream, as its pollers see it over HTTP; things go wrong on demand."""

import base64
import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.eventing import ACCOUNT, REGION

ARN = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s"
FIRST = 10**55  # sequence numbers have 56 digits


@dataclass
class Shard:
    parents: tuple[str, ...] = ()
    records: list[dict[str, Any]] = field(default_factory=list)
    closed: bool = False
    trimmed: int = 0  # records that are not kept any more


class Refusal(Exception):
    pass


@dataclass
class StreamWorld:
    url: str = ""
    made: float = 1_700_000_000.0
    there: bool = True
    shards: dict[str, Shard] = field(default_factory=lambda: {"shard-0": Shard()})
    failures: dict[str, deque[str]] = field(default_factory=lambda: defaultdict(deque))
    asked: Counter[str] = field(default_factory=Counter)
    limits: list[int] = field(default_factory=list)
    generation: int = 0  # of iterators: others have expired
    looked: Callable[[], None] = lambda: None  # called when records were read and are on their way

    def put(self, *data: str, shard: str = "shard-0", key: str = "k", age_s: float = 0) -> None:
        records = self.shards[shard].records
        for one in data:
            number = str(FIRST + len(records) + self.shards[shard].trimmed)
            records.append(
                {
                    "Data": base64.b64encode(one.encode()).decode(),
                    "PartitionKey": key,
                    "SequenceNumber": number,
                    "ApproximateArrivalTimestamp": time.time() - age_s,
                }
            )

    def close(self, shard: str, *children: str) -> None:
        self.shards[shard].closed = True
        for child in children:
            self.shards[child] = Shard((shard,))

    def expire_iterators(self) -> None:
        self.generation += 1

    def answer(self, operation: str, asked: dict[str, Any]) -> dict[str, Any]:
        self.asked[operation] += 1
        if self.failures[operation]:
            raise Refusal(self.failures[operation].popleft())
        if not self.there:
            raise Refusal("ResourceNotFoundException")
        match operation:
            case "DescribeStreamSummary":
                return {"StreamDescriptionSummary": {"StreamCreationTimestamp": self.made}}
            case "ListShards":
                shards = []
                for name, one in self.shards.items():
                    parents = zip(("ParentShardId", "AdjacentParentShardId"), one.parents)  # noqa: B905
                    shards.append({"ShardId": name, **dict(parents)})
                return {"Shards": shards}
            case "GetShardIterator":
                return {"ShardIterator": self._iterator(asked)}
            case _:
                found = self._records(asked)
                self.looked()
                return found

    def _iterator(self, asked: dict[str, Any]) -> str:
        shard = self.shards[asked["ShardId"]]
        numbers = [one["SequenceNumber"] for one in shard.records]
        match asked["ShardIteratorType"]:
            case "TRIM_HORIZON":
                at = 0
            case "AT_TIMESTAMP":
                moment = asked["Timestamp"]
                at = sum(one["ApproximateArrivalTimestamp"] < moment for one in shard.records)
            case _:
                if asked["StartingSequenceNumber"] not in numbers:
                    raise Refusal("InvalidArgumentException")
                at = numbers.index(asked["StartingSequenceNumber"]) + 1
        return f"{self.generation}/{asked['ShardId']}/{at}"

    def _records(self, asked: dict[str, Any]) -> dict[str, Any]:
        generation, name, at = asked["ShardIterator"].split("/")
        if int(generation) != self.generation:
            raise Refusal("ExpiredIteratorException")
        self.limits.append(asked["Limit"])
        shard = self.shards[name]
        found = shard.records[int(at) : int(at) + asked["Limit"]]
        following = int(at) + len(found)
        behind = len(shard.records) > following
        at_its_end = shard.closed and not behind and not found
        following_iterator = None if at_its_end else f"{generation}/{name}/{following}"
        return {
            "Records": found,
            "MillisBehindLatest": int(behind),
            **({"NextShardIterator": following_iterator} if following_iterator else {}),
        }


@asynccontextmanager
async def stream_world() -> AsyncIterator[StreamWorld]:
    world = StreamWorld()

    async def answer(request: web.Request) -> web.Response:
        operation = request.headers["X-Amz-Target"].rpartition(".")[2]
        try:
            said, status = world.answer(operation, json.loads(await request.read())), 200
        except Refusal as refusal:
            said, status = {"__type": str(refusal), "message": f"no: {refusal}"}, 400
        return web.Response(
            body=json.dumps(said), status=status, content_type="application/x-amz-json-1.1"
        )

    server = web.Application()
    server.router.add_post("/", answer)
    runner = web.AppRunner(server, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    world.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield world
    finally:
        await runner.cleanup()
