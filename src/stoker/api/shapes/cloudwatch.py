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
