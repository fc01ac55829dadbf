"""What S3, SNS, EventBridge and its Scheduler send to, by ARN; and streams that tell of records.
Pure.

The ARNs are whatever somebody has written into a subscription, a rule or a notification.
"""

import re

_PLACE = r"[a-z0-9-]{1,32}:[0-9]{12}"  # region and account
_FUNCTION = re.compile(rf"arn:aws[a-z-]{{0,16}}:lambda:{_PLACE}:function:[\w$.:-]{{1,200}}", re.A)
_QUEUE = re.compile(rf"arn:aws[a-z-]{{0,16}}:sqs:({_PLACE}):([\w-]{{1,80}}(?:\.fifo)?)", re.A)
_TOPIC = re.compile(rf"arn:aws[a-z-]{{0,16}}:sns:{_PLACE}:[\w-]{{1,256}}(\.fifo)?", re.A)
_STREAM = re.compile(
    rf"arn:aws[a-z-]{{0,16}}:(kinesis:{_PLACE}:stream/[\w.-]{{1,128}}"
    rf"|dynamodb:{_PLACE}:table/[\w.-]{{1,255}}/stream/[\w:.-]{{1,64}})",
    re.A,
)


def is_function(arn: str) -> bool:
    return _FUNCTION.fullmatch(arn) is not None


def is_queue(arn: str) -> bool:
    return _QUEUE.fullmatch(arn) is not None


def is_topic(arn: str) -> bool:
    return _TOPIC.fullmatch(arn) is not None


def is_stream(arn: str) -> bool:
    return _STREAM.fullmatch(arn) is not None


def queue(arn: str) -> tuple[str, str, str] | None:
    """Its account, region and name; None: it is no queue's."""
    found = _QUEUE.fullmatch(arn)
    if found is None:
        return None
    region, account = found[1].split(":")
    return account, region, found[2]
