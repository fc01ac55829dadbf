"""Application Auto Scaling: what is scaled, within which bounds, and what has been done."""

import time
import uuid
from dataclasses import replace

from stoker.api.control import Call, Control
from stoker.api.identifiers import new_revision
from stoker.api.scaling import arn, every, keep, key_of, lookup, missing, moment, page, resource_of
from stoker.api.shapes.application_autoscaling import (
    DeregisterScalableTargetInput,
    DeregisterScalableTargetResponse,
    DescribeScalableTargetsInput,
    DescribeScalableTargetsResponse,
    DescribeScalingActivitiesInput,
    DescribeScalingActivitiesResponse,
    RegisterScalableTargetInput,
    RegisterScalableTargetResponse,
    ScalableTarget,
    ScalingActivity,
    SuspendedState,
)
from stoker.core.autoscaling import (
    DIMENSION,
    NAMESPACE,
    Activity,
    Resource,
    Scaled,
    Target,
    check_capacity,
)
from stoker.core.errors import NotImplementedException, ValidationException
from stoker.core.model import FunctionKey
from stoker.core.resources import Resource as Kept


async def register_scalable_target(
    control: Control, call: Call[RegisterScalableTargetInput]
) -> RegisterScalableTargetResponse:
    """Set the bounds of a version's or an alias's provisioned concurrency, and bring it within
    them. What is not given stays as it was."""
    asked = call.input
    resource = resource_of(
        call.caller, asked.service_namespace, asked.resource_id, asked.scalable_dimension
    )
    if asked.tags:
        raise NotImplementedException("Stoker keeps no tags of scalable targets yet.")
    async with control.store.transaction() as tx:
        found = await lookup(tx, resource)
        if found is None:
            target = _new(resource, asked)
            scaled = Scaled(target)
            kept = Kept(key_of(resource), new_revision(), scaled.dump())
            await tx.resources.add(kept)
        else:
            target = _changed(found.scaled.target, asked)
            await keep(tx, found, replace(found.scaled, target=target))
    return RegisterScalableTargetResponse(scalable_target_arn=_arn(resource.function, target))


async def describe_scalable_targets(
    control: Control, call: Call[DescribeScalableTargetsInput]
) -> DescribeScalableTargetsResponse:
    """All that are registered, or those that are named."""
    asked = call.input
    async with control.store.transaction() as tx:
        found = await every(tx, call.caller, asked.service_namespace, asked.scalable_dimension)
    wanted = asked.resource_ids
    shown, following = page(
        [
            (one.resource.id, _shown(one.resource, one.scaled.target))
            for one in found
            if not wanted or one.resource.id in wanted
        ],
        asked.max_results,
        asked.next_token,
    )
    return DescribeScalableTargetsResponse(scalable_targets=shown, next_token=following)


async def deregister_scalable_target(
    control: Control, call: Call[DeregisterScalableTargetInput]
) -> DeregisterScalableTargetResponse:
    """Forget it with its policies and scheduled actions. Its capacity stays as it is."""
    asked = call.input
    resource = resource_of(
        call.caller, asked.service_namespace, asked.resource_id, asked.scalable_dimension
    )
    async with control.store.transaction() as tx:
        if not await tx.resources.remove(key_of(resource)):
            raise missing(resource, "No scalable target found for")
    return DeregisterScalableTargetResponse()


async def describe_scaling_activities(
    control: Control, call: Call[DescribeScalingActivitiesInput]
) -> DescribeScalingActivitiesResponse:
    """What was done, the latest first; the latest hundred of each target are kept."""
    asked = call.input
    async with control.store.transaction() as tx:
        found = await every(tx, call.caller, asked.service_namespace, asked.scalable_dimension)
    activities = sorted(
        (
            (activity, one.resource)
            for one in found
            if asked.resource_id in (None, one.resource.id)
            for activity in one.scaled.activities
        ),
        key=lambda pair: pair[0].start,
        reverse=True,
    )
    # Names in the order of the list: the newer an activity, the less its name.
    named = [
        (f"{1e12 - activity.start:020.6f} {activity.id}", _activity(activity, resource))
        for activity, resource in activities
    ]
    shown, following = page(named, asked.max_results, asked.next_token)
    return DescribeScalingActivitiesResponse(scaling_activities=shown, next_token=following)


def _new(resource: Resource, asked: RegisterScalableTargetInput) -> Target:
    least, most = asked.min_capacity, asked.max_capacity
    if least is None or most is None:
        raise ValidationException(
            "MinCapacity and MaxCapacity are required when registering a new scalable target"
        )
    account = resource.function.account
    role = (
        f"arn:aws:iam::{account}:role/aws-service-role/lambda.application-autoscaling.amazonaws.com"
        "/AWSServiceRoleForApplicationAutoScaling_LambdaConcurrency"
    )
    return _changed(Target(least, most, time.time(), uuid.uuid4().hex, role), asked)


def _changed(target: Target, asked: RegisterScalableTargetInput) -> Target:
    least = target.least if asked.min_capacity is None else asked.min_capacity
    most = target.most if asked.max_capacity is None else asked.max_capacity
    check_capacity(least, most)
    suspended = asked.suspended_state or SuspendedState()
    inward, outward = (
        suspended.dynamic_scaling_in_suspended,
        suspended.dynamic_scaling_out_suspended,
    )
    schedules = suspended.scheduled_scaling_suspended
    return replace(
        target,
        least=least,
        most=most,
        role=asked.role_arn or target.role,
        in_suspended=target.in_suspended if inward is None else inward,
        out_suspended=target.out_suspended if outward is None else outward,
        schedule_suspended=target.schedule_suspended if schedules is None else schedules,
    )


def _arn(function: FunctionKey, target: Target) -> str:
    return arn(function, "application-autoscaling", f"scalable-target/{target.id}")


def _shown(resource: Resource, target: Target) -> ScalableTarget:
    return ScalableTarget(
        service_namespace=NAMESPACE,
        resource_id=resource.id,
        scalable_dimension=DIMENSION,
        min_capacity=target.least,
        max_capacity=target.most,
        role_arn=target.role,
        creation_time=moment(target.created),
        suspended_state=SuspendedState(
            dynamic_scaling_in_suspended=target.in_suspended,
            dynamic_scaling_out_suspended=target.out_suspended,
            scheduled_scaling_suspended=target.schedule_suspended,
        ),
        scalable_target_arn=_arn(resource.function, target),
    )


def _activity(activity: Activity, resource: Resource) -> ScalingActivity:
    return ScalingActivity(
        activity_id=activity.id,
        service_namespace=NAMESPACE,
        resource_id=resource.id,
        scalable_dimension=DIMENSION,
        description=activity.description,
        cause=activity.cause,
        start_time=moment(activity.start),
        end_time=None if activity.end is None else moment(activity.end),
        status_code=activity.status,
        status_message=activity.message,
    )
