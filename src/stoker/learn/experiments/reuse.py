"""Container reuse: what an environment keeps from one invocation to the next."""

from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-reuse"
_SOURCE = """\
import os
from pathlib import Path

calls = 0  # once for each environment: this is init
notes = Path("/tmp/notes.txt")


def handler(event, context):
    global calls
    calls += 1
    with notes.open("a") as file:
        file.write("x")
    return {
        "calls": calls,
        "notes": len(notes.read_text()),  # of all invocations of this environment
        "environment": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
    }
"""


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    answers = [outcome.answers[0] for outcome in seen]
    calls = [one.told("calls") for one in answers]
    notes = [one.told("notes") for one in answers]
    streams = {one.told("environment") for one in answers}
    return (
        Claim(
            "The first was a cold start: its REPORT has an Init Duration.",
            answers[0].cold,
        ),
        Claim(
            f"The same environment served all three: {', '.join(map(str, streams))}.",
            len(streams) == 1,
        ),
        Claim(
            f"The counter in memory went on, {calls}, and so did the file in /tmp, {notes}.",
            calls == [1, 2, 3] and notes == [1, 2, 3],
        ),
        Claim(
            "The second and the third were warm starts: their REPORT has no Init Duration.",
            not answers[1].cold and not answers[2].cold,
        ),
    )


EXPERIMENT = Experiment(
    name="reuse",
    title="Container reuse",
    learns="After an invocation the execution environment is not thrown away. It is frozen, and the"
    " next invocation may get it again: with the variables of your module as they are, and with the"
    " files in /tmp. That is why a second call is faster, and why you must not keep one customer's"
    " data where the next one's request finds it. You cannot count on getting it again, either.",
    on_aws="An environment is kept for some time after an invocation; nobody says for how long.",
    pages=(
        Page("Lambda execution environment lifecycle", DOCS + "lambda-runtime-environment.html"),
        Page("Best practices", DOCS + "best-practices.html"),
    ),
    functions=(Made(_NAME, _SOURCE),),
    steps=(
        Step("Invoke it for the first time.", lambda bench: bench.invoke(_NAME, {})),
        Step("Invoke it again.", lambda bench: bench.invoke(_NAME, {})),
        Step("And once more.", lambda bench: bench.invoke(_NAME, {})),
    ),
    judge=_judge,
)
