"""Every reachable state of the lifecycle machine by every event, with the laws it must hold.

`walk(machine)` takes the module, so that the same laws can be held against broken copies of it.
"""

import copy
from collections import Counter
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from stoker.core import faults
from stoker.core.extension_states import ExtensionCall, ExtensionState
from stoker.core.extension_states import refusal as extension_refusal
from stoker.core.runtime_states import Call, RuntimeState, refusal

RUNTIME, OTEL, MUTE, INNER = "runtime", "otel", "mute", "inner"
R1, R2 = "r1", "r2"
FAULT = faults.Fault("Runtime.ExitError", "gone")


@dataclass
class Observer:
    """What somebody outside can know: kept apart from the machine, and compared with it."""

    running: frozenset[str] = frozenset()  # processes
    available: bool = False  # may be assigned
    in_hand: str | None = None  # assigned, InvokeEnded not seen
    owed: bool = False  # its caller has no result yet
    streaming: bool = False  # its caller has part of the answer
    began: bool = False  # InvokeBegan seen
    init: str | None = None  # InitBegan seen, InitEnded not
    fresh: bool = True  # nothing has run since the last reset
    door: bool = False  # extensions may register: until the runtime asks for its first event
    names: frozenset[str] = frozenset()  # who has registered since the last init began
    failed: frozenset[str] = frozenset()  # and said that it cannot go on
    asked: bool = False  # everyone was asked to leave, and has time for it
    told: bool = False  # extensions have heard why
    killed: bool = False  # nobody has time any more
    dead: bool = False

    def key(self) -> tuple[object, ...]:
        return tuple(vars(self).values())


@dataclass
class Seen:
    states: set[tuple[object, ...]] = field(default_factory=set)
    phases: set[str] = field(default_factory=set)
    effects: Counter[str] = field(default_factory=Counter)


def every_event(m: ModuleType) -> list[Any]:
    return [
        m.Born(),
        *(m.Registered(m.Extension(OTEL, True, invoke=i, shutdown=True)) for i in (True, False)),
        m.Registered(m.Extension(MUTE, True)),
        m.Registered(m.Extension(INNER, False, invoke=True)),
        m.Registered(m.Extension("forged", True)),
        *(m.AskedNext(party) for party in (RUNTIME, OTEL, MUTE, INNER, "nobody")),
        *(
            m.ExtensionFailed(party, state, "Own.Words")
            for party in (OTEL, INNER)
            for state in (ExtensionState.INIT_ERROR, ExtensionState.EXIT_ERROR)
        ),
        m.InitErrorPosted("Runtime.X"),
        m.AskedRestore(),
        m.RestoreErrorPosted("Runtime.X"),
        m.RestoreLimitPassed(),
        *(m.Assigned(r) for r in (R1, R2)),
        *(m.ResponseBegan(r) for r in (R1, R2, "forged")),
        *(m.Answered(r, f) for r in (R1, R2, "forged") for f in (None, faults.OVERSIZED)),
        *(m.Exited(party, FAULT) for party in (RUNTIME, OTEL, MUTE)),
        *(m.DeadlinePassed(r) for r in (R1, R2)),
        m.InitLimitPassed(),
        m.BudgetSpent(),
        m.Retired(),
        m.Lost("lost"),
    ]


def walk(m: ModuleType, externals: frozenset[str] = frozenset(), origin: str = "") -> Seen:
    """origin: of the environment, if it is not made on demand."""
    seen, tables = Seen(), set[tuple[object, ...]]()
    born = m.Origin(origin) if origin else m.Origin.ON_DEMAND
    frontier = [(m.Lifecycle(externals=externals, origin=born), Observer())]
    while frontier:
        life, world = frontier.pop()
        state = (*freeze(life), *world.key())
        if state in seen.states:
            continue
        seen.states.add(state)
        seen.phases.add(life.phase)
        check_state(m, life, world)
        if freeze(life) not in tables:
            tables.add(freeze(life))
            check_table(m, life)
        for event in every_event(m):
            if isinstance(event, m.Exited) and event.party not in world.running:
                continue  # what does not run cannot exit
            if isinstance(event, m.Assigned) and event.request_id == world.in_hand:
                continue  # ids are never reused
            if isinstance(event, m.Retired) and world.in_hand is not None:
                check_refused(m, life, event)
                continue
            frontier.append(step(m, life, world, event, seen))
    return seen


def twin(life: Any) -> Any:
    """A copy with a life of its own; copy.deepcopy() takes five times as long."""
    other = copy.copy(life)
    for name in ("extensions", "alive", "busy", "failed"):
        setattr(other, name, getattr(life, name).copy())
    return other


def freeze(life: Any) -> tuple[object, ...]:
    registered = frozenset((e.name, e.invoke) for e in life.extensions.values())
    busy, alive = frozenset(life.busy), frozenset(life.alive)
    failed = frozenset((party, state) for party, (state, _) in life.failed.items())
    flags = life.streaming, life.answered, life.killed, life.farewell, life.asked_restore
    return life.phase, registered, alive, busy, life.request_id, failed, *flags


def check_refused(m: ModuleType, life: Any, event: Any) -> None:
    again = twin(life)
    try:
        again.handle(event)
    except m.NotAllowed:
        assert again == life
    else:
        raise AssertionError(f"{event} was accepted while {life.phase}")


def check_state(m: ModuleType, life: Any, world: Observer) -> None:
    phase = m.Phase
    assert world.available == (life.phase in (phase.IDLE, phase.BLANK))
    at_work = (phase.INVOKE, phase.REINIT, phase.RESTORE)
    if life.phase in at_work or (life.phase is phase.INIT and world.init):
        assert life.busy, "somebody is busy until it ends"
    elif life.phase is not phase.INIT:
        assert not life.busy, "nobody is busy while nothing goes on"
    assert world.dead == (life.phase is phase.DEAD)
    assert (life.phase is phase.REINIT) == (world.init == "invoke")
    assert (life.phase is phase.RESTORE) == (world.init == "restore")
    if life.origin is not m.Origin.ON_DEMAND:
        assert life.phase not in (phase.RESET, phase.BLANK, phase.REINIT), "nothing starts over"
    assert (life.phase in (phase.INVOKE, phase.REINIT)) == (world.in_hand is not None)
    if not world.dead:
        assert life.alive == world.running, "the machine knows who runs"
        assert life.phase is not phase.RESET or world.running, "a reset ends with the last exit"
    if world.asked and not world.killed and world.running and not world.dead:
        assert world.told == (RUNTIME not in world.running), "extensions hear when it is gone"


def check_table(m: ModuleType, life: Any) -> None:
    """The APIs' tables of legal calls and the machine agree in every state."""
    if life.phase is m.Phase.DEAD:
        return
    held = life.request_id or R1
    snap_start = (
        (Call.RESTORE_NEXT, m.AskedRestore(), None),
        (Call.RESTORE_ERROR, m.RestoreErrorPosted("Runtime.X"), None),
    )  # else the API has no such calls
    responds = life.runtime_state is RuntimeState.RESPONDING  # and may end what it began
    for call, event, request_id in (
        (Call.NEXT, m.AskedNext(RUNTIME), None),
        (Call.INIT_ERROR, m.InitErrorPosted("Runtime.X"), None),
        (Call.RESPONSE, m.ResponseBegan(held), held),
        (Call.RESPONSE, m.ResponseBegan(held) if responds else m.Answered(held), held),
        (Call.RESPONSE, m.Answered("forged"), "forged"),
        *(snap_start if life.origin is not m.Origin.ON_DEMAND else ()),
    ):
        matches = request_id is not None and life.handed(request_id)
        legal = refusal(life.runtime_state, call, id_matches=matches) is None
        try:
            twin(life).handle(event)
        except m.NotAllowed:
            assert not legal, f"the table allows {call.name} while {life.phase}"
        else:
            assert legal, f"the table refuses {call.name} while {life.phase}"
    for party in life.extensions:
        for called, told in (
            (ExtensionCall.NEXT, m.AskedNext(party)),
            (ExtensionCall.INIT_ERROR, m.ExtensionFailed(party, ExtensionState.INIT_ERROR, "T")),
            (ExtensionCall.EXIT_ERROR, m.ExtensionFailed(party, ExtensionState.EXIT_ERROR, "T")),
        ):
            state = life.extension_state(party)
            legal = extension_refusal(state, called, party) is None
            if called is ExtensionCall.NEXT and life.ending:
                continue  # answered by SHUTDOWN, or not at all
            try:
                twin(life).handle(told)
            except m.NotAllowed:
                assert not legal, f"the table allows {called.name} in {state}"
            else:
                assert legal, f"the table refuses {called.name} in {state}"


def step(m: ModuleType, before: Any, was: Observer, event: Any, seen: Seen) -> tuple[Any, Observer]:
    life, world = twin(before), copy.copy(was)
    try:
        effects = life.handle(event)
    except m.NotAllowed:
        assert life == before, "a refused event changes nothing"
        return life, world
    if was.dead:
        assert effects == [], "after Kill silence"
        return life, world
    check_event(m, before, world, event)
    for effect in effects:
        seen.effects[type(effect).__name__] += 1
        assert not world.dead, "nothing follows Kill"
        observe(m, world, effect)
    if isinstance(event, m.Assigned) and was.fresh:
        assert world.init == "invoke", "after a reset the next invocation begins with an init"
    return life, world


def check_event(m: ModuleType, before: Any, world: Observer, event: Any) -> None:
    """What this event alone lets the world know."""
    match event:
        case m.Assigned(request_id):
            assert world.available, "only an idle environment is assigned"
            assert world.in_hand is None
            world.in_hand, world.owed, world.began = request_id, True, False
            world.available = world.streaming = False
        case m.ResponseBegan(request_id):
            assert request_id == world.in_hand and world.owed and not world.init
            assert not world.streaming, "an answer begins once"
            world.streaming = True
        case m.Answered(request_id):
            assert request_id == world.in_hand and world.owed and not world.init
        case m.DeadlinePassed(request_id):
            assert request_id == world.in_hand, "only what is in hand can expire"
        case m.Exited(party):
            world.running -= {party}
        case m.ExtensionFailed(party):
            assert party in world.names - world.failed, "somebody else's last words"
            world.failed |= {party}
        case m.InitLimitPassed():
            assert world.init == "init"
        case m.RestoreLimitPassed():
            assert world.init == "restore"
        case m.Registered(extension):
            assert world.door, "registration is closed"
            assert extension.external == (extension.name in before.externals), "a false name"
            assert extension.external <= (extension.name in world.running), "a dead man's name"
            assert extension.name not in world.names, "registered twice"
            assert world.running, "nobody is there to register"
            world.names |= {extension.name}
        case m.AskedNext(party) if party == RUNTIME:
            world.door = False


def observe(m: ModuleType, world: Observer, effect: Any) -> None:
    match effect:
        case m.Start(party):
            assert party not in world.running, "started twice"
            assert world.init, "processes start in an init"
            world.running |= {party}
            world.fresh = False
        case m.InitBegan(phase):
            assert world.init is None and (phase == "invoke") == (world.in_hand is not None)
            assert not world.running, "an init begins with nobody there"
            world.init, world.door = phase, True
            world.names = world.failed = frozenset()
            world.asked = world.told = world.killed = False
        case m.RestoreBegan():
            assert world.init is None and not world.running and world.fresh, "restored once"
            world.init = "restore"
        case m.Restore() | m.RestoreEnded():
            assert world.init == "restore", "no restore is under way"
            world.init = world.init if isinstance(effect, m.Restore) else None
        case m.InitEnded(phase, status, _, seen):
            assert phase == world.init
            if status == m.Status.SUCCESS:
                assert {one.party for one in seen} == world.names
                assert all(one.state == ExtensionState.READY for one in seen)
            world.init, world.door = None, False
        case m.Deliver(request_id, to):
            assert request_id == world.in_hand and world.owed, "delivered without need"
            assert world.init is None and RUNTIME in world.running and RUNTIME in to
        case m.InvokeBegan(request_id):
            assert request_id == world.in_hand and not world.began
            world.began = True
        case m.RuntimeDone(request_id):
            assert (request_id is None) == (world.init is not None)
            assert request_id in (None, world.in_hand) and not (request_id and world.owed)
            assert RUNTIME in world.running, "a dead runtime is done with nothing"
        case m.Finish(request_id) | m.Abandon(request_id):
            assert request_id == world.in_hand and world.owed, "a result nobody waits for"
            if isinstance(effect, m.Finish):
                assert effect.streamed == world.streaming, "an error is told where the answer is"
            world.owed = False
        case m.InvokeEnded(request_id):
            assert request_id == world.in_hand and world.began
            assert not world.owed, "an invocation was dropped"
            world.in_hand = None
        case m.BecomeIdle():
            assert not world.available and world.in_hand is None and world.init is None
            world.available = True
            world.fresh = not world.running
        case m.Withdraw():
            assert world.available
            world.available = False
        case m.Dismiss(budget_ms):
            assert world.names and world.running and not world.asked
            external = any(name != INNER for name in world.names)
            assert budget_ms == (2000 if external else 500)
            world.asked = True
        case m.Terminate(grace_ms):
            assert world.asked and RUNTIME in world.running
            assert grace_ms == (500 if INNER in world.names else 300)
        case m.Goodbye(_, to, kill):
            assert world.asked and not world.told and RUNTIME not in world.running
            assert to | kill == world.running and not to & kill, "everyone hears, or dies"
            assert to <= {OTEL} & world.names, "only who wants to hear"
            world.told = True
        case m.KillAll():
            world.killed = True
        case m.Kill():
            assert world.in_hand is None, "killed with an invocation in hand"
            world.dead, world.available, world.init, world.door = True, False, None, False
