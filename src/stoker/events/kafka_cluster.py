"""One topic of a Kafka cluster as a member of a consumer group reads it. aiokafka, in few words.

Import this only when a cluster is to be read: aiokafka takes a while. All that goes wrong is raised
as Trouble, in AWS's words where it has some ("Troubleshooting Kafka event source mapping errors").
"""

import asyncio
import logging
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

from aiokafka import (
    AIOKafkaConsumer,
    AIOKafkaProducer,
    ConsumerRebalanceListener,
    TopicPartition,
)
from aiokafka import errors as kafka
from aiokafka.conn import create_conn

from stoker.core.kafka_partitions import first
from stoker.core.kafka_records import Given
from stoker.core.kafka_settings import KafkaSettings
from stoker.core.stream_shards import Start
from stoker.events import kafka_bounds
from stoker.events.kafka_access import Security, Trouble

REQUEST_S = 10.0  # one request to a broker
JOIN_S = 330.0  # other members may take five minutes to let go
CLOSE_S = 5.0
CHUNK_BYTES = 1024**2  # of one partition at a time; one record may be larger
FETCH_BYTES = 16 * 1024**2  # of all of a broker's
PRODUCED_BYTES = 16 * 1024**2  # one record; the broker has a limit of its own
NEVER_MS = 2**31 - 1

# What a broker that answers rubbish makes of the library, besides its own errors.
_RUBBISH = (
    OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, AssertionError,
    EOFError, MemoryError, RuntimeError, struct.error,
)  # fmt: skip
_UNAUTHORIZED = "Cluster failed to authorize Lambda."
_NO_CONNECTION = (
    "Connection error. Please check your event source connection configuration. {reason}"
)

kafka_bounds.install()
logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its troubles are told of by us


class Moved(Exception):
    """The group is divided anew, or does not know us: what was to be committed is not."""


class KafkaCluster:
    """`await start()`, `await close()`; raises Trouble."""

    def __init__(
        self,
        settings: KafkaSettings,
        security: Security,
        *,
        taken: Callable[[], Awaitable[None]],
        given: Callable[[], None],
    ) -> None:
        """`taken` is called while the group is about to be divided: commits are still possible.
        `given`: it was, and `partitions` are ours."""
        self.partitions: frozenset[int] = frozenset()
        self._settings = settings
        self._listener = _Listener(self, taken, given)
        self._reach: dict[str, Any] = {
            "bootstrap_servers": list(settings.servers),
            "client_id": "stoker",
            "request_timeout_ms": int(REQUEST_S * 1000),
            "security_protocol": security.protocol,
            "ssl_context": security.context,
            "sasl_mechanism": security.mechanism or "PLAIN",
            "sasl_plain_username": security.user or None,
            "sasl_plain_password": security.password or None,
        }
        self._consumer: Any = None

    async def start(self) -> None:
        """Until the group has given us partitions, which may be none."""
        self._consumer = AIOKafkaConsumer(
            **self._reach,
            group_id=self._settings.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # what the group has come to is not kept any more
            max_partition_fetch_bytes=CHUNK_BYTES,
            fetch_max_bytes=FETCH_BYTES,
            metadata_max_age_ms=60_000,  # until new partitions are seen
            max_poll_interval_ms=NEVER_MS,  # a function that fails is no reason to leave
        )
        try:
            async with _translated(), asyncio.timeout(JOIN_S):
                self._consumer.subscribe([self._settings.topic], listener=self._listener)
                await self._consumer.start()
        except Trouble:
            await self._ask_why()
            raise

    async def close(self) -> None:
        """Leave the group. It may not be there any more."""
        if self._consumer is None:
            return
        with suppress(Trouble):
            async with _translated(), asyncio.timeout(CLOSE_S):
                await self._consumer.stop()

    async def committed(self, partitions: Iterable[int]) -> dict[int, int | None]:
        """The group's offsets."""
        async with _translated(), asyncio.timeout(REQUEST_S):
            return {one: await self._consumer.committed(self._named(one)) for one in partitions}

    async def first(self, partitions: Collection[int], start: Start) -> dict[int, int]:
        """Where each is to be begun."""
        names = [self._named(one) for one in partitions]
        async with _translated(), asyncio.timeout(REQUEST_S):
            beginnings = await self._consumer.beginning_offsets(names)
            ends = await self._consumer.end_offsets(names)
            since: Mapping[TopicPartition, Any] = {}
            if start.since is not None:
                moment = max(int(start.since * 1000), 0)
                since = await self._consumer.offsets_for_times(dict.fromkeys(names, moment))
        found = {}
        for name in names:
            known = since.get(name)
            offset = None if known is None else known.offset
            found[name.partition] = first(start, beginnings[name], ends[name], offset)
        return found

    def end(self, partition: int) -> int | None:
        """The offset behind its last record, as of the latest answer; None: not known."""
        with suppress(kafka.KafkaError, *_RUBBISH):
            found = self._consumer.highwater(self._named(partition))
            return found if isinstance(found, int) else None
        return None

    async def check(self) -> None:
        """Is anybody there?"""
        async with _translated(), asyncio.timeout(REQUEST_S):
            await self._consumer.end_offsets([self._named(0)])

    def seek(self, offsets: Mapping[int, int]) -> None:
        """Those that are ours no more are left out: there will be another call."""
        for partition, offset in offsets.items():
            with suppress(kafka.IllegalStateError):
                self._consumer.seek(self._named(partition), offset)

    async def fetch(
        self, partitions: Iterable[int], most: int, wait_s: float
    ) -> dict[int, list[Given]]:
        """What has come of these, at most that many records. It may be cancelled without loss."""
        names = [self._named(one) for one in partitions]
        async with _translated():
            found = await self._consumer.getmany(
                *names, timeout_ms=int(wait_s * 1000), max_records=most
            )
        return {
            name.partition: [
                Given(
                    one.offset, one.timestamp, one.timestamp_type, one.key, one.value, one.headers
                )
                for one in records
            ]
            for name, records in found.items()
        }

    async def commit(self, offsets: Mapping[int, int]) -> None:
        """Raise Moved."""
        named = {self._named(one): offset for one, offset in offsets.items()}
        async with _translated(), asyncio.timeout(REQUEST_S):
            try:
                await self._consumer.commit(named)
            except (kafka.CommitFailedError, kafka.IllegalStateError) as error:
                raise Moved from error

    async def produce(self, topic: str, records: Iterable[tuple[bytes | None, bytes]]) -> None:
        producer = AIOKafkaProducer(**self._reach, max_request_size=PRODUCED_BYTES)
        async with _translated():
            try:
                await producer.start()
                for key, value in records:
                    await producer.send_and_wait(topic, value, key=key)
            finally:
                await producer.stop()

    def _named(self, partition: int) -> TopicPartition:
        return TopicPartition(self._settings.topic, partition)

    async def _ask_why(self) -> None:
        """The client says only that it reached nobody. Raise Trouble with the reason."""
        for server in self._settings.servers:
            host, _, port = server.rpartition(":")
            reach = {k: v for k, v in self._reach.items() if k != "bootstrap_servers"}
            async with _translated():
                connection = await create_conn(host, int(port), **reach)
                connection.close()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(
        self,
        cluster: KafkaCluster,
        taken: Callable[[], Awaitable[None]],
        given: Callable[[], None],
    ) -> None:
        self._cluster = cluster
        self._taken = taken
        self._given = given

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        await self._taken()

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        self._cluster.partitions = frozenset(one.partition for one in assigned)
        self._given()


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Raise Trouble for what the client raises. It lets cancellations out that were not ours, when
    a connection ends."""
    try:
        yield
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise Trouble(_NO_CONNECTION.format(reason="It has ended the connection.")) from error
    except TimeoutError as error:
        raise Trouble(_NO_CONNECTION.format(reason="It does not answer.")) from error
    except (kafka.KafkaError, *_RUBBISH) as error:
        raise Trouble(_words(error)) from error


def _words(error: BaseException) -> str:
    while isinstance(error, kafka.KafkaConnectionError) and error.__cause__ is not None:
        error = error.__cause__
    match error:
        case kafka_bounds.TooMuch():
            return _NO_CONNECTION.format(reason=f"It sends too much: {error}.")
        case kafka.AuthenticationFailedError() | kafka.SaslAuthenticationFailed():
            return "SASL authentication failed."
        case kafka.UnsupportedSaslMechanismError():
            return f"SASL authentication failed. {error}"
        case ssl.SSLCertVerificationError():
            return f"Lambda failed to authenticate server. {error.verify_message}"
        case ssl.SSLError():
            return f"Server failed to authenticate Lambda. {error.reason or error}"
        case (
            kafka.TopicAuthorizationFailedError()
            | kafka.GroupAuthorizationFailedError()
            | kafka.ClusterAuthorizationFailedError()
        ):
            return _UNAUTHORIZED
        case kafka.UnknownTopicOrPartitionError():
            return "The topic does not exist."
        case kafka.KafkaError() | OSError():
            return _NO_CONNECTION.format(reason=str(error) or type(error).__name__)[:1000]
        case _:
            return _NO_CONNECTION.format(reason="What it answers cannot be read.")
