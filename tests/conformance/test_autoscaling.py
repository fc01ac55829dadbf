"""Application Auto Scaling of provisioned concurrency, as boto3 speaks it."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.conformance.test_provisioned import (
    PROVISIONED,
    TYPE,
    call,
    get,
    publish,
    put,
    refused,
    settled,
)
from tests.faults.scene import until
from tests.running import StokerProcess, deploy

Create = Callable[..., str]
WHAT = {
    "ServiceNamespace": "lambda",
    "ScalableDimension": "lambda:function:ProvisionedConcurrency",
}
TRACKING = {
    "PolicyType": "TargetTrackingScaling",
    "TargetTrackingScalingPolicyConfiguration": {
        "TargetValue": 0.7,
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"
        },
    },
}


@pytest.fixture
def scaling(server: StokerProcess) -> Iterator[Any]:
    with closing(server.client("application-autoscaling")) as client:
        yield client
        for target in client.describe_scalable_targets(ServiceNamespace="lambda")[
            "ScalableTargets"
        ]:
            with suppress(client.exceptions.ObjectNotFoundException):
                client.deregister_scalable_target(**WHAT, ResourceId=target["ResourceId"])


def activities(scaling: Any, resource: str, count: int) -> list[dict[str, Any]]:
    """The latest first, once there are so many and all have ended."""

    def look() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = scaling.describe_scaling_activities(
            ServiceNamespace="lambda", ResourceId=resource
        )["ScalingActivities"]
        return found

    def ended(found: list[dict[str, Any]]) -> bool:
        return len(found) >= count and all(one["StatusCode"] != "InProgress" for one in found)

    return until(look, ended)


def test_a_registered_target_is_brought_within_its_bounds(
    lambda_client: Any, scaling: Any, create: Create
) -> None:
    name = create(TYPE)
    version = publish(lambda_client, name)
    resource = f"function:{name}:{version}"
    made = scaling.register_scalable_target(
        **WHAT, ResourceId=resource, MinCapacity=1, MaxCapacity=2
    )
    assert ":scalable-target/" in made["ScalableTargetARN"]
    (first,) = activities(scaling, resource, 1)
    assert (first["StatusCode"], first["Description"], first["Cause"]) == (
        "Successful",
        "Setting desired concurrency to 1.",
        "minimum capacity was set to 1",
    )
    assert first["StatusMessage"].endswith("Change successfully fulfilled by lambda.")
    assert get(lambda_client, name, version)["Status"] == "READY"
    scaling.register_scalable_target(**WHAT, ResourceId=resource, MinCapacity=2)
    assert len(activities(scaling, resource, 2)) == 2
    assert get(lambda_client, name, version)["AllocatedProvisionedConcurrentExecutions"] == 2
    (shown,) = scaling.describe_scalable_targets(ServiceNamespace="lambda", ResourceIds=[resource])[
        "ScalableTargets"
    ]
    assert (shown["MinCapacity"], shown["MaxCapacity"]) == (2, 2)
    assert shown["SuspendedState"] == dict.fromkeys(shown["SuspendedState"], False)
    assert shown["ScalableTargetARN"] == made["ScalableTargetARN"]
    scaling.deregister_scalable_target(**WHAT, ResourceId=resource)
    assert get(lambda_client, name, version)["RequestedProvisionedConcurrentExecutions"] == 2
    again = lambda: scaling.deregister_scalable_target(**WHAT, ResourceId=resource)  # noqa: E731
    assert refused("ObjectNotFoundException", again).startswith("No scalable target found for")


def test_a_scheduled_action_sets_the_bounds_when_it_is_due(
    lambda_client: Any, scaling: Any, create: Create
) -> None:
    name = create(TYPE)
    version = publish(lambda_client, name)
    resource = f"function:{name}:{version}"
    scaling.register_scalable_target(**WHAT, ResourceId=resource, MinCapacity=0, MaxCapacity=1)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    scaling.put_scheduled_action(
        **WHAT,
        ResourceId=resource,
        ScheduledActionName="up",
        Schedule=f"at({soon:%Y-%m-%dT%H:%M:%S})",
        ScalableTargetAction={"MinCapacity": 1, "MaxCapacity": 3},
    )
    (shown,) = scaling.describe_scheduled_actions(ServiceNamespace="lambda", ResourceId=resource)[
        "ScheduledActions"
    ]
    assert shown["ScheduledActionARN"].endswith(
        f":resource/lambda/{resource}:scheduledActionName/up"
    )
    desired, bounds = activities(scaling, resource, 2)
    assert bounds["Cause"] == "scheduled action name up was triggered"
    assert bounds["Description"] == "Setting min capacity to 1 and max capacity to 3"
    assert desired["Cause"] == "minimum capacity was set to 1"
    assert settled(lambda_client, name, version)["RequestedProvisionedConcurrentExecutions"] == 1
    scaling.delete_scheduled_action(**WHAT, ResourceId=resource, ScheduledActionName="up")
    found = scaling.describe_scheduled_actions(ServiceNamespace="lambda", ResourceId=resource)
    assert found["ScheduledActions"] == []


def test_policies_are_kept_and_shown(lambda_client: Any, scaling: Any, create: Create) -> None:
    name = create(TYPE)
    version = publish(lambda_client, name)
    resource = f"function:{name}:{version}"
    put = scaling.put_scaling_policy
    ask = lambda: put(**WHAT, **TRACKING, ResourceId=resource, PolicyName="p")  # noqa: E731
    assert refused("ObjectNotFoundException", ask) == (
        f"No scalable target registered for service namespace: lambda, resource ID: {resource}, "
        "scalable dimension: lambda:function:ProvisionedConcurrency"
    )
    scaling.register_scalable_target(**WHAT, ResourceId=resource, MinCapacity=0, MaxCapacity=1)
    made = ask()
    assert made["PolicyARN"].endswith(f":resource/lambda/{resource}:policyName/p")
    high, low = (alarm["AlarmName"] for alarm in made["Alarms"])
    assert high.startswith(f"TargetTracking-{resource}-AlarmHigh-")
    assert low.startswith(f"TargetTracking-{resource}-AlarmLow-")
    put(**WHAT, **TRACKING, ResourceId=resource, PolicyName="q")
    pages = scaling.get_paginator("describe_scaling_policies").paginate(
        ServiceNamespace="lambda", ResourceId=resource, PaginationConfig={"PageSize": 1}
    )
    found = [policy for page in pages for policy in page["ScalingPolicies"]]
    assert [policy["PolicyName"] for policy in found] == ["p", "q"]
    configuration = found[0]["TargetTrackingScalingPolicyConfiguration"]
    assert configuration["TargetValue"] == 0.7
    scaling.delete_scaling_policy(**WHAT, ResourceId=resource, PolicyName="p")
    gone = lambda: scaling.delete_scaling_policy(  # noqa: E731
        **WHAT, ResourceId=resource, PolicyName="p"
    )
    assert refused("ObjectNotFoundException", gone).endswith("policy name: p")


def test_what_is_not_built_or_makes_no_sense_is_refused(scaling: Any) -> None:
    def register(**more: Any) -> Callable[[], object]:
        asked = {**WHAT, "ResourceId": "function:f:1", "MinCapacity": 1, "MaxCapacity": 2, **more}
        return lambda: scaling.register_scalable_target(**asked)

    table = {
        "ServiceNamespace": "dynamodb",
        "ScalableDimension": "dynamodb:table:ReadCapacityUnits",
    }
    assert "dynamodb" in refused("NotImplementedException", register(**table))
    refused("ValidationException", register(ResourceId="function:f"))
    refused("ValidationException", register(MinCapacity=3))
    refused("NotImplementedException", register(Tags={"a": "b"}))
    assert scaling.describe_scalable_targets(ServiceNamespace="ecs")["ScalableTargets"] == []
    register()()
    step = {"PolicyType": "StepScaling", "StepScalingPolicyConfiguration": {}}
    for wrong, kind in (
        (step, "NotImplementedException"),
        (json.loads(json.dumps(TRACKING).replace("0.7", "7.0")), "ValidationException"),
    ):
        ask = lambda: scaling.put_scaling_policy(  # noqa: E731
            **WHAT,
            ResourceId="function:f:1",
            PolicyName="p",
            **wrong,  # noqa: B023
        )
        refused(kind, ask)
    for more in ({"Schedule": "cron(x)"}, {"Schedule": "rate(1 day)", "Timezone": "Mars/Base"}, {}):
        ask = lambda: scaling.put_scheduled_action(  # noqa: E731
            **WHAT,
            ResourceId="function:f:1",
            ScheduledActionName="a",
            ScalableTargetAction={"MinCapacity": 1},
            **more,  # noqa: B023
        )
        refused("ValidationException", ask)
    with pytest.raises(ClientError):
        scaling.describe_scalable_targets(ServiceNamespace="lambda", NextToken="?")


def test_what_is_provisioned_and_what_is_scheduled_outlive_kill_9(tmp_path: Path) -> None:
    with StokerProcess(tmp_path / "data") as first, closing(first.client("lambda")) as client:
        name = deploy(client, TYPE)
        version = publish(client, name)
        put(client, name, version)
        settled(client, name, version)
        resource = f"function:{name}:{version}"
        with closing(first.client("application-autoscaling")) as scaling:
            scaling.register_scalable_target(
                **WHAT, ResourceId=resource, MinCapacity=0, MaxCapacity=2
            )
            soon = datetime.now(UTC) + timedelta(seconds=2)
            scaling.put_scheduled_action(
                **WHAT,
                ResourceId=resource,
                ScheduledActionName="up",
                Schedule=f"at({soon:%Y-%m-%dT%H:%M:%S})",
                ScalableTargetAction={"MinCapacity": 2},
            )
        first.stop(signal.SIGKILL)
    with StokerProcess(tmp_path / "data") as second, closing(second.client("lambda")) as client:
        assert call(client, name, version)[1] == version
        with closing(second.client("application-autoscaling")) as scaling:
            activities(scaling, resource, 2)  # it was due meanwhile, or is now
        assert settled(client, name, version)["AllocatedProvisionedConcurrentExecutions"] == 2
        assert call(client, name, version) == [PROVISIONED, version]
