"""SNS topics, event buses and buckets as destinations, and topics as dead-letter queues; queues,
too, where another endpoint answers for SQS.

Sources: "Capturing records of Lambda asynchronous invocations" of Lambda's developer guide: the
event of a bus, and the key of an object.
"""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from stoker.events.acting import actor
from stoker.events.clock import Clock, LoopClock
from stoker.events.deliveries import Failed, Message
from stoker.invoke.catalog import Catalog
from stoker.neighbours.acting import call_as
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Neighbours, Unreachable


class ToNeighbours:
    """As the function's role, in its account."""

    def __init__(
        self, neighbours: Neighbours, catalog: Catalog, clock: Clock | None = None
    ) -> None:
        self._neighbours = neighbours
        self._catalog = catalog
        self._clock = clock or LoopClock()

    async def to_sns(self, message: Message) -> None:
        """Raise Failed."""
        attributes = _attributes(message)
        told = {"TopicArn": message.arn, "Message": _text(message), "MessageAttributes": attributes}
        await self._call(message, "sns", "Publish", told)

    async def to_events(self, message: Message) -> None:
        """Raise Failed."""
        foreign = message.arn.split(":")[4] != message.function.account
        if foreign and self._neighbours.is_embedded("events"):
            raise Failed(f"{message.arn}: it is another account's")  # moto looks at its name alone
        context = orjson.loads(message.body)["requestContext"]
        outcome = "Success" if context["condition"] == "Success" else "Failure"
        entry = {
            "Source": "lambda",
            "DetailType": f"Lambda Function Invocation Result - {outcome}",
            "Detail": _text(message),
            "EventBusName": message.arn,
            "Resources": [message.arn, context["functionArn"]],
        }
        answer = await self._call(message, "events", "PutEvents", {"Entries": [entry]})
        if answer.get("FailedEntryCount"):
            raise Failed(f"{message.arn}: {answer['Entries'][0].get('ErrorMessage')}")

    async def to_s3(self, message: Message) -> None:
        """Raise Failed."""
        moment = datetime.fromtimestamp(self._clock.now(), UTC)
        key = message.object_key or (
            f"aws/lambda/async/{message.function.name}/{moment:%Y/%m/%d/%Y-%m-%dT%H.%M.%S}"
            f"-{uuid.uuid4()}"
        )
        bucket = message.arn.rpartition(":")[2]
        await self._call(
            message, "s3", "PutObject", {"Bucket": bucket, "Key": key, "Body": message.body}
        )

    async def to_sqs(self, message: Message) -> None:
        """Where another endpoint answers for SQS. Raise Failed."""
        name = message.arn.rpartition(":")[2]
        found = await self._call(message, "sqs", "GetQueueUrl", {"QueueName": name})
        told = {"QueueUrl": found["QueueUrl"], "MessageBody": _text(message)}
        attributes = _attributes(message)
        await self._call(message, "sqs", "SendMessage", {**told, "MessageAttributes": attributes})

    async def _call(
        self, message: Message, service: str, operation: str, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        if not self._neighbours.serves(service):
            raise Failed(f"cannot send to {message.arn}: this server has no {service}")
        region = message.arn.split(":")[3] or message.function.region
        who = actor(self._catalog, message.function)
        try:
            return await call_as(
                self._neighbours, who, service, operation, dict(parameters), region=region
            )
        except (Refused, Unreachable) as error:
            raise Failed(f"{message.arn}: {error}") from error


def _attributes(message: Message) -> dict[str, Any]:
    return {
        name: {"DataType": one.kind, "StringValue": one.value}
        for name, one in message.attributes.items()
    }


def _text(message: Message) -> str:
    return message.body.decode("utf-8", "replace")
