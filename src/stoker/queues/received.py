"""What is told of a message that was received: its facts, and the handle by which it is deleted."""

import base64
from typing import Any

from stoker.core import queue_records
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


def record(queue: Queue, one: Received) -> dict[str, Any]:
    """As Lambda hands it to a function."""
    content = one.content
    return queue_records.record(
        queue.key.arn,
        content.body,
        message_id=content.message_id,
        handle=handle(queue, one),
        facts=facts(queue, one),
        attributes=content.attributes,
    )
