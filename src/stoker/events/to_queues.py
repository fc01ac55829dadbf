"""An SQS queue as a destination, or for dead letters."""

from stoker.core.errors import ServiceError
from stoker.core.message_attributes import Value
from stoker.core.queue_rules import QueueKey
from stoker.events.deliveries import Failed, Message
from stoker.queues.broker import Broker
from stoker.queues.posting import Post, post


class ToQueues:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def send(self, message: Message) -> None:
        """Return when it is on the disk. Raise Failed."""
        region, account, name = message.arn.split(":", 5)[3:]
        if account != message.function.account:
            raise Failed(f"{message.arn} is another account's")
        if name.endswith(".fifo"):
            raise Failed(f"{message.arn} is a FIFO queue: AWS does not deliver to these")
        attributes = {
            key: Value(attribute.kind, attribute.value)
            for key, attribute in message.attributes.items()
        }
        it = Post(message.body.decode(), attributes, message.trace_id)
        try:
            await post(self._broker, QueueKey(account, region, name), it)
        except ServiceError as refusal:
            raise Failed(refusal.message) from refusal
