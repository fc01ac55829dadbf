"""SQS: messages are sent, received, kept hidden and deleted, one by one or in batches of ten."""

import base64
import binascii
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from stoker.api.control import Call, Caller, Control
from stoker.api.queues import addressed
from stoker.api.shapes import sqs as shapes
from stoker.core import message_attributes, queue_records
from stoker.core.limits import MIB
from stoker.core.message_attributes import Value
from stoker.core.message_queue import Message
from stoker.core.queue_errors import (
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    InvalidParameterValue,
    MessageNotInflight,
    MissingParameter,
    QueueError,
    ReceiptHandleIsInvalid,
    TooManyEntriesInBatchRequest,
)
from stoker.core.queue_rules import content_id, scope_of
from stoker.queues import received
from stoker.queues.broker import Outgoing, Queue, Received, Sent
from stoker.store.message_store import MessageContent

BATCH = 10  # AWS: messages of one request
BATCH_BYTES = MIB
DELAY_S = range(900 + 1)
VISIBILITY_S = range(43_200 + 1)
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)
_FIFO_ID = re.compile(r"[A-Za-z0-9!\"#$%&'()*+,./:;<=>?@\[\\\]^_`{|}~-]{1,128}", re.ASCII)
_WRONG_KIND = "The request include parameter that is not valid for this queue type."
Entry = TypeVar("Entry")
Sending = shapes.SendMessageInput | shapes.SendMessageBatchRequestEntry


async def send_message(
    control: Control, call: Call[shapes.SendMessageInput]
) -> shapes.SendMessageResult:
    """Answered when it is on the disk."""
    queue = addressed(control, call.caller, call.input.queue_url)
    outgoing = _outgoing(queue, call.input, call.caller, call.trace)
    (sent,) = await control.queues.send(queue, [outgoing])
    return shapes.SendMessageResult(**_told(outgoing, sent))


async def send_message_batch(
    control: Control, call: Call[shapes.SendMessageBatchInput]
) -> shapes.SendMessageBatchResult:
    """Each for itself: what is not legal fails alone."""
    queue = addressed(control, call.caller, call.input.queue_url)
    entries = _checked(call.input.entries, "SendMessageBatchRequestEntry")
    size = sum(_size(entry) for entry in entries)
    if size > BATCH_BYTES:
        raise BatchRequestTooLong(
            f"Batch requests cannot be longer than {BATCH_BYTES} bytes. You have sent {size} bytes."
        )
    legal, failed = _each(entries, lambda e: _outgoing(queue, e, call.caller, call.trace))
    sent = await control.queues.send(queue, [outgoing for _, outgoing in legal])
    return shapes.SendMessageBatchResult(
        successful=tuple(
            shapes.SendMessageBatchResultEntry(id=entry.id, **_told(outgoing, one))
            for (entry, outgoing), one in zip(legal, sent, strict=True)
        ),
        failed=failed,
    )


async def receive_message(
    control: Control, call: Call[shapes.ReceiveMessageInput]
) -> shapes.ReceiveMessageResult:
    """Up to ten; with WaitTimeSeconds as soon as there is one."""
    asked = call.input
    queue = addressed(control, call.caller, asked.queue_url)
    settings = queue.settings
    most = 1 if asked.max_number_of_messages is None else asked.max_number_of_messages
    if most not in range(1, BATCH + 1):
        raise _out_of_range("MaxNumberOfMessages", most, "Must be between 1 and 10, if provided.")
    wait_s, visibility_s = asked.wait_time_seconds, asked.visibility_timeout
    if wait_s is None:
        wait_s = settings.number("ReceiveMessageWaitTimeSeconds")
    if visibility_s is None:
        visibility_s = settings.number("VisibilityTimeout")
    if wait_s not in range(20 + 1):
        raise _out_of_range("WaitTimeSeconds", wait_s, "Must be >= 0 and <= 20, if provided.")
    if visibility_s not in VISIBILITY_S:
        raise _out_of_range("VisibilityTimeout", visibility_s, "Must be between 0 and 43200.")
    found = await control.queues.receive(queue, most, wait_s=wait_s, visibility_s=visibility_s)
    messages = tuple(_shown(queue, one, asked) for one in found)
    return shapes.ReceiveMessageResult(messages=messages or None)


async def delete_message(control: Control, call: Call[shapes.DeleteMessageInput]) -> None:
    """Of what was received more than once, the latest receipt counts."""
    queue = addressed(control, call.caller, call.input.queue_url)
    message = _deletable(queue, call.input.receipt_handle)
    await control.queues.remove(queue, [message] if message else [])


async def delete_message_batch(
    control: Control, call: Call[shapes.DeleteMessageBatchInput]
) -> shapes.DeleteMessageBatchResult:
    queue = addressed(control, call.caller, call.input.queue_url)
    entries = _checked(call.input.entries, "DeleteMessageBatchRequestEntry")
    legal, failed = _each(entries, lambda entry: _deletable(queue, entry.receipt_handle))
    found = {message.id: message for _, message in legal if message}
    await control.queues.remove(queue, list(found.values()))
    return shapes.DeleteMessageBatchResult(
        successful=tuple(shapes.DeleteMessageBatchResultEntry(id=entry.id) for entry, _ in legal),
        failed=failed,
    )


async def change_message_visibility(
    control: Control, call: Call[shapes.ChangeMessageVisibilityInput]
) -> None:
    """Hide a message that is in flight for longer, or (0) not any more."""
    asked = call.input
    queue = addressed(control, call.caller, asked.queue_url)
    _change(control, queue, asked.receipt_handle, asked.visibility_timeout)


async def change_message_visibility_batch(
    control: Control, call: Call[shapes.ChangeMessageVisibilityBatchInput]
) -> shapes.ChangeMessageVisibilityBatchResult:
    queue = addressed(control, call.caller, call.input.queue_url)
    entries = _checked(call.input.entries, "ChangeMessageVisibilityBatchRequestEntry")
    legal, failed = _each(
        entries,
        lambda entry: _change(control, queue, entry.receipt_handle, entry.visibility_timeout),
    )
    return shapes.ChangeMessageVisibilityBatchResult(
        successful=tuple(
            shapes.ChangeMessageVisibilityBatchResultEntry(id=entry.id) for entry, _ in legal
        ),
        failed=failed,
    )


# --- sending --------------------------------------------------------------------------------------


def _outgoing(queue: Queue, asked: Sending, caller: Caller, trace: str) -> Outgoing:
    """Check one message, and complete it from what its queue says."""
    body, settings = asked.message_body, queue.settings
    if not body:
        raise MissingParameter("The request must contain the parameter MessageBody.")
    message_attributes.check_text(body)
    attributes, system = _values(asked.message_attributes), _system(asked)
    message_attributes.check(attributes)
    size, most = _size(asked), settings.number("MaximumMessageSize")
    if size > most:
        raise InvalidParameterValue(
            "One or more parameters are invalid. Reason: Message must be shorter than "
            f"{most} bytes."
        )
    facts = {"SenderId": caller.account, **_traced(system, trace)}
    group, scope, delay_s = asked.message_group_id, None, asked.delay_seconds
    if settings.fifo:
        group, scope, deduplication = _fifo(queue, asked)
        facts |= {"MessageGroupId": group, "MessageDeduplicationId": deduplication}
    else:
        if asked.message_deduplication_id is not None:
            raise _out_of_range(
                "MessageDeduplicationId", asked.message_deduplication_id, _WRONG_KIND
            )
        if group is not None:
            facts["MessageGroupId"] = _fifo_id("MessageGroupId", group)
    if delay_s is None:
        delay_s = settings.number("DelaySeconds")
    elif delay_s not in DELAY_S or (settings.fifo and delay_s):
        raise _out_of_range(
            "DelaySeconds",
            delay_s,
            _WRONG_KIND if delay_s in DELAY_S else "DelaySeconds must be >= 0 and <= 900.",
        )
    content = MessageContent(str(uuid.uuid4()), body, attributes, facts)
    return Outgoing(content, size, delay_s, group if settings.fifo else None, scope)


def _fifo(queue: Queue, asked: Sending) -> tuple[str, str, str]:
    """Group, scope of duplicates, and deduplication id."""
    if asked.message_group_id is None:
        raise MissingParameter("The request must contain the parameter MessageGroupId.")
    group = _fifo_id("MessageGroupId", asked.message_group_id)
    if asked.message_deduplication_id is not None:
        deduplication = _fifo_id("MessageDeduplicationId", asked.message_deduplication_id)
    elif queue.settings.by_content:
        deduplication = content_id(asked.message_body)
    else:
        raise InvalidParameterValue(
            "The queue should either have ContentBasedDeduplication enabled or "
            "MessageDeduplicationId provided explicitly"
        )
    return group, scope_of(queue.settings, group, deduplication), deduplication


def _fifo_id(name: str, value: str) -> str:
    if not _FIFO_ID.fullmatch(value):
        raise InvalidParameterValue(
            f"Value {value} for parameter {name} is invalid. Reason: {name} can only include "
            "alphanumeric and punctuation characters. 1 to 128 in length."
        )
    return value


def _values(given: Mapping[str, shapes.MessageAttributeValue] | None) -> dict[str, Value]:
    found = {}
    for name, one in (given or {}).items():
        if one.string_list_values or one.binary_list_values:
            raise InvalidParameterValue("Message attribute list values are not supported.")
        text = None if one.data_type.startswith("Binary") else one.string_value
        found[name] = Value(one.data_type, text, one.binary_value)
    return found


def _system(asked: Sending) -> dict[str, Value]:
    found = {}
    for name, one in (asked.message_system_attributes or {}).items():
        if name != "AWSTraceHeader" or one.data_type != "String" or not one.string_value:
            raise InvalidParameterValue(
                "Message system attribute name is invalid, the set of supported attributes is "
                "AWSTraceHeader, of type String."
            )
        found[name] = Value("String", one.string_value)
    return found


def _traced(system: Mapping[str, Value], trace: str) -> dict[str, str]:
    """The trace header that goes with it: said expressly, or the request's own."""
    said = system.get("AWSTraceHeader")
    header = said.text if said is not None else trace
    return {"AWSTraceHeader": header} if header else {}


def _size(asked: Sending) -> int:
    return len(asked.message_body.encode()) + message_attributes.size(
        {
            name: Value(one.data_type, one.string_value, one.binary_value or b"")
            for name, one in (asked.message_attributes or {}).items()
        }
    )


def _told(outgoing: Outgoing, sent: Sent) -> dict[str, Any]:
    content = outgoing.content
    return {
        "message_id": sent.message_id,
        "md5_of_message_body": queue_records.md5(content.body),
        "md5_of_message_attributes": message_attributes.digest(content.attributes),
        "sequence_number": sent.number,
    }


# --- receiving ------------------------------------------------------------------------------------


def _shown(queue: Queue, one: Received, asked: shapes.ReceiveMessageInput) -> shapes.Message:
    content = one.content
    named = {*(asked.attribute_names or ()), *(asked.message_system_attribute_names or ())}
    facts = received.facts(queue, one)
    if "All" not in named:
        facts = {name: value for name, value in facts.items() if name in named}
    wanted = asked.message_attribute_names or ()
    attributes = {
        name: value for name, value in content.attributes.items() if _is_wanted(name, wanted)
    }
    return shapes.Message(
        message_id=content.message_id,
        receipt_handle=received.handle(queue, one),
        md5_of_body=queue_records.md5(content.body),
        body=content.body,
        attributes=facts or None,
        md5_of_message_attributes=message_attributes.digest(attributes),
        message_attributes={
            name: shapes.MessageAttributeValue(
                data_type=value.kind, string_value=value.text, binary_value=value.data
            )
            for name, value in attributes.items()
        }
        or None,
    )


def _is_wanted(name: str, wanted: Sequence[str]) -> bool:
    return any(
        one in ("All", ".*", name) or (one.endswith(".*") and name.startswith(one[:-2]))
        for one in wanted
    )


# --- receipts -------------------------------------------------------------------------------------


def _receipt(queue: Queue, handle: str) -> tuple[Message | None, str]:
    """The message that was received, if it is still there, and which receive it was."""
    try:
        queue_id, message, receipt = base64.b64decode(handle, validate=True).decode().split(":")
        number = int(message) if message.isascii() and message.isdecimal() else -1
    except (binascii.Error, ValueError):
        queue_id, number, receipt = "", -1, ""
    if queue_id != str(queue.record.id) or number < 0 or not receipt:
        raise ReceiptHandleIsInvalid(
            f'The input receipt handle "{handle[:1024]}" is not a valid receipt handle.'
        )
    return queue.line.all.get(number), receipt


def _deletable(queue: Queue, handle: str) -> Message | None:
    """None: there is nothing to delete any more, or a newer receipt is needed."""
    message, receipt = _receipt(queue, handle)
    if message is None:
        return None
    latest = message.receipt == receipt
    if queue.line.fifo and not (latest and message.flying):
        raise InvalidParameterValue(
            f"Value {handle} for parameter ReceiptHandle is invalid. Reason: The receipt handle "
            "has expired."
        )
    return message if latest else None


def _change(control: Control, queue: Queue, handle: str, seconds: int | None) -> None:
    if seconds is None:
        raise MissingParameter("The request must contain the parameter VisibilityTimeout.")
    if seconds not in VISIBILITY_S:
        raise _out_of_range(
            "VisibilityTimeout", seconds, "VisibilityTimeout must be an integer from 0 to 43200."
        )
    message, receipt = _receipt(queue, handle)
    if message is None:
        raise InvalidParameterValue(
            f"Value {handle} for parameter ReceiptHandle is invalid. Reason: Message does not "
            "exist or is not available for visibility timeout change."
        )
    queue.line.advance(control.queues.now())
    if message.receipt != receipt or not message.flying:
        raise MessageNotInflight("The message referred to isn't in flight.")
    control.queues.keep_hidden(queue, message, seconds)


# --- batches --------------------------------------------------------------------------------------


def _checked(entries: Sequence[Entry], kind: str) -> Sequence[Entry]:
    ids: list[str] = [entry.id for entry in entries]  # type: ignore[attr-defined]
    if not entries:
        raise EmptyBatchRequest(f"There should be at least one {kind} in the request.")
    if len(entries) > BATCH:
        raise TooManyEntriesInBatchRequest(
            f"Maximum number of entries per request are {BATCH}. You have sent {len(entries)}."
        )
    for id in ids:
        if not _ENTRY_ID.fullmatch(id):
            raise InvalidBatchEntryId(
                "A batch entry id can only contain alphanumeric characters, hyphens and "
                "underscores. It can be at most 80 letters long."
            )
        if ids.count(id) > 1:
            raise BatchEntryIdsNotDistinct(f"Id {id} repeated.")
    return entries


Found = TypeVar("Found")


def _each(
    entries: Sequence[Entry], work: Callable[[Entry], Found]
) -> tuple[list[tuple[Any, Found]], tuple[shapes.BatchResultErrorEntry, ...]]:
    """What came of each entry, and what was refused."""
    legal, failed = [], []
    for entry in entries:
        try:
            legal.append((entry, work(entry)))
        except QueueError as refusal:
            failed.append(
                shapes.BatchResultErrorEntry(
                    id=entry.id,  # type: ignore[attr-defined]
                    sender_fault=True,
                    code=refusal.query_code,
                    message=refusal.message,
                )
            )
    return legal, tuple(failed)


def _out_of_range(name: str, value: object, reason: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Value {value} for parameter {name} is invalid. Reason: {reason}")
