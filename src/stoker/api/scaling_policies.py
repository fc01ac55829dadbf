"""Application Auto Scaling: target tracking on the utilisation of provisioned concurrency."""

import time
import uuid
from dataclasses import replace

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
    Alarm,
    DeleteScalingPolicyInput,
    DeleteScalingPolicyResponse,
    DescribeScalingPoliciesInput,
    DescribeScalingPoliciesResponse,
    PredefinedMetricSpecification,
    PutScalingPolicyInput,
    PutScalingPolicyResponse,
    ScalingPolicy,
    TargetTrackingScalingPolicyConfiguration,
)
from stoker.core.autoscaling import (
    DIMENSION,
    METRIC,
    NAMESPACE,
    POLICIES,
    Policy,
    Resource,
    check_target_value,
)
from stoker.core.errors import LimitExceededException, NotImplementedException, ValidationException

TRACKING = "TargetTrackingScaling"


async def put_scaling_policy(
    control: Control, call: Call[PutScalingPolicyInput]
) -> PutScalingPolicyResponse:
    """Keep the utilisation near a value; it acts from the next minute on."""
    asked = call.input
    resource = resource_of(
        call.caller, asked.service_namespace, asked.resource_id, asked.scalable_dimension
    )
    tracking = _tracking(asked)
    async with control.store.transaction() as tx:
        found = await registered(tx, resource)
        policies = found.scaled.policies
        before = policies.get(asked.policy_name)
        if before is None and len(policies) >= POLICIES:
            raise LimitExceededException(f"A scalable target has at most {POLICIES} policies")
        policy = Policy(
            asked.policy_name,
            tracking.target_value,
            before.created if before else time.time(),
            before.id if before else str(uuid.uuid4()),
            out_cooldown_s=tracking.scale_out_cooldown,
            in_cooldown_s=tracking.scale_in_cooldown,
            disable_in=bool(tracking.disable_scale_in),
        )
        scaled = replace(found.scaled, policies={**policies, policy.name: policy})
        await keep(tx, found, scaled)
    return PutScalingPolicyResponse(
        policy_arn=_arn(resource, policy), alarms=_alarms(resource, policy)
    )


async def describe_scaling_policies(
    control: Control, call: Call[DescribeScalingPoliciesInput]
) -> DescribeScalingPoliciesResponse:
    """All, or those that are named, or of one target."""
    asked = call.input
    async with control.store.transaction() as tx:
        found = await every(tx, call.caller, asked.service_namespace, asked.scalable_dimension)
    rows = entries(found, asked.resource_id, asked.policy_names, lambda scaled: scaled.policies)
    named = [(name, _shown(one, policy)) for name, one, policy in rows]
    shown, following = page(named, asked.max_results, asked.next_token)
    return DescribeScalingPoliciesResponse(scaling_policies=shown, next_token=following)


async def delete_scaling_policy(
    control: Control, call: Call[DeleteScalingPolicyInput]
) -> DeleteScalingPolicyResponse:
    """Scale no more by it. The capacity stays as it is."""
    asked = call.input
    resource = resource_of(
        call.caller, asked.service_namespace, asked.resource_id, asked.scalable_dimension
    )
    async with control.store.transaction() as tx:
        found = await registered(tx, resource)
        policies = dict(found.scaled.policies)
        if policies.pop(asked.policy_name, None) is None:
            more = f", policy name: {asked.policy_name}"
            raise missing(resource, "No scaling policy found for", more)
        scaled = replace(found.scaled, policies=policies)
        await keep(tx, found, scaled)
    return DeleteScalingPolicyResponse()


def _tracking(asked: PutScalingPolicyInput) -> TargetTrackingScalingPolicyConfiguration:
    """What is asked for, if it is what is built."""
    tracking = asked.target_tracking_scaling_policy_configuration
    if asked.policy_type not in (None, TRACKING) or (asked.policy_type is None and not tracking):
        raise NotImplementedException(
            f"Stoker has no scaling policies of type {asked.policy_type or 'StepScaling'}: only "
            f"{TRACKING} is built. See docs/COMPATIBILITY.md."
        )
    if tracking is None:
        raise ValidationException("TargetTrackingScalingPolicyConfiguration is required")
    metric = tracking.predefined_metric_specification
    if metric is None or metric.predefined_metric_type != METRIC:
        raise NotImplementedException(
            f"Stoker tracks the predefined metric {METRIC} only. See docs/COMPATIBILITY.md."
        )
    check_target_value(tracking.target_value)
    return tracking


def _arn(resource: Resource, policy: Policy) -> str:
    rest = f"{policy.id}:resource/{NAMESPACE}/{resource.id}:policyName/{policy.name}"
    return arn(resource.function, "autoscaling", f"scalingPolicy:{rest}")


def _alarms(resource: Resource, policy: Policy) -> tuple[Alarm, ...]:
    """By the names that activities give as their cause; there are none in CloudWatch."""
    return tuple(
        Alarm(
            alarm_name=policy.alarm(resource, way),
            alarm_arn=arn(resource.function, "cloudwatch", f"alarm:{policy.alarm(resource, way)}"),
        )
        for way in ("High", "Low")
        if way == "High" or not policy.disable_in
    )


def _shown(found: Found, policy: Policy) -> ScalingPolicy:
    return ScalingPolicy(
        policy_arn=_arn(found.resource, policy),
        policy_name=policy.name,
        service_namespace=NAMESPACE,
        resource_id=found.resource.id,
        scalable_dimension=DIMENSION,
        policy_type=TRACKING,
        target_tracking_scaling_policy_configuration=TargetTrackingScalingPolicyConfiguration(
            target_value=policy.target_value,
            predefined_metric_specification=PredefinedMetricSpecification(
                predefined_metric_type=METRIC
            ),
            scale_out_cooldown=policy.out_cooldown_s,
            scale_in_cooldown=policy.in_cooldown_s,
            disable_scale_in=policy.disable_in,
        ),
        alarms=_alarms(found.resource, policy),
        creation_time=moment(policy.created),
    )
