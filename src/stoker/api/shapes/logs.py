# Generated from botocore's model of logs by generate_shapes.py. Do not edit.
"""Amazon CloudWatch Logs: inputs and outputs of the operations that Stoker has built."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLogGroupInput:
    log_group_name: str
    kms_key_id: str | None = None
    tags: Mapping[str, str] | None = None
    log_group_class: str | None = None
    deletion_protection_enabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteLogGroupInput:
    log_group_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeLogGroupsInput:
    account_identifiers: tuple[str, ...] | None = None
    log_group_name_prefix: str | None = None
    log_group_name_pattern: str | None = None
    next_token: str | None = None
    limit: int | None = None
    include_linked_accounts: bool | None = None
    log_group_class: str | None = None
    log_group_identifiers: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogGroup:
    log_group_name: str | None = None
    creation_time: int | None = None
    retention_in_days: int | None = None
    metric_filter_count: int | None = None
    arn: str | None = None
    stored_bytes: int | None = None
    kms_key_id: str | None = None
    data_protection_status: str | None = None
    inherited_properties: tuple[str, ...] | None = None
    log_group_class: str | None = None
    log_group_arn: str | None = None
    deletion_protection_enabled: bool | None = None
    bearer_token_authentication_enabled: bool | None = None
    retention_policy_name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeLogGroupsResponse:
    log_groups: tuple[LogGroup, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLogStreamInput:
    log_group_name: str
    log_stream_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteLogStreamInput:
    log_group_name: str
    log_stream_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeLogStreamsInput:
    log_group_name: str | None = None
    log_group_identifier: str | None = None
    log_stream_name_prefix: str | None = None
    order_by: str | None = None
    descending: bool | None = None
    next_token: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogStream:
    log_stream_name: str | None = None
    creation_time: int | None = None
    first_event_timestamp: int | None = None
    last_event_timestamp: int | None = None
    last_ingestion_time: int | None = None
    upload_sequence_token: str | None = None
    arn: str | None = None
    stored_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeLogStreamsResponse:
    log_streams: tuple[LogStream, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    key_attributes: Mapping[str, str] | None = None
    attributes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InputLogEvent:
    timestamp: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutLogEventsInput:
    log_group_name: str
    log_stream_name: str
    log_events: tuple[InputLogEvent, ...]
    sequence_token: str | None = None
    entity: Entity | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedLogEventsInfo:
    too_new_log_event_start_index: int | None = None
    too_old_log_event_end_index: int | None = None
    expired_log_event_end_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedEntityInfo:
    error_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutLogEventsResponse:
    next_sequence_token: str | None = None
    rejected_log_events_info: RejectedLogEventsInfo | None = None
    rejected_entity_info: RejectedEntityInfo | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLogEventsInput:
    log_group_name: str | None = None
    log_group_identifier: str | None = None
    log_stream_name: str
    start_time: int | None = None
    end_time: int | None = None
    next_token: str | None = None
    limit: int | None = None
    start_from_head: bool | None = None
    unmask: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputLogEvent:
    timestamp: int | None = None
    message: str | None = None
    ingestion_time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetLogEventsResponse:
    events: tuple[OutputLogEvent, ...] | None = None
    next_forward_token: str | None = None
    next_backward_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterLogEventsInput:
    log_group_name: str | None = None
    log_group_identifier: str | None = None
    log_stream_names: tuple[str, ...] | None = None
    log_stream_name_prefix: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    filter_pattern: str | None = None
    next_token: str | None = None
    limit: int | None = None
    start_from_head: bool | None = None
    interleaved: bool | None = None
    unmask: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilteredLogEvent:
    log_stream_name: str | None = None
    timestamp: int | None = None
    message: str | None = None
    ingestion_time: int | None = None
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchedLogStream:
    log_stream_name: str | None = None
    searched_completely: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterLogEventsResponse:
    events: tuple[FilteredLogEvent, ...] | None = None
    searched_log_streams: tuple[SearchedLogStream, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRetentionPolicyInput:
    log_group_name: str
    retention_in_days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteRetentionPolicyInput:
    log_group_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsLogGroupInput:
    log_group_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsLogGroupResponse:
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagLogGroupInput:
    log_group_name: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagLogGroupInput:
    log_group_name: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsForResourceInput:
    resource_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsForResourceResponse:
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagResourceInput:
    resource_arn: str
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagResourceInput:
    resource_arn: str
    tag_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PutSubscriptionFilterInput:
    log_group_name: str
    filter_name: str
    filter_pattern: str
    destination_arn: str
    role_arn: str | None = None
    distribution: str | None = None
    apply_on_transformed_logs: bool | None = None
    field_selection_criteria: str | None = None
    emit_system_fields: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeSubscriptionFiltersInput:
    log_group_name: str
    filter_name_prefix: str | None = None
    next_token: str | None = None
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionFilter:
    filter_name: str | None = None
    log_group_name: str | None = None
    filter_pattern: str | None = None
    destination_arn: str | None = None
    role_arn: str | None = None
    distribution: str | None = None
    apply_on_transformed_logs: bool | None = None
    creation_time: int | None = None
    field_selection_criteria: str | None = None
    emit_system_fields: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeSubscriptionFiltersResponse:
    subscription_filters: tuple[SubscriptionFilter, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteSubscriptionFilterInput:
    log_group_name: str
    filter_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricTransformation:
    metric_name: str
    metric_namespace: str
    metric_value: str
    default_value: float | None = None
    dimensions: Mapping[str, str] | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutMetricFilterInput:
    log_group_name: str
    filter_name: str
    filter_pattern: str
    metric_transformations: tuple[MetricTransformation, ...]
    apply_on_transformed_logs: bool | None = None
    field_selection_criteria: str | None = None
    emit_system_field_dimensions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeMetricFiltersInput:
    log_group_name: str | None = None
    filter_name_prefix: str | None = None
    next_token: str | None = None
    limit: int | None = None
    metric_name: str | None = None
    metric_namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFilter:
    filter_name: str | None = None
    filter_pattern: str | None = None
    metric_transformations: tuple[MetricTransformation, ...] | None = None
    creation_time: int | None = None
    log_group_name: str | None = None
    apply_on_transformed_logs: bool | None = None
    field_selection_criteria: str | None = None
    emit_system_field_dimensions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeMetricFiltersResponse:
    metric_filters: tuple[MetricFilter, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteMetricFilterInput:
    log_group_name: str
    filter_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TestMetricFilterInput:
    filter_pattern: str
    log_event_messages: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFilterMatchRecord:
    event_number: int | None = None
    event_message: str | None = None
    extracted_values: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestMetricFilterResponse:
    matches: tuple[MetricFilterMatchRecord, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartQueryInput:
    query_language: str | None = None
    log_group_name: str | None = None
    log_group_names: tuple[str, ...] | None = None
    log_group_identifiers: tuple[str, ...] | None = None
    start_time: int
    end_time: int
    query_string: str
    limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartQueryResponse:
    query_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetQueryResultsInput:
    query_id: str
    next_token: str | None = None
    max_items: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryStatistics:
    records_matched: float | None = None
    records_scanned: float | None = None
    estimated_records_skipped: float | None = None
    bytes_scanned: float | None = None
    estimated_bytes_skipped: float | None = None
    log_groups_scanned: float | None = None
    result_count: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultField:
    field: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetQueryResultsResponse:
    query_language: str | None = None
    results: tuple[tuple[ResultField, ...], ...] | None = None
    statistics: QueryStatistics | None = None
    status: str | None = None
    encryption_key: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StopQueryInput:
    query_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StopQueryResponse:
    success: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeQueriesInput:
    log_group_name: str | None = None
    status: str | None = None
    max_results: int | None = None
    next_token: str | None = None
    query_language: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryInfo:
    query_language: str | None = None
    query_id: str | None = None
    query_string: str | None = None
    status: str | None = None
    create_time: int | None = None
    log_group_name: str | None = None
    query_duration: int | None = None
    bytes_scanned: float | None = None
    user_identity: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeQueriesResponse:
    queries: tuple[QueryInfo, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLiveTailInput:
    log_group_identifiers: tuple[str, ...]
    log_stream_names: tuple[str, ...] | None = None
    log_stream_name_prefixes: tuple[str, ...] | None = None
    log_event_filter_pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTailSessionStart:
    request_id: str | None = None
    session_id: str | None = None
    log_group_identifiers: tuple[str, ...] | None = None
    log_stream_names: tuple[str, ...] | None = None
    log_stream_name_prefixes: tuple[str, ...] | None = None
    log_event_filter_pattern: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTailSessionMetadata:
    sampled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTailSessionLogEvent:
    log_stream_name: str | None = None
    log_group_identifier: str | None = None
    message: str | None = None
    timestamp: int | None = None
    ingestion_time: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveTailSessionUpdate:
    session_metadata: LiveTailSessionMetadata | None = None
    session_results: tuple[LiveTailSessionLogEvent, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionTimeoutException:
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStreamingException:
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLiveTailResponseStream:
    session_start: LiveTailSessionStart | None = None
    session_update: LiveTailSessionUpdate | None = None
    session_timeout_exception: SessionTimeoutException | None = None
    session_streaming_exception: SessionStreamingException | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartLiveTailResponse:
    response_stream: StartLiveTailResponseStream | None = None
