"""A dispatcher with its true neighbours (queue, store, catalog, admission). What runs functions is
in the test's hand, and so is the time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from stoker.core import model
from stoker.core.account_limits import AccountLimits, Limits
from stoker.core.architectures import Machine
from stoker.core.errors import ServiceError, TooManyRequestsException
from stoker.core.event_invoke import KIND, EventInvoke
from stoker.core.invocation import Invocation, InvocationResult, LogSettings
from stoker.core.model import Code, Configuration, FunctionKey
from stoker.core.names import LATEST
from stoker.events.deliveries import Deliveries, Message
from stoker.events.dispatcher import Dispatcher
from stoker.events.ended import EndedEvents
from stoker.events.settings import EventSettings
from stoker.events.to_functions import ToFunctions
from stoker.invoke.admission import Admission
from stoker.invoke.catalog import Catalog
from stoker.store.event_queue import Content, EventQueue
from stoker.store.sqlite import SqliteStore

ACCOUNT, REGION = "123456789012", "eu-west-1"
PATIENCE_S = 30.0
F = FunctionKey(ACCOUNT, REGION, "f")
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:q"
Done = Callable[[InvocationResult | ServiceError], None]


@dataclass(eq=False)
class Alarm:
    due: float
    ring: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Hands:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.time = 1_000_000.0
        self.alarms: list[Alarm] = []

    def now(self) -> float:
        return self.time

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Alarm:
        alarm = Alarm(self.time + delay_s, callback)
        self.alarms.append(alarm)
        return alarm

    def forward(self, seconds: float) -> None:
        """Let time pass; whatever is due in it rings, in order."""
        end = self.time + seconds
        while True:
            self.alarms = [alarm for alarm in self.alarms if not alarm.cancelled]
            due = min(self.alarms, key=lambda alarm: alarm.due, default=None)
            if due is None or due.due > end:
                break
            self.alarms.remove(due)
            self.time = max(self.time, due.due)
            due.ring()
        self.time = end


@dataclass
class Run:
    """An invocation under way."""

    invocation: Invocation
    _done: Done
    _waist: "Waist"

    def ends(self, result: InvocationResult | ServiceError | bytes = b"null") -> None:
        """It has an answer, and then its environment is free again."""
        if isinstance(result, bytes):
            result = InvocationResult(result, executed_version=self.invocation.target.version)
        self._done(result)
        self._waist.release(self.invocation)

    def fails(self, message: str = "no") -> None:
        body = f'{{"errorMessage": "{message}"}}'.encode()
        self.ends(InvocationResult(body, "Unhandled"))


class Waist:
    """invoke.Invoker, with true accounts and no environments."""

    def __init__(self, limit: int) -> None:
        self.admission = Admission(AccountLimits(Limits(limit)), 0)
        self.runs: asyncio.Queue[Run] = asyncio.Queue()
        self.freed: Callable[[str, str], None] = lambda _account, _region: None
        self.awaited: set[asyncio.Future[InvocationResult | ServiceError]] = set()
        self.running = 0
        self.most = 0

    def submit(self, invocation: Invocation, done: Done) -> None:
        try:
            self.admission.admit(invocation.target)
        except TooManyRequestsException as refusal:
            done(refusal)
            return
        self.running += 1
        self.most = max(self.most, self.running)
        self.runs.put_nowait(Run(invocation, done, self))

    async def invoke(self, invocation: Invocation) -> InvocationResult:
        ended: asyncio.Future[InvocationResult | ServiceError] = asyncio.Future()
        self.awaited.add(ended)
        self.submit(invocation, ended.set_result)
        result = await ended
        self.awaited.discard(ended)
        if isinstance(result, ServiceError):
            raise result
        return result

    def release(self, invocation: Invocation) -> None:
        self.running -= 1
        self.admission.release(invocation.target)
        self.freed(invocation.target.account, invocation.target.region)

    def room(self, key: FunctionKey) -> int:
        return self.admission.room(key)

    def reserved(self, key: FunctionKey) -> int | None:
        return self.admission.reserved(key)

    def reserve(self, key: FunctionKey, amount: int | None) -> None:
        self.admission.reserve(key, amount)
        self.freed(key.account, key.region)

    def when_freed(self, call: Callable[[str, str], None]) -> None:
        self.freed = call


@dataclass
class Scene:
    dispatcher: Dispatcher
    waist: Waist
    clock: Hands
    store: SqliteStore
    delivered: list[Message] = field(default_factory=list)

    async def function(self, name: str = "f", **more: Any) -> FunctionKey:
        """One that is active."""
        key = FunctionKey(ACCOUNT, REGION, name)
        new = model.new_function(key, configuration(**more), {}, revision="r0", now="then")
        active = model.activated(new, revision="r1")
        async with self.store.transaction() as tx:
            await tx.create_function(active)
        return key

    async def says(self, key: FunctionKey = F, qualifier: str = LATEST, **said: Any) -> None:
        """What PutFunctionEventInvokeConfig keeps."""
        async with self.store.transaction() as tx:
            await tx.settings.put(key, qualifier, KIND, EventInvoke(0.0, **said).dump())

    async def send(
        self,
        name: str = "1",
        key: FunctionKey = F,
        qualifier: str | None = None,
        trace: str = "Root=1-2-3",
        body: bytes | None = None,
    ) -> ServiceError | None:
        """Wait until it is accepted; the refusal, if it is not."""
        accepted: asyncio.Future[ServiceError | None] = asyncio.get_running_loop().create_future()
        content = Content(
            name, key.arn, "application/json", trace, "", name.encode() if body is None else body
        )
        self.dispatcher.accept(key, qualifier, content, accepted.set_result)
        async with asyncio.timeout(PATIENCE_S):
            return await accepted

    async def run(self) -> Run:
        """The next invocation that begins."""
        async with asyncio.timeout(PATIENCE_S):
            return await self.waist.runs.get()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0.001)

    def count(self, metric: str, key: FunctionKey = F) -> int:
        return self.dispatcher.counts.counted.get(key, {}).get(metric, 0)

    def held(self, key: FunctionKey = F) -> dict[str, int]:
        """What the dispatcher has of this function, without what is none."""
        return {name: n for name, n in self.dispatcher.lanes().get(key, {}).items() if n}


def configuration(**more: Any) -> Configuration:
    given: dict[str, Any] = {
        "runtime": "python3.11",
        "handler": "main.handler",
        "role": "arn:aws:iam::123456789012:role/r",
        "code": Code("a" * 64, 100),
        "log": LogSettings("/aws/lambda/f"),
        **more,
    }
    return Configuration(**given)


@asynccontextmanager
async def scene(
    folder: Path, *, limit: int = 1000, scale: float = 1.0, clock: Hands | None = None
) -> AsyncIterator[Scene]:
    """One life of a dispatcher on this folder."""
    store, catalog, settings = (
        SqliteStore(folder / "stoker.db"),
        Catalog(Machine()),
        EventSettings(),
    )
    await store.open()
    await catalog.follow(store)
    await settings.follow(store)
    waist, hands, deliveries = Waist(limit), clock or Hands(), Deliveries()
    dispatcher = Dispatcher(
        queue=EventQueue(folder / "events.db"),
        invoker=cast(Any, waist),
        catalog=catalog,
        settings=settings,
        deliveries=deliveries,
        clock=hands,
        scale=scale,
        ended=EndedEvents(1 << 20, 1 << 20),
    )
    store.watch(dispatcher.change)
    here = Scene(dispatcher, waist, hands, store)

    async def take(message: Message) -> None:
        here.delivered.append(message)

    deliveries.through("lambda", ToFunctions(dispatcher, catalog).send)
    deliveries.through("sqs", take)
    await dispatcher.start()
    try:
        yield here
    finally:
        await dispatcher.close()
        await store.close()


Story = Callable[[Scene], Awaitable[None]]


def tell(folder: Path, story: Story, **settings: Any) -> None:
    async def main() -> None:
        async with scene(folder, **settings) as here:
            await story(here)

    asyncio.run(main())
