"""SQS: queues, their attributes and tags. Messages are in api/queue_messages.py."""

import math
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

from stoker.api import markers
from stoker.api.control import Call, Caller, Control
from stoker.api.shapes.sqs import (
    CreateQueueInput,
    CreateQueueResult,
    DeleteQueueInput,
    GetQueueAttributesInput,
    GetQueueAttributesResult,
    GetQueueUrlInput,
    GetQueueUrlResult,
    ListDeadLetterSourceQueuesInput,
    ListDeadLetterSourceQueuesResult,
    ListQueuesInput,
    ListQueuesResult,
    ListQueueTagsInput,
    ListQueueTagsResult,
    PurgeQueueInput,
    SetQueueAttributesInput,
    TagQueueInput,
    UntagQueueInput,
)
from stoker.core import queue_rules
from stoker.core.errors import AccessDeniedException
from stoker.core.queue_errors import (
    InvalidAddress,
    InvalidAttributeName,
    InvalidParameterValue,
    QueueDoesNotExist,
)
from stoker.core.queue_rules import QueueKey
from stoker.queues.broker import Queue

TAGS = 50  # AWS: of one queue
PAGE = range(1, 1000 + 1)
_LISTED = 1000  # AWS: at most, without MaxResults
_COUNTED = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)


def addressed(control: Control, caller: Caller, url: str) -> Queue:
    """The queue of an address: its last two parts count, not the name by which we are called."""
    try:
        account, name = urlsplit(url).path.strip("/").split("/")[-2:]
    except ValueError:  # also of an address that is none
        raise InvalidAddress(f"The address {url} is not valid for this endpoint.") from None
    if account != caller.account:
        raise AccessDeniedException(f"Access to the resource {url} is denied.")
    return control.queues.find(QueueKey(account, caller.region, name))


def url_of(call_base: str, queue: Queue) -> str:
    return f"{call_base}/{queue.key.account}/{queue.key.name}"


async def create_queue(control: Control, call: Call[CreateQueueInput]) -> CreateQueueResult:
    """Make a queue; harmless if there is the same already."""
    asked, caller = call.input, call.caller
    _check_tags(asked.tags or {})
    key = QueueKey(caller.account, caller.region, asked.queue_name)
    queue = await control.queues.create(key, asked.attributes or {}, asked.tags or {})
    return CreateQueueResult(queue_url=url_of(call.base_url, queue))


async def get_queue_url(control: Control, call: Call[GetQueueUrlInput]) -> GetQueueUrlResult:
    caller = call.caller
    if call.input.queue_owner_aws_account_id not in (None, caller.account):
        raise QueueDoesNotExist("The specified queue does not exist.")
    queue = control.queues.find(QueueKey(caller.account, caller.region, call.input.queue_name))
    return GetQueueUrlResult(queue_url=url_of(call.base_url, queue))


async def list_queues(control: Control, call: Call[ListQueuesInput]) -> ListQueuesResult:
    asked, caller = call.input, call.caller
    found = control.queues.named(caller.account, caller.region, asked.queue_name_prefix or "")
    urls, token = _page(call.base_url, found, asked.max_results, asked.next_token)
    return ListQueuesResult(queue_urls=urls, next_token=token)


async def list_dead_letter_source_queues(
    control: Control, call: Call[ListDeadLetterSourceQueuesInput]
) -> ListDeadLetterSourceQueuesResult:
    asked = call.input
    queue = addressed(control, call.caller, asked.queue_url)
    found = control.queues.sources(queue)
    urls, token = _page(call.base_url, found, asked.max_results, asked.next_token)
    return ListDeadLetterSourceQueuesResult(queue_urls=urls, next_token=token)


async def delete_queue(control: Control, call: Call[DeleteQueueInput]) -> None:
    """With all its messages. Its name is free at once."""
    await control.queues.delete(addressed(control, call.caller, call.input.queue_url))


async def purge_queue(control: Control, call: Call[PurgeQueueInput]) -> None:
    await control.queues.purge(addressed(control, call.caller, call.input.queue_url))


async def get_queue_attributes(
    control: Control, call: Call[GetQueueAttributesInput]
) -> GetQueueAttributesResult:
    queue = addressed(control, call.caller, call.input.queue_url)
    wanted = call.input.attribute_names or ()
    known = {*queue_rules.SETTABLE, *_COUNTED, "All", "QueueArn", "CreatedTimestamp"}
    for name in wanted:
        if name not in known | {"LastModifiedTimestamp"}:
            raise InvalidAttributeName(f"Unknown Attribute {name}.")
    counts = queue.line.counts(time.time())
    shown = {
        "QueueArn": queue.key.arn,
        **{name: str(count) for name, count in zip(_COUNTED, counts, strict=True)},
        "CreatedTimestamp": str(math.floor(queue.record.created)),
        "LastModifiedTimestamp": str(math.floor(queue.record.modified)),
        **queue.settings.shown(),
    }
    if "All" not in wanted:
        shown = {name: value for name, value in shown.items() if name in wanted}
    return GetQueueAttributesResult(attributes=shown or None)


async def set_queue_attributes(control: Control, call: Call[SetQueueAttributesInput]) -> None:
    queue = addressed(control, call.caller, call.input.queue_url)
    settings = queue_rules.changed(queue.settings, call.input.attributes, arn=queue.key.arn)
    await control.queues.change(queue, settings=settings)


async def list_queue_tags(control: Control, call: Call[ListQueueTagsInput]) -> ListQueueTagsResult:
    queue = addressed(control, call.caller, call.input.queue_url)
    return ListQueueTagsResult(tags=dict(queue.record.tags) or None)


async def tag_queue(control: Control, call: Call[TagQueueInput]) -> None:
    queue = addressed(control, call.caller, call.input.queue_url)
    tags = {**queue.record.tags, **call.input.tags}
    _check_tags(tags)
    await control.queues.change(queue, tags=tags)


async def untag_queue(control: Control, call: Call[UntagQueueInput]) -> None:
    queue = addressed(control, call.caller, call.input.queue_url)
    gone = set(call.input.tag_keys)
    tags = {key: value for key, value in queue.record.tags.items() if key not in gone}
    await control.queues.change(queue, tags=tags)


def _check_tags(tags: dict[str, str] | object) -> None:
    assert isinstance(tags, dict)
    if len(tags) > TAGS:
        raise InvalidParameterValue(f"Too many tags added for queue; maximum allowed is {TAGS}.")
    if any(not 1 <= len(key) <= 128 or len(value) > 256 for key, value in tags.items()):
        raise InvalidParameterValue(
            "Tag keys must be between 1 and 128 characters in length, values at most 256."
        )


def _page(
    base_url: str, found: Sequence[Queue], most: int | None, token: str | None
) -> tuple[tuple[str, ...], str | None]:
    if most is not None and most not in PAGE:
        raise InvalidParameterValue(
            f"Value {most} for parameter MaxResults is invalid. Reason: MaxResults must be an "
            "integer between 1 and 1000."
        )
    after = markers.read(token)
    rest = [queue for queue in found if queue.key.name > after]
    page = rest[: most or _LISTED]
    # Without MaxResults there is no second page, as on AWS.
    more = most is not None and len(rest) > len(page)
    urls = tuple(url_of(base_url, queue) for queue in page)
    return urls, markers.marker(page[-1].key.name) if more else None
