"""What alarms make of values, and what follows from a change of their state."""

import itertools
import json
from typing import Any

import pytest

from stoker.core import alarm_messages, alarm_records
from stoker.core.alarm_messages import Told
from stoker.core.alarm_records import EVENTS, HISTORY, PENDING, News
from stoker.core.alarms import Missing, Point, Rule, State, judged, state_of

OK, ALARM, NO_DATA = State.OK, State.ALARM, State.INSUFFICIENT_DATA
KEPT = None  # the state that it had
OVER, WITHIN = 2.0, 0.0


def rule(periods: int, datapoints: int, missing: Missing = Missing.MISSING) -> Rule:
    return Rule("GreaterThanThreshold", 1.0, periods, datapoints, 60, missing)


def values(drawn: str) -> list[float | None]:
    return [{"X": OVER, "0": WITHIN, "-": None}[one] for one in drawn.replace(" ", "")]


# --- states -------------------------------------------------------------------------------------

ORDER = (Missing.MISSING, Missing.IGNORE, Missing.BREACHING, Missing.NOT_BREACHING)


@pytest.mark.parametrize(
    ("periods", "datapoints", "drawn", "wanted"),
    [
        # "Configuring how CloudWatch alarms treat missing data", both tables, in this order.
        (3, 3, "0 - X - X", (OK, OK, OK, OK)),
        (3, 3, "0 - - - -", (OK, OK, OK, OK)),
        (3, 3, "- - - - -", (NO_DATA, KEPT, ALARM, OK)),
        (3, 3, "0 X X - X", (ALARM, ALARM, ALARM, ALARM)),
        (3, 3, "- - X - -", (ALARM, KEPT, ALARM, OK)),
        (3, 2, "0 - X - X", (ALARM, ALARM, ALARM, ALARM)),
        (3, 2, "0 0 X 0 X", (ALARM, ALARM, ALARM, ALARM)),
        (3, 2, "0 - X - -", (OK, OK, ALARM, OK)),
        (3, 2, "- - - - 0", (OK, OK, ALARM, OK)),
        (3, 2, "- - - X -", (ALARM, KEPT, ALARM, OK)),
    ],
)
def test_values_that_are_missing_count_as_cloudwatch_says(
    periods: int, datapoints: int, drawn: str, wanted: tuple[State | None, ...]
) -> None:
    for missing, state in zip(ORDER, wanted, strict=True):
        for now in State:
            found = state_of(rule(periods, datapoints, missing), values(drawn), now)
            assert found is (now if state is KEPT else state), (missing, now)


def obvious(one: Rule, seen: list[float | None], now: State) -> State:
    """The same, the long way round: by what each missing value could have been."""
    there = [value for value in seen if value is not None][-one.periods :]
    lacking = one.periods - len(there)
    fillings = {
        Missing.BREACHING: [[OVER] * lacking],
        Missing.NOT_BREACHING: [[WITHIN] * lacking],
    }.get(one.missing, [list(each) for each in itertools.product((OVER, WITHIN), repeat=lacking)])
    verdicts = {
        sum(value > one.threshold for value in there + filling) >= one.datapoints
        for filling in fillings
    }
    if verdicts == {True}:
        return ALARM
    if verdicts == {False} or WITHIN in there:
        return OK
    if one.missing is Missing.IGNORE:
        return now
    if not there:
        return NO_DATA
    ages = [age for age, value in enumerate(reversed(seen), 1) if value is not None]
    return ALARM if max(ages) >= one.datapoints else OK


def test_every_course_of_values_has_the_state_that_is_obvious() -> None:
    for periods in (1, 2, 3):
        for seen in itertools.product((None, WITHIN, OVER), repeat=periods + 2):
            for datapoints, missing, now in itertools.product(
                range(1, periods + 1), Missing, State
            ):
                one = rule(periods, datapoints, missing)
                found = state_of(one, seen, now)
                assert found is obvious(one, list(seen), now), (one, seen, now)


@pytest.mark.parametrize(
    ("comparison", "over"),
    [
        ("GreaterThanThreshold", (False, False, True)),
        ("GreaterThanOrEqualToThreshold", (False, True, True)),
        ("LessThanThreshold", (True, False, False)),
        ("LessThanOrEqualToThreshold", (True, True, False)),
    ],
)
def test_a_threshold_is_crossed_in_four_ways(comparison: str, over: tuple[bool, ...]) -> None:
    one = Rule(comparison, 5.0, 1, 1, 60)
    assert tuple(one.breaches(value) for value in (4.0, 5.0, 6.0)) == over


def test_the_reason_says_which_values_crossed_what() -> None:
    points = [Point(1570035540, 99.5), Point(1570035480, 0.5)]
    found = judged(rule(2, 1), points, 1570035600, OK, 1570035880.985, "Average")
    assert found.state is ALARM
    assert found.reason == (
        "Threshold Crossed: 1 out of the last 2 datapoints [99.5 (02/10/19 16:59:00)] was greater"
        " than the threshold (1.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert found.data["queryDate"] == "2019-10-02T17:04:40.985+0000"
    assert found.data["startDate"] == "2019-10-02T16:58:00.000+0000"
    assert found.data["recentDatapoints"] == [0.5, 99.5]
    assert found.data["evaluatedDatapoints"][0]["value"] == 99.5
    assert (found.data["statistic"], found.data["period"]) == ("Average", 60)

    found = judged(rule(2, 2), points[:1], 1570035600, ALARM, 0, "")
    assert found.state is OK  # it is young yet
    found = judged(rule(2, 1), [Point(1570035540, 0.5)], 1570035600, ALARM, 0, "")
    assert "[0.5 (02/10/19 16:59:00)] was not greater than the threshold (1.0)" in found.reason
    assert "(minimum 2 datapoints for ALARM -> OK transition)" in found.reason
    assert "statistic" not in found.data


def test_the_reason_says_what_was_missing() -> None:
    assert judged(rule(1, 1), [], 600, OK, 0, "").reason == (
        "Insufficient Data: 1 datapoint was unknown."
    )
    assert judged(rule(3, 3, Missing.BREACHING), [], 600, OK, 0, "").reason == (
        "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints"
        " were treated as [Breaching]."
    )
    some = judged(rule(3, 2, Missing.BREACHING), [Point(540, 2.0)], 600, OK, 0, "")
    assert "2 missing datapoints were treated as [Breaching]" in some.reason


# --- what follows -------------------------------------------------------------------------------

SAID: dict[str, Any] = {
    "AlarmName": "busy",
    "AlarmDescription": "too much",
    "AlarmActions": ["arn:aws:sns:us-east-1:1:ops"],
    "OKActions": [],
    "MetricName": "Errors",
    "Namespace": "AWS/Lambda",
    "Statistic": "Sum",
    "Dimensions": [{"Name": "FunctionName", "Value": "f"}],
    "Period": 60,
    "EvaluationPeriods": 2,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}


def test_a_change_of_state_has_consequences_that_are_kept_with_it() -> None:
    record = alarm_records.made(SAID, 1.0)
    assert record["State"] == "INSUFFICIENT_DATA"
    fired = alarm_records.changed(record, News(ALARM, "why", '{"a":1}'), 2.0)
    assert [one["To"] for one in fired["Pending"]] == [EVENTS, *SAID["AlarmActions"]]
    assert fired["Transitioned"] == 2.0
    again = alarm_records.changed(fired, News(ALARM, "still"), 3.0)
    assert (again["Pending"], again["Transitioned"]) == (fired["Pending"], 2.0)
    assert (again["Updated"], again["Reason"]) == (3.0, "still")

    event, action = again["Pending"]
    done = alarm_records.settled(again, event, "", 4.0)
    done = alarm_records.settled(done, action, "no such topic", 5.0)
    assert done["Pending"] == []
    latest, update, created = done["History"]
    assert latest["HistorySummary"] == "Failed to execute action arn:aws:sns:us-east-1:1:ops"
    assert json.loads(latest["HistoryData"])["error"] == "no such topic"
    assert update["HistorySummary"] == "Alarm updated from INSUFFICIENT_DATA to ALARM"
    assert json.loads(update["HistoryData"])["newState"]["stateReasonData"] == {"a": 1}
    assert created["HistoryItemType"] == "ConfigurationUpdate"


def test_actions_that_are_switched_off_leave_the_event() -> None:
    record = alarm_records.made({**SAID, "ActionsEnabled": False}, 1.0)
    fired = alarm_records.changed(record, News(ALARM, "why"), 2.0)
    assert [one["To"] for one in fired["Pending"]] == [EVENTS]


def test_what_is_kept_of_the_past_is_bounded() -> None:
    record = alarm_records.made(SAID, 0.0)
    for number in range(2 * HISTORY):
        state = (OK, ALARM)[number % 2]
        record = alarm_records.changed(record, News(state, "why"), float(number))
        for pending in record["Pending"]:
            record = alarm_records.settled(record, pending, "", float(number))
    assert len(record["History"]) == HISTORY
    assert record["History"][0]["Timestamp"] == 2 * HISTORY - 1


def test_what_is_still_to_be_told_is_bounded_and_the_latest_of_it_stays() -> None:
    record = alarm_records.made({**SAID, "OKActions": SAID["AlarmActions"]}, 0.0)
    (ops,) = SAID["AlarmActions"]
    many = PENDING + 10
    for number in range(many):
        news = News((ALARM, OK)[number % 2], str(number))
        record = alarm_records.changed(record, news, float(number))
        assert len(record["Pending"]) <= PENDING
        event = next(one for one in record["Pending"] if one["To"] == EVENTS)
        record = alarm_records.settled(record, event, "", float(number))
    assert [one["To"] for one in record["Pending"]] == [ops] * (PENDING - 1)
    reasons = [one["Change"]["new"]["reason"] for one in record["Pending"]]
    # The first may be under way; those behind it have given way.
    assert reasons == [str(one) for one in (0, *range(many - PENDING + 2, many))]
    gone = [one for one in record["History"] if one["HistoryItemType"] == "Action"]
    assert "more than 50 were waiting" in json.loads(gone[0]["HistoryData"])["error"]


def test_each_receiver_is_told_in_order_and_none_waits_for_another() -> None:
    record = alarm_records.made({**SAID, "OKActions": ["arn:aws:sns:us-east-1:1:calm"]}, 0.0)
    for number, state in enumerate((ALARM, OK, ALARM)):
        record = alarm_records.changed(record, News(state, str(number)), float(number))
    found = [
        (one["To"].rpartition(":")[2], one["Change"]["new"]["reason"])
        for one in alarm_records.next_of_each(record)
    ]
    assert found == [(EVENTS, "0"), ("ops", "0"), ("calm", "1")]


def told(said: dict[str, Any] = SAID) -> Told:
    record = alarm_records.changed(alarm_records.made(said, 1.0), News(ALARM, "why", "{}"), 2.0)
    arn = "arn:aws:cloudwatch:us-east-1:1:alarm:busy"
    return Told(arn, "1", "us-east-1", said, 1.0, record["Pending"][0]["Change"])


def test_a_function_and_a_bus_hear_of_the_change_in_cloudwatch_s_words() -> None:
    event = json.loads(alarm_messages.of_lambda(told()))
    assert event["source"] == "aws.cloudwatch"
    assert event["alarmArn"].endswith(":alarm:busy")
    assert event["time"] == "1970-01-01T00:00:02.000+0000"
    data = event["alarmData"]
    assert data == json.loads(json.dumps(alarm_messages.of_eventbridge(told())))
    assert data["alarmName"] == "busy"
    assert data["state"] == {
        "value": "ALARM", "reason": "why", "reasonData": "{}",
        "timestamp": "1970-01-01T00:00:02.000+0000",
    }  # fmt: skip
    assert data["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert "reasonData" not in data["previousState"]
    (metric,) = data["configuration"]["metrics"]
    assert metric["returnData"] is True
    assert metric["metricStat"] == {
        "metric": {
            "namespace": "AWS/Lambda", "name": "Errors", "dimensions": {"FunctionName": "f"}
        },
        "period": 60,
        "stat": "Sum",
    }  # fmt: skip


def test_a_topic_s_message_is_the_one_that_people_know() -> None:
    subject, message = alarm_messages.of_sns(told(), "US East (N. Virginia)")
    assert subject == 'ALARM: "busy" in US East (N. Virginia)'
    said = json.loads(message)
    assert (said["NewStateValue"], said["OldStateValue"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert said["Trigger"]["Statistic"] == "SUM"
    assert said["Trigger"]["Dimensions"] == [{"value": "f", "name": "FunctionName"}]
    long, _ = alarm_messages.of_sns(told({**SAID, "AlarmName": "x" * 255}), "US East")
    assert len(long) == 100


def test_expressions_are_told_with_their_metrics() -> None:
    queries = [
        {"Id": "e", "Expression": "m * 2", "Label": "twice"},
        {"Id": "m", "MetricStat": {"Metric": {"MetricName": "n"}, "Period": 300, "Stat": "p99"},
         "ReturnData": False},
    ]  # fmt: skip
    said = {name: SAID[name] for name in SAID if name not in ("MetricName", "Namespace")}
    one = told({**said, "Period": None, "Metrics": queries})
    first, second = alarm_messages.of_eventbridge(one)["configuration"]["metrics"]
    assert first == {"id": "e", "returnData": True, "expression": "m * 2", "label": "twice"}
    assert second["metricStat"]["stat"] == "p99"
    record = {"Configuration": one.configuration}
    assert alarm_records.rule_of(record).period_s == 300
    assert json.loads(alarm_messages.of_sns(one, "x")[1])["Trigger"]["Metrics"] == queries
