"""What an alarm that changes its state tells others. Pure.

Sources: "Alarm events and EventBridge", "Invoke a Lambda function from an alarm" and "Notify
users on alarm changes" of CloudWatch's user guide; a topic's message as Amazon SNS delivers it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from stoker.core.alarms import Missing, moment

SOURCE: Final = "aws.cloudwatch"
DETAIL_TYPE: Final = "CloudWatch Alarm State Change"
PRINCIPAL: Final = "lambda.alarms.cloudwatch.amazonaws.com"  # who invokes functions
SUBJECT_CHARACTERS: Final = 100  # SNS's


@dataclass(frozen=True, slots=True)
class Told:
    """Which alarm, and the change of its state."""

    arn: str
    account: str
    region: str
    configuration: Mapping[str, Any]  # as core/alarm_records.py keeps it
    configured: float
    change: Mapping[str, Any]

    @property
    def name(self) -> str:
        return str(self.configuration["AlarmName"])


def of_eventbridge(told: Told) -> dict[str, Any]:
    """The event's detail."""
    return {
        "alarmName": told.name,
        "configuration": _configuration(told),
        "previousState": _side(told.change["old"]),
        "state": _side(told.change["new"]),
    }


def of_lambda(told: Told) -> bytes:
    """The function's event."""
    event = {
        "source": SOURCE,
        "alarmArn": told.arn,
        "accountId": told.account,
        "time": told.change["new"]["timestamp"],
        "region": told.region,
        "alarmData": of_eventbridge(told),
    }
    return json.dumps(event, separators=(",", ":")).encode()


def of_sns(told: Told, region: str) -> tuple[str, str]:
    """A notification's subject and message; `region`: in words, "US East (N. Virginia)"."""
    said, old, new = told.configuration, told.change["old"], told.change["new"]
    message = {
        "AlarmName": told.name,
        "AlarmDescription": said.get("AlarmDescription"),
        "AWSAccountId": told.account,
        "AlarmConfigurationUpdatedTimestamp": moment(told.configured),
        "NewStateValue": new["value"],
        "NewStateReason": new["reason"],
        "StateChangeTime": new["timestamp"],
        "Region": region,
        "AlarmArn": told.arn,
        "OldStateValue": old["value"],
        "OKActions": said.get("OKActions") or [],
        "AlarmActions": said.get("AlarmActions") or [],
        "InsufficientDataActions": said.get("InsufficientDataActions") or [],
        "Trigger": _trigger(said),
    }
    subject = f'{new["value"]}: "{told.name}" in {region}'
    return subject[:SUBJECT_CHARACTERS], json.dumps(message)


def _trigger(said: Mapping[str, Any]) -> dict[str, Any]:
    trigger: dict[str, Any] = {
        "Period": said.get("Period"),
        "EvaluationPeriods": said["EvaluationPeriods"],
        "DatapointsToAlarm": said.get("DatapointsToAlarm"),
        "ComparisonOperator": said["ComparisonOperator"],
        "Threshold": said["Threshold"],
        "TreatMissingData": said.get("TreatMissingData") or Missing.MISSING.value,
        "EvaluateLowSampleCountPercentile": said.get("EvaluateLowSampleCountPercentile") or "",
    }
    if said.get("Metrics"):
        return trigger | {"Metrics": said["Metrics"]}
    extended = said.get("ExtendedStatistic")
    return {
        "MetricName": said.get("MetricName"),
        "Namespace": said.get("Namespace"),
        "StatisticType": "ExtendedStatistic" if extended else "Statistic",
        "Statistic": extended or _UPPER[said["Statistic"]],
        "Unit": said.get("Unit"),
        "Dimensions": [
            {"value": one["Value"], "name": one["Name"]} for one in said.get("Dimensions") or ()
        ],
        **trigger,
    }


_UPPER: Final = {
    "SampleCount": "SAMPLE_COUNT",
    "Average": "AVERAGE",
    "Sum": "SUM",
    "Minimum": "MINIMUM",
    "Maximum": "MAXIMUM",
}


def _configuration(told: Told) -> dict[str, Any]:
    said = told.configuration
    described = {"description": said["AlarmDescription"]} if said.get("AlarmDescription") else {}
    if said.get("Metrics"):
        return {**described, "metrics": [_query(one) for one in said["Metrics"]]}
    stat = {
        "Metric": {name: said.get(name) for name in ("MetricName", "Namespace", "Dimensions")},
        "Period": said["Period"],
        "Stat": said.get("Statistic") or said.get("ExtendedStatistic"),
        "Unit": said.get("Unit"),
    }
    return {**described, "metrics": [_query({"Id": "m1", "MetricStat": stat})]}


def _query(one: Mapping[str, Any]) -> dict[str, Any]:
    query: dict[str, Any] = {"id": one["Id"], "returnData": one.get("ReturnData", True)}
    for name in ("Expression", "Label", "Period"):
        if one.get(name) is not None:
            query[name.lower()] = one[name]
    stat = one.get("MetricStat")
    if stat:
        metric = stat["Metric"]
        dimensions = {each["Name"]: each["Value"] for each in metric.get("Dimensions") or ()}
        query["metricStat"] = {
            "metric": {
                "namespace": metric.get("Namespace"),
                "name": metric.get("MetricName"),
                "dimensions": dimensions,
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
        }
        if stat.get("Unit"):
            query["metricStat"]["unit"] = stat["Unit"]
    return query


def _side(side: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: side[name] for name in ("value", "reason", "timestamp")}
    return told | ({"reasonData": side["reasonData"]} if side["reasonData"] else {})
