"""What is told of a message that was received: its facts, and the handle by which it is deleted."""

import base64
import hashlib
from typing import Any

from stoker.core import message_attributes
from stoker.queues.broker import Queue, Received


def handle(queue: Queue, one: Received) -> str:
    text = f"{queue.record.id}:{one.message.id}:{one.receipt}"
    return base64.b64encode(text.encode()).decode()


def facts(queue: Queue, one: Received) -> dict[str, str]:
    """Its system attributes, under SQS's names."""
    message = one.message
    found = {
        **one.content.system,
        "SentTimestamp": str(int(message.sent * 1000)),
        "ApproximateReceiveCount": str(one.receives),
        "ApproximateFirstReceiveTimestamp": str(int(message.first_received * 1000)),
    }
    if queue.line.fifo:
        found["SequenceNumber"] = queue.number(message)
    return found


def md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def record(queue: Queue, one: Received) -> dict[str, Any]:
    """As Lambda hands it to a function."""
    content = one.content
    found: dict[str, Any] = {
        "messageId": content.message_id,
        "receiptHandle": handle(queue, one),
        "body": content.body,
        "attributes": facts(queue, one),
        "messageAttributes": {
            name: {
                **({} if value.text is None else {"stringValue": value.text}),
                **({} if value.data is None else {"binaryValue": _text(value.data)}),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value.kind,
            }
            for name, value in content.attributes.items()
        },
        "md5OfBody": md5(content.body),
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.key.arn,
        "awsRegion": queue.key.region,
    }
    digest = message_attributes.digest(content.attributes)
    if digest is not None:
        found["md5OfMessageAttributes"] = digest
    return found


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
