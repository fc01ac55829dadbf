"""What a change of a property means for types of resources, and what refers to them."""

from typing import Any

import pytest

from stoker.core.stacks.functions import Scope
from stoker.core.stacks.model import Change, Record, Status, Wanted
from stoker.core.stacks.template import parse
from stoker.stacks.planning import planned

KEY = [{"AttributeName": "id", "KeyType": "HASH"}]
OTHER_KEY = [{"AttributeName": "at", "KeyType": "HASH"}]
ROLE = "arn:aws:iam::000000000000:role/r"

IN_PLACE = [
    ("DynamoDB::Table", "BillingMode", "PROVISIONED", "PAY_PER_REQUEST"),
    ("DynamoDB::Table", "TimeToLiveSpecification", {"Enabled": True}, {"Enabled": False}),
    ("SNS::Topic", "DisplayName", "a", "b"),
    ("SNS::Subscription", "FilterPolicy", {"a": ["1"]}, {"a": ["2"]}),
    ("SNS::Subscription", "RawMessageDelivery", True, False),
    ("Kinesis::Stream", "ShardCount", 1, 2),
    ("Kinesis::Stream", "RetentionPeriodHours", 24, 48),
    ("StepFunctions::StateMachine", "DefinitionString", "{}", "{ }"),
    ("StepFunctions::StateMachine", "RoleArn", ROLE, ROLE + "2"),
    ("Scheduler::Schedule", "ScheduleExpression", "rate(1 day)", "rate(2 days)"),
    ("Scheduler::Schedule", "State", "ENABLED", "DISABLED"),
    ("Lambda::CodeSigningConfig", "Description", "a", "b"),
    ("Lambda::CapacityProvider", "CapacityProviderScalingConfig", {"A": 1}, {"A": 2}),
]
REPLACED = [
    ("DynamoDB::Table", "KeySchema", KEY, OTHER_KEY),
    ("DynamoDB::Table", "TableName", "a", "b"),
    ("SNS::Topic", "TopicName", "a", "b"),
    ("SNS::Topic", "FifoTopic", False, True),
    ("SNS::Subscription", "Endpoint", "a", "b"),
    ("SNS::Subscription", "Protocol", "sqs", "lambda"),
    ("Kinesis::Stream", "Name", "a", "b"),
    ("StepFunctions::StateMachine", "StateMachineType", "STANDARD", "EXPRESS"),
    ("StepFunctions::StateMachine", "StateMachineName", "a", "b"),
    ("Scheduler::Schedule", "Name", "a", "b"),
    ("Lambda::CapacityProvider", "CapacityProviderName", "a", "b"),
    ("Lambda::CapacityProvider", "VpcConfig", {"A": 1}, {"A": 2}),
]


def change_of(kind: str, name: str, before: Any, after: Any) -> list[Change]:
    """`It` changes; `Queue` has its name by Ref, and so has to change if that will be another."""
    name_of_queue = {"QueueName": {"Ref": "It"}}
    resources = {
        "It": {"Type": f"AWS::{kind}", "Properties": {name: after}},
        "Queue": {"Type": "AWS::SQS::Queue", "Properties": name_of_queue},
    }
    records = {
        "It": made("It", f"AWS::{kind}", "old", {name: before}),
        "Queue": made("Queue", "AWS::SQS::Queue", "q", {"QueueName": "old"}),
    }
    return planned(Scope({}), parse({"Resources": resources}), Wanted(), records)


def made(logical: str, kind: str, physical: str, properties: Any, **attributes: Any) -> Record:
    return Record(logical, kind, Status.CREATE_COMPLETE, 0.0, physical, properties, attributes)


@pytest.mark.parametrize(("kind", "name", "before", "after"), IN_PLACE)
def test_what_changes_in_place_keeps_its_name(
    kind: str, name: str, before: Any, after: Any
) -> None:
    (change,) = change_of(kind, name, before, after)
    assert (change.logical, change.replacement) == ("It", "False")
    assert change.properties == ((name, "Never"),)


@pytest.mark.parametrize(("kind", "name", "before", "after"), REPLACED)
def test_what_is_replaced_has_a_name_that_nobody_knows_yet(
    kind: str, name: str, before: Any, after: Any
) -> None:
    change, referring = change_of(kind, name, before, after)
    assert (change.logical, change.replacement) == ("It", "True")
    assert change.properties == ((name, "Always"),)
    assert (referring.logical, referring.replacement) == ("Queue", "Conditional")


@pytest.mark.parametrize("kind", sorted({kind for kind, *_ in IN_PLACE}))
def test_an_attribute_is_what_its_making_told(kind: str) -> None:
    resources = {
        "It": {"Type": f"AWS::{kind}"},
        "Group": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": {"Fn::GetAtt": ["It", "Arn"]}},
        },
    }
    records = {
        "It": made("It", f"AWS::{kind}", "old", {}, Arn="arn"),
        "Group": made("Group", "AWS::Logs::LogGroup", "arn", {"LogGroupName": "arn"}),
    }
    assert planned(Scope({}), parse({"Resources": resources}), Wanted(), records) == []
