"""What is said of each party, in the life of an environment with two kinds of extensions."""

from stoker.core import faults
from stoker.core.doings import NEXT, doings
from stoker.core.invocation import RequestId
from stoker.core.lifecycle import Lifecycle
from stoker.core.lifecycle_words import (
    RUNTIME,
    Answered,
    AskedNext,
    Assigned,
    Born,
    BudgetSpent,
    DeadlinePassed,
    Exited,
    Extension,
    Phase,
    Registered,
    Retired,
    extension_party,
)

AGENT, INNER = extension_party("agent"), extension_party("inner")
R1 = RequestId("r1")
GONE = faults.Fault("Runtime.ExitError", "gone")


def said(life: Lifecycle) -> list[str]:
    return [f"{party} {words}" for party, words in doings(life).items()]


def idle() -> Lifecycle:
    life = Lifecycle(externals=frozenset({AGENT}))
    for event in (
        Born(),
        Registered(Extension(AGENT, external=True, invoke=True, shutdown=True)),
        Registered(Extension(INNER, external=False)),
        AskedNext(AGENT),
        AskedNext(INNER),
        AskedNext(RUNTIME),
    ):
        life.handle(event)
    return life


def test_in_an_init_the_runtime_waits_for_extensions_to_register() -> None:
    life = Lifecycle(externals=frozenset({AGENT}))
    life.handle(Born())
    late = "runtime is started when all extensions have registered"
    assert said(life) == [late, f"{AGENT} has not registered yet"]
    life.handle(Registered(Extension(AGENT, external=True, invoke=True)))
    assert said(life) == ["runtime initializes", f"{AGENT} initializes"]
    life.handle(AskedNext(AGENT))
    assert said(life) == ["runtime initializes", f"{AGENT} {NEXT}"]


def test_in_an_invocation_each_is_at_work_until_it_asks_again() -> None:
    life = idle()
    assert said(life) == [f"runtime {NEXT}", f"{AGENT} {NEXT}", f"{INNER} {NEXT}"]
    life.handle(Assigned(R1))
    assert said(life) == [
        "runtime handles invocation r1", f"{AGENT} handles invocation r1", f"{INNER} {NEXT}",
    ]  # fmt: skip
    life.handle(Answered(R1))
    assert said(life)[0] == "runtime has answered, and has not asked for the next event"
    life.handle(AskedNext(RUNTIME))
    assert said(life)[:2] == [f"runtime {NEXT}", f"{AGENT} handles invocation r1"]


def test_at_the_end_extensions_hear_of_it_when_the_runtime_has_left() -> None:
    life = idle()
    life.handle(Retired())
    assert said(life)[:2] == [
        "runtime was told to leave", f"{AGENT} hears of the end when the runtime has left",
    ]  # fmt: skip
    life.handle(Exited(RUNTIME, GONE))
    assert said(life) == [
        "runtime has left", f"{AGENT} was told to leave", f"{INNER} has left with the runtime",
    ]  # fmt: skip
    life.handle(BudgetSpent())
    assert said(life)[1] == f"{AGENT} is being killed"


def test_where_nobody_runs_nothing_is_said() -> None:
    life = idle()
    life.handle(Assigned(R1))
    life.handle(DeadlinePassed(R1))
    life.handle(Exited(RUNTIME, GONE))
    life.handle(Exited(AGENT, GONE))
    assert (life.phase, doings(life)) == (Phase.BLANK, {})
