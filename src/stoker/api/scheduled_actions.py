"""Application Auto Scaling: bounds that are set at a time, or again and again."""

import time
import uuid
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from stoker.api.control import Call, Control
from stoker.api.scaling import (
    Found,
    arn,
    entries,
    every,
    keep,
    missing,
    moment,
    page,
    registered,
    resource_of,
)
from stoker.api.shapes.application_autoscaling import (
    DeleteScheduledActionInput,
    DeleteScheduledActionResponse,
    DescribeScheduledActionsInput,
    DescribeScheduledActionsResponse,
    PutScheduledActionInput,
    PutScheduledActionResponse,
    ScalableTargetAction,
    ScheduledAction,
)
from stoker.core import schedules
from stoker.core.autoscaling import ACTIONS, DIMENSION, NAMESPACE, Action, check_capacity
from stoker.core.errors import LimitExceededException, ValidationException


async def put_scheduled_action(
    control: Control, call: Call[PutScheduledActionInput]
) -> PutScheduledActionResponse:
    """Set MinCapacity or MaxCapacity of a target by at(), rate() or cron(). Of one that is there
    already, what is not given stays, but for start and end."""
    asked = call.input
    resource = resource_of(
        call.caller, asked.service_namespace, asked.resource_id, asked.scalable_dimension
    )
    async with control.store.transaction() as tx:
        found = await registered(tx, resource)
        actions = found.scaled.actions
        before = actions.get(asked.scheduled_action_name)
        if before is None and len(actions) >= ACTIONS:
            raise LimitExceededException(f"A scalable target has at most {ACTIONS} actions")
        action = _action(asked, before, time.time())
        scaled = replace(found.scaled, actions={**actions, action.name: action})
        await keep(tx, found, scaled)
    return PutScheduledActionResponse()


async def describe_scheduled_actions(
    control: Control, call: Call[DescribeScheduledActionsInput]
) -> DescribeScheduledActionsResponse:
    """All, or those that are named, or of one target; also those whose time is over."""
    asked = call.input
    async with control.store.transaction() as tx:
        found = await every(tx, call.caller, asked.service_namespace, asked.scalable_dimension)
    names = asked.scheduled_action_names
    rows = entries(found, asked.resource_id, names, lambda scaled: scaled.actions)
    named = [(name, _shown(one, action)) for name, one, action in rows]
    shown, following = page(named, asked.max_results, asked.next_token)
    return DescribeScheduledActionsResponse(scheduled_actions=shown, next_token=following)


async def delete_scheduled_action(
    control: Control, call: Call[DeleteScheduledActionInput]
) -> DeleteScheduledActionResponse:
    """Do it no more."""
    asked = call.input
    resource = resource_of(
        call.caller, asked.service_namespace, asked.resource_id, asked.scalable_dimension
    )
    async with control.store.transaction() as tx:
        found = await registered(tx, resource)
        actions = dict(found.scaled.actions)
        if actions.pop(asked.scheduled_action_name, None) is None:
            more = f", scheduled action name: {asked.scheduled_action_name}"
            raise missing(resource, "No scheduled action found for", more)
        scaled = replace(found.scaled, actions=actions)
        await keep(tx, found, scaled)
    return DeleteScheduledActionResponse()


def _action(asked: PutScheduledActionInput, before: Action | None, now: float) -> Action:
    bounds = asked.scalable_target_action
    if bounds is None:
        least, most = (before.least, before.most) if before else (None, None)
    else:
        least, most = bounds.min_capacity, bounds.max_capacity
    if least is None and most is None:
        raise ValidationException("At least one of MinCapacity and MaxCapacity is required")
    check_capacity(least, most)
    schedule = asked.schedule or (before.schedule if before else None)
    if schedule is None:
        raise ValidationException("Schedule is required when creating a scheduled action")
    schedules.read(schedule)
    start, end = _seconds(asked.start_time), _seconds(asked.end_time)
    if start is not None and end is not None and end <= start:
        raise ValidationException("EndTime must be after StartTime")
    return Action(
        asked.scheduled_action_name,
        schedule,
        before.created if before else now,
        before.id if before else str(uuid.uuid4()),
        seen=now,
        timezone=_timezone(asked.timezone) or (before.timezone if before else None),
        start=start,
        end=end,
        least=least,
        most=most,
    )


def _timezone(name: str | None) -> str | None:
    try:
        if name is not None:
            ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValidationException(f"Invalid timezone: {name}") from None
    return name


def _seconds(given: datetime | None) -> float | None:
    return None if given is None else given.timestamp()


def _shown(found: Found, action: Action) -> ScheduledAction:
    resource = found.resource
    rest = f"resource/{NAMESPACE}/{resource.id}:scheduledActionName/{action.name}"
    return ScheduledAction(
        scheduled_action_name=action.name,
        scheduled_action_arn=arn(
            resource.function, "autoscaling", f"scheduledAction:{action.id}:{rest}"
        ),
        service_namespace=NAMESPACE,
        schedule=action.schedule,
        timezone=action.timezone,
        resource_id=resource.id,
        scalable_dimension=DIMENSION,
        start_time=None if action.start is None else moment(action.start),
        end_time=None if action.end is None else moment(action.end),
        scalable_target_action=ScalableTargetAction(
            min_capacity=action.least, max_capacity=action.most
        ),
        creation_time=moment(action.created),
    )
