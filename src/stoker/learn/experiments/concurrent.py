"""Three invocations at the same time need three environments."""

from collections.abc import Sequence

from stoker.learn.answers import Outcome
from stoker.learn.experiment import DOCS, Claim, Experiment, Made, Page, Step

_NAME = "learn-concurrent"
_SOURCE = """\
import os
import time

calls = 0


def handler(event, context):
    global calls
    calls += 1
    time.sleep(event["seconds"])
    return {
        "calls": calls,
        "environment": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
    }
"""


def _judge(seen: Sequence[Outcome]) -> tuple[Claim, ...]:
    together = seen[0].answers
    later = [outcome.answers[0] for outcome in seen[1:]]
    streams = {answer.told("environment") for answer in together}
    return (
        Claim(
            f"Three at the same time were served by {len(streams)} environments, and each was a"
            " cold start.",
            len(streams) == 3 and all(answer.cold for answer in together),
        ),
        Claim(
            f"Each has its own memory: all three counted {[a.told('calls') for a in together]}.",
            [answer.told("calls") for answer in together] == [1, 1, 1],
        ),
        Claim(
            "Three in a row needed no new one: environments that were there took them.",
            all(one.told("environment") in streams and not one.cold for one in later),
        ),
    )


EXPERIMENT = Experiment(
    name="concurrent",
    title="Three concurrent invocations",
    learns="An execution environment does one invocation at a time. Who comes while it is busy gets"
    " another, and if there is none, a cold start. So how many environments there are follows from"
    " how many invocations run at the same time: that number is the concurrency.",
    on_aws="Concurrency is the average number of requests a second, times the average seconds that"
    " one takes.",
    pages=(Page("Understanding function scaling", DOCS + "lambda-concurrency.html"),),
    functions=(Made(_NAME, _SOURCE, more={"Timeout": 60}),),
    steps=(
        Step(
            "Invoke it three times at once; each takes a moment.",
            lambda bench: bench.together(_NAME, 3),
        ),
        *(
            Step(f"Invoke it {often}.", lambda bench: bench.invoke(_NAME, {"seconds": 0}))
            for often in ("once more, alone", "again, when that is done", "a third time")
        ),
    ),
    judge=_judge,
)
