"""What happens to events that are invoked asynchronously: retries, age, destinations."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from stoker.core.errors import (
    InvalidParameterValueException,
    ResourceNotFoundException,
)
from stoker.core.model import FunctionKey
from stoker.core.names import LATEST, function_arn

KIND = "event-invoke"  # in the store
_DESTINATION = re.compile(
    r"arn:aws[a-zA-Z-]*:(?P<kind>[a-z0-9]+):(?P<region>[a-z0-9-]*):(?P<account>[0-9]*):(?P<rest>.+)",
    re.ASCII | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class EventInvoke:
    """Of one function, version or alias. None: AWS's default."""

    modified: float  # seconds of the epoch
    retries: int | None = None
    max_age_s: int | None = None
    on_success: str | None = None
    on_failure: str | None = None

    def dump(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def load(cls, record: Mapping[str, Any]) -> "EventInvoke":
        return cls(**record)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says. None: not mentioned; a destination of "" is none."""

    retries: int | None
    max_age_s: int | None
    on_success: str | None
    on_failure: str | None
    destinations: bool  # whether it speaks of destinations at all


def put(asked: Asked, now: float) -> EventInvoke:
    """What is asked for, and nothing of what was."""
    if asked.retries is None and asked.max_age_s is None and not asked.destinations:
        raise InvalidParameterValueException(
            "You must specify at least one of error handling or destination setting."
        )
    return EventInvoke(
        now, asked.retries, asked.max_age_s, asked.on_success or None, asked.on_failure or None
    )


def updated(before: EventInvoke, asked: Asked, now: float) -> EventInvoke:
    """What was, with what is asked for in its place."""
    new = put(asked, now)
    return replace(
        new,
        retries=before.retries if asked.retries is None else new.retries,
        max_age_s=before.max_age_s if asked.max_age_s is None else new.max_age_s,
        on_success=before.on_success if asked.on_success is None else new.on_success,
        on_failure=before.on_failure if asked.on_failure is None else new.on_failure,
    )


def destination_functions(key: FunctionKey, asked: Asked) -> list[tuple[str, str]]:
    """The functions among the destinations, by (name and qualifier, ARN), which must be there;
    other kinds of destination are judged here."""
    found = []
    for arn, kinds in (
        (asked.on_success, {"lambda", "sqs", "sns", "events"}),
        (asked.on_failure, {"lambda", "sqs", "sns", "events", "s3"}),
    ):
        if not arn:
            continue
        match = _DESTINATION.fullmatch(arn)
        if match is None or match["kind"] not in kinds:
            raise InvalidParameterValueException(
                f"The provided destination config {_java(asked)} is invalid."
            )
        if match["kind"] != "lambda":
            continue
        name = match["rest"].removeprefix("function:")
        if (match["region"], match["account"]) != (key.region, key.account):
            raise invalid_destination(arn)
        if name.partition(":")[0] == key.name:
            raise InvalidParameterValueException(
                "You can't specify the function as a destination for itself."
            )
        found.append((name, arn))
    return found


def invalid_destination(arn: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(f"The destination ARN {arn} is invalid.")


def no_function() -> ResourceNotFoundException:
    return ResourceNotFoundException("The function doesn't exist.")


def none_kept(key: FunctionKey, qualifier: str | None) -> ResourceNotFoundException:
    arn = function_arn(key.region, key.account, key.name, qualifier or LATEST)
    return ResourceNotFoundException(f"The function {arn} doesn't have an EventInvokeConfig")


def _java(asked: Asked) -> str:
    """As AWS's message shows it."""
    success = f"OnSuccess(destination={asked.on_success})" if asked.on_success else "null"
    failure = f"OnFailure(destination={asked.on_failure})" if asked.on_failure else "null"
    return f"DestinationConfig(onSuccess={success}, onFailure={failure})"
