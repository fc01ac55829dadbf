"""Records of Kinesis and of DynamoDB's streams, as functions and filters see them, and what is told
of those that are discarded. Pure; shapes as the developer guide shows them.
"""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from stoker.core import stream_windows
from stoker.core.discarded import Discarded, moment
from stoker.core.event_matching import Filters, read_body
from stoker.core.event_records import Response
from stoker.core.queue_batches import failed
from stoker.core.stream_batches import Batch, Done, Failed, Record

INFO = {"kinesis": "KinesisBatchInfo", "dynamodb": "DDBStreamBatchInfo"}


@dataclass(frozen=True, slots=True)
class Source:
    """Where records come from, as they say it themselves."""

    service: str  # "kinesis" | "dynamodb"
    arn: str  # the mapping's EventSourceArn
    shard: str
    role: str = ""  # of the function

    @property
    def place(self) -> str:
        return self.shard

    def event(self, batch: Batch) -> bytes:
        return event(self, batch)

    def outcome(self, batch: Batch, answer: bytes, *, reports: bool, version: str) -> Done | Failed:
        return outcome(batch, answer, reports=reports, version=version)

    def discarded(self, told: Discarded, *, whole: bool) -> bytes:
        return discarded(self, told, whole=whole)


def record(source: Source, filters: Filters, given: Mapping[str, Any]) -> Record:
    """One of GetRecords' answer, as botocore reads it."""
    make = _of_kinesis if source.service == "kinesis" else _of_dynamodb
    return make(source, filters, given)


def _of_kinesis(source: Source, filters: Filters, given: Mapping[str, Any]) -> Record:
    sequence, arrived = given["SequenceNumber"], _seconds(given["ApproximateArrivalTimestamp"])
    content = {
        "kinesisSchemaVersion": "1.0",
        "partitionKey": given["PartitionKey"],
        "sequenceNumber": sequence,
        "data": base64.b64encode(given["Data"]).decode(),
        "approximateArrivalTimestamp": arrived,
    }
    told = {
        "kinesis": content,
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{source.shard}:{sequence}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": source.role,
        "awsRegion": source.arn.split(":")[3],
        "eventSourceARN": source.arn,
    }
    wanted = True
    if filters:
        text = given["Data"].decode("utf-8", "replace")
        wanted = filters.let_through({**content, "data": read_body(text)})
    body = _json(told) if wanted else b""
    return Record(sequence, given["PartitionKey"], arrived, body)


def _of_dynamodb(source: Source, filters: Filters, given: Mapping[str, Any]) -> Record:
    change = dict(given["dynamodb"])
    arrived = _seconds(change["ApproximateCreationDateTime"])
    change["ApproximateCreationDateTime"] = int(arrived)  # as AWS has it
    told = {
        "eventID": given["eventID"],
        "eventName": given["eventName"],
        "eventVersion": given.get("eventVersion", "1.1"),
        "eventSource": "aws:dynamodb",
        "awsRegion": source.arn.split(":")[3],
        "dynamodb": _plain(change),
        **({"userIdentity": _identity(given)} if given.get("userIdentity") else {}),
        "eventSourceARN": source.arn,
    }
    body = _json(told) if filters.let_through(told) else b""
    key = json.dumps(_plain(change.get("Keys", {})), sort_keys=True)
    return Record(change["SequenceNumber"], key, arrived, body)


def event(source: Source, batch: Batch) -> bytes:
    records = b",".join(one.body for one in batch.records)
    if batch.window is None:
        return b'{"Records":[%b]}' % records
    return stream_windows.event(
        records, batch.window, source.shard, source.arn, is_final=batch.is_final
    )


def outcome(batch: Batch, answer: bytes, *, reports: bool, version: str) -> Done | Failed:
    """What the function's answer to a batch comes to. `reports`: it may name what has failed."""
    state: bytes | None = None
    response = Response(200, answer, version, error="Unhandled")
    if batch.window is not None and not batch.is_final:
        state = stream_windows.state_in(answer)
        if state is None:
            return Failed(response)
    if not reports:
        return Done(state)
    sequences = [one.sequence for one in batch.records]
    bad = failed(answer, sequences)
    if not bad:
        return Done(state)
    first = next(index for index, one in enumerate(sequences) if one in bad)
    return Failed(response, first, state if first else None)


def discarded(source: Source, told: Discarded, *, whole: bool) -> bytes:
    """For the destination. `whole`: with the event, as for S3."""
    batch = told.batch
    first, last = batch.records[0], batch.records[-1]
    said = told.context()
    said[INFO[source.service]] = {
        "shardId": source.shard,
        "startSequenceNumber": first.sequence,
        "endSequenceNumber": last.sequence,
        "approximateArrivalOfFirstRecord": moment(first.arrived),
        "approximateArrivalOfLastRecord": moment(last.arrived),
        "batchSize": len(batch.records),
        "streamArn": source.arn,
    }
    if whole:
        said["payload"] = event(source, batch).decode()
    return orjson.dumps(said)


def _json(told: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(told)
    except orjson.JSONEncodeError:  # half a surrogate pair, which JSON may have
        return json.dumps(told, separators=(",", ":")).encode()


def _seconds(when: datetime | float) -> float:
    """Milliseconds matter, as AWS shows them, and no more."""
    found = when.timestamp() if isinstance(when, datetime) else float(when)
    return round(found, 3)


def _plain(value: Any) -> Any:
    """What botocore has read, as it was in JSON."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    return value


def _identity(given: Mapping[str, Any]) -> dict[str, str]:
    said = given["userIdentity"]
    return {"type": said.get("Type", ""), "principalId": said.get("PrincipalId", "")}
