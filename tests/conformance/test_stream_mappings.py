"""Event source mappings of Kinesis and DynamoDB's streams as their users see them, over boto3."""

import base64
import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.faults.scene import until
from tests.printed import printed
from tests.running import REGION, StokerProcess

Create = Callable[..., str]
ACCOUNT = "000000000000"
SEEN = """
import base64, json
def data(record):
    return base64.b64decode(record["kinesis"]["data"]).decode()
def handler(event, context):
    print("SEEN", json.dumps(event))
    return ANSWER
"""


class World:
    """Streams, tables, functions that print their events, and mappings between them."""

    def __init__(self, server: StokerProcess, logs: Any, create: Create) -> None:
        self._clients = {name: server.client(name) for name in ("kinesis", "dynamodb", "lambda")}
        self.kinesis, self.tables, self.functions = self._clients.values()
        self._logs, self._create = logs, create
        self._mappings: list[str] = []
        self._streams: list[str] = []
        self._tables: list[str] = []

    def stream(self, shards: int = 1) -> str:
        name = f"s-{uuid.uuid4().hex[:12]}"
        self._streams.append(name)
        self.kinesis.create_stream(StreamName=name, ShardCount=shards)
        arn: str = self.kinesis.describe_stream_summary(StreamName=name)[
            "StreamDescriptionSummary"
        ]["StreamARN"]
        return arn

    def table(self) -> tuple[str, str]:
        """Its name, and its stream."""
        name = f"t-{uuid.uuid4().hex[:12]}"
        self._tables.append(name)
        made = self.tables.create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )  # fmt: skip
        return name, made["TableDescription"]["LatestStreamArn"]

    def function(self, answer: str = "None", **settings: Any) -> str:
        return self._create(SEEN.replace("ANSWER", answer), **settings)

    def map(self, arn: str, function: str, **settings: Any) -> str:
        settings = {"StartingPosition": "TRIM_HORIZON", **settings}
        made = self.functions.create_event_source_mapping(
            EventSourceArn=arn, FunctionName=function, **settings
        )
        assert made["State"] == "Creating"
        self._mappings.append(made["UUID"])
        return str(made["UUID"])

    def put(self, arn: str, *data: str, key: str = "k") -> list[dict[str, Any]]:
        records = [{"Data": one.encode(), "PartitionKey": key} for one in data]
        put: list[dict[str, Any]] = self.kinesis.put_records(StreamARN=arn, Records=records)[
            "Records"
        ]
        return put

    def events(self, function: str) -> list[Any]:
        return [json.loads(line) for line in printed(self._logs, function, "SEEN")]

    def data(self, function: str) -> list[str]:
        return [
            base64.b64decode(one["kinesis"]["data"]).decode()
            for event in self.events(function)
            for one in event["Records"]
        ]

    def shown(self, mapping: str) -> dict[str, Any]:
        shown: dict[str, Any] = self.functions.get_event_source_mapping(UUID=mapping)
        return shown

    def close(self) -> None:
        for one in self._mappings:
            with suppress(self.functions.exceptions.ResourceNotFoundException):
                self.functions.delete_event_source_mapping(UUID=one)
        for one in self._streams:
            self.kinesis.delete_stream(StreamName=one)
        for one in self._tables:
            self.tables.delete_table(TableName=one)
        for client in self._clients.values():
            client.close()


@pytest.fixture
def world(server: StokerProcess, logs_client: Any, create: Create) -> Iterator[World]:
    with closing(World(server, logs_client, create)) as made:
        yield made


def test_a_record_of_kinesis_comes_whole(world: World) -> None:
    function, stream = world.function(), world.stream()
    mapping = world.map(stream, function)
    until(lambda: world.shown(mapping), lambda one: one["State"] == "Enabled")
    assert world.shown(mapping)["LastProcessingResult"] == "No records processed"
    (put,) = world.put(stream, 'é "1"')
    (event,) = until(lambda: world.events(function), bool)
    (record,) = event["Records"]
    arrived = record["kinesis"].pop("approximateArrivalTimestamp")
    assert abs(arrived - time.time()) < 60
    role = world.functions.get_function_configuration(FunctionName=function)["Role"]
    assert len(put["SequenceNumber"]) == 56
    assert record == {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "k",
            "sequenceNumber": put["SequenceNumber"],
            "data": base64.b64encode('é "1"'.encode()).decode(),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{put['ShardId']}:{put['SequenceNumber']}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": role,
        "awsRegion": REGION,
        "eventSourceARN": stream,
    }
    until(lambda: world.shown(mapping), lambda one: one["LastProcessingResult"] == "OK")


def test_changes_of_a_table_come_in_their_order_through_a_filter(world: World) -> None:
    function = world.function()
    table, stream = world.table()
    pattern = {"dynamodb": {"Keys": {"id": {"S": ["a"]}}}}
    world.map(
        stream,
        function,
        StartingPosition="LATEST",
        FilterCriteria={"Filters": [{"Pattern": json.dumps(pattern)}]},
    )
    for item in ("b", "a"):
        world.tables.put_item(TableName=table, Item={"id": {"S": item}, "n": {"N": "1"}})
    for _ in "12":  # the second changes nothing
        world.tables.update_item(
            TableName=table, Key={"id": {"S": "a"}}, UpdateExpression="SET n = :n, b = :b",
            ExpressionAttributeValues={":n": {"N": "2"}, ":b": {"B": b"\x00\xff"}},
        )  # fmt: skip
    world.tables.delete_item(TableName=table, Key={"id": {"S": "a"}})

    def records() -> list[Any]:
        return [one for event in world.events(function) for one in event["Records"]]

    found = until(records, lambda seen: len(seen) >= 3)
    assert [one["eventName"] for one in found] == ["INSERT", "MODIFY", "REMOVE"]
    numbers = [int(one["dynamodb"].pop("SequenceNumber")) for one in found]
    assert numbers == sorted(numbers)
    changed = found[1]
    assert changed.pop("eventID") != found[0].pop("eventID")
    assert abs(changed["dynamodb"].pop("ApproximateCreationDateTime") - time.time()) < 60
    assert changed["dynamodb"].pop("SizeBytes") > 0
    assert changed == {
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "Keys": {"id": {"S": "a"}},
            "OldImage": {"id": {"S": "a"}, "n": {"N": "1"}},
            "NewImage": {"id": {"S": "a"}, "n": {"N": "2"}, "b": {"B": "AP8="}},
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": stream,
    }


def test_of_a_batch_what_is_behind_the_failure_comes_again_and_poison_goes_to_a_bucket(
    world: World, server: StokerProcess
) -> None:
    bucket = f"b-{uuid.uuid4().hex[:12]}"
    with closing(server.client("s3")) as s3:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        answer = (
            '{"batchItemFailures": [{"itemIdentifier": one["kinesis"]["sequenceNumber"]}'
            ' for one in event["Records"] if data(one) == "bad"]}'
        )
        function, stream = world.function(answer), world.stream()
        put = world.put(stream, "1", "bad", "2")
        mapping = world.map(
            stream, function, MaximumRetryAttempts=0, BisectBatchOnFunctionError=True,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}},
        )  # fmt: skip
        until(lambda: world.data(function), lambda seen: seen[-1:] == ["2"] and len(seen) > 5)
        assert world.data(function) == ["1", "bad", "2", "bad", "2", "bad", "2"]
        (key,) = [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]]
        assert key.startswith(f"aws/lambda/{mapping}/{put[1]['ShardId']}/")
        told = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert told["requestContext"]["functionArn"].endswith(f":function:{function}:$LATEST")
    assert told["responseContext"] == {
        "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"
    }  # fmt: skip
    info = told["KinesisBatchInfo"]
    assert info["startSequenceNumber"] == info["endSequenceNumber"] == put[1]["SequenceNumber"]
    assert (info["batchSize"], info["streamArn"]) == (1, stream)
    assert info["shardId"] == put[1]["ShardId"]
    (record,) = json.loads(told["payload"])["Records"]
    assert base64.b64decode(record["kinesis"]["data"]) == b"bad"


def test_a_window_carries_its_state_to_its_end(world: World) -> None:
    answer = '{"state": {"n": event["state"].get("n", 0) + len(event["Records"])}}'
    function, stream = world.function(answer), world.stream()
    world.map(stream, function, BatchSize=2, TumblingWindowInSeconds=1)
    world.put(stream, *"12345")
    events = until(
        lambda: world.events(function),
        lambda seen: (
            sum(one["state"].get("n", 0) for one in seen if one["isFinalInvokeForWindow"]) == 5
        ),
    )
    for one in events:
        assert one["window"]["start"] < one["window"]["end"]
        assert one["eventSourceARN"] == stream
        assert one["shardId"] == "shardId-000000000000"
        assert not one["isWindowTerminatedEarly"]
        assert one["isFinalInvokeForWindow"] == (not one["Records"])


def test_a_key_keeps_its_order_while_its_shard_is_split(world: World) -> None:
    """Seen by a consumer, whose records come as everybody's."""
    function, stream = world.function(), world.stream()
    consumer = world.kinesis.register_stream_consumer(StreamARN=stream, ConsumerName="c")
    world.map(consumer["Consumer"]["ConsumerARN"], function, BatchSize=3)
    world.put(stream, *"1234")
    world.kinesis.split_shard(
        StreamARN=stream, ShardToSplit="shardId-000000000000", NewStartingHashKey=str(2**127)
    )
    for number in "5678":
        world.put(stream, number)
    until(lambda: world.data(function), lambda seen: len(seen) >= 8)
    assert world.data(function) == list("12345678")


def test_what_cannot_be_read_is_refused_as_by_aws(world: World) -> None:
    function, stream = world.function(), world.stream()

    def refusal(arn: str, **more: Any) -> str:
        with pytest.raises(ClientError) as raised:
            world.map(arn, function, **more)
        error = raised.value.response["Error"]
        assert error["Code"] == "InvalidParameterValueException"
        return str(error["Message"])

    table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/none/stream/2024-01-01T00:00:00.000"
    for missing in (stream + "-not", table):
        assert refusal(missing) == f"Stream not found: {missing}"
    foreign = stream.replace(ACCOUNT, "1" * 12)
    assert refusal(foreign) == (
        f"Cannot access stream {foreign}. Please ensure the role can perform the GetRecords, "
        "GetShardIterator, DescribeStream, ListShards, and ListStreams Actions on your stream in "
        "IAM."
    )
    destination = {"OnFailure": {"Destination": f"arn:aws:sqs:{REGION}:{ACCOUNT}:q.fifo"}}
    assert "destination" in refusal(stream, DestinationConfig=destination)
