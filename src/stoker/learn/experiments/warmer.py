"""A warmer: what it is good for, and what not."""

from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-warmer"
_SOURCE = """\
import os
import time

time.sleep(0.1)  # a slow init: frameworks, connections


def handler(event, context):
    if event.get("warmer"):  # nobody waits for this one
        return "still warm"
    time.sleep(event["seconds"])
    return {"environment": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]}
"""


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    ping, alone, together = seen[0].answers[0], seen[1].answers[0], seen[2].answers
    cold = [answer for answer in together if answer.cold]
    return (
        Claim("The warmer's call had the cold start, and nobody waited for it.", ping.cold),
        Claim("The user who came next had a warm environment.", not alone.error and not alone.cold),
        Claim(
            f"Of two users at the same time, {len(cold)} had a cold start: one environment was kept"
            " warm, and it does one thing at a time.",
            len(cold) == 1,
        ),
    )


EXPERIMENT = Experiment(
    name="warmer",
    title="A warmer",
    learns="Some invoke their function every few minutes, so that it stays warm; the handler"
    " returns at once when it sees such an event. For little money that spares one user at a time"
    " the cold start. It does nothing for the second one at the same time, and Lambda promises"
    " nothing: it may end an environment whenever it likes. Provisioned concurrency is a promise.",
    on_aws="A schedule of EventBridge would be the warmer. AWS recommends provisioned concurrency"
    " or SnapStart instead.",
    pages=(
        Page("Lambda execution environment lifecycle", DOCS + "lambda-runtime-environment.html"),
        Page("Configuring provisioned concurrency", DOCS + "provisioned-concurrency.html"),
    ),
    functions=(Made(_NAME, _SOURCE, more={"Timeout": 60}),),
    steps=(
        Step(
            "The warmer calls.",
            lambda bench: bench.invoke(_NAME, {"warmer": True}),
        ),
        Step(
            "A user comes.",
            lambda bench: bench.invoke(_NAME, {"seconds": 0}),
        ),
        Step(
            "Two users come at the same time.",
            lambda bench: bench.together(_NAME, 2, before=[{"warmer": True}]),
        ),
    ),
    judge=_judge,
    slow=True,
)
