"""CloudFormation's stacks, and what became of one: resources and events."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from stoker.console.asked import Asked, Shown


@dataclass(frozen=True, slots=True)
class Row:
    """A stack, one of its resources, or one of its events."""

    name: str
    kind: str  # of a resource: "AWS::Lambda::Function"
    physical: str
    status: str
    mood: str  # good, busy, bad: its colour
    why: str
    moment: str  # UTC, to the second


async def show(asked: Asked) -> Shown:
    """Those that were not deleted, as DescribeStacks has them."""
    after = asked.query.get("after", "")
    more = {"NextToken": after} if after else {}
    answer = await asked.call("cloudformation", "DescribeStacks", **more)
    rows = [stack(one) for one in answer.get("Stacks", ())]
    model = {"rows": rows, "after": answer.get("NextToken", "")}
    return Shown("stacks.html", model, title="Stacks")


async def inspect(asked: Asked) -> Shown:
    """One stack; its latest events first."""
    name, after = asked.names["name"], asked.query.get("after", "")
    found = await asked.call("cloudformation", "DescribeStacks", StackName=name)
    parts = await asked.call("cloudformation", "DescribeStackResources", StackName=name)
    more = {"NextToken": after} if after else {}
    told = await asked.call("cloudformation", "DescribeStackEvents", StackName=name, **more)
    described = found["Stacks"][0]
    model = {
        "stack": stack(described),
        "parameters": described.get("Parameters", ()),
        "outputs": described.get("Outputs", ()),
        "resources": [resource(one) for one in parts.get("StackResources", ())],
        "events": [resource(one) for one in told.get("StackEvents", ())],
        "after": told.get("NextToken", ""),
    }
    return Shown("stack.html", model, title=f"Stack {name}")


def stack(told: Mapping[str, Any]) -> Row:
    """`told`: a Stack of DescribeStacks."""
    status = told["StackStatus"]
    return Row(
        name=told["StackName"],
        kind=told.get("Description", ""),
        physical=told.get("StackId", ""),
        status=status,
        mood=mood_of(status),
        why=told.get("StackStatusReason", ""),
        moment=_moment(told.get("LastUpdatedTime") or told["CreationTime"]),
    )


def resource(told: Mapping[str, Any]) -> Row:
    """`told`: a StackResource or a StackEvent."""
    status = told.get("ResourceStatus", "")
    return Row(
        name=told.get("LogicalResourceId", ""),
        kind=told.get("ResourceType", ""),
        physical=told.get("PhysicalResourceId", ""),
        status=status,
        mood=mood_of(status),
        why=told.get("ResourceStatusReason", ""),
        moment=_moment(told["Timestamp"]),
    )


def mood_of(status: str) -> str:
    """A rollback is bad also when it went well: what was asked for is not there."""
    if "FAILED" in status or "ROLLBACK" in status:
        return "bad"
    return "busy" if status.endswith("IN_PROGRESS") else "good"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
