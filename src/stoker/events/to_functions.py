"""A function as the destination of another one's events: it gets the record as an event."""

import uuid

from stoker.core import lineage, tenancy
from stoker.core.errors import ServiceError
from stoker.core.limits import ASYNC_PAYLOAD_BYTES
from stoker.core.model import FunctionKey
from stoker.core.names import parse_function_ref
from stoker.events.deliveries import Failed, Message
from stoker.events.dispatcher import Dispatcher
from stoker.invoke.catalog import Catalog
from stoker.store.event_queue import Content


class ToFunctions:
    def __init__(self, dispatcher: Dispatcher, catalog: Catalog) -> None:
        self._dispatcher = dispatcher
        self._catalog = catalog

    async def send(self, message: Message) -> None:
        """Return when the event is on the disk. Raise Failed."""
        if len(message.body) > ASYNC_PAYLOAD_BYTES:
            raise Failed(f"an event of {len(message.body)} bytes is too large")
        ref = parse_function_ref(message.arn)
        key = FunctionKey(message.function.account, message.function.region, ref.name)
        trace, _ = lineage.advanced(message.trace_id, lineage.mark(key.arn))
        content = Content(
            str(uuid.uuid4()), message.arn, "application/json", trace, "", message.body
        )
        try:
            target = self._catalog.resolve(key.account, key.region, key.name, ref.qualifier)
            tenancy.check(target)
            await self._dispatcher.keep(key, ref.qualifier, content)
        except ServiceError as refusal:
            raise Failed(refusal.message) from refusal
