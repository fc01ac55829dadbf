"""Target groups as requests find them: asked of Elastic Load Balancing beside us, and kept for a
second, since each answer takes three questions there."""

import time
from collections.abc import Callable
from typing import Any

from stoker.core.target_groups import GroupAddress, TargetGroup, described
from stoker.neighbours.calls import Refused, call
from stoker.neighbours.neighbours import Neighbours

SERVICE = "elasticloadbalancing"  # by which requests are signed; botocore's name is another
KEPT_S = 1.0  # AWS's own changes take longer to show
MOST = 256


class TargetGroups:
    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[tuple[str, str, str], tuple[float, TargetGroup]] = {}

    async def find(self, neighbours: Neighbours | None, asked: GroupAddress) -> TargetGroup | None:
        """None: there is none of this name. Raise Unreachable."""
        key = (asked.account, asked.region, asked.name)
        until, group = self._known.get(key, (0.0, None))
        if group is not None and self._clock() < until:
            return group
        self._known.pop(key, None)
        if neighbours is None or not neighbours.has_begun(SERVICE):
            return None
        group = await _asked(neighbours, asked)
        if group is not None:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[key] = (self._clock() + KEPT_S, group)
        return group


async def _asked(neighbours: Neighbours, asked: GroupAddress) -> TargetGroup | None:
    async def ask(operation: str, **parameters: Any) -> dict[str, Any]:
        return await call(
            neighbours, "elbv2", operation, parameters,
            account=asked.account, region=asked.region,
        )  # fmt: skip

    try:
        found = await ask("DescribeTargetGroups", Names=[asked.name])
        group = found["TargetGroups"][0]
        arn = group["TargetGroupArn"]
        health = await ask("DescribeTargetHealth", TargetGroupArn=arn)
        attributes = await ask("DescribeTargetGroupAttributes", TargetGroupArn=arn)
    except Refused:
        return None
    return described(
        asked.account, group, health["TargetHealthDescriptions"], attributes["Attributes"]
    )
