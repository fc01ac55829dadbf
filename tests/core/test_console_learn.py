"""The pages of the guided tour: the picture of environments, and what of answers is shown."""

import asyncio

import pytest

from stoker.console.asked import Shown, Where
from stoker.console.assets import Assets
from stoker.console.life_picture import WIDTH, picture
from stoker.console.pages import learn
from stoker.console.rendering import Rendering
from stoker.core.report_lines import Measured
from stoker.environment.view import EnvironmentView, PartSpan, PhaseSpan
from stoker.learn.answers import Answer, Outcome
from stoker.learn.experiment import Claim
from stoker.learn.experiments import reuse
from stoker.learn.run import Run
from tests.core.test_console_lives import TARGET

HOSTILE = '<script src="//x"></script>"><img onerror=a()> \u202e & {{ 7*7 }}'
MEASURED = Measured(duration_ms=1.5, billed_ms=82, memory_mb=128, max_memory_mb=40, init_ms=80.1)


def view(name: str, *spans: PhaseSpan, reason: str = "") -> EnvironmentView:
    return EnvironmentView(name, TARGET, phase="Dead", history=spans, reason=reason)


def test_a_picture_spans_from_the_first_that_was_done_to_the_last() -> None:
    parts = (PartSpan("runtime", 1100.0, 100.0), PartSpan("function", 1200.0, 200.0))
    first = view(
        "a" * 32, PhaseSpan("Create", 1000.0, 100.0), PhaseSpan("Init", 1100.0, 300.0, parts)
    )
    second = view("b" * 32, PhaseSpan("Invoke", 1500.0, 500.0), reason="retired")
    made = picture([first, second])
    assert [life.id for life in made.lives] == ["a" * 8, "b" * 8]
    assert [life.over for life in made.lives] == [False, True]
    create, init, runtime, function = made.lives[0].rects
    assert (create.kind, create.x, create.width) == ("Create", 0.0, WIDTH / 10)
    assert (init.kind, init.x, init.width) == ("Init", 100.0, 300.0)
    assert (runtime.kind, function.says) == ("part", "function: 200 ms")
    (invoke,) = made.lives[1].rects
    assert invoke.x + invoke.width == WIDTH
    assert made.ticks == ("0 ms", "250 ms", "500 ms", "750 ms", "1 s")


def test_what_is_short_can_be_seen_and_nothing_leaves_the_picture() -> None:
    spans = (PhaseSpan("Invoke", 0.0, 60_000.0), PhaseSpan("Reset", 60_000.0, 0.1))
    (life,) = picture([view("c" * 32, *spans)]).lives
    assert all(rect.width >= 2 and rect.x <= WIDTH - 2 for rect in life.rects)
    assert picture([]).lives == ()
    assert picture([view("d" * 32)]).lives == (), "nothing was done by it yet"


def run_of(*outcomes: Outcome, claims: tuple[Claim, ...] = ()) -> Run:
    run = Run(reuse.EXPERIMENT, keep=False, began_ms=0.0, lives=list)
    run.outcomes.extend(outcomes)
    run.claims = claims
    return run


def test_steps_are_done_under_way_or_to_come() -> None:
    answer = Answer({"n": 1}, {"calls": 1}, measured=MEASURED)
    run = run_of(Outcome((answer,), {"streams": 2}))
    run.doing = reuse.EXPERIMENT.steps[1].says
    rows = learn.steps(reuse.EXPERIMENT, run)
    assert [row.state for row in rows] == ["done", "now", "next"]
    assert rows[0].facts == (("streams", "2"),)
    (shown,) = rows[0].answers
    assert (shown.event, shown.says, shown.mood) == ('{"n":1}', '{"calls":1}', "good")
    assert (shown.init, shown.duration, shown.billed) == (80.1, 1.5, 82)
    assert {row.state for row in learn.steps(reuse.EXPERIMENT, None)} == {"next"}


def test_what_was_refused_or_failed_is_said() -> None:
    refused = Answer({}, error="TooManyRequestsException", refused=True, message="Rate Exceeded.")
    assert learn.row_of(refused).says == "TooManyRequestsException: Rate Exceeded."
    failed = Answer({}, {"errorMessage": "no"}, error="Unhandled")
    assert learn.row_of(failed).says == 'Unhandled: {"errorMessage":"no"}'
    assert learn.row_of(failed).mood == "bad"


@pytest.mark.parametrize("over", [False, True])
def test_whatever_a_function_answers_is_harmless_on_the_page(over: bool) -> None:
    """Nothing keeps others from having a function of that name in that account."""
    answer = Answer(HOSTILE, {HOSTILE: HOSTILE}, error=HOSTILE, log=HOSTILE * 100)
    run = run_of(Outcome((answer,), {HOSTILE: HOSTILE}), claims=(Claim(HOSTILE, holds=False),))
    run.failed = HOSTILE
    life = view(HOSTILE, PhaseSpan(HOSTILE, 0.0, 1.0), reason=HOSTILE)
    run.seen = [life]
    if over:
        run.over.set()
    model = {
        "one": reuse.EXPERIMENT, "run": run, "running": not over, "busy": "", "learned": None,
        "steps": learn.steps(reuse.EXPERIMENT, run), "picture": picture([life]),
        "left": [HOSTILE], "region": "us-east-1", "next": "",
    }  # fmt: skip
    where = Where("000000000000", "us-east-1")
    page = Shown("learn_experiment.html", model, title="Learn")
    text = Rendering(Assets(), "token").page(page, where, "", [], partial=True).decode()
    assert '<script src="//x' not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert "{{ 7*7 }}" in text


def test_who_follows_a_run_hears_of_its_end() -> None:
    async def followed(run: Run | None) -> list[tuple[str, str]]:
        return [event async for event in learn._follow(run)]

    assert asyncio.run(followed(None)) == [("over", "")]
    ended = run_of()
    ended.over.set()
    assert asyncio.run(followed(ended)) == [("over", "")]
