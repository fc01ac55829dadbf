"""Capacity providers and scaling configurations: records, and nothing that pretends to run."""

from pathlib import Path
from typing import Any

import pytest

from tests.front_door import ACCOUNT, REGION, Door, ask, at_the_door, create_function, refused

GIVEN = {
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
    "PermissionsConfig": {
        "CapacityProviderOperatorRoleArn": f"arn:aws:iam::{ACCOUNT}:role/operator"
    },
}
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:capacity-provider:p"


async def make(door: Door, name: str = "p", **more: Any) -> Any:
    given = {**GIVEN, **more, "CapacityProviderName": name}
    return (await ask(door, "create_capacity_provider", **given))["CapacityProvider"]


def test_a_provider_s_life(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        wanted = {"Architectures": ["x86_64"], "AllowedInstanceTypes": ["m7g.large"]}
        made = await make(door, InstanceRequirements=wanted, Tags={"a": "1"})
        modified = made.pop("LastModified")
        assert made == {
            **GIVEN,
            "CapacityProviderArn": ARN,
            "State": "Pending",
            "InstanceRequirements": wanted,
        }
        assert (await refused(make(door)))[:2] == (409, "ResourceConflictException")
        scaling = {"ScalingMode": "Auto", "MaxVCpuCount": 10}
        changed = await ask(
            door, "update_capacity_provider", CapacityProviderName=ARN,
            CapacityProviderScalingConfig=scaling,
        )  # fmt: skip
        shown = await ask(door, "get_capacity_provider", CapacityProviderName="p")
        assert shown == changed
        assert shown["CapacityProvider"].pop("LastModified") >= modified
        assert shown["CapacityProvider"] == {
            **made,
            "State": "Active",
            "CapacityProviderScalingConfig": scaling,
        }
        assert (await ask(door, "list_tags", Resource=ARN))["Tags"] == {"a": "1"}
        functions = await ask(
            door, "list_function_versions_by_capacity_provider", CapacityProviderName="p"
        )
        assert functions == {"CapacityProviderArn": ARN, "FunctionVersions": []}
        gone = await ask(door, "delete_capacity_provider", CapacityProviderName="p")
        assert gone["CapacityProvider"]["State"] == "Deleting"
        for verb in ("get", "update", "delete"):
            call = ask(door, f"{verb}_capacity_provider", CapacityProviderName="p")
            assert (await refused(call))[:2] == (404, "ResourceNotFoundException")

    at_the_door(tmp_path, story)


@pytest.mark.parametrize(
    "more",
    [
        {"InstanceRequirements": {"AllowedInstanceTypes": ["a"], "ExcludedInstanceTypes": ["b"]}},
        {
            "CapacityProviderScalingConfig": {
                "ScalingPolicies": [
                    {
                        "PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization",
                        "TargetValue": 50.0,
                    }
                ]
            }
        },
        {"PropagateTags": {"Mode": "None", "ExplicitTags": {"a": "b"}}},
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    async def story(door: Door) -> None:
        assert (await refused(make(door, **more)))[1] == "InvalidParameterValueException"

    at_the_door(tmp_path, story)


def test_providers_come_in_pages_and_by_state(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        for name in ("c", "a", "b"):
            await make(door, name)
        page = await ask(door, "list_capacity_providers", MaxItems=2, State="Active")
        rest = await ask(door, "list_capacity_providers", Marker=page["NextMarker"])
        found = page["CapacityProviders"] + rest["CapacityProviders"]
        assert [one["CapacityProviderArn"][-1] for one in found] == ["a", "b", "c"]
        none = await ask(door, "list_capacity_providers", State="Failed")
        assert none == {"CapacityProviders": []}

    at_the_door(tmp_path, story)


def test_another_account_s_provider_is_out_of_reach(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        foreign = ARN.replace(ACCOUNT, "222222222222")
        call = ask(door, "get_capacity_provider", CapacityProviderName=foreign)
        assert (await refused(call))[:2] == (403, "AccessDeniedException")

    at_the_door(tmp_path, story)


def test_a_scaling_configuration_is_requested_and_never_applied(tmp_path: Path) -> None:
    async def story(door: Door) -> None:
        await create_function(door)
        put, get = "put_function_scaling_config", "get_function_scaling_config"
        one = {"FunctionName": "f", "Qualifier": "1"}
        assert (await refused(ask(door, get, **one)))[0] == 404
        await door.call("lambda", "publish_version", FunctionName="f")
        wanted = {"MinExecutionEnvironments": 1, "MaxExecutionEnvironments": 4}
        answer = await ask(door, put, **one, FunctionScalingConfig=wanted)
        assert answer == {"FunctionState": "Active"}
        shown = await ask(door, get, FunctionName="f", Qualifier="$LATEST.PUBLISHED")
        assert shown == {
            "FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f:1",
            "RequestedFunctionScalingConfig": wanted,
        }
        turned = {"MinExecutionEnvironments": 5, "MaxExecutionEnvironments": 4}
        call = ask(door, put, **one, FunctionScalingConfig=turned)
        assert (await refused(call))[1] == "InvalidParameterValueException"
        await ask(door, put, **one)
        assert "RequestedFunctionScalingConfig" not in await ask(door, get, **one)

    at_the_door(tmp_path, story)
