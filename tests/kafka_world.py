"""A Kafka of one topic, as its clients see it over a socket; things go wrong on demand.

It speaks one old version of each request that a member of a group needs, and has one member.
"""

import asyncio
import struct
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from aiokafka.protocol import admin, commit, coordination, fetch, group, metadata, offset
from aiokafka.record.default_records import DefaultRecordBatchBuilder

REQUESTS: dict[int, Any] = {
    one.API_KEY: one
    for one in (
        admin.ApiVersionRequest_v0,
        metadata.MetadataRequest_v1,
        coordination.FindCoordinatorRequest_v0,
        group.JoinGroupRequest_v1,
        group.SyncGroupRequest_v0,
        group.HeartbeatRequest_v0,
        group.LeaveGroupRequest_v0,
        commit.OffsetCommitRequest_v2,
        commit.OffsetFetchRequest_v1,
        offset.OffsetRequest_v1,
        fetch.FetchRequest_v4,
    )
}
TOPIC = "topic"
REBALANCING, UNKNOWN_MEMBER, NO_TOPIC = 27, 25, 3
FETCH_S = 0.2  # is waited for records


@dataclass
class Log:
    """One partition."""

    records: list[tuple[int, bytes | None, bytes | None, list[tuple[str, bytes]]]] = field(
        default_factory=list
    )
    codec: int = 0  # of its batches

    def batch(self, at: int, most: int) -> bytes:
        """Record by record, as many as fit; one at least."""
        found = b""
        for number, (moment, key, value, headers) in enumerate(self.records[at:], at):
            builder = DefaultRecordBatchBuilder(2, self.codec, 0, -1, -1, -1, 64 * 1024**2)
            builder.append(0, moment, key, value, headers)
            one = struct.pack(">q", number) + bytes(builder.build())[8:]
            if found and len(found) + len(one) > most:
                break
            found += one
        return found


@dataclass
class KafkaWorld:
    port: int = 0
    there: bool = True  # the topic
    rubbish: bytes = b""  # is answered to everything
    logs: list[Log] = field(default_factory=lambda: [Log()])
    offsets: dict[int, int] = field(default_factory=dict)  # of the group
    given: list[int] | None = None  # partitions, to the member; None: all
    refusals: deque[int] = field(default_factory=deque)  # of commits to come
    asked: Counter[str] = field(default_factory=Counter)
    group: str = ""
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    committed: asyncio.Event = field(default_factory=asyncio.Event)
    members: int = 0
    writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    def put(self, *values: bytes | None, partition: int = 0, **more: Any) -> None:
        moment = int((time.time() - more.get("age_s", 0)) * 1000)
        for value in values:
            record = (moment, more.get("key"), value, more.get("headers", []))
            self.logs[partition].records.append(record)
        self.changed.set()

    async def reached(self, wanted: int, partition: int = 0) -> None:
        """The group has come so far."""
        async with asyncio.timeout(30):
            while self.offsets.get(partition) != wanted:
                self.committed.clear()
                await self.committed.wait()

    def hang_up(self) -> None:
        for one in self.writers:
            one.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.add(writer)
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                (size,) = struct.unpack(">i", await reader.readexactly(4))
                asked = BytesIO(await reader.readexactly(size))
                key, version, number, length = struct.unpack(">hhih", asked.read(10))
                asked.read(length)
                kind = REQUESTS[key]
                assert version == kind.API_VERSION
                self.asked[kind.__name__.partition("Request")[0]] += 1
                answer = await self._answer(kind, kind.decode(asked))
                body = self.rubbish or struct.pack(">i", number) + answer.encode()
                writer.write(struct.pack(">i", len(body)) + body)
                await writer.drain()
        self.writers.discard(writer)
        writer.close()

    async def _answer(self, kind: Any, asked: Any) -> Any:
        response = kind.RESPONSE_TYPE
        match kind.API_KEY:
            case 18:
                return response(0, [(key, *[one.API_VERSION] * 2) for key, one in REQUESTS.items()])
            case 3:
                partitions = [(0, number, 0, [0], [0]) for number in range(len(self.logs))]
                topic = (0 if self.there else NO_TOPIC, TOPIC, False, partitions * self.there)
                return response([(0, "localhost", self.port, None)], 0, [topic])
            case 10:
                self.group = asked.consumer_group
                return response(0, 0, "localhost", self.port)
            case 11:
                self.members += 1
                name, about = asked.group_protocols[0]
                return response(0, self.members, name, "me", "me", [("me", about)])
            case 14:
                given = range(len(self.logs)) if self.given is None else self.given
                mine = group.MemberAssignment(0, [(TOPIC, list(given))], b"")
                return response(0, mine.encode())
            case 12 | 13:
                return response(0)
            case 8:
                return response([(TOPIC, [self._commit(*one[:2]) for one in asked.topics[0][1]])])
            case 9:
                partitions = [(one, self.offsets.get(one, -1), "", 0) for one in asked.topics[0][1]]
                return response([(TOPIC, partitions)])
            case 2:
                return response([(TOPIC, [self._offset(*one) for one in asked.topics[0][1]])])
            case _:
                return await self._fetch(response, asked)

    def _commit(self, partition: int, wanted: int) -> tuple[int, int]:
        error = self.refusals.popleft() if self.refusals else 0
        if not error:
            self.offsets[partition] = wanted
            self.committed.set()
        return partition, error

    def _offset(self, partition: int, moment: int) -> tuple[int, int, int, int]:
        records = self.logs[partition].records
        if moment < 0:
            return partition, 0, -1, 0 if moment == -2 else len(records)
        found = [at for at, record in enumerate(records) if record[0] >= moment]
        return partition, 0, moment, found[0] if found else -1

    async def _fetch(self, response: Any, asked: Any) -> Any:
        for attempt in range(2):
            found = []
            self.changed.clear()
            for partition, at, most in asked.topics[0][1]:
                log = self.logs[partition]
                end = len(log.records)
                batch = log.batch(at, most)
                found.append((partition, 0 if at <= end else 1, end, end, [], batch))
            if attempt or any(one[-1] for one in found):
                break
            with suppress(TimeoutError):
                async with asyncio.timeout(FETCH_S):
                    await self.changed.wait()
        return response(0, [(TOPIC, found)])


@asynccontextmanager
async def kafka_world(partitions: int = 1) -> AsyncIterator[KafkaWorld]:
    world = KafkaWorld(logs=[Log() for _ in range(partitions)])
    server = await asyncio.start_server(world.serve, "localhost", 0, family=2)
    world.port = server.sockets[0].getsockname()[1]
    try:
        yield world
    finally:
        server.close()
        world.hang_up()
        await server.wait_closed()
