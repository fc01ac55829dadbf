"""What flows where: what leads to a function, and where its results go, as boxes and the lines
between them. Pure.

    sources ─────►  the function, its versions and aliases  ─────► destinations

A source is found where it is kept (a mapping, a rule, a bucket's notification). Whether it may
invoke is in the function's policy, which is shown for itself only where nothing was found that
uses it.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from stoker.core.access import admits
from stoker.core.policy_conditions import matches

MOST = 100  # boxes on a side
HEIGHT, GAP, WIDTH = 66, 12, 76  # of boxes, between them, and of the lines; see console.css
GOOD, BUSY, BAD, OFF = "good", "busy", "bad", "off"

_KINDS = {
    "sqs": "SQS queue",
    "sns": "SNS topic",
    "s3": "S3 bucket",
    "kinesis": "Kinesis stream",
    "dynamodb": "DynamoDB stream",
    "kafka": "Kafka cluster",
    "lambda": "Function",
    "events": "EventBridge",
    "scheduler": "Schedule",
    "logs": "Log group",
    "elasticloadbalancing": "Target group",
    "execute-api": "API Gateway",
    "apigateway": "API Gateway",
}
# Of these services a policy must let each source in.
_ASKED = ("s3", "sns", "events", "logs", "elasticloadbalancing")
POLLED = ("sqs", "kinesis", "dynamodb", "kafka")  # by event source mappings
_STATES = {"Enabled": GOOD, "ENABLED": GOOD, "Disabled": OFF, "DISABLED": OFF}


@dataclass(frozen=True, slots=True)
class Box:
    kind: str  # "SQS queue"
    name: str
    detail: str
    state: str
    mood: str  # good, busy, bad, off
    service: str = ""  # of its ARN
    arn: str = ""
    qualifier: str = ""  # that it leads to, or comes from; "": $LATEST


@dataclass(frozen=True, slots=True)
class Policy:
    """Of a function (qualifier ""), a version or an alias."""

    qualifier: str
    text: str


@dataclass(frozen=True, slots=True)
class Lines:
    """Between boxes, one below the other, and the middle."""

    height: int
    middle: float
    paths: tuple[tuple[str, str], ...]  # of SVG, with the mood of each


def of_arn(arn: str) -> tuple[str, str]:
    """The service, and what people call it."""
    parts = arn.split(":", 5)
    if len(parts) < 6:
        return "", arn
    service, name = parts[2], parts[5]
    if service == "dynamodb":  # table/NAME/stream/DATE
        return service, name.removeprefix("table/").partition("/")[0]
    if service in ("lambda", "logs"):
        return service, name.partition(":")[2].removesuffix(":*")
    if service == "elasticloadbalancing":  # targetgroup/NAME/ID
        return service, name.split("/")[1] if name.count("/") > 1 else name
    for prefix in ("rule/", "schedule/", "event-bus/", "stream/", "cluster/"):
        name = name.removeprefix(prefix)
    return service, name


def qualifier_of(arn: str) -> str:
    """Of a function's ARN; "" if it names none."""
    parts = arn.split(":")
    return parts[7] if len(parts) > 7 else ""


def box(arn: str, detail: str, state: str, mood: str, qualifier: str = "") -> Box:
    service, name = of_arn(arn)
    return Box(_KINDS.get(service, service), name, detail, state, mood, service, arn, qualifier)


# --- What leads to the function -----------------------------------------------------------------


def of_mappings(mappings: Iterable[Mapping[str, Any]]) -> list[Box]:
    """As ListEventSourceMappings has them."""
    found = []
    for one in mappings:
        state, result = one.get("State", ""), one.get("LastProcessingResult") or ""
        mood = _STATES.get(state, BUSY)
        problem = result.startswith("PROBLEM") and mood == GOOD
        size = one.get("BatchSize")
        detail = "; ".join(
            text for text in (f"batches of {size}" if size else "", result.strip()) if text
        )
        made = box(
            one.get("EventSourceArn") or "", detail, state, BAD if problem else mood,
            qualifier_of(one.get("FunctionArn") or ""),
        )  # fmt: skip
        if not made.arn:  # a cluster of one's own
            made = replace(made, kind="Kafka topic", name=", ".join(one.get("Topics") or ()))
        found.append(made)
    return found


def of_urls(urls: Iterable[Mapping[str, Any]]) -> list[Box]:
    """As ListFunctionUrlConfigs has them."""
    return [
        Box(
            "Function URL",
            one["FunctionUrl"],
            f"AuthType {one['AuthType']}",
            "Enabled",
            GOOD,
            "url",
            "",
            qualifier_of(one["FunctionArn"]),
        )
        for one in urls
    ]


def of_rules(rules: Iterable[tuple[Mapping[str, Any], str]]) -> list[Box]:
    """As DescribeRule has them, each with the function's ARN that it leads to."""
    return [
        box(
            rule["Arn"],
            rule.get("ScheduleExpression") or "events of a pattern",
            rule.get("State", ""),
            _STATES.get(rule.get("State", ""), BUSY),
            qualifier_of(arn),
        )
        for rule, arn in rules
    ]


def of_schedules(schedules: Iterable[Mapping[str, Any]]) -> list[Box]:
    """As GetSchedule has them."""
    return [
        box(
            one["Arn"],
            one.get("ScheduleExpression", ""),
            one.get("State", ""),
            _STATES.get(one.get("State", ""), BUSY),
            qualifier_of(one["Target"]["Arn"]),
        )
        for one in schedules
    ]


def of_bucket(arn: str, configuration: Mapping[str, Any], function: str) -> list[Box]:
    """What a bucket tells this function: as GetBucketNotificationConfiguration has it."""
    return [
        box(arn, ", ".join(one.get("Events", ())), "Enabled", GOOD, qualifier_of(target))
        for one in configuration.get("LambdaFunctionConfigurations", ())
        if is_of(target := one["LambdaFunctionArn"], function)
    ]


def of_topics(subscriptions: Iterable[Mapping[str, Any]], function: str) -> list[Box]:
    """As ListSubscriptions has them."""
    return [
        box(one["TopicArn"], "messages", "Enabled", GOOD, qualifier_of(one["Endpoint"]))
        for one in subscriptions
        if one.get("Protocol") == "lambda" and is_of(one.get("Endpoint", ""), function)
    ]


def of_log_groups(found: Iterable[tuple[str, str, str]]) -> list[Box]:
    """Subscription filters: the ARN of the group, the pattern, and the function's ARN."""
    return [
        box(group, f"lines of {pattern}" if pattern else "all lines", "Enabled", GOOD,
            qualifier_of(target))
        for group, pattern, target in found
    ]  # fmt: skip


def is_of(arn: str, function: str) -> bool:
    """Is it this function's, or one of its versions' or aliases'?"""
    return arn == function or arn.startswith(f"{function}:")


# --- Who may ------------------------------------------------------------------------------------


def admitted(boxes: Iterable[Box], policies: Sequence[Policy], account: str) -> list[Box]:
    """The same; those that the policy keeps out say so."""
    texts = {one.qualifier: one.text for one in policies}
    return [
        replace(one, state="not permitted by the policy", mood=BAD)
        if one.service in _ASKED
        and not any(
            admits(
                texts.get(one.qualifier, ""), principal, source_arn=one.arn, source_account=account
            )
            for principal in _principals_of(one)
        )
        else one
        for one in boxes
    ]  # fmt: skip


def _principals_of(one: Box) -> tuple[str, ...]:
    """CloudWatch Logs has one in each region, too."""
    region = one.arn.split(":")[3]
    own = f"{one.service}.amazonaws.com"
    return (own, f"logs.{region}.amazonaws.com") if one.service == "logs" else (own,)


def of_policies(policies: Iterable[Policy], found: Sequence[Box]) -> list[Box]:
    """What the policies let in, and nothing that was found uses."""
    boxes = []
    for policy in policies:
        for one in json.loads(policy.text).get("Statement", ()) if policy.text else ():
            if one.get("Effect") != "Allow":
                continue
            source, auth = _condition(one, "sourcearn"), _condition(one, "functionurlauthtype")
            via_url = bool(auth or _condition(one, "invokedviafunctionurl"))
            for principal in _principals(one.get("Principal")):
                service = principal.removesuffix(".amazonaws.com")
                service = "logs" if service.startswith("logs.") else service
                used = any(
                    (box.service == "url") if via_url
                    else box.service == service and (not source or matches(source, box.arn))
                    for box in found
                    if box.qualifier == policy.qualifier
                )  # fmt: skip
                if not used:
                    boxes.append(_permission(principal, service, source, via_url, policy))
    return boxes


def _permission(principal: str, service: str, source: str, via_url: bool, policy: Policy) -> Box:
    name = of_arn(source)[1] if source else principal
    kind = _KINDS.get(service, "Permission")
    if not principal.endswith(".amazonaws.com"):  # an account's, a role, everybody
        kind, name = "Permission", "everybody" if principal == "*" else principal
    what = "may call the URL" if via_url else "may invoke"
    return Box(
        kind, name, what if source else f"{what}, whatever it is", "allowed", OFF, service, source,
        policy.qualifier,
    )  # fmt: skip


def _principals(given: Any) -> list[str]:
    if not isinstance(given, dict):
        return [str(given)]
    listed = [one if isinstance(one, list) else [one] for one in given.values()]
    return [str(one) for some in listed for one in some]


def _condition(statement: Mapping[str, Any], key: str) -> str:
    """The value of the condition whose key ends so; "" if there is none."""
    conditions = statement.get("Condition")
    for pairs in conditions.values() if isinstance(conditions, dict) else ():
        for name, value in pairs.items() if isinstance(pairs, dict) else ():
            if name.lower().rpartition(":")[2] == key:
                return str(value[0] if isinstance(value, list) and value else value)
    return ""


# --- Where its results go -----------------------------------------------------------------------


def of_destinations(
    configs: Iterable[Mapping[str, Any]], dead_letters: str, mappings: Iterable[Mapping[str, Any]],
    failures: Mapping[str, int],
) -> list[Box]:  # fmt: skip
    """`configs`: as ListFunctionEventInvokeConfigs has them. `failures`: of the last hour, by
    metric."""
    state, mood = _delivered(failures.get("DestinationDeliveryFailures", 0))
    found = [
        box(arn, f"{what} of asynchronous invocations", state, mood, qualifier_of(
            one["FunctionArn"]
        ).replace("$LATEST", ""))
        for one in configs
        for name, what in (("OnSuccess", "successes"), ("OnFailure", "failures"))
        if (arn := _destination(one, name))
    ]  # fmt: skip
    if dead_letters:
        state, mood = _delivered(failures.get("DeadLetterErrors", 0))
        found.append(box(dead_letters, "dead letters: events that failed", state, mood))
    for one in mappings:
        if arn := _destination(one, "OnFailure"):
            source = of_arn(one.get("EventSourceArn") or "")[1] or "Kafka"
            found.append(box(arn, f"what failed of {source}", "Enabled", GOOD))
    return found


def _destination(config: Mapping[str, Any], name: str) -> str:
    known = (config.get("DestinationConfig") or {}).get(name) or {}
    return known.get("Destination") or ""


def _delivered(failures: int) -> tuple[str, str]:
    if failures:
        return f"{failures:,} not delivered in the last hour", BAD
    return "Enabled", GOOD


# --- The drawing --------------------------------------------------------------------------------


def lines(boxes: Sequence[Box], *, inward: bool) -> Lines:
    """From the middle of each box to the middle of the function, or the way back."""
    height = max(1, len(boxes)) * (HEIGHT + GAP) - GAP
    middle, bend = height / 2, WIDTH / 2
    paths = []
    for number, one in enumerate(boxes):
        at = number * (HEIGHT + GAP) + HEIGHT / 2
        begin, end = (at, middle) if inward else (middle, at)
        path = f"M0 {begin:g}C{bend:g} {begin:g} {bend:g} {end:g} {WIDTH - 7} {end:g}"
        paths.append((path, one.mood))
    return Lines(height, middle, tuple(paths))


def heads(drawn: Lines, *, inward: bool) -> tuple[tuple[str, str], ...]:
    """The points of the arrows: of the way in there is one."""
    if inward:
        return ((_head(drawn.middle), ""),) if drawn.paths else ()
    ends = [(float(path.rpartition(" ")[2]), mood) for path, mood in drawn.paths]
    return tuple((_head(end), mood) for end, mood in ends)


def _head(at: float) -> str:
    return f"M{WIDTH - 8} {at - 4:g}L{WIDTH} {at:g}L{WIDTH - 8} {at + 4:g}Z"
