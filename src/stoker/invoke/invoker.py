"""The waist: whatever runs a function, runs it through `Invoker.submit`."""

import asyncio
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from stoker.core import tenancy
from stoker.core.account_limits import AWS as AWS_LIMITS
from stoker.core.account_limits import AccountLimits
from stoker.core.aliases import Alias
from stoker.core.concurrency import Standing
from stoker.core.concurrency_peaks import Peaks
from stoker.core.errors import (
    InvalidParameterValueException,
    ServiceException,
    TooManyRequestsException,
)
from stoker.core.invocation import Invocation, InvocationResult, Target
from stoker.core.invoke_limits import (
    CREATE_S,
    FREEZE_S,
    INIT_S,
    MOMENT_S,
    REQUESTS_PER_UNIT,
    ROOM_S,
)
from stoker.core.kept_time import KeptTime
from stoker.core.model import FunctionKey
from stoker.core.pace import StreamLimits
from stoker.core.pool import Room
from stoker.core.provisioned import Ask, Progress, Provision, State, asks, progress
from stoker.core.scaling import DEFAULT, RULES, Rule
from stoker.environment.attachment import Attachment as Attachment
from stoker.environment.credentials_api import RoleSessions
from stoker.environment.environment import Done, EnvironmentSettings
from stoker.environment.view import EnvironmentView as EnvironmentView
from stoker.http.base import Application
from stoker.http.busy_poll import BusyPoll
from stoker.invoke.admission import Admission
from stoker.invoke.attaching import attach
from stoker.invoke.fills import Use
from stoker.invoke.machine import free_mb
from stoker.invoke.placement import Placement, PlacementSettings
from stoker.invoke.snapshots import Snapshots
from stoker.observe.base import Logs
from stoker.observe.metrics import Metrics
from stoker.observe.recent import Recent
from stoker.observe.traces import Traces
from stoker.sandbox.base import Backend


@dataclass(frozen=True, slots=True, kw_only=True)
class InvokeSettings:
    limits: AccountLimits = AWS_LIMITS
    idle_timeout_s: float = 900.0  # unused for so long: ended
    max_age_s: float = 14400.0  # older: replaced when idle
    per_unit: int = REQUESTS_PER_UNIT
    scaling: Rule = RULES[DEFAULT]
    environments: int = 2000  # in all, on this machine
    spare_mb: int = 0  # of the machine's own memory, what is left for all else
    free_mb: Callable[[], float] = field(default=free_mb)
    memory_mb: int = 1 << 40  # MemorySize of all of them together
    room_limit_s: float = ROOM_S  # waiting for room when the machine is full
    create_limit_s: float = CREATE_S
    init_limit_s: float = INIT_S
    freeze_after_s: float = FREEZE_S
    from_zygote: bool = True  # else managed runtimes are started from /var/runtime/bootstrap
    stream: StreamLimits = field(default_factory=StreamLimits)  # of streamed answers
    sessions: RoleSessions = field(default_factory=RoleSessions)  # of the functions' roles
    insights: frozenset[str] = frozenset()  # functions that have Lambda Insights
    awake: BusyPoll | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """Of one account in one region."""

    limit: int
    functions: Mapping[str, Standing]  # that run, or have something set aside
    waiting: Mapping[str, int]  # invocations that wait for an environment, by function
    growth: float  # environments that the asked function may have at once now
    rule: Rule | None  # None: no function was asked for


class Invoker:
    def __init__(
        self,
        *,
        backend: Backend,
        logs: Logs,
        code_path: Callable[[str], Path],
        endpoint_app: Callable[[Target], Application] | None,
        settings: InvokeSettings,
        wants_sdk: Callable[[Target], bool] = lambda _: False,
        traces: Traces | None = None,
        metrics: Metrics | None = None,
        recent: Recent | None = None,
        snapshot_lost: Callable[[], None] = lambda: None,
    ) -> None:
        """`code_path`: where a zip's content lies, by its SHA-256. `endpoint_app`: what serves
        an environment's own endpoint. `wants_sdk`: its code imports boto3 and brings none.
        `snapshot_lost`: one that a version needs is to be made again."""
        self._admission = Admission(settings.limits, settings.per_unit)
        self._closing = False
        self.provided_time: KeptTime[Target] = KeptTime()  # of what was asked for, ready or not
        self._freed: Callable[[str, str], None] | None = None
        traces = traces or Traces()
        self._metrics = metrics or Metrics()
        environment = EnvironmentSettings(
            init_limit_s=settings.init_limit_s,
            freeze_after_s=settings.freeze_after_s,
            sessions=settings.sessions,
            insights=settings.insights,
            awake=settings.awake,
            from_zygote=settings.from_zygote,
            stream=settings.stream,
        )
        self.snapshots = Snapshots(
            backend=backend,
            logs=logs,
            code_path=code_path,
            endpoint_app=endpoint_app,
            traces=traces,
            settings=environment,
            set_aside=lambda memory_mb: self._placement.set_aside(memory_mb),
            lost=snapshot_lost,
        )
        self._placement = Placement(
            backend=backend,
            logs=logs,
            code_path=code_path,
            endpoint_app=endpoint_app,
            traces=traces,
            metrics=self._metrics,
            recent=recent or Recent(),
            wants_sdk=wants_sdk,
            released=self._released,
            snapshot=self.snapshots.of,
            ceiling=self._admission.ceiling,
            settings=PlacementSettings(
                room=Room(settings.environments, settings.memory_mb, settings.spare_mb),
                scaling=settings.scaling,
                free_mb=settings.free_mb,
                idle_timeout_s=settings.idle_timeout_s,
                max_age_s=settings.max_age_s,
                moment_s=MOMENT_S,
                room_limit_s=settings.room_limit_s,
                create_limit_s=settings.create_limit_s,
                environment=environment,
            ),
        )

    def submit(self, invocation: Invocation, done: Done) -> None:
        """Run it. `done` is called exactly once, from the event loop (perhaps within this call),
        with the function's result or the refusal."""
        if self._closing:
            done(ServiceException("The server is stopping."))
            return
        try:
            tenancy.check(invocation.target)
            self._admission.admit(invocation.target)
        except InvalidParameterValueException as refusal:  # who asks could not name a tenant
            done(refusal)
            return
        except TooManyRequestsException as refusal:
            self._placement.throttled(invocation, refusal)
            done(refusal)
            return
        self._placement.place(invocation, done)

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        """Run it and wait. The invocation goes on if whoever waits gives up."""
        outcome: asyncio.Future[InvocationResult] = asyncio.get_running_loop().create_future()

        def done(result: InvocationResult | Exception) -> None:
            if outcome.done():
                return
            if isinstance(result, Exception):
                outcome.set_exception(result)
            else:
                outcome.set_result(result)

        self.submit(invocation, done)
        return await outcome

    def retire(self, keep: Callable[[Target], bool]) -> None:
        """Shut down the environments whose target nobody can ask for any more: at once if they
        are idle, else when they are."""
        self._placement.retire(keep)

    def reserve(self, key: FunctionKey, amount: int | None) -> None:
        """Set concurrency aside for a function from its next invocation on; None: no more."""
        self._admission.reserve(key, amount)
        if self._freed is not None:
            self._freed(key.account, key.region)

    def when_freed(self, call: Callable[[str, str], None]) -> None:
        """Call this whenever there may be more room in an account's region."""
        self._freed = call

    def room(self, key: FunctionKey) -> int:
        """How many more invocations of this function would be admitted now."""
        return self._admission.room(key)

    def reserved(self, key: FunctionKey) -> int | None:
        """The concurrency set aside for this function; None: none, and there is no ceiling."""
        return self._admission.reserved(key)

    def provide(self, wanted: Mapping[Target, tuple[Ask, ...]]) -> None:
        """From now on keep environments ready for these versions, and for no others."""
        amounts = {target: sum(ask.amount for ask in asks) for target, asks in wanted.items()}
        self.provided_time.keep(amounts, time.monotonic())
        self._admission.provide(amounts)
        self._placement.provide(wanted)
        if self._freed is not None:
            for account, region in {(target.account, target.region) for target in wanted}:
                self._freed(account, region)

    def provided(self, key: FunctionKey, version: str) -> State:
        """How far that has come for one version."""
        mine = (key.account, key.region, key.name, version)
        states = self._placement.fills.states()
        return next((state for at, state in states.items() if at[:4] == mine), State())

    def progress(
        self, key: FunctionKey, qualifier: str, kept: Provision, alias: Alias | None
    ) -> tuple[Progress, int, str | None]:
        """How far a configuration has come: its status, how many are allocated, and why not."""
        versions = asks(qualifier, kept, alias)
        return progress(qualifier, kept, [self.provided(key, version) for version in versions])

    def uses(self) -> dict[tuple[str, ...], Use]:
        """What is made of that, by account, region, function and version."""
        return {key[:4]: use for key, use in self._placement.fills.uses().items()}

    def peaks(self) -> dict[tuple[str, str], Peaks]:
        """By account and region: how much ran at most since this was last asked."""
        return self._admission.peaks()

    def running(self, account: str) -> int:
        """Invocations of this account that run (or wait for an environment) now."""
        return self._admission.running(account)

    def running_of(self, key: FunctionKey) -> int:
        """Invocations of this function that run now, of all its versions."""
        return self._admission.running_of(key)

    def trees(self) -> frozenset[str]:
        """The names of all code that environments run, or invocations wait to run."""
        return frozenset().union(*(target.trees for target in self.targets()))

    def targets(self) -> list[Target]:
        """Of every environment, and of every invocation that waits for one."""
        return [*self._placement.targets(), *self.snapshots.targets()]

    async def attach(self, target: Callable[[], Target]) -> Attachment:
        """A debugger, to the newest environment of this, or the next. Raise ServiceException."""
        return await attach(self._placement, self._placement.births, target)

    def environments(self) -> list[EnvironmentView]:
        return self._placement.views() + self.snapshots.views()

    def glance(
        self, at: tuple[str, ...], known: Container[str], since_ms: float, most: int
    ) -> list[EnvironmentView]:
        """The same, without processes, of an account, region and perhaps function `at`; of those
        that are known, since a moment. Those in use, and the newest of the others."""
        return self._placement.glance(at, known, since_ms, most)

    def level(self, account: str, region: str, function: str = "") -> Level:
        """How high the water stands: what runs, waits, and may run."""
        at = (account, region, function) if function else (account, region)
        left, rule = self._placement.growth(at) if function else (0.0, None)
        return Level(
            limit=self._admission.limit(account),
            functions=self._admission.standings(account, region),
            waiting=self._placement.waiting(at),
            growth=left,
            rule=rule,
        )

    def ended(self) -> list[EnvironmentView]:
        """What the environments did that ended lately; the latest last."""
        return self._placement.ended()

    def _released(self, target: Target) -> None:
        self._admission.release(target)
        if self._freed is not None:
            self._freed(target.account, target.region)

    async def close(self, drain_s: float) -> None:
        """Accept nothing more, give what runs `drain_s` to end, then end everything: no
        environment is left, and every caller has had an answer."""
        self._closing = True
        await self._placement.close(drain_s)
        await self.snapshots.close()
