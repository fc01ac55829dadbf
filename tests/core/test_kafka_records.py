"""Records of Kafka as functions and filters see them, answers, and what is told of lost ones."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stoker.core.discarded import Discarded
from stoker.core.event_matching import Filters
from stoker.core.event_records import Response
from stoker.core.kafka_partitions import divided, first, following
from stoker.core.kafka_records import Given, Partition
from stoker.core.stream_batches import Batch, Done, Failed, Fate, Record, Rules, ShardBatches
from stoker.core.stream_shards import Start

PARTITION = Partition("a:1,b:2", "my.topic", 3)
NONE = Filters([])


def of(offset: int = 7, value: bytes | None = b"v", **more: Any) -> Given:
    facts: dict[str, Any] = {"timestamp_ms": 1_700_000_000_123, "timestamp_type": 0, "key": b"k"}
    return Given(offset=offset, value=value, **{**facts, **more})


def batch(*offsets: int, **more: Any) -> Batch:
    records = tuple(PARTITION.record(NONE, of(one)) for one in offsets)
    return Batch(0, records, **more)


def test_an_event_is_aws_s() -> None:
    headers = [("h", b"\x00\x7f\x80\xff"), ("empty", None)]
    one = PARTITION.record(NONE, of(headers=headers, timestamp_type=1))
    bare = PARTITION.record(NONE, of(8, None, key=None))
    event = json.loads(PARTITION.event(Batch(0, (one, bare))))
    assert event == {
        "eventSource": "SelfManagedKafka",
        "bootstrapServers": "a:1,b:2",
        "records": {
            "my.topic-3": [
                {
                    "topic": "my.topic", "partition": 3, "offset": 7,
                    "timestamp": 1_700_000_000_123, "timestampType": "LOG_APPEND_TIME",
                    "key": "aw==", "value": "dg==",
                    "headers": [{"h": [0, 127, -128, -1]}, {"empty": []}],
                },
                {
                    "topic": "my.topic", "partition": 3, "offset": 8,
                    "timestamp": 1_700_000_000_123, "timestampType": "CREATE_TIME", "headers": [],
                },
            ]
        },
    }  # fmt: skip
    assert (one.sequence, one.arrived) == ("7", 1_700_000_000.123)


@pytest.mark.parametrize(
    ("value", "pattern", "passes"),
    [
        (b'{"n": 1}', {"value": {"n": [1]}}, True),
        (b'{"n": 1}', {"value": {"n": [2]}}, False),
        (b"text", {"value": ["text"]}, True),
        (b"\xff", {"value": {"n": [1]}}, False),
        (None, {"value": [{"exists": True}]}, True),
    ],
)
def test_filters_see_the_value(value: bytes | None, pattern: Any, passes: bool) -> None:
    assert bool(PARTITION.record(Filters([json.dumps(pattern)]), of(value=value)).body) is passes


def named(offset: object, partition: object = "my.topic-3") -> dict[str, Any]:
    return {"itemIdentifier": {"partition": partition, "offset": offset}}


@pytest.mark.parametrize(
    ("answer", "first_failed"),
    [
        (None, None),
        ({}, None),
        ({"batchItemFailures": None}, None),
        ({"batchItemFailures": []}, None),
        ({"batchItemFailures": [named(6)]}, 1),
        ({"batchItemFailures": [named(7), named(6)]}, 1),
        ({"batchItemFailures": [named(6), named(99)]}, 0),
        ({"batchItemFailures": [named(6, "my.topic-4")]}, 0),
        ({"batchItemFailures": [named("6")]}, 0),
        ({"batchItemFailures": [named(True)]}, 0),
        ({"batchItemFailures": [{"itemIdentifier": "6"}]}, 0),
        ({"batchItemFailures": ["6"]}, 0),
        ({"batchItemFailures": 1}, 0),
        ([], 0),
        ("x", 0),
    ],
)
def test_an_answer_says_where_to_begin_again(answer: Any, first_failed: int | None) -> None:
    body = json.dumps(answer).encode()
    outcome = PARTITION.outcome(batch(5, 6, 7), body, reports=True, version="1")
    if first_failed is None:
        assert outcome == Done()
    else:
        assert isinstance(outcome, Failed)
        assert outcome.first == first_failed
    assert PARTITION.outcome(batch(5), b"not json", reports=False, version="1") == Done()
    assert PARTITION.outcome(batch(5), b"not json", reports=True, version="1") != Done()


def test_what_is_discarded_is_told_of() -> None:
    last = Response(200, b"", "1", "Unhandled")
    lost = Discarded(batch(5, 6, fate=Fate.EXHAUSTED, attempts=3, last=last), "id", "arn", 0.0)
    said = json.loads(PARTITION.discarded(lost, whole=True))
    payload = json.loads(said.pop("payload"))
    assert [one["offset"] for one in payload["records"]["my.topic-3"]] == [5, 6]
    assert said == {
        "requestContext": {
            "requestId": "id",
            "functionArn": "arn",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 3,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "1",
            "functionError": "Unhandled",
        },
        "version": "1.0",
        "timestamp": "1970-01-01T00:00:00.000Z",
        "KafkaBatchInfo": {
            "batchSize": 2,
            "bootstrapServers": "a:1,b:2",
            "payloadSize": lost.batch.size,
            "recordsInfo": {
                "my.topic-3": {
                    "firstRecordOffset": "5",
                    "lastRecordOffset": "6",
                    "firstRecordTimestamp": "2023-11-14T22:13:20.123Z",
                    "lastRecordTimestamp": "2023-11-14T22:13:20.123Z",
                }
            },
        },
    }
    assert "payload" not in json.loads(PARTITION.discarded(lost, whole=False))
    for number, (key, value) in enumerate(PARTITION.for_topic(lost), 5):
        alone = json.loads(value)
        assert key == b"k"
        assert alone["requestContext"]["condition"] == "RetriesExhausted"
        assert alone["KafkaBatchInfo"]["recordInfo"]["offset"] == str(number)
        assert alone["payload"]["records"]["my.topic-3"][0]["offset"] == number


def test_a_record_that_no_function_takes_is_told_of_as_too_large() -> None:
    batches = ShardBatches(Rules())
    huge = PARTITION.record(NONE, of(1, b"x" * 5_000_000))
    batches.add([huge, PARTITION.record(NONE, of(2))], 0.0)
    lost = batches.take(1.0)
    assert lost is not None
    told = Discarded(lost, "id", "arn", 0.0)
    said = json.loads(PARTITION.discarded(told, whole=True))
    assert said["requestContext"]["condition"] == "MaximumPayloadSizeExceeded"
    assert said["responseContext"] is None
    assert "payload" not in said
    ((key, value),) = PARTITION.for_topic(told)
    assert key is None
    assert "payload" not in json.loads(value)
    batches.end(lost, Done(), 1.0)
    following_one = batches.take(2.0)
    assert following_one is not None
    assert [one.sequence for one in following_one.records] == ["2"]


@given(
    st.integers(0, 2**63 - 1), st.none() | st.binary(max_size=50), st.none() | st.binary(),
    st.lists(st.tuples(st.sampled_from(["h", "é"]), st.none() | st.binary(max_size=9)), max_size=3),
)  # fmt: skip
def test_every_record_comes_back_out_of_its_event(
    offset: int, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    record = PARTITION.record(NONE, of(offset, value, key=key, headers=headers))
    event = json.loads(PARTITION.event(Batch(0, (record,))))
    (said,) = event["records"]["my.topic-3"]
    decoded = {n: base64.b64decode(said[n]) if n in said else None for n in ("key", "value")}
    assert (said["offset"], decoded) == (offset, {"key": key, "value": value})
    told = [(n, bytes(b % 256 for b in v)) for one in said["headers"] for n, v in one.items()]
    assert told == [(name, content or b"") for name, content in headers]


PARTITIONS = st.integers(0, 5)
OFFSETS = st.none() | st.integers(0, 3)


@given(
    st.dictionaries(PARTITIONS, st.sets(OFFSETS, max_size=2)),
    st.sets(PARTITIONS),
    st.dictionaries(PARTITIONS, OFFSETS),
)
def test_every_partition_that_is_ours_goes_on_where_the_group_is(
    held: dict[int, set[int | None]], ours: set[int], committed: dict[int, int | None]
) -> None:
    found = divided(held, ours, committed)
    parts = [found.kept, frozenset(found.begun), found.unread]
    assert sum(map(len, parts)) == len(ours)
    assert frozenset().union(*parts) == ours
    for one in found.kept:
        assert committed.get(one) in held[one]
    for one, offset in found.begun.items():
        assert offset == committed[one]
    for one in found.unread:
        assert committed.get(one) is None


def test_where_a_partition_begins_that_nobody_has_read() -> None:
    assert first(Start(), 5, 9, None) == 5
    assert first(Start(100.0), 5, 9, 7) == 7
    assert first(Start(100.0), 5, 9, None) == 9  # nothing is as new
    assert first(Start(100.0), 5, 9, 3) == 5
    assert following(None) is None
    assert following("41") == 42


def test_records_without_a_time_are_of_the_epoch() -> None:
    record = PARTITION.record(NONE, of(timestamp_ms=-1))
    assert record == Record("7", "", 0.0, record.body)
