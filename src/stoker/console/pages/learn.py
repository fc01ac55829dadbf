"""The guided tour: what there is to learn, and an experiment with what came of it."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import orjson

from stoker.console.asked import Asked, Moved, Shown, Streamed, Told
from stoker.console.guard import token_of
from stoker.console.life_picture import picture
from stoker.learn.answers import Answer
from stoker.learn.experiment import Experiment
from stoker.learn.run import Run

TICK_S = 0.25  # the picture moves so often


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One invocation, for a table."""

    event: str
    mood: str
    says: str
    init: float | None  # ms, as all of these
    duration: float | None
    billed: float | None
    log: str


@dataclass(frozen=True, slots=True)
class StepRow:
    says: str
    state: str  # "done", "now", "next"
    answers: tuple[AnswerRow, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


async def show(asked: Asked) -> Shown:
    """All experiments, in the order of the course."""
    learning = asked.learning
    model = {
        "experiments": learning.experiments,
        "learned": await learning.learned(),
        "busy": learning.busy,
    }
    return Shown("learn.html", model, title="Learn")


async def experiment(asked: Asked) -> Shown:
    """What it is about, and the run of it that was last, or is under way."""
    learning, name = asked.learning, asked.names["name"]
    found, run = learning.experiment(name), learning.run(name)
    running = run is not None and not run.over.is_set()
    order = [one.name for one in learning.experiments]
    after = order.index(name) + 1
    model = {
        "one": found,
        "run": run,
        "running": running,
        "busy": learning.busy,
        "steps": steps(found, run),
        "picture": picture(run.environments) if run is not None else None,
        "left": [] if running else await learning.left(name),
        "learned": (await learning.learned()).get(name),
        "region": learning.region,
        "next": order[after] if after < len(order) else "",
    }
    return Shown("learn_experiment.html", model, title=f"Learn: {found.title}")


async def run(asked: Asked) -> Moved:
    """Begin it; its page shows how it goes on."""
    name = asked.names["name"]
    asked.learning.begin(name, keep=asked.form.get("keep", "") == "yes")
    return Moved(asked.where.path("learn", name) + "#run")


async def clear(asked: Asked) -> Moved:
    """Remove what was kept, or left."""
    name = asked.names["name"]
    await asked.learning.clear(name)
    return Moved(asked.where.path("learn", name))


async def follow(asked: Asked) -> Streamed:
    """Events `moved`, with how many steps are done, and `over`, when it is."""
    return Streamed(_follow(asked.learning.run(asked.names["name"])))


async def _follow(run: Run | None) -> AsyncGenerator[tuple[str, str], None]:
    while run is not None and not run.over.is_set():
        yield "moved", str(len(run.outcomes))
        with suppress(TimeoutError):
            await asyncio.wait_for(run.over.wait(), TICK_S)
    yield "over", ""


async def told(asked: Asked) -> Told:
    """For programs (`stoker learn`): the course, and the token by which something may be run."""
    learned = await asked.learning.learned()
    course = [
        {"name": one.name, "title": one.title, "learned": learned.get(one.name)}
        for one in asked.learning.experiments
    ]
    return Told({"token": token_of(asked.control.secret), "experiments": course})


async def experiment_told(asked: Asked) -> Told:
    """For programs: the experiment, and its last run."""
    name = asked.names["name"]
    found, run = asked.learning.experiment(name), asked.learning.run(name)
    return Told({**about(found), "run": None if run is None else of_run(run)})


def about(one: Experiment) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "learns": one.learns,
        "on_aws": one.on_aws,
        "differs": one.differs,
        "pages": [{"title": page.title, "url": page.url} for page in one.pages],
        "steps": [step.says for step in one.steps],
    }


def of_run(run: Run) -> dict[str, Any]:
    """What was observed, as JSON."""
    return {
        "over": run.over.is_set(),
        "doing": run.doing,
        "good": run.good,
        "failed": run.failed,
        "took_ms": round(run.took_ms, 1),
        "claims": [{"says": claim.says, "holds": claim.holds} for claim in run.claims],
        "outcomes": [
            {
                "facts": dict(outcome.facts),
                "answers": [_answer_told(answer) for answer in outcome.answers],
            }
            for outcome in run.outcomes
        ],
    }


def _answer_told(answer: Answer) -> dict[str, Any]:
    found = answer.measured
    return {
        "event": answer.event,
        "payload": answer.payload,
        "error": answer.error,
        "message": answer.message,
        "version": answer.version,
        "init_ms": answer.before_ms,
        "duration_ms": found.duration_ms if found else None,
        "billed_ms": found.billed_ms if found else None,
        "log": answer.log,
    }


def steps(one: Experiment, run: Run | None) -> list[StepRow]:
    """All steps of it; those that are done with what they observed."""
    outcomes = [] if run is None else run.outcomes
    rows = []
    for number, step in enumerate(one.steps):
        if number < len(outcomes):
            outcome = outcomes[number]
            answers = tuple(row_of(answer) for answer in outcome.answers)
            rows.append(StepRow(step.says, "done", answers, facts_of(outcome.facts)))
        else:
            now = run is not None and run.doing == step.says
            rows.append(StepRow(step.says, "now" if now else "next"))
    return rows


def row_of(answer: Answer) -> AnswerRow:
    found = answer.measured
    return AnswerRow(
        event=_said(answer.event),
        mood="bad" if answer.error else "good",
        says=_outcome(answer),
        init=answer.before_ms,
        duration=found.duration_ms if found else None,
        billed=found.billed_ms if found else None,
        log=answer.log,
    )


def facts_of(facts: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((name, _said(value)) for name, value in facts.items())


def _outcome(answer: Answer) -> str:
    if answer.refused:
        return f"{answer.error}: {answer.message}"
    payload = _said(answer.payload)
    return f"{answer.error}: {payload}" if answer.error else payload


def _said(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()
