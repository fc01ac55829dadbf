"""Finds or makes the environment that runs an invocation, and ends those nobody needs.

What is decided is decided in core/pool.py and, of those made ahead, in invoke/fills.py; this
carries it out. A warm invocation passes through
place() and idle() and costs no task, no timer and no wait.
"""

import asyncio
import logging
import math
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from stoker.core.errors import (
    InvalidRuntimeException,
    ServiceError,
    ServiceException,
    SnapStartNotReadyException,
    TooManyRequestsException,
)
from stoker.core.invocation import Initialization, Invocation, Target
from stoker.core.invoke_limits import ENDED_KEPT, MAKING_AT_ONCE
from stoker.core.lambda_insights import EVERY, GROUP
from stoker.core.learning import GROWTH
from stoker.core.lifecycle_words import Origin, Phase
from stoker.core.limits import RUNTIMES, Family
from stoker.core.pool import Begin, Key, Pool, Room, Serve, Slot, Waiter, Waits
from stoker.core.scaling import Rule, Scaling
from stoker.core.tenancy import crowded
from stoker.environment.draft import draft
from stoker.environment.environment import Done, Environment, EnvironmentSettings, Ground
from stoker.environment.restore import Outcome
from stoker.environment.view import CREATE, EnvironmentView
from stoker.http.base import Application
from stoker.invoke.admission import TOO_FAST, no_capacity, throttled
from stoker.invoke.attaching import Births
from stoker.invoke.catalog import NOT_READY
from stoker.invoke.fills import Fills, Wanted
from stoker.invoke.snapshots import Snapshot
from stoker.invoke.tasks import Tasks
from stoker.observe.base import Logs, LogSink
from stoker.observe.metrics import Metrics
from stoker.observe.recent import Recent
from stoker.observe.steps import Steps
from stoker.observe.traces import Traces
from stoker.sandbox.base import (
    Backend,
    Kind,
    RuntimeUnavailable,
    SandboxFailed,
    SandboxSpec,
    SnapshotGone,
)

log = logging.getLogger(__name__)
_BEGINNING_MS = 1.0  # of time
_REAP_S = 0.05  # between two looks at who is over its time


@dataclass(frozen=True, slots=True)
class PlacementSettings:
    room: Room
    scaling: Rule
    free_mb: Callable[[], float]
    idle_timeout_s: float
    max_age_s: float
    moment_s: float
    room_limit_s: float
    create_limit_s: float
    environment: EnvironmentSettings


@dataclass(slots=True, eq=False)
class _Request:
    invocation: Invocation
    done: Done


class Placement:
    """environment.Owner of every environment."""

    def __init__(
        self,
        *,
        backend: Backend,
        logs: Logs,
        code_path: Callable[[str], Path],
        endpoint_app: Callable[[Target], Application] | None,
        traces: Traces,
        metrics: Metrics,
        recent: Recent,
        wants_sdk: Callable[[Target], bool],
        released: Callable[[Target], None],
        snapshot: Callable[[Target], Snapshot],
        ceiling: Callable[[str, str, str], int],
        settings: PlacementSettings,
    ) -> None:
        """`released` is called once for each invocation placed, when nothing of it runs.
        `snapshot`: what cold starts with SnapStart copy, or SnapshotGone. `ceiling`: the
        concurrency that a function may have."""
        self._backend = backend
        self._logs = logs
        self._code_path = code_path
        self._endpoint_app = endpoint_app
        self._traces = traces
        self._metrics = metrics
        self._recent = recent
        self._wants_sdk = wants_sdk
        self._released = released
        self._snapshot = snapshot
        self._ceiling = ceiling
        self._settings = settings
        self._scaling = Scaling(settings.scaling, GROWTH)
        self._pool: Pool[Environment, _Request] = Pool(
            settings.room, self._may_grow, settings.free_mb
        )
        self._slots: dict[Environment, Slot[Environment]] = {}
        self._fills = Fills(self._pool, self._begin, self._retire_now)
        self._making: dict[Slot[Environment], tuple[str, Target, Steps]] = {}
        self._ended: deque[EnvironmentView] = deque(maxlen=ENDED_KEPT)
        self._tasks = Tasks()
        self._turns = asyncio.Semaphore(MAKING_AT_ONCE)
        self._reaper: asyncio.TimerHandle | None = None
        self._closing = False
        self._cut_off = False
        self._quiet = asyncio.Event()
        self.births = Births()

    def place(self, invocation: Invocation, done: Done) -> None:
        """Run it on a warm environment, a new one, or the first to come free."""
        target = invocation.target
        slot = self._pool.use(target.key)
        if slot is not None:
            assert slot.environment is not None
            slot.environment.assign(invocation, done)
            return
        if target.memory_mb > self._settings.room.memory_mb:
            self._refuse(_Request(invocation, done), no_capacity())
            return
        waiter = Waiter(_Request(invocation, done), target.key, target.memory_mb)
        self._provided(waiter, self._pool.wait(waiter, time.monotonic()))

    def retire(self, keep: Callable[[Target], bool]) -> None:
        for environment, slot in list(self._slots.items()):
            if not keep(environment.target) and self._pool.doom(slot):
                environment.retire()
        for slot, (_, target, _) in self._making.items():
            if not keep(target):
                self._pool.doom(slot)

    def provide(self, wanted: Mapping[Target, Wanted]) -> None:
        """From now on keep these, and no others, beside what is made on demand."""
        if not self._closing:
            self._fills.provide(wanted)

    def set_aside(self, memory_mb: int) -> None:
        """So much of the machine's memory is taken by others from now on."""
        self._pool.set_aside(memory_mb)

    @property
    def fills(self) -> Fills:
        return self._fills

    @property
    def _leaving(self) -> bool:
        """An environment is retired, and its extensions have not left yet."""
        return any(slot not in self._pool.slots for slot in self._slots.values())

    def targets(self) -> Iterator[Target]:
        """Of every environment, and of every invocation that waits for one."""
        yield from (environment.target for environment in self._slots)
        yield from (target for _, target, _ in self._making.values())
        yield from (waiter.request.invocation.target for waiter in self._pool.waiters)

    def newest(self, target: Target) -> Environment | None:
        """The environment of this that was made last, if there is any; whosever of its tenants."""
        key = target.for_all
        return next((it for it in reversed(self._slots) if it.target.for_all == key), None)

    def views(self) -> list[EnvironmentView]:
        making = [self._unborn(slot) for slot in self._making]
        return making + [environment.view() for environment in self._slots]

    def glance(
        self, at: Key, known: Container[str], since_ms: float, most: int
    ) -> list[EnvironmentView]:
        """Of the account, region and perhaps function `at`, at most so many: those in use, and the
        newest of the others. What those did since then that are known, and the others ever."""
        many = len(at)
        making = [view for view in map(self._unborn, self._making) if view.target.key[:many] == at]
        living = [one for one in self._slots if one.target.key[:many] == at]
        if len(living) > most:
            living.reverse()
            living.sort(key=lambda one: not self._slots[one].in_use)
            del living[most:]
        return making[:most] + [
            one.view(since_ms if one.id in known else _BEGINNING_MS) for one in living
        ]

    def waiting(self, at: Key) -> Counter[str]:
        """Invocations that wait for an environment, by function."""
        targets = (waiter.request.invocation.target for waiter in self._pool.waiters)
        return Counter(target.name for target in targets if target.key[: len(at)] == at)

    def growth(self, at: Key) -> tuple[float, Rule]:
        """How many environments this function may have at once now, and the rule."""
        return self._scaling.left(at, time.monotonic()), self._scaling.rule_of(at)

    def ended(self) -> list[EnvironmentView]:
        """Those that ended lately, or could not be made; the latest last."""
        return list(self._ended)

    async def close(self, drain_s: float) -> None:
        self._closing = True
        self._fills.provide({})
        for slot in self._pool.idle:
            self._retire(slot)
        try:
            async with asyncio.timeout(drain_s):
                while not self._pool.quiet or self._leaving:
                    self._quiet.clear()
                    await self._quiet.wait()
        except TimeoutError:
            log.warning("invocations cut off", extra={"limit_s": drain_s})
        self._cut_off = True
        for waiter in self._pool.waiters:
            if self._pool.withdraw(waiter):
                self._refuse(waiter.request, ServiceException("The server is stopping."))
        for environment in list(self._slots):
            environment.lose("the server is stopping")
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        await self._tasks.close()

    def throttled(self, invocation: Invocation, refusal: TooManyRequestsException) -> None:
        """Let it be seen that it was refused."""
        self._metrics.throttled(invocation)
        self._recent.throttled(invocation, refusal.fields["Reason"])

    def _provided(self, waiter: Waiter[_Request], begin: Begin[Environment] | None) -> None:
        """See to it that whoever waits does not wait for ever."""
        loop = asyncio.get_running_loop()
        if begin is not None:
            self._begin(begin, waiter.request.invocation.target)
        elif waiter.waits is Waits.A_MOMENT:
            loop.call_later(self._settings.moment_s, self._impatient, waiter)
        elif waiter.waits is Waits.TOO_FAST:
            refusal = throttled(TOO_FAST)
            self.throttled(waiter.request.invocation, refusal)
            self._refuse(waiter.request, refusal)
        elif waiter.waits is Waits.IN_LINE:
            timeout_s = waiter.request.invocation.target.timeout_s
            loop.call_later(min(timeout_s, self._settings.room_limit_s), self._no_room, waiter)

    def _impatient(self, waiter: Waiter[_Request]) -> None:
        if waiter.waits is Waits.A_MOMENT:
            self._provided(waiter, self._pool.impatient(waiter, time.monotonic()))

    # --- environment.Owner --------------------------------------------------------------------

    def answered(self, environment: Environment) -> None:
        self._pool.answered(self._slots[environment])

    def idle(self, environment: Environment) -> None:
        slot = self._slots[environment]
        if slot.in_use:
            self._released(environment.target)
        if slot.provisioned and (slot.starting or environment.blank):
            self._fills.settled(slot, failed=environment.blank)
        now = time.monotonic()
        born_before = now - self._settings.max_age_s
        match self._pool.freed(slot, now, born_before=born_before):
            case None:
                if self._closing:
                    self._retire(slot)
                elif self._reaper is None:
                    self._reap_later(self._settings.idle_timeout_s)
                if self._pool.unseen:
                    asyncio.get_running_loop().call_soon(self._look)
            case Serve(waiter):
                environment.assign(waiter.request.invocation, waiter.request.done)
            case _:
                environment.retire()
        if self._closing or self._pool.in_line or self._fills.short:
            self._moved()

    def held(self, environment: Environment) -> None:
        self._pool.held(self._slots[environment])

    def dead(self, environment: Environment, reason: str) -> None:
        slot = self._slots.pop(environment)
        self._ended.append(replace(environment.view(), phase=str(Phase.DEAD), reason=reason))
        log.info(
            "environment ended",
            extra={"environment_id": environment.id, "function": environment.target.name,
                   "version": environment.target.version, "reason": reason},
        )  # fmt: skip
        if slot.in_use:
            self._released(environment.target)
        lost = ServiceException(f"The execution environment was lost: {reason}")
        outcome = environment.restore.outcome
        self._gone(slot, lambda request_id: outcome(request_id) or lost, reason)
        self._tasks.start(environment.destroy(), f"destroy {environment.id}")

    def _look(self) -> None:
        self._pool.look(time.monotonic())

    def _may_grow(self, key: Key, now: float) -> bool:
        account, region, name, _, _, *tenant = key
        if tenant and crowded(
            (slot.key for slot in self._pool.slots), key, self._ceiling(account, region, name)
        ):
            return False
        return self._scaling.may_grow(key, now)

    # --- making -------------------------------------------------------------------------------

    def _begin(self, begin: Begin[Environment], target: Target) -> None:
        for slot in begin.evicted:
            self._retire_now(slot)
        name = uuid.uuid4().hex
        self._making[begin.slot] = (name, target, Steps())
        self._tasks.start(self._make(begin.slot), f"make {name}")

    async def _make(self, slot: Slot[Environment]) -> None:
        name, target, _ = self._making[slot]
        try:
            # One after the other: whoever is warm shall not wait for a crowd that is cold.
            async with self._turns:
                if self._pool.needless(slot):
                    del self._making[slot]
                    self._scaling.give_back(slot.key, time.monotonic())
                    self._gone(slot, lambda _: no_capacity(), "needless")
                    return
                ground = await self._ground(slot)
            environment = Environment(
                target,
                ground,
                owner=self,
                logs=self._logs,
                endpoint_app=self._endpoint_app,
                traces=self._traces,
                settings=self._settings.environment,
            )
        except (
            RuntimeUnavailable, SandboxFailed, SnapshotGone, TimeoutError, OSError
        ) as error:  # fmt: skip
            refusal = self._refusal(error)
            unborn = self._unborn(slot)
            self._ended.append(replace(unborn, phase=str(Phase.DEAD), reason=refusal.message))
            del self._making[slot]
            log.error(
                "cannot make an environment",
                extra={"environment_id": name, "function": target.name, "reason": str(error)},
            )
            self._gone(slot, lambda _: refusal, refusal.message)
            return
        del self._making[slot]
        slot.environment = environment
        self._slots[environment] = slot
        self.births.born()
        log.info(
            "environment created",
            extra={"environment_id": name, "function": target.name, "version": target.version},
        )
        await environment.begin()
        if self._cut_off and environment in self._slots:
            environment.lose("the server is stopping")

    async def _ground(self, slot: Slot[Environment]) -> Ground:
        name, target, steps = self._making[slot]
        code = self._code_path(target.code)
        opt = None if target.opt is None else self._code_path(target.opt)
        beside = target.developed.packages if target.developed else ""
        snapshot = self._snapshot(target) if target.snap_start else None
        settings, initialization = self._settings.environment, _initialization(slot, target)
        drawn = cache(lambda: draft(
            target, name, code, opt, initialization,
            credentials=settings.sessions.new(target),
            place=None if snapshot else self._backend.place, from_zygote=settings.from_zygote,
            token=snapshot.token if snapshot else "",
        ))  # fmt: skip
        spec = SandboxSpec(
            environment_id=name,
            kind=self._kind(target),
            memory_mb=target.memory_mb,
            ephemeral_mb=target.ephemeral_mb,
            code=code,
            opt=opt,
            packages=self._code_path(beside) if beside else None,
            first=None if snapshot else lambda: drawn().first,
            snapshot=snapshot.sandbox.id if snapshot else "",
        )
        with steps.step("create"):
            async with asyncio.timeout(self._settings.create_limit_s):
                sandbox = await self._backend.create(spec)
        origin = Origin.RESTORED if snapshot else Origin.ON_DEMAND
        seen = self._metrics, self._recent, self._insights(target, drawn().log_stream)
        return Ground(sandbox, code, opt, steps, drawn(), initialization, origin, *seen)

    def _insights(self, target: Target, stream: str) -> LogSink | None:
        """Where its Lambda Insights go; None for a function that has none."""
        wanted = self._settings.environment.insights
        if not wanted or wanted.isdisjoint((EVERY, target.name)):
            return None
        return self._logs.open(target.account, target.region, GROUP, f"{target.name}/{stream}")

    def _unborn(self, slot: Slot[Environment]) -> EnvironmentView:
        name, target, steps = self._making[slot]
        return EnvironmentView(
            name,
            target,
            CREATE,
            steps=tuple(steps.taken),
            initialization=_initialization(slot, target),
        )

    def _kind(self, target: Target) -> Kind:
        python = RUNTIMES[target.runtime].family is Family.PYTHON
        return Kind(target.runtime, preload_sdk=python and self._wants_sdk(target))

    def _refusal(self, error: Exception) -> ServiceError:
        if isinstance(error, RuntimeUnavailable):
            return InvalidRuntimeException(str(error))
        if isinstance(error, SnapshotGone):
            return SnapStartNotReadyException(NOT_READY)
        why = str(error) or f"it took longer than {self._settings.create_limit_s} s"
        return ServiceException(f"No execution environment could be made: {why}")

    # --- ending -------------------------------------------------------------------------------

    def _retire(self, slot: Slot[Environment]) -> None:
        if self._pool.doom(slot):
            self._retire_now(slot)

    def _retire_now(self, slot: Slot[Environment]) -> None:
        """It is taken out already."""
        assert slot.environment is not None
        slot.environment.retire()

    def _gone(self, slot: Slot[Environment], answer: Callable[[str], Outcome], reason: str) -> None:
        """`answer`: to who waits for it, by the id of the request."""
        orphan = self._pool.gone(slot)
        if orphan is not None:
            self._refuse(orphan.request, answer(orphan.request.invocation.request_id))
        self._fills.gone(slot, reason)
        self._moved()

    def _refuse(self, request: _Request, answer: Outcome) -> None:
        self._released(request.invocation.target)
        request.done(answer)

    def _no_room(self, waiter: Waiter[_Request]) -> None:
        """It still stands in line; whoever has an environment under way waits for that."""
        if waiter.waits is Waits.IN_LINE and self._pool.withdraw(waiter):
            self._refuse(waiter.request, no_capacity())

    def _moved(self) -> None:
        """Room may have come free, and nothing may be going on any more."""
        while self._pool.in_line:
            granted = self._pool.grant(time.monotonic())
            if granted is None:
                break
            self._begin(granted.begin, granted.waiter.request.invocation.target)
        if not self._closing:
            self._fills.look()
        if self._closing and self._pool.quiet:
            self._quiet.set()  # close() looks who is still leaving

    def _reap_later(self, after_s: float) -> None:
        self._reaper = asyncio.get_running_loop().call_later(after_s, self._reap)

    def _reap(self) -> None:
        self._reaper = None
        now = time.monotonic()
        settings = self._settings
        for slot in self._pool.expired(
            idle_before=now - settings.idle_timeout_s, born_before=now - settings.max_age_s
        ):
            self._retire_now(slot)
        idle, ready = self._pool.idle, self._pool.ready
        if idle or ready:
            due = idle[0].idle_since + settings.idle_timeout_s if idle else math.inf
            oldest = min(slot.born for slot in (*idle, *ready)) + settings.max_age_s
            self._reap_later(max(min(due, oldest) - now, _REAP_S))


def _initialization(slot: Slot[Environment], target: Target) -> Initialization:
    if target.snap_start:
        return Initialization.SNAP_START
    return Initialization.ON_DEMAND if slot.covers else Initialization.PROVISIONED
