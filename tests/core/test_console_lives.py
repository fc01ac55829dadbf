"""What the live page is told of environments."""

import pytest

from stoker.console import lives
from stoker.console.pages.environments import Spent, busy, steps
from stoker.core.concurrency import Standing
from stoker.core.invocation import LogSettings, Target
from stoker.core.scaling import RULES
from stoker.environment.view import EnvironmentView, PartSpan, PhaseSpan
from stoker.invoke.invoker import Level

TARGET = Target(
    "000000000000", "eu-central-1", "f", "$LATEST", "python3.11", "main.handler", "", "0" * 64, (),
    128, 3, 512, (), LogSettings("/aws/lambda/f"),
)  # fmt: skip


def spans(*told: tuple[str, float], began: float = 1000.0) -> list[PhaseSpan]:
    """One after the other."""
    found = []
    for phase, ms in told:
        found.append(PhaseSpan(phase, began, ms))
        began += ms
    return found


def view(name: str, *history: PhaseSpan, phase: str = "Idle", **more: object) -> EnvironmentView:
    return EnvironmentView(name, TARGET, phase, history=tuple(history), **more)  # type: ignore[arg-type]


def test_short_phases_are_one_bar_that_is_busy_if_there_was_an_invocation() -> None:
    many = spans(*[("Invoke", 0.5), ("Idle", 0.1), ("Frozen", 0.4)] * 20, ("Frozen", 5))
    assert lives.bars(many) == [["Invoke", 1000.0, 20.0, 20, []], ["Frozen", 1020.0, 5, 0, []]]
    calm = spans(("Idle", 3), ("Frozen", 4), ("Invoke", 100))
    assert [bar[0] for bar in lives.bars(calm)] == ["Frozen", "Invoke"]


def test_long_phases_and_inits_stand_alone() -> None:
    told = spans(
        ("Create", 1), ("Init", 2), ("Invoke", 400), ("Idle", 3), ("Frozen", 1), ("Dead", 0)
    )
    assert [bar[0] for bar in lives.bars(told)] == ["Create", "Init", "Invoke", "Frozen"]


def test_the_present_phase_is_never_a_part_of_a_run() -> None:
    told = spans(("Invoke", 1), ("Idle", 1), ("Frozen", 2))
    assert [bar[0] for bar in lives.bars(told)] == ["Invoke", "Frozen"]


def test_parts_are_told_where_somebody_else_takes_part() -> None:
    runtime, agent = PartSpan("runtime", 1, 2), PartSpan("extension:agent", 1, 40)
    alone = PhaseSpan("Invoke", 1, 50, (runtime,))
    both = PhaseSpan("Invoke", 51, 50, (runtime, agent))
    assert [bar[4] for bar in lives.bars([alone, both])] == [
        [],
        [["runtime", 1, 2], ["extension:agent", 1, 40]],
    ]


def test_a_follower_hears_of_each_change_once() -> None:
    follower = lives.Follower()
    idle = view("a", *spans(("Init", 5), ("Idle", 50)))
    assert [one["id"] for one in follower.news([idle], [], 1060)] == ["a"]
    longer = view("a", *spans(("Init", 5), ("Idle", 99)))
    assert follower.news([longer], [], 1110) == []
    busy = view("a", *spans(("Init", 5), ("Idle", 99), ("Invoke", 30)), phase="Invoke")
    (told,) = follower.news([busy], [], 1140)
    assert told["phase"] == "Invoke"
    assert [bar[0] for bar in told["bars"]] == ["Invoke"], "the rest is known"
    gone = view("a", *spans(("Invoke", 30)), phase="Dead", reason="retired")
    (last,) = follower.news([], [gone], 1200)
    assert (last["phase"], last["reason"]) == ("Dead", "retired")
    assert follower.news([], [gone], 1300) == []


def test_of_what_was_being_made_all_is_told_when_it_is_there() -> None:
    follower = lives.Follower()
    (making,) = follower.news([view("a", phase="Create")], [], 1000)
    assert making["bars"] == []
    made = view("a", *spans(("Create", 5), ("Init", 2), ("Idle", 90), began=900))
    (told,) = follower.news([made], [], 1100)
    assert [bar[0] for bar in told["bars"]] == ["Create", "Init", "Idle"]


def test_a_follower_keeps_no_more_than_there_is() -> None:
    follower = lives.Follower()
    for number in range(1000):
        name = str(number)
        follower.news([view(name, *spans(("Idle", 1)))], [view(f"e{name}")], number)
    assert len(follower.states) == len(follower.ended) == 1


def test_the_level_shows_what_is_set_aside_and_what_is_left() -> None:
    found = Level(
        limit=100,
        functions={"f": Standing(7, 5, 2), "g": Standing(3, None, 4), "h": Standing(1, 10, 0)},
        waiting={"g": 2},
        growth=12.7,
        rule=RULES["1000/10s"],
    )
    told = lives.level(found, "g", {"g": 3, "f": 1})
    assert told["running"] == 11
    assert (told["reserved"], told["reserved_running"], told["provisioned"]) == (15, 6, 4)
    assert (told["waiting"], told["throttled"]) == (2, 4)
    assert told["function"] == {
        "running": 3, "reserved": None, "provisioned": 4,
        "growth": 12, "burst": 1000, "per_s": 100.0,
    }  # fmt: skip
    assert lives.level(found, "", {})["function"] is None


def test_steps_are_bars_one_behind_the_other() -> None:
    assert [(one.began, one.length) for one in steps([("a", 1.0), ("b", 3.0)])] == [
        (0.0, 250.0),
        (250.0, 750.0),
    ]
    assert steps([]) == []
    assert [one.length for one in steps([("none", 0.0)])] == [3.0]


def test_the_cpu_that_was_used_is_said_from_one_look_to_the_next() -> None:
    before = Spent(10.0, {1: 5.0, 2: 1.0, 3: 9.0})
    assert busy(before, Spent(12.0, {1: 5.5, 2: 1.0, 4: 0.3})) == pytest.approx(0.4)
    assert busy(None, before) is None
    assert busy(before, Spent(10.05, {1: 6.0})) is None
    assert busy(before, Spent(11.0, {1: 4.0})) == 0, "another process has that number"
