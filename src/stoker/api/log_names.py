"""How CloudWatch Logs' operations name things: groups and their ARNs, places in lists."""

import base64
import binascii
import re
from collections.abc import Iterable

from stoker.api.control import Caller
from stoker.api.shapes import logs as shapes
from stoker.core.errors import InvalidParameterException, LogsResourceNotFoundException
from stoker.core.log_events import Position, invalid_token
from stoker.observe.log_groups import Group, GroupName, Stream

_ARN = re.compile(
    r"arn:aws[a-z-]*:logs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):log-group:"
    r"(?P<name>[^:*]+)(?::\*)?",
    re.ASCII,
)


def own_group(caller: Caller, name: str) -> GroupName:
    return GroupName(caller.account, caller.region, name)


def group_meant(caller: Caller, name: str | None, identifier: str | None) -> GroupName:
    """The group of a request that takes either its name or its identifier."""
    if (name is None) == (identifier is None):
        raise InvalidParameterException(
            "Exactly one of logGroupName and logGroupIdentifier must be specified."
        )
    return own_group(caller, name) if name is not None else group_identified(caller, identifier)


def group_identified(caller: Caller, identifier: str | None) -> GroupName:
    """A group by its name or ARN."""
    assert identifier is not None
    if identifier.startswith("arn:"):
        return group_of_arn(caller, identifier)
    return own_group(caller, identifier)


def group_of_arn(caller: Caller, arn: str) -> GroupName:
    match = _ARN.fullmatch(arn)
    if match is None:
        raise InvalidParameterException(f"The specified ARN is not that of a log group: {arn}")
    if (match["account"], match["region"]) != (caller.account, caller.region):
        raise LogsResourceNotFoundException("The specified log group does not exist.")
    return own_group(caller, match["name"])


def group_arn(caller: Caller, name: str) -> str:
    return arn_of(own_group(caller, name))


def arn_of(group: GroupName) -> str:
    partition = {"cn": "aws-cn", "us-gov": "aws-us-gov"}.get(
        group.region.rpartition("-")[0].rpartition("-")[0], "aws"
    )
    return f"arn:{partition}:logs:{group.region}:{group.account}:log-group:{group.name}"


def show_group(caller: Caller, group: Group, *, brief: bool) -> shapes.LogGroup:
    """brief: AWS leaves out the rest when groups were searched by pattern."""
    arn = group_arn(caller, group.name)
    if brief:
        return shapes.LogGroup(
            log_group_name=group.name, creation_time=group.created_ms, arn=f"{arn}:*"
        )
    return shapes.LogGroup(
        log_group_name=group.name,
        creation_time=group.created_ms,
        retention_in_days=group.retention_days,
        metric_filter_count=group.metric_filters,
        arn=f"{arn}:*",
        stored_bytes=group.stored_bytes,
        kms_key_id=group.kms_key_id,
        log_group_class=group.group_class,
        log_group_arn=arn,
        deletion_protection_enabled=False,
    )


def show_stream(caller: Caller, group: Group, stream: Stream) -> shapes.LogStream:
    def time(value_ms: int) -> int | None:
        return value_ms if value_ms >= 0 else None

    return shapes.LogStream(
        log_stream_name=stream.name,
        creation_time=stream.created_ms,
        first_event_timestamp=time(stream.first_ms),
        last_event_timestamp=time(stream.last_ms),
        last_ingestion_time=time(stream.ingested_ms),
        upload_sequence_token=Position(max(stream.ingested_ms, 0), stream.id).digits,
        arn=f"{group_arn(caller, group.name)}:log-stream:{stream.name}",
        stored_bytes=0,  # AWS: of streams always zero since June 2019
    )


def check_tag_keys(keys: Iterable[str]) -> None:
    for key in keys:
        if key.lower().startswith("aws:"):
            raise InvalidParameterException(
                f"Tag keys that start with aws: are reserved for AWS: {key}"
            )


def list_token(place: str) -> str:
    return base64.urlsafe_b64encode(place.encode()).decode()


def place_of(list_token: str | None) -> str | None:
    if list_token is None:
        return None
    try:
        return base64.b64decode(list_token, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid_token() from None


def time_and_name(place: str | None) -> tuple[int, str] | None:
    if place is None:
        return None
    time, colon, name = place.partition(":")
    if not colon or not re.fullmatch(r"-?[0-9]{1,16}", time):
        raise invalid_token()
    return int(time), name
