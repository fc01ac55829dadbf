"""In the child: streams of Kinesis and of DynamoDB as AWS has them, where moto differs in what
their readers rely on; and word to the server that there are records, so that it need not ask.

    write ──► (told of already, and not read since?) ──► a thread ──► server ──► pollers read

Sequence numbers follow the clock: what is written after a restart is never behind what was read
before. Records stay in the shard that took them when it is split or merged, and go when their time
is over. Each hook stands in the place of one of moto's functions.
"""

import base64
import binascii
import hashlib
import itertools
import json
import queue
import threading
import time
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from moto.dynamodb.exceptions import ResourceNotFoundException
from moto.dynamodb.models.table import StreamShard, Table
from moto.dynamodbstreams.models import DynamoDBStreamsBackend
from moto.kinesis.exceptions import InvalidArgumentError
from moto.kinesis.models import KinesisBackend, Record, Shard, Stream
from moto.kinesis.utils import decompose_shard_iterator

from stoker.neighbours import triggers

READ_BYTES = 10 * 1024**2  # of one GetRecords
READ_RECORDS = 10_000
KEPT_S = 24 * 3600  # by DynamoDB; Kinesis says it per stream
_EPOCH = 2 << 184  # numbers of Kinesis have 56 digits
MOST_TOLD = 100_000  # then all are told of again
_told: set[tuple[str, str]] = set()  # streams and shards whose news nobody has looked at yet
_news: "queue.SimpleQueue[tuple[str, str]]" = queue.SimpleQueue()


# --- Kinesis ------------------------------------------------------------------------------------


def _put(self: Shard, partition_key: str, data: str, explicit_hash_key: str) -> str:
    """In place of Shard.put_record."""
    with _lock:
        number = max(_EPOCH + (time.time_ns() << 64), self.get_max_sequence_number() + 1)
        self.records[number] = Record(partition_key, data, number, explicit_hash_key)
    return str(number)


def _max_number(self: Shard) -> int:
    return next(reversed(self.records), 0)


def _get(self: Shard, last: str, limit: int | None) -> tuple[list[Record], int, int]:
    """In place of Shard.get_records, which begins at the first of all."""
    behind = int(last)
    with _lock:
        newer = itertools.takewhile(lambda number: number > behind, reversed(self.records))
        waiting = [self.records[number] for number in newer][::-1]
    found: list[Record] = []
    size = 0
    for record in waiting[: min(limit or READ_RECORDS, READ_RECORDS)]:
        size += len(record.data) * 3 // 4
        if found and size > READ_BYTES:
            break
        found.append(record)
    if not found:
        return [], behind, 0
    late_s = waiting[-1].created_at - found[-1].created_at
    left = len(waiting) > len(found)
    return found, found[-1].sequence_number, max(int(late_s * 1000), int(left))


def _shard_for(self: Stream, partition_key: Any, explicit_hash_key: Any) -> Shard | None:
    """In place of Stream.get_shard_for_key, which also finds those that are closed."""
    if not isinstance(partition_key, str) or not 0 < len(partition_key) <= 256:
        raise InvalidArgumentError("PartitionKey")
    if explicit_hash_key:
        if not str(explicit_hash_key).isdecimal() or int(explicit_hash_key) >= 2**128:
            raise InvalidArgumentError("ExplicitHashKey")
        key = int(explicit_hash_key)
    else:
        key = int(hashlib.md5(partition_key.encode(), usedforsecurity=False).hexdigest(), 16)
    every = self.shards.values()
    return next(one for one in every if one.is_open and one.starting_hash <= key <= one.ending_hash)


_put_into_stream = Stream.put_record


def _put_and_tell(self: Stream, *given: Any, **asked: Any) -> tuple[str, str]:
    number, shard = _put_into_stream(self, *given, **asked)
    _expire(self, self.shards[shard])
    _tell(self.arn, shard)
    return number, shard


def _expire(stream: Stream, shard: Shard) -> None:
    oldest = time.time() - stream.retention_period_hours * 3600
    with _lock:
        while (first := next(iter(shard.records.values()), None)) and first.created_at < oldest:
            del shard.records[first.sequence_number]


def _keeping(reshape: Callable[..., None]) -> Callable[..., None]:
    """Around Stream.split_shard and merge_shards, which would write all records once more."""

    def instead(self: Stream, *shards: str, **named: str) -> None:
        with _lock:
            kept = {name: shard.records for name, shard in self.shards.items()}
            for shard in self.shards.values():
                shard.records = OrderedDict()
            try:
                reshape(self, *shards, **named)
            finally:
                for name, records in kept.items():
                    self.shards[name].records = records
        for name in kept:
            _tell(self.arn, name)

    return instead


_read = KinesisBackend.get_records


def _read_records(
    self: KinesisBackend, stream_arn: str | None, shard_iterator: str, limit: int | None
) -> tuple[str | None, list[Record], int]:
    """Around KinesisBackend.get_records: a shard that is closed has an end."""
    try:
        name, shard_id, last = decompose_shard_iterator(shard_iterator)
        int(last)
    except ValueError:  # also of base64 and UTF-8
        raise InvalidArgumentError("Invalid ShardIterator.") from None
    stream = self.describe_stream(stream_arn=stream_arn, stream_name=name)
    _told.discard((stream.arn, shard_id))
    following, records, behind = _read(self, stream_arn, shard_iterator, limit)
    shard = stream.get_shard(shard_id)
    at_its_end = not shard.is_open and not records
    return (None if at_its_end else following), records, behind


_make_iterator = KinesisBackend.get_shard_iterator


def _iterator_by_name(
    self: KinesisBackend, stream_arn: str | None, stream_name: str | None, *more: Any
) -> str:
    """Around KinesisBackend.get_shard_iterator, which takes no name from an ARN."""
    stream = self.describe_stream(stream_arn=stream_arn, stream_name=stream_name)
    return _make_iterator(self, stream_arn, stream.stream_name, *more)


_create = KinesisBackend.create_stream


def _create_and_tell(self: KinesisBackend, *given: Any, **asked: Any) -> Stream:
    stream = _create(self, *given, **asked)
    _news.put((stream.arn, ""))
    return stream


_delete = KinesisBackend.delete_stream


def _delete_and_tell(self: KinesisBackend, *given: Any, **asked: Any) -> Stream:
    stream = _delete(self, *given, **asked)
    _news.put((stream.arn, ""))
    return stream


# --- DynamoDB -----------------------------------------------------------------------------------

_add = StreamShard.add


def _add_change(self: StreamShard, old: Any, new: Any) -> None:
    """Around StreamShard.add. What changes nothing is no change, as AWS has it."""
    if old is not None and new is not None and old.to_json() == new.to_json():
        return
    arn = f"{self.table.table_arn}/stream/{self.table.latest_stream_label}"
    with _lock:
        last = _number(self.items[-1]) if self.items else 0
        _add(self, old, new)
        record = self.items[-1].record
        number = max(self.starting_sequence_number + time.time_ns(), last + 1)
        record["dynamodb"]["SequenceNumber"] = str(number)
        record |= {"eventVersion": "1.1", "awsRegion": self.table.region_name}
        oldest = self.starting_sequence_number + time.time_ns() - KEPT_S * 10**9
        if _number(self.items[0]) < oldest:
            del self.items[: bisect_left(self.items, oldest, key=_number)]
    _tell(arn, self.id)


def _changes(self: StreamShard, start: int, quantity: int) -> list[dict[str, Any]]:
    """In place of StreamShard.get."""
    found: list[dict[str, Any]] = []
    size = 0
    with _lock:
        first = bisect_left(self.items, start, key=_number)
        for item in self.items[first : first + quantity]:
            size += int(item.record["dynamodb"]["SizeBytes"])
            if found and size > READ_BYTES // 10:  # DynamoDB: 1 MB
                break
            found.append(item.to_json())
    return found


def _number(item: Any) -> int:
    return int(item.record["dynamodb"]["SequenceNumber"])


_table = DynamoDBStreamsBackend._get_table_from_arn


def _table_with_stream(self: DynamoDBStreamsBackend, arn: str) -> Table:
    """A stream that was turned off, or whose table is gone, is gone."""
    missing = ResourceNotFoundException(f"Requested resource not found: Stream: {arn} not found")
    account, name = arn.split(":")[4:5], arn.partition("/")[2].partition("/")[0]
    if account != [self.account_id] or name not in self.dynamodb.tables:
        raise missing
    table = _table(self, arn)
    label = arn.rpartition("/stream/")[2].partition("|")[0]
    if table.stream_shard is None or label != table.latest_stream_label:
        raise missing
    if not (table.stream_specification or {}).get("StreamEnabled"):
        raise missing
    return table


def _iterator(
    self: DynamoDBStreamsBackend, arn: str, shard_id: str, kind: str, number: Any = None
) -> Any:
    """In place of get_shard_iterator: moto would keep each one for ever."""
    shard = self._get_table_from_arn(arn).stream_shard
    if shard is None or shard.id != shard_id:
        raise ResourceNotFoundException(f"Requested resource not found: Shard: {shard_id}")
    latest = _number(shard.items[-1]) + 1 if shard.items else shard.starting_sequence_number
    first = {
        "TRIM_HORIZON": shard.starting_sequence_number,
        "LATEST": latest,
        "AT_SEQUENCE_NUMBER": int(number or 0),
        "AFTER_SEQUENCE_NUMBER": int(number or 0) + 1,
    }[kind]
    return SimpleNamespace(arn=_encoded(arn, first))


def _read_changes(self: DynamoDBStreamsBackend, iterator: str, limit: int) -> dict[str, Any]:
    """In place of get_records."""
    try:
        arn, _, content = iterator.split("|")
        first = int(json.loads(base64.b64decode(content, validate=True)))
    except (ValueError, binascii.Error, TypeError):
        raise ResourceNotFoundException("Invalid ShardIterator") from None
    shard = self._get_table_from_arn(arn).stream_shard
    assert shard is not None
    _told.discard((arn, shard.id))
    found = shard.get(first, min(int(limit), 1000))
    following = int(found[-1]["dynamodb"]["SequenceNumber"]) + 1 if found else first
    return {"NextShardIterator": _encoded(arn, following), "Records": found}


def _encoded(arn: str, first: int) -> str:
    return f"{arn}|1|{base64.b64encode(json.dumps(first).encode()).decode()}"


# --- both ---------------------------------------------------------------------------------------

_lock = threading.Lock()


def _tell(stream: str, shard: str) -> None:
    """Once, until somebody has read it since."""
    if (stream, shard) not in _told:
        if len(_told) >= MOST_TOLD:
            _told.clear()
        _told.add((stream, shard))
        _news.put((stream, shard))


def _send_news() -> None:
    while True:
        stream, shard = _news.get()
        service, account = f"{stream.split(':')[2]}.amazonaws.com", stream.split(":")[4]
        try:
            triggers.send("POST", stream, service, shard, account)
        except triggers.Refused as refusal:
            triggers.complain("streams", stream, refusal)


_HOOKS: tuple[tuple[Any, str, Any], ...] = (
    (Shard, "put_record", _put),
    (Shard, "get_max_sequence_number", _max_number),
    (Shard, "get_records", _get),
    (Stream, "get_shard_for_key", _shard_for),
    (Stream, "put_record", _put_and_tell),
    (Stream, "split_shard", _keeping(Stream.split_shard)),
    (Stream, "merge_shards", _keeping(Stream.merge_shards)),
    (KinesisBackend, "get_records", _read_records),
    (KinesisBackend, "get_shard_iterator", _iterator_by_name),
    (KinesisBackend, "create_stream", _create_and_tell),
    (KinesisBackend, "delete_stream", _delete_and_tell),
    (StreamShard, "add", _add_change),
    (StreamShard, "get", _changes),
    (DynamoDBStreamsBackend, "_get_table_from_arn", _table_with_stream),
    (DynamoDBStreamsBackend, "get_shard_iterator", _iterator),
    (DynamoDBStreamsBackend, "get_records", _read_changes),
)


def install() -> None:
    """Call once, before the first request."""
    triggers.hook(_HOOKS)
    threading.Thread(target=_send_news, name="streams", daemon=True).start()
