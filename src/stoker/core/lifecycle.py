"""The life of one execution environment, as a pure machine.

Tell it what happened (an Event); it answers what to do about it (Effects, in order).
It never waits, reads no clock and holds no socket: environment/environment.py carries out the
effects and reports back with more events.

One idea carries the whole machine. The runtime and every extension are *parties*; a party is
*busy* until it asks for the next event. Init and Invoke end for the same reason: nobody is busy.
And everything that goes wrong has the same end: everyone is killed, and what is left (the file
system, /tmp, the log stream) starts over inside the next invocation, as on AWS. Where extensions
have registered, everyone is first asked to leave: the runtime, and when it is gone, they.

    Init ──nobody busy──► Idle ──Assigned──► Invoke ──nobody busy──► Idle
     └──────death, error, limit──► Reset ◄──death, timeout──┘ ▲
                                     │ everyone gone          └──nobody busy──┐
                                     └──► Blank ──Assigned──► Reinit ─────────┘ (to Invoke)
    Idle, Blank, Init ──Retired──► Shutdown ──everyone gone──► Dead
    any ──Lost──► Dead

With SnapStart nothing starts over, because that would be an init where a restore is due: what
goes wrong ends the environment.

    Init ──nobody busy──► Idle: the snapshot is taken       Restore ──nobody busy──► Idle ──► ...
"""

from dataclasses import dataclass, field
from typing import Final, assert_never

from stoker.core import faults
from stoker.core.extension_states import (
    ExtensionCall,
    ExtensionState,
    Standing,
    refusal,
    registration_refusal,
)
from stoker.core.faults import Fault
from stoker.core.invocation import RequestId
from stoker.core.invoke_limits import (
    SHUTDOWN_EXTERNAL_MS,
    SHUTDOWN_INTERNAL_MS,
    TERM_INTERNAL_MS,
    TERM_MS,
)
from stoker.core.lifecycle_words import (
    RUNTIME,
    Abandon,
    Answered,
    AskedNext,
    AskedRestore,
    Assigned,
    BecomeIdle,
    Born,
    BudgetSpent,
    DeadlinePassed,
    Deliver,
    Dismiss,
    Effect,
    Event,
    Exited,
    Extension,
    ExtensionFailed,
    ExtensionSeen,
    Finish,
    Goodbye,
    InitBegan,
    InitEnded,
    InitErrorPosted,
    InitLimitPassed,
    InvokeBegan,
    InvokeEnded,
    Kill,
    KillAll,
    Lost,
    Origin,
    Party,
    Phase,
    Registered,
    ResponseBegan,
    Restore,
    RestoreBegan,
    RestoreEnded,
    RestoreErrorPosted,
    RestoreLimitPassed,
    Retired,
    RuntimeDone,
    Start,
    Status,
    Terminate,
    Withdraw,
)
from stoker.core.runtime_states import RuntimeState


class NotAllowed(Exception):
    """This event is not legal now; nothing was changed."""


# For the warm path: Python 3.11 is slow to find an enum's member.
_IDLE: Final = Phase.IDLE
_INVOKE: Final = Phase.INVOKE
_DEAD: Final = Phase.DEAD
_BECOME_IDLE: Final = BecomeIdle()
_STARTING: Final = frozenset({Phase.INIT, Phase.REINIT})
_ENDING: Final = frozenset({Phase.RESET, Phase.BLANK, Phase.SHUTDOWN})
_FAILING: Final = {
    InitErrorPosted: {RuntimeState.STARTED, RuntimeState.RESTORING},
    RestoreErrorPosted: {RuntimeState.RESTORING},
}
_RUNNING: Final = RuntimeState.RUNNING
_RESPONDING: Final = RuntimeState.RESPONDING
_RESPONSE_SENT: Final = RuntimeState.RESPONSE_SENT


@dataclass(slots=True)
class Lifecycle:
    timeout_s: float = 3.0
    externals: frozenset[Party] = frozenset()  # files of /opt/extensions
    origin: Origin = Origin.ON_DEMAND
    phase: Phase = Phase.INIT
    extensions: dict[Party, Extension] = field(default_factory=dict)  # registered ones
    alive: set[Party] = field(default_factory=set)  # processes started and not seen to exit
    busy: set[Party] = field(default_factory=lambda: {RUNTIME})
    request_id: RequestId | None = None  # the invocation in hand
    streaming: bool = False  # its answer has begun
    answered: bool = False
    asked_restore: bool = False  # the runtime has
    killed: bool = False  # the last word of a Reset or Shutdown is spoken
    farewell: str = ""  # extensions are still to hear why they must go
    failed: dict[Party, tuple[ExtensionState, str]] = field(default_factory=dict)  # and why

    @property
    def runtime_state(self) -> RuntimeState:
        """What the Runtime API's table of legal calls goes by."""
        if self.phase is _INVOKE and RUNTIME in self.busy:
            if self.answered:
                return _RESPONSE_SENT
            return _RESPONDING if self.streaming else _RUNNING
        match self.phase:
            case Phase.IDLE if self.asked_restore and self.origin is Origin.SNAPSHOT:
                return RuntimeState.RESTORE_READY
            case Phase.IDLE | Phase.INVOKE:
                return RuntimeState.READY
            case Phase.RESTORE:
                return RuntimeState.RESTORING if self.asked_restore else RuntimeState.STARTED
            case Phase.INIT | Phase.REINIT:
                if RUNTIME not in self.busy:
                    return RuntimeState.READY
                return RuntimeState.STARTED if RUNTIME in self.alive else RuntimeState.INIT_ERROR
            case _:  # being killed: the last words of dying processes are refused
                return RuntimeState.INIT_ERROR

    def handed(self, request_id: str) -> bool:
        """Is this the id of the invocation that the runtime was handed?"""
        return self.phase is _INVOKE and request_id == self.request_id

    @property
    def ending(self) -> bool:
        """Nobody is given work any more, until everything starts over."""
        return self.phase in _ENDING or self.phase is _DEAD

    def extension_state(self, party: Party) -> ExtensionState | None:
        """What the Extensions API's table of legal calls goes by; None if there is none such."""
        if party in self.failed:
            return self.failed[party][0]
        if party not in self.extensions:
            started = party in self.externals and party in self.alive
            return ExtensionState.STARTED if started else None
        if self.phase in _STARTING and party in self.busy:
            return ExtensionState.REGISTERED
        return ExtensionState.RUNNING if party in self.busy or self.ending else ExtensionState.READY

    def standing(self, party: Party) -> Standing:
        """What decides whether this one may register now."""
        return Standing(
            open=self.phase in _STARTING and bool(self.alive) and RUNTIME in self.busy,
            external=party in self.externals,
            state=self.extension_state(party),
            count=len(self.externals | self.extensions.keys()),
        )

    def handle(self, event: Event) -> list[Effect]:
        if self.phase is _DEAD:
            return []
        match event:
            # The three events of every warm invocation first.
            case Assigned(request_id):
                return self._assigned(event, request_id)
            case Answered(request_id, fault):
                self._require(self.handed(request_id) and not self.answered, event)
                self._require(RUNTIME in self.busy, event)
                self.answered = True
                return [Finish(request_id, fault, self.streaming)]
            case AskedNext(party):
                return self._asked_next(event, party)
            case ResponseBegan(request_id):
                self._require(self.handed(request_id) and self.runtime_state is _RUNNING, event)
                self.streaming = True
                return []
            case Born():
                self._require(self.phase is Phase.INIT and not self.alive, event)
                return self._restore() if self.origin is Origin.RESTORED else self._init("init")
            case Registered(extension):
                return self._registered(event, extension)
            case InitErrorPosted(kind) | RestoreErrorPosted(kind):
                self._require(self.runtime_state in _FAILING[type(event)], event)
                return self._fail(Status.ERROR, Fault(kind, "", posted=True))
            case ExtensionFailed(party, state, kind):
                return self._extension_failed(event, party, state, kind)
            case Exited(party, fault):
                return self._exited(party, fault)
            case DeadlinePassed(request_id):
                # Timers outlive what they time: only the invocation in hand can expire.
                self._require(request_id == self.request_id, event)
                return self._fail(Status.TIMEOUT, faults.timed_out(self.timeout_s))
            case InitLimitPassed():
                self._require(self.phase is Phase.INIT and bool(self.alive), event)
                return self._fail(Status.TIMEOUT, None)
            case AskedRestore():
                return self._asked_restore(event)
            case RestoreLimitPassed():
                self._require(self.phase is Phase.RESTORE, event)
                return self._fail(Status.TIMEOUT, faults.RESTORE_TIMED_OUT)
            case BudgetSpent():
                return self._budget_spent(event)
            case Retired():
                self._require(self.request_id is None, event)
                return self._retired()
            case Lost(reason):
                return self._lost(reason)
            case _:
                assert_never(event)

    def _assigned(self, event: Event, request_id: RequestId) -> list[Effect]:
        self._require(self.phase is _IDLE or self.phase is Phase.BLANK, event)
        self.request_id, self.answered, self.streaming = request_id, False, False
        if self.phase is _IDLE:
            return self._deliver(request_id)
        self.phase = Phase.REINIT
        return self._init("invoke")

    def _init(self, phase: str) -> list[Effect]:
        self.killed, self.farewell = False, ""
        self.extensions.clear()
        self.failed.clear()
        self.alive = set(self.externals or {RUNTIME})
        self.busy = {RUNTIME, *self.externals}
        return [InitBegan(phase), *(Start(party) for party in sorted(self.alive))]

    def _restore(self) -> list[Effect]:
        self.phase = Phase.RESTORE
        self.alive, self.busy = {RUNTIME}, {RUNTIME}
        return [RestoreBegan(), Start(RUNTIME)]

    def _asked_restore(self, event: Event) -> list[Effect]:
        """A runtime that has no hooks may ask for its next event at once, in either case."""
        self._require(self.origin is not Origin.ON_DEMAND, event)
        self._require(self.runtime_state is RuntimeState.STARTED, event)
        self.asked_restore = True
        return [Restore()] if self.phase is Phase.RESTORE else self._asked_next(event, RUNTIME)

    def _deliver(self, request_id: RequestId) -> list[Effect]:
        self.phase = _INVOKE
        self.busy = {RUNTIME}
        if self.extensions:
            self.busy.update(e.name for e in self.extensions.values() if e.invoke)
        return [Deliver(request_id, to=frozenset(self.busy)), InvokeBegan(request_id)]

    def _registered(self, event: Event, extension: Extension) -> list[Effect]:
        """Extensions come first: the runtime starts when every launched one has registered."""
        name = extension.name
        standing = self.standing(name)
        self._require(extension.external == standing.external, event)
        self._require(registration_refusal(standing, name) is None, event)
        self.extensions[name] = extension
        self.busy.add(name)
        if RUNTIME not in self.alive and self.externals <= self.extensions.keys():
            self.alive.add(RUNTIME)
            return [Start(RUNTIME)]
        return []

    def _asked_next(self, event: Event, party: Party) -> list[Effect]:
        if party == RUNTIME:
            if self.phase is _INVOKE and RUNTIME in self.busy and not self.answered:
                # Asked again before answering: its connection broke. Give it the same work.
                self._require(not self.streaming, event)
                assert self.request_id is not None
                return [Deliver(self.request_id, to=frozenset({RUNTIME}))]
            self._require(RUNTIME in self.alive and not self.ending, event)
            self._require(self.runtime_state is not RuntimeState.RESTORE_READY, event)
        else:
            self._require(party in self.extensions and not self.ending, event)
        if party not in self.busy:
            return []  # it waits already; one more connection that waits is harmless
        self.busy.discard(party)
        if not self.busy:
            return self._nobody_busy()
        if party != RUNTIME:
            return []
        return [RuntimeDone(None if self.phase in _STARTING else self.request_id)]

    def _nobody_busy(self) -> list[Effect]:
        if self.phase is _INVOKE and self.request_id is not None:
            request_id = self.request_id
            self.phase, self.request_id = _IDLE, None
            return [InvokeEnded(request_id), _BECOME_IDLE]
        seen = self._seen()
        match self.phase, self.request_id:
            case Phase.INIT, None:
                self.phase = Phase.IDLE
                return [InitEnded("init", extensions=seen), BecomeIdle()]
            case Phase.RESTORE, None:
                self.phase = Phase.IDLE
                return [RestoreEnded(), BecomeIdle()]
            case Phase.REINIT, str(again):
                return [InitEnded("invoke", extensions=seen), *self._deliver(RequestId(again))]
            case phase, _:
                raise AssertionError(f"somebody was busy while {phase}")

    def _exited(self, party: Party, fault: Fault) -> list[Effect]:
        assert party in self.alive, f"{party} was never started"
        self.alive.discard(party)
        if party != RUNTIME and party not in self.failed:
            self.failed[party] = _end_of_extension(fault)
        if self.ending:
            return [*self._say_goodbye(), *self._everyone_gone()]
        return self._fail(Status.ERROR, fault)

    def _extension_failed(
        self, event: Event, party: Party, state: ExtensionState, kind: str
    ) -> list[Effect]:
        self._require(party in self.extensions, event)
        standing = self.extension_state(party)
        assert standing is not None
        self._require(refusal(standing, ExtensionCall(state.value), party) is None, event)
        self.failed[party] = state, kind
        if self.ending:
            return []
        return self._fail(Status.ERROR, Fault(f"Extension.{state}", kind))

    def _fail(self, status: Status, fault: Fault | None) -> list[Effect]:
        """An init or an invocation cannot go on: end it, and reset the environment."""
        phase, request_id, seen = self.phase, self.request_id, self._seen()
        first: list[Effect] = []
        last: list[Effect] = []
        if request_id is not None and not self.answered:
            first = [Finish(request_id, fault, self.streaming)]
        if phase is Phase.RESTORE:
            last = [RestoreEnded(status, fault)]
        if phase in _STARTING:
            last = [InitEnded("init" if phase is Phase.INIT else "invoke", status, fault, seen)]
        if phase is Phase.REINIT and request_id is not None:
            last.append(InvokeBegan(request_id))
        if request_id is not None:
            last.append(InvokeEnded(request_id, status, fault))
        if phase is Phase.IDLE:
            first = [Withdraw()]
        self.phase, self.request_id, self.answered = Phase.RESET, None, False
        self.busy.clear()
        # The caller first, then nobody goes on, then the lines about it all.
        if self.origin is not Origin.ON_DEMAND:
            return [*first, KillAll(), *last, *self._die(fault.type if fault else str(status))]
        goodbye = self._goodbye("timeout" if status is Status.TIMEOUT else "failure")
        return [*first, *goodbye, *last, *self._everyone_gone()]

    def _goodbye(self, reason: str) -> list[Effect]:
        external = any(extension.external for extension in self.extensions.values())
        internal = not all(extension.external for extension in self.extensions.values())
        self.killed = not (self.extensions and self.alive)
        if self.killed:
            return [KillAll()]
        effects: list[Effect] = [
            Dismiss(SHUTDOWN_EXTERNAL_MS if external else SHUTDOWN_INTERNAL_MS)
        ]
        if RUNTIME in self.alive:
            effects.append(Terminate(TERM_INTERNAL_MS if internal else TERM_MS))
        self.farewell = reason
        return [*effects, *self._say_goodbye()]

    def _say_goodbye(self) -> list[Effect]:
        reason = self.farewell
        if not reason or self.killed or not self.alive or RUNTIME in self.alive:
            return []
        self.farewell = ""
        wanted = {party for party, extension in self.extensions.items() if extension.shutdown}
        return [Goodbye(reason, frozenset(self.alive & wanted), frozenset(self.alive - wanted))]

    def _everyone_gone(self) -> list[Effect]:
        if self.alive:
            return []
        if self.phase is Phase.SHUTDOWN:
            return self._die("retired")
        self.phase = Phase.BLANK
        # Who left by itself may have left children behind.
        return [BecomeIdle()] if self.killed else [KillAll(), BecomeIdle()]

    def _budget_spent(self, event: Event) -> list[Effect]:
        self._require(self.phase in _ENDING, event)
        if self.killed:
            return self._die("processes outlived SIGKILL")
        self.killed = True
        return [KillAll()]

    def _retired(self) -> list[Effect]:
        if self.phase is Phase.IDLE and self.extensions and self.alive:
            self.phase = Phase.SHUTDOWN
            return [Withdraw(), *self._goodbye("spindown")]
        if self.phase is Phase.SHUTDOWN:
            return []
        return self._die("retired")

    def _lost(self, reason: str) -> list[Effect]:
        effects: list[Effect] = []
        if self.request_id is not None:
            if not self.answered:
                effects.append(Abandon(self.request_id, reason))
            if self.phase is Phase.REINIT:
                effects.append(InvokeBegan(self.request_id))
            fault = Fault("Sandbox.Failure", reason)
            effects.append(InvokeEnded(self.request_id, Status.ERROR, fault))
        return [*effects, *self._die(reason)]

    def _die(self, reason: str) -> list[Effect]:
        self.phase, self.request_id, self.answered = Phase.DEAD, None, False
        self.busy.clear()
        self.alive.clear()
        return [Kill(reason)]

    def _seen(self) -> tuple[ExtensionSeen, ...]:
        """Every extension that was started or has registered, by name."""
        seen = []
        for party in sorted(self.externals | self.extensions.keys()):
            state = self.extension_state(party)
            assert state is not None, f"{party} was never started"
            error_type = self.failed[party][1] if party in self.failed else ""
            seen.append(ExtensionSeen(party, state, self.extensions.get(party), error_type))
        return tuple(seen)

    def _require(self, legal: bool, event: Event) -> None:
        if not legal:
            raise NotAllowed(f"cannot handle {event} while {self.phase}")


def _end_of_extension(fault: Fault) -> tuple[ExtensionState, str]:
    if fault.type == "Extension.LaunchError":
        return ExtensionState.LAUNCH_ERROR, faults.launch_error_type(fault)
    return ExtensionState.EXITED, fault.type
