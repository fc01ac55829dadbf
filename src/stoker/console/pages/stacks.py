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
    page: tuple[str, ...] = ()  # where there is one of it


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter, an output, or a tag."""

    name: str
    value: str
    what: str  # parameter, output, tag
    more: str  # what it is for, and the name that it is exported under


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
        "values": values(described),
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


def values(told: Mapping[str, Any]) -> list[Value]:
    """What went into a stack, and what came out of it."""
    found = []
    for one in told.get("Parameters", ()):
        value = one.get("ResolvedValue") or one.get("ParameterValue", "")
        found.append(Value(one["ParameterKey"], value, "parameter", ""))
    for one in told.get("Outputs", ()):
        said = (one.get("Description", ""), one.get("ExportName", ""))
        more = " · exported as ".join(said) if said[1] else said[0]
        found.append(Value(one["OutputKey"], one["OutputValue"], "output", more.lstrip(" ·")))
    for one in told.get("Tags", ()):
        found.append(Value(one["Key"], one["Value"], "tag", ""))
    return found


def page_of(kind: str, physical: str) -> tuple[str, ...]:
    """The console's own, of a resource."""
    if not physical:
        return ()
    match kind:
        case "AWS::Lambda::Function":
            return ("functions", physical)
        case "AWS::Lambda::LayerVersion" if physical.count(":") >= 7:
            return ("layers", physical.split(":")[6])
        case "AWS::CloudFormation::Stack" if physical.count("/") >= 2:
            return ("stacks", physical.split("/")[1])
    return ()


def resource(told: Mapping[str, Any]) -> Row:
    """`told`: a StackResource or a StackEvent."""
    status, kind = told.get("ResourceStatus", ""), told.get("ResourceType", "")
    physical = told.get("PhysicalResourceId", "")
    return Row(
        name=told.get("LogicalResourceId", ""),
        kind=kind,
        physical=physical,
        status=status,
        mood=mood_of(status),
        why=told.get("ResourceStatusReason", ""),
        moment=_moment(told["Timestamp"]),
        page=page_of(kind, physical) if status != "DELETE_COMPLETE" else (),
    )


def mood_of(status: str) -> str:
    """A rollback is bad also when it went well: what was asked for is not there."""
    if "FAILED" in status or "ROLLBACK" in status:
        return "bad"
    return "busy" if status.endswith("IN_PROGRESS") else "good"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
