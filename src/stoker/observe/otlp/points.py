"""What is counted of functions as OpenTelemetry's metrics. Pure.

Counts are sums, durations and sizes exponential histograms, both since the server started
(cumulative). A Statistic counts values by size, 16 sizes for each power of two: that is a histogram
of scale 4 as it is, but for values on a border.
https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram
"""

import re
from collections.abc import Iterable
from typing import Any, Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
)
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AGGREGATION_TEMPORALITY_CUMULATIVE,
    ExponentialHistogram,
    ExponentialHistogramDataPoint,
    Gauge,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)

from stoker.core.statistics import OFFSET
from stoker.observe.otlp.attributes import SCOPE, attributes, resource
from stoker.observe.otlp.frames import MetricPart, Numbers, Reading

SCALE: Final = 4  # 2**4 sizes for each power of two
SMALLEST: Final = -10 << SCALE  # of a size: what is below 2**-10 is nothing
_UNITS: Final = {"Milliseconds": "ms", "Megabytes": "MBy", "Count": "1", "Percent": "1"}
_WORDS: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def request(parts: Iterable[MetricPart]) -> ExportMetricsServiceRequest:
    """One request for all of them."""
    return ExportMetricsServiceRequest(resource_metrics=[_of_function(part) for part in parts])


def metric_name(name: str) -> str:
    """AsyncEventAge is aws.lambda.async_event_age."""
    return "aws.lambda." + _WORDS.sub("_", name).lower()


def _of_function(part: MetricPart) -> ResourceMetrics:
    whose, readings, gauges, since, now = part
    metrics = [_counted(reading, since, now) for reading in readings]
    for name, said, value in gauges:
        point = NumberDataPoint(time_unix_nano=now, as_double=value)
        point.attributes.extend(attributes(dict(said)))
        called = name if "." in name else metric_name(name)
        metrics.append(Metric(name=called, unit="1", gauge=Gauge(data_points=[point])))
    return ResourceMetrics(
        resource=resource(*(whose or ("", "", ""))),
        scope_metrics=[ScopeMetrics(scope=SCOPE, metrics=metrics)],
    )


def _counted(reading: Reading, since: int, now: int) -> Metric:
    name, unit, numbers = reading
    times: dict[str, Any] = {"start_time_unix_nano": since, "time_unix_nano": now}
    called, in_units = metric_name(name), _UNITS.get(unit, "1")
    if unit == "Count":
        point = NumberDataPoint(as_int=round(numbers[1]), **times)
        one = Sum(
            aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE,
            is_monotonic=True,
            data_points=[point],
        )
        return Metric(name=called, unit=in_units, sum=one)
    histogram = ExponentialHistogram(
        aggregation_temporality=AGGREGATION_TEMPORALITY_CUMULATIVE,
        data_points=[_histogram(numbers, times)],
    )
    return Metric(name=called, unit=in_units, exponential_histogram=histogram)


def _histogram(numbers: Numbers, times: dict[str, Any]) -> ExponentialHistogramDataPoint:
    count, total, least, most, sizes = numbers
    point = ExponentialHistogramDataPoint(
        count=round(count), sum=total, scale=SCALE, min=least, max=most, **times
    )
    by_size = {size - OFFSET: many for size, many in (sizes or {}).items() if size >= 0}
    above = {size: many for size, many in by_size.items() if size >= SMALLEST}
    point.zero_threshold = 2.0 ** (SMALLEST >> SCALE)
    point.zero_count = round(sum(by_size.values()) - sum(above.values()))
    if above:
        first, last = min(above), max(above)
        point.positive.offset = first
        point.positive.bucket_counts.extend(
            round(above.get(index, 0)) for index in range(first, last + 1)
        )
    return point
