"""Application Auto Scaling of provisioned concurrency: what is kept, and what is decided. Pure.

    utilisation of each minute ──► Track ──desired()──┐
    scheduled action ──► MinCapacity, MaxCapacity ────┼──► the capacity to set, and why
    registration ─────────────────────────────────────┘

Target tracking goes by two alarms, as on AWS: three minutes in a row above the target scale out,
fifteen below nine tenths of it scale in. A minute without an invocation has no value, and ends
either row. https://docs.aws.amazon.com/autoscaling/application/userguide/
application-auto-scaling-target-tracking.html; the numbers are those of the alarms that AWS makes.
"""

import math
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from stoker.core.errors import ValidationException
from stoker.core.model import FunctionKey

NAMESPACE = "lambda"
DIMENSION = "lambda:function:ProvisionedConcurrency"
METRIC = "LambdaProvisionedConcurrencyUtilization"
MINUTES_OUT = 3  # above the target
MINUTES_IN = 15  # below a part of it
PART_IN = 0.9
TARGET_VALUES = (0.1, 0.9)  # AWS, for provisioned concurrency
POLICIES = 50  # of one target (AWS's quota)
ACTIONS = 200  # of one target (AWS's quota)
ACTIVITIES = 100  # of one target that are kept (ours; AWS keeps those of six weeks)

_RESOURCE = re.compile(
    r"function:(?P<name>[a-zA-Z0-9_-]{1,64}):(?P<qualifier>[a-zA-Z0-9_-]{1,128})"
)


@dataclass(frozen=True, slots=True)
class Resource:
    """What is scaled: a version or an alias of a function."""

    function: FunctionKey
    qualifier: str

    @property
    def id(self) -> str:
        return f"function:{self.function.name}:{self.qualifier}"


def read_resource(account: str, region: str, text: str) -> Resource:
    match = _RESOURCE.fullmatch(text)
    if match is None:
        raise ValidationException(
            "Unsupported service namespace, resource type or scalable dimension"
        )
    return Resource(FunctionKey(account, region, match["name"]), match["qualifier"])


@dataclass(frozen=True, slots=True)
class Target:
    """A registered one."""

    least: int
    most: int
    created: float  # seconds of the epoch
    id: str
    role: str
    in_suspended: bool = False
    out_suspended: bool = False
    schedule_suspended: bool = False

    def clamped(self, capacity: int) -> int:
        return max(self.least, min(self.most, capacity))


@dataclass(frozen=True, slots=True)
class Policy:
    name: str
    target_value: float
    created: float
    id: str
    out_cooldown_s: int | None = None
    in_cooldown_s: int | None = None
    disable_in: bool = False

    def alarm(self, resource: Resource, way: str) -> str:
        return f"TargetTracking-{resource.id}-Alarm{way}-{self.id}"


@dataclass(frozen=True, slots=True)
class Action:
    """A scheduled one. `seen`: until when it has been looked after."""

    name: str
    schedule: str
    created: float
    id: str
    seen: float
    timezone: str | None = None
    start: float | None = None
    end: float | None = None
    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    id: str
    description: str  # "Setting …"
    cause: str
    start: float
    end: float | None = None
    status: str = "InProgress"
    reason: str = ""  # of a failure

    @property
    def message(self) -> str:
        """AWS's words."""
        what = self.description.removeprefix("Setting ").removesuffix(".")
        if self.status == "Failed":
            return f"Failed to set {what}. Reason: {self.reason}"
        if not what.startswith("desired"):
            return f"Successfully set {what}"
        done = self.status == "Successful"
        rest = "Change successfully fulfilled" if done else "Waiting for change to be fulfilled"
        return f"Successfully set {what}. {rest} by lambda."


@dataclass(frozen=True, slots=True)
class Scaled:
    """All that is kept of one resource: one aggregate."""

    target: Target
    policies: Mapping[str, Policy] = field(default_factory=dict)
    actions: Mapping[str, Action] = field(default_factory=dict)
    activities: tuple[Activity, ...] = ()  # the latest first

    def dump(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def load(cls, record: Mapping[str, Any]) -> "Scaled":
        return cls(
            Target(**record["target"]),
            {name: Policy(**policy) for name, policy in record["policies"].items()},
            {name: Action(**action) for name, action in record["actions"].items()},
            tuple(Activity(**activity) for activity in record["activities"]),
        )


def check_capacity(least: int | None, most: int | None) -> None:
    if least is not None and least < 0:
        raise ValidationException("Minimum capacity cannot be negative")
    if most is not None and most < 0:
        raise ValidationException("Maximum capacity cannot be negative")
    if least is not None and most is not None and least > most:
        raise ValidationException("Maximum capacity cannot be less than minimum capacity")


def check_target_value(value: float) -> None:
    if not TARGET_VALUES[0] <= value <= TARGET_VALUES[1]:
        raise ValidationException(
            f"TargetValue of {METRIC} must be from {TARGET_VALUES[0]} to {TARGET_VALUES[1]}"
        )


@dataclass(frozen=True, slots=True)
class Change:
    """A capacity to set, and why, in AWS's words."""

    capacity: int
    cause: str

    @property
    def description(self) -> str:
        return f"Setting desired concurrency to {self.capacity}."


@dataclass(slots=True)
class Track:
    """The utilisation of one resource by minutes, and when it was scaled last."""

    minutes: deque[float | None] = field(default_factory=lambda: deque(maxlen=MINUTES_IN))
    scaled_out: float = float("-inf")
    scaled_in: float = float("-inf")
    _sum: float = 0.0
    _samples: int = 0
    _used: bool = False

    def sample(self, in_use: int, ready: int, *, used: bool) -> None:
        """What is in use of what is ready, at one moment. `used`: also if only since the last."""
        if ready:
            self._sum += in_use / ready
            self._samples += 1
            self._used |= used

    def minute(self) -> None:
        """One is over."""
        self.minutes.append(self._sum / self._samples if self._used else None)
        self._sum, self._samples, self._used = 0.0, 0, False

    def scaled(self, before: int, after: int, now: float) -> None:
        """Another capacity was asked for."""
        if after > before:
            self.scaled_out = now
        else:
            self.scaled_in = now

    def fulfilled(self) -> None:
        """It is there: from now on the same load is another part of it."""
        self.minutes.clear()
        self._sum, self._samples, self._used = 0.0, 0, False

    def desired(
        self, resource: Resource, scaled: Scaled, capacity: int, now: float
    ) -> Change | None:
        """What the policies want now. Where they differ, the largest capacity wins."""
        wanted = [
            change
            for policy in scaled.policies.values()
            if (change := self._by(policy, resource, scaled.target, capacity, now)) is not None
        ]
        out = [change for change in wanted if change.capacity > capacity]
        # Everybody must agree to scale in.
        if not out and len(wanted) < len(scaled.policies):
            return None
        return max(out or wanted, key=lambda change: change.capacity, default=None)

    def _by(
        self, policy: Policy, resource: Resource, target: Target, capacity: int, now: float
    ) -> Change | None:
        aim = policy.target_value
        if not target.out_suspended and self._all(MINUTES_OUT, above=aim):
            if now - self.scaled_out < (policy.out_cooldown_s or 0):
                return None
            way, desired = "High", target.clamped(max(capacity + 1, self._fitting(capacity, aim)))
        elif self._scales_in(policy, target) and self._all(MINUTES_IN, below=PART_IN * aim):
            if now - max(self.scaled_in, self.scaled_out) < (policy.in_cooldown_s or 0):
                return None
            way, desired = "Low", target.clamped(min(capacity, self._fitting(capacity, aim)))
        else:
            return None
        if desired == capacity:
            return None
        alarm = policy.alarm(resource, way)
        return Change(
            desired, f"monitor alarm {alarm} in state ALARM triggered policy {policy.name}"
        )

    def _scales_in(self, policy: Policy, target: Target) -> bool:
        return not (policy.disable_in or target.in_suspended)

    def _fitting(self, capacity: int, aim: float) -> int:
        """With so much, the latest minute would have been at the target."""
        latest = self.minutes[-1]
        assert latest is not None
        return math.ceil(round(capacity * latest / aim, 9))

    def _all(self, count: int, *, above: float = -1.0, below: float = math.inf) -> bool:
        latest = list(self.minutes)[-count:]
        return len(latest) == count and all(
            value is not None and above < value < below for value in latest
        )


def within(scaled: Scaled, capacity: int) -> Change | None:
    """What registration and scheduled actions demand, whatever policies want."""
    target = scaled.target
    if capacity < target.least:
        return Change(target.least, f"minimum capacity was set to {target.least}")
    if capacity > target.most:
        return Change(target.most, f"maximum capacity was set to {target.most}")
    return None


def latest(activity: Activity, activities: Iterable[Activity]) -> tuple[Activity, ...]:
    """With this one, in place of what it was."""
    others = [each for each in activities if each.id != activity.id]
    found = sorted([activity, *others], key=lambda each: each.start, reverse=True)
    return tuple(found[:ACTIVITIES])
