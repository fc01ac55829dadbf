"""Application Auto Scaling at work: samples utilisation, runs schedules, sets capacity.

    every second   what is in use of what is ready ──► Track
    every minute   Track ──► what the policies want ──┐
    when due       scheduled action ──► min, max ─────┼──► provisioned concurrency, and an Activity
    when changed   registration ──────────────────────┘

What is decided is decided in core/autoscaling.py. Targets, policies, actions and activities are in
the store; tracks are not, so that after a restart a policy needs its row of minutes anew. A
schedule that came due while no server ran is run once at the next start.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from stoker.core import schedules
from stoker.core.account_limits import AccountLimits
from stoker.core.aliases import Alias, AliasKey
from stoker.core.autoscaling import (
    Action,
    Activity,
    Change,
    Resource,
    Scaled,
    Track,
    latest,
    read_resource,
    within,
)
from stoker.core.errors import ServiceError
from stoker.core.model import Function, SettingKey
from stoker.core.provisioned import KIND, Progress, Provision, asks
from stoker.core.resources import Kind, ResourceKey
from stoker.core.versions import VersionKey
from stoker.invoke.invoker import Invoker
from stoker.reconcilers.loop import Loop
from stoker.store.base import Aggregate, Key, Store, Transaction
from stoker.store.provisioned import kept, provide

log = logging.getLogger(__name__)

SAMPLE_S = 1.0
MINUTE_S = 60.0
LONGEST_S = 3600.0  # between two looks at schedules


@dataclass(slots=True)
class _Watched:
    """One resource, as this reconciler knows it."""

    scaled: Scaled
    versions: tuple[str, ...]  # whose environments are its
    track: Track
    due: float | None  # the next scheduled action

    @property
    def open(self) -> bool:
        return any(each.status == "InProgress" for each in self.scaled.activities)


@dataclass(frozen=True, slots=True)
class _Now:
    """What one settling goes by."""

    time: float
    function: Function
    alias: Alias | None
    provision: Provision | None

    @property
    def capacity(self) -> int:
        return self.provision.requested if self.provision else 0


class Autoscaling:
    def __init__(
        self,
        *,
        store: Store,
        invoker: Invoker,
        limits: AccountLimits,
        clock: Callable[[], float] = time.time,
        minute_s: float = MINUTE_S,
        sample_s: float = SAMPLE_S,
    ) -> None:
        """`limits`: what accounts may have."""
        self._store = store
        self._invoker = invoker
        self._limits = limits
        self._clock = clock
        self._minute_s = minute_s
        self._sample_s = sample_s
        self._watched: dict[Resource, _Watched] = {}
        self._held_until: dict[Resource, float] = {}  # after a refusal
        self._stale = True
        self._ticked = False
        self._sampled_at = time.monotonic()
        self._minute_ends = clock() + minute_s
        self._timer: asyncio.TimerHandle | None = None
        self._loop = Loop("autoscaling", self._find, self._settle)

    async def run(self) -> None:
        """Until cancelled."""
        self._store.watch(self._changed)
        try:
            await self._loop.run()
        finally:
            if self._timer is not None:
                self._timer.cancel()

    def _changed(self, key: Key, _: Aggregate | None) -> None:
        match key:
            case ResourceKey(kind=Kind.SCALING):
                pass
            case SettingKey() | AliasKey() if self._watched:
                pass
            case _:
                return
        self._stale = True
        self._loop.wake()

    def _tick(self) -> None:
        self._ticked = True
        self._loop.wake()

    async def _find(self) -> list[Resource]:
        due: set[Resource] = set()
        if self._stale:
            self._stale = False
            await self._load()
            due = set(self._watched)
        now = self._clock()
        if self._ticked:
            self._ticked = False
            due |= self._sample(now)
        due |= {at for at, one in self._watched.items() if one.due is not None and one.due <= now}
        self._arm(now)
        return sorted(due, key=lambda resource: resource.id)

    async def _load(self) -> None:
        found: dict[Resource, _Watched] = {}
        async with self._store.transaction() as tx:
            for each in await tx.resources.every(Kind.SCALING):
                resource = read_resource(each.key.account, each.key.region, each.key.id)
                scaled = Scaled.load(each.record)
                alias = await tx.aliases.alias(AliasKey(resource.function, resource.qualifier))
                versions = tuple(asks(resource.qualifier, Provision(1000, 0.0), alias))
                before = self._watched.get(resource)
                track = Track() if before is None else before.track
                found[resource] = _Watched(scaled, versions, track, _due(scaled))
        self._watched = found
        self._held_until = {at: until for at, until in self._held_until.items() if at in found}

    def _sample(self, now: float) -> set[Resource]:
        """Look what is in use; the answer is who is to be settled."""
        uses, since = self._invoker.uses(), self._sampled_at
        self._sampled_at = time.monotonic()
        over = now >= self._minute_ends
        if over:
            self._minute_ends = now + self._minute_s
        due = set()
        for resource, one in self._watched.items():
            key = resource.function
            mine = [
                use
                for version in one.versions
                if (use := uses.get((key.account, key.region, key.name, version)))
            ]
            running, ready = sum(use.running for use in mine), sum(use.ready for use in mine)
            used = bool(running) or any(use.used_at > since for use in mine)
            one.track.sample(running, ready, used=used)
            if over and one.scaled.policies:
                one.track.minute()
                due.add(resource)
            if one.open:
                due.add(resource)
        return due

    def _arm(self, now: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waits = [max(0.0, one.due - now) for one in self._watched.values() if one.due is not None]
        if any(one.scaled.policies or one.open for one in self._watched.values()):
            waits.append(self._sample_s)
        if waits:
            wait_s = min(*waits, LONGEST_S)
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._tick)

    # --- one resource -------------------------------------------------------------------------

    async def _settle(self, resource: Resource) -> None:
        one = self._watched.get(resource)
        key = scaling_key(resource)
        async with self._store.transaction() as tx:
            found = await tx.resources.get(key)
            if found is None or one is None:
                return
            scaled = Scaled.load(found.record)
            changed = _scheduled(scaled, self._clock())
            now = await self._now(tx, resource)
            if now is not None:
                closed = self._closed(changed, resource, now)
                if closed != changed:
                    one.track.fulfilled()
                changed = closed
                changed = await self._adjusted(tx, changed, resource, now, one.track)
            if changed != scaled:
                again = found.changed(changed.dump(), revision=str(uuid.uuid4()))
                await tx.resources.put(again, expected=found.revision_id)

    async def _now(self, tx: Transaction, resource: Resource) -> _Now | None:
        """None: there is no such version or alias."""
        key, qualifier = resource.function, resource.qualifier
        function = await tx.function(key)
        alias = await tx.aliases.alias(AliasKey(key, qualifier))
        if function is None:
            return None
        if alias is None:
            number = int(qualifier) if qualifier.isdecimal() and len(qualifier) < 19 else 0
            if await tx.versions.version(VersionKey(key, number)) is None:
                return None
        return _Now(self._clock(), function, alias, await kept(tx, key, qualifier))

    def _closed(self, scaled: Scaled, resource: Resource, now: _Now) -> Scaled:
        """Activities that have come to their end."""
        status, reason = Progress.READY, None
        if now.provision is not None:
            status, _, reason = self._invoker.progress(
                resource.function, resource.qualifier, now.provision, now.alias
            )
        if status is Progress.IN_PROGRESS:
            return scaled
        activities = scaled.activities
        for each in activities:
            if each.status == "InProgress":
                word = "Failed" if status is Progress.FAILED else "Successful"
                ended = replace(each, status=word, end=now.time, reason=reason or "")
                activities = latest(ended, activities)
        return replace(scaled, activities=activities)

    async def _adjusted(
        self, tx: Transaction, scaled: Scaled, resource: Resource, now: _Now, track: Track
    ) -> Scaled:
        """The capacity that registration and policies want; one change at a time."""
        held = now.time < self._held_until.get(resource, 0.0)
        if held or any(a.status == "InProgress" for a in scaled.activities):
            return scaled
        capacity = now.capacity
        change = within(scaled, capacity) or (
            track.desired(resource, scaled, capacity, now.time) if capacity else None
        )
        if change is None:
            return scaled
        activity = Activity(str(uuid.uuid4()), change.description, change.cause, now.time)
        try:
            await self._set(tx, resource, now, change)
        except ServiceError as refusal:
            self._held_until[resource] = now.time + self._minute_s
            activity = replace(activity, end=now.time, status="Failed", reason=refusal.message)
        else:
            track.scaled(capacity, change.capacity, now.time)
        facts = {"resource": resource.id, "capacity": change.capacity, "status": activity.status}
        log.info("provisioned concurrency scaled", extra=facts)
        return replace(scaled, activities=latest(activity, scaled.activities))

    async def _set(self, tx: Transaction, resource: Resource, now: _Now, change: Change) -> None:
        if change.capacity == 0:
            await tx.settings.remove(resource.function, resource.qualifier, KIND)
            return
        await provide(
            tx,
            now.function,
            resource.qualifier,
            now.alias,
            change.capacity,
            self._limits.of(now.function.key.account),
            now.time,
        )


def scaling_key(resource: Resource) -> ResourceKey:
    """Where it is kept."""
    key = resource.function
    return ResourceKey(key.account, key.region, Kind.SCALING, resource.id)


def _scheduled(scaled: Scaled, now: float) -> Scaled:
    """With the scheduled actions that are due carried out, in their order."""
    while (due := _next(scaled)) is not None and due[0] <= now:
        action = due[1]
        scaled = replace(scaled, actions={**scaled.actions, action.name: replace(action, seen=now)})
        if not scaled.target.schedule_suspended:
            scaled = _applied(scaled, action, now)
    return scaled


def _applied(scaled: Scaled, action: Action, now: float) -> Scaled:
    target = scaled.target
    least = target.least if action.least is None else action.least
    most = target.most if action.most is None else action.most
    parts = [f"min capacity to {least}"] * (action.least is not None)
    parts += [f"max capacity to {most}"] * (action.most is not None)
    activity = Activity(
        str(uuid.uuid4()),
        f"Setting {' and '.join(parts)}",
        f"scheduled action name {action.name} was triggered",
        now,
        now,
        "Successful",
    )
    if least > most:
        reason = "Maximum capacity cannot be less than minimum capacity"
        activity = replace(activity, status="Failed", reason=reason)
    else:
        target = replace(target, least=least, most=most)
    return replace(scaled, target=target, activities=latest(activity, scaled.activities))


def _due(scaled: Scaled) -> float | None:
    found = _next(scaled)
    return None if found is None else found[0]


def _next(scaled: Scaled) -> tuple[float, Action] | None:
    """Which scheduled action is the next one, and when."""
    found = [
        (moment, action.name)
        for action in scaled.actions.values()
        if (moment := _moment(action)) is not None
    ]
    if not found:
        return None
    moment, name = min(found)
    return moment, scaled.actions[name]


def _moment(action: Action) -> float | None:
    since = action.created if action.start is None else action.start
    # Nothing is due before its start, and what was seen to is over.
    after = action.seen if action.start is None else max(action.seen, action.start - 0.001)
    schedule = schedules.read(action.schedule)
    found = schedule.next(_utc(after), _zone(action.timezone), _utc(since))
    if found is None or (action.end is not None and found.timestamp() > action.end):
        return None
    return found.timestamp()


def _utc(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)


def _zone(name: str | None) -> tzinfo:
    return UTC if name is None else ZoneInfo(name)
