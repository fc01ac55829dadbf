"""Triggers and destinations of a function: found where they are kept, and drawn.

What AWS's other services have for it is asked of them side by side, and of those only that may
know of anything: no page starts them. One that does not answer is named, and the rest is shown.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from stoker.console import flow, links
from stoker.console.asked import Asked, Shown
from stoker.console.flow import Box, Policy
from stoker.console.pages.function import key_of, page
from stoker.core.metrics import LAMBDA, Source, start_of
from stoker.neighbours.calls import Refused
from stoker.neighbours.neighbours import Unreachable
from stoker.observe.log_subscribers import leading_to

MOST_ASKED = 20  # rules, schedules, buckets and target groups that are asked for by name
MOST_PAGES = 5  # of a list of another service's
HOUR_S = 3600
FAILURES = ("DestinationDeliveryFailures", "DeadLetterErrors")


@dataclass(slots=True)
class _Found:
    """What was found of sources so far, and who did not answer."""

    boxes: list[Box] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)


async def show(asked: Asked) -> Shown:
    """The drawing."""
    control, key = asked.control, key_of(asked)
    shown = await page(asked, "triggers", "function_triggers.html")
    async with control.store.transaction() as tx:
        function = await tx.function(key)
        aliases = await tx.aliases.of(key)
        published = await tx.versions.of(key, after=0, limit=flow.MOST)
    policies = [
        Policy("", function.policy if function else ""),
        *(Policy(alias.key.name, alias.policy) for alias in aliases),
        *(Policy(str(one.key.number), one.policy) for one in published if one.policy),
    ]
    arns = [key.arn, *(f"{key.arn}:{one.qualifier}" for one in policies[1:])]
    urls, configs, *mapped = await asyncio.gather(
        _every(asked, "ListFunctionUrlConfigs", "FunctionUrlConfigs", key.name),
        _every(asked, "ListFunctionEventInvokeConfigs", "FunctionEventInvokeConfigs", key.name),
        *(  # AWS lists those of an alias for the alias alone
            _every(asked, "ListEventSourceMappings", "EventSourceMappings", arn)
            for arn in arns[:MOST_ASKED]
        ),
    )
    mappings = [one for some in mapped for one in some]
    found = _Found(flow.of_mappings(mappings) + flow.of_urls(urls))
    allowed = flow.of_policies(policies, [])
    await asyncio.gather(
        *(
            _asking(found, asked, service, look(asked, found, arns, allowed))
            for service, look in _LOOKS.items()
            if _may_know(asked, service)
        ),
        _log_groups(asked, found),
    )
    inorder = sorted(found.boxes, key=lambda one: (one.kind, one.name, one.qualifier))
    sources = flow.admitted(inorder, policies, key.account)
    sources += flow.of_policies(policies, sources)
    about = shown.model["about"]
    dead = (about.get("DeadLetterConfig") or {}).get("TargetArn") or ""
    destinations = flow.of_destinations(configs, dead, mappings, await _failures(asked))
    group = (about.get("LoggingConfig") or {}).get("LogGroup") or f"/aws/lambda/{key.name}"
    logs = flow.box(
        f"arn:aws:logs:{key.region}:{key.account}:log-group:{group}",
        "what it prints",
        "",
        flow.GOOD,
    )
    model = {
        "aliases": [
            (alias.key.name, sorted(alias.weights.items()), alias.version) for alias in aliases
        ],
        "versions": len(published),
        "silent": sorted(found.silent),
        **_drawn("left", asked, sources, inward=True),
        **_drawn("right", asked, [*destinations, logs], inward=False),
    }
    return Shown(shown.template, {**shown.model, **model}, shown.title)


def _drawn(side: str, asked: Asked, boxes: list[Box], *, inward: bool) -> dict[str, Any]:
    kept = boxes[: flow.MOST]
    drawn = flow.lines(kept, inward=inward)
    return {
        side: [(one, _page_of(asked, one, inward)) for one in kept],
        f"{side}_lines": drawn,
        f"{side}_heads": flow.heads(drawn, inward=inward),
        f"{side}_more": len(boxes) - len(kept),
    }


def _page_of(asked: Asked, one: Box, inward: bool) -> str:
    """Mappings are on the page of queues, with how far they are."""
    mapped = inward and (one.service in flow.POLLED or one.kind == "Kafka topic")
    return asked.where.path("queues") if mapped else links.page_of(asked.where, one.arn)


async def _every(asked: Asked, operation: str, member: str, name: str) -> list[dict[str, Any]]:
    """A list of a function's, up to what can be drawn."""
    found: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    while len(found) <= flow.MOST:
        answer = await asked.call("lambda", operation, FunctionName=name, **more)
        found += answer[member]
        if not answer.get("NextMarker"):
            break
        more = {"Marker": answer["NextMarker"]}
    return found


async def _failures(asked: Asked) -> dict[str, int]:
    """Deliveries of the last hour that failed."""
    control, key = asked.control, key_of(asked)
    source = Source(key.account, key.region, LAMBDA, (("FunctionName", key.name),))
    end = start_of(time.time()) + 60
    found = {}
    for name in FAILURES:
        units = await control.metric_store.read(source, name, end - HOUR_S, end, HOUR_S)
        found[name] = round(sum(one.total for spans in units.values() for one in spans.values()))
    return found


# --- What other services have for it ------------------------------------------------------------


def _may_know(asked: Asked, service: str) -> bool:
    neighbours = asked.control.neighbours
    return neighbours is not None and neighbours.has_begun(service)


async def _asking(found: _Found, asked: Asked, service: str, look: Awaitable[None]) -> None:
    try:
        await look
    except (Refused, Unreachable):
        found.silent.append(service)


async def _rules(asked: Asked, found: _Found, arns: list[str], allowed: list[Box]) -> None:
    """Of an alias or a version, those that its policy lets in."""
    rules: list[tuple[dict[str, Any], str]] = []
    named = {one.qualifier for one in allowed if one.service == "events" and one.qualifier}
    for arn in [arns[0], *(f"{arns[0]}:{one}" for one in sorted(named))][:MOST_ASKED]:
        answer = await asked.call("events", "ListRuleNamesByTarget", TargetArn=arn)
        for name in answer["RuleNames"][: MOST_ASKED - len(rules)]:
            rules.append((await asked.call("events", "DescribeRule", Name=name), arn))
    found.boxes += flow.of_rules(rules)


async def _schedules(asked: Asked, found: _Found, arns: list[str], _allowed: list[Box]) -> None:
    mine: list[dict[str, Any]] = []
    more: dict[str, Any] = {}
    for _ in range(MOST_PAGES):
        answer = await asked.call("scheduler", "ListSchedules", **more)
        mine += [one for one in answer["Schedules"] if flow.is_of(one["Target"]["Arn"], arns[0])]
        if not answer.get("NextToken"):
            break
        more = {"NextToken": answer["NextToken"]}
    whole = [
        await asked.call("scheduler", "GetSchedule", Name=one["Name"], GroupName=one["GroupName"])
        for one in mine[:MOST_ASKED]
    ]
    found.boxes += flow.of_schedules(whole)


async def _topics(asked: Asked, found: _Found, arns: list[str], _allowed: list[Box]) -> None:
    more: dict[str, Any] = {}
    for _ in range(MOST_PAGES):
        answer = await asked.call("sns", "ListSubscriptions", **more)
        found.boxes += flow.of_topics(answer["Subscriptions"], arns[0])
        if not answer.get("NextToken"):
            break
        more = {"NextToken": answer["NextToken"]}


async def _buckets(asked: Asked, found: _Found, arns: list[str], allowed: list[Box]) -> None:
    """Those that a policy names: without one they are not told."""
    buckets = {one.arn for one in allowed if one.service == "s3" and "*" not in one.arn}
    for arn in sorted(buckets - {""})[:MOST_ASKED]:
        with suppress(Refused):  # it may be gone
            answer = await asked.call(
                "s3", "GetBucketNotificationConfiguration", Bucket=flow.of_arn(arn)[1]
            )
            found.boxes += flow.of_bucket(arn, answer, arns[0])


async def _target_groups(asked: Asked, found: _Found, arns: list[str], allowed: list[Box]) -> None:
    """Those that a policy names: no other takes the function for a target."""
    service = "elasticloadbalancing"
    groups = {one.arn for one in allowed if one.service == service and "*" not in one.arn}
    for group in sorted(groups - {""})[:MOST_ASKED]:
        with suppress(Refused):
            answer = await asked.call("elbv2", "DescribeTargetHealth", TargetGroupArn=group)
            for one in answer["TargetHealthDescriptions"]:
                if flow.is_of(target := one["Target"]["Id"], arns[0]):
                    qualifier = flow.qualifier_of(target)
                    found.boxes.append(flow.box(group, "requests", "Enabled", flow.GOOD, qualifier))


async def _log_groups(asked: Asked, found: _Found) -> None:
    key = key_of(asked)
    listed = await asked.control.logs_store.query(
        lambda db: leading_to(db, key.account, key.region, key.arn, flow.MOST)
    )
    group = f"arn:aws:logs:{key.region}:{key.account}:log-group:"
    found.boxes += flow.of_log_groups(
        (f"{group}{name}:*", one.pattern, one.destination) for name, one in listed
    )


_Look = Callable[[Asked, _Found, list[str], list[Box]], Awaitable[None]]
_LOOKS: Mapping[str, _Look] = {
    "events": _rules,
    "scheduler": _schedules,
    "sns": _topics,
    "s3": _buckets,
    "elasticloadbalancing": _target_groups,
}
