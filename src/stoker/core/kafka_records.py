"""Records of Kafka as functions and filters see them, what functions say of them, and what is told
of those that are discarded. Pure; shapes as Lambda's developer guide shows them.

A batch has records of one partition. So a partition that is held up by a bad record holds up no
other, and each one's order needs no care.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson

from stoker.core.discarded import Discarded, moment
from stoker.core.event_matching import Filters, read_body
from stoker.core.event_records import Response
from stoker.core.limits import SYNC_PAYLOAD_BYTES
from stoker.core.stream_batches import Batch, Done, Failed, Record

TOO_LARGE = "MaximumPayloadSizeExceeded"
_TYPES = {1: "LOG_APPEND_TIME"}  # else the producer's time


@dataclass(frozen=True, slots=True)
class Given:
    """One record as the cluster has it."""

    offset: int
    timestamp_ms: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


@dataclass(frozen=True, slots=True)
class Partition:
    """Where records come from, as they say it themselves."""

    bootstrap: str
    topic: str
    number: int

    @property
    def place(self) -> str:
        return f"{self.topic}-{self.number}"

    def record(self, filters: Filters, given: Given) -> Record:
        """As it stands in events."""
        body = b""
        if _size(given) > SYNC_PAYLOAD_BYTES:
            body = b" " * SYNC_PAYLOAD_BYTES  # no function takes it, so nobody sees what it is
        elif not filters or filters.let_through({"value": _read(given.value)}):
            body = orjson.dumps(self._said(given))
        return Record(str(given.offset), "", max(given.timestamp_ms, 0) / 1000, body)

    def _said(self, given: Given) -> dict[str, Any]:
        """Without a key, or a value, that is null. Headers have Java's bytes: -128 to 127."""
        told = {
            "topic": self.topic,
            "partition": self.number,
            "offset": given.offset,
            "timestamp": given.timestamp_ms,
            "timestampType": _TYPES.get(given.timestamp_type, "CREATE_TIME"),
        }
        for name, content in (("key", given.key), ("value", given.value)):
            if content is not None:
                told[name] = base64.b64encode(content).decode()
        headers = [{name: _signed(value or b"")} for name, value in given.headers]
        return {**told, "headers": headers}

    def event(self, batch: Batch) -> bytes:
        head = {"eventSource": "SelfManagedKafka", "bootstrapServers": self.bootstrap}
        records = b",".join(one.body for one in batch.records)
        return b'%b,"records":{%b:[%b]}}' % (
            orjson.dumps(head)[:-1],
            orjson.dumps(self.place),
            records,
        )

    def outcome(self, batch: Batch, answer: bytes, *, reports: bool, version: str) -> Done | Failed:
        """What the function's answer comes to. `reports`: it may name what has failed."""
        first = self._first_failed(batch, answer) if reports else None
        if first is None:
            return Done()
        return Failed(Response(200, answer, version, error="Unhandled"), first)

    def _first_failed(self, batch: Batch, answer: bytes) -> int | None:
        """AWS: null and an object that names nothing are success; what names anything that is not
        in the batch fails all of it."""
        try:
            said = orjson.loads(answer)
        except orjson.JSONDecodeError:
            return 0
        if said is None:
            return None
        if not isinstance(said, dict):
            return 0
        items = said.get("batchItemFailures")
        if items is None:
            return None
        if not isinstance(items, list):
            return 0
        places = {one.sequence: index for index, one in enumerate(batch.records)}
        found = [places.get(self._offset(item)) for item in items]
        known = [index for index in found if index is not None]
        return min(known, default=None) if len(known) == len(found) else 0

    def _offset(self, item: object) -> str:
        """That an entry names, if it is of this partition."""
        named = item.get("itemIdentifier") if isinstance(item, dict) else None
        if not isinstance(named, dict) or named.get("partition") != self.place:
            return ""
        offset = named.get("offset")
        return str(offset) if isinstance(offset, int) and not isinstance(offset, bool) else ""

    def discarded(self, told: Discarded, *, whole: bool) -> bytes:
        """For queues and topics of SNS; `whole`: for S3, with the event."""
        batch, said = told.batch, self._context(told)
        first, last = batch.records[0], batch.records[-1]
        said["KafkaBatchInfo"] = {
            **self._info(batch),
            "recordsInfo": {
                self.place: {
                    "firstRecordOffset": first.sequence,
                    "lastRecordOffset": last.sequence,
                    "firstRecordTimestamp": moment(first.arrived),
                    "lastRecordTimestamp": moment(last.arrived),
                }
            },
        }
        if whole and not _is_too_large(batch):
            said["payload"] = self.event(batch).decode()
        return orjson.dumps(said)

    def for_topic(self, told: Discarded) -> list[tuple[bytes | None, bytes]]:
        """For a topic of the cluster: key and value of a record for each that is discarded."""
        return [self._alone(told, one) for one in told.batch.records]

    def _alone(self, told: Discarded, record: Record) -> tuple[bytes | None, bytes]:
        batch = replace(told.batch, records=(record,))
        said = self._context(replace(told, batch=batch))
        if said["requestContext"]["condition"] == "RetryAttemptsExhausted":
            said["requestContext"]["condition"] = "RetriesExhausted"  # as AWS has it here
        said["KafkaBatchInfo"] = {
            **self._info(batch),
            "recordInfo": {"offset": record.sequence, "timestamp": moment(record.arrived)},
        }
        if _is_too_large(batch):
            return None, orjson.dumps(said)
        key = orjson.loads(record.body).get("key")
        said["payload"] = orjson.Fragment(self.event(batch))
        return None if key is None else base64.b64decode(key), orjson.dumps(said)

    def _context(self, told: Discarded) -> dict[str, Any]:
        said = told.context()
        if _is_too_large(told.batch):
            said["requestContext"]["condition"] = TOO_LARGE
            said["responseContext"] = None
        return said

    def _info(self, batch: Batch) -> dict[str, Any]:
        return {
            "batchSize": len(batch.records),
            "bootstrapServers": self.bootstrap,
            "payloadSize": batch.size,
        }


def _is_too_large(batch: Batch) -> bool:
    return batch.last is not None and batch.last.status == 413


def _size(given: Given) -> int:
    """At least that of what is said of it."""
    size = len(given.key or b"") + len(given.value or b"")
    return size * 4 // 3 + sum(len(name) + 2 * len(value or b"") for name, value in given.headers)


def _read(value: bytes | None) -> Any:
    return None if value is None else read_body(value.decode("utf-8", "replace"))


def _signed(content: bytes) -> list[int]:
    return list(memoryview(content).cast("b"))
