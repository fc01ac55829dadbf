"""The environment's life: walks a reader can follow, then every state there is, then mutants."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

from stoker.core import lifecycle
from stoker.core.extension_states import ExtensionState
from stoker.core.faults import Fault
from stoker.core.invocation import RequestId
from stoker.core.lifecycle import Lifecycle, NotAllowed
from stoker.core.lifecycle_words import (
    RUNTIME,
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
    Finish,
    Goodbye,
    InitBegan,
    InitEnded,
    InitLimitPassed,
    InvokeBegan,
    InvokeEnded,
    Kill,
    KillAll,
    Origin,
    Party,
    Phase,
    Registered,
    ResponseBegan,
    Restore,
    RestoreBegan,
    RestoreEnded,
    Retired,
    RuntimeDone,
    Start,
    Status,
    Terminate,
    Withdraw,
)
from stoker.core.runtime_states import RuntimeState
from tests.core.lifecycle_walk import MUTE, OTEL, Seen, walk

R1, R2 = RequestId("r1"), RequestId("r2")
EXTENSION = Party(OTEL)
CRASH = Fault("Runtime.ExitError", "Runtime exited with error: exit status 1")


def after(*events: Event, externals: frozenset[Party] = frozenset()) -> Lifecycle:
    env = Lifecycle(timeout_s=3, externals=externals)
    for event in events:
        env.handle(event)
    return env


def warm() -> Lifecycle:
    return after(Born(), AskedNext(RUNTIME))


def test_a_cold_start_and_two_warm_invocations() -> None:
    env = Lifecycle()
    assert env.handle(Born()) == [InitBegan("init"), Start(RUNTIME)]
    assert env.handle(AskedNext(RUNTIME)) == [InitEnded("init"), BecomeIdle()]
    for request in (R1, R2):
        to_runtime = Deliver(request, to=frozenset({RUNTIME}))
        assert env.handle(Assigned(request)) == [to_runtime, InvokeBegan(request)]
        assert env.handle(Answered(request)) == [Finish(request)]
        assert env.handle(AskedNext(RUNTIME)) == [InvokeEnded(request), BecomeIdle()]


def test_asking_again_before_answering_gives_the_same_event() -> None:
    env = warm()
    env.handle(Assigned(R1))
    assert env.handle(AskedNext(RUNTIME)) == [Deliver(R1, to=frozenset({RUNTIME}))]


def test_from_its_first_byte_on_an_error_is_told_behind_the_answer() -> None:
    env = warm()
    env.handle(Assigned(R1))
    assert env.handle(ResponseBegan(R1)) == []
    assert env.runtime_state is RuntimeState.RESPONDING
    effects = env.handle(Exited(RUNTIME, CRASH))
    assert effects[0] == Finish(R1, CRASH, streamed=True)
    assert InvokeEnded(R1, Status.ERROR, CRASH) in effects


def test_a_streamed_answer_ends_like_any_other() -> None:
    env = warm()
    env.handle(Assigned(R1))
    env.handle(ResponseBegan(R1))
    assert env.handle(Answered(R1)) == [Finish(R1, streamed=True)]
    assert env.handle(AskedNext(RUNTIME)) == [InvokeEnded(R1), BecomeIdle()]
    env.handle(Assigned(R2))
    assert env.handle(Answered(R2)) == [Finish(R2)]


def test_a_timeout_answers_the_caller_before_anything_else_and_resets() -> None:
    env = warm()
    env.handle(Assigned(R1))
    fault = Fault("Sandbox.Timedout", "Task timed out after 3.00 seconds")
    env.timeout_s = 3
    assert env.handle(DeadlinePassed(R1)) == [
        Finish(R1, fault),
        KillAll(),
        InvokeEnded(R1, Status.TIMEOUT, fault),
    ]
    assert env.handle(Exited(RUNTIME, CRASH)) == [BecomeIdle()]
    assert env.phase is Phase.BLANK


def test_after_a_reset_the_next_invocation_pays_for_its_own_init() -> None:
    env = after(Born(), AskedNext(RUNTIME), Assigned(R1), Exited(RUNTIME, CRASH))
    assert env.phase is Phase.BLANK
    assert env.handle(Assigned(R2)) == [InitBegan("invoke"), Start(RUNTIME)]
    assert env.handle(AskedNext(RUNTIME)) == [
        InitEnded("invoke"),
        Deliver(R2, to=frozenset({RUNTIME})),
        InvokeBegan(R2),
    ]


def test_the_deadline_counts_during_a_suppressed_init() -> None:
    env = after(Born(), Exited(RUNTIME, CRASH), Assigned(R1))
    effects = env.handle(DeadlinePassed(R1))
    assert isinstance(effects[0], Finish)
    assert [type(effect) for effect in effects] == [
        Finish, KillAll, InitEnded, InvokeBegan, InvokeEnded,
    ]  # fmt: skip


def test_a_crash_after_the_answer_leaves_the_answer_standing() -> None:
    env = after(Born(), AskedNext(RUNTIME), Assigned(R1), Answered(R1))
    assert env.handle(Exited(RUNTIME, CRASH)) == [
        KillAll(),
        InvokeEnded(R1, Status.ERROR, CRASH),
        BecomeIdle(),
    ]


def test_an_init_over_its_limit_is_reset_without_an_error_type() -> None:
    env = after(Born())
    assert env.handle(InitLimitPassed()) == [
        KillAll(),
        InitEnded("init", Status.TIMEOUT, None),
    ]


def test_a_late_timer_cannot_hit_the_next_invocation() -> None:
    env = after(Born(), AskedNext(RUNTIME), Assigned(R1), Answered(R1), AskedNext(RUNTIME))
    env.handle(Assigned(R2))
    with pytest.raises(NotAllowed):
        env.handle(DeadlinePassed(R1))


def test_the_runtime_starts_when_every_external_extension_has_registered() -> None:
    other = Party("other")
    env = after(externals=frozenset({EXTENSION, other}))
    assert env.handle(Born()) == [InitBegan("init"), Start(EXTENSION), Start(other)]
    assert env.handle(Registered(Extension(EXTENSION, external=True, invoke=True))) == []
    assert env.handle(Registered(Extension(other, external=True))) == [Start(RUNTIME)]
    assert env.handle(AskedNext(RUNTIME)) == [RuntimeDone(None)]
    assert env.handle(AskedNext(EXTENSION)) == []
    ended, idle = env.handle(AskedNext(other))
    assert isinstance(ended, InitEnded)
    assert idle == BecomeIdle()
    assert [(seen.party, seen.state) for seen in ended.extensions] == [
        (EXTENSION, ExtensionState.READY),
        (other, ExtensionState.READY),
    ]


def with_extension() -> Lifecycle:
    return after(
        Born(),
        Registered(Extension(EXTENSION, external=True, invoke=True, shutdown=True)),
        AskedNext(RUNTIME),
        AskedNext(EXTENSION),
        externals=frozenset({EXTENSION}),
    )


def test_an_extension_keeps_the_environment_busy_after_the_answer_is_out() -> None:
    env = with_extension()
    both = frozenset({RUNTIME, EXTENSION})
    assert env.handle(Assigned(R1)) == [Deliver(R1, to=both), InvokeBegan(R1)]
    assert env.handle(Answered(R1)) == [Finish(R1)]  # the caller is served here ...
    assert env.handle(AskedNext(RUNTIME)) == [RuntimeDone(R1)]
    assert env.handle(AskedNext(EXTENSION)) == [InvokeEnded(R1), BecomeIdle()]  # ... capacity here


def test_an_external_extension_gets_two_seconds_to_say_goodbye() -> None:
    env = with_extension()
    assert env.handle(Retired()) == [Withdraw(), Dismiss(2000), Terminate(300)]
    heard, nobody = frozenset({EXTENSION}), frozenset[Party]()
    assert env.handle(Exited(RUNTIME, CRASH)) == [Goodbye("spindown", heard, nobody)]
    assert env.handle(BudgetSpent()) == [KillAll()]
    assert env.handle(Exited(EXTENSION, CRASH)) == [Kill("retired")]


def test_an_extension_that_does_not_want_to_hear_of_the_end_is_killed_after_the_runtime() -> None:
    env = after(
        Born(),
        Registered(Extension(EXTENSION, external=True)),
        AskedNext(RUNTIME),
        AskedNext(EXTENSION),
        externals=frozenset({EXTENSION}),
    )
    assert env.handle(Retired()) == [Withdraw(), Dismiss(2000), Terminate(300)]
    killed = Goodbye("spindown", frozenset(), frozenset({EXTENSION}))
    assert env.handle(Exited(RUNTIME, CRASH)) == [killed]


def test_an_internal_extension_gives_the_runtime_500_ms_to_leave() -> None:
    inner = Party("inner")
    env = after(Born(), Registered(Extension(inner, external=False)), AskedNext(RUNTIME))
    env.handle(AskedNext(inner))
    assert env.handle(Retired()) == [Withdraw(), Dismiss(500), Terminate(500)]
    assert env.handle(Exited(RUNTIME, CRASH)) == [Kill("retired")]


def test_an_extension_that_reports_an_error_ends_the_init_with_it() -> None:
    env = after(
        Born(),
        Registered(Extension(EXTENSION, external=True, shutdown=True)),
        externals=frozenset({EXTENSION}),
    )
    effects = env.handle(ExtensionFailed(EXTENSION, ExtensionState.INIT_ERROR, "My.Reason"))
    ended = effects[-1]
    assert isinstance(ended, InitEnded)
    assert ended.fault == Fault("Extension.InitError", "My.Reason")
    (seen,) = ended.extensions
    assert (seen.state, seen.error_type) == (ExtensionState.INIT_ERROR, "My.Reason")


def test_an_eleventh_extension_is_not_registered() -> None:
    env = after(Born())
    for number in range(10):
        env.handle(Registered(Extension(Party(f"inner{number}"), external=False)))
    with pytest.raises(NotAllowed):
        env.handle(Registered(Extension(Party("inner10"), external=False)))


def test_without_extensions_retirement_is_immediate() -> None:
    assert warm().handle(Retired()) == [Kill("retired")]


def test_processes_that_outlive_sigkill_cost_the_whole_sandbox() -> None:
    env = after(Born(), AskedNext(RUNTIME), Assigned(R1), DeadlinePassed(R1))
    assert env.handle(BudgetSpent()) == [Kill("processes outlived SIGKILL")]


def test_a_snapshot_is_ready_when_its_runtime_asks_for_its_restore() -> None:
    env = Lifecycle(origin=Origin.SNAPSHOT)
    env.handle(Born())
    assert env.handle(AskedRestore()) == [InitEnded("init"), BecomeIdle()]
    with pytest.raises(NotAllowed):
        env.handle(AskedNext(RUNTIME))


def test_a_copy_runs_its_hooks_and_is_idle() -> None:
    env = Lifecycle(origin=Origin.RESTORED)
    assert env.handle(Born()) == [RestoreBegan(), Start(RUNTIME)]
    assert env.handle(AskedRestore()) == [Restore()]
    assert env.handle(AskedNext(RUNTIME)) == [RestoreEnded(), BecomeIdle()]


def test_what_fails_in_a_copy_ends_it_and_never_starts_an_init() -> None:
    env = Lifecycle(origin=Origin.RESTORED)
    for event in (Born(), AskedRestore(), AskedNext(RUNTIME), Assigned(R1)):
        env.handle(event)
    effects = env.handle(DeadlinePassed(R1))
    assert [type(effect) for effect in effects] == [Finish, KillAll, InvokeEnded, Kill]


def test_every_law_holds_in_every_reachable_state() -> None:
    *others, together = walk_all(lifecycle)
    phases = together.phases.union(*(seen.phases for seen in others))
    assert phases == set(Phase), "the walk must reach every phase"
    names = {effect.__name__ for effect in get_args(Effect)}
    effects = set(together.effects).union(*(seen.effects for seen in others))
    assert effects == names, "the walk must see every effect"
    assert len(together.states) > 100


MUTANTS = {
    "a second answer": ("self.handed(request_id) and not self.answered", "self.handed(request_id)"),
    "an answer to any id": (
        "return self.phase is _INVOKE and request_id == self.request_id",
        "return self.phase is _INVOKE",
    ),
    "a stale timer": ("self._require(request_id == self.request_id, event)", "pass"),
    "a dropped result": ("first = [Finish(request_id, fault, self.streaming)]", "first = []"),
    "a result for who has one": (
        "if request_id is not None and not self.answered:\n            first",
        "if request_id is not None:\n            first",
    ),
    "an answer lost with the sandbox": (
        "if not self.answered:\n                effects",
        "if 0:\n                effects",
    ),
    "answered is forgotten": (
        "self.request_id, self.answered, self.streaming = request_id, False, False",
        "self.request_id, self.streaming = request_id, False",
    ),
    "a stream is forgotten": ("self.streaming = True", "pass"),
    "a stream is remembered too long": (
        "self.request_id, self.answered, self.streaming = request_id, False, False",
        "self.request_id, self.answered = request_id, False",
    ),
    "an answer begins behind its end": (
        "self._require(self.handed(request_id) and self.runtime_state is _RUNNING, event)",
        "self._require(self.handed(request_id) and not self.streaming, event)",
    ),
    "an answer begins twice": (
        "self._require(self.handed(request_id) and self.runtime_state is _RUNNING, event)",
        "self._require(self.handed(request_id) and not self.answered, event)",
    ),
    "handed out again while it is answered": ("self._require(not self.streaming, event)", "pass"),
    "assigned while busy": (
        "self._require(self.phase is _IDLE or self.phase is Phase.BLANK, event)",
        "pass",
    ),
    "delivered to nobody": ("if self.phase is _IDLE:", "if True:"),
    "idle too early": ("if not self.busy:", "if True:"),
    "done with an init that is over": ("None if self.phase in _STARTING else", ""),
    "a reset that does not wait": (
        "if self.alive:\n            return []",
        "if 0:\n            return []",
    ),
    "a reset that never ends": ("self.phase = Phase.BLANK", "pass"),
    "an init limit that comes late": (
        "self._require(self.phase is Phase.INIT and bool(self.alive), event)",
        "self._require(bool(self.alive), event)",
    ),
    "an init error in the middle of work": (
        "self._require(self.runtime_state in _FAILING[type(event)], event)",
        "pass",
    ),
    "restored twice": (
        "self._require(self.runtime_state is RuntimeState.STARTED, event)",
        "pass",
    ),
    "a restore limit that comes late": (
        "self._require(self.phase is Phase.RESTORE, event)",
        "pass",
    ),
    "a copy that starts over": (
        "if self.origin is not Origin.ON_DEMAND:\n            return [*first",
        "if False:\n            return [*first",
    ),
    "a snapshot that takes events": (
        "self._require(self.runtime_state is not RuntimeState.RESTORE_READY, event)",
        "pass",
    ),
    "registered after the door closed": (
        "bool(self.alive) and RUNTIME in self.busy,",
        "bool(self.alive),",
    ),
    "registered against the table": (
        "self._require(registration_refusal(standing, name) is None, event)",
        "pass",
    ),
    "registered under a false name": (
        "self._require(extension.external == standing.external, event)",
        "pass",
    ),
    "extensions hear before the runtime is gone": (
        "if not reason or self.killed or not self.alive or RUNTIME in self.alive:",
        "if not reason or self.killed or not self.alive:",
    ),
    "extensions never hear": (
        "return [*self._say_goodbye(), *self._everyone_gone()]",
        "return self._everyone_gone()",
    ),
    "who does not listen is told": (
        "frozenset(self.alive & wanted), frozenset(self.alive - wanted)",
        "frozenset(self.alive), frozenset()",
    ),
    "a budget for nobody": ("self.killed = not (self.extensions and self.alive)", "pass"),
    "too much time": ("SHUTDOWN_EXTERNAL_MS if external else", "SHUTDOWN_EXTERNAL_MS if 1 else"),
    "a failed extension that may fail again": ("self.failed[party] = state, kind", "pass"),
    "an error of who never registered": (
        "self._require(party in self.extensions, event)\n        standing",
        "standing",
    ),
    "life after death": ("if self.phase is _DEAD:", "if False:"),
    "retired in the middle of work": ("self._require(self.request_id is None, event)", "pass"),
    "an idle environment that died is still offered": ("first = [Withdraw()]", "first = []"),
    "a dead runtime asks": (
        "self._require(RUNTIME in self.alive and not self.ending, event)",
        "pass",
    ),
    "who left is still there": ("self.alive.discard(party)", "pass"),
    "an invocation that ends twice": (
        "if request_id is not None:\n            last.append(InvokeEnded",
        "for _ in (1, 2):\n            last.append(InvokeEnded",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_the_laws_catch(name: str) -> None:
    """The same walk over a broken copy: laws that nothing can break prove nothing."""
    mutant = broken_copy(*MUTANTS[name])
    with pytest.raises(AssertionError):
        walk_all(mutant)


def walk_all(machine: ModuleType) -> list[Seen]:
    """The two kinds of SnapStart; without, and with external extensions: the short ones first."""
    seen = [walk(machine, origin=origin) for origin in (Origin.RESTORED, Origin.SNAPSHOT)]
    return [*seen, walk(machine), walk(machine, frozenset({OTEL, MUTE}))]


def broken_copy(old: str, new: str) -> ModuleType:
    path = Path(lifecycle.__file__)
    text = path.read_text()
    assert text.count(old) == 1, f"{old!r} must stand once in {path.name}"
    spec = importlib.util.spec_from_loader("mutant", loader=None)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutant"] = module
    try:
        exec(compile(text.replace(old, new), str(path), "exec"), module.__dict__)
    finally:
        del sys.modules["mutant"]
    return module
