# Generated from botocore's model of application-autoscaling by generate_shapes.py. Do not edit.
"""Application Auto Scaling: inputs and outputs of the operations that Stoker has built."""

# fmt: off
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    from stoker.api.shape import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendedState:
    dynamic_scaling_in_suspended: bool | None = None
    dynamic_scaling_out_suspended: bool | None = None
    scheduled_scaling_suspended: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterScalableTargetInput:
    service_namespace: str
    resource_id: str
    scalable_dimension: str
    min_capacity: int | None = None
    max_capacity: int | None = None
    role_arn: str | None = None
    suspended_state: SuspendedState | None = None
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterScalableTargetResponse:
    scalable_target_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeScalableTargetsInput:
    service_namespace: str
    resource_ids: tuple[str, ...] | None = None
    scalable_dimension: str | None = None
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalableTarget:
    service_namespace: str
    resource_id: str
    scalable_dimension: str
    min_capacity: int
    max_capacity: int
    predicted_capacity: int | None = None
    role_arn: str
    creation_time: datetime
    suspended_state: SuspendedState | None = None
    scalable_target_arn: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeScalableTargetsResponse:
    scalable_targets: tuple[ScalableTarget, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeregisterScalableTargetInput:
    service_namespace: str
    resource_id: str
    scalable_dimension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeregisterScalableTargetResponse:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAdjustment:
    metric_interval_lower_bound: float | None = None
    metric_interval_upper_bound: float | None = None
    scaling_adjustment: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepScalingPolicyConfiguration:
    adjustment_type: str | None = None
    step_adjustments: tuple[StepAdjustment, ...] | None = None
    min_adjustment_magnitude: int | None = None
    cooldown: int | None = None
    metric_aggregation_type: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredefinedMetricSpecification:
    predefined_metric_type: str
    resource_label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDimension:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTrackingMetricDimension:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTrackingMetric:
    dimensions: tuple[TargetTrackingMetricDimension, ...] | None = None
    metric_name: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTrackingMetricStat:
    metric: TargetTrackingMetric
    stat: str
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTrackingMetricDataQuery:
    expression: str | None = None
    id: str
    label: str | None = None
    metric_stat: TargetTrackingMetricStat | None = None
    return_data: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomizedMetricSpecification:
    metric_name: str | None = None
    namespace: str | None = None
    dimensions: tuple[MetricDimension, ...] | None = None
    statistic: str | None = None
    unit: str | None = None
    metrics: tuple[TargetTrackingMetricDataQuery, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTrackingScalingPolicyConfiguration:
    target_value: float
    predefined_metric_specification: PredefinedMetricSpecification | None = None
    customized_metric_specification: CustomizedMetricSpecification | None = None
    scale_out_cooldown: int | None = None
    scale_in_cooldown: int | None = None
    disable_scale_in: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingPredefinedMetricPairSpecification:
    predefined_metric_type: str
    resource_label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingPredefinedScalingMetricSpecification:
    predefined_metric_type: str
    resource_label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingPredefinedLoadMetricSpecification:
    predefined_metric_type: str
    resource_label: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingMetricDimension:
    name: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingMetric:
    dimensions: tuple[PredictiveScalingMetricDimension, ...] | None = None
    metric_name: str | None = None
    namespace: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingMetricStat:
    metric: PredictiveScalingMetric
    stat: str
    unit: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingMetricDataQuery:
    id: str
    expression: str | None = None
    metric_stat: PredictiveScalingMetricStat | None = None
    label: str | None = None
    return_data: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingCustomizedMetricSpecification:
    metric_data_queries: tuple[PredictiveScalingMetricDataQuery, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingMetricSpecification:
    target_value: float
    predefined_metric_pair_specification: (
        PredictiveScalingPredefinedMetricPairSpecification | None
    ) = None
    predefined_scaling_metric_specification: (
        PredictiveScalingPredefinedScalingMetricSpecification | None
    ) = None
    predefined_load_metric_specification: (
        PredictiveScalingPredefinedLoadMetricSpecification | None
    ) = None
    customized_scaling_metric_specification: (
        PredictiveScalingCustomizedMetricSpecification | None
    ) = None
    customized_load_metric_specification: (
        PredictiveScalingCustomizedMetricSpecification | None
    ) = None
    customized_capacity_metric_specification: (
        PredictiveScalingCustomizedMetricSpecification | None
    ) = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictiveScalingPolicyConfiguration:
    metric_specifications: tuple[PredictiveScalingMetricSpecification, ...]
    mode: str | None = None
    scheduling_buffer_time: int | None = None
    max_capacity_breach_behavior: str | None = None
    max_capacity_buffer: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutScalingPolicyInput:
    policy_name: str
    service_namespace: str
    resource_id: str
    scalable_dimension: str
    policy_type: str | None = None
    step_scaling_policy_configuration: StepScalingPolicyConfiguration | None = None
    target_tracking_scaling_policy_configuration: (
        TargetTrackingScalingPolicyConfiguration | None
    ) = None
    predictive_scaling_policy_configuration: PredictiveScalingPolicyConfiguration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    alarm_name: str
    alarm_arn: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PutScalingPolicyResponse:
    policy_arn: str
    alarms: tuple[Alarm, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeScalingPoliciesInput:
    policy_names: tuple[str, ...] | None = None
    service_namespace: str
    resource_id: str | None = None
    scalable_dimension: str | None = None
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingPolicy:
    policy_arn: str
    policy_name: str
    service_namespace: str
    resource_id: str
    scalable_dimension: str
    policy_type: str
    step_scaling_policy_configuration: StepScalingPolicyConfiguration | None = None
    target_tracking_scaling_policy_configuration: (
        TargetTrackingScalingPolicyConfiguration | None
    ) = None
    predictive_scaling_policy_configuration: PredictiveScalingPolicyConfiguration | None = None
    alarms: tuple[Alarm, ...] | None = None
    creation_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeScalingPoliciesResponse:
    scaling_policies: tuple[ScalingPolicy, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteScalingPolicyInput:
    policy_name: str
    service_namespace: str
    resource_id: str
    scalable_dimension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteScalingPolicyResponse:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalableTargetAction:
    min_capacity: int | None = None
    max_capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutScheduledActionInput:
    service_namespace: str
    schedule: str | None = None
    timezone: str | None = None
    scheduled_action_name: str
    resource_id: str
    scalable_dimension: str
    start_time: datetime | None = None
    end_time: datetime | None = None
    scalable_target_action: ScalableTargetAction | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PutScheduledActionResponse:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeScheduledActionsInput:
    scheduled_action_names: tuple[str, ...] | None = None
    service_namespace: str
    resource_id: str | None = None
    scalable_dimension: str | None = None
    max_results: int | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledAction:
    scheduled_action_name: str
    scheduled_action_arn: str
    service_namespace: str
    schedule: str
    timezone: str | None = None
    resource_id: str
    scalable_dimension: str | None = None
    start_time: datetime | None = None
    end_time: datetime | None = None
    scalable_target_action: ScalableTargetAction | None = None
    creation_time: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeScheduledActionsResponse:
    scheduled_actions: tuple[ScheduledAction, ...] | None = None
    next_token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteScheduledActionInput:
    service_namespace: str
    scheduled_action_name: str
    resource_id: str
    scalable_dimension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteScheduledActionResponse:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeScalingActivitiesInput:
    service_namespace: str
    resource_id: str | None = None
    scalable_dimension: str | None = None
    max_results: int | None = None
    next_token: str | None = None
    include_not_scaled_activities: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotScaledReason:
    code: str
    max_capacity: int | None = None
    min_capacity: int | None = None
    current_capacity: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ScalingActivity:
    activity_id: str
    service_namespace: str
    resource_id: str
    scalable_dimension: str
    description: str
    cause: str
    start_time: datetime
    end_time: datetime | None = None
    status_code: str
    status_message: str | None = None
    details: str | None = None
    not_scaled_reasons: tuple[NotScaledReason, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DescribeScalingActivitiesResponse:
    scaling_activities: tuple[ScalingActivity, ...] | None = None
    next_token: str | None = None
