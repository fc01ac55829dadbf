"""START HERE: every object there is, who holds whom, and in which order they live.

clients ──► HttpServer ──► Front ──► Control ──► Store, Blobs, LogStore       (truth)
                             │          ├──────► Catalog                      (what is invoked)
                             │          └──────► Neighbours ──► moto, others  (AWS's other services)
                             ├──► Console ──► Control, and the Front itself     (pages for people)
                             ├──► Dispatcher ──► EventQueue                   (what runs later)
                             ├──► Broker ──► MessageStore                     (SQS)
                             ├──► Stacks ──► StackStore, and the Front itself (CloudFormation)
                             ├──► LogDeliveries ──► LogStore, Dispatcher      (what logs lead to)
                             ├──► Mappings ──► Broker, Neighbours, Invoker    (what polls sources)
                             ├──► Metering ──► MetricStore                      (what is counted)
                             ├──► AlarmWatch ──► MetricStore, and the Front itself (CloudWatch)
                             ├──► Tracing ──► TraceStore                        (X-Ray)
                             ├──► Exporting ──► Export                          (OpenTelemetry)
                             ├──► DevDoor ──► Developing ──► Catalog, Backend    (stoker dev)
                             └──► Invoker ──► Environment ──► Backend         (what runs)
Activation ──► Store ──► CodeCache, Backend                                   (makes it ready)
Provisioning ──► Store, Catalog ──► Invoker                    (and keeps environments ahead)
Removal ──► Catalog, Invoker ──► CodeCache, Blobs                    (and removes what is unused)
"""

import asyncio
import logging
import socket
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from stoker.api import stack_answers
from stoker.api.alarm_watch import AlarmWatch
from stoker.api.control import Control, Settings
from stoker.api.dev_door import DevDoor
from stoker.api.front import Front
from stoker.api.inward import Inward
from stoker.api.log_deliveries import LogDeliveries
from stoker.api.sampling import Sampling
from stoker.api.settling import Settling
from stoker.api.triggers import FromNeighbours
from stoker.blobs.code_cache import CodeCache
from stoker.blobs.directory import DirectoryBlobs
from stoker.config import Config
from stoker.configured import (
    api_settings,
    database,
    invoke_settings,
    limits_of,
    neighbours_of,
    quotas_of,
)
from stoker.console.console import Console
from stoker.core import kafka_settings, stream_settings
from stoker.core.errors import ServiceException
from stoker.core.invocation import Target
from stoker.core.limits import MIB
from stoker.core.otlp import read_destination
from stoker.core.sessions import SECRET_BYTES
from stoker.events.deliveries import Deliveries
from stoker.events.dispatcher import Dispatcher
from stoker.events.ended import EndedEvents
from stoker.events.mappings import Mappings
from stoker.events.settings import EventSettings
from stoker.events.to_functions import ToFunctions
from stoker.events.to_neighbours import ToNeighbours
from stoker.events.to_queues import ToQueues
from stoker.http.busy_poll import busy_poll
from stoker.http.server import HttpServer
from stoker.invoke.catalog import Catalog
from stoker.invoke.developing import Developing
from stoker.invoke.invoker import Invoker
from stoker.observe.logs import LogStore
from stoker.observe.metrics import Metrics
from stoker.observe.otlp.export import Export
from stoker.observe.recent import Recent
from stoker.observe.traces import Traces
from stoker.queues.broker import Broker
from stoker.reconcilers.activation import Activation
from stoker.reconcilers.autoscaling import Autoscaling
from stoker.reconcilers.exporting import Exporting
from stoker.reconcilers.metering import Metering
from stoker.reconcilers.packages import Packages
from stoker.reconcilers.provisioning import Provisioning
from stoker.reconcilers.removal import Removal
from stoker.reconcilers.tracing import Tracing
from stoker.sandbox.base import Backend, SandboxFailed
from stoker.stacks.book import Book
from stoker.stacks.custom import Answers
from stoker.stacks.nested import Nested
from stoker.stacks.preparing import Preparing
from stoker.stacks.stacks import Stacks
from stoker.stacks.transform import SamTransform
from stoker.stacks.work import Around
from stoker.store.event_queue import EventQueue
from stoker.store.message_store import MessageStore
from stoker.store.metric_store import MetricStore
from stoker.store.secret import kept_secret
from stoker.store.sqlite import SqliteStore
from stoker.store.stack_store import StackStore
from stoker.store.trace_store import TraceStore

log = logging.getLogger(__name__)

ANSWERING_S = 5.0  # after the last invocation has ended, for answers to reach their callers


class Server:
    """`start()`, then it answers; `stop()`, then nothing of it is left."""

    def __init__(
        self,
        config: Config,
        sockets: list[socket.socket],
        backend: Backend,
    ) -> None:
        """`sockets` listen already: environments were told the port. `backend` may have been
        launched already, while we were root; it is started and closed here."""
        self._config = config
        self._sockets = sockets
        self._backend = backend
        self._store = SqliteStore(database(config, "stoker"))
        self._open_observations(config)
        quotas = quotas_of(config)
        self._blobs = DirectoryBlobs(config.data_dir / "blobs", quotas.unzipped_bytes)
        self._code = CodeCache(config.data_dir / "code", self._blobs, self._unpacked)
        awake = busy_poll(config.busy_poll)
        secret = kept_secret(config.data_dir / "state" / "sessions.key", SECRET_BYTES)
        self._invoker = Invoker(
            backend=backend,
            logs=self._logs,
            code_path=self._code_path,
            wants_sdk=self._wants_sdk,
            traces=self._traces,
            metrics=self._metrics,
            recent=self._recent,
            endpoint_app=self._front_inside,
            snapshot_lost=self._changed,
            settings=invoke_settings(config, secret, awake),
        )
        self._exporting = self._made_exporting(config)
        self._metering, self._tracing = self._observers(config)
        self._neighbours = neighbours_of(config, self._serve_triggers)
        self._catalog = Catalog(reserve=self._invoker.reserve)
        self._developing = self._made_developing()
        self._queues = Broker(MessageStore(database(config, "queues")))
        self._deliveries = Deliveries()
        self._events = self._dispatcher()
        sampling = Sampling()
        self._mappings = self._pollers(sampling)
        self._activation = Activation(
            store=self._store,
            blobs=self._blobs,
            code=self._code,
            catalog=self._catalog,
            retire=self._invoker.retire,
            prepare=backend.prepare,
            snapshots=self._invoker.snapshots,
        )
        self._packages = Packages(store=self._store, blobs=self._blobs, code=self._code)
        self._removal = self._made_removal()
        self._provisioning, self._autoscaling = self._provisioners()
        self._inward = ask = Inward(lambda: self._front, f"127.0.0.1:{sockets[0].getsockname()[1]}")
        self._stacks = self._made_stacks(ask)
        self._control = self._made_control(
            api_settings(config, quotas, backend.name), sampling, secret
        )
        self._console = Console(self._control, ask)
        self._front = Front(self._control, pages=self._console.answer)
        self._dev_door = DevDoor(self._control)
        self._http = HttpServer(self._front, awake=awake)
        self._subscribers = LogDeliveries(self._control)
        self._alarms = AlarmWatch(self._control, ask)
        self._triggered = FromNeighbours(self._control, ask)
        self._triggers = HttpServer(self._triggered)
        self._hurry = asyncio.Event()
        self._started = AsyncExitStack()  # what has been started, and how to end it

    def _made_removal(self) -> Removal:
        return Removal(
            store=self._store,
            blobs=self._blobs,
            code=self._code,
            referred=self._catalog.trees,
            running=self._invoker.trees,
        )

    def _made_control(self, settings: Settings, sampling: Sampling, secret: bytes) -> Control:
        return Control(
            store=self._store,
            blobs=self._blobs,
            catalog=self._catalog,
            invoker=self._invoker,
            events=self._events,
            logs_store=self._logs,
            metric_store=self._metric_store,
            metrics=self._metrics,
            recent=self._recent,
            metering=self._metering.flush,
            queues=self._queues,
            settings=settings,
            changed=self._changed,
            traces=self._traces,
            trace_store=self._trace_store,
            tracing=self._tracing.flush,
            export=None if self._exporting is None else self._exporting.export,
            sampling=sampling,
            polled=self._polled(),
            mappings=self._mappings,
            neighbours=self._neighbours,
            inward=self._inward,
            stacks=self._stacks,
            developing=self._developing,
            examine=self._examined,
            limitations=lambda: self._backend.limitations,
            dev_socket=lambda: self._dev_door.address,
            secret=secret,
        )

    def _made_stacks(self, ask: Inward) -> Stacks:
        around = Around(
            ask=ask,
            invoke=lambda arn, account, event: stack_answers.invoke(
                self._control, arn, account, event
            ),
            settled=Settling(self._store).settled,
            answers=Answers(ask.endpoint("cloudformation")),
            nested=Nested(lambda: self._stacks),
        )
        book = Book(StackStore(database(self._config, "stacks")))
        return Stacks(book, around, Preparing(ask, SamTransform()))

    async def start(self) -> None:
        """Answer requests from the moment this returns. If it raises, nothing is left."""
        try:
            await self._start()
        except BaseException:
            await self._started.aclose()
            raise

    async def _start(self) -> None:
        ending = self._started.push_async_callback
        ending(self._backend.close)
        await self._backend.start()
        ending(self._store.close)
        await self._store.open()
        if self._exporting is not None:
            ending(self._exporting.export.close)
            self._exporting.export.start()
        ending(self._logs.close)
        await self._logs.start()
        ending(self._metric_store.close)
        await self._metric_store.open()
        if self._exporting is not None:
            ending(self._exporting.flush)
            exporting = self._exporting.run(self._metering.flush)
            ending(_cancelled, asyncio.create_task(exporting, name="exporting"))
        ending(self._metering.flush)
        metering = asyncio.create_task(self._metering.run(), name="metering")
        ending(_cancelled, metering)
        ending(self._trace_store.close)
        await self._trace_store.open()
        ending(self._tracing.flush)
        tracing = asyncio.create_task(self._tracing.run(), name="tracing")
        ending(_cancelled, tracing)
        ending(self._blobs.close)
        ending(self._code.close)
        ending(self._neighbours.close)
        await self._packages.recover()
        ending(self._packages.finish)
        known = await self._activation.recover()
        for function in known:
            self._recent.change(function.key, function)
        await self._catalog.follow(self._store, known)
        await self._events.settings.follow(self._store)
        activation = asyncio.create_task(self._activation.run(), name="activation")
        ending(_cancelled, activation)
        packages = asyncio.create_task(self._packages.run(), name="packages")
        ending(_cancelled, packages)
        removal = asyncio.create_task(self._removal.run(), name="removal")
        ending(_cancelled, removal)
        provisioning = asyncio.create_task(self._provisioning.run(), name="provisioning")
        ending(_cancelled, provisioning)
        autoscaling = asyncio.create_task(self._autoscaling.run(), name="autoscaling")
        ending(_cancelled, autoscaling)
        ending(self._control.gateways.close)
        await self._control.gateways.follow(self._store)
        ending(self._control.insights.close)
        ending(self._front.close)
        ending(self._queues.close)
        await self._queues.open()
        ending(self._events.close)
        await self._events.start()
        ending(self._subscribers.close)
        self._subscribers.wake()
        ending(self._alarms.close)
        await self._alarms.start()
        ending(self._mappings.close)
        await self._mappings.start(self._store)
        ending(self._end_triggers)
        ending(self._stacks.close)
        await self._stacks.start()
        ending(self._developing.close)
        ending(self._drain)
        ending(self._dev_door.close)
        self._dev_door.open()
        for listener in self._sockets:
            await self._http.serve(listener)
        self._neighbours.resume()
        log.info("server started", extra={"sandbox": self._backend.name})

    def hurry(self) -> None:
        """Whoever waits for running invocations while we stop: do not."""
        self._hurry.set()

    async def stop(self) -> None:
        """Take no more requests, let running invocations end (config.drain_s), end everything."""
        log.info("server stopping")
        await self._started.aclose()
        log.info("server stopped")

    async def _drain(self) -> None:
        drain_s = self._config.drain_s
        self._logs.tails.end()
        self._events.pause()
        self._mappings.pause()
        self._queues.pause()
        self._stacks.watching.pause()
        await self._console.close()
        http = asyncio.create_task(self._http.close(drain_s + ANSWERING_S))
        ending = asyncio.create_task(self._invoker.close(drain_s))
        hurry = asyncio.create_task(self._hurry.wait())
        await asyncio.wait({ending, hurry}, return_when=asyncio.FIRST_COMPLETED)
        if not ending.done():
            await self._invoker.close(0)
        await ending
        await asyncio.wait({http, hurry}, return_when=asyncio.FIRST_COMPLETED)
        if not http.done():
            await self._http.close(0)
        await http
        hurry.cancel()

    def _open_observations(self, config: Config) -> None:
        """What is seen of functions, and where it is kept."""
        self._traces, self._metrics = Traces(), Metrics()
        self._recent = Recent(config.recent_mb * MIB, config.recent_function_mb * MIB)
        self._store.watch(self._recent.change)
        self._trace_store = TraceStore(database(config, "traces"), config.traces_mb * MIB)
        self._metric_store = MetricStore(database(config, "metrics"))
        self._logs = LogStore(
            database(config, "logs"),
            subscribed=self._subscribed,
            measured=self._metrics.embedded,
        )

    def _observers(self, config: Config) -> tuple[Metering, Tracing]:
        out = self._exporting
        return (
            Metering(
                metrics=self._metrics,
                store=self._metric_store,
                invoker=self._invoker,
                days=config.metrics_days,
                logs=self._logs,
                most_bytes=config.metrics_mb * MIB,
                gauged=None if out is None else out.gauge,
            ),
            Tracing(
                traces=self._traces,
                store=self._trace_store,
                days=config.traces_days,
                exported=None if out is None else out.spans,
            ),
        )

    def _made_exporting(self, config: Config) -> Exporting | None:
        """None: nobody wants any."""
        to = read_destination(config.otlp_endpoint, config.otlp_headers, config.otlp_signals)
        if to is None:
            return None
        return Exporting(
            Export(to),
            metrics=self._metrics,
            logs=self._logs,
            invoker=self._invoker,
            interval_s=config.otlp_interval_s,
        )

    def _dispatcher(self) -> Dispatcher:
        deliveries = self._deliveries
        dispatcher = Dispatcher(
            queue=EventQueue(database(self._config, "events")),
            invoker=self._invoker,
            catalog=self._catalog,
            settings=EventSettings(),
            deliveries=deliveries,
            scale=self._config.time_scale,
            measure=self._metrics.measure,
            measure_mapping=self._metrics.measure_mapping,
            ended=EndedEvents(self._recent.most_bytes, self._recent.function_bytes),
        )
        self._store.watch(dispatcher.change)
        deliveries.through("lambda", ToFunctions(dispatcher, self._catalog).send)
        others = ToNeighbours(self._neighbours, self._catalog)
        deliveries.through("sns", others.to_sns)
        deliveries.through("events", others.to_events)
        deliveries.through("s3", others.to_s3)
        own = self._neighbours.is_embedded("sqs")
        deliveries.through("sqs", ToQueues(self._queues).send if own else others.to_sqs)
        return dispatcher

    def _made_developing(self) -> Developing:
        invoker = self._invoker
        return Developing(self._backend, self._catalog, invoker.retire, invoker.targets)

    def _pollers(self, sampling: Sampling) -> Mappings:
        return Mappings(
            broker=self._queues,
            invoker=self._invoker,
            catalog=self._catalog,
            dispatcher=self._events,
            neighbours=self._neighbours,
            deliveries=self._deliveries,
            polled=self._polled(),
            scale=self._config.time_scale,
            begin=sampling.begin,
        )

    def _polled(self) -> frozenset[str]:
        """The services of which event source mappings run."""
        streams = filter(self._neighbours.serves, stream_settings.SERVICES)
        queues = {"sqs"} if self._neighbours.is_embedded("sqs") else set()
        return frozenset(streams) | queues | {kafka_settings.SERVICE}

    async def _end_triggers(self) -> None:
        await self._triggers.close(ANSWERING_S)
        await self._triggered.close()

    async def _serve_triggers(self, listener: socket.socket) -> None:
        await self._triggers.serve(listener)

    def _subscribed(self) -> None:
        self._subscribers.wake()

    async def _examined(self) -> bytes:
        try:
            return await self._backend.examine()
        except SandboxFailed as error:
            raise ServiceException(str(error)) from error

    def _changed(self) -> None:
        self._activation.wake()
        self._packages.wake()
        self._removal.wake()

    def _unpacked(self) -> None:
        self._packages.wake()

    def _provisioners(self) -> tuple[Provisioning, Autoscaling]:
        config, store, invoker = self._config, self._store, self._invoker
        limits = limits_of(config)
        return (
            Provisioning(store=store, catalog=self._catalog, invoker=invoker),
            Autoscaling(store=store, invoker=invoker, limits=limits),
        )

    def _front_inside(self, target: Target) -> Front:
        """What answers at an environment's own endpoint: the same door, for that caller only."""
        return Front(self._control, inside=target)

    def _wants_sdk(self, target: Target) -> bool:
        code = target.developed.deployed if target.developed else target.code
        return self._code.wants_sdk(code, target.layers)

    def _code_path(self, name: str) -> Path:
        return self._developing.path(name) or self._code.path(name)


async def _cancelled(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
