"""One execution environment: a sandbox, and the shell around core/lifecycle.py.

    placement ── assign, retire ──►┌────────────────┐── freeze, start, kill ──► Sandbox
    runtime ──── Runtime API ─────►│  Environment   │◄───── exits ─────────────┘
    timers ───── deadlines ───────►│ (core machine) │── idle, held, dead ──► Owner
                                   └────────────────┘── lines, output ──► log

Everything that happens is told to the machine; it answers effects; they are carried out in
order. Only one thing takes time: before an END or INIT_REPORT line, what the processes printed is
read to its end, and if that is much, the effects behind it wait for a few turns of the loop.
"""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from signal import SIGKILL, SIGTERM
from typing import Any, get_args

from stoker.core import lifecycle_words as words
from stoker.core.delivery import invoke_event, shutdown_event
from stoker.core.doings import doings
from stoker.core.errors import ServiceException
from stoker.core.extension_states import ExtensionState
from stoker.core.faults import Fault
from stoker.core.invocation import Invocation, RequestId, Target
from stoker.core.invoke_limits import PHASES_KEPT
from stoker.core.lifecycle import Lifecycle
from stoker.core.lifecycle_words import RUNTIME, Origin, Party, Phase, Status
from stoker.environment.attachment import Attachment, attached
from stoker.environment.credentials_api import CredentialsApi
from stoker.environment.extensions_api import ExtensionsApi
from stoker.environment.freezing import Freezing
from stoker.environment.ground import EnvironmentSettings as EnvironmentSettings
from stoker.environment.ground import Ground as Ground
from stoker.environment.hand import Done as Done
from stoker.environment.hand import Hand
from stoker.environment.limits import DEADLINE, Limits
from stoker.environment.log import EnvironmentLog
from stoker.environment.owner import Owner
from stoker.environment.peak import Peak
from stoker.environment.processes import Processes
from stoker.environment.reports import Reports
from stoker.environment.response_stream import ResponseStream
from stoker.environment.restore import Restore
from stoker.environment.runtime_api import NEXT, RESTORE_NEXT, Posted, RuntimeApi
from stoker.environment.servers import Servers
from stoker.environment.telemetry import Telemetry
from stoker.environment.telemetry_api import TelemetryApi
from stoker.environment.timers import Timers
from stoker.environment.view import CREATE, EnvironmentView, History
from stoker.environment.xray import Xray
from stoker.http.base import Application, Exchange
from stoker.observe.base import Logs
from stoker.observe.traces import Traces

log = logging.getLogger(__name__)


class Environment:
    """Made by placement, for one target and one sandbox; lives until Owner.dead()."""

    def __init__(
        self,
        target: Target,
        ground: Ground,
        *,
        owner: Owner,
        logs: Logs,
        endpoint_app: Callable[[Target], Application] | None,
        traces: Traces,
        settings: EnvironmentSettings,
    ) -> None:
        self.id = ground.sandbox.id
        self.target = target
        draft = ground.draft
        self.created_ms, self.log_stream = draft.created_ms, draft.log_stream
        self._ground = ground
        self._sandbox = ground.sandbox
        self._owner = owner
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._life = Lifecycle(target.timeout_s, frozenset(draft.extensions), ground.origin)
        sink = logs.open(target.account, target.region, target.log.group, self.log_stream)
        self._telemetry = Telemetry(target.log.format, ground.sandbox.connector)
        self._log = EnvironmentLog(sink, target, self._telemetry)
        self._extensions = ExtensionsApi(self, self._life, target)
        self._subscriptions = TelemetryApi(
            self._telemetry, self._log, self._extensions.caller, ground.sandbox
        )
        self._api = self._make_api()
        app = endpoint_app(target) if endpoint_app is not None else None
        self._servers = Servers(ground.sandbox, self._api, app, settings.awake)
        self._xray = Xray(ground.sandbox.xray, target, traces)
        self._processes = Processes(
            target,
            ground.sandbox,
            (ground.code, ground.opt),
            draft,
            emit=self._log.output,
            over=self._over,
            from_zygote=settings.from_zygote,
            initialization=ground.initialization,
        )
        peak = Peak(ground.sandbox.peak_bytes)
        self._reports = Reports(self._log, self._telemetry, peak, self.log_stream, target, ground)
        self._todo: deque[words.Effect] = deque()
        self._carrying = self._resuming = False
        self._offered = False  # the owner knows us as idle
        self._hand: Hand | None = None
        self._posted: Posted | None = None  # the body that came with the event being told
        self._now = time.monotonic()  # of the event being told
        self.init_failure: words.InitEnded | None = None
        self._goodbye_ms = 0  # when everyone must have left, epoch
        self._timers = Timers()
        hand = lambda: self._hand  # noqa: E731
        self._limits = Limits(target, self._life, self._timers, hand, self._break_off)
        self._history = History(self._life, PHASES_KEPT, self._now, self.created_ms)
        self.restore = Restore(
            target, ground, self._api, self._reports, self._xray, self._timers,
            self._history, self._break_off,
        )  # fmt: skip
        self._history.enter(CREATE, self._now - sum(ms for _, ms in ground.steps.taken) / 1000)
        if ground.origin is not Origin.RESTORED:  # that one begins with its restore
            began = ground.sandbox.began  # the runtime may have been set off already
            self._history.enter(self._life.phase, self._now if began is None else began)
        self._freezing = Freezing(
            ground.sandbox, self._telemetry, self._timers, self._history,
            settings.freeze_after_s, self._rests,
        )  # fmt: skip
        ground.sandbox.on_lost = self.lose

    def _make_api(self) -> RuntimeApi:
        known = None
        if self.target.snap_start:
            issuer = self._settings.sessions
            known = CredentialsApi(self._ground.draft.token, issuer, self.target)
        if self._ground.draft.no_extensions:
            return RuntimeApi(self, self._life, credentials=known)
        return RuntimeApi(self, self._life, self._extensions, self._subscriptions, known)

    # --- for its owner ------------------------------------------------------------------------

    async def begin(self) -> None:
        """Serve what is inside, and start it. idle() or dead() follows."""
        await self._servers.start()
        self._xray.start()
        self._tell(words.Born())

    def assign(self, invocation: Invocation, done: Done) -> None:
        """Run it; only between idle() and held(). `done` is called exactly once."""
        began = time.monotonic()
        timeout_s = self.target.timeout_s
        deadline_ms = time.time_ns() // 1_000_000 + timeout_s * 1000
        self._hand = Hand(invocation, done, began, began + timeout_s, deadline_ms)
        self._offered = False
        self._log.watch_tail(invocation.tail)
        if DEADLINE not in self._timers:
            self._limits.assigned(timeout_s)
        self._tell(words.Assigned(invocation.request_id))

    def retire(self) -> None:
        """End it; only while no invocation is in hand. dead() follows."""
        self._offered = False
        self._tell(words.Retired())

    def lose(self, reason: str) -> None:
        """End it at once, whatever it does: a caller gets a ServiceException. dead() follows."""
        self._break_off(words.Lost(reason))

    async def attach(self, port: int) -> Attachment:
        """A debugger, at what listens on this port inside. Until the attachment's end no time runs
        out, and nothing is frozen. Raise SandboxFailed."""
        self._limits.stop()
        self._freezing.thaw()
        return await attached(self._sandbox, port, self._is_dead, self._detached)

    def _is_dead(self) -> bool:
        return self._life.phase is Phase.DEAD

    def _detached(self) -> None:
        self._limits.go_on()
        if self._offered:
            self._freezing.idle(time.monotonic())

    async def destroy(self) -> None:
        """After dead(): free everything. Never raises."""
        await self.stand_still()
        await self._sandbox.destroy()
        self._processes.close()
        self._log.close()

    async def stand_still(self) -> None:
        """Nobody is served any more: it is a snapshot now, or it is over."""
        await self._servers.close()
        self._xray.close()
        await self._subscriptions.close()

    @property
    def waits_at(self) -> str:
        """What its runtime has asked for, of a snapshot that is ready to be taken."""
        return RESTORE_NEXT if self._life.asked_restore else NEXT

    @property
    def blank(self) -> bool:
        """Nothing runs in it: who is assigned to it waits for an init."""
        return self._life.phase is Phase.BLANK

    def view(self, since_ms: float = 0.0) -> EnvironmentView:
        """What it is and does, and did since then, for those who look inside; its processes only
        for who wants to know all."""
        return EnvironmentView(
            id=self.id,
            target=self.target,
            phase="Settle" if self._todo else str(self._life.phase),
            frozen=self._freezing.frozen,
            request_id=self._life.request_id,
            waiting_for=tuple(sorted(self._life.busy)),
            doings=tuple(doings(self._life).items()),
            log_stream=self.log_stream,
            steps=tuple(self._ground.steps.taken),
            history=self._history.spans(time.monotonic(), since_ms),
            pids=() if since_ms or self._life.phase is Phase.DEAD else tuple(self._sandbox.pids()),
            initialization=self._ground.initialization,
            peak_bytes=0 if since_ms else self._sandbox.usage().peak_bytes,
            held_bytes=0 if since_ms else self._sandbox.held_bytes(),
        )

    # --- for its Runtime API (runtime_api.Inside) ---------------------------------------------

    def asked_next(self) -> None:
        if self._life.extensions:
            self._history.asked_next(RUNTIME, time.monotonic())
        self._tell(_RUNTIME_ASKED_NEXT)

    def function_loaded(self, took_s: float) -> None:
        self._history.loaded(took_s, time.monotonic())

    def response_began(self, request_id: str, exchange: Exchange) -> int | None:
        hand = self._hand
        if hand is None or hand.invocation.recipient is None:
            return None
        self._tell(words.ResponseBegan(RequestId(request_id)))
        limits = self._settings.stream
        hand.answering = self._now
        hand.stream = ResponseStream(exchange, hand.invocation.recipient, limits)
        return limits.most_bytes

    def answered(self, request_id: str, posted: Posted | None, fault: Fault | None) -> None:
        self._posted = posted
        self._tell(words.Answered(RequestId(request_id), fault))

    def init_error(self, posted: Posted, error_type: str) -> None:
        self._posted = posted
        self._break_off(words.InitErrorPosted(error_type))

    def asked_restore(self) -> None:
        self._tell(words.AskedRestore())

    def restore_error(self, posted: Posted, error_type: str) -> None:
        self._posted = posted
        self._break_off(words.RestoreErrorPosted(error_type))

    # --- for its Extensions API (extensions_api.Inside) ---------------------------------------

    def registered(self, extension: words.Extension) -> None:
        self._tell(words.Registered(extension))

    def extension_asked_next(self, party: Party) -> None:
        self._history.asked_next(party, time.monotonic())
        self._tell(words.AskedNext(party))

    def extension_failed(self, party: Party, state: ExtensionState, kind: str) -> None:
        self._break_off(words.ExtensionFailed(party, state, kind))

    # --- events and effects -------------------------------------------------------------------

    def _tell(self, event: words.Event) -> None:
        self._now = now = time.monotonic()
        life = self._life
        before = life.phase
        self._todo += life.handle(event)
        if life.phase is not before:
            self._history.enter(life.phase, now)
        if not self._carrying:
            self._carry_out()

    def _break_off(self, event: words.Event) -> None:
        self._history.breaks_off(time.monotonic())
        self._tell(event)

    def _carry_out(self) -> None:
        self._carrying = True
        todo = self._todo
        try:
            while todo:
                if type(todo[0]) in _AFTER_OUTPUT and not self._processes.settled():
                    if not self._resuming:
                        self._resuming = True
                        self._loop.call_soon(self._resume)
                    break
                effect = todo.popleft()
                _ACTS[type(effect)](self, effect)
            if not todo:
                self._posted = None
        except BaseException:
            # We no longer know what is true of this environment: it must not go on.
            todo.clear()
            self._loop.call_soon(self.lose, "internal error")
            raise
        finally:
            self._carrying = False

    def _resume(self) -> None:
        self._resuming = False
        if not self._carrying:
            self._carry_out()

    # --- an init ------------------------------------------------------------------------------

    def _init_begins(self, effect: words.InitBegan) -> None:
        began = self._sandbox.began if effect.phase == "init" else None
        self._reports.init_began(effect.phase, self._now if began is None else began)
        self._extensions.forget()
        self._sandbox.throttle_cpu(False)
        if effect.phase == "init":
            limit_s = self._settings.init_limit(self._ground.initialization, self.target.timeout_s)
            self._limits.init_begins(limit_s)

    def _start(self, effect: words.Start) -> None:
        self._history.starts(effect.party, time.monotonic())
        self._processes.start(effect.party)

    def _init_ended(self, effect: words.InitEnded) -> None:
        init_ms = self._reports.init_ended(effect, self._now)
        if effect.phase == "init":
            self._limits.init_ended()
            self._ground.steps.add("init", init_ms)
        if effect.status is Status.SUCCESS:
            self._sandbox.throttle_cpu(True)
            self._xray.init_ended(init_ms, self._now)
        else:
            self.init_failure = effect

    # --- an invocation ------------------------------------------------------------------------

    def _deliver(self, effect: words.Deliver) -> None:
        hand = self._hand
        if hand is None:
            return
        if not self._life.answered:
            self._deliver_to_runtime(hand)  # first: the caller waits for it
        self._freezing.thaw()  # now: who is frozen in its recv wakes up once, and finds the event
        if len(effect.to) > 1:
            self._extensions.offer(effect.to, invoke_event(hand.invocation, hand.deadline_ms))

    def _deliver_to_runtime(self, hand: Hand) -> None:
        exchange = self._api.release()
        if exchange is None:
            return  # its connection broke: it will ask again, and get the event then
        exchange.respond_raw(hand.deliver(self._now))

    def _invoke_began(self, _: words.InvokeBegan) -> None:
        assert self._hand is not None
        self._reports.invoke_began(self._hand)

    def _runtime_done(self, effect: words.RuntimeDone) -> None:
        hand = None if effect.request_id is None else self._hand
        self._reports.runtime_done(hand, self._now)

    def _finish(self, effect: words.Finish) -> None:
        hand = self._hand
        assert hand is not None
        if effect.fault is None or effect.fault.posted:
            assert self._posted is not None
            result = hand.answer(self._posted, self._now)
        else:
            result = hand.fail(effect.fault)
        if effect.streamed:
            hand.end_stream(result)
        if hand.invocation.tail:
            hand.result = result  # its tail ends with the REPORT line
        else:
            hand.done(result)
            self._owner.answered(self)

    def _abandon(self, effect: words.Abandon) -> None:
        assert self._hand is not None
        if self._hand.stream is not None:
            self._hand.stream.close()
        self._hand.done(ServiceException(f"The execution environment was lost: {effect.reason}"))

    def _invoke_ended(self, effect: words.InvokeEnded) -> None:
        hand, self._hand = self._hand, None
        assert hand is not None
        self._reports.invoke_ended(hand, effect.status, effect.fault, self._now)
        if self.target.tracing == "Active":
            self._xray.invoke_ended(hand, self._now, failed=effect.fault is not None)
        if hand.result is not None:
            hand.done(replace(hand.result, log_tail=self._log.take_tail()))

    # --- between invocations ------------------------------------------------------------------

    def _become_idle(self, _: words.BecomeIdle) -> None:
        # Told late: it may have died or been assigned again since.
        if self._offered or self._life.phase not in _ASSIGNABLE:
            return
        if "kill" in self._timers:
            self._timers.cancel("kill")
            self._timers.cancel("term")
        self._offered = True
        self._owner.idle(self)
        if self._offered and self._ground.origin is not Origin.SNAPSHOT:  # else it is stopped
            self._freezing.idle(self._now)

    def _rests(self) -> bool:
        return self._offered and self._life.phase is Phase.IDLE and not self._limits.stopped

    def _withdraw(self, _: words.Withdraw) -> None:
        self._offered = False
        self._owner.held(self)

    # --- ends ---------------------------------------------------------------------------------

    def _over(self, party: Party, fault: Fault) -> None:
        """A process has ended."""
        if party in self._life.alive:
            self._history.exited(party, time.monotonic())
            self._tell(words.Exited(party, fault))

    def _kill_all(self, _: words.KillAll) -> None:
        self._freezing.thaw()
        self._telemetry.reset()
        self._sandbox.kill_all()
        if self._life.phase in (Phase.RESET, Phase.SHUTDOWN):
            self._timers.start("kill", self._settings.kill_limit_s, self._kill_limit)

    def _kill_limit(self) -> None:
        if self._life.phase in (Phase.RESET, Phase.SHUTDOWN):
            self._tell(words.BudgetSpent())

    def _dismiss(self, effect: words.Dismiss) -> None:
        self._freezing.thaw()
        self._telemetry.hurry()
        self._goodbye_ms = time.time_ns() // 1_000_000 + effect.budget_ms
        self._timers.start("kill", effect.budget_ms / 1000, self._kill_limit)

    def _terminate(self, effect: words.Terminate) -> None:
        self._freezing.settled(lambda: self._sandbox.signal(RUNTIME, SIGTERM))
        self._timers.start("term", effect.grace_ms / 1000, self._term_limit)

    def _term_limit(self) -> None:
        if self._life.phase in (Phase.RESET, Phase.SHUTDOWN):
            self._sandbox.signal(RUNTIME, SIGKILL)

    def _goodbye(self, effect: words.Goodbye) -> None:
        self._extensions.offer(effect.to, shutdown_event(effect.reason, self._goodbye_ms))
        for party in effect.to | effect.kill:
            self._history.starts(party, self._now)
        for party in effect.kill:
            self._sandbox.signal(party, SIGKILL)

    def _kill(self, effect: words.Kill) -> None:
        self._offered = False
        self._timers.cancel_all()
        self._owner.dead(self, effect.reason)


# Before these, all output must be in the log.
_AFTER_OUTPUT = frozenset(
    {words.RuntimeDone, words.InvokeEnded, words.InitEnded, words.RestoreEnded}
)
_ACTS: dict[type[words.Effect], Callable[[Environment, Any], None]] = {
    words.Deliver: Environment._deliver,
    words.InvokeBegan: Environment._invoke_began,
    words.RuntimeDone: Environment._runtime_done,
    words.Finish: Environment._finish,
    words.InvokeEnded: Environment._invoke_ended,
    words.BecomeIdle: Environment._become_idle,
    words.Withdraw: Environment._withdraw,
    words.InitBegan: Environment._init_begins,
    words.InitEnded: Environment._init_ended,
    words.Start: Environment._start,
    words.RestoreBegan: lambda self, _: self.restore.began(self._now),
    words.Restore: lambda self, _: self.restore.answer(),
    words.RestoreEnded: lambda self, ended: self.restore.ended(ended, self._posted, self._now),
    words.Abandon: Environment._abandon,
    words.KillAll: Environment._kill_all,
    words.Dismiss: Environment._dismiss,
    words.Terminate: Environment._terminate,
    words.Goodbye: Environment._goodbye,
    words.Kill: Environment._kill,
}
assert _ACTS.keys() == set(get_args(words.Effect)), "every effect is carried out"
_RUNTIME_ASKED_NEXT = words.AskedNext(RUNTIME)
_ASSIGNABLE = frozenset({Phase.IDLE, Phase.BLANK})
