# Generated from botocore's model of cloudwatch by generate_shapes.py. Do not edit.
"""Amazon CloudWatch: inputs and outputs of the operations that Stoker has built."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StatisticSet:
    sample_count: float
    sum: float
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Dimension:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDatum:
    metric_name: str
    dimensions: tuple[Dimension, ...] | None = None
    timestamp: datetime | None = None
    value: float | None = None
    statistic_values: StatisticSet | None = None
    values: tuple[float, ...] | None = None
    counts: tuple[float, ...] | None = None
    unit: str | None = None
    storage_resolution: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    key_attributes: Mapping[str, str] | None = None
    attributes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EntityMetricData:
    entity: Entity | None = None
    metric_data: tuple[MetricDatum, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutMetricDataInput:
    namespace: str
    metric_data: tuple[MetricDatum, ...] | None = None
    entity_metric_data: tuple[EntityMetricData, ...] | None = None
    strict_entity_validation: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelOptions:
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    namespace: str | None = None
    metric_name: str | None = None
    dimensions: tuple[Dimension, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricStat:
    metric: Metric
    period: int
    stat: str
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDataQuery:
    id: str
    metric_stat: MetricStat | None = None
    expression: str | None = None
    label: str | None = None
    return_data: bool | None = None
    period: int | None = None
    account_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMetricDataInput:
    metric_data_queries: tuple[MetricDataQuery, ...]
    start_time: datetime
    end_time: datetime
    next_token: str | None = None
    scan_by: str | None = None
    max_datapoints: int | None = None
    label_options: LabelOptions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageData:
    code: str | None = None
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDataResult:
    id: str | None = None
    label: str | None = None
    timestamps: tuple[datetime, ...] | None = None
    values: tuple[float, ...] | None = None
    status_code: str | None = None
    messages: tuple[MessageData, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMetricDataOutput:
    metric_data_results: tuple[MetricDataResult, ...] | None = None
    next_token: str | None = None
    messages: tuple[MessageData, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMetricStatisticsInput:
    namespace: str
    metric_name: str
    dimensions: tuple[Dimension, ...] | None = None
    start_time: datetime
    end_time: datetime
    period: int
    statistics: tuple[str, ...] | None = None
    extended_statistics: tuple[str, ...] | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Datapoint:
    timestamp: datetime | None = None
    sample_count: float | None = None
    average: float | None = None
    sum: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    unit: str | None = None
    extended_statistics: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GetMetricStatisticsOutput:
    label: str | None = None
    datapoints: tuple[Datapoint, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionFilter:
    name: str
    value: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMetricsInput:
    namespace: str | None = None
    metric_name: str | None = None
    dimensions: tuple[DimensionFilter, ...] | None = None
    next_token: str | None = None
    recently_active: str | None = None
    include_linked_accounts: bool | None = None
    owning_account: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListMetricsOutput:
    metrics: tuple[Metric, ...] | None = None
    next_token: str | None = None
    owning_accounts: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WallClockWindow:
    timezone: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlidingWindow:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationWindow:
    wall_clock_window: WallClockWindow | None = None
    sliding_window: SlidingWindow | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUpConfiguration:
    warm_up_period_duration_in_minutes: int
    only_start_evaluating_after_warm_up_period_ends: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmPromQLCriteria:
    query: str
    pending_period: int | None = None
    recovery_period: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationCriteria:
    prom_ql_criteria: AlarmPromQLCriteria | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmTagsPropagation:
    enabled: bool
    included_tag_keys: tuple[str, ...] | None = None
    excluded_tag_keys: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionConfiguration:
    alarm_tags_propagation: AlarmTagsPropagation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tag:
    key: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutMetricAlarmInput:
    alarm_name: str
    alarm_description: str | None = None
    actions_enabled: bool | None = None
    ok_actions: tuple[str, ...] | None = None
    alarm_actions: tuple[str, ...] | None = None
    insufficient_data_actions: tuple[str, ...] | None = None
    metric_name: str | None = None
    namespace: str | None = None
    statistic: str | None = None
    extended_statistic: str | None = None
    dimensions: tuple[Dimension, ...] | None = None
    period: int | None = None
    unit: str | None = None
    evaluation_periods: int | None = None
    datapoints_to_alarm: int | None = None
    threshold: float | None = None
    comparison_operator: str | None = None
    treat_missing_data: str | None = None
    evaluate_low_sample_count_percentile: str | None = None
    metrics: tuple[MetricDataQuery, ...] | None = None
    tags: tuple[Tag, ...] | None = None
    threshold_metric_id: str | None = None
    evaluation_window: EvaluationWindow | None = None
    warm_up_configuration: WarmUpConfiguration | None = None
    evaluation_criteria: EvaluationCriteria | None = None
    evaluation_interval: int | None = None
    action_configuration: ActionConfiguration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeAlarmsInput:
    alarm_names: tuple[str, ...] | None = None
    alarm_name_prefix: str | None = None
    alarm_types: tuple[str, ...] | None = None
    children_of_alarm_name: str | None = None
    parents_of_alarm_name: str | None = None
    state_value: str | None = None
    action_prefix: str | None = None
    max_records: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CompositeAlarm:
    actions_enabled: bool | None = None
    alarm_actions: tuple[str, ...] | None = None
    alarm_arn: str | None = None
    alarm_configuration_updated_timestamp: datetime | None = None
    alarm_description: str | None = None
    alarm_name: str | None = None
    alarm_rule: str | None = None
    insufficient_data_actions: tuple[str, ...] | None = None
    ok_actions: tuple[str, ...] | None = None
    state_reason: str | None = None
    state_reason_data: str | None = None
    state_updated_timestamp: datetime | None = None
    state_value: str | None = None
    state_transitioned_timestamp: datetime | None = None
    actions_suppressed_by: str | None = None
    actions_suppressed_reason: str | None = None
    actions_suppressor: str | None = None
    actions_suppressor_wait_period: int | None = None
    actions_suppressor_extension_period: int | None = None
    action_configuration: ActionConfiguration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricAlarm:
    alarm_name: str | None = None
    alarm_arn: str | None = None
    alarm_description: str | None = None
    alarm_configuration_updated_timestamp: datetime | None = None
    actions_enabled: bool | None = None
    ok_actions: tuple[str, ...] | None = None
    alarm_actions: tuple[str, ...] | None = None
    insufficient_data_actions: tuple[str, ...] | None = None
    state_value: str | None = None
    state_reason: str | None = None
    state_reason_data: str | None = None
    state_updated_timestamp: datetime | None = None
    metric_name: str | None = None
    namespace: str | None = None
    statistic: str | None = None
    extended_statistic: str | None = None
    dimensions: tuple[Dimension, ...] | None = None
    period: int | None = None
    unit: str | None = None
    evaluation_periods: int | None = None
    datapoints_to_alarm: int | None = None
    threshold: float | None = None
    comparison_operator: str | None = None
    treat_missing_data: str | None = None
    evaluate_low_sample_count_percentile: str | None = None
    metrics: tuple[MetricDataQuery, ...] | None = None
    threshold_metric_id: str | None = None
    evaluation_state: str | None = None
    state_transitioned_timestamp: datetime | None = None
    evaluation_window: EvaluationWindow | None = None
    warm_up_configuration: WarmUpConfiguration | None = None
    evaluation_criteria: EvaluationCriteria | None = None
    evaluation_interval: int | None = None
    action_configuration: ActionConfiguration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleConfiguration:
    schedule_expression: str
    start_time_offset: int
    end_time_offset: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledQueryConfiguration:
    query_string: str
    log_group_identifiers: tuple[str, ...] | None = None
    query_arn: str | None = None
    scheduled_query_role_arn: str
    schedule_configuration: ScheduleConfiguration
    aggregation_expression: str
    tags: tuple[Tag, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAlarm:
    alarm_name: str | None = None
    alarm_arn: str | None = None
    alarm_description: str | None = None
    alarm_configuration_updated_timestamp: datetime | None = None
    actions_enabled: bool | None = None
    ok_actions: tuple[str, ...] | None = None
    alarm_actions: tuple[str, ...] | None = None
    insufficient_data_actions: tuple[str, ...] | None = None
    state_value: str | None = None
    state_reason: str | None = None
    state_reason_data: str | None = None
    state_updated_timestamp: datetime | None = None
    scheduled_query_configuration: ScheduledQueryConfiguration | None = None
    query_results_to_evaluate: int | None = None
    query_results_to_alarm: int | None = None
    threshold: float | None = None
    comparison_operator: str | None = None
    treat_missing_data: str | None = None
    state_transitioned_timestamp: datetime | None = None
    evaluation_state: str | None = None
    action_log_line_count: int | None = None
    action_log_line_role_arn: str | None = None
    warm_up_configuration: WarmUpConfiguration | None = None
    action_configuration: ActionConfiguration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeAlarmsOutput:
    composite_alarms: tuple[CompositeAlarm, ...] | None = None
    metric_alarms: tuple[MetricAlarm, ...] | None = None
    log_alarms: tuple[LogAlarm, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeAlarmsForMetricInput:
    metric_name: str
    namespace: str
    statistic: str | None = None
    extended_statistic: str | None = None
    dimensions: tuple[Dimension, ...] | None = None
    period: int | None = None
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeAlarmsForMetricOutput:
    metric_alarms: tuple[MetricAlarm, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeAlarmHistoryInput:
    alarm_name: str | None = None
    alarm_contributor_id: str | None = None
    alarm_types: tuple[str, ...] | None = None
    history_item_type: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    max_records: int | None = None
    next_token: str | None = None
    scan_by: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmHistoryItem:
    alarm_name: str | None = None
    alarm_contributor_id: str | None = None
    alarm_type: str | None = None
    timestamp: datetime | None = None
    history_item_type: str | None = None
    history_summary: str | None = None
    history_data: str | None = None
    alarm_contributor_attributes: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeAlarmHistoryOutput:
    alarm_history_items: tuple[AlarmHistoryItem, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAlarmStateInput:
    alarm_name: str
    state_value: str
    state_reason: str
    state_reason_data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteAlarmsInput:
    alarm_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnableAlarmActionsInput:
    alarm_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisableAlarmActionsInput:
    alarm_names: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagResourceInput:
    resource_arn: str
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TagResourceOutput:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagResourceInput:
    resource_arn: str
    tag_keys: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UntagResourceOutput:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsForResourceInput:
    resource_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListTagsForResourceOutput:
    tags: tuple[Tag, ...] | None = None
