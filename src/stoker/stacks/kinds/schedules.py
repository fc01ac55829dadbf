"""AWS::Events::*, AWS::Scheduler::*, AWS::StepFunctions::*: what sets other things going."""

import json
from typing import Any

from stoker.core.stacks.errors import ValidationError
from stoker.stacks.work import Kind, Made, Work, as_map, words

# ---- rules and buses ----


def _bus(work: Work) -> dict[str, Any]:
    bus = work.properties.get("EventBusName")
    return {"EventBusName": bus} if bus else {}


async def _create_rule(work: Work) -> Made:
    name = work.name("Name", 64)
    made = await work.ask("events", "PutRule", **{**work.without("Targets"), "Name": name})
    bus = str(work.properties.get("EventBusName") or "default").rpartition("/")[2]
    physical = name if bus == "default" else f"{bus}|{name}"
    attributes = {"Arn": made["RuleArn"], "RuleName": name}
    await work.exists(physical, attributes)
    await _set_targets(work, name)
    return Made(physical, attributes)


async def _update_rule(work: Work) -> Made:
    name = work.attributes["RuleName"]
    asked = work.without("Targets", "Tags", "Name")
    await work.ask("events", "PutRule", Name=name, **asked)
    await _set_targets(work, name)
    return Made(work.physical, work.attributes)


async def _set_targets(work: Work, name: str) -> None:
    if not work.changed("Targets"):
        return
    wanted = work.properties.get("Targets") or []
    ids = {one["Id"] for one in wanted}
    gone = [one["Id"] for one in work.before.get("Targets") or () if one["Id"] not in ids]
    if gone:
        await work.ask("events", "RemoveTargets", Rule=name, Ids=gone, **_bus(work))
    if wanted:
        answer = await work.ask("events", "PutTargets", Rule=name, Targets=wanted, **_bus(work))
        for failed in answer.get("FailedEntries") or ():
            raise ValidationError(f"target {failed['TargetId']}: {failed.get('ErrorMessage')}")


async def _delete_rule(work: Work) -> None:
    name = work.attributes["RuleName"]
    there = await work.ask("events", "ListTargetsByRule", Rule=name, **_bus(work))
    ids = [one["Id"] for one in there.get("Targets") or ()]
    if ids:
        await work.ask("events", "RemoveTargets", Rule=name, Ids=ids, **_bus(work))
    await work.ask("events", "DeleteRule", Name=name, **_bus(work))


async def _create_bus(work: Work) -> Made:
    asked = work.without("Policy")
    made = await work.ask("events", "CreateEventBus", **asked)
    name = work.must("Name")
    return Made(name, {"Arn": made["EventBusArn"], "Name": name})


async def _delete_bus(work: Work) -> None:
    await work.ask("events", "DeleteEventBus", Name=work.physical)


# ---- EventBridge Scheduler ----


async def _create_schedule(work: Work) -> Made:
    name = work.name("Name", 64)
    asked = {**work.properties, "Name": name}
    made = await work.ask("scheduler", "CreateSchedule", **asked)
    return Made(name, {"Arn": made["ScheduleArn"]})


async def _update_schedule(work: Work) -> Made:
    await work.ask("scheduler", "UpdateSchedule", **{**work.properties, "Name": work.physical})
    return Made(work.physical, work.attributes)


async def _delete_schedule(work: Work) -> None:
    group = work.properties.get("GroupName")
    await work.ask("scheduler", "DeleteSchedule", Name=work.physical, GroupName=group)


async def _create_schedule_group(work: Work) -> Made:
    name = work.name("Name", 64)
    asked = {**work.properties, "Name": name}
    made = await work.ask("scheduler", "CreateScheduleGroup", **asked)
    return Made(name, {"Arn": made["ScheduleGroupArn"]})


async def _delete_schedule_group(work: Work) -> None:
    await work.ask("scheduler", "DeleteScheduleGroup", Name=work.physical)


# ---- state machines ----

MACHINE_APART = words(
    "StateMachineName StateMachineType Definition DefinitionString DefinitionS3Location"
    " DefinitionSubstitutions"
)


async def _definition(work: Work) -> str:
    said = work.properties
    if "DefinitionString" in said:
        text = str(said["DefinitionString"])
    elif "Definition" in said:
        text = json.dumps(said["Definition"])
    elif "DefinitionS3Location" in said:
        where = said["DefinitionS3Location"]
        found = await work.ask("s3", "GetObject", **where)
        text = found["Body"].decode()
    else:
        raise ValidationError("a state machine needs a definition")
    for name, value in (said.get("DefinitionSubstitutions") or {}).items():
        text = text.replace(f"${{{name}}}", str(value))
    return text


async def _create_machine(work: Work) -> Made:
    name = work.name("StateMachineName", 80)
    made = await work.ask(
        "stepfunctions", "CreateStateMachine", name=name, definition=await _definition(work),
        type=work.properties.get("StateMachineType"), **work.without(*MACHINE_APART, "Tags"),
        tags=_lower_tags(work),
    )  # fmt: skip
    return Made(made["stateMachineArn"], {"Arn": made["stateMachineArn"], "Name": name})


def _lower_tags(work: Work) -> list[dict[str, str]] | None:
    tags = as_map(work.properties.get("Tags"))
    return [{"key": key, "value": value} for key, value in tags.items()] if tags else None


async def _update_machine(work: Work) -> Made:
    await work.ask(
        "stepfunctions", "UpdateStateMachine", stateMachineArn=work.physical,
        definition=await _definition(work), **work.without(*MACHINE_APART, "Tags"),
    )  # fmt: skip
    return Made(work.physical, work.attributes)


async def _delete_machine(work: Work) -> None:
    await work.ask("stepfunctions", "DeleteStateMachine", stateMachineArn=work.physical)


KINDS = (
    Kind(
        "AWS::Events::Rule", _create_rule, _delete_rule, _update_rule,
        replaced_by=words("Name EventBusName"), named="Name",
    ),
    Kind("AWS::Events::EventBus", _create_bus, _delete_bus),
    Kind(
        "AWS::Scheduler::Schedule", _create_schedule, _delete_schedule, _update_schedule,
        tags=None, replaced_by=words("Name GroupName"), named="Name", guess=lambda w: w.unique(64),
    ),
    Kind("AWS::Scheduler::ScheduleGroup", _create_schedule_group, _delete_schedule_group),
    Kind(
        "AWS::StepFunctions::StateMachine", _create_machine, _delete_machine, _update_machine,
        replaced_by=words("StateMachineName StateMachineType"), named="StateMachineName",
        guess=lambda w: w.arn("states", f"stateMachine:{w.unique(80)}"),
    ),
)  # fmt: skip
