# Generated from botocore's model of sqs by generate_shapes.py. Do not edit.
"""Amazon Simple Queue Service: inputs and outputs of the operations that Stoker has built."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateQueueInput:
    queue_name: str
    attributes: Mapping[str, str] | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateQueueResult:
    queue_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetQueueUrlInput:
    queue_name: str
    queue_owner_aws_account_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetQueueUrlResult:
    queue_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQueuesInput:
    queue_name_prefix: str | None = None
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQueuesResult:
    queue_urls: tuple[str, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteQueueInput:
    queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PurgeQueueInput:
    queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GetQueueAttributesInput:
    queue_url: str
    attribute_names: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetQueueAttributesResult:
    attributes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetQueueAttributesInput:
    queue_url: str
    attributes: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeadLetterSourceQueuesInput:
    queue_url: str
    next_token: str | None = None
    max_results: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListDeadLetterSourceQueuesResult:
    queue_urls: tuple[str, ...]
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQueueTagsInput:
    queue_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListQueueTagsResult:
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagQueueInput:
    queue_url: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagQueueInput:
    queue_url: str
    tag_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageAttributeValue:
    string_value: str | None = None
    binary_value: bytes | None = None
    string_list_values: tuple[str, ...] | None = None
    binary_list_values: tuple[bytes, ...] | None = None
    data_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSystemAttributeValue:
    string_value: str | None = None
    binary_value: bytes | None = None
    string_list_values: tuple[str, ...] | None = None
    binary_list_values: tuple[bytes, ...] | None = None
    data_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessageInput:
    queue_url: str
    message_body: str
    delay_seconds: int | None = None
    message_attributes: Mapping[str, MessageAttributeValue] | None = None
    message_system_attributes: Mapping[str, MessageSystemAttributeValue] | None = None
    message_deduplication_id: str | None = None
    message_group_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessageResult:
    md5_of_message_body: str | None = None
    md5_of_message_attributes: str | None = None
    md5_of_message_system_attributes: str | None = None
    message_id: str | None = None
    sequence_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessageBatchRequestEntry:
    id: str
    message_body: str
    delay_seconds: int | None = None
    message_attributes: Mapping[str, MessageAttributeValue] | None = None
    message_system_attributes: Mapping[str, MessageSystemAttributeValue] | None = None
    message_deduplication_id: str | None = None
    message_group_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessageBatchInput:
    queue_url: str
    entries: tuple[SendMessageBatchRequestEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessageBatchResultEntry:
    id: str
    message_id: str
    md5_of_message_body: str
    md5_of_message_attributes: str | None = None
    md5_of_message_system_attributes: str | None = None
    sequence_number: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchResultErrorEntry:
    id: str
    sender_fault: bool
    code: str
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMessageBatchResult:
    successful: tuple[SendMessageBatchResultEntry, ...]
    failed: tuple[BatchResultErrorEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveMessageInput:
    queue_url: str
    attribute_names: tuple[str, ...] | None = None
    message_system_attribute_names: tuple[str, ...] | None = None
    message_attribute_names: tuple[str, ...] | None = None
    max_number_of_messages: int | None = None
    visibility_timeout: int | None = None
    wait_time_seconds: int | None = None
    receive_request_attempt_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    message_id: str | None = None
    receipt_handle: str | None = None
    md5_of_body: str | None = None
    body: str | None = None
    attributes: Mapping[str, str] | None = None
    md5_of_message_attributes: str | None = None
    message_attributes: Mapping[str, MessageAttributeValue] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveMessageResult:
    messages: tuple[Message, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMessageInput:
    queue_url: str
    receipt_handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMessageBatchRequestEntry:
    id: str
    receipt_handle: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMessageBatchInput:
    queue_url: str
    entries: tuple[DeleteMessageBatchRequestEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMessageBatchResultEntry:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMessageBatchResult:
    successful: tuple[DeleteMessageBatchResultEntry, ...]
    failed: tuple[BatchResultErrorEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMessageVisibilityInput:
    queue_url: str
    receipt_handle: str
    visibility_timeout: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMessageVisibilityBatchRequestEntry:
    id: str
    receipt_handle: str
    visibility_timeout: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMessageVisibilityBatchInput:
    queue_url: str
    entries: tuple[ChangeMessageVisibilityBatchRequestEntry, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMessageVisibilityBatchResultEntry:
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMessageVisibilityBatchResult:
    successful: tuple[ChangeMessageVisibilityBatchResultEntry, ...]
    failed: tuple[BatchResultErrorEntry, ...]
