"""Records as functions and filters see them, answers, and what is told of discarded batches."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from stoker.core.discarded import Discarded
from stoker.core.event_matching import Filters
from stoker.core.event_records import Response
from stoker.core.stream_batches import Batch, Done, Failed, Fate, Record, Rules, ShardBatches
from stoker.core.stream_records import Source, outcome, record
from stoker.core.stream_windows import Window, event, state_in

STREAM = "arn:aws:kinesis:eu-west-1:111111111111:stream/s"
TABLE = "arn:aws:dynamodb:eu-west-1:111111111111:table/t/stream/2024-01-01T00:00:00.000"
KINESIS = Source("kinesis", STREAM, "shardId-000000000000", "arn:aws:iam::1:role/r")
DYNAMODB = Source("dynamodb", TABLE, "shardId-1")
MOMENT = datetime(2024, 1, 2, 3, 4, 5, 678901, UTC)


def of_kinesis(data: bytes, *patterns: dict[str, Any]) -> Record:
    given = {
        "SequenceNumber": "1",
        "PartitionKey": "k",
        "Data": data,
        "ApproximateArrivalTimestamp": MOMENT,
    }
    return record(KINESIS, Filters([json.dumps(one) for one in patterns]), given)


@pytest.mark.parametrize(
    ("data", "pattern", "passes"),
    [
        (b'{"n": 1}', {"data": {"n": [1]}}, True),
        (b'{"n": 1}', {"data": {"n": [2]}}, False),
        (b'{"n": 1}', {"data": ['{"n": 1}']}, False),  # AWS: a pattern for text drops JSON
        (b"text", {"data": ["text"]}, True),
        (b"text", {"data": {"n": [1]}}, False),
        (b"\xff\xfe", {"data": {"n": [1]}}, False),
        (b"{", {"data": {"n": [1]}}, False),
        (b"text", {"partitionKey": ["k"]}, True),
        (b"text", {"partitionKey": ["l"]}, False),
        (b"text", {"kinesis": {"partitionKey": ["k"]}}, False),
    ],
)
def test_filters_see_what_is_in_a_record_of_kinesis(
    data: bytes, pattern: dict[str, Any], passes: bool
) -> None:
    assert bool(of_kinesis(data, pattern).body) is passes


def test_a_record_of_kinesis_says_when_it_came_to_the_millisecond() -> None:
    found = of_kinesis(b"\x00\xff")
    assert found.arrived == 1704164645.679
    said = json.loads(found.body)
    assert said["kinesis"]["data"] == "AP8="
    assert said["kinesis"]["approximateArrivalTimestamp"] == found.arrived


def test_an_item_s_key_is_its_lane_and_what_is_binary_is_base64() -> None:
    def change(name: str, **more: Any) -> Record:
        given = {
            "eventID": "e",
            "eventName": "REMOVE",
            "eventVersion": "1.1",
            "dynamodb": {
                "ApproximateCreationDateTime": MOMENT,
                "Keys": {"id": {"S": name}},
                "OldImage": {"b": {"BS": [b"\x00"]}, "l": {"L": [{"M": {"x": {"NULL": True}}}]}},
                "SequenceNumber": "7",
            },
            **more,
        }
        return record(DYNAMODB, Filters(['{"eventName": ["REMOVE"]}']), given)

    one, same, other = change("a"), change("a"), change("b")
    assert one.key == same.key != other.key
    expired = change("a", userIdentity={"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"})
    said = json.loads(expired.body)
    assert said["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    assert said["dynamodb"]["OldImage"] == {
        "b": {"BS": ["AA=="]}, "l": {"L": [{"M": {"x": {"NULL": True}}}]}
    }  # fmt: skip
    assert said["dynamodb"]["ApproximateCreationDateTime"] == int(MOMENT.timestamp())


def test_half_a_surrogate_pair_stops_no_shard() -> None:
    """JSON may have one, in a partition key or an item; UTF-8 may not."""
    given = {
        "eventID": "e",
        "eventName": "INSERT",
        "dynamodb": {
            "ApproximateCreationDateTime": MOMENT,
            "Keys": {"id": {"S": "\ud800"}},
            "SequenceNumber": "7",
        },
    }
    found = record(DYNAMODB, Filters([]), given)
    assert json.loads(found.body)["dynamodb"]["Keys"] == {"id": {"S": "\ud800"}}
    shard = ShardBatches(Rules(lanes=3))
    shard.add([found], 0.0)
    taken = shard.take(0.0)
    assert taken is not None and taken.records == (found,)


def batch(*sequences: str, **more: Any) -> Batch:
    return Batch(0, tuple(Record(one, "k", 1.0, b"{}") for one in sequences), **more)


def items(*named: Any) -> bytes:
    return json.dumps({"batchItemFailures": [{"itemIdentifier": one} for one in named]}).encode()


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (b"null", None),
        (b"{}", None),
        (items(), None),
        (items("2"), 1),
        (items("3", "2"), 1),  # from the lowest on
        (items("1"), 0),
        (items("2", "unknown"), 0),
        (items(""), 0),
        (items(None), 0),
        (items(2), 0),
        (b'{"batchItemFailures": "2"}', 0),
        (b"[]", 0),
        (b'"text"', 0),
        (b"not json", 0),
        (b"[" * 100_000, 0),
    ],
)
def test_an_answer_says_where_to_begin_again(answer: bytes, first: int | None) -> None:
    found = outcome(batch("1", "2", "3"), answer, reports=True, version="1")
    if first is None:
        assert found == Done()
    else:
        assert isinstance(found, Failed) and found.first == first
    assert outcome(batch("1", "2", "3"), answer, reports=False, version="1") == Done()


@pytest.mark.parametrize("answer", [b"null", b"{}", b'{"state": 1}', b'{"state": null}', b"[", b""])
def test_in_a_window_an_answer_without_a_state_has_failed(answer: bytes) -> None:
    window = Window.at(1000.0, 60)
    found = outcome(batch("1", window=window), answer, reports=False, version="1")
    assert isinstance(found, Failed) and found.first == 0
    assert (
        outcome(batch(window=window, is_final=True), answer, reports=False, version="1") == Done()
    )


def test_a_state_is_kept_with_what_was_done_of_its_batch() -> None:
    window = Window.at(1000.0, 60)
    answer = json.dumps({"state": {"n": 1}, **json.loads(items("2"))}).encode()
    found = outcome(batch("1", "2", window=window), answer, reports=True, version="1")
    assert isinstance(found, Failed) and (found.first, found.state) == (1, b'{"n":1}')
    assert state_in(b'{"state": {"a": [1]}}') == b'{"a":[1]}'
    said = json.loads(event(b"", Window(0.0, 60.0, b'{"n":1}'), "shard", STREAM, is_final=True))
    assert said == {
        "Records": [],
        "state": {"n": 1},
        "window": {"start": "1970-01-01T00:00:00Z", "end": "1970-01-01T00:01:00Z"},
        "shardId": "shard",
        "eventSourceARN": STREAM,
        "isFinalInvokeForWindow": True,
        "isWindowTerminatedEarly": False,
    }
    assert Window.load(window.dump()) == window


def test_of_what_never_ran_no_response_is_told() -> None:
    old = batch("1", "2", fate=Fate.TOO_OLD)
    told = Discarded(old, "id", "arn:f:$LATEST", MOMENT.timestamp())
    assert json.loads(DYNAMODB.discarded(told, whole=False)) == {
        "requestContext": {
            "requestId": "id",
            "functionArn": "arn:f:$LATEST",
            "condition": "RecordAgeExceeded",
            "approximateInvokeCount": 0,
        },
        "version": "1.0",
        "timestamp": "2024-01-02T03:04:05.678Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": "1",
            "endSequenceNumber": "2",
            "approximateArrivalOfFirstRecord": "1970-01-01T00:00:01.000Z",
            "approximateArrivalOfLastRecord": "1970-01-01T00:00:01.000Z",
            "batchSize": 2,
            "streamArn": TABLE,
        },
    }
    key = told.object_key("m", "shardId-1", "u")
    assert key == "aws/lambda/m/shardId-1/2024/01/02/2024-01-02T03.04.05-u"
    refused = batch("1", fate=Fate.EXHAUSTED, last=Response(413, error="RequestTooLargeException"))
    said = json.loads(KINESIS.discarded(Discarded(refused, "id", "f", 0.0), whole=True))
    assert said["responseContext"] == {
        "statusCode": 413,
        "functionError": "RequestTooLargeException",
    }
    assert said["payload"] == '{"Records":[{}]}'
