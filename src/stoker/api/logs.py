"""CloudWatch Logs' operations: groups, streams, events, retention, tags.

Documented at https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/. Encryption
keys (`kmsKeyId`) are kept and shown, and have no effect.
"""

import logging
from sqlite3 import Connection

from stoker.api import log_names
from stoker.api.control import Call, Control
from stoker.api.log_names import group_meant, group_of_arn, own_group
from stoker.api.shapes import logs as shapes
from stoker.core.errors import (
    InvalidParameterException,
    LogsResourceNotFoundException,
    NotImplementedException,
)
from stoker.core.log_events import (
    DAY_MS,
    Accepted,
    Position,
    accept,
    check_retention,
    parse_token,
    token,
)
from stoker.core.log_patterns import parse
from stoker.observe import log_groups, log_queries, log_writes
from stoker.observe.log_groups import Group
from stoker.observe.log_queries import END_OF_TIME_MS, PAGE_EVENTS, Page, Question, from_the_start
from stoker.observe.log_writes import Batch, StreamName
from stoker.observe.logs import now_ms

logger = logging.getLogger(__name__)

DESCRIBE_LIMIT = 50
DESCENDING_SINCE_MS = 1_704_067_200_000
"""2024-01-01: AWS's earliest start for FilterLogEvents in descending order."""


# -- Groups -----------------------------------------------------------------------------------


async def create_log_group(control: Control, call: Call[shapes.CreateLogGroupInput]) -> None:
    """Create a group. Functions need not: their group is made with their first line."""
    wanted = call.input
    if wanted.log_group_name.lower().startswith("aws/"):
        raise InvalidParameterException("Log groups starting with AWS/ are reserved for AWS.")
    if wanted.deletion_protection_enabled:
        raise NotImplementedException(
            "Stoker has not built deletionProtectionEnabled of CreateLogGroup yet."
        )
    log_names.check_tag_keys(wanted.tags or {})
    if wanted.kms_key_id is not None:
        logger.warning("kmsKeyId has no effect", extra={"log_group": wanted.log_group_name})
    name, now = own_group(call.caller, wanted.log_group_name), now_ms()
    await control.logs_store.change(
        lambda db: log_groups.create_group(
            db,
            name,
            now,
            group_class=wanted.log_group_class or "STANDARD",
            kms_key_id=wanted.kms_key_id,
            tags=wanted.tags,
        )
    )


async def delete_log_group(control: Control, call: Call[shapes.DeleteLogGroupInput]) -> None:
    """Delete a group with its streams and events. A function that goes on logging makes it anew."""
    name = own_group(call.caller, call.input.log_group_name)
    await control.logs_store.change(lambda db: log_groups.delete_group(db, name))
    if control.logs_store.filters:
        await control.logs_store.refilter()
    control.logs_store.sweep()


async def describe_log_groups(
    control: Control, call: Call[shapes.DescribeLogGroupsInput]
) -> shapes.DescribeLogGroupsResponse:
    """List groups by name."""
    asked, caller = call.input, call.caller
    prefix, pattern = asked.log_group_name_prefix or "", asked.log_group_name_pattern or ""
    if prefix and pattern:
        raise InvalidParameterException(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."
        )
    if asked.log_group_identifiers is not None:
        return await _describe_these_groups(control, call, asked.log_group_identifiers)
    limit = asked.limit or DESCRIBE_LIMIT
    after = log_names.place_of(asked.next_token) or ""
    groups = await control.logs_store.query(
        lambda db: log_groups.list_groups(
            *(db, caller.account, caller.region, limit),
            prefix=prefix,
            pattern=pattern,
            group_class=asked.log_group_class,
            after=after,
        )
    )
    return shapes.DescribeLogGroupsResponse(
        log_groups=tuple(
            log_names.show_group(caller, group, brief=bool(pattern)) for group in groups[:limit]
        ),
        next_token=log_names.list_token(groups[limit - 1].name) if len(groups) > limit else None,
    )


async def _describe_these_groups(
    control: Control, call: Call[shapes.DescribeLogGroupsInput], identifiers: tuple[str, ...]
) -> shapes.DescribeLogGroupsResponse:
    asked, caller = call.input, call.caller
    if asked.log_group_name_prefix or asked.log_group_name_pattern or asked.log_group_class:
        raise InvalidParameterException(
            "LogGroupIdentifiers cannot be combined with other filters than IncludeLinkedAccounts."
        )
    names = sorted({log_names.group_identified(caller, one).name for one in identifiers})

    def ask(db: Connection) -> list[Group]:
        found = []
        for name in names:
            try:
                found.append(log_groups.get_group(db, own_group(caller, name)))
            except LogsResourceNotFoundException:
                continue
        return found

    groups = await control.logs_store.query(ask)
    return shapes.DescribeLogGroupsResponse(
        log_groups=tuple(log_names.show_group(caller, group, brief=False) for group in groups)
    )


async def put_retention_policy(
    control: Control, call: Call[shapes.PutRetentionPolicyInput]
) -> None:
    """Events older than this many days are no longer shown, and cleared away within the hour."""
    days = call.input.retention_in_days
    check_retention(days)
    name = own_group(call.caller, call.input.log_group_name)
    await control.logs_store.change(lambda db: log_groups.set_retention(db, name, days))


async def delete_retention_policy(
    control: Control, call: Call[shapes.DeleteRetentionPolicyInput]
) -> None:
    """Keep events for ever again."""
    name = own_group(call.caller, call.input.log_group_name)
    await control.logs_store.change(lambda db: log_groups.set_retention(db, name, None))


# -- Streams ----------------------------------------------------------------------------------


async def create_log_stream(control: Control, call: Call[shapes.CreateLogStreamInput]) -> None:
    """Create a stream in an existing group."""
    name, now = own_group(call.caller, call.input.log_group_name), now_ms()
    stream = call.input.log_stream_name
    await control.logs_store.change(lambda db: log_groups.create_stream(db, name, stream, now))


async def delete_log_stream(control: Control, call: Call[shapes.DeleteLogStreamInput]) -> None:
    """Delete a stream with its events."""
    name = own_group(call.caller, call.input.log_group_name)
    stream = call.input.log_stream_name
    await control.logs_store.change(lambda db: log_groups.delete_stream(db, name, stream))
    control.logs_store.sweep()


async def describe_log_streams(
    control: Control, call: Call[shapes.DescribeLogStreamsInput]
) -> shapes.DescribeLogStreamsResponse:
    """List a group's streams by name, or by the time of their last event."""
    asked = call.input
    name = group_meant(call.caller, asked.log_group_name, asked.log_group_identifier)
    prefix, by_time = asked.log_stream_name_prefix or "", asked.order_by == "LastEventTime"
    if by_time and prefix:
        raise InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.")
    limit, descending = asked.limit or DESCRIBE_LIMIT, bool(asked.descending)
    place = log_names.place_of(asked.next_token)
    time_place = log_names.time_and_name(place) if by_time else None

    def ask(db: Connection) -> tuple[Group, list[log_groups.Stream]]:
        group = log_groups.get_group(db, name)
        if by_time:
            return group, log_groups.list_streams_by_time(
                db, group, limit, descending=descending, after=time_place
            )
        return group, log_groups.list_streams_by_name(
            db, group, limit, prefix=prefix, descending=descending, after=place
        )

    group, streams = await control.logs_store.query(ask)
    following = None
    if len(streams) > limit:
        last = streams[limit - 1]
        following = log_names.list_token(f"{last.last_ms}:{last.name}" if by_time else last.name)
    return shapes.DescribeLogStreamsResponse(
        log_streams=tuple(
            log_names.show_stream(call.caller, group, stream) for stream in streams[:limit]
        ),
        next_token=following,
    )


# -- Events -----------------------------------------------------------------------------------


async def put_log_events(
    control: Control, call: Call[shapes.PutLogEventsInput]
) -> shapes.PutLogEventsResponse:
    """Store a batch of events; they are durable when this answers. The sequence token is ignored,
    as AWS ignores it."""
    put, caller, now = call.input, call.caller, now_ms()
    where = StreamName(caller.account, caller.region, put.log_group_name, put.log_stream_name)
    times = [event.timestamp for event in put.log_events]
    messages = [event.message.encode(errors="replace") for event in put.log_events]

    def store(db: Connection) -> tuple[Accepted, int, bool, Batch]:
        group = log_groups.get_group(db, own_group(caller, put.log_group_name))
        accepted = accept(times, messages, now, group.retention_days)
        kept = slice(accepted.start, accepted.end)
        batch = Batch(where, times[kept], messages[kept])
        return accepted, *log_writes.store_in_existing(db, batch, now), batch

    accepted, number, subscribed, batch = await control.logs_store.change(store)
    if subscribed:
        control.logs_store.subscribed()
    await control.logs_store.show(batch)
    return shapes.PutLogEventsResponse(
        next_sequence_token=Position(now, number).digits,
        rejected_log_events_info=_rejected(accepted),
    )


def _rejected(accepted: Accepted) -> shapes.RejectedLogEventsInfo | None:
    info = shapes.RejectedLogEventsInfo(
        too_new_log_event_start_index=accepted.too_new_start,
        too_old_log_event_end_index=accepted.too_old_end,
        expired_log_event_end_index=accepted.expired_end,
    )
    return None if info == shapes.RejectedLogEventsInfo() else info


async def get_log_events(
    control: Control, call: Call[shapes.GetLogEventsInput]
) -> shapes.GetLogEventsResponse:
    """One stream's events, a page at a time, in either direction.

    At an end the token that was sent comes back: that is how a client knows. The forward token
    stays good, and returns what is logged later.
    """
    asked = call.input
    name = group_meant(call.caller, asked.log_group_name, asked.log_group_identifier)
    if asked.next_token is not None:
        direction, start = parse_token(asked.next_token)
    else:
        direction = "f" if asked.start_from_head else "b"
        start = from_the_start(direction)

    def ask(db: Connection) -> Page:
        group = log_groups.get_group(db, name)
        stream = log_groups.get_stream(db, group, asked.log_stream_name)
        question = Question(
            group_id=group.id,
            since_ms=since(group, asked.start_time),
            until_ms=END_OF_TIME_MS if asked.end_time is None else asked.end_time - 1,
            direction=direction,
            start=start,
            limit=asked.limit or PAGE_EVENTS,
            stream_ids=[stream.id],
        )
        return log_queries.read(db, question)

    page = await control.logs_store.query(ask)
    events = page.events if direction == "f" else page.events[::-1]
    backward, forward = start, start
    if events:
        backward, forward = events[0].position, events[-1].position.after()
    elif asked.next_token is None:
        # Nothing there yet: what is logged later must lie ahead of the forward token.
        backward = forward = Position(min(asked.start_time or 0, END_OF_TIME_MS))
    if page.following is not None:
        forward = page.following if direction == "f" else forward
        backward = page.following if direction == "b" else backward
    return shapes.GetLogEventsResponse(
        events=tuple(
            shapes.OutputLogEvent(
                timestamp=event.timestamp_ms,
                message=event.message,
                ingestion_time=event.ingested_ms,
            )
            for event in events
        ),
        next_forward_token=token("f", forward),
        next_backward_token=token("b", backward),
    )


async def filter_log_events(
    control: Control, call: Call[shapes.FilterLogEventsInput]
) -> shapes.FilterLogEventsResponse:
    """The events of a group's streams that match a pattern, interleaved by time.

    A page may be empty and still have a nextToken: then there is more to look through.
    """
    asked = call.input
    name = group_meant(call.caller, asked.log_group_name, asked.log_group_identifier)
    if asked.log_stream_names and asked.log_stream_name_prefix:
        raise InvalidParameterException(
            "LogStreamNamePrefix and LogStreamNames are mutually exclusive parameters."
        )
    descending = asked.start_from_head is False
    if descending and (asked.start_time or 0) < DESCENDING_SINCE_MS:
        raise InvalidParameterException(
            "StartFromHead can be false only with a startTime on or after 2024-01-01T00:00:00Z."
        )
    pattern = parse(asked.filter_pattern) if asked.filter_pattern else None
    if asked.next_token is not None:
        direction, start = parse_token(asked.next_token)
    else:
        direction = "b" if descending else "f"
        start = from_the_start(direction)

    def ask(db: Connection) -> Page:
        group = log_groups.get_group(db, name)
        question = Question(
            group_id=group.id,
            since_ms=since(group, asked.start_time),
            until_ms=END_OF_TIME_MS if asked.end_time is None else asked.end_time,
            direction=direction,
            start=start,
            limit=asked.limit or PAGE_EVENTS,
            stream_ids=_chosen_streams(db, group, asked),
            pattern=pattern,
        )
        return log_queries.read(db, question)

    page = await control.logs_store.query(ask)
    return shapes.FilterLogEventsResponse(
        events=tuple(
            shapes.FilteredLogEvent(
                log_stream_name=event.stream,
                timestamp=event.timestamp_ms,
                message=event.message,
                ingestion_time=event.ingested_ms,
                event_id=event.position.digits,
            )
            for event in page.events
        ),
        searched_log_streams=(),  # AWS: always empty since May 2020
        next_token=token(direction, page.following) if page.following is not None else None,
    )


def _chosen_streams(
    db: Connection, group: Group, asked: shapes.FilterLogEventsInput
) -> list[int] | None:
    """The streams to look at; None: all."""
    if asked.log_stream_names:
        found = log_queries.streams_called(db, group.id, asked.log_stream_names)
        if len(found) < len(set(asked.log_stream_names)):
            raise LogsResourceNotFoundException("The specified log stream does not exist.")
        return list(found.values())
    if asked.log_stream_name_prefix:
        return log_queries.streams_beginning(db, group.id, asked.log_stream_name_prefix)
    return None


def since(group: Group, start_time_ms: int | None) -> int:
    """Events past the group's retention are not shown, whether cleared away already or not."""
    if group.retention_days is None:
        return start_time_ms or 0
    return max(start_time_ms or 0, now_ms() - group.retention_days * DAY_MS)


# -- Tags -------------------------------------------------------------------------------------


async def list_tags_for_resource(
    control: Control, call: Call[shapes.ListTagsForResourceInput]
) -> shapes.ListTagsForResourceResponse:
    """A group's tags."""
    name = group_of_arn(call.caller, call.input.resource_arn)
    tags = await control.logs_store.query(lambda db: log_groups.get_tags(db, name))
    return shapes.ListTagsForResourceResponse(tags=tags)


async def tag_resource(control: Control, call: Call[shapes.TagResourceInput]) -> None:
    """Set tags of a group; others stay."""
    name, tags = group_of_arn(call.caller, call.input.resource_arn), call.input.tags
    log_names.check_tag_keys(tags)
    await control.logs_store.change(lambda db: log_groups.put_tags(db, name, tags))


async def untag_resource(control: Control, call: Call[shapes.UntagResourceInput]) -> None:
    """Remove tags of a group; keys it does not have are passed over."""
    name, keys = group_of_arn(call.caller, call.input.resource_arn), call.input.tag_keys
    await control.logs_store.change(lambda db: log_groups.remove_tags(db, name, keys))


async def list_tags_log_group(
    control: Control, call: Call[shapes.ListTagsLogGroupInput]
) -> shapes.ListTagsLogGroupResponse:
    """The old spelling of ListTagsForResource, by name."""
    name = own_group(call.caller, call.input.log_group_name)
    tags = await control.logs_store.query(lambda db: log_groups.get_tags(db, name))
    return shapes.ListTagsLogGroupResponse(tags=tags)


async def tag_log_group(control: Control, call: Call[shapes.TagLogGroupInput]) -> None:
    """The old spelling of TagResource, by name."""
    name, tags = own_group(call.caller, call.input.log_group_name), call.input.tags
    log_names.check_tag_keys(tags)
    await control.logs_store.change(lambda db: log_groups.put_tags(db, name, tags))


async def untag_log_group(control: Control, call: Call[shapes.UntagLogGroupInput]) -> None:
    """The old spelling of UntagResource, by name."""
    name, keys = own_group(call.caller, call.input.log_group_name), call.input.tags
    await control.logs_store.change(lambda db: log_groups.remove_tags(db, name, keys))
