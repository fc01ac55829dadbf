"""Where ended events are told of: destinations get a record, dead-letter queues the event.

One attempt, as on AWS: what cannot be delivered is counted (DestinationDeliveryFailures,
DeadLetterErrors), logged, and gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from stoker.core.event_records import Attribute, Ending, dead_letter, record
from stoker.core.model import FunctionKey

DELIVERY_S = 60.0  # one delivery, however slow its receiver is


class Failed(Exception):
    """It could not be delivered: why, in words for the log."""


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent."""

    function: FunctionKey  # whose event it was
    arn: str  # of the receiver
    body: bytes
    attributes: Mapping[str, Attribute]
    trace_id: str
    object_key: str = ""  # in a bucket; "": as for asynchronous invocations


Send = Callable[[Message], Awaitable[None]]  # raises Failed


class Deliveries:
    def __init__(self) -> None:
        self._senders: dict[str, Send] = {}

    def through(self, service: str, send: Send) -> None:
        """Send so to ARNs of this service ("lambda", "sqs")."""
        self._senders[service] = send

    async def record(self, key: FunctionKey, arn: str, ending: Ending, trace: str) -> None:
        """Raise Failed."""
        body = await asyncio.to_thread(record, ending)  # it may have seven megabytes
        await self.send(Message(key, arn, body, {}, trace))

    async def dead_letter(self, key: FunctionKey, arn: str, ending: Ending, trace: str) -> None:
        """Raise Failed."""
        await self.send(Message(key, arn, ending.event, dead_letter(ending), trace))

    async def send(self, message: Message) -> None:
        """Raise Failed."""
        service = message.arn.split(":")[2]
        send = self._senders.get(service)
        if send is None:
            raise Failed(f"cannot send to {message.arn}: Stoker does not have {service}")
        try:
            async with asyncio.timeout(DELIVERY_S):
                await send(message)
        except TimeoutError:
            raise Failed(f"{message.arn} took longer than {DELIVERY_S} s") from None
