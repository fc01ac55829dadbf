"""Messages that AWS's other services, and Lambda itself, put into a queue."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field

from stoker.core import message_attributes
from stoker.core.message_attributes import Value
from stoker.core.queue_errors import InvalidParameterValue
from stoker.core.queue_rules import QueueKey, content_id, scope_of
from stoker.queues.broker import Broker, Outgoing
from stoker.store.message_store import MessageContent


@dataclass(frozen=True, slots=True)
class Post:
    body: str
    attributes: Mapping[str, Value] = field(default_factory=dict)
    trace: str = ""  # X-Amzn-Trace-Id
    group: str | None = None
    deduplication: str | None = None  # None: by content, in a FIFO queue


async def post(broker: Broker, key: QueueKey, it: Post) -> None:
    """Return when it is on the disk. Raise what SQS would answer: QueueDoesNotExist, ..."""
    queue = broker.find(key)
    size = len(it.body.encode()) + message_attributes.size(it.attributes)
    most = queue.settings.number("MaximumMessageSize")
    if size > most:
        raise InvalidParameterValue(f"{size} bytes are more than the queue takes ({most})")
    message_attributes.check_text(it.body)
    facts = {"SenderId": key.account}
    if it.trace:
        facts["AWSTraceHeader"] = it.trace
    group = scope = None
    if queue.line.fifo:
        if it.group is None:
            raise InvalidParameterValue("a message for a FIFO queue needs a MessageGroupId")
        group, deduplication = it.group, it.deduplication or content_id(it.body)
        scope = scope_of(queue.settings, group, deduplication)
        facts |= {"MessageGroupId": group, "MessageDeduplicationId": deduplication}
    content = MessageContent(str(uuid.uuid4()), it.body, it.attributes, facts)
    delay_s = queue.settings.number("DelaySeconds")
    await broker.send(queue, [Outgoing(content, size, delay_s, group, scope)])
