"""CloudWatch's alarms on metrics: PutMetricAlarm, DescribeAlarms and what belongs to them.

Documented at https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/. Their states are
found by api/alarm_watch.py.
"""

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from stoker.api import alarm_rules, records
from stoker.api.control import Call, Caller, Control
from stoker.api.identifiers import new_revision
from stoker.api.metrics import place
from stoker.api.shapes import cloudwatch as shapes
from stoker.core import alarm_records, metric_errors
from stoker.core.alarm_records import News
from stoker.core.alarms import State
from stoker.core.metrics import start_of
from stoker.core.resources import Kind, Resource, ResourceKey
from stoker.core.validation import check_tags
from stoker.store.base import StoreUnavailable, Transaction

MOST = 5000  # of an account's region; CloudWatch has no such bound
PAGE, HISTORY_PAGE = 50, 100
MOST_PAGE = 100
METRIC_ALARM = "MetricAlarm"
_OF_METRIC = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Unit")


async def put_metric_alarm(control: Control, call: Call[shapes.PutMetricAlarmInput]) -> None:
    """Make an alarm, or give it other settings; its state is found at once. The tags of one that is
    there stay."""
    said = records.asked(call.input, "cloudwatch")
    tags = {one["Key"]: one["Value"] for one in said.pop("Tags", None) or ()}
    check_tags(tags)
    alarm_rules.check(said)
    now = time.time()
    rule = alarm_records.rule_of({"Configuration": said})
    alarm_rules.check_span(rule)
    caller = call.caller
    try:  # an expression that cannot be worked out is refused here
        end = start_of(now)
        await alarm_rules.points(control, caller.account, caller.region, said, rule, end)
    except StoreUnavailable as error:
        raise metric_errors.InternalFault(f"The metrics cannot be read: {error}") from error
    key = _key(caller, call.input.alarm_name)
    async with control.store.transaction() as tx:
        before = await tx.resources.get(key)
        if before is not None:
            record = alarm_records.configured(before.record, said, now)
            await _put(tx, before, record)
            return
        there = await tx.resources.of(key.account, key.region, Kind.ALARM, after="")
        if len(there) >= MOST:
            raise metric_errors.LimitExceeded(f"An account has at most {MOST} alarms.")
        record = alarm_records.made(said, now)
        await tx.resources.add(Resource(key, new_revision(), record, tags))


async def describe_alarms(
    control: Control, call: Call[shapes.DescribeAlarmsInput]
) -> shapes.DescribeAlarmsOutput:
    """The caller's alarms by name. Of composite ones, children and parents there are none."""
    asked = call.input
    kinds = asked.alarm_types or (METRIC_ALARM,)
    if asked.children_of_alarm_name or asked.parents_of_alarm_name or METRIC_ALARM not in kinds:
        return shapes.DescribeAlarmsOutput(metric_alarms=(), composite_alarms=())
    found = [
        alarm
        for alarm in await _all(control, call.caller)
        if (asked.alarm_names is None or alarm.key.id in asked.alarm_names)
        and alarm.key.id.startswith(asked.alarm_name_prefix or "")
        and asked.state_value in (None, alarm.record["State"])
        and _acts(alarm, asked.action_prefix)
    ]
    skip, most = place(asked.next_token), min(asked.max_records or PAGE, MOST_PAGE)
    return shapes.DescribeAlarmsOutput(
        metric_alarms=tuple(_shown(alarm) for alarm in found[skip : skip + most]),
        composite_alarms=(),
        next_token=f"q{skip + most}" if len(found) > skip + most else None,
    )


async def describe_alarms_for_metric(
    control: Control, call: Call[shapes.DescribeAlarmsForMetricInput]
) -> shapes.DescribeAlarmsForMetricOutput:
    """Those that look at this metric; what is not said is not asked for."""
    asked = records.asked(call.input, "cloudwatch")
    dimensions = _dimensions(asked)
    found = []
    for alarm in await _all(control, call.caller):
        said = alarm.record["Configuration"]
        same = all(name not in asked or asked[name] == said.get(name) for name in _OF_METRIC)
        if same and _dimensions(said) == dimensions:
            found.append(_shown(alarm))
    return shapes.DescribeAlarmsForMetricOutput(metric_alarms=tuple(found))


async def describe_alarm_history(
    control: Control, call: Call[shapes.DescribeAlarmHistoryInput]
) -> shapes.DescribeAlarmHistoryOutput:
    """What happened to the caller's alarms: of each that there is, the latest 50 things."""
    asked = call.input
    since = asked.start_date.timestamp() if asked.start_date else 0.0
    until = asked.end_date.timestamp() if asked.end_date else float("inf")
    kinds = asked.alarm_types or (METRIC_ALARM,)
    found = [
        (item["Timestamp"], alarm.key.id, item)
        for alarm in await _all(control, call.caller)
        if asked.alarm_name in (None, alarm.key.id) and METRIC_ALARM in kinds
        for item in alarm.record["History"]
        if asked.history_item_type in (None, item["HistoryItemType"])
        and since <= item["Timestamp"] <= until
    ]
    found.sort(key=lambda one: one[0], reverse=asked.scan_by != "TimestampAscending")
    skip, most = place(asked.next_token), min(asked.max_records or HISTORY_PAGE, MOST_PAGE)
    page = found[skip : skip + most]
    return shapes.DescribeAlarmHistoryOutput(
        alarm_history_items=tuple(
            records.shown(
                "AlarmHistoryItem", {**item, "AlarmName": name, "AlarmType": METRIC_ALARM},
                "cloudwatch",
            )
            for _, name, item in page
        ),
        next_token=f"q{skip + most}" if len(found) > skip + most else None,
    )  # fmt: skip


async def set_alarm_state(control: Control, call: Call[shapes.SetAlarmStateInput]) -> None:
    """Give it a state, with all that follows from that, until values say something else."""
    asked = call.input
    data = asked.state_reason_data or ""
    if data:
        try:
            json.loads(data)
        except ValueError:
            raise metric_errors.InvalidFormat("StateReasonData is not JSON") from None
    news = News(State(asked.state_value), asked.state_reason, data)
    now = time.time()
    async with control.store.transaction() as tx:
        alarm = await _must_have(tx, _key(call.caller, asked.alarm_name))
        await _put(tx, alarm, alarm_records.changed(alarm.record, news, now))


async def delete_alarms(control: Control, call: Call[shapes.DeleteAlarmsInput]) -> None:
    """All of them, or none; their history goes with them."""
    async with control.store.transaction() as tx:
        for name in dict.fromkeys(call.input.alarm_names):
            await tx.resources.remove((await _must_have(tx, _key(call.caller, name))).key)


async def enable_alarm_actions(
    control: Control, call: Call[shapes.EnableAlarmActionsInput]
) -> None:
    """From the next change of state on; names that there are not make no difference."""
    await _switch(control, call.caller, call.input.alarm_names, on=True)


async def disable_alarm_actions(
    control: Control, call: Call[shapes.DisableAlarmActionsInput]
) -> None:
    """Likewise."""
    await _switch(control, call.caller, call.input.alarm_names, on=False)


async def tag_resource(
    control: Control, call: Call[shapes.TagResourceInput]
) -> shapes.TagResourceOutput:
    """Add tags to an alarm, or replace those of the same names."""
    more = {one.key: one.value for one in call.input.tags}
    await _retag(control, call.caller, call.input.resource_arn, lambda tags: {**tags, **more})
    return shapes.TagResourceOutput()


async def untag_resource(
    control: Control, call: Call[shapes.UntagResourceInput]
) -> shapes.UntagResourceOutput:
    """Take tags from an alarm."""
    gone = set(call.input.tag_keys)
    await _retag(
        control, call.caller, call.input.resource_arn,
        lambda tags: {key: value for key, value in tags.items() if key not in gone},
    )  # fmt: skip
    return shapes.UntagResourceOutput()


async def list_tags_for_resource(
    control: Control, call: Call[shapes.ListTagsForResourceInput]
) -> shapes.ListTagsForResourceOutput:
    """An alarm's."""
    async with control.store.transaction() as tx:
        alarm = await _tagged(tx, call.caller, call.input.resource_arn)
    tags = tuple(shapes.Tag(key=key, value=value) for key, value in alarm.tags.items())
    return shapes.ListTagsForResourceOutput(tags=tags)


def arn_of(key: ResourceKey) -> str:
    """An alarm's."""
    return f"arn:aws:cloudwatch:{key.region}:{key.account}:alarm:{key.id}"


# --- what they have in common -------------------------------------------------------------------


async def _all(control: Control, caller: Caller) -> list[Resource]:
    async with control.store.transaction() as tx:
        return await tx.resources.of(caller.account, caller.region, Kind.ALARM, after="")


async def _must_have(tx: Transaction, key: ResourceKey) -> Resource:
    found = await tx.resources.get(key)
    if found is None:
        raise metric_errors.ResourceNotFound(f"Unknown alarm: {key.id}")
    return found


async def _put(tx: Transaction, alarm: Resource, record: Mapping[str, Any]) -> None:
    changed = alarm.changed(record, revision=new_revision())
    await tx.resources.put(changed, expected=alarm.revision_id)


async def _switch(control: Control, caller: Caller, names: tuple[str, ...], *, on: bool) -> None:
    now = time.time()
    async with control.store.transaction() as tx:
        for name in dict.fromkeys(names):
            alarm = await tx.resources.get(_key(caller, name))
            if alarm is not None:
                said = {**alarm.record["Configuration"], "ActionsEnabled": on}
                await _put(tx, alarm, alarm_records.configured(alarm.record, said, now))


async def _retag(
    control: Control,
    caller: Caller,
    arn: str,
    change: Callable[[Mapping[str, str]], dict[str, str]],
) -> None:
    async with control.store.transaction() as tx:
        alarm = await _tagged(tx, caller, arn)
        tags = change(alarm.tags)
        check_tags(tags)
        changed = alarm.tagged(tags, revision=new_revision())
        await tx.resources.put(changed, expected=alarm.revision_id)


async def _tagged(tx: Transaction, caller: Caller, arn: str) -> Resource:
    name = arn.partition(":alarm:")[2]
    key = _key(caller, name)
    found = await tx.resources.get(key) if name and arn == arn_of(key) else None
    if found is None:
        raise metric_errors.ResourceNotFoundException(f"There is no alarm {arn}.")
    return found


def _key(caller: Caller, name: str) -> ResourceKey:
    return ResourceKey(caller.account, caller.region, Kind.ALARM, name)


def _dimensions(said: Mapping[str, Any]) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in said.get("Dimensions") or ()}


def _acts(alarm: Resource, prefix: str | None) -> bool:
    if prefix is None:
        return True
    said = alarm.record["Configuration"]
    actions = (action for name in alarm_records.ACTIONS.values() for action in said.get(name) or ())
    return any(action.startswith(prefix) for action in actions)


def _shown(alarm: Resource) -> shapes.MetricAlarm:
    record = alarm.record
    said = {"ActionsEnabled": True, "Dimensions": [], **record["Configuration"]}
    for name in alarm_records.ACTIONS.values():
        said[name] = said.get(name) or []
    if said.get("Metrics"):
        del said["Dimensions"]
    told = {
        **said,
        "AlarmArn": arn_of(alarm.key),
        "AlarmConfigurationUpdatedTimestamp": record["Configured"],
        "StateValue": record["State"],
        "StateReason": record["Reason"],
        "StateUpdatedTimestamp": record["Updated"],
        "StateTransitionedTimestamp": record["Transitioned"],
    }
    if record["Data"]:
        told["StateReasonData"] = record["Data"]
    shown: shapes.MetricAlarm = records.shown("MetricAlarm", told, "cloudwatch")
    return shown
