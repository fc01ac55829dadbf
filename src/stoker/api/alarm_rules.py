"""Whether an alarm is as CloudWatch takes it, and the values that it looks at."""

import math
from collections.abc import Mapping
from typing import Any, Final

from stoker.api import records
from stoker.api.control import Control
from stoker.api.metric_expressions import Questions
from stoker.api.shapes import cloudwatch as shapes
from stoker.core import alarm_records
from stoker.core import metric_errors as errors
from stoker.core import metric_questions as questions
from stoker.core.alarms import (
    COMPARISONS,
    HOUR_S,
    MOST_PERIODS_S,
    MOST_SHORT_S,
    Missing,
    Point,
    Rule,
)
from stoker.core.errors import NotImplementedException
from stoker.core.metric_math import Line
from stoker.core.metrics import Source
from stoker.core.statistics import Statistic, merged
from stoker.core.trigger_targets import is_function, is_topic

QUERIES: Final = 20  # CloudWatch's, of one alarm
MOST_ACTIONS: Final = 5
_UNBUILT: Final = (
    "ThresholdMetricId", "EvaluationWindow", "WarmUpConfiguration", "EvaluationCriteria",
    "EvaluationInterval", "ActionConfiguration",
)  # fmt: skip
_OF_ONE_METRIC: Final = (
    "MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period", "Unit",
)  # fmt: skip


def check(said: Mapping[str, Any]) -> None:
    """Refuse what CloudWatch refuses, and what is not built."""
    for name in _UNBUILT:
        if said.get(name) is not None:
            raise NotImplementedException(f"Stoker has not built {name} of alarms yet.")
    if said.get("EvaluateLowSampleCountPercentile") == "ignore":
        raise NotImplementedException(
            "Stoker has not built EvaluateLowSampleCountPercentile=ignore of alarms yet."
        )
    for name in ("EvaluationPeriods", "ComparisonOperator", "Threshold"):
        if said.get(name) is None:
            raise errors.MissingRequiredParameterException(f"The parameter {name} is required.")
    if said.get("TreatMissingData", Missing.MISSING) not in set(Missing):
        raise errors.InvalidByModel(
            f"Option {said['TreatMissingData']} is not supported for TreatMissingData; it is one of"
            f" {', '.join(Missing)}."
        )
    if not math.isfinite(said["Threshold"]):
        raise errors.InvalidParameterValueException("The parameter Threshold must be a number.")
    if said["ComparisonOperator"] not in COMPARISONS:
        raise NotImplementedException(
            f"Stoker has not built ComparisonOperator {said['ComparisonOperator']} (bands) yet."
        )
    for name in alarm_records.ACTIONS.values():
        _check_actions(said.get(name) or [])
    if said.get("Metrics") is None:
        _check_metric(said)
    else:
        _check_metrics(said)


def check_span(rule: Rule) -> None:
    """How far it looks back."""
    if rule.datapoints > rule.periods:
        raise errors.InvalidByModel(
            "DatapointsToAlarm must be less than or equal to EvaluationPeriods"
        )
    most = MOST_PERIODS_S if rule.period_s >= HOUR_S else MOST_SHORT_S
    if rule.periods * rule.period_s > most:
        raise errors.InvalidByModel(
            f"Metrics cannot be checked across more than {most // MOST_SHORT_S} day(s)"
            f" (EvaluationPeriods * Period must be <= {most})."
        )


def _check_actions(actions: list[str]) -> None:
    if len(actions) > MOST_ACTIONS:
        raise errors.InvalidByModel(f"An alarm has at most {MOST_ACTIONS} actions for each state.")
    for action in actions:
        if not action.startswith("arn:") or action.count(":") < 5:
            raise errors.InvalidByModel(f"Invalid ARN: {action}")
        if not is_function(action) and not is_topic(action):
            raise NotImplementedException(
                f"Stoker has not built alarm actions but SNS topics and functions yet: {action}"
            )


def _check_metric(said: Mapping[str, Any]) -> None:
    for name in ("MetricName", "Namespace", "Period"):
        if said.get(name) is None:
            raise errors.MissingRequiredParameterException(f"The parameter {name} is required.")
    if (said.get("Statistic") is None) == (said.get("ExtendedStatistic") is None):
        raise errors.InvalidParameterCombinationException(
            "Must specify either Statistic or ExtendedStatistic."
        )
    if said.get("ExtendedStatistic") is not None:
        questions.check_stat(said["ExtendedStatistic"])
    questions.check_period(said["Period"])


def _check_metrics(said: Mapping[str, Any]) -> None:
    for name in _OF_ONE_METRIC:
        if said.get(name):
            raise errors.InvalidParameterCombinationException(
                f"The parameters Metrics and {name} exclude each other."
            )
    queries = said["Metrics"]
    if not 0 < len(queries) <= QUERIES:
        raise errors.InvalidByModel(f"Metrics must have between 1 and {QUERIES} members.")
    if len({query["Id"] for query in queries}) != len(queries):
        raise errors.InvalidByModel("The Ids of Metrics must differ.")
    for query in queries:
        questions.check_id(query["Id"])
        stat = query.get("MetricStat")
        if (stat is None) == (query.get("Expression") is None):
            raise errors.InvalidByModel(
                "Each member of Metrics must have either MetricStat or Expression."
            )
        if stat is not None:
            questions.check_stat(stat["Stat"])
            questions.check_period(stat["Period"])
    if len({query["MetricStat"]["Period"] for query in queries if "MetricStat" in query}) > 1:
        raise NotImplementedException(
            "Stoker has not built alarms on expressions of metrics with different periods yet."
        )
    if sum(query.get("ReturnData", True) is not False for query in queries) != 1:
        raise errors.InvalidByModel("Exactly one element of the metrics list should return data.")


async def points(
    control: Control, account: str, region: str, said: Mapping[str, Any], rule: Rule, end: int
) -> list[Point]:
    """The values of the periods that it looks at, which end at `end`. Raise MetricError, or
    StoreUnavailable."""
    start = end - rule.looks_at * rule.period_s

    async def read(query: shapes.MetricDataQuery) -> Line:
        stat = query.metric_stat
        assert stat is not None
        metric = stat.metric
        named = {one.name: one.value for one in metric.dimensions or ()}
        dimensions = tuple(sorted(named.items()))
        source = Source(account, region, metric.namespace or "", dimensions)
        name = metric.metric_name or ""
        by_unit = await control.metric_store.read(source, name, start, end, rule.period_s)
        found: dict[int, list[Statistic]] = {}
        for unit, spans in by_unit.items():
            if stat.unit in (None, unit):
                for at, one in spans.items():
                    found.setdefault(at, []).append(one)
        values = {at: questions.value(stat.stat, merged(many)) for at, many in found.items()}
        known = {at: value for at, value in values.items() if value is not None}
        return Line(name, rule.period_s, known, start, end)

    queries = [records.shown("MetricDataQuery", one, "cloudwatch") for one in _queries(said)]
    wanted = next(query for query in queries if query.return_data is not False)
    whole = Questions({query.id: query for query in queries}, read)
    lines = await whole.lines(wanted)
    if len(lines) != 1:
        raise errors.InvalidByModel("The expression must have one time series for its result.")
    return [Point(at, value) for at, value in sorted(lines[0].points.items())]


def _queries(said: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if said.get("Metrics") is not None:
        found: list[Mapping[str, Any]] = said["Metrics"]
        return found
    metric = {name: said.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {
        "Metric": {name: value for name, value in metric.items() if value is not None},
        "Period": said["Period"],
        "Stat": said.get("Statistic") or said["ExtendedStatistic"],
    }
    if said.get("Unit") is not None:
        stat["Unit"] = said["Unit"]
    return [{"Id": "m1", "MetricStat": stat}]
