"""What a queue may be called, and what may be said of it. Pure; values and texts are AWS's."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stoker.core.limits import MIB
from stoker.core.queue_errors import (
    InvalidAttributeName,
    InvalidAttributeValue,
    InvalidParameterValue,
)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_RANGES = {
    "VisibilityTimeout": (30, range(43_200 + 1)),
    "MaximumMessageSize": (MIB, range(1024, MIB + 1)),
    "MessageRetentionPeriod": (345_600, range(60, 1_209_600 + 1)),
    "DelaySeconds": (0, range(900 + 1)),
    "ReceiveMessageWaitTimeSeconds": (0, range(20 + 1)),
    "KmsDataKeyReusePeriodSeconds": (300, range(60, 86_400 + 1)),
}
_CHOICES = {
    "FifoQueue": ("true",),
    "ContentBasedDeduplication": ("true", "false"),
    "DeduplicationScope": ("messageGroup", "queue"),
    "FifoThroughputLimit": ("perQueue", "perMessageGroupId"),
    "SqsManagedSseEnabled": ("true", "false"),
}
_FIFO_ONLY = frozenset(
    {"FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit"}
)
_FREE = frozenset({"Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId"})
SETTABLE = frozenset({*_RANGES, *_CHOICES, *_FREE})
ALWAYS_SHOWN = frozenset(_RANGES) - {"KmsDataKeyReusePeriodSeconds"}
RECEIVES = range(1, 1000 + 1)  # maxReceiveCount


@dataclass(frozen=True, slots=True)
class QueueKey:
    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        return f"arn:aws:sqs:{self.region}:{self.account}:{self.name}"

    @classmethod
    def of(cls, arn: str) -> "QueueKey":
        """The queue of this ARN; one that is nowhere, if it is none."""
        parts = arn.split(":", 5)
        return cls(parts[4], parts[3], parts[5]) if len(parts) == 6 else cls("", "", "")


@dataclass(frozen=True, slots=True)
class Redrive:
    """Where messages go that were received too often."""

    arn: str
    receives: int


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What was said of a queue, by AWS's names, as text; what was not has AWS's default."""

    said: Mapping[str, str]

    def number(self, name: str) -> int:
        return int(self.said.get(name, _RANGES[name][0]))

    @property
    def fifo(self) -> bool:
        return self.said.get("FifoQueue") == "true"

    @property
    def by_content(self) -> bool:
        return self.said.get("ContentBasedDeduplication") == "true"

    @property
    def by_group(self) -> bool:
        """Duplicates are looked for in a message's group only."""
        return self.said.get("DeduplicationScope") == "messageGroup"

    @property
    def redrive(self) -> Redrive | None:
        policy = self.said.get("RedrivePolicy")
        return _redrive(policy) if policy else None

    def shown(self) -> dict[str, str]:
        defaults = {name: str(_RANGES[name][0]) for name in ALWAYS_SHOWN}
        more = {"SqsManagedSseEnabled": "true"}
        if self.fifo:
            more |= {
                "ContentBasedDeduplication": "false",
                "DeduplicationScope": "queue",
                "FifoThroughputLimit": "perQueue",
            }
        return {**defaults, **more, **self.said}


def check_name(name: str, attributes: Mapping[str, str]) -> None:
    """Refuse a name that a queue with these attributes cannot have."""
    fifo = attributes.get("FifoQueue") == "true"
    stem = name.removesuffix(".fifo")
    if not _NAME.fullmatch(stem) or len(name) > 80:
        raise InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
    if fifo and stem == name:
        raise InvalidParameterValue(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or "
            "underscores, must end with .fifo suffix and be 1 to 80 in length"
        )
    if not fifo and stem != name:
        raise InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )


def changed(
    before: QueueSettings, given: Mapping[str, str], *, arn: str, new: bool = False
) -> QueueSettings:
    """With what is given in place of what was; refuse what AWS refuses. An empty policy is none."""
    fifo = given.get("FifoQueue") == "true" if new else before.fifo
    said = dict(before.said)
    for name, value in given.items():
        if name not in SETTABLE:
            raise InvalidAttributeName(f"Unknown Attribute {name}.")
        if name in _FIFO_ONLY and (not fifo or (name == "FifoQueue" and not new)):
            raise InvalidAttributeName(f"Unknown Attribute {name}.")
        if name in _FREE and not value:
            said.pop(name, None)
            continue
        said[name] = _checked(name, value, arn)
    return QueueSettings(said)


def differing(existing: QueueSettings, asked: Mapping[str, str]) -> str | None:
    """The first attribute in which a queue of that name is another."""
    shown = existing.shown()
    for name, value in asked.items():
        there = shown.get(name, str(_RANGES[name][0]) if name in _RANGES else "")
        if name in ("Policy", "RedrivePolicy", "RedriveAllowPolicy") and there and value:
            if json.loads(there) != json.loads(value):
                return name
        elif there != value:
            return name
    return None


def _checked(name: str, value: str, arn: str) -> str:
    if name in _RANGES:
        legal = value.isascii() and value.isdecimal() and int(value[:9]) in _RANGES[name][1]
        if not legal or len(value) > 9:
            raise _invalid(name)
        return str(int(value))
    if name in _CHOICES:
        if value not in _CHOICES[name]:
            raise _invalid(name)
        return value
    if name == "RedrivePolicy":
        target = _redrive(value).arn
        if target == arn:
            raise InvalidParameterValue(
                f"Value {value} for parameter RedrivePolicy is invalid. Reason: Dead-letter target"
                " cannot be the queue itself."
            )
        if target.endswith(".fifo") is not arn.endswith(".fifo"):
            raise InvalidParameterValue(
                f"Value {value} for parameter RedrivePolicy is invalid. Reason: Dead-letter queue"
                " must be same type of queue as the source."
            )
    elif name in ("Policy", "RedriveAllowPolicy") and not isinstance(_json(value), dict):
        raise _invalid(name)
    return value


def scope_of(settings: QueueSettings, group: str, deduplication: str) -> str:
    """What makes two messages duplicates."""
    return f"{group}\0{deduplication}" if settings.by_group else deduplication


def content_id(body: str) -> str:
    """The deduplication id of a queue that looks at contents."""
    return hashlib.sha256(body.encode()).hexdigest()


def _redrive(policy: str) -> Redrive:
    found = _json(policy)
    if not isinstance(found, dict):
        raise _invalid("RedrivePolicy")
    arn, receives = found.get("deadLetterTargetArn"), str(found.get("maxReceiveCount"))
    number = int(receives) if receives.isascii() and receives[:9].isdecimal() else 0
    if not isinstance(arn, str) or number not in RECEIVES:
        raise InvalidParameterValue(
            f"Value {policy} for parameter RedrivePolicy is invalid. Reason: Redrive policy must "
            "have a deadLetterTargetArn, and a maxReceiveCount from 1 to 1000."
        )
    return Redrive(arn, number)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _invalid(name: str) -> InvalidAttributeValue:
    return InvalidAttributeValue(f"Invalid value for the parameter {name}.")
