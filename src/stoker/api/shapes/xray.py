# Generated from botocore's model of xray by generate_shapes.py. Do not edit.
"""AWS X-Ray: inputs and outputs of the operations that Stoker has built."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PutTraceSegmentsInput:
    trace_segment_documents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnprocessedTraceSegment:
    id: str | None = None
    error_code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutTraceSegmentsResult:
    unprocessed_trace_segments: tuple[UnprocessedTraceSegment, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendConnectionErrors:
    timeout_count: int | None = None
    connection_refused_count: int | None = None
    http_code4_xx_count: int | None = None
    http_code5_xx_count: int | None = None
    unknown_host_count: int | None = None
    other_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TelemetryRecord:
    timestamp: datetime
    segments_received_count: int | None = None
    segments_sent_count: int | None = None
    segments_spillover_count: int | None = None
    segments_rejected_count: int | None = None
    backend_connection_errors: BackendConnectionErrors | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutTelemetryRecordsInput:
    telemetry_records: tuple[TelemetryRecord, ...]
    ec2_instance_id: str | None = None
    hostname: str | None = None
    resource_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutTelemetryRecordsResult:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingStrategy:
    name: str | None = None
    value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTraceSummariesInput:
    start_time: datetime
    end_time: datetime
    time_range_type: str | None = None
    sampling: bool | None = None
    sampling_strategy: SamplingStrategy | None = None
    filter_expression: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Http:
    http_url: str | None = None
    http_status: int | None = None
    http_method: str | None = None
    user_agent: str | None = None
    client_ip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceId:
    name: str | None = None
    names: tuple[str, ...] | None = None
    account_id: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceUser:
    user_name: str | None = None
    service_ids: tuple[ServiceId, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceARNDetail:
    arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceIdDetail:
    id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AvailabilityZoneDetail:
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RootCauseException:
    name: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRootCauseEntity:
    name: str | None = None
    exceptions: tuple[RootCauseException, ...] | None = None
    remote: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRootCauseService:
    name: str | None = None
    names: tuple[str, ...] | None = None
    type: str | None = None
    account_id: str | None = None
    entity_path: tuple[FaultRootCauseEntity, ...] | None = None
    inferred: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultRootCause:
    services: tuple[FaultRootCauseService, ...] | None = None
    client_impacting: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRootCauseEntity:
    name: str | None = None
    exceptions: tuple[RootCauseException, ...] | None = None
    remote: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRootCauseService:
    name: str | None = None
    names: tuple[str, ...] | None = None
    type: str | None = None
    account_id: str | None = None
    entity_path: tuple[ErrorRootCauseEntity, ...] | None = None
    inferred: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRootCause:
    services: tuple[ErrorRootCauseService, ...] | None = None
    client_impacting: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTimeRootCauseEntity:
    name: str | None = None
    coverage: float | None = None
    remote: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTimeRootCauseService:
    name: str | None = None
    names: tuple[str, ...] | None = None
    type: str | None = None
    account_id: str | None = None
    entity_path: tuple[ResponseTimeRootCauseEntity, ...] | None = None
    inferred: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseTimeRootCause:
    services: tuple[ResponseTimeRootCauseService, ...] | None = None
    client_impacting: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnotationValue:
    number_value: float | None = None
    boolean_value: bool | None = None
    string_value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueWithServiceIds:
    annotation_value: AnnotationValue | None = None
    service_ids: tuple[ServiceId, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceSummary:
    id: str | None = None
    start_time: datetime | None = None
    duration: float | None = None
    response_time: float | None = None
    has_fault: bool | None = None
    has_error: bool | None = None
    has_throttle: bool | None = None
    is_partial: bool | None = None
    http: Http | None = None
    annotations: Mapping[str, tuple[ValueWithServiceIds, ...]] | None = None
    users: tuple[TraceUser, ...] | None = None
    service_ids: tuple[ServiceId, ...] | None = None
    resource_arns: tuple[ResourceARNDetail, ...] | None = None
    instance_ids: tuple[InstanceIdDetail, ...] | None = None
    availability_zones: tuple[AvailabilityZoneDetail, ...] | None = None
    entry_point: ServiceId | None = None
    fault_root_causes: tuple[FaultRootCause, ...] | None = None
    error_root_causes: tuple[ErrorRootCause, ...] | None = None
    response_time_root_causes: tuple[ResponseTimeRootCause, ...] | None = None
    revision: int | None = None
    matched_event_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTraceSummariesResult:
    trace_summaries: tuple[TraceSummary, ...] | None = None
    approximate_time: datetime | None = None
    traces_processed_count: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchGetTracesInput:
    trace_ids: tuple[str, ...]
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    id: str | None = None
    document: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    id: str | None = None
    duration: float | None = None
    limit_exceeded: bool | None = None
    segments: tuple[Segment, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchGetTracesResult:
    traces: tuple[Trace, ...] | None = None
    unprocessed_trace_ids: tuple[str, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetServiceGraphInput:
    start_time: datetime
    end_time: datetime
    group_name: str | None = None
    group_arn: str | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorStatistics:
    throttle_count: int | None = None
    other_count: int | None = None
    total_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultStatistics:
    other_count: int | None = None
    total_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatistics:
    ok_count: int | None = None
    error_statistics: ErrorStatistics | None = None
    fault_statistics: FaultStatistics | None = None
    total_count: int | None = None
    total_response_time: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeStatistics:
    ok_count: int | None = None
    error_statistics: ErrorStatistics | None = None
    fault_statistics: FaultStatistics | None = None
    total_count: int | None = None
    total_response_time: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistogramEntry:
    value: float | None = None
    count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    name: str | None = None
    names: tuple[str, ...] | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    reference_id: int | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    summary_statistics: EdgeStatistics | None = None
    response_time_histogram: tuple[HistogramEntry, ...] | None = None
    aliases: tuple[Alias, ...] | None = None
    edge_type: str | None = None
    received_event_age_histogram: tuple[HistogramEntry, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    reference_id: int | None = None
    name: str | None = None
    names: tuple[str, ...] | None = None
    root: bool | None = None
    account_id: str | None = None
    type: str | None = None
    state: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    edges: tuple[Edge, ...] | None = None
    summary_statistics: ServiceStatistics | None = None
    duration_histogram: tuple[HistogramEntry, ...] | None = None
    response_time_histogram: tuple[HistogramEntry, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetServiceGraphResult:
    start_time: datetime | None = None
    end_time: datetime | None = None
    services: tuple[Service, ...] | None = None
    contains_old_group_versions: bool | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTraceGraphInput:
    trace_ids: tuple[str, ...]
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetTraceGraphResult:
    services: tuple[Service, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSamplingRulesInput:
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRateBoost:
    max_rate: float
    cooldown_window_minutes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRule:
    rule_name: str | None = None
    rule_arn: str | None = None
    resource_arn: str
    priority: int
    fixed_rate: float
    reservoir_size: int
    service_name: str
    service_type: str
    host: str
    http_method: str
    url_path: str
    version: int
    attributes: Mapping[str, str] | None = None
    sampling_rate_boost: SamplingRateBoost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingRuleRecord:
    sampling_rule: SamplingRule | None = None
    created_at: datetime | None = None
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSamplingRulesResult:
    sampling_rule_records: tuple[SamplingRuleRecord, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingStatisticsDocument:
    rule_name: str
    client_id: str
    timestamp: datetime
    request_count: int
    sampled_count: int
    borrow_count: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingBoostStatisticsDocument:
    rule_name: str
    service_name: str
    timestamp: datetime
    anomaly_count: int
    total_count: int
    sampled_anomaly_count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSamplingTargetsInput:
    sampling_statistics_documents: tuple[SamplingStatisticsDocument, ...]
    sampling_boost_statistics_documents: tuple[SamplingBoostStatisticsDocument, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingBoost:
    boost_rate: float
    boost_rate_ttl: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SamplingTargetDocument:
    rule_name: str | None = None
    fixed_rate: float | None = None
    reservoir_quota: int | None = None
    reservoir_quota_ttl: datetime | None = None
    interval: int | None = None
    sampling_boost: SamplingBoost | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnprocessedStatistics:
    rule_name: str | None = None
    error_code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetSamplingTargetsResult:
    sampling_target_documents: tuple[SamplingTargetDocument, ...] | None = None
    last_rule_modification: datetime | None = None
    unprocessed_statistics: tuple[UnprocessedStatistics, ...] | None = None
    unprocessed_boost_statistics: tuple[UnprocessedStatistics, ...] | None = None
