"""CloudWatch Logs' operations over a real store, as the front door calls them."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from stoker.api import logs
from stoker.api.control import Caller
from stoker.api.shapes import logs as shapes
from stoker.core.errors import (
    InvalidParameterException,
    LogsResourceNotFoundException,
    NotImplementedException,
    ResourceAlreadyExistsException,
    TooManyTagsException,
)
from stoker.core.log_events import DAY_MS
from stoker.observe.logs import now_ms
from tests.component.logs_cloud import ACCOUNT, ARN, REGION, Cloud, cloud, texts

__all__ = ["cloud"]  # a fixture


# -- Groups -----------------------------------------------------------------------------------


def test_a_group_is_described_as_aws_does(cloud: Cloud) -> None:
    cloud.create_group("/aws/lambda/f", tags={"team": "a"}, kms_key_id="arn:key")
    (group,) = cloud.groups()
    assert group.creation_time is not None
    assert abs(group.creation_time - now_ms()) < 60_000
    assert group == shapes.LogGroup(
        log_group_name="/aws/lambda/f",
        creation_time=group.creation_time,
        metric_filter_count=0,
        arn=f"{ARN}:/aws/lambda/f:*",
        log_group_arn=f"{ARN}:/aws/lambda/f",
        stored_bytes=0,
        kms_key_id="arn:key",
        log_group_class="STANDARD",
        deletion_protection_enabled=False,
    )


def test_a_group_exists_once(cloud: Cloud) -> None:
    cloud.create_group()
    refusal = cloud.refusal(logs.create_log_group, shapes.CreateLogGroupInput(log_group_name="g"))
    assert isinstance(refusal, ResourceAlreadyExistsException)
    assert refusal.message == "The specified log group already exists"


def test_what_cannot_be_kept_is_refused(cloud: Cloud) -> None:
    for request, kind in (
        (shapes.CreateLogGroupInput(log_group_name="aws/x"), InvalidParameterException),
        (
            shapes.CreateLogGroupInput(log_group_name="g", deletion_protection_enabled=True),
            NotImplementedException,
        ),
        (
            shapes.CreateLogGroupInput(log_group_name="g", tags={"aws:x": "y"}),
            InvalidParameterException,
        ),
        (
            shapes.CreateLogGroupInput(log_group_name="g", tags={str(n): "" for n in range(51)}),
            TooManyTagsException,
        ),
    ):
        assert isinstance(cloud.refusal(logs.create_log_group, request), kind)
    assert cloud.groups() == []


def test_a_function_need_not_create_its_group(cloud: Cloud) -> None:
    cloud.log("2026/10/08/[$LATEST]ab", (1, "line\n"), group="/aws/lambda/f")
    assert [group.log_group_name for group in cloud.groups()] == ["/aws/lambda/f"]
    assert cloud.groups()[0].stored_bytes == len("line\n") + 26


def test_groups_are_listed_by_name_in_pages(cloud: Cloud) -> None:
    names = [*sorted(f"/aws/lambda/{n}" for n in range(7)), "Z", "a"]
    for name in reversed(names):
        cloud.create_group(name)
    found: list[str | None] = []
    following = None
    for _ in range(5):
        answer = cloud.ask(
            logs.describe_log_groups, shapes.DescribeLogGroupsInput(limit=2, next_token=following)
        )
        found += [group.log_group_name for group in answer.log_groups or ()]
        following = answer.next_token
    assert found == names
    assert following is None


def test_groups_are_chosen_by_prefix_pattern_class_and_identifier(cloud: Cloud) -> None:
    for name in ("DataLogs", "/DataLogs", "GroupDataLogs", "datalogs", "Data/logs"):
        cloud.create_group(name)
    cloud.create_group("rare", log_group_class="INFREQUENT_ACCESS")

    def names(**asked: Any) -> list[str | None]:
        return [group.log_group_name for group in cloud.groups(**asked)]

    assert names(log_group_name_prefix="Data") == ["Data/logs", "DataLogs"]
    assert names(log_group_name_pattern="DataLogs") == ["/DataLogs", "DataLogs", "GroupDataLogs"]
    assert names(log_group_class="INFREQUENT_ACCESS") == ["rare"]
    assert names(log_group_identifiers=("rare", f"{ARN}:DataLogs:*", "missing")) == [
        "DataLogs",
        "rare",
    ]
    assert cloud.groups(log_group_name_pattern="rare") == [
        shapes.LogGroup(
            log_group_name="rare",
            arn=f"{ARN}:rare:*",
            creation_time=cloud.groups(log_group_name_prefix="rare")[0].creation_time,
        )
    ]
    refusal = cloud.refusal(
        logs.describe_log_groups,
        shapes.DescribeLogGroupsInput(log_group_name_prefix="a", log_group_name_pattern="b"),
    )
    assert refusal.message == (
        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
    )


def test_other_accounts_and_regions_do_not_see_a_group(cloud: Cloud) -> None:
    cloud.create_group()
    for caller in (Caller("000000000000", REGION, ""), Caller(ACCOUNT, "us-east-1", "")):
        cloud.caller = caller
        assert cloud.groups() == []
        refusal = cloud.refusal(
            logs.list_tags_for_resource, shapes.ListTagsForResourceInput(resource_arn=f"{ARN}:g")
        )
        assert isinstance(refusal, LogsResourceNotFoundException)


MISSING_GROUP = (
    (logs.delete_log_group, shapes.DeleteLogGroupInput(log_group_name="g")),
    (
        logs.create_log_stream,
        shapes.CreateLogStreamInput(log_group_name="g", log_stream_name="s"),
    ),
    (
        logs.delete_log_stream,
        shapes.DeleteLogStreamInput(log_group_name="g", log_stream_name="s"),
    ),
    (logs.describe_log_streams, shapes.DescribeLogStreamsInput(log_group_name="g")),
    (
        logs.put_log_events,
        shapes.PutLogEventsInput(
            log_group_name="g",
            log_stream_name="s",
            log_events=(shapes.InputLogEvent(timestamp=1, message="x"),),
        ),
    ),
    (logs.get_log_events, shapes.GetLogEventsInput(log_group_name="g", log_stream_name="s")),
    (logs.filter_log_events, shapes.FilterLogEventsInput(log_group_identifier="g")),
    (
        logs.put_retention_policy,
        shapes.PutRetentionPolicyInput(log_group_name="g", retention_in_days=7),
    ),
    (logs.delete_retention_policy, shapes.DeleteRetentionPolicyInput(log_group_name="g")),
    (logs.list_tags_log_group, shapes.ListTagsLogGroupInput(log_group_name="g")),
    (logs.tag_log_group, shapes.TagLogGroupInput(log_group_name="g", tags={"a": "b"})),
    (logs.untag_log_group, shapes.UntagLogGroupInput(log_group_name="g", tags=("a",))),
    (logs.list_tags_for_resource, shapes.ListTagsForResourceInput(resource_arn=f"{ARN}:g")),
    (logs.tag_resource, shapes.TagResourceInput(resource_arn=f"{ARN}:g", tags={"a": "b"})),
    (logs.untag_resource, shapes.UntagResourceInput(resource_arn=f"{ARN}:g", tag_keys=("a",))),
)


@pytest.mark.parametrize(
    ("operation", "request_"), MISSING_GROUP, ids=lambda value: getattr(value, "__name__", "")
)
def test_operations_on_a_missing_group_are_refused(
    cloud: Cloud, operation: Callable[..., Awaitable[object]], request_: object
) -> None:
    refusal = cloud.refusal(operation, request_)
    assert (refusal.code, refusal.status) == ("ResourceNotFoundException", 400)
    assert refusal.message == "The specified log group does not exist."


def test_a_deleted_group_is_gone_with_its_events(cloud: Cloud) -> None:
    cloud.log("s", (1, "old"))
    cloud.ask(logs.delete_log_group, shapes.DeleteLogGroupInput(log_group_name="g"))
    assert cloud.groups() == []
    cloud.log("s", (2, "new"))
    assert texts(cloud.get()) == ["new"]


def test_what_is_deleted_leaves_the_disk_as_well(cloud: Cloud) -> None:
    def rows() -> int:
        count = cloud.store.query(
            lambda db: db.execute("SELECT count(*) FROM log_chunk").fetchone()
        )
        return int(cloud.loop.run_until_complete(count)[0])

    cloud.log("s", (1, "x"))
    cloud.log("s", (1, "x"), group="other")
    assert rows() == 2
    cloud.ask(
        logs.delete_log_stream,
        shapes.DeleteLogStreamInput(log_group_name="g", log_stream_name="s"),
    )
    while rows() != 1:  # the sweep runs beside the questions
        pass
    cloud.ask(logs.delete_log_group, shapes.DeleteLogGroupInput(log_group_name="other"))
    while rows() != 0:
        pass


# -- Streams ----------------------------------------------------------------------------------


def test_a_stream_is_described_as_aws_does(cloud: Cloud) -> None:
    cloud.create_group()
    cloud.create_stream("empty")
    cloud.log("full", (20, "b"), (10, "a"), (30, "c"))
    empty, full = cloud.streams()
    assert empty.arn == f"{ARN}:g:log-stream:empty"
    assert empty.upload_sequence_token
    assert (empty.first_event_timestamp, empty.last_event_timestamp) == (None, None)
    assert empty.last_ingestion_time is None
    assert (full.first_event_timestamp, full.last_event_timestamp) == (10, 30)
    assert full.last_ingestion_time is not None
    assert abs(full.last_ingestion_time - now_ms()) < 60_000
    assert empty.stored_bytes == full.stored_bytes == 0


def test_a_stream_exists_once_and_can_be_deleted(cloud: Cloud) -> None:
    cloud.create_group()
    cloud.create_stream()
    twice = cloud.refusal(
        logs.create_log_stream,
        shapes.CreateLogStreamInput(log_group_name="g", log_stream_name="s"),
    )
    assert isinstance(twice, ResourceAlreadyExistsException)
    assert twice.message == "The specified log stream already exists"
    cloud.put((now_ms(), "x"))
    delete = shapes.DeleteLogStreamInput(log_group_name="g", log_stream_name="s")
    cloud.ask(logs.delete_log_stream, delete)
    assert cloud.streams() == []
    assert cloud.groups()[0].stored_bytes == 0
    refusal = cloud.refusal(logs.delete_log_stream, delete)
    assert refusal.code == "ResourceNotFoundException"
    assert refusal.message == "The specified log stream does not exist."


@pytest.mark.parametrize("by_time", [False, True])
@pytest.mark.parametrize("descending", [False, True])
def test_streams_are_listed_in_order_in_pages(
    cloud: Cloud, by_time: bool, descending: bool
) -> None:
    cloud.create_group()
    cloud.create_stream("never")
    for name, time in (("b", 10), ("a", 20), ("d", 10), ("c", 30)):
        cloud.log(name, (time, "x"))
    expected = ["never", "b", "d", "a", "c"] if by_time else ["a", "b", "c", "d", "never"]
    found: list[str | None] = []
    following = None
    for _ in range(3):
        answer = cloud.ask(
            logs.describe_log_streams,
            shapes.DescribeLogStreamsInput(
                log_group_identifier=f"{ARN}:g",
                order_by="LastEventTime" if by_time else "LogStreamName",
                descending=descending,
                limit=2,
                next_token=following,
            ),
        )
        found += [stream.log_stream_name for stream in answer.log_streams or ()]
        following = answer.next_token
    assert found == (expected[::-1] if descending else expected)
    assert following is None


def test_streams_are_chosen_by_prefix(cloud: Cloud) -> None:
    for name in ("2026/10/07/a", "2026/10/08/a", "2026/10/08/b", "2026/10/09/a"):
        cloud.log(name, (1, "x"))
    names = [s.log_stream_name for s in cloud.streams(log_stream_name_prefix="2026/10/08/")]
    assert names == ["2026/10/08/a", "2026/10/08/b"]
    refusal = cloud.refusal(
        logs.describe_log_streams,
        shapes.DescribeLogStreamsInput(
            log_group_name="g", order_by="LastEventTime", log_stream_name_prefix="x"
        ),
    )
    assert refusal.message == "Cannot order by LastEventTime with a logStreamNamePrefix."


@pytest.mark.parametrize("operation", ["groups", "streams by name", "streams by time"])
@pytest.mark.parametrize("following", ["%", "abc", "gIA=", "eHk="])
def test_a_token_of_somebody_else_is_refused(cloud: Cloud, operation: str, following: str) -> None:
    cloud.create_group()
    try:
        if operation == "groups":
            cloud.groups(next_token=following)
        else:
            order = "LastEventTime" if operation.endswith("time") else None
            cloud.streams(next_token=following, order_by=order)
    except InvalidParameterException as refusal:
        assert refusal.message == "The specified nextToken is invalid."
    else:
        assert (following, operation) in {("eHk=", "groups"), ("eHk=", "streams by name")}


# -- Retention and tags -----------------------------------------------------------------------


def test_a_retention_hides_what_is_older_and_can_be_taken_back(cloud: Cloud) -> None:
    now = now_ms()
    cloud.log("s", (now - 8 * DAY_MS, "old"), (now, "new"))
    put = shapes.PutRetentionPolicyInput(log_group_name="g", retention_in_days=7)
    cloud.ask(logs.put_retention_policy, put)
    assert cloud.groups()[0].retention_in_days == 7
    assert texts(cloud.get()) == texts(cloud.filter()) == ["new"]
    cloud.ask(logs.delete_retention_policy, shapes.DeleteRetentionPolicyInput(log_group_name="g"))
    assert cloud.groups()[0].retention_in_days is None
    assert texts(cloud.get()) == ["old", "new"]
    bad = shapes.PutRetentionPolicyInput(log_group_name="g", retention_in_days=8)
    assert isinstance(cloud.refusal(logs.put_retention_policy, bad), InvalidParameterException)


def test_tags_are_kept_in_both_spellings(cloud: Cloud) -> None:
    cloud.create_group(tags={"a": "1"})
    cloud.ask(
        logs.tag_log_group, shapes.TagLogGroupInput(log_group_name="g", tags={"b": "2", "a": "3"})
    )
    cloud.ask(logs.tag_resource, shapes.TagResourceInput(resource_arn=f"{ARN}:g", tags={"c": ""}))

    def by_name() -> Any:
        return cloud.ask(
            logs.list_tags_log_group, shapes.ListTagsLogGroupInput(log_group_name="g")
        ).tags

    def by_arn() -> Any:
        return cloud.ask(
            logs.list_tags_for_resource, shapes.ListTagsForResourceInput(resource_arn=f"{ARN}:g")
        ).tags

    assert by_name() == by_arn() == {"a": "3", "b": "2", "c": ""}
    cloud.ask(logs.untag_log_group, shapes.UntagLogGroupInput(log_group_name="g", tags=("a",)))
    cloud.ask(
        logs.untag_resource,
        shapes.UntagResourceInput(resource_arn=f"{ARN}:g", tag_keys=("b", "missing")),
    )
    assert by_name() == by_arn() == {"c": ""}
    too_many = {str(n): "" for n in range(50)}
    refusal = cloud.refusal(
        logs.tag_resource, shapes.TagResourceInput(resource_arn=f"{ARN}:g", tags=too_many)
    )
    assert isinstance(refusal, TooManyTagsException)
    assert by_arn() == {"c": ""}


@pytest.mark.parametrize("arn", ["g", f"{ARN}", f"{ARN}:g:log-stream:s", "arn:aws:s3:::b"])
def test_what_is_no_group_s_arn_is_refused(cloud: Cloud, arn: str) -> None:
    refusal = cloud.refusal(
        logs.list_tags_for_resource, shapes.ListTagsForResourceInput(resource_arn=arn)
    )
    assert isinstance(refusal, InvalidParameterException)


def test_a_group_is_named_or_identified_but_not_both(cloud: Cloud) -> None:
    for asked in (
        shapes.FilterLogEventsInput(),
        shapes.FilterLogEventsInput(log_group_name="g", log_group_identifier="g"),
    ):
        refusal = cloud.refusal(logs.filter_log_events, asked)
        assert isinstance(refusal, InvalidParameterException)
