"""Event source mappings: what each kind of source may say, and what a mapping says of itself."""

from typing import Any

import pytest

from stoker.core.errors import InvalidParameterValueException
from stoker.core.event_patterns import is_legal
from stoker.core.event_sources import (
    SOURCES,
    EventSourceMapping,
    made,
    source_of,
    state,
    there_is_one,
    updated,
)
from stoker.core.resources import Kind, Resource, ResourceKey

ME = "arn:aws:{}:eu-west-1:111111111111:{}"
SQS, FIFO = ME.format("sqs", "q"), ME.format("sqs", "q.fifo")
KINESIS = ME.format("kinesis", "stream/s")
DYNAMODB = ME.format("dynamodb", "table/tab/stream/2024-01-01T00:00:00.000")
MQ = ME.format("mq", "broker:b:b-1")
DOCUMENTS = ME.format("rds", "cluster:c")
START = {"StartingPosition": "LATEST"}


def make(arn: str | None, **asked: Any) -> dict[str, Any]:
    given = {"EventSourceArn": arn, **asked} if arn else asked
    return made(given, source_of(given, "eu-west-1"))


def refusal(arn: str | None, **asked: Any) -> str:
    with pytest.raises(InvalidParameterValueException) as error:
        make(arn, **asked)
    return error.value.message


def test_a_queue_has_aws_s_defaults() -> None:
    assert make(SQS) == {
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "EventSourceArn": SQS,
        "enabled": True,
        "service": "sqs",
    }


def test_a_stream_has_aws_s_defaults() -> None:
    record = make(DYNAMODB, **START, Enabled=False)
    assert record == {
        "BatchSize": 100,
        "BisectBatchOnFunctionError": False,
        "DestinationConfig": {"OnFailure": {}},
        "MaximumBatchingWindowInSeconds": 0,
        "MaximumRecordAgeInSeconds": -1,
        "MaximumRetryAttempts": -1,
        "ParallelizationFactor": 1,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "EventSourceArn": DYNAMODB,
        "StartingPosition": "LATEST",
        "enabled": False,
        "service": "dynamodb",
    }


@pytest.mark.parametrize(
    ("arn", "more", "service"),
    [
        (SQS, {}, "sqs"),
        (KINESIS, START, "kinesis"),
        (KINESIS + "/consumer/c:1", START, "kinesis"),
        (DYNAMODB, START, "dynamodb"),
        (
            None,
            {
                **START,
                "Topics": ["t"],
                "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["h:1"]}},
            },
            "self-managed-kafka",
        ),
        (MQ, {"Queues": ["q"], "SourceAccessConfigurations": [{"Type": "BASIC_AUTH"}]}, "mq"),
        (
            DOCUMENTS,
            {
                **START,
                "DocumentDBEventSourceConfig": {"DatabaseName": "d"},
                "SourceAccessConfigurations": [{"Type": "BASIC_AUTH"}],
            },
            "rds",
        ),
    ],
)
def test_every_kind_of_source_can_be_kept_and_none_pretends_to_run(
    arn: str | None, more: dict[str, Any], service: str
) -> None:
    record = make(arn, **more)
    assert record["service"] == service
    said, why = state(record, frozenset())
    assert said == "Disabled"
    if service == "sqs":
        assert why == "Stoker polls the queues of its own SQS only."
    elif service in ("kinesis", "dynamodb"):
        assert why == f"This server has no {SOURCES[service].name} (option neighbours)."
    else:
        assert why == f"Stoker has not built a poller for {SOURCES[service].name} yet."
    assert state(record, frozenset({service}))[0] == "Enabled"
    assert state({**record, "enabled": False}, frozenset({service}))[0] == "Disabled"


@pytest.mark.parametrize(
    "arn",
    [
        None,
        "arn:aws:s3:::bucket",
        ME.format("sns", "topic"),
        ME.format("kinesis", "s"),
        ME.format("dynamodb", "table/tab"),
        ME.format("sqs", "no spaces"),
        ME.format("sqs", "q") + "\n",
    ],
)
def test_what_is_no_source_is_not_recognised(arn: str | None) -> None:
    assert refusal(arn, **START) == "Unrecognized event source."


def test_a_source_is_of_the_function_s_region() -> None:
    assert "same region" in refusal(SQS.replace("eu-west-1", "us-east-1"))


def test_where_to_start_is_for_streams_to_say() -> None:
    assert refusal(SQS, **START) == "StartingPosition is not valid for SQS event sources."
    assert refusal(KINESIS) == (
        "1 validation error detected: Value null at 'startingPosition' failed to satisfy "
        "constraint: Member must not be null."
    )
    assert refusal(DYNAMODB, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1.0) == (
        "Unsupported StartingPositionTimestamp parameter for given event source mapping type."
    )
    assert refusal(DYNAMODB, StartingPosition="AT_TIMESTAMP") == (
        f"Unsupported starting position for arn type: {DYNAMODB}"
    )
    assert refusal(KINESIS, **START, StartingPositionTimestamp=1.0) == (
        "Timestamp only valid with StartingPosition AT_TIMESTAMP"
    )
    assert "is required" in refusal(KINESIS, StartingPosition="AT_TIMESTAMP")


@pytest.mark.parametrize(
    ("arn", "more", "name"),
    [
        (SQS, {"ParallelizationFactor": 2}, "ParallelizationFactor"),
        (SQS, {"BisectBatchOnFunctionError": False}, "BisectBatchOnFunctionError"),
        (SQS, {"DestinationConfig": {"OnFailure": {"Destination": SQS}}}, "DestinationConfig"),
        (KINESIS, {**START, "ScalingConfig": {"MaximumConcurrency": 2}}, "ScalingConfig"),
        (KINESIS, {**START, "Topics": ["t"]}, "Topics"),
        (
            KINESIS,
            {**START, "DestinationConfig": {"OnSuccess": {"Destination": SQS}}},
            "DestinationConfig",
        ),
    ],
)
def test_what_a_kind_of_source_does_not_have_is_refused(
    arn: str, more: dict[str, Any], name: str
) -> None:
    assert refusal(arn, **more) == (
        f"Unsupported {name} parameter for given event source mapping type."
    )


def test_batches_of_queues_are_small_unless_they_may_wait() -> None:
    assert refusal(SQS, BatchSize=11) == (
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater "
        "than 10"
    )
    assert make(SQS, BatchSize=10_000, MaximumBatchingWindowInSeconds=1)["BatchSize"] == 10_000
    assert "10 or less" in refusal(FIFO, BatchSize=11)
    assert refusal(FIFO, MaximumBatchingWindowInSeconds=1) == (
        "Batching window is not supported for FIFO queues"
    )


def test_filters_are_patterns_and_few() -> None:
    def filters(*patterns: str) -> dict[str, Any]:
        return {"FilterCriteria": {"Filters": [{"Pattern": one} for one in patterns]}}

    assert refusal(SQS, **filters("{")) == "Invalid filter pattern definition."
    assert "5 or fewer" in refusal(SQS, **filters(*['{"a": [1]}'] * 6))
    assert make(SQS, **filters('{"a": [1]}'))["FilterCriteria"]["Filters"]


@pytest.mark.parametrize(
    ("pattern", "legal"),
    [
        ('{"a": ["b", 1, null, true]}', True),
        ('{"a": {"b": [{"prefix": "x"}]}}', True),
        ('{"a": [{"numeric": [">", 0, "<=", 5]}]}', True),
        ('{"a": [{"exists": false}]}', True),
        ('{"a": [{"anything-but": ["x"]}]}', True),
        ('{"$or": [{"a": [1]}, {"b": [2]}]}', True),
        (None, False),
        ("", False),
        ("[]", False),
        ("{}", False),
        ('"a"', False),
        ('{"a": "b"}', False),
        ('{"a": []}', False),
        ('{"a": {}}', False),
        ('{"a": [[1]]}', False),
        ('{"a": [{"unknown": "x"}]}', False),
        ('{"a": [{"prefix": "x", "suffix": "y"}]}', False),
        ('{"a": [{"numeric": ["~", 1]}]}', False),
        ('{"a": [{"numeric": [">", "1"]}]}', False),
        ('{"a": [{"exists": "yes"}]}', False),
        ('{"$or": [{"a": [1]}]}', False),
        ('{"a": [NaN]}', False),
        ('{"a":' * 3000 + "[1]" + "}" * 3000, False),
    ],
)
def test_patterns_are_eventbridge_s(pattern: str | None, legal: bool) -> None:
    assert is_legal(pattern) is legal


def test_how_records_are_discarded_is_checked() -> None:
    for age_s in (-1, 60, 604_800):
        made_so = make(KINESIS, **START, MaximumRecordAgeInSeconds=age_s)
        assert made_so["MaximumRecordAgeInSeconds"] == age_s
    for age_s in (0, 59):
        with pytest.raises(InvalidParameterValueException, match="60 or more"):
            make(DYNAMODB, **START, MaximumRecordAgeInSeconds=age_s)
    for arn in (ME.format("sqs", "q"), ME.format("sns", "t"), "arn:aws:s3:::b"):
        make(KINESIS, **START, DestinationConfig={"OnFailure": {"Destination": arn}})
    for arn in (ME.format("sqs", "q.fifo"), ME.format("lambda", "function:f"), "arn:aws:s3:::b/k"):
        with pytest.raises(InvalidParameterValueException, match="destination"):
            make(KINESIS, **START, DestinationConfig={"OnFailure": {"Destination": arn}})


def test_an_update_keeps_what_it_does_not_mention_and_clears_what_is_empty() -> None:
    pattern = {"FilterCriteria": {"Filters": [{"Pattern": '{"a": [1]}'}]}}
    before = make(SQS, BatchSize=5, **pattern, ScalingConfig={"MaximumConcurrency": 3})
    after = updated(before, {"Enabled": False, "BatchSize": None})
    assert after == {**before, "enabled": False}
    after = updated(before, {"FilterCriteria": {"Filters": []}, "ScalingConfig": {}})
    assert after.keys() == before.keys() - {"FilterCriteria", "ScalingConfig"}
    with pytest.raises(InvalidParameterValueException, match="Maximum batch window"):
        updated(before, {"BatchSize": 11})
    with pytest.raises(InvalidParameterValueException, match="Unsupported ParallelizationFactor"):
        updated(before, {"ParallelizationFactor": 2})


def test_a_poller_gets_what_it_needs() -> None:
    record = {
        **make(SQS, BatchSize=3, ScalingConfig={"MaximumConcurrency": 7}),
        "FilterCriteria": {"Filters": [{"Pattern": "p"}]},
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "function": "f",
        "qualifier": "live",
    }
    key = ResourceKey("111111111111", "eu-west-1", Kind.MAPPING, "id")
    found = EventSourceMapping.load(Resource(key, "r", record))
    assert (found.uuid, found.function.name, found.qualifier) == ("id", "f", "live")
    assert (found.service, found.arn, found.enabled) == ("sqs", SQS, True)
    assert (found.batch_size, found.window_s, found.filters) == (3, 0, ("p",))
    assert (found.reports_failures, found.most_concurrent) == (True, 7)
    other = there_is_one(Resource(key, "r", record), "f")
    assert other.message == (
        f'An event source mapping with SQS arn (" {SQS} ") and function (" f ") already exists. '
        "Please update or delete the existing mapping with UUID id"
    )
