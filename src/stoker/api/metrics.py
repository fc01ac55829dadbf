"""CloudWatch's metrics: PutMetricData, GetMetricData, GetMetricStatistics, ListMetrics.

Documented at https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/. All other
operations of CloudWatch but those of alarms (api/alarms.py) go to the neighbour.
"""

import math
import time
from datetime import UTC, datetime
from functools import partial

from stoker.api.control import Call, Caller, Control
from stoker.api.metric_expressions import Questions
from stoker.api.shapes import cloudwatch as shapes
from stoker.core import metric_errors as errors
from stoker.core import metric_questions as questions
from stoker.core.errors import NotImplementedException
from stoker.core.limits import MIB
from stoker.core.metric_math import Line
from stoker.core.metrics import (
    ACTIVE_S,
    BILLING,
    NEWEST_S,
    OLDEST_S,
    Name,
    Source,
    is_ours,
    shown,
    start_of,
)
from stoker.core.statistics import LEAST, MOST, SIMPLE, Statistic, merged, summed
from stoker.store.base import StoreUnavailable
from stoker.store.metric_store import Entry, TooManySeries

DATUMS, VALUES, QUERIES, LISTED = 1000, 150, 500, 500  # AWS's
POINTS = 100_800  # of one GetMetricData; the rest comes with NextToken
STATISTICS_POINTS = 1440
RECENT_S = 3 * 3600


async def put_metric_data(control: Control, call: Call[shapes.PutMetricDataInput]) -> None:
    """Add values of metrics; they are durable when this answers, and seen at once."""
    asked, now = call.input, time.time()
    if asked.entity_metric_data:
        raise NotImplementedException("Stoker has not built EntityMetricData of PutMetricData yet.")
    data = asked.metric_data or ()
    if not data:
        raise errors.MissingRequiredParameterException("The parameter MetricData is required.")
    if is_ours(asked.namespace):
        taken = BILLING if asked.namespace == BILLING else "AWS/"
        raise errors.InvalidParameterValueException(
            f"The value {taken} for parameter Namespace is invalid."
        )
    if len(data) > DATUMS:
        raise errors.InvalidParameterValueException(
            f"The collection MetricData must not have a size greater than {DATUMS}."
        )
    found: dict[tuple[Source, int], dict[Name, Statistic]] = {}
    for number, datum in enumerate(data, 1):
        source = _source(call.caller, asked.namespace, datum.dimensions)
        start = start_of(_when(datum.timestamp, now, number))
        name = Name(datum.metric_name, datum.unit or "None")
        values = found.setdefault((source, start), {})
        values.setdefault(name, Statistic()).merge(_statistic(datum, f"MetricData.member.{number}"))
    if control.metric_store.size_bytes > control.settings.metrics_mb * MIB:
        raise errors.InternalFault("The metrics have as much room as they may have (metrics_mb).")
    try:
        await control.metric_store.put(
            Entry(source, start, values) for (source, start), values in found.items()
        )
    except TooManySeries:
        raise errors.LimitExceededException("The account has as many metrics as it may.") from None


def _when(moment: datetime | None, now: float, number: int) -> float:
    if moment is None:
        return now
    seconds = moment.timestamp()
    if not now - OLDEST_S <= seconds <= now + NEWEST_S:
        raise errors.InvalidParameterValueException(
            f"The parameter MetricData.member.{number}.Timestamp must specify a time within the"
            " past two weeks and no more than two hours in the future."
        )
    return seconds


def _statistic(datum: shapes.MetricDatum, where: str) -> Statistic:
    if datum.storage_resolution not in (None, 1, 60):
        raise errors.InvalidParameterValueException(
            f"The parameter {where}.StorageResolution must be 1 or 60."
        )
    given = (datum.value, datum.statistic_values, datum.values)
    many = sum(one is not None for one in given)
    if many != 1:
        kind = errors.InvalidParameterCombinationException
        which = "only one of Value, StatisticValues and Values" if many else "a value"
        raise kind(f"The parameter {where} must have {which}.")
    if datum.statistic_values is not None:
        told = datum.statistic_values
        four = (told.sample_count, told.sum, told.minimum, told.maximum)
        _check(four, where)
        if told.sample_count <= 0 or told.minimum > told.maximum:
            raise errors.InvalidParameterValueException(
                f"The parameters of {where}.StatisticValues contradict each other."
            )
        return summed(*four)
    values = (datum.value,) if datum.value is not None else datum.values or ()
    counts = datum.counts if datum.counts is not None else (1.0,) * len(values)
    if len(values) != len(counts) or not 0 < len(values) <= VALUES or min(counts) <= 0:
        raise errors.InvalidParameterValueException(
            f"The parameters {where}.Values and {where}.Counts must have the same length, of"
            f" {VALUES} at most, and counts above 0."
        )
    _check((*values, *counts), where)
    found = Statistic()
    for value, count in zip(values, counts, strict=True):
        found.add(value, count)
    return found


def _check(values: tuple[float, ...], where: str) -> None:
    for value in values:
        if not math.isfinite(value) or abs(value) > MOST or 0 < abs(value) < LEAST:
            raise errors.InvalidParameterValueException(
                f"The value {value} for parameter {where} is invalid."
            )


# --- asking -------------------------------------------------------------------------------------


async def get_metric_data(
    control: Control, call: Call[shapes.GetMetricDataInput]
) -> shapes.GetMetricDataOutput:
    """Values of metrics over time, and of expressions of them (core/metric_math.py)."""
    asked = call.input
    queries = asked.metric_data_queries
    if not 0 < len(queries) <= QUERIES:
        raise errors.InvalidParameterValueException(
            f"MetricDataQueries must have between 1 and {QUERIES} members."
        )
    if len({query.id for query in queries}) != len(queries):
        raise errors.InvalidParameterValueException("The Ids of MetricDataQueries must differ.")
    for query in queries:
        questions.check_id(query.id)
        if (query.metric_stat is None) == (query.expression is None):
            raise errors.InvalidByModel(
                "The parameter MetricDataQueries has a member with"
                f" {'neither' if query.expression is None else 'both'} MetricStat and Expression:"
                f" {query.id}"
            )
        if query.metric_stat is not None:
            questions.check_stat(query.metric_stat.stat)
            questions.check_period(query.metric_stat.period)
    _check_times(asked.start_time, asked.end_time)
    skip, most = place(asked.next_token), min(asked.max_datapoints or POINTS, POINTS)
    await _flush(control)
    results: list[shapes.MetricDataResult] = []
    left, following = most, None
    whole = Questions({query.id: query for query in queries}, partial(_line, control, call))
    for number, query in enumerate(queries):
        if query.return_data is False or number < skip:
            continue
        lines = await whole.lines(query)
        many = sum(len(line.points) for line in lines)
        if many > left and results:
            following = f"q{number}"
            break
        for line in lines:
            results.append(_result(asked, query, line, max(0, left)))
            left -= len(line.points)
    return shapes.GetMetricDataOutput(
        metric_data_results=tuple(results), next_token=following, messages=()
    )


async def _line(
    control: Control, call: Call[shapes.GetMetricDataInput], query: shapes.MetricDataQuery
) -> Line:
    asked, stat = call.input, query.metric_stat
    assert stat is not None
    period = questions.check_period(stat.period)
    end = asked.end_time.timestamp()
    start, _ = questions.spans(asked.start_time.timestamp(), end, period)
    metric = stat.metric
    source = _source(call.caller, metric.namespace or "", metric.dimensions)
    by_unit = await _read(control, source, metric.metric_name or "", start, math.ceil(end), period)
    found: dict[int, list[Statistic]] = {}
    for unit, spans in by_unit.items():
        if stat.unit in (None, unit):
            for at, one in spans.items():
                found.setdefault(at, []).append(one)
    points = {}
    for at, many in found.items():
        value = questions.value(stat.stat, merged(many))
        if value is not None:
            points[at] = value
    return Line(query.label or metric.metric_name or "", period, points, start, math.ceil(end))


def _result(
    asked: shapes.GetMetricDataInput, query: shapes.MetricDataQuery, line: Line, most: int
) -> shapes.MetricDataResult:
    latest_first = asked.scan_by != "TimestampAscending"
    points = sorted(line.points.items(), reverse=latest_first)[:most]
    return shapes.MetricDataResult(
        id=query.id,
        label=line.label,
        timestamps=tuple(_moment(at) for at, _ in points),
        values=tuple(value for _, value in points),
        status_code="Complete",
    )


async def get_metric_statistics(
    control: Control, call: Call[shapes.GetMetricStatisticsInput]
) -> shapes.GetMetricStatisticsOutput:
    """Statistics of one metric, each unit by itself."""
    asked = call.input
    if (asked.statistics is None) == (asked.extended_statistics is None):
        kind = errors.InvalidParameterCombinationException
        raise kind("Must specify either Statistics or ExtendedStatistics.")
    for name in asked.extended_statistics or ():
        questions.check_stat(name)
    period = questions.check_period(asked.period)
    _check_times(asked.start_time, asked.end_time)
    end = asked.end_time.timestamp()
    start, many = questions.spans(asked.start_time.timestamp(), end, period)
    if many > STATISTICS_POINTS:
        raise errors.InvalidParameterCombinationException(
            f"You have requested up to {many:,} datapoints, which exceeds the"
            f" limit of {STATISTICS_POINTS:,}. You may reduce the datapoints requested by"
            " increasing Period, or decreasing the time range."
        )
    await _flush(control)
    source = _source(call.caller, asked.namespace, asked.dimensions)
    by_unit = await _read(control, source, asked.metric_name, start, math.ceil(end), period)
    points = [
        _datapoint(asked, at, unit, one)
        for unit, spans in by_unit.items()
        if asked.unit in (None, unit)
        for at, one in spans.items()
    ]
    return shapes.GetMetricStatisticsOutput(label=asked.metric_name, datapoints=tuple(points))


def _datapoint(
    asked: shapes.GetMetricStatisticsInput, at: int, unit: str, one: Statistic
) -> shapes.Datapoint:
    wanted = asked.statistics or ()
    said = {name: SIMPLE[name](one) if name in wanted else None for name in SIMPLE}
    extended = {
        name: value
        for name in asked.extended_statistics or ()
        if (value := questions.value(name, one)) is not None
    }
    return shapes.Datapoint(
        timestamp=_moment(at),
        sample_count=said["SampleCount"],
        average=said["Average"],
        sum=said["Sum"],
        minimum=said["Minimum"],
        maximum=said["Maximum"],
        unit=unit,
        extended_statistics=extended or None,
    )


async def list_metrics(
    control: Control, call: Call[shapes.ListMetricsInput]
) -> shapes.ListMetricsOutput:
    """The metrics that had values in the last two weeks, 500 at a time."""
    asked = call.input
    await _flush(control)
    since = time.time() - (RECENT_S if asked.recently_active else ACTIVE_S)
    filters = tuple((one.name, one.value) for one in asked.dimensions or ())
    found = {
        (name.name, source.namespace, source.dimensions)
        for kept, name, latest in control.metric_store.series(
            call.caller.account, call.caller.region
        )
        if latest + questions.LATEST_S >= since
        and asked.metric_name in (None, name.name)
        and asked.namespace in (None, kept.namespace)
        for source in shown(kept, name.name)
        if questions.passes(source.dimensions, filters)
    }
    skip = place(asked.next_token)
    page = sorted(found)[skip : skip + LISTED]
    return shapes.ListMetricsOutput(
        metrics=tuple(
            shapes.Metric(
                namespace=namespace,
                metric_name=name,
                dimensions=tuple(shapes.Dimension(name=k, value=v) for k, v in dimensions),
            )
            for name, namespace, dimensions in page
        ),
        next_token=f"q{skip + LISTED}" if len(found) > skip + LISTED else None,
    )


# --- both ---------------------------------------------------------------------------------------


def _source(
    caller: Caller, namespace: str, dimensions: tuple[shapes.Dimension, ...] | None
) -> Source:
    named = {one.name: one.value for one in dimensions or ()}
    if len(named) != len(dimensions or ()):
        raise errors.InvalidParameterValueException("No two dimensions may have the same name.")
    return Source(caller.account, caller.region, namespace, tuple(sorted(named.items())))


def _check_times(start: datetime, end: datetime) -> None:
    if start >= end:
        raise errors.InvalidParameterValueException(
            "The parameter StartTime must be less than the parameter EndTime."
        )


def place(token: str | None) -> int:
    """Where a NextToken goes on. Raise InvalidNextToken."""
    if token is None:
        return 0
    if token[:1] != "q" or not token[1:].isdecimal() or len(token) > 10:
        raise errors.InvalidNextToken("The token is not one of ours.")
    return int(token[1:])


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


async def _flush(control: Control) -> None:
    """What goes on is seen as well."""
    if control.metering is not None:
        await control.metering()


async def _read(
    control: Control, source: Source, name: str, start: int, end: int, period: int
) -> dict[str, dict[int, Statistic]]:
    try:
        return await control.metric_store.read(source, name, start, end, period)
    except StoreUnavailable as error:
        raise errors.InternalFault(f"The metrics cannot be read: {error}") from error
