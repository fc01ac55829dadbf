"""An SQS queue as a destination, or for dead letters."""

import uuid

from stoker.core import message_attributes
from stoker.core.errors import ServiceError
from stoker.core.message_attributes import Value
from stoker.core.queue_rules import QueueKey
from stoker.events.deliveries import Failed, Message
from stoker.queues.broker import Broker, Outgoing
from stoker.store.message_store import MessageContent


class ToQueues:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def send(self, message: Message) -> None:
        """Return when it is on the disk. Raise Failed."""
        region, account, name = message.arn.split(":", 5)[3:]
        if account != message.function.account:
            raise Failed(f"{message.arn} is another account's")
        attributes = {
            key: Value(attribute.kind, attribute.value)
            for key, attribute in message.attributes.items()
        }
        body = message.body.decode()
        size = len(message.body) + message_attributes.size(attributes)
        facts = {"SenderId": account}
        if message.trace_id:
            facts["AWSTraceHeader"] = message.trace_id
        content = MessageContent(str(uuid.uuid4()), body, attributes, facts)
        try:
            queue = self._broker.find(QueueKey(account, region, name))
            if queue.line.fifo:
                raise Failed(f"{message.arn} is a FIFO queue: AWS does not deliver to these")
            most = queue.settings.number("MaximumMessageSize")
            if size > most:
                raise Failed(f"{size} bytes are more than {message.arn} takes ({most})")
            message_attributes.check_text(body)
            delay_s = queue.settings.number("DelaySeconds")
            await self._broker.send(queue, [Outgoing(content, size, delay_s)])
        except ServiceError as refusal:
            raise Failed(refusal.message) from refusal
