"""CloudWatch's alarms through the front door: what they are, what they see, what they do."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stoker.api.alarm_watch import AlarmWatch
from stoker.core.alarm_records import made
from stoker.core.metrics import start_of
from stoker.core.resources import Kind, Resource, ResourceKey
from tests.faults.scene import PATIENCE_S
from tests.front_door import ACCOUNT, REGION, Door, at_the_door, create_function, refused

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:ops"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"
SEES = {
    "AlarmName": "busy",
    "Namespace": "Mine",
    "MetricName": "n",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
DRILL = {**SEES, "TreatMissingData": "ignore"}  # stays as it was set
Sent = list[tuple[Any, ...]]


@asynccontextmanager
async def watched(
    door: Door, ask: Callable[..., Awaitable[dict[str, Any]]] | None = None
) -> AsyncIterator[Sent]:
    """Alarms are watched; what they ask other services for is the value."""
    sent: Sent = []

    async def asked(*call: Any) -> dict[str, Any]:
        sent.append(call)
        return {} if ask is None else await ask(*call)

    watch = AlarmWatch(door.control, asked)
    await watch.start()
    try:
        yield sent
    finally:
        await watch.close()


async def cloudwatch(door: Door, operation: str, **given: Any) -> Any:
    return await door.call("cloudwatch", operation, **given)


async def alarm(door: Door, name: str = "busy") -> dict[str, Any]:
    found = await cloudwatch(door, "describe_alarms", AlarmNames=[name])
    (one,) = found["MetricAlarms"]
    return dict(one)


async def comes(look: Callable[[], Awaitable[Any]], wanted: Callable[[Any], object]) -> Any:
    """What look() says, once it is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not wanted(seen := await look()):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return seen


async def has_state(door: Door, state: str) -> dict[str, Any]:
    found: dict[str, Any] = await comes(lambda: alarm(door), lambda one: one["StateValue"] == state)
    return found


async def acted(door: Door, times: int = 1) -> list[dict[str, Any]]:
    """What the history says of actions, once there are so many."""
    told = await comes(
        lambda: cloudwatch(door, "describe_alarm_history", HistoryItemType="Action"),
        lambda told: len(told["AlarmHistoryItems"]) == times,
    )
    items: list[dict[str, Any]] = told["AlarmHistoryItems"]
    return items


def minutes_ago(count: int) -> datetime:
    return datetime.fromtimestamp(start_of(time.time()) - 60 * count, UTC)


async def put(door: Door, value: float, name: str = "n", ago: int = 2) -> None:
    """Older than the latest minute: whatever minute begins meanwhile, it is looked at."""
    datum = {"MetricName": name, "Value": value, "Timestamp": minutes_ago(ago)}
    await cloudwatch(door, "put_metric_data", Namespace="Mine", MetricData=[datum])


def test_an_alarm_finds_its_state_in_its_metric_and_keeps_why(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async with watched(door):
            await put(door, 7.0)
            await cloudwatch(door, "put_metric_alarm", **SEES, AlarmDescription="d")
            found = await has_state(door, "ALARM")
            assert "[7.0 (" in found["StateReason"]
            assert "was greater than the threshold (1.0)" in found["StateReason"]
            assert json.loads(found["StateReasonData"])["recentDatapoints"] == [7.0]
            assert found["AlarmArn"] == f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:busy"
            assert found["AlarmDescription"] == "d"
            assert found["ActionsEnabled"] is True

            await cloudwatch(door, "put_metric_alarm", **{**SEES, "Threshold": 100.0})
            assert "not greater" in (await has_state(door, "OK"))["StateReason"]
            told = await cloudwatch(door, "describe_alarm_history", AlarmName="busy")
            summaries = [one["HistorySummary"] for one in told["AlarmHistoryItems"]]
            assert summaries == [
                "Alarm updated from ALARM to OK",
                'Alarm "busy" updated',
                "Alarm updated from INSUFFICIENT_DATA to ALARM",
                'Alarm "busy" created',
            ]
            updates = await cloudwatch(
                door, "describe_alarm_history", HistoryItemType="StateUpdate", MaxRecords=1,
                ScanBy="TimestampAscending",
            )  # fmt: skip
            (first,) = updates["AlarmHistoryItems"]
            assert json.loads(first["HistoryData"])["newState"]["stateValue"] == "ALARM"
            rest = await cloudwatch(
                door, "describe_alarm_history", HistoryItemType="StateUpdate",
                ScanBy="TimestampAscending", NextToken=updates["NextToken"],
            )  # fmt: skip
            assert [one["HistorySummary"] for one in rest["AlarmHistoryItems"]] == summaries[:1]

    at_the_door(tmp_path, story)


def test_an_alarm_may_look_at_an_expression_of_metrics(tmp_path: Path) -> None:
    def metric(name: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": "Mine", "MetricName": name}, "Period": 60, "Stat": "Sum"}
        return {"Id": name, "MetricStat": stat, "ReturnData": False}

    rule = {key: SEES[key] for key in SEES if key not in ("Namespace", "MetricName", "Statistic")}
    del rule["Period"]
    rate = {"Id": "rate", "Expression": "100 * bad / all", "Label": "share"}

    async def story(door: Door) -> None:
        async with watched(door):
            await put(door, 10.0, "all")
            await put(door, 1.0, "bad")
            given = {**rule, "Metrics": [rate, metric("bad"), metric("all")], "Threshold": 9.0}
            await cloudwatch(door, "put_metric_alarm", **given)
            found = await has_state(door, "ALARM")
            assert "[10.0 (" in found["StateReason"]
            assert [one["Id"] for one in found["Metrics"]] == ["rate", "bad", "all"]
            broken = {**given, "Metrics": [{**rate, "Expression": "100 *"}, metric("bad")]}
            status, code, _ = await refused(cloudwatch(door, "put_metric_alarm", **broken))
            assert (status, code) == (400, "ValidationError")

    at_the_door(tmp_path, story)


def test_a_change_of_state_tells_topics_and_functions_once(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        await door.call(
            "lambda", "add_permission", FunctionName="f", StatementId="s",
            Action="lambda:InvokeFunction", Principal="lambda.alarms.cloudwatch.amazonaws.com",
            SourceArn=f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:busy",
        )  # fmt: skip
        async with watched(door) as sent:
            actions = {"AlarmActions": [TOPIC, FUNCTION], "OKActions": [TOPIC]}
            await cloudwatch(door, "put_metric_alarm", **DRILL, **actions)
            for _ in range(2):
                given = {"StateValue": "ALARM", "StateReason": "drill"}
                await cloudwatch(door, "set_alarm_state", AlarmName="busy", **given)
            told = await acted(door, 2)
            assert {one["HistorySummary"] for one in told} == {
                f"Successfully executed action {TOPIC}",
                f"Successfully executed action {FUNCTION}",
            }
            ((account, region, service, operation, asked),) = sent
            assert (account, region, service, operation) == (ACCOUNT, REGION, "sns", "Publish")
            assert asked["Subject"] == 'ALARM: "busy" in Europe (Frankfurt)'
            assert json.loads(asked["Message"])["NewStateReason"] == "drill"

        async def events() -> list[Any]:
            return door.echo.invocations

        (invocation,) = await comes(events, len)
        assert json.loads(invocation.event)["alarmData"]["state"]["value"] == "ALARM"

    at_the_door(tmp_path, story)


def test_a_function_that_lets_cloudwatch_not_in_is_not_invoked(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        async with watched(door):
            await cloudwatch(door, "put_metric_alarm", **DRILL, OKActions=[FUNCTION])
            given = {"StateValue": "OK", "StateReason": "drill"}
            await cloudwatch(door, "set_alarm_state", AlarmName="busy", **given)
            (one,) = await acted(door)
            assert one["HistorySummary"] == f"Failed to execute action {FUNCTION}"
            assert "no resource-based policy allows" in json.loads(one["HistoryData"])["error"]
        assert door.echo.invocations == []

    at_the_door(tmp_path, story)


def test_what_was_under_way_when_the_server_died_is_done_in_its_next_life(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        stuck = asyncio.Event()

        async def hang(*_: Any) -> dict[str, Any]:
            stuck.set()
            await asyncio.Event().wait()
            return {}

        async with watched(door, hang):
            await cloudwatch(door, "put_metric_alarm", **DRILL, AlarmActions=[TOPIC])
            given = {"StateValue": "ALARM", "StateReason": "drill"}
            await cloudwatch(door, "set_alarm_state", AlarmName="busy", **given)
            async with asyncio.timeout(PATIENCE_S):
                await stuck.wait()
        async with watched(door) as sent:
            await acted(door)
            assert [call[3] for call in sent] == ["Publish"]

    at_the_door(tmp_path, story)


def test_who_takes_no_notice_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    """Neither another receiver of the same alarm nor another alarm; and hears in order."""
    calm = TOPIC.replace("ops", "calm")

    async def story(door: Door) -> None:
        told: list[str] = []
        stuck, free = asyncio.Event(), asyncio.Event()

        async def ask(*call: Any) -> dict[str, Any]:
            to, message = call[4]["TopicArn"], json.loads(call[4]["Message"])
            if to == TOPIC:
                stuck.set()
                await free.wait()
                told.append(message["NewStateReason"])
            return {}

        async def change(name: str, state: str, reason: str) -> None:
            given = {"AlarmName": name, "StateValue": state, "StateReason": reason}
            await cloudwatch(door, "set_alarm_state", **given)

        async with watched(door, ask):
            actions = {"AlarmActions": [TOPIC, calm], "OKActions": [TOPIC]}
            await cloudwatch(door, "put_metric_alarm", **DRILL, **actions)
            await change("busy", "ALARM", "first")
            async with asyncio.timeout(PATIENCE_S):
                await stuck.wait()
            await change("busy", "OK", "second")
            other = {**DRILL, "AlarmName": "other", "AlarmActions": [calm]}
            await cloudwatch(door, "put_metric_alarm", **other)
            await change("other", "ALARM", "third")
            summaries = {one["HistorySummary"] for one in await acted(door, 2)}
            assert summaries == {f"Successfully executed action {calm}"}
            free.set()
            await acted(door, 4)
            assert told == ["first", "second"]

    at_the_door(tmp_path, story)


def test_an_alarm_that_cannot_be_judged_keeps_no_other_from_it(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        key = ResourceKey(ACCOUNT, REGION, Kind.ALARM, "broken")
        record = made({"AlarmName": "broken", "Metrics": [None]}, 1.0)
        async with door.control.store.transaction() as tx:
            await tx.resources.add(Resource(key, "1", record))
        async with watched(door):
            await put(door, 7.0)
            await cloudwatch(door, "put_metric_alarm", **SEES)
            await has_state(door, "ALARM")

    at_the_door(tmp_path, story)


def test_an_action_that_fails_in_a_way_of_its_own_is_told_and_over(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        async def fail(*_: Any) -> dict[str, Any]:
            raise KeyError("what nobody thought of")

        async with watched(door, fail):
            await cloudwatch(door, "put_metric_alarm", **DRILL, AlarmActions=[TOPIC])
            given = {"StateValue": "ALARM", "StateReason": "drill"}
            await cloudwatch(door, "set_alarm_state", AlarmName="busy", **given)
            (one,) = await acted(door)
            assert "Failed to execute" in one["HistorySummary"]

    at_the_door(tmp_path, story)


def test_actions_can_be_switched_off_and_alarms_be_found_tagged_and_deleted(
    tmp_path: Path,
) -> None:
    async def story(door: Door) -> None:
        tags = [{"Key": "team", "Value": "a"}]
        await cloudwatch(door, "put_metric_alarm", **SEES, AlarmActions=[TOPIC], Tags=tags)
        other = {**SEES, "AlarmName": "other", "MetricName": "m", "Statistic": "Average"}
        await cloudwatch(door, "put_metric_alarm", **other)

        async def names(**filters: Any) -> list[str]:
            found = await cloudwatch(door, "describe_alarms", **filters)
            return [one["AlarmName"] for one in found["MetricAlarms"]]

        assert await names() == ["busy", "other"]
        assert await names(AlarmNamePrefix="ot") == ["other"]
        assert await names(StateValue="OK") == []
        assert await names(ActionPrefix="arn:aws:sns:") == ["busy"]
        assert await names(AlarmTypes=["CompositeAlarm"]) == []
        page = await cloudwatch(door, "describe_alarms", MaxRecords=1)
        assert await names(NextToken=page["NextToken"]) == ["other"]
        of_metric = {"Namespace": "Mine", "MetricName": "n"}
        found = await cloudwatch(door, "describe_alarms_for_metric", **of_metric)
        assert [one["AlarmName"] for one in found["MetricAlarms"]] == ["busy"]

        await cloudwatch(door, "disable_alarm_actions", AlarmNames=["busy", "none"])
        assert (await alarm(door))["ActionsEnabled"] is False
        await cloudwatch(door, "enable_alarm_actions", AlarmNames=["busy"])
        assert (await alarm(door))["ActionsEnabled"] is True

        arn = (await alarm(door))["AlarmArn"]
        more = [{"Key": "kind", "Value": "b"}]
        await cloudwatch(door, "tag_resource", ResourceARN=arn, Tags=more)
        await cloudwatch(door, "untag_resource", ResourceARN=arn, TagKeys=["team"])
        told = await cloudwatch(door, "list_tags_for_resource", ResourceARN=arn)
        assert told["Tags"] == more

        gone = cloudwatch(door, "delete_alarms", AlarmNames=["busy", "none"])
        assert (await refused(gone))[:2] == (404, "ResourceNotFound")
        assert await names() == ["busy", "other"], "all or none"
        await cloudwatch(door, "delete_alarms", AlarmNames=["busy", "other"])
        assert await names() == []
        told = cloudwatch(door, "list_tags_for_resource", ResourceARN=arn)
        assert (await refused(told))[:2] == (404, "ResourceNotFoundException")

    at_the_door(tmp_path, story)


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in SEES.items() if key != name}


REFUSED: list[tuple[dict[str, Any], str]] = [
    (without("Threshold"), "MissingParameter"),
    (without("Period"), "MissingParameter"),
    (without("Statistic"), "InvalidParameterCombination"),
    ({**SEES, "ExtendedStatistic": "p99"}, "InvalidParameterCombination"),
    ({**without("Statistic"), "ExtendedStatistic": "tm99"}, "InvalidParameterValue"),
    ({**SEES, "Period": 61}, "InvalidParameterValue"),
    ({**SEES, "EvaluationPeriods": 1441}, "ValidationError"),
    ({**SEES, "DatapointsToAlarm": 2}, "ValidationError"),
    ({**SEES, "AlarmActions": ["ops"]}, "ValidationError"),
    ({**SEES, "AlarmActions": [TOPIC] * 6}, "ValidationError"),
    ({**SEES, "AlarmActions": ["arn:aws:automate:eu-central-1:ec2:stop"]}, "NotImplemented"),
    ({**SEES, "ComparisonOperator": "GreaterThanUpperThreshold"}, "NotImplemented"),
    ({**SEES, "EvaluateLowSampleCountPercentile": "ignore"}, "NotImplemented"),
    ({**SEES, "Metrics": []}, "InvalidParameterCombination"),
    ({**SEES, "TreatMissingData": "never"}, "ValidationError"),
]


def test_an_alarm_that_cannot_be_is_refused(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        for given, code in REFUSED:
            found = await refused(cloudwatch(door, "put_metric_alarm", **given))
            assert code in found[1], (given, found)
        assert (await cloudwatch(door, "describe_alarms"))["MetricAlarms"] == []

    at_the_door(tmp_path, story)


def test_what_is_not_built_of_alarms_says_so(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        composite = cloudwatch(door, "put_composite_alarm", AlarmName="c", AlarmRule="ALARM(busy)")
        status, code, _ = await refused(composite)
        assert (status, code) == (501, "NotImplementedException")
        unknown = {"AlarmName": "none", "StateValue": "OK", "StateReason": "r"}
        set_ = cloudwatch(door, "set_alarm_state", **unknown)
        assert (await refused(set_))[:2] == (404, "ResourceNotFound")
        await cloudwatch(door, "put_metric_alarm", **SEES)
        bad = {**unknown, "AlarmName": "busy", "StateReasonData": "{"}
        assert (await refused(cloudwatch(door, "set_alarm_state", **bad)))[1] == "InvalidFormat"

    at_the_door(tmp_path, story)
