"""A message of SQS as Lambda hands it to a function ("Using Lambda with Amazon SQS"). Pure."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any

from stoker.core import message_attributes
from stoker.core.message_attributes import Value


def record(
    arn: str,
    body: str,
    *,
    message_id: str,
    handle: str,
    facts: Mapping[str, str],
    attributes: Mapping[str, Value],
) -> dict[str, Any]:
    """arn: the queue's. facts: system attributes, under SQS's names."""
    found: dict[str, Any] = {
        "messageId": message_id,
        "receiptHandle": handle,
        "body": body,
        "attributes": dict(facts),
        "messageAttributes": {
            name: {
                **({} if value.text is None else {"stringValue": value.text}),
                **({} if value.data is None else {"binaryValue": _text(value.data)}),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": value.kind,
            }
            for name, value in attributes.items()
        },
        "md5OfBody": md5(body),
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }
    digest = message_attributes.digest(attributes)
    if digest is not None:
        found["md5OfMessageAttributes"] = digest
    return found


def md5(body: str) -> str:
    return hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
